use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Meta, ProjectId, resource_id};

resource_id! {
    /// A network's UUID.
    NetworkId
}

/// A broadcast domain.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Network {
    /// The UUID.
    pub id: NetworkId,
    /// Name, key, times.
    pub meta: Meta,
    /// The project it belongs to.
    pub project: ProjectId,
    /// How it is told from others between hosts.
    pub segment: Segment,
    /// Largest IP packet in bytes.
    pub mtu: u16,
    /// Whether other projects may put ports on it.
    pub shared: bool,
    /// Default for `port_security` of its ports.
    pub port_security: bool,
}

/// How a network is carried between hosts.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Segment {
    /// Untagged on a physical network.
    Flat {
        /// The physical network.
        physical_network: String,
    },
    /// By VLAN on a physical network.
    Vlan {
        /// The physical network.
        physical_network: String,
        /// The VLAN, unique on the physical network.
        vlan: VlanId,
    },
    /// By VXLAN between the hosts' tunnel addresses.
    Vxlan {
        /// The VXLAN network identifier, unique.
        vni: Vni,
    },
}

impl Segment {
    /// The physical network that carries it, `None` for an overlay.
    pub fn physical_network(&self) -> Option<&str> {
        match self {
            Self::Flat { physical_network } | Self::Vlan { physical_network, .. } => {
                Some(physical_network)
            }
            Self::Vxlan { .. } => None,
        }
    }
}

/// A VLAN identifier, 1–4094 (IEEE 802.1Q §9.6).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct VlanId(u16);

/// A VXLAN network identifier, 1–16777215 (RFC 7348 §5).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Vni(u32);

/// An identifier is outside its range.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what} {number} is out of range: expected 1 to {max}")]
pub struct OutOfRange {
    /// Which identifier.
    pub what: &'static str,
    /// What it was.
    pub number: u32,
    /// The highest allowed.
    pub max: u32,
}

macro_rules! ranged {
    ($name:ident, $inner:ty, $max:literal, $what:literal) => {
        impl $name {
            /// The highest allowed.
            pub const MAX: u32 = $max;

            /// The number.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl TryFrom<u32> for $name {
            type Error = OutOfRange;

            fn try_from(number: u32) -> Result<Self, OutOfRange> {
                match number {
                    1..=$max => Ok(Self(number as $inner)),
                    _ => Err(OutOfRange { what: $what, number, max: $max }),
                }
            }
        }

        impl From<$name> for u32 {
            fn from(value: $name) -> Self {
                value.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

ranged!(VlanId, u16, 4094, "VLAN");
ranged!(Vni, u32, 16_777_215, "VNI");
