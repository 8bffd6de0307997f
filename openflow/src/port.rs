//! Numbers of ports: `enum ofp_port_no`, OpenFlow 1.3.5 §7.2.1.

use std::fmt;

/// An OpenFlow port number: `enum ofp_port_no`, OpenFlow 1.3.5 §7.2.1.
///
/// Open vSwitch uses 1–65279 for its ports; the reserved ones are the constants here.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PortNo(pub u32);

impl PortNo {
    /// No output in the action set, as [`crate::Field::ACTSET_OUTPUT`] says it: `OFPP_UNSET` of OpenFlow
    /// 1.5.
    pub const UNSET: Self = Self(0xffff_fff7);
    /// Send back out of the port the packet came in by.
    pub const IN_PORT: Self = Self(0xffff_fff8);
    /// Submit the packet to the first flow table (packet-out only).
    pub const TABLE: Self = Self(0xffff_fff9);
    /// Process like an ordinary switch. Weft never uses it.
    pub const NORMAL: Self = Self(0xffff_fffa);
    /// All ports of the VLAN but the input port.
    pub const FLOOD: Self = Self(0xffff_fffb);
    /// All ports but the input port.
    pub const ALL: Self = Self(0xffff_fffc);
    /// To the controller, as a packet-in.
    pub const CONTROLLER: Self = Self(0xffff_fffd);
    /// The switch's own port, named like the bridge.
    pub const LOCAL: Self = Self(0xffff_fffe);
    /// No port; in requests, any port.
    pub const ANY: Self = Self(0xffff_ffff);

    /// True for numbers that no port can have: the constants here, and their unused neighbours.
    pub const fn is_reserved(self) -> bool {
        self.0 >= 0xffff_ff00
    }
}

impl fmt::Display for PortNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::UNSET => "UNSET",
            Self::IN_PORT => "IN_PORT",
            Self::TABLE => "TABLE",
            Self::NORMAL => "NORMAL",
            Self::FLOOD => "FLOOD",
            Self::ALL => "ALL",
            Self::CONTROLLER => "CONTROLLER",
            Self::LOCAL => "LOCAL",
            Self::ANY => "ANY",
            Self(number) => return write!(f, "{number}"),
        };
        f.write_str(name)
    }
}

impl fmt::Debug for PortNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
