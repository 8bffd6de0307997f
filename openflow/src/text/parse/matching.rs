//! Matches. The meaning of some fields depends on others (`tp_dst` on the protocol), which may come
//! later, so fields are collected first and understood at the end.

use super::value::{oxm, tun_metadata};
use super::{Failure, Parsed, assigned, complete, fail, hex_bytes, integer, number, word};
use crate::text::Naming;
use crate::text::matching::{SHORTHANDS, narrow_registers, wide_register};
use crate::{Field, FieldSpec, Format, Match, Oxm, TunMetadata};

/// Fields that were read.
#[derive(Default)]
pub(super) struct Fields<'a> {
    naming: Naming<'a>,
    matching: Match,
    /// Name and value of fields whose meaning depends on others.
    later: Vec<(&'a str, &'a str)>,
    /// TLVs of fields that nobody knows.
    unknown: Vec<u8>,
}

/// No tag: the classic value of `dl_vlan`.
const NO_VLAN: u16 = 0xffff;
const VID_PRESENT: u16 = 0x1000;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;

impl<'a> Fields<'a> {
    /// No fields yet, ports by these names.
    pub(super) fn named(naming: Naming<'a>) -> Self {
        Self { naming, ..Self::default() }
    }

    /// Reads one field.
    pub(super) fn item(&mut self, input: &'a str) -> Parsed<'a, ()> {
        if let Some(rest) = input.strip_prefix("oxm(") {
            return self.unknown_field(rest);
        }
        let (rest, name) = word(input)?;
        if !rest.starts_with(['=', ':']) {
            if let Some(number) = by_name(name).and_then(|spec| spec.field.tun_metadata_number()) {
                self.put_option(&TunMetadata::present(number));
                return Ok((rest, ()));
            }
            if name == "eth" {
                self.put(Oxm::exact(Field::PACKET_TYPE, 0u32));
                return Ok((rest, ()));
            }
            let Some(&(_, eth_type, protocol)) =
                SHORTHANDS.iter().find(|(shorthand, ..)| *shorthand == name)
            else {
                return fail(input, "a field, `FIELD=VALUE`");
            };
            self.put(Oxm::exact(Field::ETH_TYPE, eth_type));
            if let Some(protocol) = protocol {
                self.put(Oxm::exact(Field::IP_PROTO, protocol));
            }
            return Ok((rest, ()));
        }
        let (rest, value) = assigned(rest)?;
        if value == "*" {
            return Ok((rest, ()));
        }
        match name {
            "dl_vlan" => self.dl_vlan(value)?,
            "vlan_tci" => self.vlan_tci(value)?,
            "nw_tos" => {
                let tos = complete(value, |text| number(text, 0xff))?;
                if tos & 3 != 0 {
                    return fail(value, "a multiple of 4");
                }
                self.put(Oxm::exact(Field::IP_DSCP, tos >> 2));
            }
            "nw_src" | "nw_dst" | "nw_proto" | "ip_proto" | "tp_src" | "tp_dst" | "icmp_type"
            | "icmp_code" | "dl_vlan_pcp" | "vlan_pcp" => self.later.push((name, value)),
            name => match by_name(name) {
                Some(spec) if spec.format == Format::Bytes => {
                    self.put_option(&tun_metadata(spec.field, value)?);
                }
                Some(spec) if wide_register(spec.field) => {
                    // A switch takes wide registers apart, and so does `ovs-ofctl`.
                    narrow_registers(oxm(spec, value, self.naming)?).for_each(|oxm| self.put(oxm));
                }
                Some(spec) => self.put(oxm(spec, value, self.naming)?),
                None => return fail(input, "a field's name"),
            },
        }
        Ok((rest, ()))
    }

    /// The match, now that all fields are known.
    pub(super) fn finish(mut self) -> Result<Match, nom::Err<Failure<'a>>> {
        let later = std::mem::take(&mut self.later);
        // The protocol decides about ports, so it goes first.
        let is_protocol = |name: &str| matches!(name, "nw_proto" | "ip_proto");
        for &(name, value) in later.iter().filter(|(name, _)| is_protocol(name)) {
            self.contextual(name, value)?;
        }
        for &(name, value) in later.iter().filter(|(name, _)| !is_protocol(name)) {
            self.contextual(name, value)?;
        }
        if self.unknown.is_empty() {
            return Ok(self.matching);
        }
        let tlvs = [self.matching.as_oxm_bytes(), &self.unknown].concat();
        Match::from_oxm_bytes(&tlvs).map_or_else(|| fail("", "each unknown field once"), Ok)
    }

    fn put(&mut self, oxm: Oxm) {
        self.matching = std::mem::take(&mut self.matching).and(oxm);
    }

    fn put_option(&mut self, option: &TunMetadata) {
        self.matching = std::mem::take(&mut self.matching).with_tun_metadata(option);
    }

    fn value_of(&self, field: Field) -> Option<u128> {
        self.matching.field(field).map(|oxm| oxm.value)
    }

    /// A field whose meaning depends on EtherType and protocol.
    fn contextual(&mut self, name: &str, value: &'a str) -> Result<(), nom::Err<Failure<'a>>> {
        let arp = matches!(self.value_of(Field::ETH_TYPE), Some(0x0806 | 0x8035));
        let protocol = self.value_of(Field::IP_PROTO).map(|protocol| protocol as u8);
        let field = match (name, protocol) {
            ("dl_vlan_pcp" | "vlan_pcp", _) => {
                if self.matching.field(Field::VLAN_VID).is_none() {
                    self.put(Oxm::masked(Field::VLAN_VID, VID_PRESENT, VID_PRESENT));
                }
                Field::VLAN_PCP
            }
            ("nw_src", _) => {
                if arp {
                    Field::ARP_SPA
                } else {
                    Field::IPV4_SRC
                }
            }
            ("nw_dst", _) => {
                if arp {
                    Field::ARP_TPA
                } else {
                    Field::IPV4_DST
                }
            }
            ("nw_proto" | "ip_proto", _) => {
                if arp {
                    Field::ARP_OP
                } else {
                    Field::IP_PROTO
                }
            }
            ("tp_src", Some(TCP)) => Field::TCP_SRC,
            ("tp_dst", Some(TCP)) => Field::TCP_DST,
            ("tp_src", Some(UDP)) => Field::UDP_SRC,
            ("tp_dst", Some(UDP)) => Field::UDP_DST,
            ("tp_src", Some(SCTP)) => Field::SCTP_SRC,
            ("tp_dst", Some(SCTP)) => Field::SCTP_DST,
            ("icmp_type" | "tp_src", Some(ICMP)) => Field::ICMPV4_TYPE,
            ("icmp_code" | "tp_dst", Some(ICMP)) => Field::ICMPV4_CODE,
            ("icmp_type" | "tp_src", Some(ICMPV6)) => Field::ICMPV6_TYPE,
            ("icmp_code" | "tp_dst", Some(ICMPV6)) => Field::ICMPV6_CODE,
            _ => return fail(value, format!("a protocol that has {name}, such as `tcp`")),
        };
        let spec = field.spec().expect("the fields above are constants");
        self.put(oxm(spec, value, self.naming)?);
        Ok(())
    }

    fn dl_vlan(&mut self, value: &'a str) -> Result<(), nom::Err<Failure<'a>>> {
        let vid: u16 = complete(value, integer)?;
        match vid {
            NO_VLAN => self.put(Oxm::exact(Field::VLAN_VID, 0u16)),
            0..=0xfff => self.put(Oxm::exact(Field::VLAN_VID, VID_PRESENT | vid)),
            _ => return fail(value, "a VLAN up to 4095, or 0xffff for no tag"),
        }
        Ok(())
    }

    fn vlan_tci(&mut self, value: &'a str) -> Result<(), nom::Err<Failure<'a>>> {
        let spec = Field::NXM_VLAN_TCI.spec().expect("the field is a constant");
        let Oxm { value, mask, .. } = oxm(spec, value, self.naming)?;
        self.put(Oxm::masked(Field::VLAN_VID, value & 0x1fff, mask & 0x1fff));
        // A packet without a tag has no priority to compare.
        if mask >> 13 != 0 && value & u128::from(VID_PRESENT) != 0 {
            self.put(Oxm::exact(Field::VLAN_PCP, value >> 13));
        }
        Ok(())
    }

    /// `CLASS,NUMBER,EXPERIMENTER)=VALUE[/MASK]`, in hexadecimal: how fields that nobody knows are
    /// printed.
    fn unknown_field(&mut self, input: &'a str) -> Parsed<'a, ()> {
        let part = |input: &'a str, end: &'static str| {
            let (rest, number) = integer::<u32>(input)?;
            match rest.strip_prefix(end) {
                Some(rest) => Ok((rest, number)),
                None => fail(rest, format!("`{end}`")),
            }
        };
        let (rest, class) = part(input, ",")?;
        let (rest, number) = part(rest, ",")?;
        let (rest, experimenter) = part(rest, ")")?;
        let (Ok(class), 0..=0x7f) = (u16::try_from(class), number) else {
            return fail(input, "a class of 16 bits and a field of 7");
        };
        let (rest, value) = assigned(rest)?;
        let bytes = |text: &'a str| match text.strip_prefix("0x") {
            Some(digits) => complete(digits, hex_bytes),
            None => fail(text, "`0x` and bytes"),
        };
        let (value, mask) = match value.split_once('/') {
            Some((value, mask)) => (bytes(value)?, bytes(mask)?),
            None => (bytes(value)?, Vec::new()),
        };
        if !mask.is_empty() && mask.len() != value.len() || value.len() + mask.len() > 251 {
            return fail(rest, "a value of at most 251 bytes, and a mask as long");
        }
        let field = Field { class, number: number as u8, experimenter };
        let length = value.len() + mask.len();
        crate::oxm::put_header(&mut self.unknown, field, !mask.is_empty(), length);
        self.unknown.extend(value.into_iter().chain(mask));
        Ok((rest, ()))
    }
}

/// The field with this name, as matches and `set_field` call it.
pub(super) fn by_name(name: &str) -> Option<&'static FieldSpec> {
    if name == "in_port" {
        return Field::IN_PORT.spec();
    }
    let alias = match name {
        "tunnel_id" => Some(Field::TUN_ID),
        "ip_ecn" => Some(Field::IP_ECN),
        _ => None,
    };
    if let Some(field) = alias {
        return field.spec();
    }
    Field::find(|spec: &&FieldSpec| spec.name == name || spec.match_name == name)
}
