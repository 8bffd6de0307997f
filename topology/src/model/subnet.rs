use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Meta, NetworkId, ProjectId, resource_id};

resource_id! {
    /// A subnet's UUID.
    SubnetId
}

/// An IP prefix on a network, from which its ports get addresses.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Subnet {
    /// The UUID.
    pub id: SubnetId,
    /// Name, key, times.
    pub meta: Meta,
    /// The project it belongs to.
    pub project: ProjectId,
    /// The network it is on.
    pub network: NetworkId,
    /// The prefix; the host part is zero.
    pub cidr: IpNet,
    /// The router's address, `None` for a subnet without one.
    pub gateway: Option<IpAddr>,
    /// Where addresses are allocated from; disjoint, in ascending order.
    pub allocation_pools: Vec<AddressRange>,
    /// Name servers that hosts on it are told.
    pub dns_nameservers: Vec<IpAddr>,
    /// Routes that hosts on it are told.
    pub host_routes: Vec<HostRoute>,
    /// Whether addresses are served by DHCP.
    pub dhcp: bool,
}

/// Addresses from `start` to `end`, both included and of one family.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct AddressRange {
    /// The first.
    pub start: IpAddr,
    /// The last.
    pub end: IpAddr,
}

impl AddressRange {
    /// Whether `ip` is one of them.
    pub fn contains(&self, ip: IpAddr) -> bool {
        (self.start..=self.end).contains(&ip)
    }
}

/// A route that hosts on a subnet are told.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct HostRoute {
    /// Where to.
    pub destination: IpNet,
    /// By way of.
    pub nexthop: IpAddr,
}
