use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{AddressGroupId, SecurityGroupId, resource_id};
use crate::key::Key;

resource_id! {
    /// A rule's UUID, unique among the rules of all groups.
    RuleId
}

/// Traffic that a security group allows.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Rule {
    /// The UUID.
    pub id: RuleId,
    /// The compact identity, unique among the rules of all groups.
    pub key: Key,
    /// A sentence for people.
    pub description: String,
    /// What it allows.
    pub allows: Traffic,
    /// Whether connections that it allows are reported.
    pub log: bool,
}

/// Which connections (or packets, for a stateless group) a rule is about.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Traffic {
    /// Which side began them.
    pub direction: Direction,
    /// Of this IP version.
    pub ethertype: Ethertype,
    /// Of this IP protocol; of any when `None`.
    pub protocol: Option<u8>,
    /// To these ports; to any when `None`. Only of TCP, UDP and SCTP.
    pub ports: Option<PortRange>,
    /// Of this type; of any when `None`. Only of ICMP over IPv4 and ICMPv6 over IPv6.
    pub icmp: Option<Icmp>,
    /// With whom.
    pub remote: Remote,
}

/// Which side of a port began a connection.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The port itself.
    Egress,
    /// Its peer.
    Ingress,
}

/// An IP version.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ethertype {
    /// Version 4.
    Ipv4,
    /// Version 6.
    Ipv6,
}

/// Transport ports from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

/// An ICMP message, by type and code.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Icmp {
    /// The type.
    #[serde(rename = "type")]
    pub icmp_type: u8,
    /// The code; any when `None`.
    pub code: Option<u8>,
}

/// Who the peer of a connection may be.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remote {
    /// Anybody.
    Any,
    /// Addresses in a prefix, of the rule's IP version and without host bits.
    Prefix(IpNet),
    /// The members of a security group of the same project that are on the same network.
    Group(SecurityGroupId),
    /// Addresses in an address group of the same project.
    AddressGroup(AddressGroupId),
}

impl Traffic {
    /// All of an IP version in one direction.
    pub const fn any(direction: Direction, ethertype: Ethertype) -> Self {
        let remote = Remote::Any;
        Self { direction, ethertype, protocol: None, ports: None, icmp: None, remote }
    }

    /// The same traffic, said in the one way that all equal traffic has: the prefix that contains
    /// every address is anybody, the range of all ports is any port.
    #[must_use]
    pub fn canonical(self) -> Self {
        let ports = self.ports.filter(|ports| *ports != PortRange::ALL);
        let remote = match self.remote {
            Remote::Prefix(prefix) if prefix.prefix_len() == 0 => Remote::Any,
            remote => remote,
        };
        Self { ports, remote, ..self }
    }
}

impl PortRange {
    /// Every port.
    pub const ALL: Self = Self { first: 0, last: u16::MAX };
}

impl Remote {
    /// The security group that is named.
    pub const fn group(self) -> Option<SecurityGroupId> {
        match self {
            Self::Group(group) => Some(group),
            _ => None,
        }
    }

    /// The address group that is named.
    pub const fn address_group(self) -> Option<AddressGroupId> {
        match self {
            Self::AddressGroup(group) => Some(group),
            _ => None,
        }
    }
}

impl Ethertype {
    /// The version of a prefix.
    pub const fn of(prefix: IpNet) -> Self {
        match prefix {
            IpNet::V4(_) => Self::Ipv4,
            IpNet::V6(_) => Self::Ipv6,
        }
    }
}
