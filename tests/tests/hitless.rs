//! A controller that comes back disturbs nothing: what is right stays, and what is not is made good
//! in an order in which no packet is lost.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use lab::{Host, Nic, wait_until};
use proto::v1 as pb;
use proto::v1::apply_request::Change;
use proto::v1::apply_request::change::Change as Any;
use proto::v1::change_service_client::ChangeServiceClient;
use proto::v1::host::State;
use proto::v1::port::Status;
use tests::{Installed, Kind, READY, Rules, Scene, Traffic, assert_reaches, distance, rules};
use topology::cookie::Cookie;
use topology::pipeline::Table;

/// Every flow of every host: how old it is.
fn ages(scene: &Scene) -> BTreeMap<(u16, String), f64> {
    let hosts = scene.lab.hosts().iter().map(|host| host.number());
    let flows = hosts.flat_map(|host| {
        let flows = scene.flows(host).unwrap();
        flows.into_iter().map(move |flow| ((host, flow.identity()), flow.duration))
    });
    flows.collect()
}

/// What a host's flows do.
fn rules_of(scene: &Scene, host: u16) -> Rules {
    rules(scene.flows(host).unwrap())
}

#[test]
fn a_restart_of_the_controller_changes_nothing() {
    let mut scene = Scene::start(3).unwrap();
    let mut traffic = Traffic::start(&scene, &[1, 2, 3]).unwrap();
    scene.settle().unwrap();
    let before = ages(&scene);
    assert!(before.len() > 100);

    for kill in [true, false] {
        if kill { scene.weftd.kill() } else { scene.weftd.stop() }.unwrap();
        traffic.goes_on().unwrap();
        scene.weftd.start_again().unwrap();
        scene.reconnect().unwrap();
        scene.wait_ready().unwrap();
        traffic.goes_on().unwrap();

        let sent = scene.flow_mods_sent().unwrap();
        assert_eq!(sent, BTreeMap::from([(1, 0), (2, 0), (3, 0)]), "flow-mods sent");
        for guest in traffic.segments.iter().flat_map(|segment| &segment.guests) {
            assert_eq!(scene.port(&guest.port.id).unwrap().status(), Status::Active);
        }
    }
    let after = ages(&scene);
    assert!(before.keys().eq(after.keys()), "the flows are the same");
    for ((flow, before), after) in before.iter().zip(after.values()) {
        assert!(after > before, "{flow:?} was added anew: {after} s old, was {before} s");
    }
    traffic.stop().unwrap().assert_nothing_lost();
    // And it works on.
    let late = scene.guest(&traffic.segments[0].network, 3).unwrap();
    scene.wait_active([&late]).unwrap();
    assert_reaches(&traffic.segments[0].guests[0], late.v4());
}

/// The flows of a host as a build with another pipeline would have left them.
///
/// A test runs one build of the controller, the one after the upgrade. The build before it is
/// known by what it leaves on the switches, and that is written here: the flows of this build, but
/// for what tells the two pipelines apart.
fn rearrange(scene: &Scene, host: u16, rearrange: impl Fn(&mut Vec<Installed>)) -> u64 {
    let before = rules_of(scene, host);
    let mut flows = scene.flows(host).unwrap();
    rearrange(&mut flows);
    let lines = flows
        .iter()
        .map(|flow| format!("cookie={:#x},table={},{}\n", flow.cookie, flow.table, flow.rule));
    let host_dir = scene.host(host).dir();
    let file = host_dir.join("rearranged");
    fs::write(&file, lines.collect::<String>()).unwrap();
    let file = file.to_str().unwrap();
    scene.host(host).ofctl(&["--bundle", "replace-flows", "br-int", file]).unwrap();
    distance(&rules_of(scene, host), &before)
}

/// A pipeline without the tables that answer ARP and neighbour discovery: guard leads to egress.
fn without_responders(flows: &mut Vec<Installed>) {
    let (respond, egress) = (Table::Respond, Table::Egress);
    let responders = [respond, Table::Answer, Table::AnswerNd].map(Table::number);
    let is_responder = |flow: &Installed| responders.contains(&flow.table);
    flows.retain(|flow| !is_responder(flow));
    let (old, new) = (respond.number(), egress.number());
    for flow in flows.iter_mut().filter(|flow| flow.table < old) {
        flow.rule = flow.rule.replace(&format!("goto_table:{old}"), &format!("goto_table:{new}"));
    }
}

/// A pipeline with one table more, between classify and guard.
fn with_another_table(flows: &mut Vec<Installed>) {
    const ANOTHER: u8 = 5;
    let (classify, guard) = (Table::Classify.number(), Table::Guard.number());
    let to_guard = format!("goto_table:{guard}");
    let mut cookie = 0;
    for flow in flows.iter_mut().filter(|flow| flow.table == classify) {
        if flow.rule.contains(&to_guard) {
            flow.rule = flow.rule.replace(&to_guard, &format!("goto_table:{ANOTHER}"));
            cookie = flow.cookie;
        }
    }
    assert!(Cookie(cookie).is_ours());
    let rule = format!("priority=0 actions={to_guard}");
    flows.push(Installed { cookie, table: ANOTHER, packets: 0, duration: 0.0, rule });
}

#[test]
fn an_upgrade_to_a_build_with_other_tables_loses_nothing() {
    let mut scene = Scene::start(2).unwrap();
    let mut traffic = Traffic::start(&scene, &[1, 2]).unwrap();
    scene.settle().unwrap();
    let wanted = [rules_of(&scene, 1), rules_of(&scene, 2)];
    let pipelines: [fn(&mut Vec<Installed>); 2] = [without_responders, with_another_table];
    for before in pipelines {
        scene.weftd.stop().unwrap();
        let differing = [1, 2].map(|host| rearrange(&scene, host, before));
        assert!(differing.iter().all(|&count| count > 3), "{differing:?}");
        traffic.goes_on().unwrap();

        scene.weftd.start_again().unwrap();
        scene.reconnect().unwrap();
        scene.wait_ready().unwrap();
        assert_eq!([rules_of(&scene, 1), rules_of(&scene, 2)], wanted);
        let sent = scene.flow_mods_sent().unwrap();
        assert_eq!([sent[&1], sent[&2]], differing, "what is the same in both stays");
        traffic.goes_on().unwrap();
    }
    traffic.stop().unwrap().assert_nothing_lost();
}

#[test]
fn of_changes_that_a_host_has_missed_only_these_are_sent() {
    let mut scene = Scene::start(2).unwrap();
    let doomed = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let mut traffic = Traffic::start(&scene, &[1, 2]).unwrap();
    scene.settle().unwrap();
    let before = rules_of(&scene, 2);

    scene.host(2).cut(Nic::Management).unwrap();
    let offline = || scene.record(2).unwrap().state() == State::Offline;
    wait_until("host 2 to be given up", READY, offline).unwrap();
    // A port goes, another gets an address, a group gets a rule.
    let id = doomed.guests[0].port.id.clone();
    let delete = Any::DeletePort(pb::DeletePortRequest { id, ..Default::default() });
    let there = &traffic.segments[0].guests[1].port;
    let pair = pb::port::AddressPair { ip_prefix: "10.1.0.200".to_owned(), ..Default::default() };
    let port =
        pb::Port { id: there.id.clone(), allowed_address_pairs: vec![pair], ..Default::default() };
    let update = Any::UpdatePort(pb::UpdatePortRequest { port: Some(port), update_mask: None });
    let rules_added = Any::AddRules(pb::AddRulesRequest {
        security_group_id: scene.default_group().unwrap().id,
        rules: vec![tests::Allow::ingress().tcp(80).rule()],
        etag: String::new(),
    });
    let changes: Vec<_> =
        [delete, update, rules_added].map(|change| Change { change: Some(change) }).into();
    let apply = |scene: &Scene, validate_only| {
        let changes = changes.clone();
        let request = pb::ApplyRequest { changes, validate_only, base_revision: 0 };
        scene.api.call(async |channel| ChangeServiceClient::new(channel).apply(request).await)
    };
    let plan = apply(&scene, true).unwrap().plan;
    apply(&scene, false).unwrap();
    let name = scene.record(2).unwrap().name;
    let plan = plan.into_iter().find(|plan| plan.name == name).unwrap();

    // The controller forgets what it has handed out.
    scene.weftd.kill().unwrap();
    scene.weftd.start_again().unwrap();
    scene.reconnect().unwrap();
    scene.host(2).restore(Nic::Management).unwrap();
    scene.wait_ready().unwrap();
    let sent = scene.flow_mods_sent().unwrap()[&2];
    assert_eq!(sent, distance(&before, &rules_of(&scene, 2)));
    assert_eq!(sent, plan.flows_added + plan.flows_changed + plan.flows_removed, "{plan:?}");
    assert!(sent > 10, "{plan:?}");
    assert_eq!(scene.flow_mods_sent().unwrap()[&1], 0, "host 1 had heard of it all");
    traffic.stop().unwrap().assert_nothing_lost();
}

/// Whether br-int has its controller.
fn is_connected(host: &Arc<Host>) -> bool {
    let columns = ["--bare", "--columns=is_connected", "find", "Controller"];
    host.vsctl(&columns).unwrap().trim() == "true"
}

#[test]
fn nothing_is_deleted_before_a_hosts_database_has_been_read() {
    let mut scene = Scene::start(2).unwrap();
    let mut traffic = Traffic::start(&scene, &[1, 2]).unwrap();
    scene.settle().unwrap();
    let wanted = rules_of(&scene, 2);
    scene.weftd.kill().unwrap();
    // Host 2 has no way to tell what is plugged in there; its switch still finds the controller.
    let host = scene.host(2).clone();
    host.vsctl(&["del-manager"]).unwrap();
    let stale = Cookie(0x1400_0fff_0000_0080);
    assert!(stale.is_ours());
    let flow = format!("cookie={:#x},table=0,priority=99,in_port=99,actions=drop", stale.0);
    host.ofctl(&["add-flow", "br-int", &flow]).unwrap();
    let with_stale = rules_of(&scene, 2);

    scene.weftd.start_again().unwrap();
    scene.reconnect().unwrap();
    scene.wait_host(1, State::Ready).unwrap();
    wait_until("the switch to be connected", READY, || is_connected(&host)).unwrap();
    // It answers: what it is asked is all that it could have been told before.
    let told = "switch connected";
    let both = || scene.weftd.log().unwrap().matches(told).count() >= 4;
    wait_until("both switches to be seen by either controller", READY, both).unwrap();
    traffic.goes_on().unwrap();
    let record = scene.record(2).unwrap();
    assert_eq!((record.state(), record.flow_mods_sent), (State::Offline, 0));
    assert_eq!(rules_of(&scene, 2), with_stale);

    host.set_manager(scene.lab.controller_address()).unwrap();
    scene.wait_host(2, State::Ready).unwrap();
    assert_eq!(rules_of(&scene, 2), wanted, "the stale flow is gone");
    assert_eq!(scene.flow_mods_sent().unwrap()[&2], 1);
    traffic.stop().unwrap().assert_nothing_lost();
}

#[test]
fn a_controller_that_stands_still_is_missed_by_nobodys_traffic() {
    let mut scene = Scene::start(2).unwrap();
    let mut traffic = Traffic::start(&scene, &[1, 2]).unwrap();
    scene.settle().unwrap();
    let (before, sent) = (ages(&scene), scene.flow_mods_sent().unwrap());
    scene.weftd.pause().unwrap();
    let hosts = scene.lab.hosts().to_vec();
    let given_up = || hosts.iter().all(|host| !is_connected(host));
    wait_until("the switches to give it up", READY, given_up).unwrap();
    traffic.goes_on().unwrap();
    scene.weftd.resume().unwrap();
    wait_until("the switches to be back", READY, || hosts.iter().all(is_connected)).unwrap();
    scene.wait_ready().unwrap();
    traffic.goes_on().unwrap();
    traffic.stop().unwrap().assert_nothing_lost();
    assert_eq!(scene.flow_mods_sent().unwrap(), sent);
    assert!(ages(&scene).keys().eq(before.keys()), "the flows are the same");
    let late = scene.guest(&traffic.segments[0].network, 1).unwrap();
    scene.wait_active([&late]).unwrap();
    assert_reaches(&late, traffic.segments[0].guests[1].v4());
}
