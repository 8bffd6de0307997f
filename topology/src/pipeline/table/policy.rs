//! What security groups allow: tables for what a port sends, the same again for what it gets, and
//! those that both ask.

use openflow::Field;

use super::{Table, TableSpec};
use crate::pipeline::Register;

pub(super) const EGRESS: TableSpec = TableSpec {
    name: "egress",
    purpose: "Loads the conntrack zone of the port that sent the packet. A port without port \
              security has none and goes past the rules.",
    matches: &[Field::REG1],
    reads: &[Register::SOURCE_PORT],
    writes: &[Register::ZONE],
    next: &[Table::EgressTrack, Table::ForwardLocal],
    ..TableSpec::EMPTY
};

pub(super) const EGRESS_TRACK: TableSpec = TableSpec {
    name: "egress_track",
    purpose: "Sends IP through the sender's conntrack zone, also of a port without any group, so \
              that a connection is judged by where it really began when the port gets one. What \
              a port needs to have an address at all is not for rules to judge: ARP, neighbour \
              discovery, multicast listener reports, DHCP.",
    matches: TRACK_MATCHES,
    reads: &[Register::ZONE, Register::SOURCE_PORT],
    writes: &[Register::JUDGED, Register::JUDGED_PORT, Register::PROFILE, Register::ALLOWED],
    next: &[Table::EgressState, Table::EgressVerdict, Table::ForwardLocal, Table::Profile],
    tracks: true,
    ..TableSpec::EMPTY
};

pub(super) const EGRESS_STATE: TableSpec = TableSpec {
    name: "egress_state",
    purpose: "Has the packet judged by the rules of the direction in which its connection began: \
              in that direction by its own headers, a reply or a related ICMP error by the \
              addresses and ports that the connection began with. No verdict is remembered: a \
              rule that goes or comes counts from the next packet on, either way.",
    matches: STATE_MATCHES,
    reads: &[Register::SOURCE_PORT],
    writes: &[Register::JUDGED, Register::JUDGED_PORT, Register::PROFILE, Register::ALLOWED],
    next: &[Table::EgressVerdict, Table::EgressCommit, Table::Profile],
    ..TableSpec::EMPTY
};

pub(super) const EGRESS_VERDICT: TableSpec = TableSpec {
    name: "egress_verdict",
    purpose: "Ends what no rule allows, and has conntrack remember new connections.",
    matches: &[
        Field::REG1,
        Field::REG12,
        Field::REG13,
        Field::CT_STATE,
        Field::ETH_TYPE,
        Field::IP_FRAG,
    ],
    reads: &[Register::SOURCE_PORT, Register::ZONE, Register::ALLOWED],
    next: &[Table::EgressCommit, Table::ForwardLocal],
    ..TableSpec::EMPTY
};

pub(super) const EGRESS_COMMIT: TableSpec = TableSpec {
    name: "egress_commit",
    purpose: "Commits a connection to the sender's conntrack zone, and puts the fragments of an \
              allowed packet together: those behind the first, which nothing but conntrack can \
              tell the ports of, come out only with it. A table of its own, because conntrack \
              wants to know the IP version.",
    matches: &[Field::ETH_TYPE],
    reads: &[Register::ZONE],
    next: &[Table::EgressCommitted],
    tracks: true,
    ..TableSpec::EMPTY
};

pub(super) const EGRESS_COMMITTED: TableSpec = TableSpec {
    name: "egress_committed",
    purpose: "Goes on with what conntrack has taken in. It may let go of others' fragments at \
              any time, whose rest never came; those end here.",
    matches: &[Field::CT_STATE],
    next: &[Table::ForwardLocal],
    ..TableSpec::EMPTY
};

pub(super) const INGRESS: TableSpec = TableSpec {
    name: "ingress",
    purpose: "As egress, for the port that the packet is for.",
    matches: &[Field::REG2],
    reads: &[Register::DESTINATION_PORT],
    writes: &[Register::ZONE],
    next: &[Table::IngressTrack, Table::Output],
    ..TableSpec::EMPTY
};

pub(super) const INGRESS_TRACK: TableSpec = TableSpec {
    name: "ingress_track",
    purpose: "As egress_track, for the port that the packet is for: a packet between two ports \
              of one host is tracked twice, in the zone of either.",
    matches: TRACK_MATCHES,
    reads: &[Register::ZONE, Register::DESTINATION_PORT],
    writes: &[Register::JUDGED, Register::JUDGED_PORT, Register::PROFILE, Register::ALLOWED],
    next: &[Table::IngressState, Table::IngressVerdict, Table::Output, Table::Profile],
    tracks: true,
    ..TableSpec::EMPTY
};

pub(super) const INGRESS_STATE: TableSpec = TableSpec {
    name: "ingress_state",
    purpose: "As egress_state, for the port that the packet is for.",
    matches: STATE_MATCHES,
    reads: &[Register::DESTINATION_PORT],
    writes: &[Register::JUDGED, Register::JUDGED_PORT, Register::PROFILE, Register::ALLOWED],
    next: &[Table::IngressVerdict, Table::IngressCommit, Table::Profile],
    ..TableSpec::EMPTY
};

pub(super) const INGRESS_VERDICT: TableSpec = TableSpec {
    name: "ingress_verdict",
    purpose: "As egress_verdict, for the port that the packet is for.",
    matches: &[
        Field::REG2,
        Field::REG12,
        Field::REG13,
        Field::CT_STATE,
        Field::ETH_TYPE,
        Field::IP_FRAG,
    ],
    reads: &[Register::DESTINATION_PORT, Register::ZONE, Register::ALLOWED],
    next: &[Table::IngressCommit, Table::Output],
    ..TableSpec::EMPTY
};

pub(super) const INGRESS_COMMIT: TableSpec = TableSpec {
    name: "ingress_commit",
    purpose: "As egress_commit, for the port that the packet is for.",
    matches: &[Field::ETH_TYPE],
    reads: &[Register::ZONE],
    next: &[Table::IngressCommitted],
    tracks: true,
    ..TableSpec::EMPTY
};

pub(super) const INGRESS_COMMITTED: TableSpec = TableSpec {
    name: "ingress_committed",
    purpose: "As egress_committed, for the port that the packet is for.",
    matches: &[Field::CT_STATE],
    next: &[Table::Output],
    ..TableSpec::EMPTY
};

pub(super) const PROFILE: TableSpec = TableSpec {
    name: "profile",
    purpose: "Loads the policy profile of the port that the packet is judged for, which is its set \
              of security groups. Behind conntrack, where a change of the profile counts at once: \
              what a packet carries through conntrack is what the port had in front of it. Asked \
              by resubmit, gives the packet back.",
    matches: &[Field::REG14],
    reads: &[Register::JUDGED_PORT],
    writes: &[Register::PROFILE, Register::ALLOWED],
    next: &[Table::Rules],
    ..TableSpec::EMPTY
};

pub(super) const RULES: TableSpec = TableSpec {
    name: "rules",
    purpose: "The rules of the port's profile: whether one of them allows the packet. Where none \
              does, rules with a remote group or address group are tried, one remote after the \
              other. Gives the packet back.",
    matches: RULE_MATCHES,
    reads: &[Register::JUDGED, Register::PROFILE],
    writes: &[
        Register::ALLOWED,
        Register::REMOTE,
        Register::ADDRESS_IPV4,
        Register::ADDRESS_IPV6,
        Register::OWNER_MAC,
        Register::OWNER_PROFILE,
    ],
    copies: &[
        Field::IPV4_SRC,
        Field::IPV4_DST,
        Field::IPV6_SRC,
        Field::IPV6_DST,
        Field::CT_NW_SRC,
        Field::CT_NW_DST,
        Field::CT_IPV6_SRC,
        Field::CT_IPV6_DST,
    ],
    next: &[Table::Addresses, Table::AddressesIpv6, Table::Peers],
    logs: true,
    ..TableSpec::EMPTY
};

pub(super) const PEERS: TableSpec = TableSpec {
    name: "peers",
    purpose: "Whether the peer is a member of the remote group, or in the address group, that a \
              rule asks for: by the groups of the port that has its address, or by an address \
              out of allowed address pairs. A group's members are looked for on the packet's \
              network only. Asked by resubmit, gives the packet back.",
    matches: &[
        Field::REG6,
        Field::REG15,
        Field::REG0,
        Field::ETH_TYPE,
        Field::REG8,
        Field::REG9,
        Field::REG10,
        Field::REG11,
    ],
    reads: &[
        Register::REMOTE,
        Register::OWNER_PROFILE,
        Register::NETWORK,
        Register::ADDRESS_IPV4,
        Register::ADDRESS_IPV6,
    ],
    writes: &[Register::REMOTE],
    next: &[Table::PeerRules],
    ..TableSpec::EMPTY
};

pub(super) const PEER_RULES: TableSpec = TableSpec {
    name: "peer_rules",
    purpose: "The rules of the port's profile for members of the remote that the peer was found \
              in. Gives the packet back.",
    matches: PEER_RULE_MATCHES,
    reads: &[Register::JUDGED, Register::PROFILE, Register::REMOTE],
    writes: &[Register::ALLOWED, Register::REMOTE],
    logs: true,
    ..TableSpec::EMPTY
};

const TRACK_MATCHES: &[Field] = &[
    Field::REG12,
    Field::ETH_TYPE,
    Field::IP_PROTO,
    Field::UDP_SRC,
    Field::UDP_DST,
    Field::ICMPV6_TYPE,
];

const STATE_MATCHES: &[Field] = &[Field::CT_STATE, Field::ETH_TYPE, Field::IP_FRAG];

const RULE_MATCHES: &[Field] = &[
    Field::REG4,
    Field::REG7,
    Field::ETH_TYPE,
    Field::IP_PROTO,
    Field::IPV4_SRC,
    Field::IPV4_DST,
    Field::IPV6_SRC,
    Field::IPV6_DST,
    Field::TCP_DST,
    Field::UDP_DST,
    Field::SCTP_DST,
    Field::ICMPV4_TYPE,
    Field::ICMPV4_CODE,
    Field::ICMPV6_TYPE,
    Field::ICMPV6_CODE,
    Field::CT_STATE,
    Field::CT_NW_PROTO,
    Field::CT_NW_SRC,
    Field::CT_NW_DST,
    Field::CT_IPV6_SRC,
    Field::CT_IPV6_DST,
    Field::CT_TP_SRC,
    Field::CT_TP_DST,
];

const PEER_RULE_MATCHES: &[Field] = &[
    Field::REG4,
    Field::REG6,
    Field::REG7,
    Field::ETH_TYPE,
    Field::IP_PROTO,
    Field::TCP_DST,
    Field::UDP_DST,
    Field::SCTP_DST,
    Field::ICMPV4_TYPE,
    Field::ICMPV4_CODE,
    Field::ICMPV6_TYPE,
    Field::ICMPV6_CODE,
    Field::CT_STATE,
    Field::CT_NW_PROTO,
    Field::CT_TP_SRC,
    Field::CT_TP_DST,
];
