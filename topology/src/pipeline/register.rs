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

    /// Which rules the packet is judged by, and what of it.
    pub const JUDGED: Self = Self {
        field: Field::REG4,
        name: "reg4",
        holds: "what rules judge: 1 what the port may send, 2 what it may get, by the packet's \
                own headers; 3 and 4 the same, by the addresses and ports that its connection \
                began with",
    };
    /// The port whose rules the packet is judged by.
    pub const JUDGED_PORT: Self = Self {
        field: Field::REG14,
        name: "reg14",
        holds: "key of the port that the packet is judged for: reg1 or reg2",
    };
    /// The remote of rules that the peer is looked for in.
    pub const REMOTE: Self = Self {
        field: Field::REG6,
        name: "reg6",
        holds: "remote that the peer is looked for in: key of a security group, or key of an \
                address group + 0x01000000",
    };
    /// The policy profile of the port that the packet is judged for.
    pub const PROFILE: Self =
        Self { field: Field::REG7, name: "reg7", holds: "key of that port's policy profile" };
    /// The address that is looked up, IPv4.
    pub const ADDRESS_IPV4: Self = Self {
        field: Field::REG8,
        name: "reg8",
        holds: "address that is looked up, IPv4: the one that an ARP request is for, or that of \
                the judged port's peer",
    };
    /// The address that is looked up, IPv6.
    pub const ADDRESS_IPV6: Self =
        Self { field: Field::XXREG2, name: "xxreg2", holds: "the same, IPv6: registers 8 to 11" };
    /// The registers that [`Register::ADDRESS_IPV6`] consists of.
    pub const ADDRESS_WORDS: [Field; 4] = [Field::REG8, Field::REG9, Field::REG10, Field::REG11];
    /// The Ethernet address that goes with the address.
    pub const OWNER_MAC: Self = Self {
        field: Field::METADATA,
        name: "metadata",
        holds: "Ethernet address of the port that has that address; 0 when none has",
    };
    /// The policy profile of the port with the address.
    pub const OWNER_PROFILE: Self = Self {
        field: Field::REG15,
        name: "reg15",
        holds: "key of the policy profile of the port that has that address; 0 when none has, or \
                it is in no group",
    };
    /// The conntrack zone of the port that the packet is judged for.
    pub const ZONE: Self = Self {
        field: Field::REG12,
        name: "reg12",
        holds: "conntrack zone of the port that sent the packet, then of the one that gets it; 0 when its groups are stateless",
    };
    /// Whether a rule allows the packet.
    pub const ALLOWED: Self =
        Self { field: Field::REG13, name: "reg13", holds: "1 when a rule allows the packet" };

    /// Every register in use.
    pub const ALL: [Self; 15] = [
        Self::NETWORK,
        Self::SOURCE_PORT,
        Self::DESTINATION_PORT,
        Self::ORIGIN,
        Self::JUDGED,
        Self::JUDGED_PORT,
        Self::PART,
        Self::REMOTE,
        Self::PROFILE,
        Self::ADDRESS_IPV4,
        Self::ADDRESS_IPV6,
        Self::OWNER_MAC,
        Self::OWNER_PROFILE,
        Self::ZONE,
        Self::ALLOWED,
    ];
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
