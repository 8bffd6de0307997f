//! Labs come, stand what a test does to them, and go without a trace.

use std::net::Ipv4Addr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::Duration;

use lab::{Host, Lab, LabId, Nic, Owner};

/// Whether anything of a lab is left on the machine.
fn exists(id: &LabId) -> bool {
    id.run_dir().exists() || !id.nodes().expect("the handles are readable").is_empty()
}

/// The interfaces of the machine's own namespace.
fn interfaces() -> Vec<String> {
    let listed = lab::run(Command::new("ip").args(["-brief", "link"])).expect("ip lists links");
    listed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn a_lab_leaves_nothing_behind() {
    let before = interfaces();
    let lab = Lab::builder().hosts(3).start().unwrap();
    let id = lab.id().clone();
    assert_eq!(id.owner(), Owner::Alive);
    assert_eq!(interfaces(), before, "nothing is added to the machine's own namespace");
    for host in lab.hosts() {
        let name = host.vsctl(&["get", "Open_vSwitch", ".", "external_ids:hostname"]).unwrap();
        assert_eq!(name.trim(), host.name());
        assert!(host.vsctl(&["br-exists", "br-int"]).is_err(), "br-int is the controller's");
    }
    drop(lab);
    assert!(!exists(&id));
    assert_eq!(interfaces(), before);
}

#[test]
fn a_lab_is_removed_when_a_test_panics() {
    let mut id = None;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let lab = Lab::builder().start().unwrap();
        id = Some(lab.id().clone());
        panic!("as a failed assertion would");
    }));
    assert!(panicked.is_err());
    assert!(!exists(&id.expect("the lab came up")));
}

#[test]
fn labs_stand_side_by_side() {
    let [one, other] = [1, 2].map(|hosts| Lab::builder().hosts(hosts).start().unwrap());
    assert_ne!(one.id(), other.id());
    let ids = lab::labs().unwrap();
    assert!(ids.contains(one.id()) && ids.contains(other.id()));
    assert_ne!(one.host(1).system_id(), other.host(1).system_id());
    drop(one);
    assert!(reaches(other.host(1), other.host(2).tunnel_ip()), "the other lab is unharmed");
}

#[test]
fn each_network_is_cut_alone() {
    let lab = Lab::builder().hosts(2).start().unwrap();
    let (h1, h2) = (lab.host(1), lab.host(2));
    assert!(reaches(h1, h2.tunnel_ip()) && reaches(h1, h2.management_ip()));
    h2.cut(Nic::Underlay).unwrap();
    assert!(!reaches(h1, h2.tunnel_ip()) && reaches(h1, h2.management_ip()));
    h2.cut(Nic::Management).unwrap();
    h2.restore(Nic::Underlay).unwrap();
    assert!(reaches(h1, h2.tunnel_ip()) && !reaches(h1, h2.management_ip()));
    h2.restore(Nic::Management).unwrap();
    assert!(reaches(h1, h2.management_ip()));
}

#[test]
fn daemons_are_killed_frozen_and_started_again() {
    let lab = Lab::builder().start().unwrap();
    let host = lab.host(1);
    host.vsctl(&["add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=netdev"]).unwrap();
    host.ofctl(&["del-flows", "br0"]).unwrap();
    host.ofctl(&["add-flow", "br0", "cookie=0x57ef,actions=drop"]).unwrap();
    assert_eq!(host.dump_flows("br0").unwrap().len(), 1);

    host.kill_vswitchd().unwrap();
    assert!(host.kill_vswitchd().is_err(), "it is dead already");
    assert!(host.appctl(&["version"]).is_err());
    host.start_vswitchd().unwrap();
    host.vsctl(&["set", "Bridge", "br0", "other_config:seen=true"]).unwrap();
    let flows = host.dump_flows("br0").unwrap();
    assert!(!flows.iter().any(|flow| flow.contains("0x57ef")), "flows die with it: {flows:?}");

    host.pause_vswitchd().unwrap();
    assert!(host.ofctl(&["--timeout=1", "show", "br0"]).is_err());
    host.resume_vswitchd().unwrap();
    host.ofctl(&["show", "br0"]).unwrap();

    host.kill_ovsdb_server().unwrap();
    host.start_ovsdb_server().unwrap();
    host.restart_ovsdb_server().unwrap();
    host.vsctl(&["br-exists", "br0"]).unwrap();
}

#[test]
fn a_running_ping_sees_an_outage() {
    let lab = Lab::builder().start().unwrap();
    let [a, b] = [("10.0.0.1/24"), ("10.0.0.2/24")].map(|address| {
        let station = lab.station(Some(7)).unwrap();
        station.configure(&[address], &[], 1500).unwrap();
        station
    });
    let to = Ipv4Addr::new(10, 0, 0, 2);
    a.ping_until(to, Duration::from_secs(10)).unwrap();
    let undisturbed = a.start_ping(to, Duration::from_millis(20)).unwrap();
    undisturbed.wait_for_replies(20, Duration::from_secs(10)).unwrap();
    let report = undisturbed.stop().unwrap();
    assert_eq!(report.lost(), 0, "{report:?}");
    assert!(report.received >= 20, "{report:?}");

    let disturbed = a.start_ping(to, Duration::from_millis(20)).unwrap();
    disturbed.wait_for_replies(5, Duration::from_secs(10)).unwrap();
    b.netns().ip(&["link", "set", "eth0", "down"]).unwrap();
    assert_eq!(a.ping(to).unwrap().received, 0);
    b.netns().ip(&["link", "set", "eth0", "up"]).unwrap();
    disturbed.wait_for_replies(5, Duration::from_secs(10)).unwrap();
    let report = disturbed.stop().unwrap();
    assert!(report.lost() > 0, "{report:?}");
    assert!(report.longest_gap > Duration::from_millis(200), "{report:?}");
}

#[test]
fn what_is_not_read_in_time_is_counted_where_it_came_in() {
    let lab = Lab::builder().hosts(2).start().unwrap();
    let (h1, h2) = (lab.host(1), lab.host(2));
    assert!(reaches(h1, h2.tunnel_ip()));
    assert_eq!(h2.overflows().unwrap().values().sum::<u64>(), 0);
    h2.pause_vswitchd().unwrap();
    let to = h2.tunnel_ip().to_string();
    let flood = ["-n", "-q", "-i", "0.001", "-c", "600", "-W", "1", &to];
    h1.exec("ping", &flood).unwrap_err();
    let lost = h2.overflows().unwrap();
    assert!(lost["eth1"] > 100, "{lost:?}");
    assert_eq!(lost["eth2"], 0, "{lost:?}");
    assert_eq!(h1.overflows().unwrap().values().sum::<u64>(), 0);
}

fn reaches(host: &Host, address: Ipv4Addr) -> bool {
    host.exec("ping", &["-n", "-c", "1", "-W", "1", &address.to_string()]).is_ok()
}
