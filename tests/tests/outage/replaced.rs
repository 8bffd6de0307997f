//! A host whose database, or whose everything, is made anew under the same system-id.

use lab::{Host, wait_until};
use proto::v1::host::State;
use tests::{Guest, Kind, READY, Scene, Segment, assert_reaches};

use super::{plug_again, wait_exact};

/// A host of two, with two guests of every kind of network, and one of each on the other.
fn populate(scene: &Scene) -> Vec<Segment> {
    let kinds = [(Kind::Vxlan, 1), (Kind::Vlan(105), 2), (Kind::Flat, 3)];
    kinds.map(|(kind, number)| scene.segment(kind, number, &[1, 2, 2]).unwrap()).into()
}

/// The guests on host 2, in an order other than that in which they were plugged in.
fn on_second(segments: &[Segment]) -> Vec<&Guest> {
    segments.iter().flat_map(|segment| &segment.guests[1..]).rev().collect()
}

fn assert_all_reach(segments: &[Segment]) {
    for segment in segments {
        for (from, to) in segment.pairs() {
            assert_reaches(from, to.v4());
            assert_reaches(from, to.v6());
        }
    }
}

/// Hands the host over once more, by the contract's two commands, plugs its VMs in, and claims that
/// everything is as it was.
fn assert_comes_back(scene: &Scene, host: &Host, segments: &[Segment]) {
    let before = scene.record(2).unwrap();
    host.set_manager(scene.lab.controller_address()).unwrap();
    host.wait_for_bridge("br-int").unwrap();
    plug_again(host, on_second(segments));
    scene.wait_host(2, State::Ready).unwrap();
    scene.wait_active(segments.iter().flat_map(|segment| &segment.guests)).unwrap();
    scene.settle().unwrap();
    let after = scene.record(2).unwrap();
    assert_eq!((&after.id, after.key, &after.name), (&before.id, before.key, &before.name));
    assert_eq!(scene.api.list_hosts(Default::default()).unwrap().hosts.len(), 2);
    wait_exact(scene, 2);
    assert_all_reach(segments);
}

#[test]
fn a_host_whose_database_was_replaced_comes_back() {
    let scene = Scene::start(2).unwrap();
    let segments = populate(&scene);
    let host = scene.host(2).clone();
    host.replace_database().unwrap();
    // Nothing is known of a controller any more, and br-int has gone with the database.
    scene.wait_host(2, State::Offline).unwrap();
    assert!(host.vsctl(&["br-exists", "br-int"]).is_err());
    assert_comes_back(&scene, &host, &segments);
}

#[test]
fn a_host_that_was_made_anew_comes_back() {
    let mut scene = Scene::start(2).unwrap();
    let segments = populate(&scene);
    let host = scene.host(2).clone();
    let datapath_id = scene.record(2).unwrap().datapath_id;
    host.reimage().unwrap();
    scene.wait_host(2, State::Offline).unwrap();
    assert_comes_back(&scene, &host, &segments);
    let told = scene.record(2).unwrap().datapath_id;
    assert_ne!(told, datapath_id, "its switch is another");

    // The same while nobody looks.
    scene.weftd.stop().unwrap();
    host.reimage().unwrap();
    scene.weftd.start_again().unwrap();
    scene.reconnect().unwrap();
    scene.wait_host(1, State::Ready).unwrap();
    wait_until("the host to be known", READY, || scene.record(2).is_ok()).unwrap();
    assert_comes_back(&scene, &host, &segments);
}
