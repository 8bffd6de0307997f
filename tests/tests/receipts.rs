//! What hosts have confirmed, and who is late.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::time::Duration;

use lab::{Nic, wait_until};
use proto::v1 as pb;
use proto::v1::apply_request::Change;
use proto::v1::apply_request::change::Change as Any;
use proto::v1::change_service_client::ChangeServiceClient;
use proto::v1::host::State;
use proto::v1::port::Status;
use tests::{Kind, READY, Scene};
use tonic::Code;

/// All responses to a wait for a revision, and how it ends.
fn wait(
    scene: &Scene,
    revision: u64,
    timeout: Duration,
) -> (Vec<pb::WaitResponse>, Result<(), tonic::Status>) {
    let timeout = prost_types::Duration::try_from(timeout).ok();
    let request = pb::WaitRequest { revision, timeout };
    let wait =
        scene.api.call(async |channel| ChangeServiceClient::new(channel).wait(request).await);
    let mut wait = wait.unwrap();
    let mut responses = Vec::new();
    scene.api.block_on(async {
        loop {
            match wait.message().await {
                Ok(Some(response)) => responses.push(response),
                Ok(None) => return (responses, Ok(())),
                Err(status) => return (responses, Err(status)),
            }
        }
    })
}

fn named(hosts: &[pb::wait_response::LateHost]) -> Vec<(&str, State)> {
    hosts.iter().map(|host| (&*host.name, host.state())).collect()
}

#[test]
fn a_host_that_cannot_be_reached_is_late_then_offline_then_up_to_date() {
    let scene = Scene::start(3).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    scene.settle().unwrap();
    let at = |host: u16| scene.record(host).unwrap();
    let names = [1, 2, 3].map(|host| at(host).name);
    for host in [1, 2, 3] {
        assert_eq!(at(host).realized_revision, at(host).desired_revision, "host {host}");
    }

    scene.host(2).cut(Nic::Management).unwrap();
    let late = scene.guest(&segment.network, 1).unwrap();
    let plugged = scene.wait_port(&late.port.id, |port| port.bound_host == names[0]).unwrap();
    let revision = plugged.revision;
    // Until it is given up, it is late, and named; the host without the network is not.
    let (responses, end) = wait(&scene, revision, Duration::from_secs(1));
    assert_eq!(end.unwrap_err().code(), Code::DeadlineExceeded);
    let last = responses.last().unwrap();
    assert!(!last.done && last.offline_hosts.is_empty(), "{responses:?}");
    assert_eq!(named(&last.late_hosts), [(&*names[1], State::Ready)]);
    assert!(last.late_hosts[0].realized_revision < revision, "{last:?}");
    assert!(at(2).realized_revision < revision && at(2).desired_revision >= revision);
    let port =
        scene.wait_port(&late.port.id, |port| port.status_reason.contains("not confirmed by"));
    let port = port.unwrap();
    let reason = format!("not confirmed by: {}", names[1]);
    assert_eq!((port.status(), port.status_reason), (Status::Building, reason));

    // A wait ends when the host is given up, which then is named apart.
    let (responses, end) = wait(&scene, revision, READY);
    assert!(end.is_ok(), "{end:?} after {responses:?}");
    assert!(responses.len() > 1, "{responses:?}");
    let last = responses.last().unwrap();
    assert!(last.done && last.late_hosts.is_empty(), "{responses:?}");
    assert_eq!(named(&last.offline_hosts), [(&*names[1], State::Offline)]);
    let port = scene.wait_status(&late.port.id, Status::Active).unwrap();
    assert_eq!(port.status_reason, format!("unreachable from offline hosts: {}", names[1]));

    scene.host(2).restore(Nic::Management).unwrap();
    scene.wait_host(2, State::Ready).unwrap();
    let (responses, end) = wait(&scene, revision, READY);
    assert!(end.is_ok(), "{end:?} after {responses:?}");
    let expected = pb::WaitResponse { revision, done: true, ..Default::default() };
    assert_eq!(responses.last(), Some(&expected));
    assert_eq!(scene.port(&late.port.id).unwrap().status_reason, "");
    wait_until("host 2 to be up to date", READY, || {
        at(2).realized_revision == at(2).desired_revision
    })
    .unwrap();
}

#[test]
fn a_plan_counts_the_flows_that_each_host_then_gains_and_loses() {
    let scene = Scene::start(3).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [stays, goes] = &segment.guests[..] else { panic!("two guests") };
    scene.settle().unwrap();
    // One port goes; another has an address more, beside the group of addresses it may use.
    let delete = pb::DeletePortRequest { id: goes.port.id.clone(), ..Default::default() };
    let pair = pb::port::AddressPair { ip_prefix: "10.1.0.200".to_owned(), ..Default::default() };
    let port = pb::Port {
        id: stays.port.id.clone(),
        allowed_address_pairs: vec![pair],
        ..Default::default()
    };
    let update = pb::UpdatePortRequest { port: Some(port), update_mask: None };
    let changes = [Any::DeletePort(delete), Any::UpdatePort(update)];
    let changes = changes.map(|change| Change { change: Some(change) });
    let apply = |validate_only, base_revision| {
        let changes = changes.to_vec();
        let request = pb::ApplyRequest { changes, validate_only, base_revision };
        scene.api.call(async |channel| ChangeServiceClient::new(channel).apply(request).await)
    };
    let rules = || -> Vec<BTreeSet<String>> {
        let flows = |host| scene.flows(host).unwrap().into_iter().map(|flow| flow.identity());
        [1, 2, 3].map(|host| flows(host).collect()).into()
    };

    let before = rules();
    let told = apply(true, 0).unwrap();
    scene.settle().unwrap();
    assert_eq!(rules(), before, "a dry run changes nothing");
    let done = apply(false, told.revision).unwrap();
    scene.api.wait(done.revision, READY).unwrap();
    let after = rules();
    let mut planned = 0;
    for (host, (before, after)) in (1..).zip(before.iter().zip(&after)) {
        let name = scene.record(host).unwrap().name;
        let plan = told.plan.iter().find(|plan| plan.name == name);
        let plan = plan.cloned().unwrap_or_default();
        // A flow that changes is another line of a dump, in the place of one.
        let [lines, gone] =
            [plan.flows_added, plan.flows_removed].map(|count| count + plan.flows_changed);
        let found =
            [after.difference(before), before.difference(after)].map(|flows| flows.count() as u64);
        assert_eq!(found, [lines, gone], "host {host}: {:?}", told.plan);
        planned += lines + gone;
    }
    assert!(planned > 20, "{:?}", told.plan);
    // The host without the network has nothing to do with it.
    assert_eq!(told.plan.len(), 2);
    assert_eq!(apply(false, told.revision).unwrap_err().code(), Code::Aborted);
}
