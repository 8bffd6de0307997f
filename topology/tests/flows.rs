//! What holds for every single flow that is compiled, for random models.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use openflow::{Action, Field, Flow, FlowId, Instruction, PortNo};
use proptest::prelude::*;
use rustc_hash::FxHashMap;
use topology::block::BlockId;
use topology::compile::Compiler;
use topology::cookie::{BlockKind, Cookie};
use topology::explain::explain;
use topology::key::{Key, Kind};
use topology::model::{HostId, Model};
use topology::pipeline;
use topology::simulate::Switch;

mod common {
    pub(crate) mod history;
    pub(crate) mod run;
    pub(crate) mod universe;
    pub(crate) mod world;
}

use common::history::{Op, Sort, history};
use common::run::cases;
use common::universe::{HOSTS, host_id};
use common::world::World;

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn a_switch_takes_every_flow_and_none_twice(commits in history(0..6, Sort { groups: true, mistakes: true })) {
        let compiler = compile(&commits);
        for host in (0..HOSTS).map(host_id) {
            let mut switch = Switch::new();
            let mut known: FxHashMap<FlowId, &Flow> = FxHashMap::default();
            for (_, flow) in flows(&compiler, host) {
                let added = switch.add(Arc::new(flow.clone()));
                prop_assert_eq!(&added, &Ok(None), "{}\n{:?}", flow, known.get(&flow.id()));
                known.insert(flow.id(), flow);
            }
        }
    }

    #[test]
    fn flows_are_what_the_pipeline_allows_and_go_forward(commits in history(0..6, Sort { groups: true, mistakes: true })) {
        let compiler = compile(&commits);
        for host in (0..HOSTS).map(host_id) {
            for (_, flow) in flows(&compiler, host) {
                prop_assert_eq!(pipeline::check(flow), Ok(()), "{}", flow);
                for next in next_tables(flow) {
                    prop_assert!(next > flow.table, "{}", flow);
                }
            }
        }
    }

    #[test]
    fn a_cookie_names_its_block_and_objects_that_exist(commits in history(0..6, Sort { groups: true, mistakes: true })) {
        let compiler = compile(&commits);
        for host in (0..HOSTS).map(host_id) {
            for (block, flow) in flows(&compiler, host) {
                let selecting: Vec<_> = compiler
                    .blocks_of(host)
                    .filter(|other| {
                        let (value, mask) = other.cookie_and_mask();
                        flow.cookie & mask == value
                    })
                    .collect();
                prop_assert_eq!(selecting, [block], "{}", flow);
                prop_assert!(names_objects(compiler.model(), Cookie(flow.cookie)), "{}", flow);
                let explanation =
                    explain(Cookie(flow.cookie), Some(&flow.matching), compiler.model());
                let owners = explanation.map(|explanation| explanation.owners);
                prop_assert!(owners.is_ok_and(|owners| !owners.is_empty()), "{}", flow);
            }
        }
    }

    #[test]
    fn shared_flows_name_nothing_that_differs_between_hosts(commits in history(0..6, Sort { groups: true, mistakes: true })) {
        let compiler = compile(&commits);
        for host in (0..HOSTS).map(host_id) {
            for (block, flow) in flows(&compiler, host).filter(|(id, _)| id.kind().is_shared()) {
                let matches_port = flow.matching.field(Field::IN_PORT).is_some()
                    || flow.matching.field(Field::NXM_IN_PORT).is_some();
                let names_port = actions(flow).any(|action| match action {
                    Action::Output { port, .. } => *port != PortNo::IN_PORT,
                    Action::Resubmit(resubmit) => resubmit.in_port != PortNo::IN_PORT,
                    _ => false,
                });
                prop_assert!(!matches_port && !names_port, "{:?}: {}", block, flow);
            }
        }
    }
}

fn compile(commits: &[Vec<Op>]) -> Compiler {
    let mut world = World::default();
    let mut compiler = Compiler::new();
    for ops in commits {
        world.advance(ops, false, &mut compiler);
    }
    compiler
}

fn flows(compiler: &Compiler, host: HostId) -> impl Iterator<Item = (BlockId, &Flow)> {
    compiler
        .blocks_of(host)
        .flat_map(|id| compiler.block(id).unwrap().flows().map(move |flow| (id, &flow.flow)))
}

fn actions(flow: &Flow) -> impl Iterator<Item = &Action> {
    flow.instructions.iter().flat_map(|instruction| match instruction {
        Instruction::ApplyActions(actions) | Instruction::WriteActions(actions) => &actions[..],
        _ => &[],
    })
}

/// The tables that a packet can come to next.
fn next_tables(flow: &Flow) -> impl Iterator<Item = u8> {
    let resubmits = actions(flow).filter_map(|action| match action {
        Action::Resubmit(resubmit) => Some(resubmit.table),
        Action::Ct(ct) => Some(ct.recirc_table),
        _ => None,
    });
    let gotos = flow.instructions.iter().filter_map(|instruction| match instruction {
        Instruction::GotoTable(table) => Some(*table),
        _ => None,
    });
    resubmits.chain(gotos)
}

/// Whether owner and member of a cookie are objects of the model.
fn names_objects(model: &Model, cookie: Cookie) -> bool {
    let exists = |kind, key| model.by_key(kind, key).is_some();
    let (owner, member) = (cookie.owner(), cookie.member());
    match cookie.kind() {
        Some(BlockKind::HostBase) => exists(Kind::Host, owner) && member == Key::NONE,
        Some(BlockKind::Vteps) => owner == Key::NONE && exists(Kind::Host, member),
        Some(BlockKind::Network) => {
            exists(Kind::Network, owner) && (member == Key::NONE || exists(Kind::Port, member))
        }
        // The member is the number of a part of a list, or of an address.
        Some(BlockKind::HostNetwork) => exists(Kind::Network, owner),
        Some(BlockKind::HostPort) => exists(Kind::Port, owner),
        Some(BlockKind::Profile) => {
            exists(Kind::Profile, owner) && (member == Key::NONE || exists(Kind::Rule, member))
        }
        Some(BlockKind::GroupMembers) => {
            exists(Kind::SecurityGroup, owner) && exists(Kind::Profile, member)
        }
        Some(BlockKind::AddressGroup) => exists(Kind::AddressGroup, owner) && member == Key::NONE,
        None => false,
    }
}
