//! What an operator sees of the flows: the list is what the switch has, and every flow of it can
//! be explained.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;

use proto::v1 as pb;
use proto::v1::explain_flow_request::Query;
use proto::v1::list_flows_request::Source;
use tests::{Kind, READY, Scene, allowed, assert_reaches, refusal};
use tonic::Code;

/// Three kinds of network on two hosts, with ports of every sort.
fn busy_scene() -> Scene {
    let scene = Scene::start(2).unwrap();
    let kinds = [Kind::Vxlan, Kind::Vlan(105), Kind::Flat];
    for (kind, number) in kinds.into_iter().zip(1..) {
        let segment = scene.segment(kind, number, &[1, 2]).unwrap();
        let pairs = vec![
            allowed(&format!("10.{number}.0.128/26"), ""),
            allowed(&format!("fd00:{number}::a"), "00:00:5e:00:02:0a"),
        ];
        let with_pairs = pb::Port { allowed_address_pairs: pairs, ..Default::default() };
        let open = pb::Port { port_security_enabled: Some(false), ..Default::default() };
        let guests = [with_pairs, open].map(|port| scene.guest_with(&segment.network, 1, port));
        let guests = guests.map(Result::unwrap);
        scene.wait_active(&guests).unwrap();
        assert_reaches(&segment.guests[1], guests[0].v4());
    }
    scene.settle().unwrap();
    scene
}

fn list(scene: &Scene, host: u16, filter: pb::ListFlowsRequest) -> Vec<pb::Flow> {
    let host = scene.host(host).name().to_owned();
    let mut request = pb::ListFlowsRequest { host, page_size: 50, ..filter };
    let mut flows = Vec::new();
    loop {
        let page = scene.api.list_flows(request.clone()).unwrap();
        flows.extend(page.flows);
        if page.next_page_token.is_empty() {
            return flows;
        }
        request.page_token = page.next_page_token;
    }
}

#[test]
fn the_list_is_what_the_switch_has_and_every_flow_is_explained() {
    let scene = busy_scene();
    for host in scene.lab.hosts() {
        // ovs-ofctl reads what weft prints, and finds no difference to the switch.
        let text = scene.weftd.weft_text(&["flow", "list", host.name()]).unwrap();
        let file = scene.lab.run_dir().join(format!("{}.flows", host.name()));
        fs::write(&file, &text).unwrap();
        let difference = host.ofctl(&["diff-flows", "br-int", file.to_str().unwrap()]).unwrap();
        assert_eq!(difference, "", "{}", host.name());
        // It would find one.
        fs::write(&file, text.lines().skip(1).collect::<Vec<_>>().join("\n")).unwrap();
        let difference = host.ofctl(&["diff-flows", "br-int", file.to_str().unwrap()]);
        let said = format!("{:#}", difference.unwrap_err());
        assert!(said.contains("-priority=100,in_port="), "{said}");

        let number = host.number();
        let installed = scene.flows(number).unwrap();
        assert_eq!(installed.len(), text.lines().count());
        let record = scene.record(number).unwrap();
        assert_eq!(record.flows, installed.len() as u64);
        assert!(record.ovs_version.starts_with(|first: char| first.is_ascii_digit()), "{record:?}");
        let cookies: BTreeSet<u64> = installed.iter().map(|flow| flow.cookie).collect();
        for cookie in cookies {
            let request = pb::ExplainFlowRequest { query: Some(Query::Cookie(cookie)) };
            let answer = scene.api.explain_flow(request);
            let answer = answer.unwrap_or_else(|status| panic!("{cookie:#x}: {status}"));
            assert!(!answer.owners.is_empty(), "{cookie:#x}: {answer:?}");
            assert!(answer.explanation.len() > 20, "{cookie:#x}: {answer:?}");
        }
    }
    // A line of a dump can be asked about as it is.
    let dump = scene.host(1).ofctl(&["dump-flows", "br-int"]).unwrap();
    let line =
        dump.lines().find(|line| line.contains("table=90") && line.contains("reg2")).unwrap();
    let explained = scene.weftd.weft_text(&["flow", "explain", line.trim()]).unwrap();
    assert!(explained.contains("out of the port"), "{explained}");
}

#[test]
fn flows_are_listed_by_table_by_owner_and_as_installed() {
    let scene = busy_scene();
    let port = scene.api.list_ports(Default::default()).unwrap().ports.remove(0);
    let owner = pb::ListFlowsRequest { owner: port.id.clone(), ..Default::default() };
    let own = list(&scene, 1, owner.clone());
    assert!(own.len() > 10, "{own:#?}");
    assert!(own.iter().all(|flow| flow.owners.iter().any(|owner| owner.id == port.id)));
    // On the other host only what leads to it.
    let remote = list(&scene, 2, owner);
    assert!(!remote.is_empty() && remote.len() < own.len(), "{remote:#?}");

    for table in ["output", "90"] {
        let filter = pb::ListFlowsRequest { table: table.to_owned(), ..Default::default() };
        let flows = list(&scene, 1, filter);
        assert!(flows.iter().all(|flow| flow.table_id == 90 && flow.table_name == "output"));
        // Three segments of one VM here and two more each, and the miss.
        assert_eq!(flows.len(), 10, "{flows:#?}");
    }
    let mut filter = pb::ListFlowsRequest { table: "output".to_owned(), ..Default::default() };
    filter.set_source(Source::Installed);
    let flows = list(&scene, 1, filter);
    assert_eq!(flows.len(), 10);
    assert!(flows.iter().any(|flow| flow.packet_count.is_some_and(|count| count > 0)));

    // What is not ours is shown as such, and explained as nobody's.
    scene.host(1).ofctl(&["add-flow", "br-int", "cookie=0x57ef,table=7,actions=drop"]).unwrap();
    let mut filter = pb::ListFlowsRequest { table: "7".to_owned(), ..Default::default() };
    filter.set_source(Source::Installed);
    let [foreign] = &list(&scene, 1, filter)[..] else { panic!("one flow") };
    assert_eq!((foreign.cookie, foreign.owners.len()), (0x57ef, 0));
    let query = pb::ExplainFlowRequest { query: Some(Query::Cookie(0x57ef)) };
    assert_eq!(refusal(scene.api.explain_flow(query)).code, Code::NotFound);

    // Questions that make no sense.
    let unknown_host = pb::ListFlowsRequest { host: "h99".to_owned(), ..Default::default() };
    assert_eq!(refusal(scene.api.list_flows(unknown_host)).code, Code::NotFound);
    let host = || "h1".to_owned();
    let table = "nonsense".to_owned();
    let unknown_table = pb::ListFlowsRequest { host: host(), table, ..Default::default() };
    assert_eq!(refusal(scene.api.list_flows(unknown_table)).code, Code::NotFound);
    let query = Some(Query::Flow("no flow at all".to_owned()));
    let nonsense = scene.api.explain_flow(pb::ExplainFlowRequest { query });
    assert_eq!(refusal(nonsense).code, Code::InvalidArgument);
    scene.host(1).kill_vswitchd().unwrap();
    let mut installed = pb::ListFlowsRequest { host: host(), ..Default::default() };
    installed.set_source(Source::Installed);
    let unavailable = || {
        let answer = scene.api.list_flows(installed.clone());
        answer.err().is_some_and(|status| status.code() == Code::Unavailable)
    };
    lab::wait_until("the session to end", READY, unavailable).unwrap();
}
