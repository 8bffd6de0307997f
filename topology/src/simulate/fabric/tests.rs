use std::sync::Arc;

use openflow::{Action, Flow, Instruction, MacAddr, Match};
use uuid::Uuid;

use super::*;

const VIF: PortNo = PortNo(1);
const VXLAN: PortNo = PortNo(100);
const UPLINK: PortNo = PortNo(200);
const PHYSICAL: &str = "external";

fn host(number: u128) -> HostId {
    HostId(Uuid::from_u128(number))
}

fn port(number: u128) -> PortId {
    PortId(Uuid::from_u128(0x100 + number))
}

fn vtep(number: u128) -> IpAddr {
    IpAddr::from([192, 0, 2, number as u8])
}

fn flow(in_port: PortNo, actions: Vec<Action>) -> Arc<Flow> {
    Arc::new(Flow {
        priority: 1,
        matching: Match::new().with(Field::IN_PORT, in_port),
        instructions: vec![Instruction::ApplyActions(actions)],
        ..Flow::default()
    })
}

/// Hosts 1 to 3, each with one port, a tunnel port and an uplink, all with these flows.
fn fabric(flows: &[Arc<Flow>]) -> Fabric {
    let mut fabric = Fabric::new();
    for number in 1..=3 {
        let facts = HostFacts {
            vxlan_port: Some(VXLAN),
            uplinks: [(PHYSICAL.to_owned(), UPLINK)].into(),
            ports: [(port(number), VIF)].into(),
        };
        let switch = Switch::with_flows(flows.iter().cloned()).unwrap();
        fabric.add(host(number), Some(vtep(number)), facts, switch);
    }
    fabric
}

fn to_vtep(number: u128, vni: u32) -> Vec<Action> {
    let IpAddr::V4(address) = vtep(number) else { unreachable!("the VTEPs here are IPv4") };
    vec![
        Action::set_field(Field::TUN_ID, vni),
        Action::set_field(Field::TUN_DST, address),
        Action::output(VXLAN),
    ]
}

fn frame() -> Packet {
    Packet::ethernet(MacAddr::new([2, 0, 0, 0, 0, 1]), MacAddr::BROADCAST, 0x88b5)
}

#[test]
fn a_tunnel_carries_vni_and_addresses_and_nothing_else() {
    let mut actions = vec![Action::set_field(Field::REG7, 7u32)];
    actions.extend(to_vtep(2, 5000));
    let from_tunnel = Match::new()
        .with(Field::IN_PORT, VXLAN)
        .with(Field::TUN_ID, 5000u32)
        .with(Field::TUN_SRC, std::net::Ipv4Addr::new(192, 0, 2, 1))
        .with(Field::REG7, 0u32);
    let deliver = Arc::new(Flow {
        matching: from_tunnel,
        ..(*flow(VXLAN, vec![Action::output(VIF)])).clone()
    });
    let journey =
        fabric(&[flow(VIF, actions), deliver]).send_from_port(host(1), port(1), frame()).unwrap();
    let place = Place::Port { host: host(2), port: port(2) };
    assert_eq!(journey.deliveries, [Delivery { place, frame: frame() }]);
    assert_eq!(journey.hops.len(), 2);
    assert_eq!(journey.losses, []);
}

#[test]
fn a_tunnel_to_nobody_is_lost() {
    let fabric = fabric(&[flow(VIF, to_vtep(9, 1))]);
    let journey = fabric.send_from_port(host(1), port(1), frame()).unwrap();
    let reason = LossReason::NoSuchVtep(vtep(9));
    assert_eq!(journey.losses, [Loss { host: Some(host(1)), reason }]);
    assert!(fabric.send_from_port(host(1), port(2), frame()).is_none());
}

#[test]
fn a_wire_reaches_everybody_else_on_it() {
    let mut tagged = vec![Action::PushVlan(0x8100)];
    tagged.push(Action::set_field(Field::VLAN_VID, 0x1064u16));
    tagged.push(Action::output(UPLINK));
    let fabric = fabric(&[flow(VIF, tagged), flow(UPLINK, vec![Action::output(VIF)])]);
    let outside = Place::Outside { physical_network: PHYSICAL.to_owned(), vlan: Some(100) };

    let from_port = fabric.send_from_port(host(1), port(1), frame()).unwrap();
    assert_eq!(from_port.ports().collect::<Vec<_>>(), [port(2), port(3)]);
    assert!(
        from_port.deliveries.contains(&Delivery { place: outside, frame: frame().tagged(100) })
    );

    let from_outside = fabric.send_from_outside(PHYSICAL, frame());
    assert_eq!(from_outside.ports().collect::<Vec<_>>(), [port(1), port(2), port(3)]);
    assert_eq!(from_outside.deliveries.len(), 3);
}

#[test]
fn what_goes_in_circles_is_stopped_and_said() {
    let back = flow(VXLAN, to_vtep(1, 1));
    let journey =
        fabric(&[flow(VIF, to_vtep(2, 1)), back]).send_from_port(host(1), port(1), frame());
    // Output to the port it came in by is suppressed, so a tunnel ends after one hop ...
    assert!(!journey.unwrap().looped());

    // ... but what is sent back on purpose goes on for ever.
    let IpAddr::V4(address) = vtep(1) else { unreachable!("the VTEPs here are IPv4") };
    let mirror = vec![Action::set_field(Field::TUN_DST, address), Action::output(PortNo::IN_PORT)];
    let flows = [flow(VIF, to_vtep(1, 1)), flow(VXLAN, mirror)];
    let journey = fabric(&flows).send_from_port(host(1), port(1), frame()).unwrap();
    assert!(journey.looped());
    assert_eq!(journey.hops.len(), MAX_HOPS);
}

#[test]
fn a_port_that_is_not_there_is_said() {
    let journey = fabric(&[flow(VIF, vec![Action::output(PortNo(77))])])
        .send_from_port(host(1), port(1), frame())
        .unwrap();
    let reason = LossReason::NoSuchPort(PortNo(77));
    assert_eq!(journey.losses, [Loss { host: Some(host(1)), reason }]);
}

#[test]
fn anybody_on_the_underlay_can_send_to_a_tunnel_port() {
    let flows = [flow(VXLAN, vec![Action::output(VIF)])];
    let fabric = fabric(&flows);
    let journey = fabric.send_by_tunnel(vtep(66), host(1), 1, frame()).unwrap();
    assert_eq!(journey.ports().collect::<Vec<_>>(), [port(1)]);
    assert!(fabric.send_by_tunnel(vtep(66), host(9), 1, frame()).is_none());
}
