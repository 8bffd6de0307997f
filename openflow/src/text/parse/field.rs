//! Actions on fields.

use nom::Parser;
use nom::bytes::complete::tag;
use nom::character::complete::char;
use nom::combinator::opt;

use super::names::name;
use super::value::{oxm, tun_metadata};
use super::{Failure, Parsed, fail, number, word};
use crate::text::Naming;
use crate::{Action, Field, FieldSpec, Format, Oxm, Subfield, TunMetadata};

/// `VALUE[/MASK]->FIELD`.
pub(super) fn set_field<'a>(input: &'a str, naming: Naming<'_>) -> Parsed<'a, Action> {
    let rest = input;
    // An arrow in a port's name is no end of it.
    let behind = name(rest).filter(|_| rest.starts_with('"')).map_or(rest, |(behind, _)| behind);
    let Some((tail, field)) = behind.split_once("->") else { return fail(rest, "`->FIELD`") };
    let value = &rest[..rest.len() - behind.len() + tail.len()];
    let (rest, name) = word(field)?;
    let Some(spec) = by_any_name(name) else { return fail(field, "a field's name") };
    if spec.format == Format::Bytes {
        return Ok((rest, Action::SetTunMetadata(tun_metadata(spec.field, value)?.into())));
    }
    Ok((rest, Action::SetField(oxm(spec, value, naming)?)))
}

/// The field that has this name of its own, else the one that has it in a match.
pub(super) fn by_any_name(name: &str) -> Option<&'static FieldSpec> {
    let named = |spec: &&FieldSpec| spec.name == name;
    Field::find(named).or_else(|| super::matching::by_name(name))
}

/// Sets all of a field to the value that `text` is.
pub(super) fn set_whole(field: Field, text: &str) -> Result<Action, nom::Err<Failure<'_>>> {
    let spec = field.spec().expect("the field is a constant");
    let oxm = oxm(spec, text, Naming::default())?;
    if oxm.is_exact() { Ok(Action::SetField(oxm)) } else { fail(text, "a value without a mask") }
}

/// `VALUE->FIELD[BITS]`: one load for each 64 bits, from the lowest on.
pub(super) fn load<'a>(value_at: &'a str, actions: &mut Vec<Action>) -> Parsed<'a, ()> {
    let (rest, value) = number(value_at, u128::MAX)?;
    let (rest, destination) = arrow(rest)?;
    let Subfield { field, offset, bits } = destination;
    let option = field.tun_metadata_number().is_some();
    if bits > 128 && !option || value.checked_shr(u32::from(bits)).unwrap_or(0) != 0 {
        return fail(value_at, format!("a value of at most {} bits", bits.min(128)));
    }
    if let Some(number) = field.tun_metadata_number()
        && Subfield::whole(field) != destination
    {
        let option = TunMetadata::of_bits(number, offset, bits, value);
        actions.push(Action::SetTunMetadata(option.into()));
        return Ok((rest, ()));
    }
    let spec = field.spec().filter(|spec| spec.action_field.class == Field::EXPERIMENTER);
    if spec.is_some_and(|spec| spec.bits != bits) {
        // The action that loads some bits of such a field is that of a masked `set_field`.
        let mask = (u128::MAX >> (128 - u32::from(bits))) << offset;
        actions.push(Action::SetField(Oxm { field, value: value << offset, mask }));
        return Ok((rest, ()));
    }
    if option {
        let Ok(value) = u64::try_from(value) else { return fail(value_at, "at most 64 bits") };
        actions.push(Action::Load { destination, value });
        return Ok((rest, ()));
    }
    for low in (0..bits).step_by(64) {
        let part = Subfield { field, offset: offset + low, bits: (bits - low).min(64) };
        actions.push(Action::Load { destination: part, value: (value >> low) as u64 });
    }
    Ok((rest, ()))
}

/// Reads `->` and a field's bits.
pub(super) fn arrow(input: &str) -> Parsed<'_, Subfield> {
    match tag::<_, _, Failure<'_>>("->").parse(input) {
        Ok((rest, _)) => subfield(rest),
        Err(_) => fail(input, "`->`"),
    }
}

/// `FIELD`, `FIELD[]`, `FIELD[BIT]` or `FIELD[FIRST..LAST]`.
pub(super) fn subfield(input: &str) -> Parsed<'_, Subfield> {
    let (rest, name) = word(input)?;
    let named = |spec: &&FieldSpec| spec.wire_name == name || spec.name == name;
    let Some(spec) =
        Field::find(named).or_else(|| by_standard_name(name)).or_else(|| by_any_name(name))
    else {
        return fail(input, "a field's name");
    };
    let field = spec.field;
    let Some(bits_at) = rest.strip_prefix('[') else {
        return Ok((rest, Subfield::whole(field)));
    };
    if let Some(rest) = bits_at.strip_prefix(']') {
        return Ok((rest, Subfield::whole(field)));
    }
    let bit =
        |input| number(input, u128::from(spec.bits) - 1).map(|(rest, bit)| (rest, bit as u16));
    let (rest, first) = bit(bits_at)?;
    let (rest, last) = match opt(tag::<_, _, Failure<'_>>("..")).parse(rest)? {
        (rest, Some(_)) => bit(rest)?,
        (rest, None) => (rest, first),
    };
    if last < first {
        return fail(bits_at, "the lower bit first");
    }
    let (rest, _) = char(']').parse(rest)?;
    Ok((rest, Subfield { field, offset: first, bits: last - first + 1 }))
}

/// Names that the standard gives to fields which Nicira's actions print by older ones.
const STANDARD_NAMES: &[(&str, Field)] = &[
    ("OXM_OF_ETH_DST", Field::ETH_DST),
    ("OXM_OF_ETH_SRC", Field::ETH_SRC),
    ("OXM_OF_ETH_TYPE", Field::ETH_TYPE),
    ("OXM_OF_IP_ECN", Field::IP_ECN),
    ("OXM_OF_IP_PROTO", Field::IP_PROTO),
    ("OXM_OF_IPV4_SRC", Field::IPV4_SRC),
    ("OXM_OF_IPV4_DST", Field::IPV4_DST),
    ("OXM_OF_IPV6_SRC", Field::IPV6_SRC),
    ("OXM_OF_IPV6_DST", Field::IPV6_DST),
    ("OXM_OF_IPV6_FLABEL", Field::IPV6_FLABEL),
    ("OXM_OF_TCP_SRC", Field::TCP_SRC),
    ("OXM_OF_TCP_DST", Field::TCP_DST),
    ("ONFOXM_ET_TCP_FLAGS", Field::TCP_FLAGS),
    ("OXM_OF_TCP_FLAGS", Field::TCP_FLAGS),
    ("OXM_OF_UDP_SRC", Field::UDP_SRC),
    ("OXM_OF_UDP_DST", Field::UDP_DST),
    ("OXM_OF_ICMPV4_TYPE", Field::ICMPV4_TYPE),
    ("OXM_OF_ICMPV4_CODE", Field::ICMPV4_CODE),
    ("OXM_OF_ICMPV6_TYPE", Field::ICMPV6_TYPE),
    ("OXM_OF_ICMPV6_CODE", Field::ICMPV6_CODE),
    ("OXM_OF_IPV6_ND_TARGET", Field::ND_TARGET),
    ("OXM_OF_IPV6_ND_SLL", Field::ND_SLL),
    ("OXM_OF_IPV6_ND_TLL", Field::ND_TLL),
    ("OXM_OF_ARP_OP", Field::ARP_OP),
    ("OXM_OF_ARP_SPA", Field::ARP_SPA),
    ("OXM_OF_ARP_TPA", Field::ARP_TPA),
    ("OXM_OF_ARP_SHA", Field::ARP_SHA),
    ("OXM_OF_ARP_THA", Field::ARP_THA),
    ("OXM_OF_TUNNEL_ID", Field::TUN_ID),
];

fn by_standard_name(name: &str) -> Option<&'static FieldSpec> {
    let (_, field) = STANDARD_NAMES.iter().find(|(standard, _)| *standard == name)?;
    field.spec()
}
