//! What would change is what does; and what is tried and taken back leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use openflow::{Flow, FlowId};
use proptest::prelude::*;
use rustc_hash::FxHashMap;
use topology::block::BlockId;
use topology::compile::{Compiler, FlowChanges};
use topology::model::{Change, HostId, ResourceId};

mod common {
    pub(crate) mod history;
    pub(crate) mod run;
    pub(crate) mod universe;
    pub(crate) mod world;
}

use common::history::{Sort, history};
use common::run::cases;
use common::universe::{HOSTS, host_id};
use common::world::World;

type Flows = FxHashMap<FlowId, Flow>;

fn flows(compiler: &Compiler) -> BTreeMap<HostId, Flows> {
    let hosts = (0..HOSTS).map(host_id);
    let flows = hosts.map(|host| {
        let flows = compiler.desired(host).map(|flow| (flow.flow.id(), flow.flow.clone()));
        (host, flows.collect())
    });
    flows.collect()
}

/// The difference, counted flow by flow.
fn counted(
    before: &BTreeMap<HostId, Flows>,
    after: &BTreeMap<HostId, Flows>,
) -> BTreeMap<HostId, FlowChanges> {
    let hosts = before.iter().map(|(host, before)| {
        let after = &after[host];
        let kept = || after.iter().filter(|(id, _)| before.contains_key(id));
        let changes = FlowChanges {
            added: after.len() - kept().count(),
            changed: kept().filter(|(id, flow)| before[id] != **flow).count(),
            removed: before.len() - kept().count(),
        };
        (*host, changes)
    });
    hosts.filter(|(_, changes)| *changes != FlowChanges::default()).collect()
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn what_would_change_is_counted_and_can_be_taken_back(
        commits in history(2..10, Sort { groups: true, mistakes: false }),
    ) {
        let mut world = World::default();
        let mut compiler = Compiler::new();
        for (commit, ops) in commits.iter().enumerate() {
            let before = flows(&compiler);
            let changes = world.changes(ops);
            let undo: Vec<_> = changes.iter().map(|change| compiler.try_apply(change)).collect();
            let found = compiler.preview();

            let mut model = world.model.clone();
            let mut facts = world.facts.clone();
            for change in &changes {
                model.apply(change);
                if let Change::Delete(ResourceId::Host(host)) = change {
                    facts.remove(host);
                }
            }
            let facts = facts.iter().map(|(host, facts)| (*host, facts));
            let after = flows(&Compiler::full(&model, facts));
            prop_assert_eq!(found, counted(&before, &after), "commit {}", commit);

            undo.into_iter().rev().for_each(|undo| compiler.take_back(undo));
            prop_assert_eq!(compiler.preview(), BTreeMap::new(), "commit {}", commit);
            prop_assert_eq!(
                format!("{:?}", compiler.model().next_keys().collect::<Vec<_>>()),
                format!("{:?}", world.model.next_keys().collect::<Vec<_>>())
            );
            let mut outcome = compiler.flush();
            // One block is there from the first flush on, if only without flows.
            outcome.changed.retain(|block| commit > 0 || *block != BlockId::Vteps);
            prop_assert!(outcome.changed.is_empty(), "{:?}", outcome);
            prop_assert!(outcome.subscribed.is_empty() && outcome.unsubscribed.is_empty());
            prop_assert_eq!(&flows(&compiler), &before, "commit {}", commit);

            world.advance(ops, commit % 2 == 1, &mut compiler);
            let facts = world.facts.iter().map(|(host, facts)| (*host, facts));
            let fresh = Compiler::full(&world.model, facts);
            prop_assert_eq!(flows(&compiler), flows(&fresh), "commit {}", commit);
        }
    }
}
