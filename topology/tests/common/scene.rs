//! A random world, compiled and set up in simulated switches.

use std::sync::Arc;

use topology::compile::Compiler;
use topology::simulate::{Fabric, Switch};

use super::history::Op;
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
            world.advance(ops, commit % 2 == 1, &mut compiler);
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
