//! Flows are listed and explained.

use controller::engine::{SwitchRequest, Which};
use openflow::message::FlowStats;
use openflow::{Flow, Match};
use proto::v1::explain_flow_request::Query;
use proto::v1::flow_service_client::FlowServiceClient;
use proto::v1::list_flows_request::Source;
use tonic::Code;
use topology::block::BlockId;
use topology::cookie::Cookie;
use topology::key::Key;
use topology::pipeline::Detail;

use super::*;

/// A host with one plugged port on a network.
struct Scene {
    api: Api,
    network: pb::Network,
    port: pb::Port,
    host: HostId,
}

impl Scene {
    async fn new() -> Self {
        let api = Api::start().await;
        let (network, _) = api.network("10.0.0.0/24").await;
        let port = api.create_port(port(&network, "web-1")).await.unwrap();
        let interfaces = BTreeMap::from([(port.id.parse().unwrap(), 7)]);
        let host = api.host(1, interfaces).await;
        Self { api, network, port, host }
    }

    async fn list(&self, list: pb::ListFlowsRequest) -> Result<pb::ListFlowsResponse, Status> {
        let list = pb::ListFlowsRequest { host: "host-1".into(), ..list };
        let mut client = FlowServiceClient::new(self.api.channel.clone());
        client.list(list).await.map(tonic::Response::into_inner)
    }

    async fn all(&self) -> Vec<pb::Flow> {
        let list = pb::ListFlowsRequest { page_size: 10_000, ..Default::default() };
        self.list(list).await.unwrap().flows
    }

    async fn explain(&self, query: Query) -> Result<pb::ExplainFlowResponse, Status> {
        let mut client = FlowServiceClient::new(self.api.channel.clone());
        let request = pb::ExplainFlowRequest { query: Some(query) };
        client.explain(request).await.map(tonic::Response::into_inner)
    }
}

#[tokio::test]
async fn the_flows_of_a_host_are_listed_in_order_and_explained() {
    let scene = Scene::new().await;
    let flows = scene.all().await;
    let id = scene.host;
    let expected =
        scene.api.engine.read(move |view| view.compiler.desired(id).count()).await.unwrap();
    assert_eq!(flows.len(), expected);
    assert!(flows.is_sorted_by_key(|flow| flow.table_id));
    for flow in &flows {
        let parsed: Flow = flow.text.parse().unwrap();
        assert_eq!((u32::from(parsed.table), parsed.cookie), (flow.table_id, flow.cookie));
        assert!(!flow.owners.is_empty() && !flow.explanation.is_empty(), "{flow:?}");
        assert_eq!((flow.packet_count, flow.byte_count), (None, None));
    }
    let output = flows.iter().find(|flow| flow.table_name == "output").unwrap();
    assert!(output.text.ends_with("actions=output:7"), "{output:?}");
    assert_eq!(output.owners[0].name, "web-1");
}

#[tokio::test]
async fn a_listing_is_paged_and_filtered() {
    let scene = Scene::new().await;
    let all = scene.all().await;
    let (mut list, mut paged) =
        (pb::ListFlowsRequest { page_size: 7, ..Default::default() }, vec![]);
    loop {
        let page = scene.list(list.clone()).await.unwrap();
        assert_eq!(page.revision, scene.api.revision().await);
        paged.extend(page.flows);
        if page.next_page_token.is_empty() {
            break;
        }
        list.page_token = page.next_page_token;
    }
    assert_eq!(paged, all);

    let number = all.iter().find(|flow| flow.table_name == "guard").unwrap().table_id;
    for table in ["guard".to_owned(), number.to_string()] {
        let list = pb::ListFlowsRequest { table, ..Default::default() };
        let flows = scene.list(list).await.unwrap().flows;
        assert!(!flows.is_empty() && flows.iter().all(|flow| flow.table_id == number));
    }
    let owners = [scene.port.id.clone(), scene.network.id.clone(), scene.host.to_string()];
    for owner in owners {
        let list = pb::ListFlowsRequest { owner: owner.clone(), ..Default::default() };
        let found = scene.list(list).await.unwrap().flows;
        let mut expected = all.clone();
        expected.retain(|flow| flow.owners.iter().any(|object| object.id == owner));
        assert!(!found.is_empty());
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn unknown_hosts_tables_and_owners_are_told() {
    let scene = Scene::new().await;
    let check = async |list: pb::ListFlowsRequest, code, message: &str| {
        let mut client = FlowServiceClient::new(scene.api.channel.clone());
        let status = client.list(list).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, message));
    };
    let list = pb::ListFlowsRequest { host: "host-1".into(), ..Default::default() };
    let nowhere = pb::ListFlowsRequest { host: "nowhere".into(), ..list.clone() };
    check(nowhere, Code::NotFound, "host \"nowhere\" not found").await;
    let no_host = pb::ListFlowsRequest { host: String::new(), ..list.clone() };
    check(no_host, Code::InvalidArgument, "invalid argument: host: is required").await;
    for table in ["nat", "255", "-1"] {
        let list = pb::ListFlowsRequest { table: table.into(), ..list.clone() };
        check(list, Code::NotFound, &format!("table {table:?} not found")).await;
    }
    let nobody = uuid::Uuid::new_v4().to_string();
    let missing = format!("nothing has the id {nobody}");
    let nobodys = pb::ListFlowsRequest { owner: nobody, ..list.clone() };
    check(nobodys, Code::NotFound, &missing).await;
    let unplugged = pb::ListFlowsRequest { source: Source::Installed.into(), ..list };
    let why = "the host's switch is not connected, or went while it was asked";
    check(unplugged, Code::Unavailable, why).await;
}

#[tokio::test]
async fn installed_flows_come_from_the_switch_with_their_counters() {
    let scene = Scene::new().await;
    let (requests, mut requested) = mpsc::channel(1);
    scene.api.switch(1, requests).await;
    let id = scene.host;
    let read = scene.api.engine.read(move |view| view.compiler.desired(id).next().cloned());
    let ours = read.await.unwrap().unwrap();
    let foreign = Flow { table: 200, cookie: 7, matching: Match::new(), ..Flow::default() };
    let stats = |flow: Flow, packet_count| FlowStats {
        flow,
        duration_sec: 1,
        duration_nsec: 0,
        packet_count,
        byte_count: packet_count * 100,
    };
    let answer = vec![stats(foreign, 0), stats(ours.flow.clone(), 3)];
    tokio::spawn(async move {
        let Some(SwitchRequest::Installed { which: Which::All, reply }) = requested.recv().await
        else {
            return;
        };
        reply.send(answer).unwrap();
        // Held until the test is over, as a session does.
        requested.recv().await;
    });
    let list = pb::ListFlowsRequest { source: Source::Installed.into(), ..Default::default() };
    let flows = scene.list(list).await.unwrap().flows;
    let [first, second] = flows.as_slice() else { panic!("{flows:?}") };
    assert_eq!(
        (first.cookie, first.packet_count, first.byte_count),
        (ours.flow.cookie, Some(3), Some(300))
    );
    assert_eq!((second.table_id, second.table_name.as_str()), (200, ""));
    assert!(second.owners.is_empty());
    assert!(second.explanation.contains("not one of Weft's"), "{second:?}");
}

#[tokio::test]
async fn a_ports_counters_are_those_of_its_own_flows_on_its_host() {
    let scene = Scene::new().await;
    let (requests, mut requested) = mpsc::channel(1);
    scene.api.switch(1, requests).await;
    let key = Key::new(scene.port.key).unwrap();
    tokio::spawn(async move {
        let Some(SwitchRequest::Installed { which, reply }) = requested.recv().await else {
            return;
        };
        let Which::Block(BlockId::HostPort { port, .. }) = which else { panic!("{which:?}") };
        assert_eq!(port, key);
        let flow = |detail, packet_count| FlowStats {
            flow: Flow { cookie: Cookie::new(detail, port, Key::NONE).0, ..Flow::default() },
            duration_sec: 1,
            duration_nsec: 0,
            packet_count,
            byte_count: packet_count * 60,
        };
        // Several flows of one reason are one count, and what lets packets pass is none.
        let flows = [
            (Detail::DhcpServer, 2),
            (Detail::DhcpServer, 3),
            (Detail::OwnArp, 9),
            (Detail::EgressNew, 4),
            (Detail::IngressNew, 1),
        ];
        reply.send(flows.map(|(detail, packets)| flow(detail, packets)).into()).unwrap();
        requested.recv().await;
    });
    let ask = || pb::GetPortCountersRequest { id: scene.port.id.clone() };
    let counters = scene.api.ports().get_port_counters(ask()).await.unwrap().into_inner();
    assert_eq!(counters.port_id, scene.port.id);
    let counted: Vec<_> = counters.drops.iter().filter(|drop| drop.packets > 0).collect();
    let [drop] = counted[..] else { panic!("{counted:?}") };
    assert_eq!(
        (&*drop.reason, &*drop.table, drop.packets, drop.bytes),
        ("DhcpServer", "guard", 5, 300)
    );
    assert!(counters.drops.iter().any(|drop| drop.reason == "Spoofed"), "{counters:?}");
    assert_eq!((counters.opened, counters.accepted), (4, 1));
}

#[tokio::test]
async fn a_port_on_no_host_has_no_counters() {
    let scene = Scene::new().await;
    let ask = |id: &str| pb::GetPortCountersRequest { id: id.to_owned() };
    let status = scene.api.ports().get_port_counters(ask(&scene.port.id)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "its host is not connected: {status:?}");
    let nobody = uuid::Uuid::new_v4().to_string();
    let status = scene.api.ports().get_port_counters(ask(&nobody)).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let status = scene.api.ports().get_port_counters(ask("x")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_flow_is_explained_by_its_cookie_or_its_text() {
    let scene = Scene::new().await;
    for flow in scene.all().await {
        let dumped = format!(" cookie={:#x}, duration=1.5s, {}", flow.cookie, flow.text);
        let queries = [
            Query::Cookie(flow.cookie),
            Query::Flow(format!("{:#x}", flow.cookie)),
            Query::Flow(flow.text.clone()),
            Query::Flow(dumped),
        ];
        for query in queries {
            let answer = scene.explain(query).await.unwrap();
            assert_eq!((answer.cookie, &answer.owners), (flow.cookie, &flow.owners));
            let line = format!("{}, {}", flow.table_name, flow.explanation);
            assert_eq!(answer.explanation, line);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_explained_is_told() {
    let scene = Scene::new().await;
    let check = async |query, code, message: &str| {
        let status = scene.explain(query).await.unwrap_err();
        assert_eq!(status.code(), code);
        assert!(status.message().contains(message), "{status:?}");
    };
    check(Query::Cookie(7), Code::NotFound, "cookie 0x7 is not one of Weft's").await;
    check(Query::Flow("0x7".into()), Code::NotFound, "cookie 0x7 is not one of Weft's").await;
    let no_flow = "invalid argument: flow: is no flow: column 1";
    check(Query::Flow("?".into()), Code::InvalidArgument, no_flow).await;
    let no_cookie = "invalid argument: flow: has no cookie";
    let text = "table=0,priority=1 actions=drop";
    check(Query::Flow(text.into()), Code::InvalidArgument, no_cookie).await;
    let flow = scene.all().await.into_iter().find(|flow| flow.table_name == "output");
    let cookie = flow.filter(|flow| flow.owners[0].kind == "port").unwrap().cookie;
    let delete = pb::DeletePortRequest { id: scene.port.id.clone(), ..Default::default() };
    scene.api.ports().delete_port(delete).await.unwrap();
    check(Query::Cookie(cookie), Code::NotFound, "nothing that the flow was for exists").await;
}
