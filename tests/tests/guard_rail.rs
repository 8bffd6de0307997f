//! An empty or wrong store takes no network down.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::time::Duration;

use lab::{WeftdOptions, wait_until};
use proto::v1 as pb;
use tests::{Kind, READY, Scene, assert_reaches, assert_silent, refusal};
use tonic::Code;

/// Between two echo requests of a ping that runs meanwhile.
const PACE: Duration = Duration::from_millis(20);

fn held(scene: &Scene, host: u16) -> Option<pb::host::Hold> {
    scene.record(host).ok()?.hold
}

#[test]
fn what_an_empty_store_knows_nothing_of_stays_until_it_is_released() {
    // A lab's hosts have fewer flows than may go without a question, and most of them are there
    // whatever else is.
    let args = ["--removal-floor=10", "--removal-limit=20"].map(Into::into).to_vec();
    let mut scene = Scene::with_options(2, WeftdOptions { args, ..Default::default() }).unwrap();
    scene.lab.set_managers().unwrap();
    scene.wait_ready().unwrap();
    let doomed = scene.segment(Kind::Vxlan, 2, &[1, 1, 2, 2]).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [a, b] = &segment.guests[..] else { panic!("two guests") };

    // What is deleted is deleted: that is no reason for questions.
    let before = scene.flows(1).unwrap().len();
    for guest in &doomed.guests {
        scene.delete_port(&guest.port.id).unwrap();
    }
    scene.settle().unwrap();
    assert!(scene.flows(1).unwrap().len() + 10 < before);
    assert_eq!([1, 2].map(|host| held(&scene, host)), [None, None]);

    assert_reaches(a, b.v4());
    let stream = a.start_ping(b.v4(), PACE).unwrap();
    stream.wait_for_replies(5, READY).unwrap();
    scene.weftd.stop().unwrap();
    fs::remove_dir_all(scene.weftd.data_dir()).unwrap();
    scene.weftd.start_again().unwrap();
    scene.reconnect().unwrap();
    let all_held = || [1, 2].iter().all(|&host| held(&scene, host).is_some());
    wait_until("both hosts to be held", READY, all_held).unwrap();
    scene.wait_ready().unwrap();
    let hold = held(&scene, 1).unwrap();
    assert!(hold.flows > 10 && hold.flows * 5 > hold.of_flows, "{hold:?}");
    let list = scene.weftd.weft_text(&["host", "list"]).unwrap();
    assert!(list.contains("flows held"), "{list}");
    assert!(scene.weftd.log().unwrap().contains("is it the right store?"));

    // Traffic goes on, also when somebody changes a flow: what stays is no drift.
    let foreign = "table=0,priority=9,in_port=98,actions=drop";
    scene.host(1).ofctl(&["add-flow", "br-int", foreign]).unwrap();
    let seen = || scene.record(1).unwrap().drift.unwrap().foreign_flows == 1;
    wait_until("the flow to be seen", READY, seen).unwrap();
    stream.wait_for_replies(50, READY).unwrap();
    let report = stream.stop().unwrap();
    assert_eq!(report.lost(), 0, "{report:?}");
    assert_eq!(scene.record(1).unwrap().drift.unwrap().flows_healed, 0);

    // When the operator says so, it goes.
    let there = scene.flows(1).unwrap().len();
    scene.weftd.weft(&["host", "release", "h1"]).unwrap();
    let gone = || scene.flows(1).unwrap().len() < there - 10;
    wait_until("what was held to go", READY, gone).unwrap();
    assert_silent(b, a.v4());
    assert_eq!(held(&scene, 1), None);
    assert!(held(&scene, 2).is_some());
    let id = scene.record(1).unwrap().id;
    let again = scene.api.release_host(pb::ReleaseHostRequest { id });
    assert_eq!(refusal(again).code, Code::FailedPrecondition);
}
