//! What Weft writes into a host's database: br-int, its controller, tunnel and patch ports, the
//! tables' names, and limits of conntrack zones.
//!
//! [`onboard`] compares what is there with what should be, and answers the transaction that makes
//! up the difference: run again after it, it answers nothing. It changes rows that Weft made
//! (`external_ids:owner=weft`); of others' rows only the `ports`, `bridges`, `controller`,
//! `datapaths` and `ct_zones` sets that Weft's own rows must be put into.

mod conntrack;

use std::collections::{BTreeMap, BTreeSet};

pub use conntrack::ZoneLimit;
use ovsdb::replica::{Bridge, Controller, OpenVSwitch, Port, Replica, Table};
use ovsdb::transact::{Condition, Insert, Mutate, Transaction, Until, Update, Wait};
use ovsdb::value::{Datum, UuidName};
use uuid::Uuid;

use super::names::{self, BRIDGE, VXLAN_PORT, Wishes, is_own, owner};
use crate::engine::RowsByTable;

/// What every host is given.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where br-int finds its controller: `tcp:192.0.2.1:6633`.
    pub controller: String,
    /// The names of the pipeline's tables.
    pub tables: BTreeMap<u8, &'static str>,
    /// How many connections a port may have.
    pub zone_limit: ZoneLimit,
}

/// Not by way of the bridges that the controller has flows on.
const CONNECTION_MODE: &str = "out-of-band";
/// Milliseconds of silence after which br-int probes its controller.
const INACTIVITY_PROBE: i64 = 5_000;
/// Most milliseconds between br-int's attempts to connect.
const MAX_BACKOFF: i64 = 1_000;

/// What a host's database lacks.
#[derive(Debug)]
pub struct Repair {
    /// Makes it up.
    pub transaction: Transaction,
    /// The rows that are missing, that are too many or that say something else than they should.
    pub rows: RowsByTable,
}

/// What the rows that Weft has in a host's database depend on, beside Weft: as long as that is the
/// same and they differ, somebody else has changed them.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Basis {
    wishes: Wishes,
    /// The bridges that physical networks are mapped to, as far as they exist.
    bridges: BTreeSet<String>,
}

impl Basis {
    pub(super) fn read(replica: &Replica) -> Self {
        let wishes = replica.root().map(|(_, root)| Wishes::read(root)).unwrap_or_default();
        let mapped = wishes.bridge_mappings.values();
        let there = mapped.filter(|name| replica.bridge_by_name(name).is_some());
        Self { bridges: there.cloned().collect(), wishes }
    }
}

/// What brings the host's database to where it should be; `None` when it is there.
pub fn onboard(replica: &Replica, target: &Target) -> Option<Repair> {
    let (root_id, root) = replica.root()?;
    let mut step = Step::new(replica, root, target);
    let wishes = Wishes::read(root);
    match replica.bridge_by_name(BRIDGE) {
        None => step.create_bridge(root_id, &wishes),
        Some((id, bridge)) => {
            if is_own(&bridge.external_ids) {
                step.settings(id, bridge, &wishes);
                step.table_names(id, bridge);
            }
            step.controller(id, bridge);
            step.tunnel_port(id, bridge, &wishes);
            step.patch_ports(id, bridge, &wishes);
            step.zone_limits(root_id, bridge);
        }
    }
    step.repair()
}

/// The part of that which gives conntrack zones their limits, and counts no rows.
pub(super) fn limit_zones(replica: &Replica, target: &Target) -> Option<Repair> {
    let (root_id, root) = replica.root()?;
    let (_, bridge) = replica.bridge_by_name(BRIDGE)?;
    let mut step = Step::new(replica, root, target);
    step.zone_limits(root_id, bridge);
    step.repair()
}

struct Step<'a> {
    replica: &'a Replica,
    root: &'a OpenVSwitch,
    target: &'a Target,
    transaction: Transaction,
    rows: RowsByTable,
}

impl<'a> Step<'a> {
    fn new(replica: &'a Replica, root: &'a OpenVSwitch, target: &'a Target) -> Self {
        let (transaction, rows) = (Transaction::new(), RowsByTable::new());
        Self { replica, root, target, transaction, rows }
    }

    /// What it has come to, if that is anything.
    fn repair(self) -> Option<Repair> {
        let Self { transaction, rows, .. } = self;
        (!transaction.is_empty()).then_some(Repair { transaction, rows })
    }

    fn differ(&mut self, table: Table, rows: usize) {
        *self.rows.entry(table).or_default() += rows as u64;
    }

    /// The bridge alone; its ports follow when it is seen.
    fn create_bridge(&mut self, root_id: Uuid, wishes: &Wishes) {
        // Nobody else may have made one meanwhile.
        self.transaction.push(
            Wait::table(Table::OpenVSwitch, ["bridges"], Until::Equal)
                .filter(Condition::uuid(root_id))
                .row([("bridges", Datum::from(self.root.bridges.clone()))])
                .timeout(std::time::Duration::ZERO),
        );
        let port = self.insert_port(BRIDGE, "internal", &[]);
        let controller = self.insert_controller();
        let tables = self.insert_tables();
        let bridge = Insert::into(Table::Bridge)
            .set("name", BRIDGE)
            .set("fail_mode", "secure")
            .set("protocols", "OpenFlow13")
            .set("datapath_type", wishes.datapath_type.as_deref().unwrap_or_default())
            .set("other_config", bridge_config())
            .set("external_ids", owner())
            .set("ports", port)
            .set("controller", controller)
            .set("flow_tables", tables);
        let bridge = self.transaction.insert(bridge);
        self.differ(Table::Bridge, 1);
        self.transaction.push(
            Mutate::table(Table::OpenVSwitch)
                .filter(Condition::uuid(root_id))
                .insert("bridges", bridge),
        );
    }

    fn settings(&mut self, id: Uuid, bridge: &Bridge, wishes: &Wishes) {
        let before = self.transaction.operations().len();
        let update = || Update::table(Table::Bridge).filter(Condition::uuid(id));
        if bridge.fail_mode.as_deref() != Some("secure") {
            self.transaction.push(update().set("fail_mode", "secure"));
        }
        if !bridge.protocols.iter().eq(["OpenFlow13"]) {
            self.transaction.push(update().set("protocols", "OpenFlow13"));
        }
        if let Some(wanted) =
            wishes.datapath_type.as_ref().filter(|kind| **kind != bridge.datapath_type)
        {
            self.transaction.push(update().set("datapath_type", wanted.as_str()));
        }
        let config = bridge_config();
        if !config.iter().all(|(key, value)| bridge.other_config.get(key) == Some(value)) {
            self.transaction.push(
                Mutate::table(Table::Bridge)
                    .filter(Condition::uuid(id))
                    .put("other_config", config),
            );
        }
        if self.transaction.operations().len() > before {
            self.differ(Table::Bridge, 1);
        }
    }

    fn table_names(&mut self, id: Uuid, bridge: &Bridge) {
        let named = |number: &u8, name: &&str| {
            let row = bridge.flow_tables.get(&i64::from(*number));
            let row = row.and_then(|row| self.replica.flow_tables.get(*row));
            row.is_some_and(|row| row.name.as_deref() == Some(*name))
        };
        if self.target.tables.iter().all(|(number, name)| named(number, name)) {
            return;
        }
        let tables = self.insert_tables();
        self.transaction.push(
            Update::table(Table::Bridge).filter(Condition::uuid(id)).set("flow_tables", tables),
        );
    }

    /// A controller that somebody else set stays, whatever it is.
    fn controller(&mut self, id: Uuid, bridge: &Bridge) {
        let (own, others): (Vec<_>, Vec<_>) =
            self.replica.controllers_of(bridge).partition(|(_, row)| is_own(&row.external_ids));
        if others.iter().any(|(_, row)| row.target == self.target.controller) {
            return;
        }
        if let Some(&(own, row)) = own.first() {
            self.controller_settings(own, row);
        } else if others.is_empty() {
            let controller = self.insert_controller();
            self.transaction.push(
                Mutate::table(Table::Bridge)
                    .filter(Condition::uuid(id))
                    .insert("controller", controller),
            );
        }
    }

    fn controller_settings(&mut self, own: Uuid, row: &Controller) {
        let as_wanted = row.target == self.target.controller
            && row.connection_mode.as_deref() == Some(CONNECTION_MODE)
            && row.inactivity_probe == Some(INACTIVITY_PROBE)
            && row.max_backoff == Some(MAX_BACKOFF);
        if !as_wanted {
            self.differ(Table::Controller, 1);
            self.transaction.push(
                Update::table(Table::Controller)
                    .filter(Condition::uuid(own))
                    .set("target", self.target.controller.as_str())
                    .set("connection_mode", CONNECTION_MODE)
                    .set("inactivity_probe", INACTIVITY_PROBE)
                    .set("max_backoff", MAX_BACKOFF),
            );
        }
    }

    fn tunnel_port(&mut self, id: Uuid, bridge: &Bridge, wishes: &Wishes) {
        match wishes.tunnel_ip {
            Some(ip) => {
                let ip = ip.to_string();
                let options = [("remote_ip", "flow"), ("key", "flow"), ("local_ip", ip.as_str())];
                self.ensure_port(id, VXLAN_PORT, "vxlan", &options);
            }
            None => self.remove_ports(id, bridge, |name, _| name == VXLAN_PORT),
        }
    }

    fn patch_ports(&mut self, id: Uuid, bridge: &Bridge, wishes: &Wishes) {
        let mapped: BTreeMap<&str, (Uuid, &Bridge)> = wishes
            .bridge_mappings
            .values()
            .filter_map(|name| Some((name.as_str(), self.replica.bridge_by_name(name)?)))
            .collect();
        for (name, &(physical_id, _)) in &mapped {
            let (near, far) = (names::patch_on_int(name), names::patch_on_physical(name));
            self.ensure_port(id, &near, "patch", &[("peer", &far)]);
            self.ensure_port(physical_id, &far, "patch", &[("peer", &near)]);
        }
        self.remove_ports(id, bridge, |name, kind| {
            kind == "patch" && !mapped.keys().any(|mapped| names::patch_on_int(mapped) == name)
        });
        for (other_id, other) in self.replica.bridges.iter().filter(|(other, _)| *other != id) {
            self.remove_ports(other_id, other, |name, kind| {
                let mapped = mapped.contains_key(other.name.as_str());
                kind == "patch" && !(mapped && names::patch_on_physical(&other.name) == name)
            });
        }
    }

    /// Makes the port, or sets the type and options of the one that is there if it is ours.
    fn ensure_port(&mut self, bridge: Uuid, name: &str, kind: &str, options: &[(&str, &str)]) {
        let Some((_, interface)) = self.replica.interface_by_name(name) else {
            let port = self.insert_port(name, kind, options);
            self.transaction.push(
                Mutate::table(Table::Bridge).filter(Condition::uuid(bridge)).insert("ports", port),
            );
            return;
        };
        let wanted = map(options);
        let as_wanted = interface.kind == kind && interface.options == wanted;
        if is_own(&interface.external_ids) && !as_wanted {
            self.differ(Table::Interface, 1);
            self.transaction.push(
                Update::table(Table::Interface)
                    .filter(Condition::equals("name", name))
                    .set("type", kind)
                    .set("options", wanted),
            );
        }
    }

    /// Removes those of our ports on a bridge whose name and type `which` picks.
    fn remove_ports(&mut self, id: Uuid, bridge: &Bridge, which: impl Fn(&str, &str) -> bool) {
        let unwanted = |port: &Port| {
            is_own(&port.external_ids)
                && self.replica.interfaces_of(port).any(|(_, row)| which(&row.name, &row.kind))
        };
        let ports = self.replica.ports_of(bridge).filter(|(_, port)| unwanted(port));
        let ports: Vec<Uuid> = ports.map(|(port, _)| port).collect();
        if !ports.is_empty() {
            self.differ(Table::Port, ports.len());
            self.transaction.push(
                Mutate::table(Table::Bridge)
                    .filter(Condition::uuid(id))
                    .delete("ports", Datum::set(ports)),
            );
        }
    }

    fn insert_port(&mut self, name: &str, kind: &str, options: &[(&str, &str)]) -> UuidName {
        self.differ(Table::Interface, 1);
        self.differ(Table::Port, 1);
        let interface = Insert::into(Table::Interface)
            .set("name", name)
            .set("type", kind)
            .set("options", map(options))
            .set("external_ids", owner());
        let interface = self.transaction.insert(interface);
        let port = Insert::into(Table::Port)
            .set("name", name)
            .set("interfaces", interface)
            .set("external_ids", owner());
        self.transaction.insert(port)
    }

    fn insert_controller(&mut self) -> UuidName {
        self.differ(Table::Controller, 1);
        self.transaction.insert(
            Insert::into(Table::Controller)
                .set("target", self.target.controller.as_str())
                .set("connection_mode", CONNECTION_MODE)
                .set("inactivity_probe", INACTIVITY_PROBE)
                .set("max_backoff", MAX_BACKOFF)
                .set("external_ids", owner()),
        )
    }

    fn insert_tables(&mut self) -> Datum {
        self.differ(Table::FlowTable, self.target.tables.len());
        let mut rows = Vec::with_capacity(self.target.tables.len());
        for (number, name) in &self.target.tables {
            let row =
                Insert::into(Table::FlowTable).set("name", *name).set("external_ids", owner());
            rows.push((i64::from(*number), self.transaction.insert(row)));
        }
        Datum::map(rows)
    }
}

fn bridge_config() -> BTreeMap<String, String> {
    map(&[("disable-in-band", "true")])
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}
