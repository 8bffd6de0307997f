//! Where packets come from and go to: the tables without policy.

use openflow::Field;

use super::{Table, TableSpec};
use crate::pipeline::Register;

pub(super) const CLASSIFY: TableSpec = TableSpec {
    name: "classify",
    purpose: "Every packet starts here. Tells by the port it came in from, and on a provider \
              bridge by its VLAN, which network it is in and which local port sent it; pops the \
              tag.",
    matches: &[Field::IN_PORT, Field::VLAN_VID],
    writes: &[Register::NETWORK, Register::SOURCE_PORT, Register::ORIGIN],
    next: &[Table::Vtep, Table::Guard, Table::ForwardLocal],
    ..TableSpec::EMPTY
};

pub(super) const VTEP: TableSpec = TableSpec {
    name: "vtep",
    purpose: "Lets a tunnel packet in only from the tunnel endpoint of a host that Weft knows.",
    matches: &[Field::TUN_SRC, Field::TUN_IPV6_SRC],
    next: &[Table::Vni],
    ..TableSpec::EMPTY
};

pub(super) const VNI: TableSpec = TableSpec {
    name: "vni",
    purpose: "Tells a tunnel packet's network by its VNI.",
    matches: &[Field::TUN_ID],
    writes: &[Register::NETWORK],
    next: &[Table::ForwardLocal],
    ..TableSpec::EMPTY
};

pub(super) const GUARD: TableSpec = TableSpec {
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
    next: &[Table::GuardIpv6, Table::Respond, Table::ForwardLocal],
    ..TableSpec::EMPTY
};

pub(super) const GUARD_IPV6: TableSpec = TableSpec {
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
    next: &[Table::Respond],
    ..TableSpec::EMPTY
};

pub(super) const RESPOND: TableSpec = TableSpec {
    name: "respond",
    purpose: "Looks up whose address a local port's ARP request or neighbour solicitation is for. \
              Everything else goes on.",
    matches: &[
        Field::ETH_TYPE,
        Field::IP_TTL,
        Field::IP_PROTO,
        Field::ICMPV6_TYPE,
        Field::ICMPV6_CODE,
        Field::ND_SLL,
        Field::ARP_OP,
        Field::ARP_SPA,
    ],
    writes: &[Register::ADDRESS_IPV4, Register::ADDRESS_IPV6],
    copies: &[Field::ARP_TPA, Field::ND_TARGET],
    next: &[
        Table::Answer,
        Table::ForwardLocal,
        Table::Egress,
        Table::Addresses,
        Table::AddressesIpv6,
    ],
    ..TableSpec::EMPTY
};

pub(super) const ANSWER: TableSpec = TableSpec {
    name: "answer",
    purpose: "Answers a local port's ARP requests and neighbour solicitations for addresses of \
              the network's ports, so that they never leave the host. What nobody is known to \
              have is flooded like any broadcast.",
    matches: &[
        Field::METADATA,
        Field::ETH_TYPE,
        Field::IP_PROTO,
        Field::ICMPV6_TYPE,
        Field::ICMPV6_CODE,
        Field::ARP_OP,
    ],
    reads: &[Register::OWNER_MAC, Register::ADDRESS_IPV4, Register::ADDRESS_IPV6],
    writes: &[Register::ADDRESS_IPV6, Register::OWNER_MAC, Register::OWNER_PROFILE],
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
    copies: &[Field::ETH_SRC, Field::IPV6_SRC, Field::ARP_SHA, Field::ARP_SPA],
    next: &[Table::AnswerNd, Table::Egress],
    outputs: true,
    ..TableSpec::EMPTY
};

pub(super) const ANSWER_ND: TableSpec = TableSpec {
    name: "answer_nd",
    purpose: "Finishes a neighbour advertisement and sends it back. A table of its own, because \
              Open vSwitch lets a flow set an advertisement's fields only once the packet is \
              one.",
    matches: &[Field::ETH_TYPE, Field::IP_PROTO, Field::ICMPV6_TYPE, Field::ICMPV6_CODE],
    copies: &[Field::ETH_SRC],
    rewrites: &[Field::ND_RESERVED, Field::ND_OPTIONS_TYPE, Field::ND_TLL],
    outputs: true,
    ..TableSpec::EMPTY
};

pub(super) const FORWARD_LOCAL: TableSpec = TableSpec {
    name: "forward_local",
    purpose: "Finds the destination among the ports on this host. Broadcast and multicast are \
              flooded. What came from another host ends here when it is for none of them.",
    matches: &[Field::ETH_DST, Field::REG0, Field::REG3],
    reads: &[Register::NETWORK, Register::ORIGIN],
    writes: &[Register::DESTINATION_PORT],
    next: &[Table::ForwardRemote, Table::Flood, Table::Ingress],
    ..TableSpec::EMPTY
};

pub(super) const FORWARD_REMOTE: TableSpec = TableSpec {
    name: "forward_remote",
    purpose: "Finds the destination on other hosts: through the tunnel to the host of the port \
              with this Ethernet address; on a network of a provider bridge, to the uplink.",
    matches: &[Field::ETH_DST, Field::REG0],
    reads: &[Register::NETWORK],
    rewrites: &[Field::TUN_ID, Field::TUN_DST, Field::TUN_IPV6_DST],
    next: &[Table::Encap, Table::Uplink],
    ..TableSpec::EMPTY
};

pub(super) const FLOOD: TableSpec = TableSpec {
    name: "flood",
    purpose: "Sends a copy to every port of the network on this host, one part of the list after \
              the other, then goes on to other hosts.",
    matches: &[Field::REG0],
    reads: &[Register::NETWORK],
    writes: &[Register::PART],
    next: &[Table::FloodLocal, Table::FloodRemote],
    ..TableSpec::EMPTY
};

pub(super) const FLOOD_LOCAL: TableSpec = TableSpec {
    name: "flood_local",
    purpose: "Sends a copy to each port of one part of the list. The sender gets none: Open \
              vSwitch never sends a packet out of the port it came in by.",
    matches: &[Field::REG0, Field::REG5],
    reads: &[Register::NETWORK, Register::PART],
    writes: &[Register::DESTINATION_PORT],
    next: &[Table::Ingress],
    ..TableSpec::EMPTY
};

pub(super) const FLOOD_REMOTE: TableSpec = TableSpec {
    name: "flood_remote",
    purpose: "Sends a local port's flood on to other hosts: to every tunnel endpoint that has a \
              port of the network, or to the uplink. What came from another host ends here.",
    matches: &[Field::REG0, Field::REG3],
    reads: &[Register::NETWORK, Register::ORIGIN],
    writes: &[Register::PART],
    rewrites: &[Field::TUN_ID],
    next: &[Table::FloodVteps, Table::Uplink],
    ..TableSpec::EMPTY
};

pub(super) const FLOOD_VTEPS: TableSpec = TableSpec {
    name: "flood_vteps",
    purpose: "Sends a copy to each tunnel endpoint of one part of the list.",
    matches: &[Field::REG0, Field::REG5],
    reads: &[Register::NETWORK, Register::PART],
    rewrites: &[Field::TUN_DST, Field::TUN_IPV6_DST],
    next: &[Table::Encap],
    ..TableSpec::EMPTY
};

pub(super) const OUTPUT: TableSpec = TableSpec {
    name: "output",
    purpose: "Sends the packet out of the local port that it is for.",
    matches: &[Field::REG2],
    reads: &[Register::DESTINATION_PORT],
    outputs: true,
    ..TableSpec::EMPTY
};

pub(super) const ENCAP: TableSpec = TableSpec {
    name: "encap",
    purpose: "Sends the packet out of the tunnel port, except to this host itself.",
    matches: &[Field::TUN_DST, Field::TUN_IPV6_DST],
    outputs: true,
    ..TableSpec::EMPTY
};

pub(super) const UPLINK: TableSpec = TableSpec {
    name: "uplink",
    purpose: "Sends the packet to the provider bridge of the network's physical network, tagged \
              with the network's VLAN.",
    matches: &[Field::REG0],
    reads: &[Register::NETWORK],
    rewrites: &[Field::VLAN_VID],
    outputs: true,
    ..TableSpec::EMPTY
};
