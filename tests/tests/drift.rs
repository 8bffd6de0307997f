//! What others change on a connected switch is noticed, counted and put right.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "drift/old_switch.rs"]
mod old_switch;
#[path = "drift/untold.rs"]
mod untold;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lab::{WeftdOptions, wait_until};
use proto::v1 as pb;
use tests::{Kind, READY, Scene, Segment, assert_reaches, assert_silent};
use topology::meter::LOG_METER;

/// How soon what others have changed must be put right.
const HEALED: Duration = Duration::from_secs(5);

/// A scene whose controller was started with `args`; no host is handed over yet.
fn start(hosts: u16, args: &[&str]) -> Scene {
    let args = args.iter().map(Into::into).collect();
    Scene::with_options(hosts, WeftdOptions { args, ..Default::default() }).unwrap()
}

/// A scene whose controller was started with `args`.
fn scene(hosts: u16, args: &[&str]) -> Scene {
    let scene = start(hosts, args);
    scene.lab.set_managers().unwrap();
    scene.wait_ready().unwrap();
    scene
}

fn identities(scene: &Scene, host: u16) -> BTreeSet<String> {
    scene.flows(host).unwrap().iter().map(|flow| flow.identity()).collect()
}

fn drift(scene: &Scene, host: u16) -> pb::host::Drift {
    scene.record(host).unwrap().drift.unwrap()
}

/// What was put right in a table.
fn healed(drift: &pb::host::Drift, table: u32) -> pb::host::drift::Table {
    drift.healed.iter().find(|it| it.table_id == table).unwrap().clone()
}

/// Two guests on these hosts, who reach each other.
fn pair(scene: &Scene, hosts: [u16; 2]) -> Segment {
    let segment = scene.segment(Kind::Vxlan, 1, &hosts).unwrap();
    assert_reaches(&segment.guests[0], segment.guests[1].v4());
    scene.settle().unwrap();
    segment
}

/// Others delete flows of host 1 without which its guests do not reach each other, and `look` looks
/// at what comes of it: nothing is put right.
fn only_observed(scene: &Scene, look: impl FnOnce()) {
    let segment = pair(scene, [1, 1]);
    let sent = scene.flow_mods_sent().unwrap();
    scene.host(1).ofctl(&["del-flows", "br-int", "table=90"]).unwrap();
    look();
    assert_silent(&segment.guests[0], segment.guests[1].v4());
    assert_eq!(scene.flow_mods_sent().unwrap(), sent);
}

/// A flow of table 65, as others would have it.
fn altered(scene: &Scene, host: u16) -> String {
    let known = scene.flows(host).unwrap().into_iter().find(|flow| flow.table == 65).unwrap();
    let (matching, _) = known.rule.split_once("actions=").unwrap();
    format!("cookie={:#x},table=65,{matching} actions=drop", known.cookie)
}

/// Adds a flow with the cookie of one that is there, in table 0, where there is none like it.
fn add_extra(scene: &Scene, host: u16, number: u32) {
    let cookie = scene.flows(host).unwrap()[0].cookie;
    let flow = format!("cookie={cookie:#x},table=0,priority=99,in_port={number},actions=drop");
    scene.host(host).ofctl(&["add-flow", "br-int", &flow]).unwrap();
}

#[test]
fn what_others_change_is_put_right_at_once_and_counted_by_table() {
    let scene = scene(2, &[]);
    let segment = pair(&scene, [1, 2]);
    let (wanted, host) = (identities(&scene, 2), scene.host(2));
    assert_eq!(drift(&scene, 2).flows_healed, 0, "nobody else has changed anything");
    let sent = scene.flow_mods_sent().unwrap()[&2];

    let heals = |what: &str, change: &dyn Fn()| {
        let before = drift(&scene, 2).flows_healed;
        change();
        let began = Instant::now();
        let healed = || drift(&scene, 2).flows_healed > before && identities(&scene, 2) == wanted;
        wait_until(what, READY, healed).unwrap();
        assert!(began.elapsed() < HEALED, "{what} took {:?}", began.elapsed());
        drift(&scene, 2).flows_healed - before
    };
    let in_table_90 = wanted.iter().filter(|flow| flow.starts_with("table=90 ")).count() as u64;
    let deleted = heals("a table to be back", &|| {
        host.ofctl(&["del-flows", "br-int", "table=90"]).unwrap();
    });
    assert_eq!(deleted, in_table_90);
    let altered = altered(&scene, 2);
    let altered = heals("a flow to do what it did", &|| {
        host.ofctl(&["add-flow", "br-int", &altered]).unwrap();
    });
    assert_eq!(altered, 1);
    assert_eq!(heals("an extra flow to go", &|| add_extra(&scene, 2, 99)), 1);
    let all = heals("every flow to be back", &|| drop(host.ofctl(&["del-flows", "br-int"])));
    assert_eq!(all, wanted.len() as u64);
    assert_reaches(&segment.guests[1], segment.guests[0].v4());

    // Each is counted where and as what it was found, and costs what was wrong and no more.
    let told = drift(&scene, 2);
    assert_eq!(healed(&told, 90).missing, 2 * in_table_90);
    assert_eq!((healed(&told, 65).altered, healed(&told, 0).extra), (1, 1));
    assert!(told.standing.is_empty() && told.last_found_time.is_some(), "{told:?}");
    assert_eq!(scene.flow_mods_sent().unwrap()[&2] - sent, told.flows_healed);
    assert_eq!(drift(&scene, 1).flows_healed, 0);
    let log = scene.weftd.log().unwrap();
    assert!(log.contains("others have changed a flow: missing or altered"), "{log}");

    // What the controller changes itself is no drift.
    let late = scene.guest(&segment.network, 2).unwrap();
    scene.wait_active([&late]).unwrap();
    scene.delete_port(&late.port.id).unwrap();
    scene.settle().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(drift(&scene, 2).flows_healed, told.flows_healed);
}

#[test]
fn settings_are_put_right_too() {
    let scene = scene(1, &[]);
    let host = scene.host(1);
    let meter = format!("meter={LOG_METER}");
    let meters = || host.ofctl(&["dump-meters", "br-int"]).unwrap();
    let fragments = || host.ofctl(&["get-frags", "br-int"]).unwrap();
    let muzzled = || host.ofctl(&["show", "br-int"]).unwrap().contains("NO_FWD");
    let (meters_before, fragments_before) = (meters(), fragments());
    assert!(meters_before.contains(&meter), "{meters_before}");
    host.ofctl(&["del-meter", "br-int", &meter]).unwrap();
    host.ofctl(&["set-frags", "br-int", "normal"]).unwrap();
    host.ofctl(&["mod-port", "br-int", "weft-vxlan", "no-forward"]).unwrap();
    assert!(fragments() != fragments_before && muzzled());
    let healed = || meters() == meters_before && fragments() == fragments_before && !muzzled();
    let began = Instant::now();
    wait_until("the settings to be put right", READY, healed).unwrap();
    assert!(began.elapsed() < HEALED, "it took {:?}", began.elapsed());
    wait_until("it to be counted", READY, || drift(&scene, 1).settings_healed >= 3).unwrap();
}

#[test]
fn who_only_observes_changes_nothing() {
    let scene = scene(1, &["--drift", "observe"]);
    only_observed(&scene, || {
        add_extra(&scene, 1, 99);
        wait_until("it to be told", HEALED, || drift(&scene, 1).standing.len() == 2).unwrap();
        let told = drift(&scene, 1);
        assert_eq!((told.standing[0].extra, told.flows_healed), (1, 0));
        assert!(told.standing[1].missing > 0 && told.standing[1].table_id == 90, "{told:?}");
    });
}

#[test]
fn flows_of_others_are_listed_and_stay_or_go_as_is_wished() {
    const FOREIGN: &str = "cookie=0x57ef,table=0,priority=9,in_port=98,actions=drop";
    for remove in [false, true] {
        let scene = scene(1, if remove { &["--foreign-flows", "remove"] } else { &[] });
        let host = scene.host(1);
        host.ofctl(&["add-flow", "br-int", FOREIGN]).unwrap();
        let there = || scene.flows(1).unwrap().iter().any(|flow| flow.cookie == 0x57ef);
        let list = || scene.weftd.weft_text(&["flow", "list", host.name(), "--foreign"]).unwrap();
        if remove {
            wait_until("it to go", HEALED, || !there()).unwrap();
            assert_eq!(list(), "");
        } else {
            let counted = || drift(&scene, 1).foreign_flows == 1;
            wait_until("it to be counted", HEALED, counted).unwrap();
            assert!(there());
            assert!(list().contains("cookie=0x57ef"), "{}", list());
            assert_eq!(list().lines().filter(|line| !line.starts_with('#')).count(), 1);
        }
        assert_eq!(drift(&scene, 1).flows_healed, 0, "that is no drift of ours");
    }
}
