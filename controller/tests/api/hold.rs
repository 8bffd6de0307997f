//! A change that takes away too much at once.

use controller::engine::{Receipt, SessionId, Stay, Surplus, Ticket};
use proto::v1::apply_request::Change;
use proto::v1::apply_request::change::Change as Any;
use uuid::Uuid;

use super::*;

/// A host whose switch is ready, with its ports by number.
struct Host {
    id: HostId,
    connection: ConnectionId,
    session: SessionId,
    ports: Vec<String>,
    _requested: mpsc::Receiver<SwitchRequest>,
}

/// With a limit of 20 percent and `floor` flows, and so many hosts that have six ports each, all on
/// one network.
async fn scene(hosts: u8, floor: u64) -> (Api, Vec<Host>) {
    let limit = RemovalLimit { percent: 20, floor };
    let api = Api::start_with(TempDir::new().unwrap(), Retention::default(), limit).await;
    let (network, _) = api.network("10.0.0.0/24").await;
    let mut made = Vec::new();
    for number in 1..=hosts {
        let ports = (0..6).map(|at| Uuid::from_u128(u128::from(number) * 100 + at));
        let ports: Vec<_> = ports.collect();
        for id in &ports {
            api.create_port(pb::Port { id: id.to_string(), ..port(&network, "") }).await.unwrap();
        }
        let interfaces = ports.iter().copied().zip(10..).collect();
        let (id, connection) = api.connect_host(number, interfaces).await;
        let (requests, _requested) = mpsc::channel(1);
        let session = api.switch(number, requests).await.session;
        let ports = ports.iter().map(ToString::to_string).collect();
        made.push(Host { id, connection, session, ports, _requested });
    }
    for host in &made {
        host.compare(&api, Surplus { of: 10, ..Surplus::default() }, Stay::Nothing).await;
        host.take_update(&api).await;
    }
    (api, made)
}

impl Host {
    /// Compares the switch as its session does; with what it has too much, this is done.
    async fn compare(&self, api: &Api, surplus: Surplus, expected: Stay) {
        let snapshot = api.engine.snapshot(self.id, self.session).await.unwrap().unwrap();
        assert_eq!(api.engine.judge(self.id, surplus).await.unwrap(), expected);
        self.confirm(api, snapshot.ticket).await;
    }

    async fn confirm(&self, api: &Api, ticket: Ticket) {
        let receipt = Receipt { ticket: Some(ticket), ..Receipt::default() };
        api.engine.confirm(self.id, self.session, receipt).await.unwrap();
    }

    async fn next(&self, api: &Api) -> Option<HandOver> {
        api.engine.next(self.id, self.session).await.unwrap()
    }

    /// Takes what has changed, if anything has; answers how many flows and blocks that removes.
    async fn take_update(&self, api: &Api) -> usize {
        match self.next(api).await {
            Some(HandOver::Update(update)) => {
                self.confirm(api, update.ticket).await;
                update.removed.len() + update.left.len()
            }
            Some(HandOver::Compare) => panic!("something is held"),
            None => 0,
        }
    }

    async fn record(&self, api: &Api) -> pb::Host {
        let get = pb::GetHostRequest { id: self.id.to_string() };
        api.hosts().get_host(get).await.unwrap().into_inner()
    }

    async fn release(&self, api: &Api) -> Result<pb::Host, Status> {
        let release = pb::ReleaseHostRequest { id: self.id.to_string() };
        api.hosts().release(release).await.map(tonic::Response::into_inner)
    }
}

fn deletion(ports: &[String]) -> pb::ApplyRequest {
    let deletions = ports.iter().map(|id| Change {
        change: Some(Any::DeletePort(pb::DeletePortRequest {
            id: id.clone(),
            ..Default::default()
        })),
    });
    pb::ApplyRequest { changes: deletions.collect(), ..Default::default() }
}

async fn apply(api: &Api, request: pb::ApplyRequest) -> pb::ApplyResponse {
    api.changes().apply(request).await.unwrap().into_inner()
}

/// What a wait for the newest revision ends with.
async fn waited(api: &Api) -> pb::WaitResponse {
    let wait = pb::WaitRequest { revision: 0, timeout: None };
    let mut responses = api.changes().wait(wait).await.unwrap().into_inner();
    let mut last = responses.message().await.unwrap().unwrap();
    while !last.done {
        last = responses.message().await.unwrap().unwrap();
    }
    last
}

#[tokio::test]
async fn a_change_that_takes_most_of_a_hosts_flows_is_held_until_it_is_released() {
    let (api, hosts) = scene(4, 60).await;
    let (host, others) = hosts.split_first().unwrap();
    let before = host.record(&api).await;
    let planned =
        apply(&api, pb::ApplyRequest { validate_only: true, ..deletion(&host.ports[..4]) });
    let planned = planned.await.plan;
    let removed = planned.iter().find(|plan| plan.name == "host-1").unwrap().flows_removed;
    assert!(removed * 5 > before.flows && removed > 60, "{removed} of {}", before.flows);

    let answer = apply(&api, deletion(&host.ports[..4])).await;
    let now = host.record(&api).await;
    let hold = now.hold.unwrap();
    assert_eq!((hold.flows, hold.of_flows), (removed, before.flows));
    assert_eq!(
        (now.desired_revision, now.realized_revision),
        (answer.revision, answer.revision - 1)
    );
    // Where little is removed, it goes.
    for other in others {
        assert_eq!(other.record(&api).await.hold, None);
        assert!(other.take_update(&api).await >= 8);
    }

    // The switch gets nothing before it was compared; then it keeps all that it has too much.
    for _ in 0..2 {
        assert!(matches!(host.next(&api).await, Some(HandOver::Compare)));
    }
    let surplus = Surplus { orphaned: removed - 8, extra: 8, of: before.flows };
    host.compare(&api, surplus, Stay::Everything).await;
    let last = waited(&api).await;
    let held: Vec<_> = last.held_hosts.iter().map(|host| &*host.name).collect();
    assert_eq!((held, last.late_hosts, last.offline_hosts), (vec!["host-1"], vec![], vec![]));
    assert_eq!(host.record(&api).await.realized_revision, answer.revision - 1);

    // What comes after goes on, as long as somebody means it.
    let delete = pb::DeletePortRequest { id: host.ports[4].clone(), ..Default::default() };
    api.ports().delete_port(delete).await.unwrap();
    assert!(host.take_update(&api).await > 0);
    let down =
        pb::Port { id: host.ports[5].clone(), admin_state_up: Some(false), ..Default::default() };
    let down = pb::UpdatePortRequest { port: Some(down), update_mask: None };
    let down = api.ports().update_port(down).await.unwrap().into_inner();
    assert_eq!(
        down.status_reason,
        "admin_state_up is false; host host-1 keeps flows until they are released"
    );

    // So it does when it connects anew.
    let (requests, _requested) = mpsc::channel(1);
    let session = api.switch(1, requests).await.session;
    let again = Host { session, ports: vec![], _requested, ..*host };
    let surplus = Surplus { orphaned: 1, extra: 1, of: before.flows };
    again.compare(&api, surplus, Stay::Everything).await;
    assert_eq!(again.record(&api).await.hold.unwrap().flows, 2);

    again.release(&api).await.unwrap();
    assert_eq!(again.record(&api).await.hold, None);
    assert!(again.release(&api).await.is_err());
    assert!(again.record(&api).await.realized_revision < answer.revision);
    assert!(matches!(again.next(&api).await, Some(HandOver::Compare)));
    again.compare(&api, surplus, Stay::Nothing).await;
    let now = again.record(&api).await;
    assert_eq!(now.realized_revision, now.desired_revision);
    for other in others {
        other.take_update(&api).await;
    }
    assert_eq!(waited(&api).await.held_hosts, []);
}

#[tokio::test]
async fn ports_that_are_deleted_one_by_one_go_however_many_come_together() {
    let (api, hosts) = scene(1, 10).await;
    let [host] = &hosts[..] else { panic!("one host") };
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let engine = api.engine.clone();
    // The engine stands still until all have asked: then they are one commit.
    let standing = tokio::spawn(async move { engine.read(move |_| wait.recv()).await });
    let mut asking = tokio::task::JoinSet::new();
    for id in host.ports.clone() {
        let mut ports = api.ports();
        let delete = pb::DeletePortRequest { id, ..Default::default() };
        asking.spawn(async move { ports.delete_port(delete).await.unwrap() });
    }
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    standing.await.unwrap().unwrap().unwrap();
    asking.join_all().await;
    assert!(host.take_update(&api).await > 0);
    let now = host.record(&api).await;
    assert_eq!((now.hold, now.realized_revision), (None, now.desired_revision));
}

#[tokio::test]
async fn one_request_with_such_consequences_is_held_as_well() {
    let (api, hosts) = scene(1, 10).await;
    let [host] = &hosts[..] else { panic!("one host") };
    for id in &host.ports[1..] {
        let delete = pb::DeletePortRequest { id: id.clone(), ..Default::default() };
        api.ports().delete_port(delete).await.unwrap();
    }
    host.take_update(&api).await;
    // The last port of the network here goes elsewhere, and with it the network.
    let moved = pb::Port {
        id: host.ports[0].clone(),
        requested_host: "host-9".into(),
        ..Default::default()
    };
    let moved = pb::UpdatePortRequest { port: Some(moved), update_mask: None };
    api.ports().update_port(moved).await.unwrap();
    assert!(host.record(&api).await.hold.unwrap().flows > 10);
    assert!(matches!(host.next(&api).await, Some(HandOver::Compare)));
    // It turns out that there is nothing that could stay.
    host.compare(&api, Surplus { of: 100, ..Surplus::default() }, Stay::Nothing).await;
    let now = host.record(&api).await;
    assert_eq!((now.hold, now.realized_revision), (None, now.desired_revision));
}

#[tokio::test]
async fn a_change_that_takes_too_much_from_all_hosts_is_held_on_each() {
    let plan = async |floor| {
        let (api, hosts) = scene(4, floor).await;
        let ports = hosts.iter().map(|host| host.ports[0].clone());
        let ports: Vec<_> = ports.chain(hosts.iter().map(|host| host.ports[1].clone())).collect();
        let planned = pb::ApplyRequest { validate_only: true, ..deletion(&ports) };
        let plan = apply(&api, planned).await.plan;
        let removed: Vec<_> = plan.iter().map(|plan| plan.flows_removed).collect();
        apply(&api, deletion(&ports)).await;
        let mut held = Vec::new();
        for host in &hosts {
            held.extend(host.record(&api).await.hold.map(|hold| hold.flows));
        }
        (removed, held)
    };
    let (removed, held) = plan(0).await;
    assert_eq!((held.len(), &held), (4, &removed));
    // As many as there are in all may go; then one less.
    let all: u64 = removed.iter().sum();
    assert_eq!(plan(all).await.1, [0_u64; 0]);
    let most = *removed.iter().max().unwrap();
    assert!(most < all - 1);
    assert_eq!(plan(all - 1).await.1, removed);
}

#[tokio::test]
async fn a_host_that_is_away_is_held_too_and_one_that_is_deleted_is_not() {
    let (api, hosts) = scene(6, 60).await;
    let (host, others) = hosts.split_first().unwrap();
    api.engine.detach(host.id, host.session).await;
    apply(&api, deletion(&host.ports)).await;
    for other in others {
        other.take_update(&api).await;
    }
    assert!(host.record(&api).await.hold.is_some());
    let last = waited(&api).await;
    assert_eq!(
        (last.held_hosts.len(), last.offline_hosts.len()),
        (0, 1),
        "it is offline before all"
    );
    let (requests, _requested) = mpsc::channel(1);
    let session = api.switch(1, requests).await.session;
    let again = Host { session, ports: vec![], _requested, ..*host };
    let surplus = Surplus { orphaned: 90, extra: 9, of: 150 };
    again.compare(&api, surplus, Stay::Everything).await;

    // Nothing of a host that is not there any more could be released.
    api.engine.disconnected(host.connection).await;
    let delete = pb::DeleteHostRequest { id: host.id.to_string(), ..Default::default() };
    api.hosts().delete_host(delete).await.unwrap();
    assert!(matches!(again.next(&api).await, Some(HandOver::Compare)));
    let snapshot = api.engine.snapshot(again.id, again.session).await.unwrap().unwrap();
    assert!(snapshot.flows.is_empty());
    assert_eq!(api.engine.judge(again.id, surplus).await.unwrap(), Stay::Nothing);
}
