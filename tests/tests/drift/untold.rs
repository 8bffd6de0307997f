//! A switch without a flow monitor: what others change there is found by reading back.

use std::time::Instant;

use lab::wait_until;
use tests::{READY, Scene, assert_reaches};

use super::old_switch::OldSwitch;
use super::{HEALED, add_extra, altered, drift, healed, identities, only_observed, pair, start};

/// A scene of one host whose switch answers a flow monitor as one that knows of none; br-int finds
/// its controller on its own host.
fn scene(args: &[&str]) -> (Scene, OldSwitch) {
    let scene = start(1, &[&["--advertise", "127.0.0.1"], args].concat());
    let host = scene.host(1).clone();
    let old = OldSwitch::before(scene.lab.controller_address(), host.netns()).unwrap();
    scene.lab.set_managers().unwrap();
    scene.wait_ready().unwrap();
    assert!(old.refused() > 0, "no flow monitor was asked for");
    (scene, old)
}

#[test]
fn what_others_change_is_found_by_reading_back_and_put_right() {
    let (scene, old) = scene(&[]);
    let segment = pair(&scene, [1, 1]);
    let (wanted, host) = (identities(&scene, 1), scene.host(1));
    let sent = scene.flow_mods_sent().unwrap()[&1];
    assert_eq!(drift(&scene, 1).flows_healed, 0, "nobody else has changed anything");

    let in_table_90 = wanted.iter().filter(|flow| flow.starts_with("table=90 ")).count() as u64;
    let altered = altered(&scene, 1);
    let changes: [(&str, u64, &dyn Fn()); 3] = [
        ("a table to be back", in_table_90, &|| {
            drop(host.ofctl(&["del-flows", "br-int", "table=90"]).unwrap());
        }),
        ("a flow to do what it did", 1, &|| {
            drop(host.ofctl(&["add-flow", "br-int", &altered]).unwrap());
        }),
        ("an extra flow to go", 1, &|| add_extra(&scene, 1, 99)),
    ];
    let mut so_far = 0;
    for (what, flows, change) in changes {
        change();
        assert!(identities(&scene, 1) != wanted);
        so_far += flows;
        let began = Instant::now();
        let healed = || identities(&scene, 1) == wanted && drift(&scene, 1).flows_healed == so_far;
        wait_until(what, READY, healed).unwrap();
        assert!(began.elapsed() < HEALED, "{what} took {:?}", began.elapsed());
    }
    assert_reaches(&segment.guests[1], segment.guests[0].v4());
    let told = drift(&scene, 1);
    assert_eq!(healed(&told, 90).missing, in_table_90);
    assert_eq!((healed(&told, 65).altered, healed(&told, 0).extra), (1, 1));
    assert_eq!(scene.flow_mods_sent().unwrap()[&1] - sent, so_far);
    assert_eq!(old.refused(), 1, "the session is still the first");
}

#[test]
fn who_only_observes_reads_back_and_says_it_once() {
    let (scene, _old) = scene(&["--drift", "observe", "--read-back-interval", "1"]);
    only_observed(&scene, || reads_back_and_says_it_once(&scene));
}

fn reads_back_and_says_it_once(scene: &Scene) {
    wait_until("it to be told", READY, || drift(scene, 1).standing.len() == 1).unwrap();
    let first = drift(scene, 1);
    assert!(first.standing[0].missing > 0 && first.standing[0].table_id == 90, "{first:?}");
    // It is found again each time, which is no news.
    let found = || drift(scene, 1).last_found_time;
    for _ in 0..2 {
        let before = found();
        wait_until("another read-back", READY, || found() != before).unwrap();
    }
    let said = || scene.weftd.log().unwrap().matches("others have changed flows").count();
    assert_eq!(said(), 1);
    add_extra(scene, 1, 99);
    wait_until("more to be told", READY, || drift(scene, 1).standing.len() == 2).unwrap();
    assert_eq!((said(), drift(scene, 1).flows_healed), (2, 0));
}
