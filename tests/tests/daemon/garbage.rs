//! What no honest switch or OVSDB server would send: the connection is closed, the log says why,
//! and everything else goes on.

use std::thread;
use std::time::Duration;

use lab::wait_until;
use proto::v1 as pb;
use serde_json::{Value, json};
use tests::Daemon;

use crate::peers::{Database, Peer, Switch, kind, openflow, root, schema, uuid};

/// How long a change may take from a host's database to the API.
const REPORT: Duration = Duration::from_secs(5);

/// A controller with an honest peer of either kind.
struct Surroundings {
    daemon: Daemon,
    switch: Switch,
    database: Database,
}

impl Surroundings {
    fn start() -> Self {
        let daemon = Daemon::start(&[]).unwrap();
        let switch = Switch::connect(&daemon, 0xab);
        let database = Database::connect(&daemon, root("honest", &[]));
        let surroundings = Self { daemon, switch, database };
        surroundings.wait_for_tunnel_ip("");
        surroundings
    }

    /// Claims that the controller hangs up on this peer, for a reason with these words; returns
    /// what the peer got before.
    #[track_caller]
    fn assert_closed(&mut self, peer: Peer, reason: &str) -> Vec<u8> {
        let name = peer.name();
        let received = peer.until_closed();
        self.assert_logged(&name, reason);
        received
    }

    /// Claims the same of an OVSDB server that goes on answering until then.
    #[track_caller]
    fn assert_refused(&mut self, database: Database, reason: &str) {
        let name = database.peer.name();
        database.until_closed();
        self.assert_logged(&name, reason);
    }

    #[track_caller]
    fn assert_logged(&mut self, name: &str, reason: &str) {
        let line = self.daemon.wait_for_log(&[name, "session ended", "reason="]).unwrap();
        assert!(line.contains(reason), "{line}\nshould say {reason:?}");
        self.switch.assert_answered();
        self.database.assert_answered();
    }

    /// Claims that nothing has suffered: the honest peers, and what comes from them.
    fn assert_unharmed(mut self) {
        self.switch.assert_answered();
        let change = json!({"Open_vSwitch": {uuid(1): {"modify": {
            "external_ids": ["map", [["weft-encap-ip", "192.0.2.77"]]],
        }}}});
        self.database.update(&change);
        self.wait_for_tunnel_ip("192.0.2.77");
        assert!(self.daemon.is_running());
        assert!(!self.daemon.log().contains("panicked"), "{}", self.daemon.log());
        assert!(self.daemon.stop().unwrap().success());
    }

    fn wait_for_tunnel_ip(&self, tunnel_ip: &str) {
        let api = self.daemon.api().unwrap();
        let system_id = "honest".to_owned();
        let request = pb::ListHostsRequest { system_id, ..Default::default() };
        let is_there = || {
            let hosts = api.list_hosts(request.clone()).unwrap().hosts;
            hosts.iter().any(|host| host.tunnel_ip == tunnel_ip)
        };
        wait_until("the honest host's record", REPORT, is_there).unwrap();
    }
}

/// Bytes that look random and are the same in every run (xorshift64).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn nonsense_from_a_switch_ends_its_connection_alone() {
    let mut around = Surroundings::start();
    let hello = openflow(kind::HELLO, 1, &[]);
    let mut refuse = |bytes: &[u8], reason: &str| {
        let mut peer = Peer::connect(&around.daemon, "OpenFlow");
        peer.send(bytes);
        around.assert_closed(peer, reason)
    };

    // More than the longest message, so that whatever length it seems to have is there.
    for seed in 1..=5 {
        refuse(&noise(seed, 70_000), "reason=");
    }
    // Its length would be 0x5420.
    refuse(&[b"GET / HTTP/1.1\r\n".repeat(2_000)].concat(), "version is 71, wanted 4");
    refuse(&[4, kind::HELLO, 0, 7, 0, 0, 0, 1], "a message of type 0 claims 7 bytes");
    let early = openflow(kind::ECHO_REQUEST, 1, &[]);
    refuse(&early, "the peer began with a message of type 2, wanted a hello");

    // OpenFlow 1.0, and a bitmap (type 1, 8 bytes) of OpenFlow 1.0 to 1.2 and 1.4.
    let answer = refuse(&[1, kind::HELLO, 0, 8, 0, 0, 0, 1], "version 0x01, bitmap none");
    assert_is_incompatible(&answer);
    let bitmap = openflow(kind::HELLO, 1, &[0, 1, 0, 8, 0, 0, 0, 0b10_1110]);
    assert_is_incompatible(&refuse(&bitmap, "version 0x04, bitmap 0x2e"));

    let then = |message: &[u8]| [&hello[..], message].concat();
    let refused = openflow(kind::ERROR, 1, &[&[0, 1, 0, 0][..], b"not you"].concat());
    refuse(&then(&refused), "the peer refused the handshake");
    let short = openflow(kind::FEATURES_REPLY, 0x8000_0000, &[0; 3]);
    refuse(&then(&short), "message type 6");
    around.assert_unharmed();
}

/// The controller's last message is an error: hello failed, incompatible (§7.4.4.1 of OpenFlow
/// 1.3.5).
#[track_caller]
fn assert_is_incompatible(answer: &[u8]) {
    let hello = usize::from(u16::from_be_bytes([answer[2], answer[3]]));
    let error = &answer[hello..];
    assert_eq!(error[..2], [4, kind::ERROR], "{answer:?}");
    assert_eq!(error[8..12], [0, 0, 0, 0], "{answer:?}");
}

#[test]
fn nonsense_after_the_handshake_ends_a_switchs_connection_alone() {
    let mut around = Surroundings::start();
    let mut refuse = |bytes: &[u8], reason: &str| {
        let mut switch = Switch::connect(&around.daemon, 0xcd);
        switch.assert_answered();
        switch.peer.send(bytes);
        around.assert_closed(switch.peer, reason);
    };
    for seed in 11..=15 {
        refuse(&noise(seed, 70_000), "reason=");
    }
    // A port status that ends in the middle of its port (§7.4.3).
    refuse(&openflow(kind::PORT_STATUS, 1, &[0; 30]), "message type 12, xid 0x1");
    refuse(&[4, kind::PORT_STATUS, 0, 3, 0, 0, 0, 1], "a message of type 12 claims 3 bytes");
    let mut other_version = openflow(kind::PORT_STATUS, 1, &[0; 72]);
    other_version[0] = 1;
    refuse(&other_version, "reason=");
    around.assert_unharmed();
}

#[test]
fn a_switch_that_does_not_read_is_given_up() {
    let mut around = Surroundings::start();
    let mut switch = Switch::connect(&around.daemon, 0xcd);
    // Each wants an answer of its own length; nobody takes the answers.
    let echo = openflow(kind::ECHO_REQUEST, 1, &[0; 60_000]);
    (0..3_000).for_each(|_| switch.peer.send(&echo));
    around.assert_closed(switch.peer, "bytes of answers to echo requests left unread");
    around.assert_unharmed();
}

#[test]
fn half_a_message_and_then_silence_ends_the_connection() {
    let mut around = Surroundings::start();
    let half = |what: &str, bytes: &[u8]| {
        let mut peer = Peer::connect(&around.daemon, what);
        peer.send(bytes);
        peer
    };
    let handshake = "the handshake was not done within 10s";
    let cases = [
        (half("OpenFlow", b""), handshake),
        (half("OpenFlow", &[4, kind::HELLO, 0]), handshake),
        // The longest message that can be claimed.
        (half("OpenFlow", &[4, kind::HELLO, 0xff, 0xff, 0, 0, 0, 1]), handshake),
        (half("OVSDB", b""), "10s"),
        (half("OVSDB", br#"{"id":0,"error":null,"result":{"name":"Open"#), "10s"),
    ];
    // The honest have something to say now and then; they do not suffer by the wait.
    let waiting = cases.map(|(peer, reason)| {
        let name = peer.name();
        (thread::spawn(move || peer.until_closed()), name, reason)
    });
    while waiting.iter().any(|(thread, ..)| !thread.is_finished()) {
        around.switch.assert_answered();
        around.database.assert_answered();
        thread::sleep(Duration::from_millis(200));
    }
    for (thread, name, reason) in waiting {
        thread.join().unwrap();
        around.assert_logged(&name, reason);
    }
    around.assert_unharmed();
}

#[test]
fn nonsense_from_an_ovsdb_server_ends_its_connection_alone() {
    let mut around = Surroundings::start();
    let mut refuse = |bytes: &[u8], reason: &str| {
        let mut peer = Peer::connect(&around.daemon, "OVSDB");
        peer.send(bytes);
        around.assert_closed(peer, reason);
    };
    for seed in 21..=25 {
        refuse(&noise(seed, 10_000), "expected a JSON object");
    }
    refuse(&openflow(kind::HELLO, 1, &[]), "begins with byte 0x04");
    refuse(br#"{"id":0,"result":}"#, "reason=");
    refuse(b"{}", "reason=");
    refuse(br#"{"id":0,"method":5,"params":[]}"#, "reason=");
    refuse(br#"{"id":0,"method":"echo"}"#, "reason=");
    refuse(b"{\"id\":\"\xff\xfe\",\"method\":\"echo\",\"params\":[]}", "reason=");
    refuse(br#"{"id":99,"result":[],"error":null}"#, "99");
    let deep = format!("{{\"id\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    refuse(deep.as_bytes(), "nested more than 64 deep");
    let huge = vec![b' '; 32 << 20];
    refuse(&[b"{\"id\":\"", &huge[..], b"\"}"].concat(), "message of more than 33554432 bytes");
    around.assert_unharmed();
}

#[test]
fn a_database_that_is_none_of_open_vswitchs_is_refused() {
    let mut around = Surroundings::start();
    let mut refuse = |schema: Value, reason: &str| {
        let database = Database::answering(&around.daemon, move |_, _| schema.clone());
        around.assert_refused(database, reason);
    };
    refuse(json!(5), "malformed schema");
    let mut other = schema();
    other["name"] = json!("hardware_vtep");
    refuse(other, r#"schema of database "hardware_vtep", expected Open_vSwitch"#);
    let mut lacking = schema();
    lacking["tables"]["Interface"]["columns"].as_object_mut().unwrap().remove("name");
    refuse(lacking, "no column Interface.name");
    let mut odd = schema();
    odd["tables"]["Bridge"]["columns"]["ports"]["type"] = json!("integer");
    refuse(odd, "column Bridge.ports: expected set of uuid");
    around.assert_unharmed();
}

#[test]
fn malformed_rows_end_a_hosts_connection_and_change_nothing() {
    let mut around = Surroundings::start();
    let row = |table: &str, uuid: &str, change: Value| json!({table: {uuid: change}});
    let one = uuid(1);
    let cases = [
        (json!([]), "reason="),
        (json!({"Open_vSwitch": 5}), "reason="),
        (row("Toaster", &one, json!({"initial": {}})), "Toaster"),
        (row("Open_vSwitch", "one", json!({"initial": {}})), r#""one""#),
        (row("Open_vSwitch", &one, json!({"appeared": {}})), "Open_vSwitch"),
        (row("Open_vSwitch", &one, json!({"initial": {"external_ids": 5}})), "external_ids"),
        (
            row("Open_vSwitch", &one, json!({"initial": {"external_ids": ["map", [["a"]]]}})),
            "external_ids",
        ),
        (row("Open_vSwitch", &one, json!({"initial": {"bridges": ["set", ["br0"]]}})), "bridges"),
        (row("Interface", &one, json!({"initial": {"ofport": "three"}})), "ofport"),
        (row("Interface", &one, json!({"modify": {"ofport": 3}})), "does not exist"),
        (row("Interface", &one, json!({"delete": null})), "does not exist"),
    ];
    for (rows, reason) in &cases {
        // At first sight, and as a change of a host that is known by then.
        let database = Database::connect(&around.daemon, rows.clone());
        around.assert_refused(database, reason);
        let mut database = Database::connect(&around.daemon, root("honest-once", &[]));
        let connected = "system_id=\"honest-once\"";
        around.daemon.wait_for_log(&[&database.peer.name(), "host connected", connected]).unwrap();
        // The first row exists now.
        let rows = rows.to_string().replace(&one, &uuid(9));
        database.update(&serde_json::from_str(&rows).unwrap());
        around.assert_refused(database, reason);
    }
    let hosts = around.daemon.api().unwrap().list_hosts(Default::default()).unwrap().hosts;
    let mut known: Vec<_> = hosts.iter().map(|host| &host.system_id[..]).collect();
    known.sort_unstable();
    assert_eq!(known, ["honest", "honest-once"]);
    around.assert_unharmed();
}

#[test]
fn what_a_host_says_that_makes_no_sense_is_logged_and_the_host_stays() {
    let mut around = Surroundings::start();
    let said =
        [("weft-encap-ip", "10.0.0.300"), ("weft-bridge-mappings", "external,a:br-a,b:br-a")];
    let mut odd = Database::connect(&around.daemon, root("odd", &said));
    for problem in [
        "weft-encap-ip is \"10.0.0.300\": expected an IP address",
        "weft-bridge-mappings has \"external\": expected physical-network:bridge",
        "weft-bridge-mappings maps br-a twice: b is ignored",
        "physical network a needs bridge br-a, which does not exist",
    ] {
        around.daemon.wait_for_log(&["WARN", "system_id=\"odd\"", problem]).unwrap();
    }
    odd.assert_answered();
    let nameless = json!({"Open_vSwitch": {uuid(1): {"initial": {}}}});
    let mut nameless = Database::connect(&around.daemon, nameless);
    let reason = "external_ids:system-id is not set";
    around.daemon.wait_for_log(&[&nameless.peer.name(), reason]).unwrap();
    nameless.assert_answered();
    around.database.assert_answered();
    around.assert_unharmed();
}
