//! The simulator against the real thing: flow for flow and port for port, a simulated switch does
//! with a packet what `ofproto/trace` of Open vSwitch says it does.
//!
//! Packets are of new connections and of answered ones, in the direction in which those began: a
//! trace can be told what conntrack finds, but not what the connection of a reply began with.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;

use openflow::Field;
use proptest::collection::vec;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use topology::model::Segment;
use topology::simulate::{Conntrack, Packet};

mod common {
    pub(crate) mod frames;
    pub(crate) mod history;
    pub(crate) mod ovs;
    pub(crate) mod scene;
    pub(crate) mod talk;
    pub(crate) mod universe;
    pub(crate) mod world;
}

use common::frames::frame;
use common::history::{Sort, history};
use common::ovs::{Course, OpenVSwitch};
use common::scene::Scene;
use common::talk::speech;
use common::universe::{NETWORKS, Tunnel, tunnel_ip, vni};

/// Random scenes, the same in every run.
const SCENES: usize = 8;
/// Ports have any security groups.
const ANY_GROUPS: Sort = Sort { groups: true, mistakes: false };
/// The table with the rules of security groups.
const RULES: u8 = 100;
/// Frames tried on every host of a scene.
const FRAMES: usize = 24;
/// Packets from port to port tried besides.
const SPEECHES: usize = 50;

#[test]
fn the_simulator_does_what_open_vswitch_does() {
    let ovs = OpenVSwitch::start(101);
    let mut runner = TestRunner::deterministic();
    let (mut compared, mut policed) = (0, 0);
    for _ in 0..SCENES {
        let commits = history(1..4, ANY_GROUPS).new_tree(&mut runner).unwrap().current();
        let frames = vec(frame(), FRAMES).new_tree(&mut runner).unwrap().current();
        let Scene { world, fabric } = Scene::after(&commits);
        let ports: Vec<_> = world.model.ports().values().collect();
        let speeches = vec(speech(), SPEECHES).new_tree(&mut runner).unwrap().current();
        for (&host, facts) in &world.facts {
            let switch = fabric.switch(host).unwrap();
            ovs.set_flows(switch);
            let numbers: Vec<_> = facts.ports.values().chain(facts.uplinks.values()).collect();
            let mut arrivals = Vec::new();
            for (number, frame) in frames.iter().enumerate() {
                let Some(port) = ports.get(number % ports.len().max(1)) else { continue };
                let in_port = numbers.get(number % numbers.len().max(1));
                arrivals.extend(in_port.map(|in_port| (**in_port, frame.packet(port))));
                let packet = frame.packet(port).with(Field::TUN_ID, vni(number as u8 % NETWORKS));
                let tunnel = facts.vxlan_port;
                arrivals.extend(tunnel.map(|in_port| (in_port, tunnelled(number as u8, packet))));
            }
            for (number, speech) in speeches.iter().enumerate() {
                let [from, to] = [speech.from, speech.to]
                    .map(|port| &ports[usize::from(port) % ports.len().max(1)]);
                let packet = speech.packet(from, to);
                let in_port = facts.ports.get(&from.id);
                arrivals.extend(in_port.map(|in_port| (*in_port, packet.clone())));
                let segment = &world.model.network(to.network).unwrap().segment;
                if let (Segment::Vxlan { vni }, Some(in_port)) = (segment, facts.vxlan_port) {
                    let packet = packet.with(Field::TUN_ID, vni.get());
                    arrivals.push((in_port, tunnelled(number as u8, packet)));
                }
            }
            for (in_port, packet) in arrivals {
                // Open vSwitch looks at one tag unless told otherwise, and traces no packet of
                // more.
                if packet.to_string().contains("inner_vlan") {
                    continue;
                }
                let mut conntrack = Conntrack::new();
                let new = switch.process_with(&mut conntrack, in_port, packet.clone());
                conntrack.answer_all();
                let answered = switch.process_with(&mut conntrack, in_port, packet.clone());
                for ours in [new, answered] {
                    let (theirs, text) = ovs.trace(in_port, &packet, &ours);
                    assert_eq!(Course::of(&ours), theirs, "{ours}\n{text}");
                    compared += 1;
                    policed += usize::from(ours.lookups().any(|(table, _)| table == RULES));
                }
            }
        }
    }
    assert!(compared > SCENES * FRAMES, "only {compared} packets were compared");
    assert!(policed > compared / 10, "rules judged only {policed} of {compared} packets");
}

/// A packet as it comes out of a tunnel from one of the hosts.
fn tunnelled(number: u8, packet: Packet) -> Packet {
    match tunnel_ip(number % 4, Tunnel::V4) {
        Some(IpAddr::V4(ip)) => packet.with(Field::TUN_SRC, ip),
        _ => unreachable!("the address asked for is IPv4"),
    }
}
