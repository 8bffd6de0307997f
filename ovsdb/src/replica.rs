//! Typed copy of the part of the Open vSwitch database that Weft reads.
//!
//! A [`Replica`] is a value: cloning it takes ten reference counts, and a clone never changes,
//! whatever happens on the connection. [`Replica::changes_since`] tells two of them apart, also
//! when they come from different connections.

mod changes;
mod field;
mod rows;
mod tables;

pub use changes::{Changes, RowId};
pub use field::ColumnError;
pub use rows::Rows;
pub use tables::{
    Bridge, Controller, CtZone, Datapath, FlowTable, Interface, Manager, OpenVSwitch, Port,
    Replica, Table,
};

pub(crate) use field::How;
pub(crate) use rows::Row;

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

impl Replica {
    /// Empty, of a server that has these columns.
    pub(crate) fn of_columns(columns: &BTreeMap<&'static str, Vec<&'static str>>) -> Self {
        Self { columns: Arc::new(columns.clone()), ..Self::default() }
    }

    /// True when the server has a column, which it may lack where the replica merely reads it.
    pub fn has_column(&self, table: Table, column: &str) -> bool {
        self.columns.get(table.name()).is_some_and(|columns| columns.contains(&column))
    }

    /// The only row of the root table; `None` before `ovs-vsctl init`.
    pub fn root(&self) -> Option<(Uuid, &OpenVSwitch)> {
        self.open_vswitch.iter().next()
    }

    /// The bridge called `name`.
    pub fn bridge_by_name(&self, name: &str) -> Option<(Uuid, &Bridge)> {
        self.bridges.iter().find(|(_, bridge)| bridge.name == name)
    }

    /// The port called `name`. Looks at every port.
    pub fn port_by_name(&self, name: &str) -> Option<(Uuid, &Port)> {
        self.ports.iter().find(|(_, port)| port.name == name)
    }

    /// The interface called `name`. Looks at every interface.
    pub fn interface_by_name(&self, name: &str) -> Option<(Uuid, &Interface)> {
        self.interfaces.iter().find(|(_, interface)| interface.name == name)
    }

    /// The ports of `bridge`.
    pub fn ports_of<'a>(&'a self, bridge: &'a Bridge) -> impl Iterator<Item = (Uuid, &'a Port)> {
        self.ports.resolve(&bridge.ports)
    }

    /// The interfaces of `port`: several if it is a bond.
    pub fn interfaces_of<'a>(
        &'a self,
        port: &'a Port,
    ) -> impl Iterator<Item = (Uuid, &'a Interface)> {
        self.interfaces.resolve(&port.interfaces)
    }

    /// The interfaces of all ports of `bridge`.
    pub fn interfaces_on<'a>(
        &'a self,
        bridge: &'a Bridge,
    ) -> impl Iterator<Item = (Uuid, &'a Interface)> {
        self.ports_of(bridge).flat_map(|(_, port)| self.interfaces_of(port))
    }

    /// The OpenFlow controllers of `bridge`.
    pub fn controllers_of<'a>(
        &'a self,
        bridge: &'a Bridge,
    ) -> impl Iterator<Item = (Uuid, &'a Controller)> {
        self.controllers.resolve(&bridge.controller)
    }
}

#[cfg(test)]
mod tests;
