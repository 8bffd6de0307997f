//! Limits of conntrack zones, which the database of Open vSwitch has since 3.3.

use std::collections::BTreeMap;
use std::fs;

use lab::{Host, WeftdOptions, run, wait_until};
use serde_json::{Value, json};
use tests::{Guest, Kind, READY, Scene};

/// The schema of stock Open vSwitch.
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// Turns the host's database into one as of Open vSwitch 3.3, as an upgrade does. A daemon of
/// before does not look at what is new.
fn upgrade_database(host: &Host) {
    let mut schema: Value = serde_json::from_str(&fs::read_to_string(SCHEMA).unwrap()).unwrap();
    let limit = json!({"type": {
        "key": {"type": "integer", "minInteger": 0, "maxInteger": 4_294_967_295_u32},
        "min": 0, "max": 1,
    }});
    schema["tables"]["CT_Zone"]["columns"]["limit"] = limit;
    schema["version"] = "8.5.0".into();
    schema.as_object_mut().unwrap().remove("cksum");
    let file = host.dir().join("upgraded.ovsschema");
    fs::write(&file, schema.to_string()).unwrap();
    let socket = format!("unix:{}", host.dir().join("db.sock").display());
    run(host.command("ovsdb-client").args(["convert", &socket]).arg(file)).unwrap();
}

/// The limits of the zones of the host's userspace datapath.
fn limits(host: &Host) -> BTreeMap<u64, u64> {
    let socket = format!("unix:{}", host.dir().join("db.sock").display());
    let select = |table| json!({"op": "select", "table": table, "where": []});
    let request = json!(["Open_vSwitch", select("Datapath"), select("CT_Zone")]).to_string();
    let answer = run(host.command("ovsdb-client").args(["transact", &socket, &request])).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let zones = answer[0]["rows"].as_array().unwrap();
    assert!(zones.len() <= 1, "one datapath: {answer}");
    let zones = zones.iter().flat_map(|row| row["ct_zones"][1].as_array().unwrap());
    let limit = |row: &Value| {
        let of_row = |it: &&Value| it["_uuid"] == *row;
        let found = answer[1]["rows"].as_array().unwrap().iter().find(of_row).unwrap();
        found["limit"].as_u64().unwrap()
    };
    zones.map(|pair| (pair[0].as_u64().unwrap(), limit(&pair[1]))).collect()
}

#[track_caller]
fn wait_for_limits(host: &Host, wanted: &[(u64, u64)]) {
    let wanted = wanted.iter().copied().collect();
    if wait_until("the zones' limits", READY, || limits(host) == wanted).is_err() {
        assert_eq!(limits(host), wanted);
    }
}

#[test]
fn every_plugged_port_has_a_zone_with_a_limit_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("weftd.toml");
    fs::write(&config, "").unwrap();
    let args = vec!["--config".into(), config.clone().into()];
    let mut scene = Scene::with_options(1, WeftdOptions { args, ..Default::default() }).unwrap();
    let host = scene.host(1).clone();
    host.set_manager(scene.lab.controller_address()).unwrap();
    scene.wait_ready().unwrap();
    let mut segment = scene.segment(Kind::Vxlan, 1, &[1, 1]).unwrap();
    let zone = |guest: &Guest| 4096 + u64::from(host.ofport(guest.interface()).unwrap());
    let (first, second) = (zone(&segment.guests[0]), zone(&segment.guests[1]));
    assert_eq!(limits(&host), BTreeMap::new(), "this database has no such limits");

    upgrade_database(&host);
    wait_for_limits(&host, &[(first, 50_000), (second, 50_000)]);

    // What an operator has set is the operator's.
    let row = datapath(&host);
    let made = format!(
        "-- --id=@zone create CT_Zone external_ids:set-by=operator \
         -- set Datapath {row} ct_zones:7=@zone"
    );
    host.vsctl(&made.split_whitespace().collect::<Vec<_>>()).unwrap();
    segment.guests.remove(1).unplug().unwrap();
    let kept = || {
        let zones = host.vsctl(&["get", "Datapath", &row, "ct_zones"]).unwrap();
        zones.contains("7=")
            && zones.contains(&format!("{first}="))
            && zones.matches('=').count() == 2
    };
    wait_until("the zone of the port that left to go, and no other", READY, kept).unwrap();
    host.vsctl(&["remove", "Datapath", &row, "ct_zones", "7"]).unwrap();

    for (limit, wanted) in [(7, &[(first, 7)][..]), (0, &[])] {
        scene.weftd.stop().unwrap();
        fs::write(&config, format!("connections-per-port = {limit}\n")).unwrap();
        scene.weftd.start_again().unwrap();
        wait_for_limits(&host, wanted);
    }
}

#[test]
fn what_others_have_changed_and_is_left_so_holds_up_no_limit() {
    let args = ["--drift", "observe"].map(Into::into).to_vec();
    let scene = Scene::with_options(1, WeftdOptions { args, ..Default::default() }).unwrap();
    let host = scene.host(1).clone();
    host.set_manager(scene.lab.controller_address()).unwrap();
    scene.wait_ready().unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1]).unwrap();
    let zone = |guest: &Guest| 4096 + u64::from(host.ofport(guest.interface()).unwrap());
    let first = zone(&segment.guests[0]);
    upgrade_database(&host);
    wait_for_limits(&host, &[(first, 50_000)]);

    let standing = || scene.record(1).unwrap().drift.unwrap().rows_standing;
    host.vsctl(&["set-fail-mode", "br-int", "standalone"]).unwrap();
    wait_until("it to be told", READY, || standing().len() == 1).unwrap();
    let late = scene.guest(&segment.network, 1).unwrap();
    scene.wait_active([&late]).unwrap();
    wait_for_limits(&host, &[(first, 50_000), (zone(&late), 50_000)]);
    late.unplug().unwrap();
    wait_for_limits(&host, &[(first, 50_000)]);
    assert_eq!(host.vsctl(&["get-fail-mode", "br-int"]).unwrap().trim(), "standalone");
    assert_eq!(standing().len(), 1);
}

/// The row of the only datapath that has settings.
fn datapath(host: &Host) -> String {
    host.vsctl(&["--bare", "--columns=_uuid", "list", "Datapath"]).unwrap().trim().to_owned()
}
