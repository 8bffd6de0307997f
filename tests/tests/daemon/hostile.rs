//! Hosts that behave until they are trusted, and then do not: each costs itself, and the honest
//! host beside it goes on.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use lab::wait_until;
use proto::v1 as pb;
use proto::v1::host::conflict::Kind;
use serde_json::{Value, json};
use tests::{Api, Daemon};

use crate::hosts::{Host, honest, network, new_port};
use crate::peers::{Database, HERE, bridged, kind, openflow, root, uuid};

/// Where the hostile host is.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// How long things may take that happen at once.
const SOON: Duration = Duration::from_secs(60);

/// A controller with an honest host.
struct Scene {
    daemon: Daemon,
    api: Api,
    honest: Host,
    network: pb::Network,
}

impl Scene {
    fn start() -> Self {
        let daemon = Daemon::start(&[]).unwrap();
        let api = daemon.api().unwrap();
        let honest = Host::join(&daemon, ("honest", 1), HERE, honest);
        honest.wait_until_ready(&api);
        let network = network(&api, "honest");
        Self { daemon, api, honest, network }
    }

    /// A second host, whose switch answers as `answer` says.
    fn hostile(&self, answer: impl FnMut(u8, u32, &[u8]) -> Vec<u8> + Send + 'static) -> Host {
        Host::join(&self.daemon, ("hostile", 66), ELSEWHERE, answer)
    }

    /// Claims that the log and the metrics say what the hostile peer did, and that the honest host
    /// is well.
    #[track_caller]
    fn assert_contained(mut self, peer: &str, (protocol, kind): (&str, &str), reason: &str) {
        let breach = format!("breach=\"{kind}\"");
        self.daemon.wait_for_log(&["WARN", peer, &breach, reason]).unwrap();
        let name = format!("weft_breaches_total{{protocol=\"{protocol}\",kind=\"{kind}\"}}");
        assert!(self.daemon.metric(&name).unwrap() > 0.0, "{name} is not counted");
        self.assert_well();
    }

    #[track_caller]
    fn assert_well(&mut self) {
        self.honest.assert_well(&self.api, &self.network);
        assert!(self.daemon.is_running());
        assert!(!self.daemon.log().contains("panicked"), "{}", self.daemon.log());
    }
}

#[test]
fn a_switch_that_floods_is_slowed_down() {
    // A port (§7.2.1) in a port status (§7.4.3); a packet-in (§7.4.1) without a match.
    let port_status = openflow(kind::PORT_STATUS, 0, &[0; 72]);
    let mut packet_in = [0; 24];
    packet_in[16..20].copy_from_slice(&[0, 1, 0, 4]);
    let packet_in = openflow(kind::PACKET_IN, 0, &[&packet_in[..], &[0; 66]].concat());
    for message in [port_status, packet_in] {
        let scene = Scene::start();
        let hostile = scene.hostile(honest);
        hostile.wait_until_ready(&scene.api);
        let name = hostile.switch.name();
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let flooding = thread::spawn(move || {
            let many = message.repeat(1_000);
            while !is_over.load(Ordering::Relaxed) {
                hostile.switch.send(&many);
            }
        });
        let what = "more than 10000 messages a second that nobody asked for";
        scene.assert_contained(&name, ("openflow", "unasked_rate"), what);
        over.store(true, Ordering::Relaxed);
        flooding.join().unwrap();
    }
}

#[test]
fn a_switch_that_answers_with_other_xids_is_hung_up_on() {
    let scene = Scene::start();
    let hostile = scene.hostile(|asked, xid, body| match asked {
        kind::BARRIER_REQUEST => openflow(kind::BARRIER_REPLY, xid.wrapping_add(1), &[]),
        _ => honest(asked, xid, body),
    });
    let name = hostile.switch.name();
    scene.assert_contained(&name, ("openflow", "unasked_reply"), "which asked for nothing");
}

#[test]
fn a_switch_that_answers_what_nobody_asked_is_hung_up_on() {
    let commit = [0x4f, 0x4e, 0x46, 0, 0, 0, 0x08, 0xfc, 0, 0, 0, 1, 0, 5, 0, 3];
    let replies = [
        openflow(kind::BARRIER_REPLY, 77, &[]),
        openflow(kind::MULTIPART_REPLY, 77, &[0, 1, 0, 0, 0, 0, 0, 0]),
        openflow(kind::EXPERIMENTER, 77, &commit),
    ];
    for reply in replies {
        let scene = Scene::start();
        let hostile = scene.hostile(honest);
        hostile.wait_until_ready(&scene.api);
        hostile.switch.send(&reply);
        let name = hostile.switch.name();
        scene.assert_contained(&name, ("openflow", "unasked_reply"), "xid 0x4d");
    }
}

#[test]
fn a_read_back_that_does_not_end_is_given_up() {
    // A flow (§7.3.5.2) without match and instructions, over and over, and more to come.
    let mut flow = [0; 56];
    flow[1] = 56;
    flow[48..52].copy_from_slice(&[0, 1, 0, 4]);
    let part = [&[0, 1, 0, 1, 0, 0, 0, 0][..], &flow.repeat(1_100)].concat();
    let scene = Scene::start();
    let hostile = scene.hostile(move |asked, xid, body| match asked {
        kind::MULTIPART_REQUEST if body[..2] == [0, 1] => {
            openflow(kind::MULTIPART_REPLY, xid, &part).repeat(1_000)
        }
        _ => honest(asked, xid, body),
    });
    let name = hostile.switch.name();
    scene.assert_contained(&name, ("openflow", "read_back"), "more than 1048576 flows");
}

#[test]
fn a_switch_that_stalls_within_a_message_is_hung_up_on() {
    let scene = Scene::start();
    let hostile = scene.hostile(honest);
    hostile.wait_until_ready(&scene.api);
    // Half a port status, and then a byte now and then, so that it is not silent.
    let port_status = openflow(kind::PORT_STATUS, 0, &[0; 72]);
    hostile.switch.send(&port_status[..20]);
    let name = hostile.switch.name();
    let dribbling = thread::spawn(move || {
        for byte in &port_status[20..60] {
            hostile.switch.send(&[*byte]);
            thread::park_timeout(Duration::from_secs(1));
        }
    });
    wait_until("the controller to hang up", Duration::from_secs(50), || {
        scene.daemon.log().contains("breach=\"message_time\"")
    })
    .unwrap();
    scene.assert_contained(&name, ("openflow", "message_time"), "");
    dribbling.join().unwrap();
}

#[test]
fn a_database_of_100_000_rows_is_refused_in_bounded_memory() {
    let scene = Scene::start();
    let memory = || {
        let pid = scene.daemon.pid().unwrap();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
    };
    let before = memory();
    let interface = |number: u128| {
        let row = json!({"initial": {"name": format!("tap{number}"), "ofport": 1}});
        (uuid::Uuid::from_u128(number).to_string(), row)
    };
    let mut rows = root("hostile", &[]);
    rows["Interface"] = Value::Object((1..=100_000).map(interface).collect());
    let hostile = Database::connect_from(&scene.daemon, rows, ELSEWHERE);
    let name = hostile.peer.name();
    hostile.until_closed();
    let grown = memory() - before;
    assert!(grown < 200, "weftd has grown by {grown} MiB");
    scene.assert_contained(&name, ("ovsdb", "replica"), "75000 rows");
}

#[test]
fn a_database_that_changes_all_the_time_is_looked_at_now_and_then() {
    let mut scene = Scene::start();
    let mut hostile = scene.hostile(honest);
    hostile.wait_until_ready(&scene.api);
    let revision = |scene: &Scene| scene.daemon.metric("weft_store_revision").unwrap();
    let before = revision(&scene);
    for number in 0..5_000 {
        let version = format!("3.1.{number}");
        hostile.database.update(&json!({"Open_vSwitch": {uuid(1): {"modify": {
            "ovs_version": version,
        }}}}));
    }
    let at_last = || hostile.record(&scene.api).unwrap().ovs_version == "3.1.4999";
    wait_until("the last to be seen", SOON, at_last).unwrap();
    let commits = revision(&scene) - before;
    assert!(commits < 600.0, "{commits} commits");
    scene.assert_well();
}

#[test]
fn openflow_ports_that_are_none_or_anothers_are_not_used() {
    let mut scene = Scene::start();
    let network = network(&scene.api, "hostile");
    let ports: Vec<_> = (0..4).map(|_| new_port(&scene.api, &network)).collect();
    let numbers = [-1, 7, 7, i64::from(u32::MAX)];
    let interfaces: Vec<_> =
        ports.iter().zip(numbers).map(|(port, number)| (&port.id[..], number)).collect();
    let rows = bridged("hostile", &[("weft-encap-ip", "192.0.2.66")], 66, &interfaces);
    let hostile = Database::connect_from(&scene.daemon, rows, ELSEWHERE);
    let name = hostile.peer.name();
    scene.daemon.wait_for_log(&["WARN", &name, "have OpenFlow port 7: neither counts"]).unwrap();
    let mut numbered = 0;
    for port in &ports {
        let port = scene.api.get_port(pb::GetPortRequest { id: port.id.clone() }).unwrap();
        assert_eq!(port.bound_host, "hostile");
        numbered += usize::from(!port.status_reason.contains("no OpenFlow port"));
    }
    assert_eq!(numbered, 0);
    scene.assert_well();
}

#[test]
fn a_port_that_a_host_pulls_at_stays_where_it_is() {
    let mut scene = Scene::start();
    let port = new_port(&scene.api, &scene.network);
    scene.honest.plug(&port);
    let bound = |scene: &Scene| {
        scene.api.get_port(pb::GetPortRequest { id: port.id.clone() }).unwrap().bound_host
    };
    wait_until("the port at its host", SOON, || bound(&scene) == "honest").unwrap();
    let mut hostile = scene.hostile(honest);
    hostile.wait_until_ready(&scene.api);
    hostile.plug(&port);
    wait_until("the port to follow", SOON, || bound(&scene) == "hostile").unwrap();

    let name = hostile.database.peer.name();
    let warned = |scene: &Scene| {
        let log = scene.daemon.log();
        log.lines().any(|line| line.contains(&name) && line.contains("moved too often"))
    };
    // The difference of a map: what it has already is taken out, else put in.
    let toggle = json!({"Interface": {uuid(76): {"modify": {
        "external_ids": ["map", [["iface-id", port.id]]],
    }}}});
    for _ in 0..20 {
        if warned(&scene) {
            break;
        }
        hostile.database.update(&toggle);
        wait_until("the port to be back", SOON, || bound(&scene) == "honest").unwrap();
        hostile.database.update(&toggle);
        let moved = || bound(&scene) == "hostile" || warned(&scene);
        wait_until("the port to follow, or not", SOON, moved).unwrap();
    }
    assert!(warned(&scene), "{}", scene.daemon.log());
    assert_eq!(bound(&scene), "honest");
    let conflicts = |host: &Host| host.record(&scene.api).unwrap().conflicts;
    let told = conflicts(&hostile);
    let [conflict] = &told[..] else { panic!("one conflict: {told:?}") };
    let stays = "has been moved too often and stays on host honest";
    assert_eq!((conflict.kind(), &conflict.port_id), (Kind::Port, &port.id));
    assert!(conflict.description.contains(stays), "{conflict:?}");
    assert_eq!(conflicts(&scene.honest), []);
    hostile.database.update(&toggle);
    wait_until("no conflict", SOON, || conflicts(&hostile).is_empty()).unwrap();
    scene.assert_contained(&name, ("ovsdb", "port_claim"), "moved too often");
}

#[test]
fn a_port_that_is_requested_on_another_host_is_not_given() {
    let scene = Scene::start();
    let port = pb::Port {
        network_id: scene.network.id.clone(),
        requested_host: "honest".into(),
        ..Default::default()
    };
    let port = scene
        .api
        .create_port(pb::CreatePortRequest { port: Some(port), ..Default::default() })
        .unwrap();
    let mut hostile = scene.hostile(honest);
    hostile.wait_until_ready(&scene.api);
    hostile.plug(&port);
    let name = hostile.database.peer.name();
    let is_shown = || {
        let conflicts = hostile.record(&scene.api).unwrap().conflicts;
        conflicts.iter().any(|conflict| conflict.port_id == port.id)
    };
    wait_until("the conflict to be shown", SOON, is_shown).unwrap();
    let found = scene.api.get_port(pb::GetPortRequest { id: port.id.clone() }).unwrap();
    assert_eq!(found.bound_host, "");
    scene.assert_contained(&name, ("ovsdb", "port_claim"), "is requested on host honest");
}
