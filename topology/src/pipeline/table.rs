use std::collections::BTreeMap;

use openflow::{Field, Names, PortNo};

use super::Register;

mod address;
mod forwarding;
mod policy;

/// A table of the pipeline; the discriminant is its OpenFlow number.
///
/// From 100 on stand the tables that others ask, by resubmit, and that give the packet back.
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
    /// Whose address an ARP request or neighbour solicitation is for.
    Respond = 20,
    /// ARP and neighbour discovery, answered from the model.
    Answer = 21,
    /// Second step of answering a neighbour solicitation.
    AnswerNd = 22,
    /// Which conntrack zone the sending port has.
    Egress = 30,
    /// Through the sender's conntrack zone.
    EgressTrack = 31,
    /// What conntrack says of a sent packet.
    EgressState = 32,
    /// What the rules say of it.
    EgressVerdict = 33,
    /// Into the sender's conntrack zone.
    EgressCommit = 34,
    /// What conntrack says of what it has taken in.
    EgressCommitted = 35,
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
    /// Which conntrack zone the receiving port has.
    Ingress = 80,
    /// Through the receiver's conntrack zone.
    IngressTrack = 81,
    /// What conntrack says of a packet to a port.
    IngressState = 82,
    /// What the rules say of it.
    IngressVerdict = 83,
    /// Into the receiver's conntrack zone.
    IngressCommit = 84,
    /// What conntrack says of what it has taken in.
    IngressCommitted = 85,
    /// Out of a local port.
    Output = 90,
    /// Out of the tunnel port.
    Encap = 91,
    /// Out to a provider bridge.
    Uplink = 92,
    /// Which profile a port has.
    Profile = 100,
    /// The rules of profiles.
    Rules = 101,
    /// Which port has an IPv4 address.
    Addresses = 102,
    /// Which port has an IPv6 address.
    AddressesIpv6 = 103,
    /// Who is in a security group or address group.
    Peers = 104,
    /// The rules of profiles for members of a remote.
    PeerRules = 105,
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
    /// The packet, tunnel and conntrack fields that its flows copy from.
    pub copies: &'static [Field],
    /// The packet and tunnel fields that its flows set.
    pub rewrites: &'static [Field],
    /// The tables that its flows may go on to, resubmit to, or let conntrack go on to.
    pub next: &'static [Table],
    /// Whether its flows may send a packet through conntrack.
    pub tracks: bool,
    /// Whether its flows may tell the controller of a packet.
    pub logs: bool,
    /// Whether its flows may send a packet out of a port.
    pub outputs: bool,
}

impl TableSpec {
    /// What a definition begins with.
    const EMPTY: Self = Self {
        name: "",
        purpose: "",
        matches: &[],
        reads: &[],
        writes: &[],
        copies: &[],
        rewrites: &[],
        next: &[],
        tracks: false,
        logs: false,
        outputs: false,
    };
}

impl Table {
    /// Every table, in order.
    pub const ALL: [Self; 35] = [
        Self::Classify,
        Self::Vtep,
        Self::Vni,
        Self::Guard,
        Self::GuardIpv6,
        Self::Respond,
        Self::Answer,
        Self::AnswerNd,
        Self::Egress,
        Self::EgressTrack,
        Self::EgressState,
        Self::EgressVerdict,
        Self::EgressCommit,
        Self::EgressCommitted,
        Self::ForwardLocal,
        Self::ForwardRemote,
        Self::Flood,
        Self::FloodLocal,
        Self::FloodRemote,
        Self::FloodVteps,
        Self::Ingress,
        Self::IngressTrack,
        Self::IngressState,
        Self::IngressVerdict,
        Self::IngressCommit,
        Self::IngressCommitted,
        Self::Output,
        Self::Encap,
        Self::Uplink,
        Self::Profile,
        Self::Rules,
        Self::Addresses,
        Self::AddressesIpv6,
        Self::Peers,
        Self::PeerRules,
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
            Self::Classify => &forwarding::CLASSIFY,
            Self::Vtep => &forwarding::VTEP,
            Self::Vni => &forwarding::VNI,
            Self::Guard => &forwarding::GUARD,
            Self::GuardIpv6 => &forwarding::GUARD_IPV6,
            Self::Respond => &forwarding::RESPOND,
            Self::Answer => &forwarding::ANSWER,
            Self::AnswerNd => &forwarding::ANSWER_ND,
            Self::Egress => &policy::EGRESS,
            Self::EgressTrack => &policy::EGRESS_TRACK,
            Self::EgressState => &policy::EGRESS_STATE,
            Self::EgressVerdict => &policy::EGRESS_VERDICT,
            Self::EgressCommit => &policy::EGRESS_COMMIT,
            Self::EgressCommitted => &policy::EGRESS_COMMITTED,
            Self::ForwardLocal => &forwarding::FORWARD_LOCAL,
            Self::ForwardRemote => &forwarding::FORWARD_REMOTE,
            Self::Flood => &forwarding::FLOOD,
            Self::FloodLocal => &forwarding::FLOOD_LOCAL,
            Self::FloodRemote => &forwarding::FLOOD_REMOTE,
            Self::FloodVteps => &forwarding::FLOOD_VTEPS,
            Self::Ingress => &policy::INGRESS,
            Self::IngressTrack => &policy::INGRESS_TRACK,
            Self::IngressState => &policy::INGRESS_STATE,
            Self::IngressVerdict => &policy::INGRESS_VERDICT,
            Self::IngressCommit => &policy::INGRESS_COMMIT,
            Self::IngressCommitted => &policy::INGRESS_COMMITTED,
            Self::Output => &forwarding::OUTPUT,
            Self::Encap => &forwarding::ENCAP,
            Self::Uplink => &forwarding::UPLINK,
            Self::Profile => &policy::PROFILE,
            Self::Rules => &policy::RULES,
            Self::Addresses => &address::ADDRESSES,
            Self::AddressesIpv6 => &address::ADDRESSES_IPV6,
            Self::Peers => &policy::PEERS,
            Self::PeerRules => &policy::PEER_RULES,
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
