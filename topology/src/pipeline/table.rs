use std::collections::BTreeMap;

use openflow::{Field, Names, PortNo};

use super::Register;

/// A table of the pipeline; the discriminant is its OpenFlow number.
///
/// Numbers leave gaps: 30–39 are for what security groups allow a sender, 80–89 for what they
/// allow a receiver.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Table {
    /// Which network, which port.
    Classify = 0,
    /// Is the tunnel packet's sender a host of ours.
    Vtep = 1,
    /// Which network has the VNI.
    Vni = 2,
    /// May the port send this.
    Guard = 10,
    /// May the port send from this IPv6 address.
    GuardIpv6 = 11,
    /// ARP and neighbour discovery, answered from the model.
    Respond = 20,
    /// Second step of answering a neighbour solicitation.
    RespondNd = 21,
    /// Destinations on this host.
    ForwardLocal = 60,
    /// Destinations on other hosts.
    ForwardRemote = 65,
    /// Broadcast, multicast and the like.
    Flood = 70,
    /// Copies to local ports.
    FloodLocal = 71,
    /// Copies to other hosts.
    FloodRemote = 75,
    /// Copies to tunnel endpoints.
    FloodVteps = 76,
    /// Out of a local port.
    Output = 90,
    /// Out of the tunnel port.
    Encap = 91,
    /// Out to a provider bridge.
    Uplink = 92,
}

/// The definition of one table.
#[derive(Clone, Copy, Debug)]
pub struct TableSpec {
    /// The name that `ovs-ofctl --names` shows.
    pub name: &'static str,
    /// What it does, for operators.
    pub purpose: &'static str,
    /// The fields that its flows may match, prerequisites included.
    pub matches: &'static [Field],
    /// The registers that its flows read: match or copy from.
    pub reads: &'static [Register],
    /// The registers that its flows set.
    pub writes: &'static [Register],
    /// The packet and tunnel fields that its flows set.
    pub rewrites: &'static [Field],
    /// The tables that its flows may go on to or resubmit to.
    pub next: &'static [Table],
    /// Whether its flows may send a packet out of a port.
    pub outputs: bool,
}

impl Table {
    /// Every table, in order.
    pub const ALL: [Self; 16] = [
        Self::Classify,
        Self::Vtep,
        Self::Vni,
        Self::Guard,
        Self::GuardIpv6,
        Self::Respond,
        Self::RespondNd,
        Self::ForwardLocal,
        Self::ForwardRemote,
        Self::Flood,
        Self::FloodLocal,
        Self::FloodRemote,
        Self::FloodVteps,
        Self::Output,
        Self::Encap,
        Self::Uplink,
    ];

    /// The OpenFlow number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The table with this OpenFlow number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.number() == number)
    }

    /// The name that `ovs-ofctl --names` shows.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// The definition.
    pub const fn spec(self) -> &'static TableSpec {
        match self {
            Self::Classify => &CLASSIFY,
            Self::Vtep => &VTEP,
            Self::Vni => &VNI,
            Self::Guard => &GUARD,
            Self::GuardIpv6 => &GUARD_IPV6,
            Self::Respond => &RESPOND,
            Self::RespondNd => &RESPOND_ND,
            Self::ForwardLocal => &FORWARD_LOCAL,
            Self::ForwardRemote => &FORWARD_REMOTE,
            Self::Flood => &FLOOD,
            Self::FloodLocal => &FLOOD_LOCAL,
            Self::FloodRemote => &FLOOD_REMOTE,
            Self::FloodVteps => &FLOOD_VTEPS,
            Self::Output => &OUTPUT,
            Self::Encap => &ENCAP,
            Self::Uplink => &UPLINK,
        }
    }
}

/// The tables' names by their numbers.
pub fn table_names() -> BTreeMap<u8, String> {
    Table::ALL.into_iter().map(|table| (table.number(), table.name().to_owned())).collect()
}

/// Prints flows with the tables' names and the ports' numbers.
#[derive(Clone, Copy, Debug)]
pub struct TableNames;

impl Names for TableNames {
    fn table(&self, table: u8) -> Option<&str> {
        Table::from_number(table).map(Table::name)
    }

    fn port(&self, _port: PortNo) -> Option<&str> {
        None
    }
}

const CLASSIFY: TableSpec = TableSpec {
    name: "classify",
    purpose: "Every packet starts here. Tells by the port it came in from, and on a provider \
              bridge by its VLAN, which network it is in and which local port sent it; pops the \
              tag.",
    matches: &[Field::IN_PORT, Field::VLAN_VID],
    reads: &[],
    writes: &[Register::NETWORK, Register::SOURCE_PORT, Register::ORIGIN],
    rewrites: &[],
    next: &[Table::Vtep, Table::Guard, Table::ForwardLocal],
    outputs: false,
};

const VTEP: TableSpec = TableSpec {
    name: "vtep",
    purpose: "Lets a tunnel packet in only from the tunnel endpoint of a host that Weft knows.",
    matches: &[Field::TUN_SRC, Field::TUN_IPV6_SRC],
    reads: &[],
    writes: &[],
    rewrites: &[],
    next: &[Table::Vni],
    outputs: false,
};

const VNI: TableSpec = TableSpec {
    name: "vni",
    purpose: "Tells a tunnel packet's network by its VNI.",
    matches: &[Field::TUN_ID],
    reads: &[],
    writes: &[Register::NETWORK],
    rewrites: &[],
    next: &[Table::ForwardLocal],
    outputs: false,
};

const GUARD: TableSpec = TableSpec {
    name: "guard",
    purpose: "Holds a port to its own addresses and its allowed address pairs: Ethernet, IPv4, \
              ARP and neighbour discovery. No DHCP server, router advertisement or redirect from \
              a port with port security. IPv6 goes on to guard_ipv6, everything else that is \
              allowed to respond.",
    matches: &[
        Field::REG1,
        Field::ETH_SRC,
        Field::ETH_TYPE,
        Field::IPV4_SRC,
        Field::IPV4_DST,
        Field::IPV6_SRC,
        Field::IP_PROTO,
        Field::UDP_SRC,
        Field::UDP_DST,
        Field::ICMPV6_TYPE,
        Field::ICMPV6_CODE,
        Field::ND_TARGET,
        Field::ND_SLL,
        Field::ND_TLL,
        Field::ARP_OP,
        Field::ARP_SPA,
        Field::ARP_TPA,
        Field::ARP_SHA,
    ],
    reads: &[Register::SOURCE_PORT],
    writes: &[],
    rewrites: &[],
    next: &[Table::GuardIpv6, Table::Respond, Table::ForwardLocal],
    outputs: false,
};

const GUARD_IPV6: TableSpec = TableSpec {
    name: "guard_ipv6",
    purpose: "Holds a port to its own IPv6 source addresses, its link-local address and its \
              allowed address pairs. A table of its own, so that a neighbour discovery message \
              is held to both its contents (guard) and its source (here) without a flow for \
              every pair of the two.",
    matches: &[
        Field::REG1,
        Field::ETH_SRC,
        Field::ETH_TYPE,
        Field::IPV6_SRC,
        Field::IP_PROTO,
        Field::ICMPV6_TYPE,
    ],
    reads: &[Register::SOURCE_PORT],
    writes: &[],
    rewrites: &[],
    next: &[Table::Respond],
    outputs: false,
};

const RESPOND: TableSpec = TableSpec {
    name: "respond",
    purpose: "Answers a local port's ARP requests and neighbour solicitations for addresses of \
              the network's ports, so that they never leave the host. What nobody is known to \
              have is flooded like any broadcast.",
    matches: &[
        Field::REG0,
        Field::ETH_TYPE,
        Field::IP_TTL,
        Field::IP_PROTO,
        Field::ICMPV6_TYPE,
        Field::ICMPV6_CODE,
        Field::ND_TARGET,
        Field::ND_SLL,
        Field::ARP_OP,
        Field::ARP_SPA,
        Field::ARP_TPA,
    ],
    reads: &[Register::NETWORK],
    writes: &[],
    rewrites: &[
        Field::ETH_SRC,
        Field::ETH_DST,
        Field::IPV6_SRC,
        Field::IPV6_DST,
        Field::ICMPV6_TYPE,
        Field::ARP_OP,
        Field::ARP_SPA,
        Field::ARP_TPA,
        Field::ARP_SHA,
        Field::ARP_THA,
    ],
    next: &[Table::RespondNd, Table::ForwardLocal],
    outputs: true,
};

const RESPOND_ND: TableSpec = TableSpec {
    name: "respond_nd",
    purpose: "Finishes a neighbour advertisement and sends it back. A table of its own, because \
              Open vSwitch lets a flow set an advertisement's fields only once the packet is \
              one.",
    matches: &[Field::ETH_TYPE, Field::IP_PROTO, Field::ICMPV6_TYPE, Field::ICMPV6_CODE],
    reads: &[],
    writes: &[],
    rewrites: &[Field::ND_RESERVED, Field::ND_OPTIONS_TYPE, Field::ND_TLL],
    next: &[],
    outputs: true,
};

const FORWARD_LOCAL: TableSpec = TableSpec {
    name: "forward_local",
    purpose: "Finds the destination among the ports on this host. Broadcast and multicast are \
              flooded. What came from another host ends here when it is for none of them.",
    matches: &[Field::ETH_DST, Field::REG0, Field::REG3],
    reads: &[Register::NETWORK, Register::ORIGIN],
    writes: &[Register::DESTINATION_PORT],
    rewrites: &[],
    next: &[Table::ForwardRemote, Table::Flood, Table::Output],
    outputs: false,
};

const FORWARD_REMOTE: TableSpec = TableSpec {
    name: "forward_remote",
    purpose: "Finds the destination on other hosts: through the tunnel to the host of the port \
              with this Ethernet address; on a network of a provider bridge, to the uplink.",
    matches: &[Field::ETH_DST, Field::REG0],
    reads: &[Register::NETWORK],
    writes: &[],
    rewrites: &[Field::TUN_ID, Field::TUN_DST, Field::TUN_IPV6_DST],
    next: &[Table::Encap, Table::Uplink],
    outputs: false,
};

const FLOOD: TableSpec = TableSpec {
    name: "flood",
    purpose: "Sends a copy to every port of the network on this host, one part of the list after \
              the other, then goes on to other hosts.",
    matches: &[Field::REG0],
    reads: &[Register::NETWORK],
    writes: &[Register::PART],
    rewrites: &[],
    next: &[Table::FloodLocal, Table::FloodRemote],
    outputs: false,
};

const FLOOD_LOCAL: TableSpec = TableSpec {
    name: "flood_local",
    purpose: "Sends a copy to each port of one part of the list. The sender gets none: Open \
              vSwitch never sends a packet out of the port it came in by.",
    matches: &[Field::REG0, Field::REG5],
    reads: &[Register::NETWORK, Register::PART],
    writes: &[Register::DESTINATION_PORT],
    rewrites: &[],
    next: &[Table::Output],
    outputs: false,
};

const FLOOD_REMOTE: TableSpec = TableSpec {
    name: "flood_remote",
    purpose: "Sends a local port's flood on to other hosts: to every tunnel endpoint that has a \
              port of the network, or to the uplink. What came from another host ends here.",
    matches: &[Field::REG0, Field::REG3],
    reads: &[Register::NETWORK, Register::ORIGIN],
    writes: &[Register::PART],
    rewrites: &[Field::TUN_ID],
    next: &[Table::FloodVteps, Table::Uplink],
    outputs: false,
};

const FLOOD_VTEPS: TableSpec = TableSpec {
    name: "flood_vteps",
    purpose: "Sends a copy to each tunnel endpoint of one part of the list.",
    matches: &[Field::REG0, Field::REG5],
    reads: &[Register::NETWORK, Register::PART],
    writes: &[],
    rewrites: &[Field::TUN_DST, Field::TUN_IPV6_DST],
    next: &[Table::Encap],
    outputs: false,
};

const OUTPUT: TableSpec = TableSpec {
    name: "output",
    purpose: "Sends the packet out of the local port that it is for.",
    matches: &[Field::REG2],
    reads: &[Register::DESTINATION_PORT],
    writes: &[],
    rewrites: &[],
    next: &[],
    outputs: true,
};

const ENCAP: TableSpec = TableSpec {
    name: "encap",
    purpose: "Sends the packet out of the tunnel port, except to this host itself.",
    matches: &[Field::TUN_DST, Field::TUN_IPV6_DST],
    reads: &[],
    writes: &[],
    rewrites: &[],
    next: &[],
    outputs: true,
};

const UPLINK: TableSpec = TableSpec {
    name: "uplink",
    purpose: "Sends the packet to the provider bridge of the network's physical network, tagged \
              with the network's VLAN.",
    matches: &[Field::REG0],
    reads: &[Register::NETWORK],
    writes: &[],
    rewrites: &[Field::VLAN_VID],
    next: &[],
    outputs: true,
};
