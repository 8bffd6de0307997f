//! Many changes as one.

use controller::engine::{Receipt, SessionId, Ticket};
use proto::v1::apply_request::Change;
use proto::v1::apply_request::change::Change as Any;
use proto::v1::resource::Resource as Kind;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::*;

/// A request that commits these changes.
fn request<const N: usize>(changes: [Any; N]) -> pb::ApplyRequest {
    let changes = changes.map(|change| Change { change: Some(change) }).into();
    pb::ApplyRequest { changes, ..Default::default() }
}

async fn apply(api: &Api, request: pb::ApplyRequest) -> Result<pb::ApplyResponse, Status> {
    api.changes().apply(request).await.map(tonic::Response::into_inner)
}

fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn make_project(number: u128) -> Any {
    let project = Some(pb::Project { id: id(number), ..Default::default() });
    Any::CreateProject(pb::CreateProjectRequest { project })
}

fn make_network(number: u128, project: u128) -> Any {
    let network = vxlan(&pb::Project { id: id(project), ..Default::default() });
    let network = Some(pb::Network { id: id(number), ..network });
    Any::CreateNetwork(pb::CreateNetworkRequest { network })
}

fn make_subnet(number: u128, network: u128, cidr: &str) -> Any {
    let subnet = subnet(&pb::Network { id: id(network), ..Default::default() }, cidr);
    let subnet = Some(pb::Subnet { id: id(number), ..subnet });
    Any::CreateSubnet(pb::CreateSubnetRequest { subnet })
}

fn make_port(number: u128, network: u128) -> Any {
    let port = port(&pb::Network { id: id(network), ..Default::default() }, "web");
    Any::CreatePort(pb::CreatePortRequest {
        port: Some(pb::Port { id: id(number), ..port }),
        ..Default::default()
    })
}

fn remove_port(number: u128) -> Any {
    Any::DeletePort(pb::DeletePortRequest { id: id(number), ..Default::default() })
}

/// A project 1 with a network 2, a subnet 3 and a port 4 on it.
fn tenant() -> [Any; 4] {
    [make_project(1), make_network(2, 1), make_subnet(3, 2, "10.0.0.0/24"), make_port(4, 2)]
}

/// Everything that is stored, but for hosts.
async fn stored(api: &Api) -> String {
    let read = api.engine.read(|view| {
        let model = view.model;
        // Allocation begins at 1, whether that is stored or not.
        let next_keys: Vec<_> = model.next_keys().filter(|(_, key)| key.get() > 1).collect();
        format!(
            "{} {:?} {:?} {:?} {:?} {:?} {next_keys:?}",
            view.revision,
            model.projects(),
            model.networks(),
            model.subnets(),
            model.ports(),
            model.security_groups(),
        )
    });
    read.await.unwrap()
}

async fn confirm(api: &Api, host: HostId, ticket: Ticket) {
    let receipt = Receipt { ticket: Some(ticket), ..Receipt::default() };
    api.engine.confirm(host, ticket.session, receipt).await.unwrap();
}

/// A host with an interface for port 4, whose switch has all its flows.
async fn ready_host(api: &Api) -> (HostId, SessionId, ConnectionId) {
    let interfaces = BTreeMap::from([(Uuid::from_u128(4), 9)]);
    let (host, connection) = api.connect_host(1, interfaces).await;
    let (requests, _requested) = mpsc::channel(1);
    let session = api.switch(1, requests).await.session;
    let snapshot = api.engine.snapshot(host, session).await.unwrap().unwrap();
    confirm(api, host, snapshot.ticket).await;
    (host, session, connection)
}

#[tokio::test]
async fn what_an_earlier_change_makes_a_later_one_can_refer_to() {
    let api = Api::start().await;
    ready_host(&api).await;
    let before = api.revision().await;
    let request_to_watch = pb::WatchRequest { from_revision: before, kinds: vec![] };
    let mut watch = api.changes().watch(request_to_watch).await.unwrap().into_inner();
    let made = apply(&api, request(tenant())).await.unwrap();
    assert_eq!((made.revision, made.plan.len()), (before + 1, 0));
    let [_, _, Some(Kind::Subnet(subnet)), Some(Kind::Port(port))] =
        made.resources.iter().map(|it| it.resource.as_ref()).collect::<Vec<_>>()[..]
    else {
        panic!("{made:?}")
    };
    assert_eq!((subnet.revision, port.revision), (made.revision, made.revision));
    // It is answered as the service answers it, bound to the host that has it already.
    assert_eq!((&*port.bound_host, port.status()), ("host-1", pb::port::Status::Building));
    assert_eq!(port.fixed_ips[0].ip_address, "10.0.0.2");
    let get = pb::GetPortRequest { id: id(4) };
    assert_eq!(*port, api.ports().get_port(get).await.unwrap().into_inner());

    // It is one revision for who watches, too.
    let told = watch.message().await.unwrap().unwrap();
    assert_eq!((told.revision, told.complete), (made.revision, true));
    assert_eq!(told.changes.len(), 5, "with the project's default group: {told:?}");

    // The same again asks for what is so.
    let again = apply(&api, request(tenant())).await.unwrap();
    assert_eq!(again, made);
}

#[tokio::test]
async fn all_or_nothing() {
    let api = Api::start().await;
    apply(&api, request(tenant())).await.unwrap();
    let before = stored(&api).await;
    let loopback = make_subnet(6, 2, "127.0.0.0/24");
    let changes = [make_network(5, 1), remove_port(4), make_project(7), make_port(8, 5), loopback];
    let refused = apply(&api, request(changes)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    let fields: Vec<_> =
        details.bad_request().unwrap().field_violations.iter().map(|it| &*it.field).collect();
    assert_eq!(fields, ["changes[4].create_subnet.subnet.cidr"]);
    assert!(refused.message().starts_with("changes[4].create_subnet: "), "{refused:?}");
    assert_eq!(stored(&api).await, before);

    // What is in the way is in the way of many as of one, and goes away in the same order.
    let remove_network =
        || Any::DeleteNetwork(pb::DeleteNetworkRequest { id: id(2), ..Default::default() });
    let remove_subnet =
        Any::DeleteSubnet(pb::DeleteSubnetRequest { id: id(3), ..Default::default() });
    let refused = apply(&api, request([remove_network()])).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(stored(&api).await, before);
    let gone =
        apply(&api, request([remove_port(4), remove_subnet, remove_network()])).await.unwrap();
    assert_eq!(gone.resources, vec![pb::Resource::default(); 3]);
    assert!(api.ports().get_port(pb::GetPortRequest { id: id(4) }).await.is_err());
}

#[tokio::test]
async fn everything_that_is_wrong_is_named() {
    let api = Api::start().await;
    let project = Any::CreateProject(pb::CreateProjectRequest::default());
    let port = Any::UpdatePort(pb::UpdatePortRequest {
        port: Some(pb::Port { id: "x".into(), mac_address: "y".into(), ..Default::default() }),
        update_mask: None,
    });
    let rules = Any::RemoveRules(pb::RemoveRulesRequest {
        security_group_id: id(1),
        rule_ids: vec!["z".into()],
        ..Default::default()
    });
    let mut wrong = request([project, make_project(1), port, rules, remove_port(0)]);
    wrong.changes[4].change = None;
    let refused = apply(&api, wrong).await.unwrap_err();
    let details = refused.get_error_details();
    let fields: Vec<_> =
        details.bad_request().unwrap().field_violations.iter().map(|it| &*it.field).collect();
    assert_eq!(
        fields,
        [
            "changes[0].create_project.project",
            "changes[2].update_port.port.id",
            "changes[2].update_port.port.mac_address",
            "changes[3].remove_rules.rule_ids[0]",
            "changes[4]",
        ]
    );
    assert_eq!(api.revision().await, 0);
}

#[tokio::test]
async fn a_lost_race_is_told() {
    let api = Api::start().await;
    let made = apply(&api, request(tenant())).await.unwrap();
    let base = |base_revision| pb::ApplyRequest { base_revision, ..request([remove_port(4)]) };
    for wrong in [made.revision - 1, made.revision + 1] {
        if wrong == 0 {
            continue;
        }
        let refused = apply(&api, base(wrong)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Aborted);
        let details = refused.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(info.reason, "REVISION_MISMATCH");
        assert_eq!(info.metadata["found"], made.revision.to_string());
    }
    let other = api.project("other").await;
    assert!(other.revision > made.revision);
    assert_eq!(apply(&api, base(made.revision)).await.unwrap_err().code(), Code::Aborted);
    assert!(apply(&api, base(other.revision)).await.is_ok());
}

#[tokio::test]
async fn what_would_happen_is_told_and_then_happens() {
    let api = Api::start().await;
    let (host, session, _) = ready_host(&api).await;
    let revision = api.revision().await;
    let before = stored(&api).await;
    let dry = pb::ApplyRequest { validate_only: true, ..request(tenant()) };
    let told = apply(&api, dry.clone()).await.unwrap();
    assert_eq!(told.revision, revision);
    let Some(Kind::Port(port)) = &told.resources[3].resource else { panic!("{told:?}") };
    assert_eq!((&*port.bound_host, &*port.fixed_ips[0].ip_address), ("host-1", "10.0.0.2"));
    let [plan] = told.plan.as_slice() else { panic!("{told:?}") };
    assert_eq!((&*plan.host_id, &*plan.name), (&*host.to_string(), "host-1"));
    assert_eq!(stored(&api).await, before, "nothing has changed");
    assert!(api.engine.next(host, session).await.unwrap().is_none(), "on the host neither");

    // What the host then gets is what was told.
    let base = pb::ApplyRequest { base_revision: told.revision, ..request(tenant()) };
    apply(&api, base).await.unwrap();
    let Some(HandOver::Update(update)) = api.engine.next(host, session).await.unwrap() else {
        panic!("the host gets something")
    };
    assert!(update.cleared.is_empty() && update.removed.is_empty(), "{update:?}");
    assert_eq!(update.put.len() as u64, plan.flows_added + plan.flows_changed);
    confirm(&api, host, update.ticket).await;

    let same = apply(&api, dry).await.unwrap();
    assert_eq!(same.plan, []);
    let down = Any::UpdatePort(pb::UpdatePortRequest {
        port: Some(pb::Port { id: id(4), admin_state_up: Some(false), ..Default::default() }),
        update_mask: None,
    });
    let down = pb::ApplyRequest { validate_only: true, ..request([down]) };
    let removed = apply(&api, down).await.unwrap().plan[0].flows_removed;
    assert!(removed > 10, "{removed}");

    // A request that is refused is refused as it would be.
    let wrong = pb::ApplyRequest { validate_only: true, ..request([make_port(9, 77)]) };
    assert_eq!(apply(&api, wrong).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_host_that_would_come_back_is_not_deleted() {
    let api = Api::start().await;
    let (host, _, connection) = ready_host(&api).await;
    let id = host.to_string();
    let delete = || Any::DeleteHost(pb::DeleteHostRequest { id: id.clone(), ..Default::default() });
    let refused = apply(&api, request([delete()])).await.unwrap_err();
    assert!(refused.message().contains("would come back at once"), "{refused:?}");

    api.engine.disconnected(connection).await;
    let facts = async || {
        let read = api.engine.read(move |view| view.compiler.facts(host).cloned());
        read.await.unwrap()
    };
    let before = facts().await;
    assert!(before.is_some());
    let dry = pb::ApplyRequest { validate_only: true, ..request([delete()]) };
    let told = apply(&api, dry).await.unwrap();
    assert!(told.plan[0].flows_removed > 10, "{told:?}");
    assert_eq!(facts().await, before, "what it reported is not forgotten");
    apply(&api, request([delete()])).await.unwrap();
    assert_eq!(facts().await, None);
}
