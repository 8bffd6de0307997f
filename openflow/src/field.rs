//! The registry of match fields: OpenFlow 1.3.5 §7.2.3 and Open vSwitch's `meta-flow.h`.

use std::fmt;

/// A match field, by its OXM class and number (and experimenter, in class 0xffff).
///
/// An open registry: the constants are the fields that Weft knows ([`Field::spec`] describes
/// them); any other value is a field that somebody else knows.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Field {
    /// `oxm_class`.
    pub class: u16,
    /// `oxm_field`, 7 bits.
    pub number: u8,
    /// The experimenter of class 0xffff, otherwise 0.
    pub experimenter: u32,
}

/// How a field's value is written in `ovs-ofctl` syntax.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// A decimal number.
    Decimal,
    /// A hexadecimal number with `0x`.
    Hexadecimal,
    /// An Ethernet address.
    Mac,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// An OpenFlow port.
    Port,
    /// `+new-est…`, conntrack state bits.
    CtState,
    /// `+syn-ack…`, TCP flags.
    TcpFlags,
    /// `no`, `yes`, `first`, `later`, `not_later`.
    Frag,
    /// `oam`, tunnel flags.
    TunFlags,
}

/// What is known about a field.
#[derive(Debug)]
pub struct FieldSpec {
    /// The field.
    pub field: Field,
    /// Open vSwitch's name, which `set_field` takes and prints: `eth_src`.
    pub name: &'static str,
    /// The name in a flow's match, where it differs (`dl_src`), else the same.
    pub match_name: &'static str,
    /// The name on the wire, which `move` and `load` take and print: `NXM_OF_ETH_SRC`.
    pub wire_name: &'static str,
    /// Width of the value in bits.
    pub bits: u16,
    /// Whether a mask is allowed.
    pub maskable: bool,
    /// How the value is written.
    pub format: Format,
}

impl FieldSpec {
    /// Bytes that the value takes on the wire.
    pub const fn bytes(&self) -> usize {
        self.bits.div_ceil(8) as usize
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $constant:ident = $class:literal, $number:literal, $experimenter:literal,
        $name:literal, $match_name:literal, $wire_name:literal, $bits:literal, $maskable:literal, $format:ident;)*) => {
        impl Field {
            $(
                #[doc = concat!("`", $match_name, "`, `", $wire_name, "`, ", stringify!($bits), " bits.")]
                pub const $constant: Self =
                    Self { class: $class, number: $number, experimenter: $experimenter };
            )*
        }

        const SPECS: &[FieldSpec] = &[$(
            FieldSpec {
                field: Field::$constant,
                name: $name,
                match_name: $match_name,
                wire_name: $wire_name,
                bits: $bits,
                maskable: $maskable,
                format: Format::$format,
            },
        )*];
    };
}

// The order is the one in which Open vSwitch writes a match: a match in this order has the bytes
// that `ovs-ofctl` sends.
fields! {
    DP_HASH = 0x0001, 35, 0, "dp_hash", "dp_hash", "NXM_NX_DP_HASH", 32, true, Hexadecimal;
    RECIRC_ID = 0x0001, 36, 0, "recirc_id", "recirc_id", "NXM_NX_RECIRC_ID", 32, false, Hexadecimal;
    CONJ_ID = 0x0001, 37, 0, "conj_id", "conj_id", "NXM_NX_CONJ_ID", 32, false, Decimal;
    IN_PORT = 0x8000, 0, 0, "in_port_oxm", "in_port", "OXM_OF_IN_PORT", 32, false, Port;
    ETH_DST = 0x8000, 3, 0, "eth_dst", "dl_dst", "OXM_OF_ETH_DST", 48, true, Mac;
    ETH_SRC = 0x8000, 4, 0, "eth_src", "dl_src", "OXM_OF_ETH_SRC", 48, true, Mac;
    ETH_TYPE = 0x8000, 5, 0, "eth_type", "dl_type", "OXM_OF_ETH_TYPE", 16, false, Hexadecimal;
    VLAN_VID = 0x8000, 6, 0, "vlan_vid", "vlan_vid", "OXM_OF_VLAN_VID", 16, true, Hexadecimal;
    VLAN_PCP = 0x8000, 7, 0, "vlan_pcp", "dl_vlan_pcp", "OXM_OF_VLAN_PCP", 3, false, Decimal;
    IP_DSCP = 0x8000, 8, 0, "ip_dscp", "ip_dscp", "OXM_OF_IP_DSCP", 6, false, Decimal;
    IP_ECN = 0x8000, 9, 0, "nw_ecn", "nw_ecn", "OXM_OF_IP_ECN", 2, false, Decimal;
    IP_TTL = 0x0001, 29, 0, "nw_ttl", "nw_ttl", "NXM_NX_IP_TTL", 8, false, Decimal;
    IP_PROTO = 0x8000, 10, 0, "ip_proto", "nw_proto", "OXM_OF_IP_PROTO", 8, false, Decimal;
    IP_FRAG = 0x0001, 26, 0, "ip_frag", "ip_frag", "NXM_NX_IP_FRAG", 8, true, Frag;
    IPV4_SRC = 0x8000, 11, 0, "ip_src", "nw_src", "OXM_OF_IPV4_SRC", 32, true, Ipv4;
    IPV4_DST = 0x8000, 12, 0, "ip_dst", "nw_dst", "OXM_OF_IPV4_DST", 32, true, Ipv4;
    IPV6_SRC = 0x8000, 26, 0, "ipv6_src", "ipv6_src", "OXM_OF_IPV6_SRC", 128, true, Ipv6;
    IPV6_DST = 0x8000, 27, 0, "ipv6_dst", "ipv6_dst", "OXM_OF_IPV6_DST", 128, true, Ipv6;
    IPV6_FLABEL = 0x8000, 28, 0, "ipv6_label", "ipv6_label", "OXM_OF_IPV6_FLABEL", 20, true, Hexadecimal;
    TCP_SRC = 0x8000, 13, 0, "tcp_src", "tp_src", "OXM_OF_TCP_SRC", 16, true, Decimal;
    TCP_DST = 0x8000, 14, 0, "tcp_dst", "tp_dst", "OXM_OF_TCP_DST", 16, true, Decimal;
    TCP_FLAGS = 0xffff, 42, 0x4f4e_4600, "tcp_flags", "tcp_flags", "ONFOXM_ET_TCP_FLAGS", 12, true, TcpFlags;
    UDP_SRC = 0x8000, 15, 0, "udp_src", "tp_src", "OXM_OF_UDP_SRC", 16, true, Decimal;
    UDP_DST = 0x8000, 16, 0, "udp_dst", "tp_dst", "OXM_OF_UDP_DST", 16, true, Decimal;
    SCTP_SRC = 0x8000, 17, 0, "sctp_src", "tp_src", "OXM_OF_SCTP_SRC", 16, true, Decimal;
    SCTP_DST = 0x8000, 18, 0, "sctp_dst", "tp_dst", "OXM_OF_SCTP_DST", 16, true, Decimal;
    ICMPV4_TYPE = 0x8000, 19, 0, "icmp_type", "icmp_type", "OXM_OF_ICMPV4_TYPE", 8, false, Decimal;
    ICMPV4_CODE = 0x8000, 20, 0, "icmp_code", "icmp_code", "OXM_OF_ICMPV4_CODE", 8, false, Decimal;
    ICMPV6_TYPE = 0x8000, 29, 0, "icmpv6_type", "icmp_type", "OXM_OF_ICMPV6_TYPE", 8, false, Decimal;
    ICMPV6_CODE = 0x8000, 30, 0, "icmpv6_code", "icmp_code", "OXM_OF_ICMPV6_CODE", 8, false, Decimal;
    ND_TARGET = 0x8000, 31, 0, "nd_target", "nd_target", "OXM_OF_IPV6_ND_TARGET", 128, true, Ipv6;
    ND_SLL = 0x8000, 32, 0, "nd_sll", "nd_sll", "OXM_OF_IPV6_ND_SLL", 48, true, Mac;
    ND_TLL = 0x8000, 33, 0, "nd_tll", "nd_tll", "OXM_OF_IPV6_ND_TLL", 48, true, Mac;
    ND_RESERVED = 0x1000, 1, 0, "nd_reserved", "nd_reserved", "ERICOXM_OF_ICMPV6_ND_RESERVED", 32, false, Hexadecimal;
    ND_OPTIONS_TYPE = 0x1000, 2, 0, "nd_options_type", "nd_options_type", "ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE", 8, false, Decimal;
    ARP_OP = 0x8000, 21, 0, "arp_op", "arp_op", "OXM_OF_ARP_OP", 16, false, Decimal;
    ARP_SPA = 0x8000, 22, 0, "arp_spa", "arp_spa", "OXM_OF_ARP_SPA", 32, true, Ipv4;
    ARP_TPA = 0x8000, 23, 0, "arp_tpa", "arp_tpa", "OXM_OF_ARP_TPA", 32, true, Ipv4;
    ARP_SHA = 0x8000, 24, 0, "arp_sha", "arp_sha", "OXM_OF_ARP_SHA", 48, true, Mac;
    ARP_THA = 0x8000, 25, 0, "arp_tha", "arp_tha", "OXM_OF_ARP_THA", 48, true, Mac;
    TUN_ID = 0x8000, 38, 0, "tun_id", "tun_id", "OXM_OF_TUNNEL_ID", 64, true, Hexadecimal;
    TUN_FLAGS = 0x0001, 104, 0, "tun_flags", "tun_flags", "NXM_NX_TUN_FLAGS", 16, true, TunFlags;
    TUN_SRC = 0x0001, 31, 0, "tun_src", "tun_src", "NXM_NX_TUN_IPV4_SRC", 32, true, Ipv4;
    TUN_DST = 0x0001, 32, 0, "tun_dst", "tun_dst", "NXM_NX_TUN_IPV4_DST", 32, true, Ipv4;
    TUN_IPV6_SRC = 0x0001, 109, 0, "tun_ipv6_src", "tun_ipv6_src", "NXM_NX_TUN_IPV6_SRC", 128, true, Ipv6;
    TUN_IPV6_DST = 0x0001, 110, 0, "tun_ipv6_dst", "tun_ipv6_dst", "NXM_NX_TUN_IPV6_DST", 128, true, Ipv6;
    REG0 = 0x0001, 0, 0, "reg0", "reg0", "NXM_NX_REG0", 32, true, Hexadecimal;
    REG1 = 0x0001, 1, 0, "reg1", "reg1", "NXM_NX_REG1", 32, true, Hexadecimal;
    REG2 = 0x0001, 2, 0, "reg2", "reg2", "NXM_NX_REG2", 32, true, Hexadecimal;
    REG3 = 0x0001, 3, 0, "reg3", "reg3", "NXM_NX_REG3", 32, true, Hexadecimal;
    REG4 = 0x0001, 4, 0, "reg4", "reg4", "NXM_NX_REG4", 32, true, Hexadecimal;
    REG5 = 0x0001, 5, 0, "reg5", "reg5", "NXM_NX_REG5", 32, true, Hexadecimal;
    REG6 = 0x0001, 6, 0, "reg6", "reg6", "NXM_NX_REG6", 32, true, Hexadecimal;
    REG7 = 0x0001, 7, 0, "reg7", "reg7", "NXM_NX_REG7", 32, true, Hexadecimal;
    REG8 = 0x0001, 8, 0, "reg8", "reg8", "NXM_NX_REG8", 32, true, Hexadecimal;
    REG9 = 0x0001, 9, 0, "reg9", "reg9", "NXM_NX_REG9", 32, true, Hexadecimal;
    REG10 = 0x0001, 10, 0, "reg10", "reg10", "NXM_NX_REG10", 32, true, Hexadecimal;
    REG11 = 0x0001, 11, 0, "reg11", "reg11", "NXM_NX_REG11", 32, true, Hexadecimal;
    REG12 = 0x0001, 12, 0, "reg12", "reg12", "NXM_NX_REG12", 32, true, Hexadecimal;
    REG13 = 0x0001, 13, 0, "reg13", "reg13", "NXM_NX_REG13", 32, true, Hexadecimal;
    REG14 = 0x0001, 14, 0, "reg14", "reg14", "NXM_NX_REG14", 32, true, Hexadecimal;
    REG15 = 0x0001, 15, 0, "reg15", "reg15", "NXM_NX_REG15", 32, true, Hexadecimal;
    XXREG0 = 0x0001, 111, 0, "xxreg0", "xxreg0", "NXM_NX_XXREG0", 128, true, Hexadecimal;
    XXREG1 = 0x0001, 112, 0, "xxreg1", "xxreg1", "NXM_NX_XXREG1", 128, true, Hexadecimal;
    XXREG2 = 0x0001, 113, 0, "xxreg2", "xxreg2", "NXM_NX_XXREG2", 128, true, Hexadecimal;
    XXREG3 = 0x0001, 114, 0, "xxreg3", "xxreg3", "NXM_NX_XXREG3", 128, true, Hexadecimal;
    PKT_MARK = 0x0001, 33, 0, "pkt_mark", "pkt_mark", "NXM_NX_PKT_MARK", 32, true, Hexadecimal;
    CT_STATE = 0x0001, 105, 0, "ct_state", "ct_state", "NXM_NX_CT_STATE", 32, true, CtState;
    CT_ZONE = 0x0001, 106, 0, "ct_zone", "ct_zone", "NXM_NX_CT_ZONE", 16, false, Hexadecimal;
    CT_MARK = 0x0001, 107, 0, "ct_mark", "ct_mark", "NXM_NX_CT_MARK", 32, true, Hexadecimal;
    CT_LABEL = 0x0001, 108, 0, "ct_label", "ct_label", "NXM_NX_CT_LABEL", 128, true, Hexadecimal;
    METADATA = 0x8000, 2, 0, "metadata", "metadata", "OXM_OF_METADATA", 64, true, Hexadecimal;
    // Names that only actions use: the classic NXM spelling of fields above.
    NXM_ETH_DST = 0x0000, 1, 0, "eth_dst", "dl_dst", "NXM_OF_ETH_DST", 48, true, Mac;
    NXM_ETH_SRC = 0x0000, 2, 0, "eth_src", "dl_src", "NXM_OF_ETH_SRC", 48, true, Mac;
    NXM_VLAN_TCI = 0x0000, 4, 0, "vlan_tci", "vlan_tci", "NXM_OF_VLAN_TCI", 16, true, Hexadecimal;
    NXM_IN_PORT = 0x0000, 0, 0, "in_port", "in_port", "NXM_OF_IN_PORT", 16, false, Port;
}

impl Field {
    /// Register `number`, 0–15.
    ///
    /// # Panics
    ///
    /// When `number` is above 15.
    pub const fn reg(number: u8) -> Self {
        assert!(number < 16, "Open vSwitch has sixteen 32-bit registers");
        Self { class: 0x0001, number, experimenter: 0 }
    }

    /// What is known about the field, `None` for one that this crate does not know.
    pub fn spec(self) -> Option<&'static FieldSpec> {
        self.rank().map(|rank| &SPECS[rank])
    }

    /// Every field this crate knows, in the canonical order of a match.
    pub fn all() -> &'static [FieldSpec] {
        SPECS
    }

    /// The field's place in a canonical match, `None` for an unknown one (those come last).
    pub fn rank(self) -> Option<usize> {
        let row = class_row(self.class)?;
        let rank = usize::from(*RANKS[row].get(usize::from(self.number))?);
        (rank < SPECS.len() && SPECS[rank].field == self).then_some(rank)
    }
}

/// For every class that has known fields: the rank of each number, or [`NO_RANK`].
static RANKS: [[u8; 128]; 5] = {
    let mut ranks = [[NO_RANK; 128]; 5];
    let mut rank = 0;
    while rank < SPECS.len() {
        let field = SPECS[rank].field;
        if let Some(row) = class_row(field.class) {
            ranks[row][field.number as usize] = rank as u8;
        }
        rank += 1;
    }
    ranks
};

const NO_RANK: u8 = u8::MAX;

const fn class_row(class: u16) -> Option<usize> {
    Some(match class {
        0x0000 => 0,
        0x0001 => 1,
        0x1000 => 2,
        0x8000 => 3,
        0xffff => 4,
        _ => return None,
    })
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spec() {
            Some(spec) => f.write_str(spec.wire_name),
            None => write!(f, "oxm({:#06x},{},{:#x})", self.class, self.number, self.experimenter),
        }
    }
}
