//! Hosts, and what they confirm.

use std::time::Duration;

use controller::engine::Receipt;
use tokio_stream::StreamExt as _;
use topology::block::BlockId;

use super::*;

#[tokio::test]
async fn a_host_that_dials_in_is_there() {
    let api = Api::start().await;
    let id = api.host(1, BTreeMap::new()).await.to_string();
    let host = api.hosts().get_host(pb::GetHostRequest { id }).await.unwrap().into_inner();
    assert_eq!((&*host.name, &*host.system_id), ("host-1", "system-1"));
    assert_eq!((&*host.tunnel_ip, &*host.datapath_id), ("192.0.2.1", "0000000000000001"));
    assert_eq!(host.bridge_mappings["external"], "br-ex");
    assert_eq!((host.state(), &*host.ovs_version), (pb::host::State::Offline, "3.1.0"));
    assert!(host.last_seen_time.is_some() && host.connected_time.is_none());

    let by_name = pb::ListHostsRequest { name: "host-1".into(), ..Default::default() };
    let hosts = api.hosts().list_hosts(by_name).await.unwrap().into_inner().hosts;
    assert_eq!(hosts.len(), 1);
    let nobody = pb::ListHostsRequest { system_id: "system-2".into(), ..Default::default() };
    let hosts = api.hosts().list_hosts(nobody).await.unwrap().into_inner().hosts;
    assert!(hosts.is_empty());
}

#[tokio::test]
async fn a_host_that_listens_is_added_renamed_and_forgotten() {
    let api = Api::start().await;
    let add = |target: &str| {
        let (name, ovsdb_target) = ("rack-1".to_owned(), target.to_owned());
        let host = Some(pb::Host { name, ovsdb_target, ..Default::default() });
        pb::CreateHostRequest { host }
    };
    let wrong = api.hosts().create_host(add("rack-1:6640")).await.unwrap_err();
    assert_eq!(
        wrong.message(),
        "invalid argument: host.ovsdb_target: \"rack-1:6640\": expected tcp:IP:PORT, \
         as tcp:192.0.2.11:6640 or tcp:[2001:db8::1]:6640"
    );
    let made = api.hosts().create_host(add("tcp:192.0.2.9:6640")).await.unwrap().into_inner();
    assert_eq!(made.ovsdb_target, "tcp:192.0.2.9:6640");
    let host = Some(pb::Host { id: made.id.clone(), name: "rack-2".into(), ..Default::default() });
    let update = pb::UpdateHostRequest { host, update_mask: mask(&["name"]) };
    let updated = api.hosts().update_host(update).await.unwrap().into_inner();
    assert_eq!((&*updated.name, updated.ovsdb_target), ("rack-2", made.ovsdb_target));
    let delete = pb::DeleteHostRequest { id: made.id, etag: updated.etag };
    assert!(api.hosts().delete_host(delete).await.is_ok());
}

#[tokio::test]
async fn a_write_is_waited_for_until_the_host_has_confirmed_it() {
    let api = Api::start().await;
    let (network, _) = api.network("10.0.0.0/24").await;
    let made = api.create_port(port(&network, "web-1")).await.unwrap();
    let interfaces = BTreeMap::from([(made.id.parse().unwrap(), 7)]);
    let host = api.host(1, interfaces).await;
    let (requests, _requested) = mpsc::channel(1);
    let session = api.switch(1, requests).await.session;

    let get = || pb::GetPortRequest { id: made.id.clone() };
    let bound = api.ports().get_port(get()).await.unwrap().into_inner();
    assert_eq!((&*bound.bound_host, bound.status()), ("host-1", pb::port::Status::Building));
    let on_host = pb::ListPortsRequest { host: host.to_string(), ..Default::default() };
    assert_eq!(api.ports().list_ports(on_host).await.unwrap().into_inner().ports.len(), 1);

    let delete = pb::DeleteHostRequest { id: host.to_string(), ..Default::default() };
    let refused = api.hosts().delete_host(delete).await.unwrap_err();
    assert!(refused.message().contains("would come back at once"), "{refused:?}");

    let wait = pb::WaitRequest { revision: 0, timeout: None };
    let mut progress = api.changes().wait(wait).await.unwrap().into_inner();
    let first = progress.message().await.unwrap().unwrap();
    assert!(!first.done);
    assert_eq!(first.late_hosts[0].name, "host-1");
    assert_eq!(first.late_hosts[0].state(), pb::host::State::Syncing);

    let snapshot = api.engine.snapshot(host, session).await.unwrap().unwrap();
    // A port does not wait for what it does not need, and does for all that it needs.
    let is_not_base = |block: &&BlockId| !matches!(block, BlockId::HostBase(_));
    let blocks = snapshot.blocks.iter().filter(is_not_base).copied().collect();
    let confirm = |receipt| api.engine.confirm(host, session, receipt);
    confirm(Receipt { blocks, flow_mods: 2, ..Receipt::default() }).await.unwrap();
    let building = api.ports().get_port(get()).await.unwrap().into_inner();
    assert_eq!(building.status(), pb::port::Status::Building);
    let blocks = snapshot.blocks.clone();
    confirm(Receipt { blocks, ..Receipt::default() }).await.unwrap();
    let active = api.ports().get_port(get()).await.unwrap().into_inner();
    assert_eq!((active.status(), &*active.status_reason), (pb::port::Status::Active, ""));
    let syncing = api.hosts().get_host(pb::GetHostRequest { id: host.to_string() }).await.unwrap();
    let syncing = syncing.into_inner();
    assert_eq!((syncing.state(), syncing.realized_revision), (pb::host::State::Syncing, 0));

    let ticket = Some(snapshot.ticket);
    let receipt = Receipt { ticket, flow_mods: 1, foreign: Some(0), ..Receipt::default() };
    api.engine.confirm(host, session, receipt).await.unwrap();
    let mut last = progress.message().await.unwrap().unwrap();
    // Progress that says nothing new of the host may be told or not.
    while !last.done {
        last = progress.message().await.unwrap().unwrap();
    }
    assert!(last.late_hosts.is_empty(), "{last:?}");
    assert!(progress.message().await.unwrap().is_none());

    let active = api.ports().get_port(get()).await.unwrap().into_inner();
    assert_eq!((active.status(), &*active.status_reason), (pb::port::Status::Active, ""));
    let get = pb::GetHostRequest { id: host.to_string() };
    let ready = api.hosts().get_host(get).await.unwrap().into_inner();
    assert_eq!((ready.state(), ready.flow_mods_sent), (pb::host::State::Ready, 3));
    assert_eq!(ready.realized_revision, ready.desired_revision);
    assert!(ready.flows > 0);
}

#[tokio::test]
async fn a_wait_names_who_is_late_when_time_is_up() {
    let api = Api::start().await;
    let host = api.host(1, BTreeMap::new()).await;
    let (requests, _requested) = mpsc::channel(1);
    api.switch(1, requests).await;
    let timeout = Some(prost_types::Duration { seconds: 0, nanos: 50_000_000 });
    let wait = pb::WaitRequest { revision: 0, timeout };
    let progress = api.changes().wait(wait).await.unwrap().into_inner();
    let responses: Vec<_> = progress.collect().await;
    let [Ok(first), Ok(last), Err(end)] = responses.as_slice() else { panic!("{responses:?}") };
    assert_eq!(first, last);
    assert_eq!(last.late_hosts[0].host_id, host.to_string());
    assert_eq!(end.code(), tonic::Code::DeadlineExceeded);
}

#[tokio::test]
async fn waits_that_make_no_sense_are_refused() {
    let api = Api::start().await;
    let mut changes = api.changes();
    let future = pb::WaitRequest { revision: 7, timeout: None };
    let refused = changes.wait(future).await.unwrap_err();
    assert_eq!(
        refused.message(),
        "invalid argument: revision: 7 has not been reached: the newest is 0"
    );
    for (seconds, nanos) in [(0, 0), (-1, 0), (0, -1)] {
        let timeout = Some(prost_types::Duration { seconds, nanos });
        let refused = changes.wait(pb::WaitRequest { revision: 0, timeout }).await.unwrap_err();
        assert_eq!(refused.message(), "invalid argument: timeout: is not more than zero");
    }
    let now = changes.wait(pb::WaitRequest::default()).await.unwrap().into_inner();
    let responses: Vec<_> = now.collect().await;
    assert!(matches!(responses.as_slice(), [Ok(response)] if response.done), "{responses:?}");
}

#[tokio::test]
async fn a_wait_does_not_keep_the_server_up() {
    let api = Api::start().await;
    api.host(1, BTreeMap::new()).await;
    let (requests, _requested) = mpsc::channel(1);
    api.switch(1, requests).await;
    let mut progress = api.changes().wait(pb::WaitRequest::default()).await.unwrap().into_inner();
    assert!(!progress.message().await.unwrap().unwrap().done);
    api.stopping.cancel();
    assert_eq!(progress.message().await.unwrap_err().code(), tonic::Code::Unavailable);
    let ended = tokio::time::timeout(Duration::from_secs(4), api.serving).await;
    assert!(ended.expect("before the grace is over").unwrap().is_ok());
}
