//! The simulator against the real thing: flow for flow and port for port, a simulated switch does
//! with a packet what `ofproto/trace` of Open vSwitch says it does.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;

use openflow::Field;
use proptest::collection::vec;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use topology::simulate::Packet;

mod common {
    pub(crate) mod frames;
    pub(crate) mod history;
    pub(crate) mod ovs;
    pub(crate) mod scene;
    pub(crate) mod universe;
    pub(crate) mod world;
}

use common::frames::{Frame, frame};
use common::history::history;
use common::ovs::{Course, OpenVSwitch};
use common::scene::Scene;
use common::universe::{NETWORKS, Tunnel, tunnel_ip, vni};

/// Random scenes, the same in every run.
const SCENES: usize = 8;
/// Frames tried on every host of a scene.
const FRAMES: usize = 24;

#[test]
fn the_simulator_does_what_open_vswitch_does() {
    let ovs = OpenVSwitch::start(101);
    let mut runner = TestRunner::deterministic();
    let mut compared = 0;
    for _ in 0..SCENES {
        let commits = history(1..4, false).new_tree(&mut runner).unwrap().current();
        let frames = vec(frame(), FRAMES).new_tree(&mut runner).unwrap().current();
        let Scene { world, fabric } = Scene::after(&commits);
        let ports: Vec<_> = world.model.ports().values().collect();
        for (&host, facts) in &world.facts {
            let switch = fabric.switch(host).unwrap();
            ovs.set_flows(switch);
            let numbers: Vec<_> = facts.ports.values().chain(facts.uplinks.values()).collect();
            for (number, frame) in frames.iter().enumerate() {
                let Some(port) = ports.get(number % ports.len().max(1)) else { continue };
                let arrivals = numbers
                    .get(number % numbers.len().max(1))
                    .map(|in_port| (**in_port, frame.packet(port)));
                let tunnelled =
                    facts.vxlan_port.map(|in_port| (in_port, tunnelled(number as u8, frame, port)));
                for (in_port, packet) in arrivals.into_iter().chain(tunnelled) {
                    // Open vSwitch looks at one tag unless told otherwise, and traces no packet
                    // of more.
                    if packet.to_string().contains("inner_vlan") {
                        continue;
                    }
                    let ours = switch.process(in_port, packet.clone());
                    let (theirs, text) = ovs.trace(in_port, &packet, &ours);
                    assert_eq!(Course::of(&ours), theirs, "{ours}\n{text}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > SCENES * FRAMES, "only {compared} packets were compared");
}

/// A frame as it comes out of a tunnel from one of the hosts.
fn tunnelled(number: u8, frame: &Frame, port: &topology::model::Port) -> Packet {
    let packet = frame.packet(port).with(Field::TUN_ID, vni(number % NETWORKS));
    match tunnel_ip(number % 4, Tunnel::V4) {
        Some(IpAddr::V4(ip)) => packet.with(Field::TUN_SRC, ip),
        _ => unreachable!("the address asked for is IPv4"),
    }
}
