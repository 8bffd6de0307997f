//! Watches: a snapshot and what follows, resuming, and what is not kept any more.

use std::collections::BTreeSet;
use std::time::Duration;

use proto::v1::resource::Kind;
use proto::v1::resource::Resource::{Network, Port, Project};
use proto::v1::watch_response::change::{Change, Deleted};
use tonic::Streaming;
use tonic_types::StatusExt as _;

use super::*;

/// Longer than anything takes that does happen.
const SOON: Duration = Duration::from_secs(5);

struct Watch(Streaming<pb::WatchResponse>);

impl Watch {
    async fn start(api: &Api, from_revision: u64, kinds: &[Kind]) -> Self {
        let kinds = kinds.iter().map(|kind| (*kind).into()).collect();
        let request = pb::WatchRequest { from_revision, kinds };
        Self(api.changes().watch(request).await.unwrap().into_inner())
    }

    async fn response(&mut self) -> Result<pb::WatchResponse, Status> {
        let message = tokio::time::timeout(SOON, self.0.message()).await;
        Ok(message.expect("a response in time")?.expect("watches end with errors only"))
    }

    /// The next response in a line: its revision, `s` of a snapshot, `+` when there is more of
    /// it, and the names of what is put and the kinds of what is deleted.
    async fn next(&mut self) -> String {
        let response = self.response().await.unwrap();
        let changes: Vec<_> = response.changes.iter().map(text).collect();
        let snapshot = if response.snapshot { "s" } else { "" };
        let more = if response.complete { "" } else { "+" };
        format!("{}{snapshot}{more} {}", response.revision, changes.join(" "))
    }
}

fn text(change: &pb::watch_response::Change) -> String {
    match change.change.as_ref().unwrap() {
        Change::Put(resource) => match resource.resource.as_ref().unwrap() {
            Project(project) => project.name.clone(),
            Network(network) => network.name.clone(),
            Port(port) if port.bound_host.is_empty() => port.name.clone(),
            Port(port) => format!("{}@{}", port.name, port.bound_host),
            other => format!("{other:?}"),
        },
        Change::Deleted(Deleted { kind, id }) => {
            assert!(id.parse::<uuid::Uuid>().is_ok(), "{id}");
            format!("-{}", Kind::try_from(*kind).unwrap().as_str_name())
        }
    }
}

#[tokio::test]
async fn a_watch_begins_with_what_there_is_and_goes_on_with_what_changes() {
    let api = Api::start().await;
    let project = api.project("acme").await;
    let network = pb::Network { name: "blue".into(), ..vxlan(&project) };
    let network = api.create_network(network).await.unwrap();
    let kinds = [Kind::Port, Kind::Network, Kind::Project];
    let mut watch = Watch::start(&api, 0, &kinds).await;
    assert_eq!(watch.next().await, "2s acme blue");
    let made = api.create_port(port(&network, "web")).await.unwrap();
    assert_eq!(watch.next().await, "3 web");
    let delete = pb::DeletePortRequest { id: made.id, ..Default::default() };
    api.ports().delete_port(delete).await.unwrap();
    assert_eq!(watch.next().await, "4 -PORT");

    let mut all = Watch::start(&api, 2, &kinds).await;
    assert_eq!([all.next().await, all.next().await], ["3 web", "4 -PORT"]);
    let mut projects = Watch::start(&api, 1, &[Kind::Project]).await;
    api.project("other").await;
    assert_eq!(projects.next().await, "5 other");
    assert_eq!([watch.next().await, all.next().await], ["5 other", "5 other"]);
}

#[tokio::test]
async fn an_empty_store_has_an_empty_snapshot() {
    let api = Api::start().await;
    let mut watch = Watch::start(&api, 0, &[]).await;
    assert_eq!(watch.next().await, "0s ");
}

#[tokio::test]
async fn a_port_is_told_once_with_the_host_that_it_is_bound_to_at_once() {
    let api = Api::start().await;
    let (network, _) = api.network("10.0.0.0/24").await;
    let id = uuid::Uuid::from_u128(7);
    api.host(1, BTreeMap::from([(id, 9)])).await;
    let from = api.revision().await;
    let wanted = pb::Port { id: id.to_string(), ..port(&network, "web") };
    let made = api.create_port(wanted).await.unwrap();
    let mut watch = Watch::start(&api, from, &[Kind::Port]).await;
    let response = watch.response().await.unwrap();
    assert_eq!((response.revision, response.complete), (from + 1, true));
    let [change] = response.changes.as_slice() else { panic!("{response:?}") };
    let Some(Change::Put(pb::Resource { resource: Some(Port(told)) })) = &change.change else {
        panic!("{change:?}")
    };
    let (status, status_reason) = (0, String::new());
    assert_eq!(*told, pb::Port { status, status_reason, ..made });

    // The snapshot has it the same.
    let mut watch = Watch::start(&api, 0, &[Kind::Port]).await;
    assert_eq!(watch.response().await.unwrap().changes, response.changes);
    // Bindings are changes as others are.
    api.host(1, BTreeMap::new()).await;
    assert_eq!(watch.next().await, format!("{} web", from + 2));
}

#[tokio::test]
async fn a_long_snapshot_comes_in_parts_and_what_changes_meanwhile_after_it() {
    let api = Api::start().await;
    let labels = (0..64).map(|number| (number.to_string(), "x".repeat(255)));
    let labels: BTreeMap<_, _> = labels.collect();
    for number in 0..150 {
        let (name, labels) = (number.to_string(), labels.clone());
        let project = Some(pb::Project { name, labels, ..Default::default() });
        let request = pb::CreateProjectRequest { project };
        api.projects().create_project(request).await.unwrap();
    }
    let mut watch = Watch::start(&api, 0, &[Kind::Project]).await;
    let first = watch.response().await.unwrap();
    api.project("late").await;
    assert!(first.snapshot && !first.complete && first.changes.len() < 150);
    let (mut parts, mut names) = (1, BTreeSet::new());
    names.extend(first.changes.iter().map(text));
    loop {
        let part = watch.response().await.unwrap();
        assert!(part.snapshot && part.revision == 150);
        parts += 1;
        names.extend(part.changes.iter().map(text));
        if part.complete {
            break;
        }
    }
    assert!(parts > 2 && names.len() == 150, "{} in {parts}", names.len());
    assert!(!names.contains("late"));
    assert_eq!(watch.next().await, "151 late");
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_refused_with_the_way_out() {
    let retention = Retention { changes: 4, ..Retention::default() };
    let api = Api::start_keeping(TempDir::new().unwrap(), retention).await;
    for number in 0..10 {
        api.project(&number.to_string()).await;
    }
    let late = Watch::start(&api, 3, &[]).await.response().await.unwrap_err();
    assert_eq!(late.code(), tonic::Code::OutOfRange);
    let details = late.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!((&*info.reason, &*info.domain), ("REVISION_COMPACTED", "weft.v1"));
    let oldest: u64 = info.metadata["oldest_revision"].parse().unwrap();
    let message = format!(
        "what came after revision 3 is not kept any more: watch from {oldest} or later, or from 0 \
         for all there is"
    );
    assert_eq!(late.message(), message);
    let mut watch = Watch::start(&api, oldest, &[Kind::Project]).await;
    for number in oldest..10 {
        assert_eq!(watch.next().await, format!("{} {number}", number + 1));
    }
    Watch::start(&api, oldest - 1, &[]).await.response().await.unwrap_err();

    let future = Watch::start(&api, 11, &[]).await.response().await.unwrap_err();
    assert_eq!(future.code(), tonic::Code::OutOfRange);
    assert_eq!(future.message(), "revision 11 has not been reached: the newest is 10");
    let details = future.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "REVISION_NOT_REACHED");
    let mut now = Watch::start(&api, 10, &[]).await;
    api.project("next").await;
    assert!(now.next().await.starts_with("11 "));
}

#[tokio::test]
async fn kinds_that_do_not_exist_are_refused() {
    let api = Api::start().await;
    let request = pb::WatchRequest { from_revision: 0, kinds: vec![4, 0, 99] };
    let refused = api.changes().watch(request).await.unwrap_err();
    assert_eq!(
        refused.message(),
        "invalid argument: kinds[1]: 0 is no kind; kinds[2]: 99 is no kind"
    );
}

#[tokio::test]
async fn a_watch_does_not_keep_the_server_up() {
    let api = Api::start().await;
    let mut watch = Watch::start(&api, 0, &[]).await;
    assert_eq!(watch.next().await, "0s ");
    api.stopping.cancel();
    assert_eq!(watch.response().await.unwrap_err().code(), tonic::Code::Unavailable);
    let ended = tokio::time::timeout(Duration::from_secs(4), api.serving).await;
    assert!(ended.expect("before the grace is over").unwrap().is_ok());
}
