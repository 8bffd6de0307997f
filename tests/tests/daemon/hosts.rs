//! Whole hosts made of sockets: a database with `br-int`, and a switch that takes what it is told.

use std::io::{BufReader, Read};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use lab::wait_until;
use proto::v1 as pb;
use proto::v1::host::State;
use proto::v1::port::Status;
use serde_json::json;
use tests::{Api, Daemon};

use crate::peers::{Database, Peer, Switch, bridged, kind, openflow, uuid};

/// How long a host may take to be ready, or a port to be active.
const SOON: Duration = Duration::from_secs(60);

/// A switch that answers by itself, and that a test can let say more.
#[derive(Clone, Debug)]
pub(crate) struct Answering {
    output: Arc<Mutex<Peer>>,
}

impl Answering {
    /// Answers each message, by its type, xid and body, with what `answer` makes of it.
    pub(crate) fn new(
        switch: Switch,
        mut answer: impl FnMut(u8, u32, &[u8]) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let mut input = BufReader::new(switch.peer.stream.try_clone().unwrap());
        input.get_ref().set_read_timeout(None).unwrap();
        let output = Arc::new(Mutex::new(switch.peer));
        let answering = Self { output };
        let own = answering.clone();
        thread::spawn(move || {
            let mut header = [0; 8];
            // Ends with the connection, on whichever side that ends.
            while input.read_exact(&mut header).is_ok() {
                let [_, kind, high, low, xid @ ..] = header;
                let mut body = vec![0; usize::from(u16::from_be_bytes([high, low])) - 8];
                if input.read_exact(&mut body).is_err() {
                    return;
                }
                let answer = answer(kind, u32::from_be_bytes(xid), &body);
                if !answer.is_empty() {
                    own.send(&answer);
                }
            }
        });
        answering
    }

    /// Sends this, between two answers.
    pub(crate) fn send(&self, bytes: &[u8]) {
        self.output.lock().unwrap().send(bytes);
    }

    /// What the controller's log calls this connection.
    pub(crate) fn name(&self) -> String {
        self.output.lock().unwrap().name()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        // The thread has one, too; the last of the others ends it.
        if Arc::strong_count(&self.output) <= 2 {
            self.output.lock().unwrap().hang_up();
        }
    }
}

/// What an honest switch says to a request: it takes everything, and has nothing.
pub(crate) fn honest(asked: u8, xid: u32, body: &[u8]) -> Vec<u8> {
    match asked {
        kind::ECHO_REQUEST => openflow(kind::ECHO_REPLY, xid, body),
        kind::BARRIER_REQUEST => openflow(kind::BARRIER_REPLY, xid, &[]),
        // Fragments as they should be, whole packets to the controller.
        kind::GET_CONFIG_REQUEST => openflow(kind::GET_CONFIG_REPLY, xid, &[0, 3, 0xff, 0xff]),
        kind::MULTIPART_REQUEST => {
            let part = [&body[..2], &[0; 6]].concat();
            // An extension's begins with which one it is.
            let is_extension = body[..2] == [0xff, 0xff];
            let part = if is_extension { [&part, &body[8..16]].concat() } else { part };
            openflow(kind::MULTIPART_REPLY, xid, &part)
        }
        // Bundles of the ONF (extension 230): every control has its reply, one number further.
        kind::EXPERIMENTER if body[..8] == [0x4f, 0x4e, 0x46, 0, 0, 0, 0x08, 0xfc] => {
            let mut reply = body.to_vec();
            reply[13] += 1;
            openflow(kind::EXPERIMENTER, xid, &reply)
        }
        _ => vec![],
    }
}

/// A host.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) system_id: &'static str,
    pub(crate) database: Database,
    pub(crate) switch: Answering,
    plugged: u8,
}

impl Host {
    /// Comes from `source`, with a switch that answers as `answer` says.
    pub(crate) fn join(
        daemon: &Daemon,
        (system_id, datapath_id): (&'static str, u64),
        source: Ipv4Addr,
        answer: impl FnMut(u8, u32, &[u8]) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let tunnel_ip = format!("192.0.2.{datapath_id}");
        let rows = bridged(system_id, &[("weft-encap-ip", &tunnel_ip)], datapath_id, &[]);
        let database = Database::connect_from(daemon, rows, source);
        let switch = Switch::connect_from(daemon, datapath_id, source);
        Self { system_id, database, switch: Answering::new(switch, answer), plugged: 0 }
    }

    /// Its record in the API.
    pub(crate) fn record(&self, api: &Api) -> Option<pb::Host> {
        let system_id = self.system_id.into();
        let request = pb::ListHostsRequest { system_id, ..Default::default() };
        api.list_hosts(request).unwrap().hosts.pop()
    }

    /// Waits until the controller has brought it to what it should have.
    #[track_caller]
    pub(crate) fn wait_until_ready(&self, api: &Api) {
        let is_ready = || self.record(api).is_some_and(|host| host.state() == State::Ready);
        wait_until(&format!("{} to be ready", self.system_id), SOON, is_ready).unwrap();
    }

    /// Has an interface more, for this port.
    pub(crate) fn plug(&mut self, port: &pb::Port) {
        self.plugged += 1;
        let number = self.plugged;
        let set = |uuid: String| json!(["set", [["uuid", uuid]]]);
        let name = format!("new{number}");
        self.database.update(&json!({
            "Bridge": {uuid(2): {"modify": {"ports": set(uuid(50 + number))}}},
            "Port": {uuid(50 + number): {"insert": {
                "name": name, "interfaces": set(uuid(75 + number)),
            }}},
            "Interface": {uuid(75 + number): {"insert": {
                "name": name,
                "ofport": number,
                "external_ids": ["map", [["iface-id", port.id]]],
            }}},
        }));
    }

    /// Claims that the host is well: it is ready, and a new port on it comes to work.
    #[track_caller]
    pub(crate) fn assert_well(&mut self, api: &Api, network: &pb::Network) {
        self.wait_until_ready(api);
        let port = new_port(api, network);
        self.plug(&port);
        let mut found = String::new();
        let active = wait_until("a new port to be active", SOON, || {
            let port = api.get_port(pb::GetPortRequest { id: port.id.clone() }).unwrap();
            found = format!("{:?} {}", port.status(), port.status_reason);
            port.status() == Status::Active
        });
        assert!(active.is_ok(), "{found}");
    }
}

/// A VXLAN network of a project of its own.
pub(crate) fn network(api: &Api, name: &str) -> pb::Network {
    let project = pb::Project { name: name.into(), ..Default::default() };
    let project = api.create_project(pb::CreateProjectRequest { project: Some(project) }).unwrap();
    let network = pb::Network {
        name: name.into(),
        project_id: project.id,
        r#type: pb::network::Type::Vxlan.into(),
        ..Default::default()
    };
    api.create_network(pb::CreateNetworkRequest { network: Some(network) }).unwrap()
}

/// A port on that network, plugged nowhere.
pub(crate) fn new_port(api: &Api, network: &pb::Network) -> pb::Port {
    let port = pb::Port { network_id: network.id.clone(), ..Default::default() };
    api.create_port(pb::CreatePortRequest { port: Some(port), ..Default::default() }).unwrap()
}
