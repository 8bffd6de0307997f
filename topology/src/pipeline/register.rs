use openflow::Field;

/// A register that carries something from table to table.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// The field.
    pub field: Field,
    /// Its name in Open vSwitch.
    pub name: &'static str,
    /// What it holds.
    pub holds: &'static str,
}

impl Register {
    /// The key of the network that the packet is in.
    pub const NETWORK: Self =
        Self { field: Field::REG0, name: "reg0", holds: "key of the network" };
    /// The key of the local port that sent the packet.
    pub const SOURCE_PORT: Self = Self {
        field: Field::REG1,
        name: "reg1",
        holds: "key of the port that sent the packet, 0 when it came from elsewhere",
    };
    /// The key of the local port that gets the packet.
    pub const DESTINATION_PORT: Self =
        Self { field: Field::REG2, name: "reg2", holds: "key of the local port that gets it" };
    /// Where the packet came from.
    pub const ORIGIN: Self = Self {
        field: Field::REG3,
        name: "reg3",
        holds: "where the packet came from: 1 a local port, 2 the tunnel, 3 an uplink",
    };
    /// The part of a flood list that is being worked through.
    pub const PART: Self = Self {
        field: Field::REG5,
        name: "reg5",
        holds: "part of a flood list that copies are being made for",
    };

    /// Every register in use.
    pub const ALL: [Self; 5] =
        [Self::NETWORK, Self::SOURCE_PORT, Self::DESTINATION_PORT, Self::ORIGIN, Self::PART];
}

/// Where a packet came from, as [`Register::ORIGIN`] holds it.
///
/// Bit 1 tells what came from another host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum Origin {
    /// From a port on this host.
    Local = 1,
    /// From another host through the tunnel.
    Tunnel = 2,
    /// From a provider bridge.
    Uplink = 3,
}

impl Origin {
    /// The bit that is set in the origins that are not local.
    pub const REMOTE_BIT: u32 = 2;
}
