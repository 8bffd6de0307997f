//! A simulated ovsdb-server: the database of a host that the controller has made its own already.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::BytesMut;
use ovsdb::jsonrpc::{Framer, Message, notification, reply, reply_error};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use topology::model::PortId;
use topology::pipeline::Table;
use uuid::Uuid;

/// How long the controller may be silent at first: as long as ovsdb-server's probe takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// The schema, as the distribution's package has it.
pub(crate) const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// A host's database.
#[derive(Debug)]
pub(crate) struct Database {
    host: usize,
    datapath_id: u64,
    /// Interfaces with an `iface-id`, and their OpenFlow ports.
    plugged: BTreeMap<PortId, u32>,
    /// Takes what is to be told to whoever monitors.
    monitor: Option<mpsc::UnboundedSender<Value>>,
}

impl Database {
    pub(crate) fn new(host: usize, datapath_id: u64, plugged: BTreeMap<PortId, u32>) -> Self {
        Self { host, datapath_id, plugged, monitor: None }
    }

    /// An interface appears, with its OpenFlow port.
    pub(crate) fn plug(&mut self, port: PortId, number: u32) {
        self.plugged.insert(port, number);
        self.tell(json!({
            "Bridge": { id(BRIDGE): { "modify": { "ports": uuid(port_row(port)) } } },
            "Port": { id(port_row(port)): { "insert": port_columns(port) } },
            "Interface": { id(port.0): { "insert": interface_columns(port, number) } },
        }));
    }

    /// An interface goes.
    pub(crate) fn unplug(&mut self, port: PortId) {
        if self.plugged.remove(&port).is_none() {
            return;
        }
        self.tell(json!({
            "Bridge": { id(BRIDGE): { "modify": { "ports": uuid(port_row(port)) } } },
            "Port": { id(port_row(port)): { "delete": null } },
            "Interface": { id(port.0): { "delete": null } },
        }));
    }

    fn tell(&self, tables: Value) {
        // Who is not connected gets everything when it connects.
        let _ = self.monitor.as_ref().map(|monitor| monitor.send(tables));
    }

    /// Speaks to the controller until the connection ends. `openflow` is where it serves switches.
    pub(crate) async fn serve(
        database: &RefCell<Self>,
        stream: TcpStream,
        schema: &RawValue,
        openflow: SocketAddr,
    ) -> Result<()> {
        let (mut reader, mut writer) = stream.into_split();
        let (monitor, mut updates) = mpsc::unbounded_channel();
        let mut framer = Framer::new(1 << 20);
        let mut input = BytesMut::with_capacity(4 << 10);
        let (connected, mut is_heard) = (Instant::now(), false);
        loop {
            tokio::select! {
                () = sleep_until(connected + PATIENCE), if !is_heard => return Ok(()),
                read = reader.read_buf(&mut input) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    is_heard = true;
                    let mut rest = &input[..];
                    while let Some(text) = framer.next(&mut rest)? {
                        let Message::Request { id, method, params } = Message::parse(&text)? else {
                            continue;
                        };
                        let answer = match &*method {
                            "get_schema" => reply(id, schema),
                            "echo" => reply(id, params),
                            "monitor_cond_since" => {
                                let mut database = database.borrow_mut();
                                database.monitor = Some(monitor.clone());
                                let all = json!([false, id_of_transaction(), database.all(openflow)]);
                                reply(id, &to_raw_value(&all)?)
                            }
                            "transact" => {
                                bail!("weftd wants to change a database that it made: {params}");
                            }
                            _ => reply_error(id, "unknown method"),
                        };
                        writer.write_all(&answer).await?;
                    }
                    input.clear();
                }
                Some(tables) = updates.recv() => {
                    let params = json!(["weft", id_of_transaction(), tables]);
                    writer.write_all(&notification("update3", &params)).await?;
                }
            }
        }
    }

    /// All rows.
    fn all(&self, openflow: SocketAddr) -> Value {
        let initial = |columns: Value| json!({ "initial": columns });
        let tables = Table::ALL.into_iter().map(|table| (table.number(), table.name()));
        let tables: Vec<_> = tables.collect();
        let flow_tables =
            tables.iter().map(|(number, _)| json!([number, uuid(table_row(*number))]));
        let mut bridge_ports = vec![uuid(LOCAL), uuid(TUNNEL)];
        let mut ports = Map::new();
        let mut interfaces = Map::new();
        let local_ip = tunnel_ip(self.host);
        let tunnel = [("remote_ip", "flow"), ("key", "flow"), ("local_ip", &*local_ip)];
        for (row, name, kind, options, number) in [
            (LOCAL, "br-int", "internal", map(&[]), 65_534),
            (TUNNEL, "weft-vxlan", "vxlan", map(&tunnel), 1),
        ] {
            let owner = map(&[("owner", "weft")]);
            let port = json!({ "name": name, "interfaces": uuid(row), "external_ids": owner });
            ports.insert(id(row), initial(port));
            let interface = json!({
                "name": name, "type": kind, "options": options, "ofport": number,
                "external_ids": owner,
            });
            interfaces.insert(id(row), initial(interface));
        }
        for (&port, &number) in &self.plugged {
            bridge_ports.push(uuid(port_row(port)));
            ports.insert(id(port_row(port)), initial(port_columns(port)));
            interfaces.insert(id(port.0), initial(interface_columns(port, number)));
        }
        let names = tables.iter().map(|(number, name)| {
            let row = json!({ "name": name, "external_ids": map(&[("owner", "weft")]) });
            (id(table_row(*number)), initial(row))
        });
        json!({
            "Open_vSwitch": { id(ROOT): initial(json!({
                "ovs_version": "3.1.0",
                "external_ids": map(&[
                    ("system-id", &format!("system-{}", self.host)),
                    ("hostname", &name_of(self.host)),
                    ("weft-encap-ip", &local_ip),
                ]),
                "bridges": uuid(BRIDGE),
            })) },
            "Bridge": { id(BRIDGE): initial(json!({
                "name": "br-int",
                "ports": ["set", bridge_ports],
                "controller": uuid(CONTROLLER),
                "fail_mode": "secure",
                "datapath_id": format!("{:016x}", self.datapath_id),
                "protocols": "OpenFlow13",
                "other_config": map(&[("disable-in-band", "true")]),
                "external_ids": map(&[("owner", "weft")]),
                "flow_tables": ["map", flow_tables.collect::<Vec<_>>()],
            })) },
            "Controller": { id(CONTROLLER): initial(json!({
                "target": format!("tcp:{openflow}"),
                "is_connected": true,
                "connection_mode": "out-of-band",
                "inactivity_probe": 5000,
                "max_backoff": 1000,
                "external_ids": map(&[("owner", "weft")]),
            })) },
            "Port": ports,
            "Interface": interfaces,
            "Flow_Table": names.collect::<Map<_, _>>(),
        })
    }
}

/// What the controller calls a host.
pub(crate) fn name_of(host: usize) -> String {
    format!("host-{host}")
}

fn tunnel_ip(host: usize) -> String {
    let [.., high, low] = (1 + host as u32).to_be_bytes();
    Ipv4Addr::new(192, 168, high, low).to_string()
}

fn port_columns(port: PortId) -> Value {
    json!({ "name": name(port), "interfaces": uuid(port.0) })
}

fn interface_columns(port: PortId, number: u32) -> Value {
    let external_ids = map(&[("iface-id", &port.0.to_string())]);
    json!({ "name": name(port), "ofport": number, "external_ids": external_ids })
}

/// As Nova names its interfaces.
fn name(port: PortId) -> String {
    format!("tap{}", &port.0.to_string()[..11])
}

/// The row of a port's interface has the port's own id; this is that of its Port.
fn port_row(port: PortId) -> Uuid {
    Uuid::from_u128(port.0.as_u128() ^ 1 << 127)
}

fn table_row(number: u8) -> Uuid {
    Uuid::from_u128(0x100 + u128::from(number))
}

const ROOT: Uuid = Uuid::from_u128(1);
const BRIDGE: Uuid = Uuid::from_u128(2);
const CONTROLLER: Uuid = Uuid::from_u128(3);
const LOCAL: Uuid = Uuid::from_u128(4);
const TUNNEL: Uuid = Uuid::from_u128(5);

/// A standalone server cannot go on from a transaction.
fn id_of_transaction() -> String {
    id(Uuid::nil())
}

fn id(uuid: Uuid) -> String {
    uuid.as_hyphenated().to_string()
}

fn uuid(uuid: Uuid) -> Value {
    json!(["uuid", id(uuid)])
}

fn map(pairs: &[(&str, &str)]) -> Value {
    json!(["map", pairs])
}

/// The schema's text.
pub(crate) fn schema() -> Result<Box<RawValue>> {
    let text = std::fs::read_to_string(SCHEMA).with_context(|| format!("cannot read {SCHEMA}"))?;
    Ok(RawValue::from_string(text)?)
}
