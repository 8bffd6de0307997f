//! Matches: the order and the short-hands of `match_format` in Open vSwitch.

use std::fmt;

use smallvec::SmallVec;

use super::value::{
    CT_STATE, TCP_FLAGS, TUN_FLAGS, flags, frag, ipv4, ipv6, mac, port_value, tun_metadata_name,
    tun_metadata_value,
};
use super::{Hex, HexBytes, List, Naming};
use crate::oxm::split_header;
use crate::{Field, FieldSpec, Format, Match, Oxm, TunMetadata};

/// The order of printing. `ETH_TYPE` stands where a short-hand like `tcp` is written.
const ORDER: &[Field] = &[
    Field::PKT_MARK,
    Field::RECIRC_ID,
    Field::DP_HASH,
    Field::CONJ_ID,
    Field::ACTSET_OUTPUT,
    Field::CT_STATE,
    Field::CT_ZONE,
    Field::CT_MARK,
    Field::CT_LABEL,
    Field::CT_NW_SRC,
    Field::CT_IPV6_SRC,
    Field::CT_NW_DST,
    Field::CT_IPV6_DST,
    Field::CT_NW_PROTO,
    Field::CT_TP_SRC,
    Field::CT_TP_DST,
    Field::PACKET_TYPE,
    Field::ETH_TYPE,
    Field::REG0,
    Field::REG1,
    Field::REG2,
    Field::REG3,
    Field::REG4,
    Field::REG5,
    Field::REG6,
    Field::REG7,
    Field::REG8,
    Field::REG9,
    Field::REG10,
    Field::REG11,
    Field::REG12,
    Field::REG13,
    Field::REG14,
    Field::REG15,
    Field::TUN_ID,
    Field::TUN_SRC,
    Field::TUN_DST,
    Field::TUN_IPV6_SRC,
    Field::TUN_IPV6_DST,
    Field::TUN_GBP_ID,
    Field::TUN_GBP_FLAGS,
    Field::TUN_ERSPAN_VER,
    Field::TUN_ERSPAN_IDX,
    Field::TUN_ERSPAN_DIR,
    Field::TUN_ERSPAN_HWID,
    Field::TUN_GTPU_FLAGS,
    Field::TUN_GTPU_MSGTYPE,
    Field::TUN_FLAGS,
    // Options of tunnels stand here.
    Field::METADATA,
    Field::IN_PORT,
    Field::NXM_IN_PORT,
    Field::NXM_VLAN_TCI,
    Field::VLAN_VID,
    Field::VLAN_PCP,
    Field::ETH_SRC,
    Field::ETH_DST,
    // A short-hand is at its place above; any other EtherType is here.
    OTHER_ETH_TYPE,
    Field::NSH_FLAGS,
    Field::NSH_TTL,
    Field::NSH_MDTYPE,
    Field::NSH_NP,
    Field::NSH_SPI,
    Field::NSH_SI,
    Field::NSH_C1,
    Field::NSH_C2,
    Field::NSH_C3,
    Field::NSH_C4,
    Field::IPV6_SRC,
    Field::IPV6_DST,
    Field::IPV6_FLABEL,
    Field::ARP_SPA,
    Field::ARP_TPA,
    Field::IPV4_SRC,
    Field::IPV4_DST,
    Field::IP_PROTO,
    Field::ARP_OP,
    Field::ARP_SHA,
    Field::ARP_THA,
    Field::IP_DSCP,
    Field::IP_ECN,
    Field::IP_TTL,
    Field::MPLS_LABEL,
    Field::MPLS_TC,
    Field::MPLS_TTL,
    Field::MPLS_BOS,
    Field::IP_FRAG,
    Field::TCP_SRC,
    Field::TCP_DST,
    Field::UDP_SRC,
    Field::UDP_DST,
    Field::SCTP_SRC,
    Field::SCTP_DST,
    Field::ICMPV4_TYPE,
    Field::ICMPV4_CODE,
    Field::ICMPV6_TYPE,
    Field::ICMPV6_CODE,
    Field::ND_TARGET,
    Field::ND_SLL,
    Field::ND_TLL,
    Field::ND_RESERVED,
    Field::ND_OPTIONS_TYPE,
    Field::TCP_FLAGS,
];

/// A place in [`ORDER`] that is no field.
const OTHER_ETH_TYPE: Field = Field { class: u16::MAX, number: u8::MAX, experimenter: u32::MAX };

/// Tag present: `OFPVID_PRESENT`.
const VID_PRESENT: u128 = 0x1000;

/// What to write instead of an EtherType and, where it matters, an IP protocol: the first that fits.
/// The others are only read.
pub(super) const SHORTHANDS: &[(&str, u16, Option<u8>)] = &[
    ("icmp", 0x0800, Some(1)),
    ("tcp", 0x0800, Some(6)),
    ("udp", 0x0800, Some(17)),
    ("sctp", 0x0800, Some(132)),
    ("ip", 0x0800, None),
    ("ipv4", 0x0800, None),
    ("icmp6", 0x86dd, Some(58)),
    ("tcp6", 0x86dd, Some(6)),
    ("udp6", 0x86dd, Some(17)),
    ("sctp6", 0x86dd, Some(132)),
    ("ipv6", 0x86dd, None),
    ("ip6", 0x86dd, None),
    ("arp", 0x0806, None),
    ("rarp", 0x8035, None),
    ("mpls", 0x8847, None),
    ("mplsm", 0x8848, None),
];

/// Writes every field of a match.
pub(super) fn fields(list: &mut List<'_, '_>, matching: &Match, naming: Naming<'_>) -> fmt::Result {
    let mut sorted: SmallVec<[(u8, Oxm); 12]> = SmallVec::new();
    let mut put = |oxm: Oxm, place: Field| {
        sorted.push((place_of(place) as u8, oxm));
    };
    let mut found = Found::default();
    for oxm in matching.fields() {
        match oxm.field {
            Field::ETH_TYPE => found.eth_type = Some(oxm.value as u16),
            Field::IP_PROTO => found.ip_proto = Some(oxm.value as u8),
            Field::VLAN_VID => found.vlan_vid = Some(oxm),
            Field::VLAN_PCP => found.vlan_pcp = Some(oxm),
            _ => {}
        }
    }
    let shorthand = found.shorthand();
    for oxm in matching.fields() {
        match oxm.field {
            Field::ETH_TYPE if shorthand.is_none() => put(oxm, OTHER_ETH_TYPE),
            // Both parts of a tag are written together.
            Field::VLAN_PCP if found.vlan_vid.is_some() => {}
            field if wide_register(field) => {
                narrow_registers(oxm).for_each(|oxm| put(oxm, oxm.field));
            }
            field => put(oxm, field),
        }
    }
    sorted.sort_by_key(|(place, _)| *place);
    let options_place = place_of(Field::METADATA);
    let mut options = Some(matching.tun_metadata());
    let mut options_before = |place: u8, list: &mut List<'_, '_>| match options
        .take_if(|_| usize::from(place) >= options_place)
    {
        Some(mut options) => options.try_for_each(|option| tun_metadata(list.next()?, &option)),
        None => Ok(()),
    };
    for (place, oxm) in &sorted {
        options_before(*place, list)?;
        match (oxm.field, shorthand) {
            (Field::ETH_TYPE, Some((name, ..))) => list.item(name)?,
            (Field::IP_PROTO, Some((_, _, Some(_)))) => {}
            (Field::VLAN_VID | Field::VLAN_PCP, _) => found.vlan(list)?,
            _ => found.field(list.next()?, oxm, naming)?,
        }
    }
    options_before(u8::MAX, list)?;
    matching.unknown().try_for_each(|tlv| unknown(list.next()?, tlv))
}

/// Where a field stands in [`ORDER`], behind everything when it does not.
fn place_of(field: Field) -> usize {
    ORDER.iter().position(|&other| other == field).unwrap_or(ORDER.len())
}

/// Writes an option of a tunnel, by its name alone when it is only to be there.
fn tun_metadata(f: &mut fmt::Formatter<'_>, option: &TunMetadata) -> fmt::Result {
    f.write_str(tun_metadata_name(option))?;
    if option.mask().is_some_and(|mask| mask.iter().all(|&byte| byte == 0)) {
        return Ok(());
    }
    f.write_str("=")?;
    tun_metadata_value(f, option)
}

/// Fields that decide how others are written.
#[derive(Default)]
struct Found {
    eth_type: Option<u16>,
    ip_proto: Option<u8>,
    vlan_vid: Option<Oxm>,
    vlan_pcp: Option<Oxm>,
}

impl Found {
    /// Writes one field, name and all.
    ///
    /// What `tp_dst` and its like mean depends on the protocol. A switch refuses a match that does
    /// not say it; here the field has its own name then.
    fn field(&self, f: &mut fmt::Formatter<'_>, oxm: &Oxm, naming: Naming<'_>) -> fmt::Result {
        let Some(spec) = oxm.field.spec() else { return Ok(()) };
        let is_told = match oxm.field {
            Field::IPV4_SRC | Field::IPV4_DST => !matches!(self.eth_type, Some(0x0806 | 0x8035)),
            Field::TCP_SRC | Field::TCP_DST => self.ip_proto == Some(6),
            Field::UDP_SRC | Field::UDP_DST => self.ip_proto == Some(17),
            Field::SCTP_SRC | Field::SCTP_DST => self.ip_proto == Some(132),
            Field::ICMPV4_TYPE | Field::ICMPV4_CODE => self.ip_proto == Some(1),
            Field::ICMPV6_TYPE | Field::ICMPV6_CODE => self.ip_proto == Some(58),
            _ => true,
        };
        field(f, if is_told { spec.match_name } else { spec.name }, spec, oxm, naming)
    }

    fn shorthand(&self) -> Option<(&'static str, u16, Option<u8>)> {
        let fits = |&&(_, eth_type, protocol): &&(_, u16, Option<u8>)| {
            self.eth_type == Some(eth_type) && (protocol.is_none() || protocol == self.ip_proto)
        };
        SHORTHANDS.iter().find(fits).copied()
    }

    /// Identifier and priority of the tag: by themselves, or as the whole tag control information.
    fn vlan(&self, list: &mut List<'_, '_>) -> fmt::Result {
        let part = |oxm: &Option<Oxm>| oxm.map_or((0, 0), |oxm| (oxm.value, oxm.mask));
        let (vid, vid_mask) = part(&self.vlan_vid);
        let (pcp, pcp_mask) = part(&self.vlan_pcp);
        // A priority can only be that of a tag which is there.
        let present = if self.vlan_vid.is_none() { VID_PRESENT } else { vid & VID_PRESENT };
        let mask = vid_mask & 0xfff;
        if present != 0 && (mask == 0xfff || mask == 0 && pcp_mask != 0) {
            if mask != 0 {
                write!(list.next()?, "dl_vlan={}", vid & 0xfff)?;
            }
            if pcp_mask != 0 {
                write!(list.next()?, "dl_vlan_pcp={pcp}")?;
            }
            return Ok(());
        }
        let tci = vid | pcp << 13;
        let tci_mask = vid_mask | pcp_mask << 13;
        write!(list.next()?, "vlan_tci={tci:#06x}/{tci_mask:#06x}")
    }
}

/// Writes one field under this name.
fn field(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    spec: &FieldSpec,
    oxm: &Oxm,
    naming: Naming<'_>,
) -> fmt::Result {
    let (value, mask) = (oxm.value, oxm.mask);
    if oxm.field == Field::IP_DSCP {
        return write!(f, "nw_tos={}", value << 2);
    }
    if oxm.field == Field::PACKET_TYPE {
        return write!(f, "packet_type=({},{})", Hex(value >> 16), Hex(value & 0xffff));
    }
    write!(f, "{name}=")?;
    match (spec.format, oxm.is_exact()) {
        (Format::Mac, _) => mac(f, oxm),
        (Format::Ipv4, _) => ipv4(f, oxm),
        (Format::Ipv6, _) => ipv6(f, oxm),
        (Format::Port, _) => naming.port(f, port_value(oxm)),
        (Format::CtState, _) => flags(f, oxm, CT_STATE, 0xff),
        (Format::TcpFlags, _) => flags(f, oxm, TCP_FLAGS, 0xfff),
        (Format::TunFlags, _) => flags(f, oxm, TUN_FLAGS, 0xffff),
        (Format::Frag, _) => frag(f, oxm),
        (Format::Decimal, true) if oxm.field != Field::RECIRC_ID => write!(f, "{value}"),
        (Format::Hexadecimal, true) => match oxm.field {
            Field::CT_ZONE => write!(f, "{value}"),
            Field::ETH_TYPE | Field::NXM_VLAN_TCI => write!(f, "{value:#06x}"),
            Field::IPV6_FLABEL => write!(f, "{value:#07x}"),
            field if nsh_number(field) => write!(f, "{value:#x}"),
            _ => write!(f, "{}", Hex(value)),
        },
        (_, true) => write!(f, "{}", Hex(value)),
        (_, false) => match oxm.field {
            // Sixteen bits with a mask are written by `%x`, where zero has its prefix.
            field if spec.bits == 16 && field != Field::NXM_VLAN_TCI => {
                write!(f, "{value:#x}/{mask:#x}")
            }
            Field::NXM_VLAN_TCI => write!(f, "{value:#06x}/{mask:#06x}"),
            Field::IPV6_FLABEL => write!(f, "{value:#07x}/{mask:#07x}"),
            Field::NSH_FLAGS => write!(f, "{value:#04x}/{mask:#04x}"),
            field if nsh_number(field) => write!(f, "{value:#x}/{mask:#x}"),
            _ => write!(f, "{}/{}", Hex(value), Hex(mask)),
        },
    }
}

/// True for a network service header's hexadecimal numbers, whose zero has its prefix.
///
/// `ovs-ofctl` prints contexts only of a match on `nsh_mdtype=1`; here they are always told.
fn nsh_number(field: Field) -> bool {
    [Field::NSH_SPI, Field::NSH_C1, Field::NSH_C2, Field::NSH_C3, Field::NSH_C4].contains(&field)
}

/// Writes the TLV of a field that this crate does not know, in a form of our own.
pub(super) fn unknown(f: &mut fmt::Formatter<'_>, tlv: &[u8]) -> fmt::Result {
    let Some((field, has_mask, payload)) = split_header(tlv) else { return Ok(()) };
    write!(f, "{field:?}=")?;
    let (value, mask) = payload.split_at(if has_mask { payload.len() / 2 } else { payload.len() });
    write!(f, "0x{}", HexBytes(value))?;
    if has_mask { write!(f, "/0x{}", HexBytes(mask)) } else { Ok(()) }
}

/// True for registers that are made of 32-bit ones.
pub(super) fn wide_register(field: Field) -> bool {
    field.class == Field::XREG0.class
        || field.class == Field::XXREG0.class
            && (Field::XXREG0.number..=Field::XXREG3.number).contains(&field.number)
}

/// The 32-bit registers that a wide one is made of, those of which bits count.
pub(super) fn narrow_registers(oxm: Oxm) -> impl Iterator<Item = Oxm> {
    let (first, count) = if oxm.field.class == Field::XREG0.class {
        ((oxm.field.number & 7) * 2, 2)
    } else {
        ((oxm.field.number - Field::XXREG0.number) * 4, 4)
    };
    (0..count)
        .map(move |at: u8| {
            let shift = 32 * u32::from(count - 1 - at);
            let part = |bits: u128| bits >> shift & u128::from(u32::MAX);
            Oxm { field: Field::reg(first + at), value: part(oxm.value), mask: part(oxm.mask) }
        })
        .filter(|oxm| oxm.mask != 0)
}
