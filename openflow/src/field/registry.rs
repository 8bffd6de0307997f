//! The table of fields: OpenFlow 1.3.5 §7.2.3.7 and `meta-flow.h` of Open vSwitch.

use super::{Field, FieldSpec, Format};

macro_rules! fields {
    ($($constant:ident: $class:literal, $number:literal, $experimenter:literal;
        $action_class:literal, $action_number:literal;
        $name:literal, $match_name:literal, $wire_name:literal;
        $bits:literal, $maskable:literal, $format:ident;)*) => {
        impl Field {
            $(
                #[doc = concat!("`", $match_name, "`, `", $wire_name, "`, ", stringify!($bits), " bits.")]
                pub const $constant: Self =
                    Self { class: $class, number: $number, experimenter: $experimenter };
            )*
        }

        pub(super) const SPECS: &[FieldSpec] = &[$(
            FieldSpec {
                field: Field::$constant,
                action_field: Field {
                    class: $action_class,
                    number: $action_number,
                    experimenter: if $action_class == 0xffff { $experimenter } else { 0 },
                },
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

// constant: class, number, experimenter; class and number in Nicira actions;
// name, name in a match, name in move and load; bits, maskable, format.
//
// The order is the one in which Open vSwitch writes a match: a match in this order has the bytes
// that `ovs-ofctl` sends.
fields! {
    PACKET_TYPE: 0x8000, 44, 0; 0x8000, 44; "packet_type", "packet_type", "OXM_OF_PACKET_TYPE"; 32, false, PacketType;
    DP_HASH: 0x0001, 35, 0; 0x0001, 35; "dp_hash", "dp_hash", "NXM_NX_DP_HASH"; 32, true, Hexadecimal;
    RECIRC_ID: 0x0001, 36, 0; 0x0001, 36; "recirc_id", "recirc_id", "NXM_NX_RECIRC_ID"; 32, false, Decimal;
    CONJ_ID: 0x0001, 37, 0; 0x0001, 37; "conj_id", "conj_id", "NXM_NX_CONJ_ID"; 32, false, Decimal;
    IN_PORT: 0x8000, 0, 0; 0x8000, 0; "in_port_oxm", "in_port", "OXM_OF_IN_PORT"; 32, false, Port;
    ACTSET_OUTPUT: 0xffff, 43, 0x4f4e_4600; 0xffff, 43; "actset_output", "actset_output", "ONFOXM_ET_ACTSET_OUTPUT"; 32, false, Port;
    ETH_SRC: 0x8000, 4, 0; 0x0000, 2; "eth_src", "dl_src", "NXM_OF_ETH_SRC"; 48, true, Mac;
    ETH_DST: 0x8000, 3, 0; 0x0000, 1; "eth_dst", "dl_dst", "NXM_OF_ETH_DST"; 48, true, Mac;
    ETH_TYPE: 0x8000, 5, 0; 0x0000, 3; "eth_type", "dl_type", "NXM_OF_ETH_TYPE"; 16, false, Hexadecimal;
    VLAN_VID: 0x8000, 6, 0; 0x8000, 6; "vlan_vid", "vlan_vid", "OXM_OF_VLAN_VID"; 12, true, Decimal;
    VLAN_PCP: 0x8000, 7, 0; 0x8000, 7; "vlan_pcp", "dl_vlan_pcp", "OXM_OF_VLAN_PCP"; 3, false, Decimal;
    MPLS_TC: 0x8000, 35, 0; 0x8000, 35; "mpls_tc", "mpls_tc", "OXM_OF_MPLS_TC"; 3, false, Decimal;
    MPLS_BOS: 0x8000, 36, 0; 0x8000, 36; "mpls_bos", "mpls_bos", "OXM_OF_MPLS_BOS"; 1, false, Decimal;
    MPLS_TTL: 0x0001, 30, 0; 0x0001, 30; "mpls_ttl", "mpls_ttl", "NXM_NX_MPLS_TTL"; 8, false, Decimal;
    MPLS_LABEL: 0x8000, 34, 0; 0x8000, 34; "mpls_label", "mpls_label", "OXM_OF_MPLS_LABEL"; 20, false, Decimal;
    IPV4_SRC: 0x8000, 11, 0; 0x0000, 7; "ip_src", "nw_src", "NXM_OF_IP_SRC"; 32, true, Ipv4;
    IPV4_DST: 0x8000, 12, 0; 0x0000, 8; "ip_dst", "nw_dst", "NXM_OF_IP_DST"; 32, true, Ipv4;
    IPV6_SRC: 0x8000, 26, 0; 0x0001, 19; "ipv6_src", "ipv6_src", "NXM_NX_IPV6_SRC"; 128, true, Ipv6;
    IPV6_DST: 0x8000, 27, 0; 0x0001, 20; "ipv6_dst", "ipv6_dst", "NXM_NX_IPV6_DST"; 128, true, Ipv6;
    IP_FRAG: 0x0001, 26, 0; 0x0001, 26; "ip_frag", "nw_frag", "NXM_NX_IP_FRAG"; 2, true, Frag;
    IP_DSCP: 0x8000, 8, 0; 0x8000, 8; "ip_dscp", "ip_dscp", "OXM_OF_IP_DSCP"; 6, false, Decimal;
    IP_ECN: 0x8000, 9, 0; 0x0001, 28; "nw_ecn", "nw_ecn", "NXM_NX_IP_ECN"; 2, false, Decimal;
    IP_TTL: 0x0001, 29, 0; 0x0001, 29; "nw_ttl", "nw_ttl", "NXM_NX_IP_TTL"; 8, false, Decimal;
    IPV6_FLABEL: 0x8000, 28, 0; 0x0001, 27; "ipv6_label", "ipv6_label", "NXM_NX_IPV6_LABEL"; 20, true, Hexadecimal;
    IP_PROTO: 0x8000, 10, 0; 0x0000, 6; "nw_proto", "nw_proto", "NXM_OF_IP_PROTO"; 8, false, Decimal;
    TCP_SRC: 0x8000, 13, 0; 0x0000, 9; "tcp_src", "tp_src", "NXM_OF_TCP_SRC"; 16, true, Decimal;
    TCP_DST: 0x8000, 14, 0; 0x0000, 10; "tcp_dst", "tp_dst", "NXM_OF_TCP_DST"; 16, true, Decimal;
    TCP_FLAGS: 0xffff, 42, 0x4f4e_4600; 0x0001, 34; "tcp_flags", "tcp_flags", "NXM_NX_TCP_FLAGS"; 12, true, TcpFlags;
    UDP_SRC: 0x8000, 15, 0; 0x0000, 11; "udp_src", "tp_src", "NXM_OF_UDP_SRC"; 16, true, Decimal;
    UDP_DST: 0x8000, 16, 0; 0x0000, 12; "udp_dst", "tp_dst", "NXM_OF_UDP_DST"; 16, true, Decimal;
    SCTP_SRC: 0x8000, 17, 0; 0x8000, 17; "sctp_src", "tp_src", "OXM_OF_SCTP_SRC"; 16, true, Decimal;
    SCTP_DST: 0x8000, 18, 0; 0x8000, 18; "sctp_dst", "tp_dst", "OXM_OF_SCTP_DST"; 16, true, Decimal;
    ICMPV4_TYPE: 0x8000, 19, 0; 0x0000, 13; "icmp_type", "icmp_type", "NXM_OF_ICMP_TYPE"; 8, false, Decimal;
    ICMPV4_CODE: 0x8000, 20, 0; 0x0000, 14; "icmp_code", "icmp_code", "NXM_OF_ICMP_CODE"; 8, false, Decimal;
    ICMPV6_TYPE: 0x8000, 29, 0; 0x0001, 21; "icmpv6_type", "icmp_type", "NXM_NX_ICMPV6_TYPE"; 8, false, Decimal;
    ICMPV6_CODE: 0x8000, 30, 0; 0x0001, 22; "icmpv6_code", "icmp_code", "NXM_NX_ICMPV6_CODE"; 8, false, Decimal;
    ND_RESERVED: 0x1000, 1, 0; 0x1000, 1; "nd_reserved", "nd_reserved", "ERICOXM_OF_ICMPV6_ND_RESERVED"; 32, false, Decimal;
    ND_TARGET: 0x8000, 31, 0; 0x0001, 23; "nd_target", "nd_target", "NXM_NX_ND_TARGET"; 128, true, Ipv6;
    ND_OPTIONS_TYPE: 0x1000, 2, 0; 0x1000, 2; "nd_options_type", "nd_options_type", "ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE"; 8, false, Decimal;
    ND_SLL: 0x8000, 32, 0; 0x0001, 24; "nd_sll", "nd_sll", "NXM_NX_ND_SLL"; 48, true, Mac;
    ND_TLL: 0x8000, 33, 0; 0x0001, 25; "nd_tll", "nd_tll", "NXM_NX_ND_TLL"; 48, true, Mac;
    ARP_OP: 0x8000, 21, 0; 0x0000, 15; "arp_op", "arp_op", "NXM_OF_ARP_OP"; 16, false, Decimal;
    ARP_SPA: 0x8000, 22, 0; 0x0000, 16; "arp_spa", "arp_spa", "NXM_OF_ARP_SPA"; 32, true, Ipv4;
    ARP_TPA: 0x8000, 23, 0; 0x0000, 17; "arp_tpa", "arp_tpa", "NXM_OF_ARP_TPA"; 32, true, Ipv4;
    ARP_SHA: 0x8000, 24, 0; 0x0001, 17; "arp_sha", "arp_sha", "NXM_NX_ARP_SHA"; 48, true, Mac;
    ARP_THA: 0x8000, 25, 0; 0x0001, 18; "arp_tha", "arp_tha", "NXM_NX_ARP_THA"; 48, true, Mac;
    NSH_FLAGS: 0xffff, 1, 0x005a_d650; 0xffff, 1; "nsh_flags", "nsh_flags", "NXOXM_NSH_FLAGS"; 8, true, Decimal;
    NSH_TTL: 0xffff, 10, 0x005a_d650; 0xffff, 10; "nsh_ttl", "nsh_ttl", "NXOXM_NSH_TTL"; 8, false, Decimal;
    NSH_MDTYPE: 0xffff, 2, 0x005a_d650; 0xffff, 2; "nsh_mdtype", "nsh_mdtype", "NXOXM_NSH_MDTYPE"; 8, false, Decimal;
    NSH_NP: 0xffff, 3, 0x005a_d650; 0xffff, 3; "nsh_np", "nsh_np", "NXOXM_NSH_NP"; 8, false, Decimal;
    NSH_SPI: 0xffff, 4, 0x005a_d650; 0xffff, 4; "nsh_spi", "nsh_spi", "NXOXM_NSH_SPI"; 24, false, Hexadecimal;
    NSH_SI: 0xffff, 5, 0x005a_d650; 0xffff, 5; "nsh_si", "nsh_si", "NXOXM_NSH_SI"; 8, false, Decimal;
    NSH_C1: 0xffff, 6, 0x005a_d650; 0xffff, 6; "nsh_c1", "nsh_c1", "NXOXM_NSH_C1"; 32, true, Hexadecimal;
    NSH_C2: 0xffff, 7, 0x005a_d650; 0xffff, 7; "nsh_c2", "nsh_c2", "NXOXM_NSH_C2"; 32, true, Hexadecimal;
    NSH_C3: 0xffff, 8, 0x005a_d650; 0xffff, 8; "nsh_c3", "nsh_c3", "NXOXM_NSH_C3"; 32, true, Hexadecimal;
    NSH_C4: 0xffff, 9, 0x005a_d650; 0xffff, 9; "nsh_c4", "nsh_c4", "NXOXM_NSH_C4"; 32, true, Hexadecimal;
    TUN_ID: 0x8000, 38, 0; 0x0001, 16; "tun_id", "tun_id", "NXM_NX_TUN_ID"; 64, true, Hexadecimal;
    TUN_FLAGS: 0x0001, 104, 0; 0x0001, 104; "tun_flags", "tun_flags", "NXM_NX_TUN_FLAGS"; 1, true, TunFlags;
    TUN_SRC: 0x0001, 31, 0; 0x0001, 31; "tun_src", "tun_src", "NXM_NX_TUN_IPV4_SRC"; 32, true, Ipv4;
    TUN_DST: 0x0001, 32, 0; 0x0001, 32; "tun_dst", "tun_dst", "NXM_NX_TUN_IPV4_DST"; 32, true, Ipv4;
    TUN_IPV6_SRC: 0x0001, 109, 0; 0x0001, 109; "tun_ipv6_src", "tun_ipv6_src", "NXM_NX_TUN_IPV6_SRC"; 128, true, Ipv6;
    TUN_IPV6_DST: 0x0001, 110, 0; 0x0001, 110; "tun_ipv6_dst", "tun_ipv6_dst", "NXM_NX_TUN_IPV6_DST"; 128, true, Ipv6;
    TUN_GBP_ID: 0x0001, 38, 0; 0x0001, 38; "tun_gbp_id", "tun_gbp_id", "NXM_NX_TUN_GBP_ID"; 16, true, Decimal;
    TUN_GBP_FLAGS: 0x0001, 39, 0; 0x0001, 39; "tun_gbp_flags", "tun_gbp_flags", "NXM_NX_TUN_GBP_FLAGS"; 8, true, Hexadecimal;
    TUN_ERSPAN_IDX: 0xffff, 11, 0x2320; 0xffff, 11; "tun_erspan_idx", "tun_erspan_idx", "NXOXM_ET_ERSPAN_IDX"; 20, true, Hexadecimal;
    TUN_ERSPAN_VER: 0xffff, 12, 0x2320; 0xffff, 12; "tun_erspan_ver", "tun_erspan_ver", "NXOXM_ET_ERSPAN_VER"; 4, true, Decimal;
    TUN_ERSPAN_DIR: 0xffff, 13, 0x2320; 0xffff, 13; "tun_erspan_dir", "tun_erspan_dir", "NXOXM_ET_ERSPAN_DIR"; 1, true, Decimal;
    TUN_ERSPAN_HWID: 0xffff, 14, 0x2320; 0xffff, 14; "tun_erspan_hwid", "tun_erspan_hwid", "NXOXM_ET_ERSPAN_HWID"; 6, true, Hexadecimal;
    TUN_GTPU_FLAGS: 0xffff, 15, 0x2320; 0xffff, 15; "tun_gtpu_flags", "gtpu_flags", "NXOXM_ET_GTPU_FLAGS"; 8, true, Hexadecimal;
    TUN_GTPU_MSGTYPE: 0xffff, 16, 0x2320; 0xffff, 16; "tun_gtpu_msgtype", "gtpu_msgtype", "NXOXM_ET_GTPU_MSGTYPE"; 8, true, Decimal;
    REG0: 0x0001, 0, 0; 0x0001, 0; "reg0", "reg0", "NXM_NX_REG0"; 32, true, Hexadecimal;
    REG1: 0x0001, 1, 0; 0x0001, 1; "reg1", "reg1", "NXM_NX_REG1"; 32, true, Hexadecimal;
    REG2: 0x0001, 2, 0; 0x0001, 2; "reg2", "reg2", "NXM_NX_REG2"; 32, true, Hexadecimal;
    REG3: 0x0001, 3, 0; 0x0001, 3; "reg3", "reg3", "NXM_NX_REG3"; 32, true, Hexadecimal;
    REG4: 0x0001, 4, 0; 0x0001, 4; "reg4", "reg4", "NXM_NX_REG4"; 32, true, Hexadecimal;
    REG5: 0x0001, 5, 0; 0x0001, 5; "reg5", "reg5", "NXM_NX_REG5"; 32, true, Hexadecimal;
    REG6: 0x0001, 6, 0; 0x0001, 6; "reg6", "reg6", "NXM_NX_REG6"; 32, true, Hexadecimal;
    REG7: 0x0001, 7, 0; 0x0001, 7; "reg7", "reg7", "NXM_NX_REG7"; 32, true, Hexadecimal;
    REG8: 0x0001, 8, 0; 0x0001, 8; "reg8", "reg8", "NXM_NX_REG8"; 32, true, Hexadecimal;
    REG9: 0x0001, 9, 0; 0x0001, 9; "reg9", "reg9", "NXM_NX_REG9"; 32, true, Hexadecimal;
    REG10: 0x0001, 10, 0; 0x0001, 10; "reg10", "reg10", "NXM_NX_REG10"; 32, true, Hexadecimal;
    REG11: 0x0001, 11, 0; 0x0001, 11; "reg11", "reg11", "NXM_NX_REG11"; 32, true, Hexadecimal;
    REG12: 0x0001, 12, 0; 0x0001, 12; "reg12", "reg12", "NXM_NX_REG12"; 32, true, Hexadecimal;
    REG13: 0x0001, 13, 0; 0x0001, 13; "reg13", "reg13", "NXM_NX_REG13"; 32, true, Hexadecimal;
    REG14: 0x0001, 14, 0; 0x0001, 14; "reg14", "reg14", "NXM_NX_REG14"; 32, true, Hexadecimal;
    REG15: 0x0001, 15, 0; 0x0001, 15; "reg15", "reg15", "NXM_NX_REG15"; 32, true, Hexadecimal;
    XREG0: 0x8001, 0, 0; 0x8001, 0; "xreg0", "xreg0", "OXM_OF_PKT_REG0"; 64, true, Hexadecimal;
    XREG1: 0x8001, 1, 0; 0x8001, 1; "xreg1", "xreg1", "OXM_OF_PKT_REG1"; 64, true, Hexadecimal;
    XREG2: 0x8001, 2, 0; 0x8001, 2; "xreg2", "xreg2", "OXM_OF_PKT_REG2"; 64, true, Hexadecimal;
    XREG3: 0x8001, 3, 0; 0x8001, 3; "xreg3", "xreg3", "OXM_OF_PKT_REG3"; 64, true, Hexadecimal;
    XREG4: 0x8001, 4, 0; 0x8001, 4; "xreg4", "xreg4", "OXM_OF_PKT_REG4"; 64, true, Hexadecimal;
    XREG5: 0x8001, 5, 0; 0x8001, 5; "xreg5", "xreg5", "OXM_OF_PKT_REG5"; 64, true, Hexadecimal;
    XREG6: 0x8001, 6, 0; 0x8001, 6; "xreg6", "xreg6", "OXM_OF_PKT_REG6"; 64, true, Hexadecimal;
    XREG7: 0x8001, 7, 0; 0x8001, 7; "xreg7", "xreg7", "OXM_OF_PKT_REG7"; 64, true, Hexadecimal;
    XXREG0: 0x0001, 111, 0; 0x0001, 111; "xxreg0", "xxreg0", "NXM_NX_XXREG0"; 128, true, Hexadecimal;
    XXREG1: 0x0001, 112, 0; 0x0001, 112; "xxreg1", "xxreg1", "NXM_NX_XXREG1"; 128, true, Hexadecimal;
    XXREG2: 0x0001, 113, 0; 0x0001, 113; "xxreg2", "xxreg2", "NXM_NX_XXREG2"; 128, true, Hexadecimal;
    XXREG3: 0x0001, 114, 0; 0x0001, 114; "xxreg3", "xxreg3", "NXM_NX_XXREG3"; 128, true, Hexadecimal;
    PKT_MARK: 0x0001, 33, 0; 0x0001, 33; "pkt_mark", "pkt_mark", "NXM_NX_PKT_MARK"; 32, true, Hexadecimal;
    CT_STATE: 0x0001, 105, 0; 0x0001, 105; "ct_state", "ct_state", "NXM_NX_CT_STATE"; 32, true, CtState;
    CT_ZONE: 0x0001, 106, 0; 0x0001, 106; "ct_zone", "ct_zone", "NXM_NX_CT_ZONE"; 16, false, Hexadecimal;
    CT_MARK: 0x0001, 107, 0; 0x0001, 107; "ct_mark", "ct_mark", "NXM_NX_CT_MARK"; 32, true, Hexadecimal;
    CT_LABEL: 0x0001, 108, 0; 0x0001, 108; "ct_label", "ct_label", "NXM_NX_CT_LABEL"; 128, true, Hexadecimal;
    CT_NW_SRC: 0x0001, 120, 0; 0x0001, 120; "ct_nw_src", "ct_nw_src", "NXM_NX_CT_NW_SRC"; 32, true, Ipv4;
    CT_IPV6_SRC: 0x0001, 122, 0; 0x0001, 122; "ct_ipv6_src", "ct_ipv6_src", "NXM_NX_CT_IPV6_SRC"; 128, true, Ipv6;
    CT_NW_DST: 0x0001, 121, 0; 0x0001, 121; "ct_nw_dst", "ct_nw_dst", "NXM_NX_CT_NW_DST"; 32, true, Ipv4;
    CT_IPV6_DST: 0x0001, 123, 0; 0x0001, 123; "ct_ipv6_dst", "ct_ipv6_dst", "NXM_NX_CT_IPV6_DST"; 128, true, Ipv6;
    CT_NW_PROTO: 0x0001, 119, 0; 0x0001, 119; "ct_nw_proto", "ct_nw_proto", "NXM_NX_CT_NW_PROTO"; 8, false, Decimal;
    CT_TP_SRC: 0x0001, 124, 0; 0x0001, 124; "ct_tp_src", "ct_tp_src", "NXM_NX_CT_TP_SRC"; 16, true, Decimal;
    CT_TP_DST: 0x0001, 125, 0; 0x0001, 125; "ct_tp_dst", "ct_tp_dst", "NXM_NX_CT_TP_DST"; 16, true, Decimal;
    METADATA: 0x8000, 2, 0; 0x8000, 2; "metadata", "metadata", "OXM_OF_METADATA"; 64, true, Hexadecimal;
    NXM_VLAN_TCI: 0x0000, 4, 0; 0x0000, 4; "vlan_tci", "vlan_tci", "NXM_OF_VLAN_TCI"; 16, true, Hexadecimal;
    NXM_IP_TOS: 0x0000, 5, 0; 0x0000, 5; "nw_tos", "nw_tos", "NXM_OF_IP_TOS"; 8, false, Decimal;
    NXM_IN_PORT: 0x0000, 0, 0; 0x0000, 0; "in_port", "in_port", "NXM_OF_IN_PORT"; 16, false, Port;
}

macro_rules! tun_metadata {
    ($($number:literal)*) => {
        /// The options of tunnels' headers, by their number.
        pub(super) const TUN_METADATA: [FieldSpec; 64] = [$(
            FieldSpec {
                field: Field::tun_metadata($number),
                action_field: Field::tun_metadata($number),
                name: concat!("tun_metadata", $number),
                match_name: concat!("tun_metadata", $number),
                wire_name: concat!("NXM_NX_TUN_METADATA", $number),
                bits: 8 * 124,
                maskable: true,
                format: Format::Bytes,
            },
        )*];
    };
}

tun_metadata! {
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
}
