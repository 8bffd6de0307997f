//! What a switch does not take is told, tried again, and costs nothing else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "refused/bundles.rs"]
mod bundles;
#[path = "../benches/common/ovs.rs"]
#[expect(dead_code, reason = "nothing is measured")]
mod ovs;

use std::time::Duration;

use lab::{wait_for, wait_until};
use proto::v1 as pb;
use proto::v1::host::State;
use proto::v1::network::Status as NetworkStatus;
use proto::v1::port::Status;
use tests::{Kind, READY, Scene, assert_reaches};
use topology::pipeline::Table;

/// The table that translates the keys of ports to their numbers: each port of a host has a flow
/// there.
const OUTPUT: Table = Table::Output;

/// The table where each network that a host has a port of has a flow.
const FLOOD: Table = Table::Flood;

/// Lets a table of host 1 have no more flows than it has; answers the row that says so.
fn fill(scene: &Scene, table: Table) -> String {
    let number = table.number();
    let there = scene.flows(1).unwrap().iter().filter(|flow| flow.table == number).count();
    let key = format!("flow_tables:{number}");
    let row = scene.host(1).vsctl(&["get", "Bridge", "br-int", &key]).unwrap().trim().to_owned();
    let limit = format!("flow_limit={there}");
    let set = ["set", "Flow_Table", &row, &limit, "overflow_policy=refuse"];
    scene.host(1).vsctl(&set).unwrap();
    row
}

#[test]
fn a_full_table_costs_the_port_that_finds_no_room_and_no_other() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [a, b] = &segment.guests[..] else { panic!("two guests") };
    assert_reaches(a, b.v4());
    let connected = scene.record(1).unwrap().connected_time;
    let host = scene.host(1);
    let limit = fill(&scene, OUTPUT);
    let late = scene.guest(&segment.network, 1).unwrap();
    let port = scene.wait_status(&late.port.id, Status::Error).unwrap();
    let reason = &port.status_reason;
    assert!(reason.contains("TABLE_FULL") && reason.contains(host.name()), "{reason}");
    scene.settle().unwrap();

    // It is told of the host, too, and explained.
    let record = scene.record(1).unwrap();
    assert_eq!(record.state(), State::Ready);
    assert!(record.refused_flow_count >= 1, "{record:?}");
    assert_eq!(record.refused_flow_count, record.refused_flows.len() as u64);
    for refused in &record.refused_flows {
        assert_eq!(
            (refused.table_id, &*refused.reason),
            (OUTPUT.number().into(), "OFPFMFC_TABLE_FULL")
        );
        let cookie = format!("{:#x}", refused.cookie);
        let why = scene.weftd.weft_text(&["flow", "explain", &cookie]).unwrap();
        assert!(why.contains(&late.port.id), "{why}");
    }

    // The session goes on, and everything else of it lands: here a port of the other host.
    let other = scene.guest(&segment.network, 2).unwrap();
    scene.wait_active([&other]).unwrap();
    assert_reaches(a, other.v4());
    assert_reaches(a, b.v4());
    assert_eq!(scene.port(&late.port.id).unwrap().status(), Status::Error);
    assert_eq!(scene.record(1).unwrap().connected_time, connected, "it is the same session");
    assert_eq!(scene.record(1).unwrap().drift.unwrap().flows_healed, 0);

    // As soon as there is room, it is there.
    host.vsctl(&["clear", "Flow_Table", &limit, "flow_limit"]).unwrap();
    scene.wait_active([&late]).unwrap();
    assert_reaches(b, late.v4());
    let taken = || scene.record(1).is_ok_and(|record| record.refused_flow_count == 0);
    wait_until("no flow to be refused", READY, taken).unwrap();
    let log = scene.weftd.log().unwrap();
    assert!(log.contains("the switch refused a flow"), "{log}");
}

/// A network once it has this status.
fn wait_network(scene: &Scene, id: &str, status: NetworkStatus) -> pb::Network {
    let get = || scene.api.get_network(pb::GetNetworkRequest { id: id.to_owned() });
    let has_it = || get().ok().filter(|network| network.status() == status);
    wait_for("the network's status", READY, has_it)
        .unwrap_or_else(|error| panic!("{error}: {:?}", get()))
}

#[test]
fn a_network_that_lacks_a_flow_on_a_host_is_in_error_and_others_are_not() {
    let scene = Scene::start(2).unwrap();
    let there = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    assert_eq!(wait_network(&scene, &there.network.id, NetworkStatus::Active).status_reason, "");
    let limit = fill(&scene, FLOOD);

    // No host has a port of it yet.
    let late = scene.network(Kind::Vxlan).unwrap();
    assert_eq!((late.status(), &*late.status_reason), (NetworkStatus::Active, ""));
    scene.subnet(&late, "10.2.0.0/24").unwrap();
    let guest = scene.guest(&late, 1).unwrap();
    let network = wait_network(&scene, &late.id, NetworkStatus::Error);
    let reason = &network.status_reason;
    assert!(reason.contains("TABLE_FULL") && reason.contains(scene.host(1).name()), "{reason}");
    scene.wait_status(&guest.port.id, Status::Error).unwrap();
    let shown = scene.weftd.weft_text(&["network", "show", &late.id]).unwrap();
    assert!(shown.contains("ERROR") && shown.contains("TABLE_FULL"), "{shown}");

    wait_network(&scene, &there.network.id, NetworkStatus::Active);
    assert_reaches(&there.guests[0], there.guests[1].v4());

    scene.host(1).vsctl(&["clear", "Flow_Table", &limit, "flow_limit"]).unwrap();
    let network = wait_network(&scene, &late.id, NetworkStatus::Active);
    assert_eq!(network.status_reason, "");
    scene.wait_status(&guest.port.id, Status::Active).unwrap();
}

#[test]
fn what_is_not_wanted_any_more_is_not_tried_again() {
    let scene = Scene::start(1).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1]).unwrap();
    fill(&scene, OUTPUT);
    let late = scene.guest(&segment.network, 1).unwrap();
    scene.wait_status(&late.port.id, Status::Error).unwrap();
    scene.delete_port(&late.port.id).unwrap();
    let none = || scene.record(1).is_ok_and(|record| record.refused_flow_count == 0);
    wait_until("nothing to be refused", Duration::from_secs(10), none).unwrap();
    assert_eq!(scene.port(&segment.guests[0].port.id).unwrap().status(), Status::Active);
}
