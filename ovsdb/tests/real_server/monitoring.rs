//! The replica is what the server has, by each of the three methods.

use std::collections::{BTreeMap, BTreeSet};

use ovsdb::client::Client;
use ovsdb::replica::{Replica, Table};
use ovsdb::schema;
use ovsdb::session::Options;
use serde_json::value::RawValue;

use crate::server::{SCHEMA, Server};
use crate::tap::Tap;
use crate::{connect, next, until};

fn strings<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// A bridge with a tunnel port, a controller and the name of a table.
const SETUP: &[&str] = &[
    "add-br",
    "br-int",
    "--",
    "set",
    "bridge",
    "br-int",
    "fail_mode=secure",
    "protocols=OpenFlow10,OpenFlow13",
    "datapath_type=netdev",
    "other_config:disable-in-band=true",
    "external_ids:a=1",
    "external_ids:b=2",
    "--",
    "add-port",
    "br-int",
    "vxlan0",
    "tag=7",
    "--",
    "set",
    "interface",
    "vxlan0",
    "type=vxlan",
    "options:remote_ip=flow",
    "options:key=flow",
    "ofport_request=100",
    "--",
    "set-controller",
    "br-int",
    "tcp:192.0.2.1:6633",
    "--",
    "set",
    "controller",
    "br-int",
    "inactivity_probe=5000",
    "--",
    "--id=@table",
    "create",
    "flow_table",
    "name=classify",
    "--",
    "set",
    "bridge",
    "br-int",
    "flow_tables:0=@table",
    "--",
    "set-manager",
    "punix:/nowhere/else",
    "--",
    "set",
    "open_vswitch",
    ".",
    "external_ids:system-id=host-1",
    "next_cfg=3",
];

fn check_setup(replica: &Replica) {
    let (_, root) = replica.root().expect("the root row");
    assert_eq!(root.external_ids, strings([("system-id", "host-1")]));
    assert_eq!((root.next_cfg, root.cur_cfg), (3, 0));
    assert_eq!(root.ovs_version, None);

    let (uuid, bridge) = replica.bridge_by_name("br-int").expect("the bridge");
    assert_eq!(root.bridges, BTreeSet::from([uuid]));
    assert_eq!(bridge.fail_mode.as_deref(), Some("secure"));
    assert_eq!(bridge.datapath_type, "netdev");
    assert_eq!(bridge.protocols, ["OpenFlow10", "OpenFlow13"].map(str::to_owned).into());
    assert_eq!(bridge.other_config, strings([("disable-in-band", "true")]));
    assert_eq!(bridge.external_ids, strings([("a", "1"), ("b", "2")]));

    let (_, port) = replica.port_by_name("vxlan0").expect("the port");
    assert_eq!(port.tag, Some(7));
    let (_, interface) = replica.interfaces_of(port).next().expect("its interface");
    assert_eq!((interface.name.as_str(), interface.kind.as_str()), ("vxlan0", "vxlan"));
    assert_eq!(interface.options, strings([("remote_ip", "flow"), ("key", "flow")]));
    assert_eq!((interface.ofport_request, interface.ofport), (Some(100), None));
    assert_eq!(replica.ports_of(bridge).count(), 2);
    assert_eq!(replica.interfaces_on(bridge).count(), 2);

    let (_, controller) = replica.controllers_of(bridge).next().expect("the controller");
    assert_eq!(controller.target, "tcp:192.0.2.1:6633");
    assert_eq!(controller.inactivity_probe, Some(5000));
    assert!(!controller.is_connected);
    let table = replica.flow_tables.get(bridge.flow_tables[&0]).expect("the table");
    assert_eq!(table.name.as_deref(), Some("classify"));
    let (uuid, manager) = replica.managers.iter().next().expect("the manager");
    assert_eq!(manager.target, "punix:/nowhere/else");
    assert_eq!(root.manager_options, BTreeSet::from([uuid]));
}

/// The columns known to the replica must be those of the schema that is installed, by name and
/// type; none may be left out but what came with later versions of Open vSwitch.
#[test]
fn the_installed_schema_has_every_column() {
    let schema = std::fs::read_to_string(SCHEMA).unwrap();
    let schema = RawValue::from_string(schema).unwrap();
    let wanted: Vec<_> = Table::ALL.iter().map(|table| (table.name(), table.columns())).collect();
    let selected = schema::select(&schema, &wanted).unwrap();
    for (table, columns) in wanted {
        let later = |name: &str| (table, name) == ("CT_Zone", "limit");
        let columns: Vec<_> = columns.iter().map(|column| column.name).collect();
        let missing = columns.iter().filter(|name| !selected[table].contains(name));
        assert!(missing.copied().all(later), "{table}: {:?} of {columns:?}", selected[table]);
    }
}

#[tokio::test]
async fn the_initial_replica_is_complete() {
    let server = Server::start();
    server.vsctl(SETUP);
    let (client, _updates) = connect(&server).await;
    check_setup(&client.replica().unwrap());
}

#[tokio::test]
async fn every_method_leads_to_the_same_replica() {
    let server = Server::start();
    let methods: [&[&str]; 3] =
        [&[], &["monitor_cond_since"], &["monitor_cond_since", "monitor_cond"]];
    let mut clients = Vec::new();
    for garbled in methods {
        let stream = tokio::net::UnixStream::connect(server.socket()).await.unwrap();
        let (stream, record) = Tap::new(stream, garbled);
        let (client, mut updates) = Client::connect(stream, Options::default());
        assert!(next(&mut updates).await.is_initial);
        clients.push((client, updates, record));
    }
    // Inserted while watched, then changed in every way that a set, a map and a value can change.
    server.vsctl(SETUP);
    server.vsctl(&[
        "remove",
        "bridge",
        "br-int",
        "external_ids",
        "a",
        "--",
        "set",
        "bridge",
        "br-int",
        "external_ids:b=3",
        "external_ids:c=4",
        "protocols=OpenFlow13,OpenFlow14",
        "datapath_type=system",
        "--",
        "clear",
        "bridge",
        "br-int",
        "fail_mode",
        "--",
        "del-port",
        "vxlan0",
        "--",
        "add-port",
        "br-int",
        "p1",
        "--",
        "set",
        "open_vswitch",
        ".",
        "external_ids:done=1",
    ]);
    let mut replicas = Vec::new();
    for (_client, updates, _record) in &mut clients {
        let update = until(updates, "the last change", |update| {
            let root = update.replica.root();
            root.is_some_and(|(_, root)| root.external_ids.contains_key("done"))
        });
        replicas.push(update.await.replica);
    }
    let fresh = connect(&server).await.0.replica().unwrap();
    for (method, replica) in ["update3", "update2", "update"].into_iter().zip(&replicas) {
        assert_eq!(replica, &fresh, "{method}");
    }
    for ((_, _, record), method) in clients.iter_mut().zip(["update3", "update2", "update"]) {
        record.received(&format!("\"{method}\""), 1).await;
    }

    let (_, bridge) = fresh.bridge_by_name("br-int").unwrap();
    assert_eq!(bridge.external_ids, strings([("b", "3"), ("c", "4")]));
    assert_eq!(bridge.protocols, ["OpenFlow13", "OpenFlow14"].map(str::to_owned).into());
    assert_eq!((bridge.fail_mode.as_deref(), bridge.datapath_type.as_str()), (None, "system"));
    assert!(fresh.port_by_name("vxlan0").is_none());
    assert!(fresh.interface_by_name("p1").is_some());
}

#[tokio::test]
async fn changes_name_the_rows_that_changed() {
    let server = Server::start();
    server.vsctl(SETUP);
    let (client, mut updates) = connect(&server).await;
    let before = client.replica().unwrap();

    server.vsctl(&["set", "interface", "vxlan0", "external_ids:iface-id=x"]);
    let update = next(&mut updates).await;
    assert!(!update.is_initial);
    let (uuid, interface) = update.replica.interface_by_name("vxlan0").unwrap();
    assert_eq!(interface.external_ids, strings([("iface-id", "x")]));
    assert_eq!(update.changes.len(), 1);
    assert!(update.changes.contains(Table::Interface, uuid));
    // What was handed out before does not change.
    assert!(before.interface_by_name("vxlan0").unwrap().1.external_ids.is_empty());

    server.vsctl(&["del-br", "br-int"]);
    let update = next(&mut updates).await;
    assert_eq!(update.changes.of(Table::Bridge).count(), 1);
    assert_eq!(update.changes.of(Table::Port).count(), 2);
    assert_eq!(update.changes.of(Table::Controller).count(), 1);
    assert!(update.replica.bridges.is_empty() && update.replica.interfaces.is_empty());
}

/// A consumer that does not look gets the latest state in one update, and nothing piles up.
#[tokio::test]
async fn updates_that_were_not_looked_at_become_one() {
    let server = Server::start();
    let (client, mut updates) = connect(&server).await;
    for number in 0..5 {
        server.vsctl(&["set", "open_vswitch", ".", &format!("external_ids:k{number}=v")]);
    }
    let (_other_client, mut other) = connect(&server).await;
    server.vsctl(&["set", "open_vswitch", ".", "external_ids:last=v"]);
    until(&mut other, "the last change", |update| {
        update.replica.root().unwrap().1.external_ids.contains_key("last")
    })
    .await;
    // The server has told `other`, but maybe not yet `client`.
    let transaction = ovsdb::transact::Comment("after the last change".to_owned());
    client.transact(transaction).await.unwrap();
    let update = next(&mut updates).await;
    assert_eq!(update.replica.root().unwrap().1.external_ids.len(), 6);
    assert_eq!(update.changes.len(), 1);
}

#[tokio::test]
async fn ten_thousand_interfaces() {
    const COUNT: usize = 10_000;
    let server = Server::start();
    server.vsctl(&["add-br", "br-int"]);
    let (client, _updates) = connect(&server).await;
    let (bridge, _) = client
        .replica()
        .unwrap()
        .bridge_by_name("br-int")
        .map(|(uuid, bridge)| (uuid, bridge.clone()))
        .unwrap();

    let mut transaction = ovsdb::transact::Transaction::new();
    let mut ports = Vec::with_capacity(COUNT);
    for number in 0..COUNT {
        use ovsdb::transact::Insert;
        let name = format!("tap{number}");
        let ids = strings([("iface-id", &name), ("attached-mac", "fa:16:3e:00:00:01")]);
        let interface = Insert::into(Table::Interface).set("name", &*name).set("external_ids", ids);
        let interface = transaction.insert(interface);
        let port = Insert::into(Table::Port).set("name", name).set("interfaces", interface);
        ports.push(transaction.insert(port));
    }
    transaction.push(
        ovsdb::transact::Mutate::table(Table::Bridge)
            .filter(ovsdb::transact::Condition::uuid(bridge))
            .insert("ports", ovsdb::value::Datum::set(ports)),
    );
    client.transact(transaction).await.unwrap();
    let followed = client.replica().unwrap();
    assert_eq!(followed.interfaces.len(), COUNT + 1);

    let loaded = connect(&server).await.0.replica().unwrap();
    assert_eq!(loaded, followed);
    let (_, bridge) = loaded.bridge_by_name("br-int").unwrap();
    assert_eq!(loaded.interfaces_on(bridge).count(), COUNT + 1);
}
