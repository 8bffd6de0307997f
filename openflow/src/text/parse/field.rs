//! Actions on fields.

use nom::Parser;
use nom::bytes::complete::tag;
use nom::character::complete::char;
use nom::combinator::opt;

use super::value::oxm;
use super::{Failure, Parsed, fail, integer, number, word};
use crate::{Action, Field, FieldSpec, Subfield};

/// `set_field:VALUE[/MASK]->FIELD`.
pub(super) fn set_field(input: &str) -> Parsed<'_, Action> {
    let (rest, _) = char(':').parse(input)?;
    let Some((value, field)) = rest.split_once("->") else { return fail(rest, "`->FIELD`") };
    let (rest, name) = word(field)?;
    let Some(spec) = by_any_name(name) else { return fail(field, "a field's name") };
    Ok((rest, Action::SetField(oxm(spec, value)?)))
}

/// The field that has this name of its own, else the one that has it in a match.
pub(super) fn by_any_name(name: &str) -> Option<&'static FieldSpec> {
    let named = |spec: &&FieldSpec| spec.name == name;
    Field::all().iter().find(named).or_else(|| super::matching::by_name(name))
}

/// `load:VALUE->FIELD[BITS]`.
pub(super) fn load(input: &str) -> Parsed<'_, Action> {
    let (value_at, _) = char(':').parse(input)?;
    let (rest, value) = integer::<u64>(value_at)?;
    let (rest, destination) = arrow(rest)?;
    if destination.bits > 64 || destination.bits < 64 && value >> destination.bits != 0 {
        return fail(value_at, format!("a value of at most {} bits", destination.bits.min(64)));
    }
    Ok((rest, Action::Load { destination, value }))
}

/// Reads `->` and a field's bits.
pub(super) fn arrow(input: &str) -> Parsed<'_, Subfield> {
    match tag::<_, _, Failure<'_>>("->").parse(input) {
        Ok((rest, _)) => subfield(rest),
        Err(_) => fail(input, "`->`"),
    }
}

/// `FIELD[]`, `FIELD[BIT]` or `FIELD[FIRST..LAST]`.
pub(super) fn subfield(input: &str) -> Parsed<'_, Subfield> {
    let (rest, name) = word(input)?;
    let named = |spec: &&FieldSpec| spec.wire_name == name || spec.name == name;
    let Some(spec) = Field::all().iter().find(named) else {
        return fail(input, "a field's name");
    };
    let field = spec.field;
    let (bits_at, _) = char('[').parse(rest)?;
    if let Some(rest) = bits_at.strip_prefix(']') {
        return Ok((rest, Subfield { field, offset: 0, bits: spec.bits }));
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
