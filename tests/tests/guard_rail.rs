//! An empty or wrong store takes no network down, nor does a change that was a mistake.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::time::Duration;

use lab::{WeftdOptions, wait_until};
use proto::v1 as pb;
use proto::v1::apply_request::Change;
use proto::v1::apply_request::change::Change as Any;
use proto::v1::change_service_client::ChangeServiceClient;
use tests::{Guest, Kind, READY, Scene, assert_reaches, assert_silent, fixed, refusal};
use tonic::Code;

/// Between two echo requests of a ping that runs meanwhile.
const PACE: Duration = Duration::from_millis(20);

/// Two hosts, of which as much goes without a question as `args` says: a lab's hosts have fewer flows
/// than the default, and most of them are there whatever else is.
fn scene(args: &[&str]) -> Scene {
    let args = args.iter().map(Into::into).collect();
    let scene = Scene::with_options(2, WeftdOptions { args, ..Default::default() }).unwrap();
    scene.lab.set_managers().unwrap();
    scene.wait_ready().unwrap();
    scene
}

fn held(scene: &Scene, host: u16) -> Option<pb::host::Hold> {
    scene.record(host).ok()?.hold
}

/// Deletes these guests' ports, all or none.
fn delete_at_once(scene: &Scene, guests: &[Guest]) -> pb::ApplyResponse {
    let changes = guests.iter().map(|guest| {
        let delete = pb::DeletePortRequest { id: guest.port.id.clone(), ..Default::default() };
        Change { change: Some(Any::DeletePort(delete)) }
    });
    let request = pb::ApplyRequest { changes: changes.collect(), ..Default::default() };
    scene.api.call(async |channel| ChangeServiceClient::new(channel).apply(request).await).unwrap()
}

#[test]
fn what_an_empty_store_knows_nothing_of_stays_until_it_is_released() {
    let mut scene = scene(&["--removal-floor=10", "--removal-limit=20"]);
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

#[test]
fn a_change_that_deletes_most_of_a_host_is_held_until_it_is_released() {
    let mut scene = scene(&["--removal-floor=10", "--removal-limit=45"]);
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 1, 1, 1, 1, 1, 1, 2, 2, 2]).unwrap();
    let (doomed, others) = segment.guests.split_at(6);
    let [a, b, ..] = doomed else { panic!("two guests") };
    let [stays, elsewhere, ..] = others else { panic!("guests on both hosts") };
    assert_reaches(a, b.v4());
    let streams = [a.start_ping(b.v4(), PACE).unwrap(), b.start_ping(stays.v4(), PACE).unwrap()];
    let go_on = || streams.iter().for_each(|stream| stream.wait_for_replies(20, READY).unwrap());
    go_on();
    let sent = scene.flows(1).unwrap().len() as u64;

    // It is stored and answered; what it takes from the host stays there.
    let revision = delete_at_once(&scene, doomed).revision;
    assert!(scene.port(&a.port.id).is_err());
    let hold = held(&scene, 1).expect("it is held at once");
    assert!(hold.flows * 20 > hold.of_flows * 9, "{hold:?}");
    assert_eq!(held(&scene, 2), None);
    scene.settle().unwrap();
    let host = scene.record(1).unwrap();
    assert!(host.realized_revision < revision && host.desired_revision >= revision, "{host:?}");
    let list = scene.weftd.weft_text(&["host", "list"]).unwrap();
    assert!(list.contains("flows held"), "{list}");
    let waited = scene.weftd.weft_text(&["wait", &revision.to_string()]).unwrap();
    assert!(waited.contains("its flows are held"), "{waited}");
    assert!(scene.weftd.log().unwrap().contains("a change would take these flows from the host"));
    go_on();
    assert_eq!(scene.flows(1).unwrap().len() as u64, sent, "nothing has gone");

    // What is new comes all the same, what is deleted port by port goes.
    // An address that was a held port's would be the new one's.
    let fixed_ips = vec![fixed("10.1.0.200"), fixed("fd00:1::200")];
    let port = pb::Port { fixed_ips, ..Default::default() };
    let new = scene.guest_with(&segment.network, 1, port).unwrap();
    scene.wait_active([&new]).unwrap();
    assert_reaches(&new, stays.v4());
    assert_reaches(&new, elsewhere.v4());
    scene.delete_port(&new.port.id).unwrap();
    scene.settle().unwrap();
    assert_silent(&new, stays.v4());

    // So it stays when the controller starts anew, and when somebody changes a flow.
    scene.weftd.kill().unwrap();
    scene.weftd.start_again().unwrap();
    scene.reconnect().unwrap();
    wait_until("the host to be held again", READY, || held(&scene, 1).is_some()).unwrap();
    scene.wait_ready().unwrap();
    let foreign = "table=0,priority=9,in_port=98,actions=drop";
    scene.host(1).ofctl(&["add-flow", "br-int", foreign]).unwrap();
    let seen = || scene.record(1).unwrap().drift.unwrap().foreign_flows == 1;
    wait_until("the flow to be seen", READY, seen).unwrap();
    go_on();
    for stream in streams {
        let report = stream.stop().unwrap();
        assert_eq!(report.lost(), 0, "{report:?}");
    }
    assert_eq!(scene.record(1).unwrap().drift.unwrap().flows_healed, 0);

    let there = scene.flows(1).unwrap().len() as u64;
    let hold = held(&scene, 1).unwrap();
    scene.weftd.weft(&["host", "release", "h1"]).unwrap();
    scene.settle().unwrap();
    assert_eq!(scene.flows(1).unwrap().len() as u64, there - hold.flows);
    assert_silent(a, stays.v4());
    let host = scene.record(1).unwrap();
    assert_eq!((host.hold, host.realized_revision), (None, host.desired_revision));

    // The rest, port by port, is no reason for questions.
    for guest in others {
        scene.delete_port(&guest.port.id).unwrap();
    }
    scene.settle().unwrap();
    assert!(scene.flows(1).unwrap().len() as u64 <= there - hold.flows - 30);
    assert_eq!([1, 2].map(|host| held(&scene, host)), [None, None]);
}

#[test]
fn a_change_that_deletes_much_on_all_hosts_is_held_on_each() {
    // More than a host loses, and less than both do.
    let scene = scene(&["--removal-floor=120", "--removal-limit=10"]);
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2, 1, 2, 1, 2]).unwrap();
    let [a, b, ..] = &segment.guests[..] else { panic!("two guests") };
    assert_reaches(a, b.v4());
    let stream = a.start_ping(b.v4(), PACE).unwrap();
    stream.wait_for_replies(5, READY).unwrap();
    delete_at_once(&scene, &segment.guests[..4]);
    let holds = [1, 2].map(|host| held(&scene, host).expect("it is held at once"));
    assert!(holds.iter().all(|hold| hold.flows <= 120), "{holds:?}");
    scene.settle().unwrap();
    stream.wait_for_replies(50, READY).unwrap();
    let report = stream.stop().unwrap();
    assert_eq!(report.lost(), 0, "{report:?}");
    for host in ["h1", "h2"] {
        scene.weftd.weft(&["host", "release", host]).unwrap();
    }
    scene.settle().unwrap();
    assert_silent(a, b.v4());
    assert_eq!([1, 2].map(|host| held(&scene, host)), [None, None]);
}
