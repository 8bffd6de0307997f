use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use openflow::MacAddr;
use serde::{Deserialize, Serialize};

use super::{HostId, Meta, NetworkId, ProjectId, SecurityGroupId, SubnetId, resource_id};

resource_id! {
    /// A port's UUID: `external_ids:iface-id` of the interface that is plugged for it.
    PortId
}

/// Where a VM or container attaches to a network.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Port {
    /// The UUID.
    pub id: PortId,
    /// Name, key, times.
    pub meta: Meta,
    /// The project it belongs to.
    pub project: ProjectId,
    /// The network it is on.
    pub network: NetworkId,
    /// Its Ethernet address, unique on the network.
    pub mac: MacAddr,
    /// Its IP addresses.
    pub fixed_ips: Vec<FixedIp>,
    /// Further addresses it may send from.
    pub allowed_address_pairs: Vec<AllowedAddressPair>,
    /// Whether the spoof guard holds it to its own addresses, and its security groups say what it
    /// may send and receive.
    pub port_security: bool,
    /// What they allow is allowed; all stateful or all stateless, none without port security.
    #[serde(default)]
    pub security_groups: BTreeSet<SecurityGroupId>,
    /// False takes it off the network.
    pub admin_up: bool,
    /// The name of the only host that may claim it.
    pub requested_host: Option<String>,
    /// The host where its interface is plugged.
    pub bound_host: Option<HostId>,
}

impl Port {
    /// The host whose flows serve the port: where it is bound, while it is up.
    pub fn serving_host(&self) -> Option<HostId> {
        self.bound_host.filter(|_| self.admin_up)
    }
}

/// An address out of a subnet.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct FixedIp {
    /// The subnet.
    pub subnet: SubnetId,
    /// The address.
    pub ip: IpAddr,
}

/// Addresses that a port may use beside its own.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct AllowedAddressPair {
    /// The IP addresses.
    pub prefix: IpNet,
    /// With this Ethernet address; with the port's own when `None`.
    pub mac: Option<MacAddr>,
}
