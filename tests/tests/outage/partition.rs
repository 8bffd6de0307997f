//! Links that are cut and processes that stand still: who is concerned misses what cannot pass, for
//! as long as it cannot, and nobody else anything.

use lab::Nic;
use proto::v1::host::State;
use tests::{Kind, Scene, Traffic, assert_reaches, distance, rules};

const VXLAN: &[Kind] = &[Kind::Vxlan];
const PROVIDER: &[Kind] = &[Kind::Vlan(105), Kind::Flat];

#[test]
fn a_cut_network_costs_what_goes_through_it_and_nothing_else() {
    let scene = Scene::start(2).unwrap();
    let mut traffic = Traffic::start(&scene, &[1, 2]).unwrap();
    scene.settle().unwrap();
    let sent = scene.flow_mods_sent().unwrap();
    for (nic, hit, spared) in [(Nic::Underlay, VXLAN, PROVIDER), (Nic::Provider, PROVIDER, VXLAN)] {
        scene.host(2).cut(nic).unwrap();
        (0..5).for_each(|_| traffic.goes_on_through(spared).unwrap());
        scene.host(2).restore(nic).unwrap();
        traffic.goes_on().unwrap();
        let report = traffic.stop().unwrap();
        assert!(report.through(hit).lost_pings() > 0, "{nic:?} was cut: {report:?}");
        report.through(spared).assert_nothing_lost();
        traffic.run().unwrap();
    }
    assert_eq!(scene.flow_mods_sent().unwrap(), sent, "no flow depends on a link");

    // Without management, nobody's traffic misses anything, and nobody's flows.
    scene.host(2).cut(Nic::Management).unwrap();
    scene.wait_host(2, State::Offline).unwrap();
    traffic.goes_on().unwrap();
    scene.host(2).restore(Nic::Management).unwrap();
    scene.wait_ready().unwrap();
    traffic.goes_on().unwrap();
    traffic.stop().unwrap().assert_nothing_lost();
    assert_eq!(scene.flow_mods_sent().unwrap(), sent);
}

#[test]
fn a_switch_that_stands_still_costs_its_own_traffic_and_is_caught_up_with() {
    let scene = Scene::start(3).unwrap();
    let mut traffic = Traffic::start(&scene, &[1, 2]).unwrap();
    let bystanders = scene.segment(Kind::Vxlan, 1, &[1, 3]).unwrap();
    let [near, far] = &bystanders.guests[..] else { panic!("two guests") };
    scene.settle().unwrap();
    let (sent, before) = (scene.flow_mods_sent().unwrap(), rules(scene.flows(2).unwrap()));

    scene.host(2).pause_vswitchd().unwrap();
    scene.wait_host(2, State::Offline).unwrap();
    assert_reaches(near, far.v4());
    // What changes meanwhile reaches the others at once, and this one when it goes on.
    let late = scene.guest(&bystanders.network, 3).unwrap();
    let network = &traffic.segments[0].network;
    let missed = scene.guest(network, 3).unwrap();
    scene.wait_active([&late, &missed]).unwrap();
    assert_reaches(near, late.v4());
    scene.host(2).resume_vswitchd().unwrap();
    scene.wait_ready().unwrap();
    scene.settle().unwrap();
    traffic.goes_on().unwrap();
    assert_reaches(&missed, traffic.segments[0].guests[1].v4());
    let report = traffic.stop().unwrap();
    assert!(report.lost_pings() > 0, "it stood still: {report:?}");

    // It had its flows all the time: what it was told is what has changed.
    let told = scene.flow_mods_sent().unwrap()[&2] - sent[&2];
    assert_eq!(told, distance(&before, &rules(scene.flows(2).unwrap())));
    assert!(told > 0, "{sent:?}");
}
