//! The incremental compiler gives what compiling from nothing gives, whatever happened before; its
//! journals tell exactly what changed; and what it does for a change does not grow with the model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use openflow::{Flow, FlowId};
use proptest::prelude::*;
use rustc_hash::FxHashMap;
use topology::block::BlockId;
use topology::compile::{Compiler, Loss, Tally};
use topology::model::HostId;

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

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn any_history_compiles_to_what_its_end_compiles_to(commits in history(1..10, Sort { groups: true, mistakes: true })) {
        let mut world = World::default();
        let mut compiler = Compiler::new();
        for (commit, ops) in commits.iter().enumerate() {
            world.advance(ops, commit % 2 == 1, &mut compiler);
            let facts = world.facts.iter().map(|(host, facts)| (*host, facts));
            let fresh = Compiler::full(&world.model, facts);
            for host in (0..HOSTS).map(host_id) {
                let [ours, theirs] = [&compiler, &fresh].map(|c| blocks(c, host));
                prop_assert_eq!(&ours, &theirs, "blocks of {} after commit {}", host, commit);
                for block in ours {
                    let [ours, theirs] = [&compiler, &fresh].map(|c| flows(c, block));
                    prop_assert_eq!(ours, theirs, "{:?} after commit {}", block, commit);
                }
            }
        }
    }

    #[test]
    fn what_hosts_have_and_lose_is_counted(commits in history(2..10, Sort { groups: true, mistakes: false })) {
        let mut world = World::default();
        let (mut compiler, mut tally) = (Compiler::new(), Tally::default());
        let mut before = flows_by_host(&compiler);
        for (commit, ops) in commits.iter().enumerate() {
            let outcome = world.advance(ops, commit % 2 == 1, &mut compiler);
            let losses = tally.follow(&outcome, &outcome.concerned(&compiler), &compiler);
            let after = flows_by_host(&compiler);
            let mut expected = BTreeMap::new();
            for (host, before) in &before {
                let now = &after[host];
                prop_assert_eq!(tally.of(*host), now.len(), "{} after commit {}", host, commit);
                let loss = Loss { flows: before.difference(now).count(), of: before.len() };
                expected.extend((loss.flows > 0).then_some((*host, loss)));
            }
            prop_assert_eq!(&losses.hosts, &expected, "commit {}", commit);
            prop_assert_eq!(losses.of, before.values().map(BTreeSet::len).sum::<usize>());
            prop_assert_eq!(tally.all(), after.values().map(BTreeSet::len).sum::<usize>());
            before = after;
        }
    }

    #[test]
    fn journals_and_subscriptions_tell_what_changed(commits in history(3..16, Sort { groups: true, mistakes: true })) {
        let mut world = World::default();
        let mut compiler = Compiler::new();
        let mut subscribed = BTreeSet::new();
        let mut seen: BTreeMap<(BlockId, u64), Option<Flows>> = BTreeMap::new();
        let mut latest: BTreeMap<BlockId, u64> = BTreeMap::new();
        for (commit, ops) in commits.iter().enumerate() {
            let outcome = world.advance(ops, commit % 2 == 1, &mut compiler);
            for gone in outcome.unsubscribed {
                prop_assert!(subscribed.remove(&gone), "{:?} was not there", gone);
            }
            for new in outcome.subscribed {
                prop_assert!(subscribed.insert(new), "{:?} was there", new);
            }
            let all: BTreeSet<_> = (0..HOSTS)
                .map(host_id)
                .flat_map(|host| blocks(&compiler, host).into_iter().map(move |id| (host, id)))
                .collect();
            prop_assert_eq!(&subscribed, &all);

            let changed: BTreeSet<_> = outcome.changed.into_iter().collect();
            let ids: BTreeSet<_> = all.iter().map(|(_, id)| *id).chain(changed.clone()).collect();
            for &id in &ids {
                let block = compiler.block(id).unwrap();
                let now = flows(&compiler, id);
                let moved = latest.insert(id, block.version()) != Some(block.version());
                // A block that nobody had may have changed unseen; then it is told as changed
                // at its version, or was before.
                prop_assert!(moved || !changed.contains(&id), "{:?} changed but did not", id);
                let known = seen.entry((id, block.version())).or_insert(None);
                if let Some(then) = known {
                    prop_assert_eq!(&*then, &now, "{:?}: one version, two contents", id);
                }
                *known = Some(now.clone());
                for ((_, version), then) in seen.range((id, 0)..=(id, block.version())) {
                    let Some(deltas) = block.since(*version) else { continue };
                    let mut replayed = then.clone().unwrap();
                    for delta in deltas {
                        for gone in &delta.removed {
                            let gone = replayed.remove(&gone.flow.id());
                            prop_assert!(gone.is_some(), "{:?}: removed what was not", id);
                        }
                        let put = delta.put.iter();
                        replayed.extend(put.map(|put| (put.flow.id(), put.flow.clone())));
                    }
                    prop_assert_eq!(&replayed, &now, "{:?} since {}", id, version);
                }
            }
        }
    }
}

/// The flows of each host, by what tells them apart in their block.
fn flows_by_host(compiler: &Compiler) -> BTreeMap<HostId, BTreeSet<(BlockId, String)>> {
    let ids = |host| {
        let blocks = blocks(compiler, host).into_iter();
        blocks.flat_map(move |block| {
            let flows = flows(compiler, block);
            flows.into_keys().map(|id| (block, format!("{id:?}"))).collect::<Vec<_>>()
        })
    };
    (0..HOSTS).map(host_id).map(|host| (host, ids(host).collect())).collect()
}

fn blocks(compiler: &Compiler, host: HostId) -> Vec<BlockId> {
    compiler.blocks_of(host).collect()
}

fn flows(compiler: &Compiler, block: BlockId) -> Flows {
    let block = compiler.block(block).expect("a host is only subscribed to blocks that exist");
    block.flows().map(|flow| (flow.flow.id(), flow.flow.clone())).collect()
}
