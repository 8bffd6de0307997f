//! Connections are remembered in zones that are the ports' own, and only as long as they are.

use lab::{Host, wait_until};
use proto::v1::port::Status;
use tests::{Conversation, Guest, Kind, READY, Scene};

use super::{ARRIVAL, all_egress, all_ingress, at};

/// The first zone that is the controller's by default.
const FLOOR: u32 = 4096;

/// The operator's zone.
const OPERATORS: u32 = 7;

/// An Ethernet frame of IPv4 with a UDP datagram from 192.0.2.1 to 192.0.2.2, without a
/// checksum of its own.
const DATAGRAM: &str = "fa163e0000fefa163e0000ff08004500001c000000004011f6cdc0000201c0000202\
                        0035003500080000";

/// What a zone holds.
fn connections(host: &Host, zone: u32) -> Vec<String> {
    let dump = host.appctl(&["dpctl/dump-conntrack", &format!("zone={zone}")]).unwrap();
    dump.lines().map(str::to_owned).collect()
}

/// The zone of a guest's port on the host where it is.
fn zone(guest: &Guest) -> u32 {
    FLOOR + guest.host().ofport(guest.interface()).unwrap()
}

/// A port where everything is allowed is connected to by another.
fn connect(scene: &Scene, guests: &[Guest]) -> Conversation {
    let open = scene.group("open", all_ingress().into_iter().chain(all_egress())).unwrap();
    for guest in guests {
        scene.put_in(guest, &[&open]).unwrap();
    }
    let [client, server] = guests else { panic!("two guests") };
    let mut conversation = Conversation::open(client, (server, at(server.v4(), 5000))).unwrap();
    conversation.goes_on();
    conversation
}

#[test]
fn a_zone_is_emptied_when_its_port_leaves_and_no_other_is() {
    let scene = Scene::start(1).unwrap();
    let host = scene.host(1);
    // Something of the operator's, in the same datapath.
    let commit =
        format!("in_port=controller packet={DATAGRAM} actions=ct(commit,zone={OPERATORS})");
    host.ofctl(&["packet-out", "br-provider", &commit]).unwrap();
    wait_until("the operator's", ARRIVAL, || connections(host, OPERATORS).len() == 1).unwrap();

    let mut segment = scene.segment(Kind::Vxlan, 1, &[1, 1]).unwrap();
    let zones = [zone(&segment.guests[0]), zone(&segment.guests[1])];
    // The number may have been another's: what its first owner finds is empty.
    let mut conversation = connect(&scene, &segment.guests);
    for zone in zones {
        let tracked = connections(host, zone);
        assert!(tracked.iter().any(|line| line.contains("dport=5000")), "zone {zone}: {tracked:?}");
    }
    // Another profile is no reason to forget anything.
    let more = scene.group("more", all_egress()).unwrap();
    scene.put_in(&segment.guests[0], &[&more]).unwrap();
    scene.put_in(&segment.guests[1], &[&more, &scene.default_group().unwrap()]).unwrap();
    assert!(!connections(host, zones[1]).is_empty());

    let leaving = segment.guests.pop().unwrap();
    leaving.unplug().unwrap();
    wait_until("an empty zone", READY, || connections(host, zones[1]).is_empty()).unwrap();
    assert!(!connections(host, zones[0]).is_empty(), "the other port's zone");
    // A port that is deleted leaves as well.
    scene.delete_port(&segment.guests[0].port.id).unwrap();
    wait_until("an empty zone", READY, || connections(host, zones[0]).is_empty()).unwrap();
    assert_eq!(connections(host, OPERATORS).len(), 1, "the operator's");
    conversation.is_stopped();
}

#[test]
fn a_restart_forgets_nothing_and_a_number_that_changed_hands_meanwhile_everything() {
    let mut scene = Scene::start(1).unwrap();
    let mut segment = scene.segment(Kind::Vxlan, 1, &[1, 1]).unwrap();
    let other = scene.create_port(&segment.network, Default::default()).unwrap();
    let mut conversation = connect(&scene, &segment.guests);
    let host = scene.host(1).clone();
    let zones = [zone(&segment.guests[0]), zone(&segment.guests[1])];
    let both = || zones.map(|zone| connections(&host, zone).len());
    assert!(both().iter().all(|&count| count > 0), "{:?}", both());

    scene.weftd.kill().unwrap();
    scene.weftd.start_again().unwrap();
    scene.reconnect().unwrap();
    scene.wait_ready().unwrap();
    assert!(both().iter().all(|&count| count > 0), "{:?}", both());
    conversation.goes_on();
    assert_eq!(scene.flow_mods_sent().unwrap()[&1], 0);

    // While the controller is away one port goes and another gets its number.
    scene.weftd.kill().unwrap();
    let number = host.ofport(segment.guests[1].interface()).unwrap();
    segment.guests.pop().unwrap().unplug().unwrap();
    assert!(!connections(&host, zones[1]).is_empty(), "nobody has flushed it");
    let new = host.plug(&other.id, &other.mac_address).unwrap();
    let request = format!("ofport_request={number}");
    host.vsctl(&["set", "Interface", new.interface(), &request]).unwrap();
    wait_until("the number", ARRIVAL, || host.ofport(new.interface()).ok() == Some(number))
        .unwrap();
    scene.weftd.start_again().unwrap();
    scene.reconnect().unwrap();
    scene.wait_ready().unwrap();
    scene.wait_status(&other.id, Status::Active).unwrap();
    let heirs = connections(&host, zones[1]);
    assert!(!heirs.iter().any(|line| line.contains("dport=5000")), "{heirs:?}");
    assert!(!connections(&host, zones[0]).is_empty(), "the port that stayed");
}
