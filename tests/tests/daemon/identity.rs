//! Who is which host: peers that say that they are another's, or have what another has.

use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use lab::wait_until;
use proto::v1 as pb;
use proto::v1::host::Conflict;
use proto::v1::host::conflict::Kind;
use serde_json::json;
use tests::Daemon;

use crate::peers::{Database, HERE, Switch, bridged, root, uuid};

/// Another address of loopback.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// How long things may take that happen at once.
const SOON: Duration = Duration::from_secs(30);

fn host(daemon: &Daemon, system_id: &str) -> Option<pb::Host> {
    let request = pb::ListHostsRequest { system_id: system_id.into(), ..Default::default() };
    daemon.api().unwrap().list_hosts(request).unwrap().hosts.pop()
}

fn conflicts(daemon: &Daemon, system_id: &str) -> Vec<Conflict> {
    host(daemon, system_id).map(|host| host.conflicts).unwrap_or_default()
}

#[track_caller]
fn wait_for_conflict(daemon: &Daemon, system_id: &str, kind: Kind, address: &str) {
    let is_there = || {
        let mut all = conflicts(daemon, system_id).into_iter();
        all.any(|conflict| conflict.kind() == kind && conflict.address == address)
    };
    wait_until("the conflict to be shown", SOON, is_there).unwrap();
}

#[track_caller]
fn wait_for_tunnel_ip(daemon: &Daemon, system_id: &str, tunnel_ip: &str) {
    let is_it = || host(daemon, system_id).is_some_and(|host| host.tunnel_ip == tunnel_ip);
    wait_until(&format!("the tunnel address {tunnel_ip:?}"), SOON, is_it).unwrap();
}

#[track_caller]
fn assert_counted(daemon: &Daemon, protocol: &str, kind: &str) {
    let name = format!("weft_breaches_total{{protocol=\"{protocol}\",kind=\"{kind}\"}}");
    assert!(daemon.metric(&name).unwrap() > 0.0, "{name} is not counted");
}

fn encap(ip: &str) -> [(&'static str, &str); 1] {
    [("weft-encap-ip", ip)]
}

#[test]
fn a_system_id_is_whose_connection_has_it_until_that_is_gone_for_good() {
    let daemon = Daemon::start(&[]).unwrap();
    let mut holder = Database::connect(&daemon, root("host-a", &encap("192.0.2.1")));
    wait_for_tunnel_ip(&daemon, "host-a", "192.0.2.1");

    let rows = root("host-a", &encap("192.0.2.66"));
    let mut rival = Database::connect_from(&daemon, rows, ELSEWHERE);
    let words = ["WARN", &rival.peer.name(), "system_id", "\"host-a\" is the host's at 127.0.0.1"];
    daemon.wait_for_log(&words).unwrap();
    wait_for_conflict(&daemon, "host-a", Kind::SystemId, "127.0.0.2");
    assert_counted(&daemon, "ovsdb", "system_id");
    assert_eq!(daemon.metric("weft_parked_connections{protocol=\"ovsdb\"}").unwrap(), 1.0);

    // The host goes on as if there were none, and what the other says is not taken.
    let change = json!({"Open_vSwitch": {uuid(1): {"modify": {
        "external_ids": ["map", [["weft-encap-ip", "192.0.2.2"]]],
    }}}});
    holder.update(&change);
    wait_for_tunnel_ip(&daemon, "host-a", "192.0.2.2");
    rival.assert_answered();

    // A host that reconnects has its place again.
    drop(holder);
    let mut holder = Database::connect(&daemon, root("host-a", &encap("192.0.2.3")));
    wait_for_tunnel_ip(&daemon, "host-a", "192.0.2.3");
    wait_for_conflict(&daemon, "host-a", Kind::SystemId, "127.0.0.2");
    // So it has while its old connection is still there, half-dead.
    let _again = Database::connect(&daemon, root("host-a", &encap("192.0.2.4")));
    wait_for_tunnel_ip(&daemon, "host-a", "192.0.2.4");
    holder.assert_answered();
    drop((holder, _again));

    // When it is gone for good, the other may be the host.
    let taken = || host(&daemon, "host-a").is_some_and(|host| host.tunnel_ip == "192.0.2.66");
    wait_until("the other to take over", Duration::from_secs(40), || {
        rival.assert_answered();
        taken()
    })
    .unwrap();
    assert_eq!(conflicts(&daemon, "host-a"), []);
}

#[test]
fn a_holder_that_does_not_answer_its_probe_loses_its_place() {
    let daemon = Daemon::start(&[]).unwrap();
    let silent = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let falls = std::sync::Arc::clone(&silent);
    let rows = root("host-a", &encap("192.0.2.1"));
    let mut known = Database::scripted(rows);
    let _holder = Database::answering(&daemon, move |method, params| {
        while falls.load(std::sync::atomic::Ordering::Relaxed) {
            thread::park_timeout(Duration::from_millis(100));
        }
        known(method, params)
    });
    wait_for_tunnel_ip(&daemon, "host-a", "192.0.2.1");
    silent.store(true, std::sync::atomic::Ordering::Relaxed);
    let rows = root("host-a", &encap("192.0.2.66"));
    let mut moved = Database::connect_from(&daemon, rows, ELSEWHERE);
    wait_until("the host at its new address", Duration::from_secs(60), || {
        moved.assert_answered();
        host(&daemon, "host-a").is_some_and(|host| host.tunnel_ip == "192.0.2.66")
    })
    .unwrap();
    assert_counted(&daemon, "ovsdb", "silent");
    silent.store(false, std::sync::atomic::Ordering::Relaxed);
}

#[test]
fn a_datapath_id_is_believed_from_the_hosts_own_addresses() {
    let daemon = Daemon::start(&[]).unwrap();
    let own = [("weft-management-ips", "127.0.0.3")];
    let _database = Database::connect(&daemon, bridged("host-a", &own, 0xa, &[]));
    wait_until("the host's record", SOON, || host(&daemon, "host-a").is_some()).unwrap();

    let mut rival = Switch::connect_from(&daemon, 0xa, ELSEWHERE);
    let reason = "a switch at 127.0.0.2 has the datapath id of host host-a, which is at \
                  127.0.0.1, 127.0.0.3";
    daemon.wait_for_log(&["WARN", &rival.peer.name(), reason]).unwrap();
    wait_for_conflict(&daemon, "host-a", Kind::DatapathId, "127.0.0.2");
    assert_counted(&daemon, "openflow", "datapath_id");
    rival.assert_answered();
    assert_eq!(host(&daemon, "host-a").unwrap().connected_time, None);

    let is_connected = || host(&daemon, "host-a").unwrap().connected_time.is_some();
    for source in [HERE, Ipv4Addr::new(127, 0, 0, 3)] {
        let own = Switch::connect_from(&daemon, 0xa, source);
        wait_until("the host's own switch", SOON, is_connected).unwrap();
        drop(own);
        wait_until("it to have gone", SOON, || !is_connected()).unwrap();
    }
    rival.assert_answered();
    drop(rival);
    wait_until("no conflict", SOON, || conflicts(&daemon, "host-a").is_empty()).unwrap();
}

#[test]
fn a_tunnel_address_is_one_hosts_alone() {
    let daemon = Daemon::start(&[]).unwrap();
    let _holder = Database::connect(&daemon, root("host-a", &encap("192.0.2.1")));
    wait_for_tunnel_ip(&daemon, "host-a", "192.0.2.1");
    let rows = root("host-b", &encap("192.0.2.1"));
    let rival = Database::connect_from(&daemon, rows, ELSEWHERE);
    daemon.wait_for_log(&["WARN", &rival.peer.name(), "192.0.2.1 is host host-a's"]).unwrap();
    wait_for_conflict(&daemon, "host-b", Kind::TunnelIp, "192.0.2.1");
    assert_counted(&daemon, "ovsdb", "tunnel_ip");
    assert_eq!(host(&daemon, "host-b").unwrap().tunnel_ip, "");
}

#[test]
fn unknown_hosts_are_taken_as_far_as_there_is_room() {
    let daemon = Daemon::start(&["--max-hosts", "3", "--registrations-per-address", "2"]).unwrap();
    let known = |number: usize| {
        let hosts = daemon.api().unwrap().list_hosts(Default::default()).unwrap().hosts;
        hosts.len() == number
    };
    let _first = Database::connect(&daemon, root("host-1", &[]));
    let _second = Database::connect(&daemon, root("host-2", &[]));
    wait_until("two hosts", SOON, || known(2)).unwrap();
    let third = Database::connect(&daemon, root("host-3", &[]));
    let (name, reason) = (third.peer.name(), "too many such have come from this address");
    third.until_closed();
    daemon.wait_for_log(&[&name, "\"host-3\" is unknown", reason]).unwrap();

    let _other = Database::connect_from(&daemon, root("host-3", &[]), ELSEWHERE);
    wait_until("three hosts", SOON, || known(3)).unwrap();
    let fourth = Database::connect_from(&daemon, root("host-4", &[]), ELSEWHERE);
    let name = fourth.peer.name();
    fourth.until_closed();
    daemon.wait_for_log(&[&name, "3 hosts are known already"]).unwrap();
    assert_counted(&daemon, "ovsdb", "registration");
    // Who is known comes back as often as it likes.
    for _ in 0..5 {
        let back = Database::connect(&daemon, root("host-1", &[]));
        daemon.wait_for_log(&[&back.peer.name(), "host connected"]).unwrap();
    }
}
