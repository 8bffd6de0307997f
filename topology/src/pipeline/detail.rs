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
    AnswerNd = 0x0c: HostBase, AnswerNd, 100, Pass,
        "second step of the answer to a neighbour solicitation: flags and target link-layer address, back to the asker";
    AnswerNdMiss = 0x0d: HostBase, AnswerNd, 0, Drop,
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

    RespondArp = 0x1d: HostBase, Respond, 100, Pass,
        "ARP request: whose address it is for is looked up";
    RespondSolicitation = 0x1e: HostBase, Respond, 100, Pass,
        "neighbour solicitation: whose address it is for is looked up";
    AnswerUnknown = 0x1f: HostBase, Answer, 110, Pass,
        "for an address that no port of the network has: not answered but flooded";
    EgressMiss = 0x20: HostBase, Egress, 0, Drop,
        "packet of a port whose flows are on their way in or out";
    EgressNeighbour = 0x21: HostBase, EgressTrack, 120, Pass,
        "neighbour discovery or multicast listener report: not for rules to judge";
    EgressDhcp = 0x22: HostBase, EgressTrack, 120, Pass,
        "DHCP or DHCPv6 client's request: not for rules to judge";
    EgressStateless = 0x23: HostBase, EgressTrack, 110, Pass,
        "IP from a port whose groups are stateless: judged by its own headers";
    EgressTrack = 0x24: HostBase, EgressTrack, 100, Pass,
        "IP: through the sender's conntrack zone";
    EgressOther = 0x25: HostBase, EgressTrack, 0, Pass,
        "neither IPv4 nor IPv6: no rule is about it";
    EgressInvalid = 0x26: HostBase, EgressState, 130, Drop,
        "conntrack finds it invalid: neither part of a connection nor the beginning of one";
    EgressFragment = 0x27: HostBase, EgressState, 120, Pass,
        "fragment behind the first: passes together with that one, once it is allowed";
    EgressReply = 0x28: HostBase, EgressState, 110, Pass,
        "reply, or ICMP error in that direction: judged by what the port may get";
    EgressRelated = 0x29: HostBase, EgressState, 110, Pass,
        "ICMP error in the direction of its connection: judged by what the connection began with";
    EgressForward = 0x2a: HostBase, EgressState, 0, Pass,
        "in the direction in which its connection began: judged by its own headers";
    EgressUntracked = 0x2b: HostBase, EgressVerdict, 120, Pass,
        "allowed by a stateless group";
    EgressFirstFragment = 0x2c: HostBase, EgressVerdict, 105, Pass,
        "allowed: the fragments behind it pass with it";
    EgressAllowed = 0x2d: HostBase, EgressVerdict, 100, Pass,
        "allowed";
    EgressVerdictMiss = 0x2e: HostBase, EgressVerdict, 0, Drop,
        "not allowed, from a port whose flows are on their way in or out";
    EgressCommit = 0x2f: HostBase, EgressCommit, 100, Pass,
        "into the sender's conntrack zone";
    EgressCommitMiss = 0x30: HostBase, EgressCommit, 0, Drop,
        "neither IPv4 nor IPv6: does not occur";
    EgressUncommitted = 0x31: HostBase, EgressCommitted, 100, Drop,
        "fragment without its rest, or one that conntrack does not take in";
    EgressCommitted = 0x32: HostBase, EgressCommitted, 0, Pass,
        "allowed, and known to conntrack";

    IngressMiss = 0xa0: HostBase, Ingress, 0, Drop,
        "packet for a port whose flows are on their way in or out";
    IngressNeighbour = 0xa1: HostBase, IngressTrack, 120, Pass,
        "neighbour discovery or multicast listener message: not for rules to judge";
    IngressDhcp = 0xa2: HostBase, IngressTrack, 120, Pass,
        "DHCP or DHCPv6 server's answer: not for rules to judge";
    IngressStateless = 0xa3: HostBase, IngressTrack, 110, Pass,
        "IP for a port whose groups are stateless: judged by its own headers";
    IngressTrack = 0xa4: HostBase, IngressTrack, 100, Pass,
        "IP: through the receiver's conntrack zone";
    IngressOther = 0xa5: HostBase, IngressTrack, 0, Pass,
        "neither IPv4 nor IPv6: no rule is about it";
    IngressInvalid = 0xa6: HostBase, IngressState, 130, Drop,
        "conntrack finds it invalid: neither part of a connection nor the beginning of one";
    IngressFragment = 0xa7: HostBase, IngressState, 120, Pass,
        "fragment behind the first: passes together with that one, once it is allowed";
    IngressReply = 0xa8: HostBase, IngressState, 110, Pass,
        "reply, or ICMP error in that direction: judged by what the port may send";
    IngressRelated = 0xa9: HostBase, IngressState, 110, Pass,
        "ICMP error in the direction of its connection: judged by what the connection began with";
    IngressForward = 0xaa: HostBase, IngressState, 0, Pass,
        "in the direction in which its connection began: judged by its own headers";
    IngressUntracked = 0xab: HostBase, IngressVerdict, 120, Pass,
        "allowed by a stateless group";
    IngressFirstFragment = 0xac: HostBase, IngressVerdict, 105, Pass,
        "allowed: the fragments behind it pass with it";
    IngressAllowed = 0xad: HostBase, IngressVerdict, 100, Pass,
        "allowed";
    IngressVerdictMiss = 0xae: HostBase, IngressVerdict, 0, Drop,
        "not allowed, for a port whose flows are on their way in or out";
    IngressCommit = 0xaf: HostBase, IngressCommit, 100, Pass,
        "into the receiver's conntrack zone";
    IngressCommitMiss = 0xb0: HostBase, IngressCommit, 0, Drop,
        "neither IPv4 nor IPv6: does not occur";
    IngressUncommitted = 0xb1: HostBase, IngressCommitted, 100, Drop,
        "fragment without its rest, or one that conntrack does not take in";
    IngressCommitted = 0xb2: HostBase, IngressCommitted, 0, Pass,
        "allowed, and known to conntrack";

    AnswerArp = 0x33: HostBase, Answer, 100, Pass,
        "ARP request for an address of a port: answered with its Ethernet address";
    AnswerSolicitation = 0x34: HostBase, Answer, 100, Pass,
        "neighbour solicitation for an address of a port: first step of the answer";
    AnswerMiss = 0x35: HostBase, Answer, 0, Drop,
        "neither ARP request nor neighbour solicitation: does not occur";
    ProfileMiss = 0x37: HostBase, Profile, 0, Pass,
        "for or from a port whose flows are on their way in or out: nothing is allowed";
    RulesMiss = 0x38: HostBase, Rules, 0, Pass,
        "no rule allows it";
    PeersMiss = 0x39: HostBase, Peers, 0, Pass,
        "the peer is not in that remote";
    PeerRulesMiss = 0x3a: HostBase, PeerRules, 0, Pass,
        "the peer is in that remote, but no rule allows it what it does";
    BeforeAddress = 0x36: HostBase, GuardIpv6, 110, Pass,
        "multicast listener report or router solicitation before the port knows its address";
    AddressesMiss = 0x3b: HostBase, Addresses, 0, Pass,
        "no port of the network has the address";
    AddressesIpv6Miss = 0x3c: HostBase, AddressesIpv6, 0, Pass,
        "no port of the network has the address";

    KnownVtep = 0x40: Vteps, Vtep, 100, Pass,
        "tunnel packet from a host's tunnel endpoint";

    Vni = 0x50: Network, Vni, 100, Pass,
        "tunnel packet with the network's VNI";
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
    Address = 0x5a: Network, Addresses, 100, Pass,
        "an address of the port: its Ethernet address, and its profile if it is in a group";
    AddressIpv6 = 0x5b: Network, AddressesIpv6, 100, Pass,
        "an address of the port: its Ethernet address, and its profile if it is in a group";
    MemberPair = 0x5c: Network, Peers, 100, Pass,
        "an address out of allowed address pairs of a port that is in the remote group";

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
        "IPv6 from an Ethernet address of the port; its source is looked at next";
    Spoofed = 0x8f: HostPort, Guard, 10, Drop,
        "source address that is neither the port's nor an allowed pair, or neither IP, ARP nor RARP";
    OwnRarp = 0x95: HostPort, Guard, 100, Pass,
        "RARP from the port's Ethernet address: how a hypervisor announces a VM that has moved";
    OwnIpv6 = 0x90: HostPort, GuardIpv6, 100, Pass,
        "IPv6 from an address of the port";
    SpoofedIpv6 = 0x92: HostPort, GuardIpv6, 10, Drop,
        "IPv6 source address that is neither the port's nor an allowed pair";
    ForwardPort = 0x93: HostPort, ForwardLocal, 100, Pass,
        "for the port's Ethernet address";
    OutputPort = 0x94: HostPort, Output, 100, Pass,
        "out of the port";
    Egress = 0x96: HostPort, Egress, 100, Pass,
        "from the port: judged, in its conntrack zone";
    EgressOff = 0x97: HostPort, Egress, 100, Pass,
        "port security is off: the port may send anything";
    EgressNew = 0x98: HostPort, EgressVerdict, 110, Pass,
        "allowed, and a new connection from the port";
    EgressDenied = 0x99: HostPort, EgressVerdict, 50, Drop,
        "no rule of the port's security groups allows it to send this";
    Ingress = 0x9a: HostPort, Ingress, 100, Pass,
        "for the port: judged, in its conntrack zone";
    IngressOff = 0x9b: HostPort, Ingress, 100, Pass,
        "port security is off: the port may get anything";
    IngressNew = 0x9c: HostPort, IngressVerdict, 110, Pass,
        "allowed, and a new connection to the port";
    IngressDenied = 0x9d: HostPort, IngressVerdict, 50, Drop,
        "no rule of the port's security groups allows it to get this";
    PortProfile = 0x9e: HostPort, Profile, 100, Pass,
        "judged for the port: by its profile";

    Rule = 0xc0: Profile, Rules, 100, Pass,
        "allowed, by the packet's own headers";
    RuleOfConnection = 0xc1: Profile, Rules, 100, Pass,
        "allowed, by what its connection began with";
    RuleLogged = 0xc2: Profile, Rules, 110, Pass,
        "allowed, by the packet's own headers, and logged";
    Remotes = 0xc3: Profile, Rules, 10, Pass,
        "tries rules with a remote group or address group, by the packet's own headers";
    RemotesOfConnection = 0xc4: Profile, Rules, 10, Pass,
        "tries rules with a remote group or address group, by what its connection began with";
    PeerRule = 0xc5: Profile, PeerRules, 100, Pass,
        "allowed to members of the remote, by the packet's own headers";
    PeerRuleOfConnection = 0xc6: Profile, PeerRules, 100, Pass,
        "allowed to members of the remote, by what its connection began with";
    PeerRuleLogged = 0xc7: Profile, PeerRules, 110, Pass,
        "allowed to members of the remote, by the packet's own headers, and logged";

    GroupMember = 0xd1: GroupMembers, Peers, 110, Pass,
        "the port that has the address is of a profile that is in the remote group";

    AddressGroupPrefix = 0xd8: AddressGroup, Peers, 100, Pass,
        "an address of the address group";
}
