//! Nicira's actions that choose among links and change a packet's headers.

use bytes::Bytes;
use nom::Parser;
use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::char;

use super::action::{list, separated};
use super::field::{by_any_name, subfield};
use super::names::port;
use super::{Failure, Parsed, fail, hex_bytes, integer, number};
use crate::text::Naming;
use crate::{
    Action, Bundle, BundleAlgorithm, Encap, EncapHeader, EncapProperty, Field, HashFields,
    Multipath, MultipathAlgorithm, PacketType, Subfield,
};

/// `(FIELDS,BASIS,ALGORITHM,LINKS,ARG,FIELD[BITS])`.
pub(super) fn multipath(input: &str) -> Parsed<'_, Action> {
    let (rest, _) = char('(').parse(input)?;
    let (rest, fields) = then_comma(rest, |input| named(input, &HashFields::ALL))?;
    let (rest, basis) = then_comma(rest, integer)?;
    let (rest, algorithm) = then_comma(rest, |input| named(input, &MultipathAlgorithm::ALL))?;
    let links_at = rest;
    let (rest, links) = then_comma(rest, |input| number(input, 0x1_0000))?;
    let (rest, arg) = then_comma(rest, integer)?;
    let (destination_at, (rest, destination)) = (rest, short_subfield(rest)?);
    let Some(max_link) = links.checked_sub(1) else { return fail(links_at, "a link at least") };
    if u32::from(destination.bits) < 16 && max_link >> destination.bits != 0 {
        return fail(destination_at, "as many bits as the last link's number has");
    }
    let (rest, _) = char(')').parse(rest)?;
    let max_link = max_link as u16;
    let multipath = Multipath { fields, basis, algorithm, max_link, arg, destination };
    Ok((rest, Action::Multipath(multipath)))
}

/// `(FIELDS,BASIS,ALGORITHM,ofport,[FIELD[BITS],]members:PORT,…)`, the field where `loads`.
pub(super) fn bundle<'a>(input: &'a str, loads: bool, naming: Naming<'_>) -> Parsed<'a, Action> {
    let (rest, _) = char('(').parse(input)?;
    let (rest, fields) = then_comma(rest, |input| named(input, &HashFields::ALL))?;
    let (rest, basis) = then_comma(rest, integer)?;
    let (rest, algorithm) = then_comma(rest, |input| named(input, &BundleAlgorithm::ALL))?;
    let (mut rest, ()) = then_comma(rest, |input| named(input, &[((), "ofport")]))?;
    let mut destination = None;
    if loads {
        let (next, subfield) = then_comma(rest, |input| {
            let (rest, subfield) = short_subfield(input)?;
            if subfield.bits < 16 { fail(input, "at least 16 bits") } else { Ok((rest, subfield)) }
        })?;
        (rest, destination) = (next, Some(subfield));
    }
    let Some(mut rest) = ["members:", "slaves:"].iter().find_map(|it| rest.strip_prefix(it)) else {
        return fail(rest, "`members:`");
    };
    let mut members = Vec::new();
    rest = rest.trim_start_matches([' ', '[']);
    while !rest.starts_with(')') {
        let (next, member) = port(rest, naming)?;
        members.push(member);
        rest = next.trim_start_matches([',', ' ', ']']);
    }
    let bundle = Bundle { fields, basis, algorithm, members, destination };
    Ok((&rest[1..], Action::Bundle(bundle)))
}

/// `(HEADER)` or `(HEADER(md_type=…,tlv(CLASS,TYPE,BYTES),…))`.
pub(super) fn encap(input: &str) -> Parsed<'_, Action> {
    let (rest, _) = char('(').parse(input)?;
    let (mut rest, header) = named(rest, &EncapHeader::ALL)?;
    let mut properties = Vec::new();
    if header == EncapHeader::Nsh && rest.starts_with('(') {
        rest = list(rest, |input| {
            let (rest, property) = property(input)?;
            properties.push(property);
            Ok(rest)
        })?;
    }
    let (rest, _) = char(')').parse(rest)?;
    Ok((rest, Action::Encap(Encap { header, properties })))
}

fn property(input: &str) -> Parsed<'_, EncapProperty> {
    if let Some(at) = input.strip_prefix("md_type=") {
        let (rest, md_type) = number(at, 2)?;
        return match md_type {
            0 => fail(at, "1 or 2"),
            md_type => Ok((rest, EncapProperty::NshMdType(md_type as u8))),
        };
    }
    let Some(at) = input.strip_prefix("tlv(") else { return fail(input, "`md_type=` or `tlv(`") };
    let (rest, class) = then_comma(at, integer)?;
    let (rest, kind) = then_comma(rest, integer)?;
    let (value_at, _) = tag::<_, _, Failure<'_>>("0x").parse(rest)?;
    let (rest, value) = hex_bytes(value_at)?;
    if value.len() > 240 {
        return fail(value_at, "at most 240 bytes");
    }
    let (rest, _) = char(')').parse(rest)?;
    Ok((rest, EncapProperty::NshTlv { class, kind, value: Bytes::from(value) }))
}

/// Nothing, `()`, or `(packet_type(ns=NAMESPACE,type=TYPE))`.
pub(super) fn decap(input: &str) -> Parsed<'_, Action> {
    let Some(rest) = input.strip_prefix('(') else {
        return Ok((input, Action::Decap(PacketType::NEXT_PROTOCOL)));
    };
    if let Some(rest) = rest.strip_prefix(')') {
        return Ok((rest, Action::Decap(PacketType::NEXT_PROTOCOL)));
    }
    let literal = |input, text| tag::<&str, _, Failure<'_>>(text).parse(input);
    let (rest, _) = match literal(rest, "packet_type(ns=") {
        Ok(found) => found,
        Err(_) => return fail(rest, "`packet_type(ns=`"),
    };
    let (rest, namespace) = then_comma(rest, integer::<u16>)?;
    let Some(rest) = rest.strip_prefix("type=") else { return fail(rest, "`type=`") };
    let (rest, kind) = integer::<u16>(rest)?;
    let Some(rest) = rest.strip_prefix("))") else { return fail(rest, "`))`") };
    let packet_type = PacketType(u32::from(namespace) << 16 | u32::from(kind));
    Ok((rest, Action::Decap(packet_type)))
}

/// `:FIELD`, a tunnel's option.
pub(super) fn delete_field(input: &str) -> Parsed<'_, Action> {
    separated(input, |name| match by_any_name(name) {
        Some(spec) => Ok(Action::DeleteField(spec.field)),
        None => fail(name, "a field's name"),
    })
}

/// One of `names`.
fn named<'a, T: Copy>(input: &'a str, names: &[(T, &'static str)]) -> Parsed<'a, T> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+');
    let found = match take_while1::<_, _, Failure<'_>>(part).parse(input) {
        Ok((rest, word)) => names.iter().find(|(_, name)| *name == word).map(|it| (rest, it.0)),
        Err(_) => None,
    };
    let names = || names.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
    found.map_or_else(|| fail(input, format!("one of {}", names())), Ok)
}

/// What `parser` reads, a comma, and space perhaps.
fn then_comma<'a, T>(
    input: &'a str,
    parser: impl FnOnce(&'a str) -> Parsed<'a, T>,
) -> Parsed<'a, T> {
    let (rest, value) = parser(input)?;
    let (rest, _) = char(',').parse(rest)?;
    Ok((rest.trim_start(), value))
}

/// Bits of a field whose header takes four bytes.
fn short_subfield(input: &str) -> Parsed<'_, Subfield> {
    let (rest, subfield) = subfield(input)?;
    let long = |field: Field| {
        field.spec().is_some_and(|spec| spec.action_field.class == Field::EXPERIMENTER)
    };
    if long(subfield.field) {
        return fail(input, "bits of a field that is no experimenter's");
    }
    Ok((rest, subfield))
}
