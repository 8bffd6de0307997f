//! What a host reports of itself and only its own flows depend on.
//!
//! Facts are never stored: they are read from the host's OVSDB whenever it connects. What other
//! hosts' flows depend on (tunnel address, which ports are bound where) is in the model.

use std::collections::{BTreeMap, BTreeSet};

use openflow::PortNo;

use crate::model::PortId;

/// OpenFlow port numbers on one host's `br-int`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HostFacts {
    /// The flow-based VXLAN port.
    pub vxlan_port: Option<PortNo>,
    /// Physical network → the patch port to its bridge.
    pub uplinks: BTreeMap<String, PortNo>,
    /// Interfaces of ports that are bound here.
    pub ports: BTreeMap<PortId, PortNo>,
}

impl HostFacts {
    /// The same without port numbers that stand for something else already: tunnel, then uplinks,
    /// then ports, each in order. What a host reports while it renumbers its ports never makes
    /// two things of one port.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        let mut taken: BTreeSet<PortNo> = self.vxlan_port.into_iter().collect();
        self.uplinks.retain(|_, number| taken.insert(*number));
        self.ports.retain(|_, number| taken.insert(*number));
        self
    }
}
