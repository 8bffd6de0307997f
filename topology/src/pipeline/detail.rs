//! What single flows are for: the last eight bits of their cookie.

use super::Table;
use crate::cookie::BlockKind;

/// What becomes of a packet that a flow matches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It goes on, or out of a port.
    Pass,
    /// It ends here, for the reason that the detail's sentence gives.
    Drop,
}

/// What is fixed for all flows of one [`Detail`].
#[derive(Clone, Copy, Debug)]
pub struct DetailSpec {
    /// The sort of block that has them.
    pub kind: BlockKind,
    /// The table that they stand in.
    pub table: Table,
    /// Their priority.
    pub priority: u16,
    /// What becomes of the packet.
    pub verdict: Verdict,
    /// Which packets, and what happens to them or why they are dropped.
    pub sentence: &'static str,
}

macro_rules! details {
    ($($name:ident = $number:literal: $kind:ident, $table:ident, $priority:literal, $verdict:ident,
        $sentence:literal;)*) => {
        /// What a flow is for: the last eight bits of its cookie.
        ///
        /// Numbers are part of what an operator sees and are never given a new meaning.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[repr(u8)]
        pub enum Detail {
            $(#[doc = $sentence] $name = $number,)*
        }

        impl Detail {
            /// Every detail, in the order of their numbers.
            pub fn all() -> impl Iterator<Item = Self> {
                [$(Self::$name,)*].into_iter()
            }

            /// What is fixed for all flows of this detail.
            pub const fn spec(self) -> &'static DetailSpec {
                match self {
                    $(Self::$name => &DetailSpec {
                        kind: BlockKind::$kind,
                        table: Table::$table,
                        priority: $priority,
                        verdict: Verdict::$verdict,
                        sentence: $sentence,
                    },)*
                }
            }

            /// The detail with this number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The name, as the source has it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

details! {
    ClassifyTunnel = 0x01: HostBase, Classify, 100, Pass,
        "untagged frame from the tunnel port";
    UplinkOther = 0x02: HostBase, Classify, 60, Drop,
        "frame from a provider bridge in a VLAN, or untagged, of no network that has a port here";
    TaggedByPort = 0x03: HostBase, Classify, 50, Drop,
        "tagged frame from a port or the tunnel: tags are Weft's own business";
    UnknownPort = 0x04: HostBase, Classify, 0, Drop,
        "frame from an OpenFlow port that is none of Weft's";
    UnknownVtep = 0x05: HostBase, Vtep, 0, Drop,
        "tunnel packet from an address that is no host's tunnel endpoint";
    UnknownVni = 0x06: HostBase, Vni, 0, Drop,
        "tunnel packet with the VNI of no network that has a port here";
    GuardMiss = 0x07: HostBase, Guard, 0, Drop,
        "frame from a port whose flows are on their way in or out";
    GuardIpv6Miss = 0x08: HostBase, GuardIpv6, 0, Drop,
        "IPv6 packet from a port whose flows are on their way in or out";
    RespondArpProbe = 0x09: HostBase, Respond, 110, Pass,
        "ARP probe (sender address 0.0.0.0): not answered but flooded, its owner defends an address";
    RespondNoSource = 0x0a: HostBase, Respond, 110, Pass,
        "neighbour solicitation that names no sender, as for duplicate address detection: not answered but flooded";
    RespondMiss = 0x0b: HostBase, Respond, 0, Pass,
        "nothing to answer";
    RespondNd = 0x0c: HostBase, RespondNd, 100, Pass,
        "second step of the answer to a neighbour solicitation: flags and target link-layer address, back to the asker";
    RespondNdMiss = 0x0d: HostBase, RespondNd, 0, Drop,
        "no neighbour advertisement: does not occur";
    ForwardGroup = 0x0e: HostBase, ForwardLocal, 200, Pass,
        "broadcast or multicast";
    TunnelNoPort = 0x0f: HostBase, ForwardLocal, 10, Drop,
        "came through the tunnel for a destination that is not on this host";
    UplinkNoPort = 0x10: HostBase, ForwardLocal, 10, Drop,
        "came from an uplink for a destination that is not on this host";
    ForwardLocalMiss = 0x11: HostBase, ForwardLocal, 0, Pass,
        "destination is not on this host";
    ForwardRemoteMiss = 0x12: HostBase, ForwardRemote, 0, Drop,
        "packet of a network whose flows are on their way in or out";
    FloodMiss = 0x13: HostBase, Flood, 0, Drop,
        "flood of a network that has no port here any more";
    FloodLocalMiss = 0x14: HostBase, FloodLocal, 0, Drop,
        "part of a flood list that is on its way in or out";
    FloodNotOnward = 0x15: HostBase, FloodRemote, 200, Drop,
        "copy that came from another host: floods are never handed on to a third";
    FloodRemoteMiss = 0x16: HostBase, FloodRemote, 0, Drop,
        "flood of a network that reaches no other host";
    FloodVtepsMiss = 0x17: HostBase, FloodVteps, 0, Drop,
        "part of a flood list that is on its way in or out";
    OutputMiss = 0x18: HostBase, Output, 0, Drop,
        "for a port that is being unplugged";
    OwnVtep = 0x19: HostBase, Encap, 100, Drop,
        "copy for this host's own tunnel endpoint: the list of endpoints is the same on every host";
    Encap = 0x1a: HostBase, Encap, 10, Pass,
        "out of the tunnel port";
    NoTunnelPort = 0x1b: HostBase, Encap, 0, Drop,
        "this host has no tunnel port, or no tunnel endpoint";
    UplinkMiss = 0x1c: HostBase, Uplink, 0, Drop,
        "packet of a network whose flows are on their way in or out";

    KnownVtep = 0x40: Vteps, Vtep, 100, Pass,
        "tunnel packet from a host's tunnel endpoint";

    Vni = 0x50: Network, Vni, 100, Pass,
        "tunnel packet with the network's VNI";
    ArpResponder = 0x51: Network, Respond, 100, Pass,
        "ARP request for an address of the port: answered with its Ethernet address";
    NdResponder = 0x52: Network, Respond, 100, Pass,
        "neighbour solicitation for an address of the port: first step of the answer";
    ForwardRemote = 0x53: Network, ForwardRemote, 100, Pass,
        "for the port's Ethernet address: through the tunnel to its host";
    ForwardFloating = 0x54: Network, ForwardLocal, 90, Pass,
        "for an Ethernet address out of allowed address pairs, which may be at any port that names it: flooded";
    ForwardUplink = 0x55: Network, ForwardRemote, 50, Pass,
        "for a destination elsewhere on the physical network: to the uplink";
    UnknownDestination = 0x56: Network, ForwardRemote, 10, Drop,
        "for an Ethernet address that no port of the network has";
    FloodToVteps = 0x57: Network, FloodRemote, 100, Pass,
        "one copy to every host that has a port of the network";
    VtepCopies = 0x58: Network, FloodVteps, 100, Pass,
        "copies to the tunnel endpoints of one part of the list";
    FloodToUplink = 0x59: Network, FloodRemote, 100, Pass,
        "one copy to the physical network";

    ClassifyUplink = 0x70: HostNetwork, Classify, 100, Pass,
        "frame from the provider bridge in the network's VLAN, or untagged for a flat network; the tag is popped";
    Flood = 0x71: HostNetwork, Flood, 100, Pass,
        "to all ports of the network on this host, part by part, then to other hosts";
    PortCopies = 0x72: HostNetwork, FloodLocal, 100, Pass,
        "copies to the local ports of one part of the list";
    ToUplink = 0x73: HostNetwork, Uplink, 100, Pass,
        "out to the provider bridge, tagged with the network's VLAN if it has one";
    NoUplink = 0x74: HostNetwork, Uplink, 100, Drop,
        "this host does not map the network's physical network to a bridge";

    ClassifyPort = 0x80: HostPort, Classify, 100, Pass,
        "untagged frame from the port";
    GuardOff = 0x81: HostPort, Guard, 100, Pass,
        "port security is off: anything goes";
    OwnAnnouncement = 0x82: HostPort, Guard, 120, Pass,
        "ARP announcement of the port's own address: not answered but flooded";
    OwnArp = 0x83: HostPort, Guard, 100, Pass,
        "ARP from an address of the port";
    OwnArpProbe = 0x84: HostPort, Guard, 100, Pass,
        "ARP probe for an address of the port";
    OwnIpv4 = 0x85: HostPort, Guard, 100, Pass,
        "IPv4 from an address of the port";
    DhcpClient = 0x86: HostPort, Guard, 100, Pass,
        "DHCP request before the port knows its address";
    DhcpServer = 0x87: HostPort, Guard, 200, Drop,
        "DHCP or DHCPv6 server's answer from a port";
    RouterAdvertisement = 0x88: HostPort, Guard, 200, Drop,
        "IPv6 router advertisement from a port";
    Redirect = 0x89: HostPort, Guard, 200, Drop,
        "ICMPv6 redirect from a port";
    OwnDad = 0x8a: HostPort, Guard, 120, Pass,
        "duplicate address detection for an address of the port";
    OwnSolicitation = 0x8b: HostPort, Guard, 110, Pass,
        "neighbour solicitation that tells the port's own link-layer address or none; its source is looked at next";
    OwnAdvertisement = 0x8c: HostPort, Guard, 110, Pass,
        "neighbour advertisement of an address of the port; its source is looked at next";
    SpoofedNd = 0x8d: HostPort, Guard, 105, Drop,
        "neighbour solicitation or advertisement for an address that is not the port's";
    Ipv6 = 0x8e: HostPort, Guard, 100, Pass,
        "IPv6; its source is looked at next";
    Spoofed = 0x8f: HostPort, Guard, 10, Drop,
        "source address that is neither the port's nor an allowed pair, or neither IP, ARP nor RARP";
    OwnRarp = 0x95: HostPort, Guard, 100, Pass,
        "RARP from the port's Ethernet address: how a hypervisor announces a VM that has moved";
    OwnIpv6 = 0x90: HostPort, GuardIpv6, 100, Pass,
        "IPv6 from an address of the port";
    OwnUnspecified = 0x91: HostPort, GuardIpv6, 100, Pass,
        "multicast listener report or router solicitation before the port knows its address";
    SpoofedIpv6 = 0x92: HostPort, GuardIpv6, 10, Drop,
        "IPv6 source address that is neither the port's nor an allowed pair";
    ForwardPort = 0x93: HostPort, ForwardLocal, 100, Pass,
        "for the port's Ethernet address";
    OutputPort = 0x94: HostPort, Output, 100, Pass,
        "out of the port";
}
