//! Fewer hosts, with Open vSwitch.

use std::collections::BTreeMap;

use lab::{Nic, WeftdOptions};
use proto::v1::host::State;
use tests::{Installed, Kind, Scene, assert_reaches};

const HOSTS: u16 = 8;

/// Every host's flows, whatever their counters.
fn rules(scene: &Scene) -> Vec<Vec<String>> {
    let of = |host| {
        let flows = scene.flows(host).unwrap();
        let mut rules: Vec<_> = flows.iter().map(Installed::identity).collect();
        rules.sort_unstable();
        rules
    };
    (1..=HOSTS).map(of).collect()
}

#[test]
fn hosts_that_are_back_at_once_are_sent_nothing() {
    let args = ["--parallel-read-backs", "2"].map(Into::into).to_vec();
    let options = WeftdOptions { args, ..Default::default() };
    let mut scene = Scene::with_options(HOSTS, options).unwrap();
    scene.lab.set_managers().unwrap();
    scene.wait_ready().unwrap();
    let hosts: Vec<_> = (1..=HOSTS).collect();
    let segment = scene.segment(Kind::Vxlan, 1, &hosts).unwrap();
    let (first, others) = segment.guests.split_first().unwrap();
    others.iter().for_each(|other| assert_reaches(first, other.v4()));
    scene.settle().unwrap();
    let before = rules(&scene);

    // The network between them and the controller is away for longer than either waits.
    let sent = scene.flow_mods_sent().unwrap();
    scene.lab.hosts().iter().for_each(|host| host.cut(Nic::Management).unwrap());
    hosts.iter().for_each(|&host| scene.wait_host(host, State::Offline).unwrap());
    scene.lab.hosts().iter().for_each(|host| host.restore(Nic::Management).unwrap());
    scene.wait_ready().unwrap();
    scene.settle().unwrap();
    assert_eq!(scene.flow_mods_sent().unwrap(), sent);
    assert_eq!(rules(&scene), before);

    // The controller is killed.
    scene.weftd.kill().unwrap();
    scene.weftd.start_again().unwrap();
    scene.reconnect().unwrap();
    scene.wait_ready().unwrap();
    scene.settle().unwrap();
    let nothing: BTreeMap<_, _> = hosts.iter().map(|&host| (host, 0)).collect();
    assert_eq!(scene.flow_mods_sent().unwrap(), nothing);
    assert_eq!(rules(&scene), before);
    others.iter().for_each(|other| assert_reaches(first, other.v4()));
}
