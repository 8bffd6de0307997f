//! Peers of the controller that do what a test wants, right or wrong, over plain sockets: what
//! is sent here is not what Weft's own codecs would send.

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use serde_json::{Deserializer, Value, json};
use tests::Daemon;
use tokio::net::TcpSocket;
use tokio::runtime::Builder;

/// Where peers are that say nothing else.
pub(crate) const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);

/// The schema of stock Open vSwitch.
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// How long the controller may take to answer or to hang up; longer than its own patience.
const PATIENCE: Duration = Duration::from_secs(60);

/// Message types of OpenFlow 1.3.5 §7.1.
pub(crate) mod kind {
    pub(crate) const HELLO: u8 = 0;
    pub(crate) const ERROR: u8 = 1;
    pub(crate) const ECHO_REQUEST: u8 = 2;
    pub(crate) const ECHO_REPLY: u8 = 3;
    pub(crate) const FEATURES_REQUEST: u8 = 5;
    pub(crate) const FEATURES_REPLY: u8 = 6;
    pub(crate) const EXPERIMENTER: u8 = 4;
    pub(crate) const GET_CONFIG_REQUEST: u8 = 7;
    pub(crate) const GET_CONFIG_REPLY: u8 = 8;
    pub(crate) const PACKET_IN: u8 = 10;
    pub(crate) const PORT_STATUS: u8 = 12;
    pub(crate) const MULTIPART_REQUEST: u8 = 18;
    pub(crate) const MULTIPART_REPLY: u8 = 19;
    pub(crate) const BARRIER_REQUEST: u8 = 20;
    pub(crate) const BARRIER_REPLY: u8 = 21;
}

/// A message of OpenFlow 1.3: the header of §7.1 and `body`.
pub(crate) fn openflow(kind: u8, xid: u32, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + body.len()).expect("the tests' messages are short");
    [&[4, kind][..], &length.to_be_bytes(), &xid.to_be_bytes(), body].concat()
}

/// A connection to one of the controller's listeners.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
}

impl Peer {
    /// Connects to where the controller listens for `what`.
    pub(crate) fn connect(daemon: &Daemon, what: &str) -> Self {
        Self::connect_from(daemon, what, HERE)
    }

    /// As [`connect`](Self::connect), from another of the addresses that loopback has.
    pub(crate) fn connect_from(daemon: &Daemon, what: &str, source: Ipv4Addr) -> Self {
        let listener = daemon.listener(what).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let stream = runtime.block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind((source, 0).into()).unwrap();
            socket.connect(listener).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// What the controller's log calls this connection.
    pub(crate) fn name(&self) -> String {
        format!("peer={}", self.stream.local_addr().unwrap())
    }

    /// Sends all of it, unless the controller hangs up meanwhile.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        match self.stream.write_all(bytes) {
            Ok(()) => {}
            Err(error) if has_hung_up(&error) => {}
            Err(error) => panic!("{} cannot send: {error}", self.name()),
        }
    }

    /// Closes it, whoever else holds it open.
    pub(crate) fn hang_up(&self) {
        // It may have ended already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Everything that comes until the controller hangs up, which it must.
    #[track_caller]
    pub(crate) fn until_closed(mut self) -> Vec<u8> {
        let mut received = Vec::new();
        match self.stream.read_to_end(&mut received) {
            Ok(_) => received,
            Err(error) if has_hung_up(&error) => received,
            Err(error) => panic!("the controller does not hang up on {}: {error}", self.name()),
        }
    }
}

/// Closed with something unread is a reset, and that is a way to hang up, too.
fn has_hung_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

/// A switch without flows: it shakes hands and answers echo requests.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) peer: Peer,
}

impl Switch {
    /// Connects and shakes hands.
    pub(crate) fn connect(daemon: &Daemon, datapath_id: u64) -> Self {
        Self::connect_from(daemon, datapath_id, HERE)
    }

    /// As [`connect`](Self::connect), from another address.
    pub(crate) fn connect_from(daemon: &Daemon, datapath_id: u64, source: Ipv4Addr) -> Self {
        let mut switch = Self { peer: Peer::connect_from(daemon, "OpenFlow", source) };
        switch.peer.send(&openflow(kind::HELLO, 1, &[]));
        let (_, asked) = switch.receive(kind::FEATURES_REQUEST);
        // 254 tables, no buffers, no auxiliary connection: §7.3.1.
        let body = [&datapath_id.to_be_bytes()[..], &[0, 0, 0, 0, 254, 0, 0, 0], &[0; 8]].concat();
        switch.peer.send(&openflow(kind::FEATURES_REPLY, asked, &body));
        switch
    }

    /// Claims that the controller still answers on this connection.
    #[track_caller]
    pub(crate) fn assert_answered(&mut self) {
        self.peer.send(&openflow(kind::ECHO_REQUEST, 7, b"still there"));
        assert_eq!(self.receive(kind::ECHO_REPLY), (b"still there".to_vec(), 7));
    }

    /// The next message of that type: its body and its xid.
    #[track_caller]
    fn receive(&mut self, wanted: u8) -> (Vec<u8>, u32) {
        loop {
            let mut header = [0; 8];
            self.peer.stream.read_exact(&mut header).unwrap();
            let [4, kind, high, low, xid @ ..] = header else { panic!("version {header:?}") };
            let mut body = vec![0; usize::from(u16::from_be_bytes([high, low])) - header.len()];
            self.peer.stream.read_exact(&mut body).unwrap();
            let xid = u32::from_be_bytes(xid);
            match kind {
                kind if kind == wanted => return (body, xid),
                kind::ECHO_REQUEST => self.peer.send(&openflow(kind::ECHO_REPLY, xid, &body)),
                _ => {}
            }
        }
    }
}

/// An OVSDB server with a host's database.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) peer: Peer,
    replies: Receiver<Value>,
    /// What the controller calls its monitor.
    monitor: Arc<OnceLock<Value>>,
}

impl Database {
    /// A server whose database has `rows`, `<table-updates2>` of ovsdb-server(7), and which
    /// carries out nothing.
    pub(crate) fn connect(daemon: &Daemon, rows: Value) -> Self {
        Self::connect_from(daemon, rows, HERE)
    }

    /// As [`connect`](Self::connect), from another address.
    pub(crate) fn connect_from(daemon: &Daemon, rows: Value, source: Ipv4Addr) -> Self {
        Self::serving(Peer::connect_from(daemon, "OVSDB", source), Self::scripted(rows))
    }

    /// What a server answers whose database has `rows`.
    pub(crate) fn scripted(rows: Value) -> impl FnMut(&str, &Value) -> Value + Send + 'static {
        move |method, params| match method {
            "get_schema" => schema(),
            "monitor_cond_since" => json!([false, uuid(0), rows]),
            "echo" => params.clone(),
            "transact" => {
                let operations = params.as_array().map_or(0, |params| params.len() - 1);
                json!(vec![json!({"error": "not supported", "details": "a test"}); operations])
            }
            other => panic!("a client of Open_vSwitch does not ask for {other}"),
        }
    }

    /// A server that answers each request, its method and its parameters, with what `answer`
    /// makes of it.
    pub(crate) fn answering(
        daemon: &Daemon,
        answer: impl FnMut(&str, &Value) -> Value + Send + 'static,
    ) -> Self {
        Self::serving(Peer::connect(daemon, "OVSDB"), answer)
    }

    fn serving(peer: Peer, mut answer: impl FnMut(&str, &Value) -> Value + Send + 'static) -> Self {
        let input = BufReader::new(peer.stream.try_clone().unwrap());
        let mut output = Peer { stream: peer.stream.try_clone().unwrap() };
        let (sender, replies) = channel();
        let monitor = Arc::new(OnceLock::new());
        let asked = Arc::clone(&monitor);
        thread::spawn(move || {
            // Ends with the connection, on whichever side that ends.
            let messages = Deserializer::from_reader(input).into_iter::<Value>();
            for message in messages.map_while(Result::ok) {
                let Some(method) = message["method"].as_str() else {
                    let _ = sender.send(message);
                    continue;
                };
                if method == "monitor_cond_since" {
                    asked.get_or_init(|| message["params"][1].clone());
                }
                let result = answer(method, &message["params"]);
                let reply = json!({"id": message["id"], "result": result, "error": null});
                output.send(reply.to_string().as_bytes());
            }
        });
        Self { peer, replies, monitor }
    }

    /// Tells of a change: `<table-updates2>`. Not before the controller has the first rows.
    pub(crate) fn update(&mut self, rows: &Value) {
        let update = json!({
            "id": null,
            "method": "update3",
            "params": [self.monitor.get().expect("the first reply has come"), uuid(0), rows],
        });
        self.peer.send(update.to_string().as_bytes());
    }

    /// Waits until the controller hangs up, which it must.
    #[track_caller]
    pub(crate) fn until_closed(self) {
        let end = self.replies.recv_timeout(PATIENCE);
        assert_eq!(end, Err(RecvTimeoutError::Disconnected), "{}", self.peer.name());
    }

    /// Claims that the controller still answers on this connection.
    #[track_caller]
    pub(crate) fn assert_answered(&mut self) {
        let echo = json!({"id": "still there", "method": "echo", "params": [1, 2]});
        self.peer.send(echo.to_string().as_bytes());
        let reply = self.replies.recv_timeout(PATIENCE).unwrap();
        assert_eq!(reply, json!({"id": "still there", "result": [1, 2], "error": null}));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Its thread holds the same connection open.
        self.peer.hang_up();
    }
}

/// What a stock server answers to `get_schema`.
pub(crate) fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(SCHEMA).unwrap()).unwrap()
}

/// Rows of a database whose root is of the host `system_id` and has `external_ids` beside that.
pub(crate) fn root(system_id: &str, external_ids: &[(&str, &str)]) -> Value {
    let pairs = [&[("system-id", system_id)], external_ids].concat();
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| json!([key, value])).collect();
    json!({"Open_vSwitch": {uuid(1): {"initial": {"external_ids": ["map", pairs]}}}})
}

/// Rows of such a database that has `br-int`, too, with this datapath id and these interfaces:
/// `(iface-id, ofport)`.
pub(crate) fn bridged(
    system_id: &str,
    external_ids: &[(&str, &str)],
    datapath_id: u64,
    interfaces: &[(&str, i64)],
) -> Value {
    let mut rows = root(system_id, external_ids);
    let set = |uuids: Vec<String>| {
        json!(["set", uuids.iter().map(|uuid| json!(["uuid", uuid])).collect::<Vec<_>>()])
    };
    let numbered = || (0u8..).zip(interfaces);
    let ports = numbered().map(|(number, _)| uuid(100 + number)).collect();
    rows["Open_vSwitch"][uuid(1)]["initial"]["bridges"] = set(vec![uuid(2)]);
    rows["Bridge"] = json!({uuid(2): {"initial": {
        "name": "br-int",
        "datapath_id": format!("{datapath_id:016x}"),
        "ports": set(ports),
    }}});
    for (number, (iface_id, ofport)) in numbered() {
        let name = format!("tap{number}");
        rows["Port"][uuid(100 + number)] =
            json!({"initial": {"name": name, "interfaces": set(vec![uuid(200 + number)])}});
        rows["Interface"][uuid(200 + number)] = json!({"initial": {
            "name": name,
            "ofport": ofport,
            "external_ids": ["map", [["iface-id", iface_id]]],
        }});
    }
    rows
}

/// A row's UUID.
pub(crate) fn uuid(number: u8) -> String {
    uuid::Uuid::from_u128(number.into()).to_string()
}
