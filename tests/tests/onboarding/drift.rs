//! What is taken away or changed of what the controller made comes back.

use lab::{Host, wait_until};
use tests::{Kind, READY, Scene, Segment, assert_reaches};

use crate::database::Database;
use crate::plug_again;

/// Claims that the host's database comes to have the controller's rows as in `wanted` again.
#[track_caller]
fn assert_healed(host: &Host, wanted: &Database, what: &str) {
    let same = || Database::read(host).own() == wanted.own();
    if wait_until("the database to be healed", READY, same).is_err() {
        assert_eq!(Database::read(host).own(), wanted.own(), "after {what}");
    }
}

#[test]
fn what_is_changed_of_the_controllers_rows_is_put_back() {
    let scene = Scene::start(2).unwrap();
    let vxlan = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let vlan = scene.segment(Kind::Vlan(105), 2, &[1, 2]).unwrap();
    scene.settle().unwrap();
    let host = scene.host(1).clone();
    let wanted = Database::read(&host);
    let uuid = host.vsctl(&["get", "Bridge", "br-int", "controller"]).unwrap();
    let uuid = uuid.trim().trim_matches(['[', ']']);
    let changes: &[&[&str]] = &[
        &["del-port", "br-int", "weft-vxlan"],
        &["del-port", "br-int", "int-br-provider"],
        &["del-port", "br-provider", "phy-br-provider"],
        &["set", "Interface", "weft-vxlan", "options:local_ip=192.0.2.1"],
        &["remove", "Interface", "weft-vxlan", "options", "remote_ip"],
        &["set", "Interface", "weft-vxlan", "type=gre"],
        &["set", "Interface", "int-br-provider", "options:peer=nobody"],
        &["set-fail-mode", "br-int", "standalone"],
        &["del-fail-mode", "br-int"],
        &["set", "Bridge", "br-int", "protocols=OpenFlow10"],
        &["clear", "Bridge", "br-int", "protocols"],
        &["remove", "Bridge", "br-int", "other_config", "disable-in-band"],
        &["clear", "Bridge", "br-int", "flow_tables"],
        &["set", "Controller", uuid, "inactivity_probe=60000", "max_backoff=8000"],
        &["set", "Controller", uuid, "connection_mode=in-band"],
        &["set", "Controller", uuid, "target=\"tcp:192.0.2.1:6633\""],
        &["del-controller", "br-int"],
    ];
    let healed = || scene.weftd.log().unwrap().matches("host's database updated").count();
    for change in changes {
        let before = healed();
        let what = change.join(" ");
        host.vsctl(change).unwrap();
        assert_healed(&host, &wanted, &what);
        assert!(healed() > before, "{what} was a change");
    }
    scene.wait_ready().unwrap();
    scene.settle().unwrap();
    for segment in [&vxlan, &vlan] {
        assert_reaches(&segment.guests[0], segment.guests[1].v4());
        assert_reaches(&segment.guests[1], segment.guests[0].v6());
    }
}

#[test]
fn a_port_that_comes_back_carries_traffic_again() {
    let scene = Scene::start(2).unwrap();
    let vxlan = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let vlan = scene.segment(Kind::Vlan(105), 2, &[1, 2]).unwrap();
    let pair = |segment: &Segment| {
        assert_reaches(&segment.guests[0], segment.guests[1].v4());
    };
    let host = scene.host(1);
    for (segment, bridge, port) in [
        (&vxlan, "br-int", "weft-vxlan"),
        (&vlan, "br-int", "int-br-provider"),
        (&vlan, "br-provider", "phy-br-provider"),
    ] {
        pair(segment);
        host.vsctl(&["del-port", bridge, port]).unwrap();
        pair(segment);
        assert!(host.ofport(port).unwrap() > 0);
    }
}

#[test]
fn a_bridge_that_was_deleted_is_made_again() {
    let scene = Scene::start(2).unwrap();
    let vxlan = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let vlan = scene.segment(Kind::Vlan(105), 2, &[1, 2]).unwrap();
    let host = scene.host(1).clone();
    let wanted = Database::read(&host);
    host.vsctl(&["del-br", "br-int"]).unwrap();
    host.wait_for_bridge("br-int").unwrap();
    for segment in [&vxlan, &vlan] {
        plug_again(&host, &segment.guests[0]);
    }
    let ports = wanted.own()["Bridge br-int"]["ports"].clone();
    let has_ports = || Database::read(&host).own()["Bridge br-int"]["ports"] == ports;
    wait_until("the ports", READY, has_ports).unwrap();
    assert_healed(&host, &wanted, "del-br br-int");
    scene.wait_active(vxlan.guests.iter().chain(&vlan.guests)).unwrap();
    scene.settle().unwrap();
    for segment in [&vxlan, &vlan] {
        assert_reaches(&segment.guests[0], segment.guests[1].v4());
        assert_reaches(&segment.guests[1], segment.guests[0].v6());
    }
}
