//! What is taken away or changed of what the controller made comes back.

use std::time::{Duration, Instant};

use lab::{Host, WeftdOptions, wait_until};
use tests::{Kind, READY, Scene, Segment, assert_reaches};

use crate::database::Database;
use crate::plug_again;

/// How soon what others have changed must be put right.
const HEALED: Duration = Duration::from_secs(5);

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
    let healed = || {
        let drift = scene.record(1).unwrap().drift.unwrap();
        drift.rows_healed.iter().map(|it| it.rows).sum::<u64>()
    };
    assert_eq!(healed(), 0, "what the controller makes itself is no drift");
    for change in changes {
        let before = healed();
        let what = change.join(" ");
        let began = Instant::now();
        host.vsctl(change).unwrap();
        assert_healed(&host, &wanted, &what);
        wait_until("it to be counted", READY, || healed() > before)
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(began.elapsed() < HEALED, "{what} took {:?}", began.elapsed());
    }
    let told = scene.record(1).unwrap().drift.unwrap();
    let tables: Vec<_> = told.rows_healed.iter().map(|it| &*it.table).collect();
    assert_eq!(tables, ["Bridge", "Port", "Interface", "Controller", "Flow_Table"], "{told:?}");
    assert!(told.rows_standing.is_empty() && told.last_found_time.is_some(), "{told:?}");
    let shown = scene.weftd.weft_text(&["host", "show", "h1"]).unwrap();
    assert!(shown.contains("table=Interface, rows="), "{shown}");
    // What an operator wishes otherwise is no drift, nor what follows from it.
    let before = healed();
    host.vsctl(&["remove", "Open_vSwitch", ".", "external_ids", "weft-bridge-mappings"]).unwrap();
    let gone = || host.ofport("int-br-provider").is_err();
    wait_until("the patch ports to go", READY, gone).unwrap();
    host.set_manager(scene.lab.controller_address()).unwrap();
    assert_healed(&host, &wanted, "the mapping was back");
    assert_eq!(healed(), before);
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

#[test]
fn who_only_observes_leaves_the_database_as_it_is() {
    let args = ["--drift", "observe"].map(Into::into).to_vec();
    let scene = Scene::with_options(1, WeftdOptions { args, ..Default::default() }).unwrap();
    scene.lab.set_managers().unwrap();
    scene.wait_ready().unwrap();
    let host = scene.host(1).clone();
    let ports = || Database::read(&host).get("Bridge", "br-int", "ports").contains("weft-vxlan");
    wait_until("the tunnel port", READY, ports).unwrap();
    let drift = || scene.record(1).unwrap().drift.unwrap();
    host.vsctl(&["set-fail-mode", "br-int", "standalone"]).unwrap();
    let told = || drift().rows_standing.iter().any(|it| it.table == "Bridge" && it.rows == 1);
    wait_until("it to be told", HEALED, told).unwrap();
    host.vsctl(&["del-port", "br-int", "weft-vxlan"]).unwrap();
    wait_until("more to be told", HEALED, || drift().rows_standing.len() == 3).unwrap();
    assert!(!ports() && drift().rows_healed.is_empty(), "{:?}", drift());
    assert_eq!(Database::read(&host).get("Bridge", "br-int", "fail_mode"), "standalone");

    // When the database connects anew, it is put right.
    host.restart_ovsdb_server().unwrap();
    wait_until("the tunnel port to be back", READY, ports).unwrap();
    wait_until("nothing to be told", READY, || drift().rows_standing.is_empty()).unwrap();
    assert_eq!(Database::read(&host).get("Bridge", "br-int", "fail_mode"), "secure");
}
