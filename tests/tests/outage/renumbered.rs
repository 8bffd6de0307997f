//! OpenFlow port numbers that change: flows follow, and nobody inherits connections.

use std::net::SocketAddr;

use lab::{Host, wait_until};
use tests::{Allow, Conversation, Guest, Kind, READY, Scene, assert_reaches};

use super::wait_exact;

/// The first conntrack zone that is the controller's by default.
const FLOOR: u32 = 4096;

/// The port of the server.
const PORT: u16 = 5000;

fn number(guest: &Guest) -> u32 {
    guest.host().ofport(guest.interface()).unwrap()
}

/// The connections to [`PORT`] that the conntrack zone of an OpenFlow port holds.
fn connections(host: &Host, number: u32) -> Vec<String> {
    let zone = format!("zone={}", FLOOR + number);
    let dump = host.appctl(&["dpctl/dump-conntrack", &zone]).unwrap();
    let of_server = |line: &&str| line.contains(&format!("dport={PORT}"));
    dump.lines().filter(of_server).map(str::to_owned).collect()
}

#[test]
fn two_ports_that_change_numbers_take_no_connections_over() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 1, 2]).unwrap();
    let [server, other, client] = &segment.guests[..] else { panic!("three guests") };
    let open = scene.group("open", [Allow::ingress().tcp(PORT), Allow::egress()]).unwrap();
    for guest in &segment.guests {
        scene.put_in(guest, &[&open, &scene.default_group().unwrap()]).unwrap();
    }
    let host = scene.host(1);
    let at = SocketAddr::new(server.v4().into(), PORT);
    let mut conversation = Conversation::open(client, (server, at)).unwrap();
    conversation.goes_on();
    let numbers = [number(server), number(other)];
    assert_eq!(connections(host, numbers[0]).len(), 1);

    // Each gets what was the other's.
    let request = |number: u32| format!("ofport_request={number}");
    let [first, second] = [request(numbers[1]), request(numbers[0])];
    #[rustfmt::skip]
    host.vsctl(&[
        "set", "Interface", server.interface(), &first, "--",
        "set", "Interface", other.interface(), &second,
    ])
    .unwrap();
    let swapped = || [number(server), number(other)] == [numbers[1], numbers[0]];
    wait_until("the numbers to be swapped", READY, swapped).unwrap();
    wait_exact(&scene, 1);
    scene.settle().unwrap();
    assert_reaches(client, server.v4());
    assert_reaches(client, other.v4());
    wait_until("the heir's zone to be empty", READY, || connections(host, numbers[0]).is_empty())
        .unwrap();
    // What is let in is let in on the new number, too: the connection is known there anew.
    conversation.goes_on();
    assert_eq!(connections(host, numbers[0]).len(), 0);
    assert_eq!(connections(host, numbers[1]).len(), 1);
}

#[test]
fn numbers_that_changed_while_ovs_vswitchd_was_down_are_followed() {
    let scene = Scene::start(2).unwrap();
    let vxlan = scene.segment(Kind::Vxlan, 1, &[1, 1, 2]).unwrap();
    let vlan = scene.segment(Kind::Vlan(105), 2, &[1, 2]).unwrap();
    let host = scene.host(1).clone();
    let here: Vec<_> = vxlan.guests[..2].iter().chain(&vlan.guests[..1]).collect();
    let before: Vec<_> = here.iter().map(|guest| number(guest)).collect();

    host.kill_vswitchd().unwrap();
    // Everything goes and comes back in another order, the controller's own ports among it.
    for guest in &here {
        host.vsctl(&["--no-wait", "del-port", "br-int", guest.interface()]).unwrap();
    }
    for port in ["weft-vxlan", "int-br-provider"] {
        host.vsctl(&["--no-wait", "del-port", "br-int", port]).unwrap();
    }
    for guest in here.iter().rev() {
        let (interface, iface_id) = (guest.interface(), guest.port_id());
        let iface_id = format!("external_ids:iface-id={iface_id}");
        #[rustfmt::skip]
        host.vsctl(&[
            "--no-wait", "add-port", "br-int", interface, "--",
            "set", "Interface", interface, &iface_id,
        ])
        .unwrap();
    }
    host.start_vswitchd().unwrap();
    let numbered = || {
        let numbers = here.iter().map(|guest| host.ofport(guest.interface()));
        numbers.collect::<anyhow::Result<Vec<_>>>().is_ok_and(|numbers| numbers != before)
    };
    wait_until("other numbers", READY, numbered).unwrap();
    scene.wait_ready().unwrap();
    scene.wait_active(vxlan.guests.iter().chain(&vlan.guests)).unwrap();
    scene.settle().unwrap();
    wait_exact(&scene, 1);
    for segment in [&vxlan, &vlan] {
        for (from, to) in segment.pairs() {
            assert_reaches(from, to.v4());
            assert_reaches(from, to.v6());
        }
    }
}
