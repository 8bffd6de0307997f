//! A random world, compiled and set up in simulated switches.

use std::sync::Arc;

use proptest::prelude::*;
use topology::compile::Compiler;
use topology::simulate::{DropReason, Fabric, Journey, LossReason, Switch};

use super::history::Op;
use super::run::tell;
use super::world::World;

/// The world after a history, and switches with the flows that it comes to.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) fabric: Fabric,
}

impl Scene {
    /// The scene after these commits, compiled one by one.
    pub(crate) fn after(commits: &[Vec<Op>]) -> Self {
        let mut world = World::default();
        let mut compiler = Compiler::new();
        for (commit, ops) in commits.iter().enumerate() {
            tell(&mut compiler, world.apply(ops, commit % 2 == 1));
            compiler.flush();
        }
        let mut fabric = Fabric::new();
        for (&host, facts) in &world.facts {
            let flows = compiler.desired(host).map(|flow| Arc::new(flow.flow.clone()));
            let switch = Switch::with_flows(flows).expect("a switch takes what is compiled");
            let vtep = world.model.host(host).and_then(|host| host.tunnel_ip);
            fabric.add(host, vtep, facts.clone(), switch);
        }
        Self { world, fabric }
    }
}

/// What holds for every journey: no step of it is undefined, nothing is dropped without a flow
/// that says why (but for the sender's copy of a flood), no host tries to hand on what it got from
/// another, it ends, and what is lost is lost at a host that has no tunnel port.
pub(crate) fn check_sane(journey: &Journey) -> Result<(), TestCaseError> {
    for hop in &journey.hops {
        if let Some((flow, rival)) = hop.trace.rivals().next() {
            prop_assert!(false, "either of these:\n{flow}\n{rival}\n{}", hop.trace);
        }
    }
    for (number, hop) in journey.hops.iter().enumerate() {
        for dropped in hop.trace.drops() {
            let explained = dropped.reason == DropReason::Flow
                || number == 0 && dropped.reason == DropReason::InPort;
            prop_assert!(explained, "at {}: {:?}\n{}", hop.host, dropped, hop.trace);
        }
    }
    for loss in &journey.losses {
        let silent_host = matches!(loss.reason, LossReason::NoSuchVtep(_));
        prop_assert!(silent_host, "{loss:?}\n{}", journey.hops[0].trace);
    }
    Ok(())
}
