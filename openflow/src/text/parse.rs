//! Reading the syntax that the rest of this module prints, and what `ovs-ofctl add-flow` takes of
//! it: fields in any order, separated by commas or spaces.

use std::borrow::Cow;
use std::str::FromStr;

use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, digit1, hex_digit1};
use nom::combinator::opt;
use nom::sequence::preceded;
use nom::{IResult, Parser};
use thiserror::Error;

use super::flow::{DEFAULT_PRIORITY, FLAGS};
use crate::message::FlowStats;
use crate::text::Naming;
use crate::{Action, Flow, FlowFlags, Match, Names};

mod action;
mod controller;
mod ct;
mod extension;
mod field;
mod group;
mod learn;
mod legacy;
mod link;
mod matching;
mod meter;
mod names;
mod scope;
mod value;

use matching::Fields;
use scope::Scope;

/// Text that is no flow, match, action, group or meter.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("column {column}: expected {expected}")]
pub struct ParseError {
    /// Where the text goes wrong: the character's place, from 1.
    pub column: usize,
    /// What should be there.
    pub expected: String,
}

impl FromStr for Match {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        whole(text, |input| matched(input, Naming::default()))
    }
}

impl FromStr for Flow {
    type Err = ParseError;

    /// Reads a line of `dump-flows`, with or without statistics (which [`FlowStats`] keeps), or the
    /// flow that `add-flow` takes.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        whole(text, |input| flow(input, Naming::default())).map(|stats| stats.flow)
    }
}

impl FromStr for FlowStats {
    type Err = ParseError;

    /// Reads a line of `dump-flows`. Statistics that are missing are zero; ages, which OpenFlow 1.3
    /// does not tell, are read past.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        whole(text, |input| flow(input, Naming::default()))
    }
}

impl FromStr for Action {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        whole(text, |input| one_action(input, Naming::default()))
    }
}

impl Match {
    /// Reads what [`str::parse`] does, and ports by these names.
    ///
    /// # Errors
    ///
    /// Where the text is none of that.
    pub fn parse_named(text: &str, names: &dyn Names) -> Result<Self, ParseError> {
        whole(text, |input| matched(input, Naming(Some(names))))
    }
}

impl Flow {
    /// Reads what [`str::parse`] does, and ports and tables by these names: what
    /// `ovs-ofctl --names dump-flows` prints.
    ///
    /// # Errors
    ///
    /// Where the text is none of that.
    pub fn parse_named(text: &str, names: &dyn Names) -> Result<Self, ParseError> {
        whole(text, |input| flow(input, Naming(Some(names)))).map(|stats| stats.flow)
    }
}

impl Action {
    /// Reads what [`str::parse`] does, and ports and tables by these names.
    ///
    /// # Errors
    ///
    /// Where the text is none of that.
    pub fn parse_named(text: &str, names: &dyn Names) -> Result<Self, ParseError> {
        whole(text, |input| one_action(input, Naming(Some(names))))
    }
}

fn matched<'a>(mut input: &'a str, naming: Naming<'a>) -> Parsed<'a, Match> {
    let mut fields = Fields::named(naming);
    while let Some(rest) = next_item(input) {
        input = fields.item(rest)?.0;
    }
    Ok((input, fields.finish()?))
}

fn one_action<'a>(input: &'a str, naming: Naming<'_>) -> Parsed<'a, Action> {
    let mut actions = Vec::new();
    let rest = action::action(input, &Scope::named(naming), &mut actions)?;
    match <[Action; 1]>::try_from(actions) {
        Ok([action]) => Ok((rest, action)),
        Err(_) => fail(input, "one action, not what stands for several"),
    }
}

/// A failure, before its column is known.
#[derive(Debug, PartialEq)]
struct Failure<'a> {
    /// The text from the place that is wrong; empty for its end.
    at: &'a str,
    expected: Cow<'static, str>,
}

type Parsed<'a, T> = IResult<&'a str, T, Failure<'a>>;

impl<'a> nom::error::ParseError<&'a str> for Failure<'a> {
    fn from_error_kind(at: &'a str, _: nom::error::ErrorKind) -> Self {
        Self { at, expected: Cow::Borrowed("something else") }
    }

    fn append(_: &'a str, _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }

    fn from_char(at: &'a str, wanted: char) -> Self {
        Self { at, expected: Cow::Owned(format!("`{wanted}`")) }
    }

    /// Of two ways that both failed, the one that came further.
    fn or(self, other: Self) -> Self {
        if other.at.len() < self.at.len() { other } else { self }
    }
}

/// Fails at `at`, for good.
fn fail<T>(at: &str, expected: impl Into<Cow<'static, str>>) -> Result<T, nom::Err<Failure<'_>>> {
    Err(nom::Err::Failure(Failure { at, expected: expected.into() }))
}

/// Runs `parser` over all of `text`.
fn whole<'a, T>(
    text: &'a str,
    parser: impl FnOnce(&'a str) -> Parsed<'a, T>,
) -> Result<T, ParseError> {
    let failure = match parser(text) {
        Ok((rest, value)) if rest.trim_start().is_empty() => return Ok(value),
        Ok((rest, _)) => Failure { at: rest.trim_start(), expected: "nothing more".into() },
        Err(nom::Err::Error(failure) | nom::Err::Failure(failure)) => failure,
        Err(nom::Err::Incomplete(_)) => Failure { at: "", expected: "more".into() },
    };
    // What is wrong is a part of the text, unless it is what the end lacks.
    let start = (failure.at.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    let column = text.get(..start).unwrap_or(text).chars().count() + 1;
    Err(ParseError { column, expected: failure.expected.into_owned() })
}

/// The text from the next item on, `None` when there is none.
fn next_item(input: &str) -> Option<&str> {
    let rest = input.trim_start_matches([' ', '\t', ',']);
    (!rest.is_empty()).then_some(rest)
}

/// A name of letters, digits and underscores.
fn word(input: &str) -> Parsed<'_, &str> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    take_while1(part).parse(input).or_else(|_: nom::Err<Failure<'_>>| fail(input, "a name"))
}

/// The value behind `=`, or `:` as `ovs-ofctl` also takes it: everything up to a comma or a space.
fn assigned(input: &str) -> Parsed<'_, &str> {
    let Some(input) = input.strip_prefix(['=', ':']) else { return fail(input, "`=`") };
    let (value, rest) = input.split_at(end_of_value(input, &[',', ' ', '\t']));
    Ok((rest, value))
}

/// Where a value ends: at the first of these characters outside of parentheses and quotes.
fn end_of_value(input: &str, ends: &[char]) -> usize {
    let mut depth = 0_usize;
    let (mut quoted, mut escaped) = (false, false);
    let end = input.find(|c| {
        if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            return false;
        }
        if depth == 0 && ends.contains(&c) {
            return true;
        }
        match c {
            '"' => quoted = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        false
    });
    end.unwrap_or(input.len())
}

/// A number, decimal or hexadecimal with `0x`, of at most `max`.
fn number(input: &str, max: u128) -> Parsed<'_, u128> {
    let hexadecimal = preceded(tag("0x"), hex_digit1::<&str, Failure<'_>>);
    let parsed = match opt(hexadecimal).parse(input)? {
        (rest, Some(digits)) => (rest, u128::from_str_radix(digits, 16)),
        (_, None) => match digit1::<&str, Failure<'_>>(input) {
            Ok((rest, digits)) => (rest, digits.parse()),
            Err(_) => return fail(input, "a number"),
        },
    };
    match parsed {
        (rest, Ok(number)) if number <= max => Ok((rest, number)),
        _ => fail(input, format!("a number up to {max}")),
    }
}

/// A number that fits `T`.
fn integer<T: TryFrom<u128>>(input: &str) -> Parsed<'_, T> {
    let max = u128::MAX >> (128 - 8 * size_of::<T>());
    let (rest, number) = number(input, max)?;
    match T::try_from(number) {
        Ok(number) => Ok((rest, number)),
        Err(_) => fail(input, format!("a number up to {max}")),
    }
}

/// All of `text` as what `parser` reads.
fn complete<'a, T>(
    text: &'a str,
    parser: impl FnOnce(&'a str) -> Parsed<'a, T>,
) -> Result<T, nom::Err<Failure<'a>>> {
    let (rest, value) = parser(text)?;
    if rest.is_empty() { Ok(value) } else { fail(rest, "the end of the value") }
}

/// Pairs of hexadecimal digits.
fn hex_bytes(input: &str) -> Parsed<'_, Vec<u8>> {
    let (rest, digits) = take_while(|c: char| c.is_ascii_hexdigit()).parse(input)?;
    if digits.len() % 2 != 0 {
        return fail(rest, "another hexadecimal digit");
    }
    let byte = |pair: &[u8]| pair.iter().fold(0, |byte, &digit| byte << 4 | nibble(digit));
    Ok((rest, digits.as_bytes().chunks(2).map(byte).collect()))
}

/// Bytes as hexadecimal digits, perhaps with dots between.
fn dotted_bytes(input: &str) -> Parsed<'_, Vec<u8>> {
    let (mut rest, mut bytes) = hex_bytes(input)?;
    while let Some(next) = rest.strip_prefix('.') {
        let (next, part) = hex_bytes(next)?;
        bytes.extend(part);
        rest = next;
    }
    Ok((rest, bytes))
}

/// The value of a hexadecimal digit.
fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        digit => (digit | 0x20) - b'a' + 10,
    }
}

/// Reads a flow with what there is of its statistics.
fn flow<'a>(mut input: &'a str, naming: Naming<'a>) -> Parsed<'a, FlowStats> {
    let flow = Flow { priority: DEFAULT_PRIORITY, ..Flow::default() };
    let mut stats =
        FlowStats { flow, duration_sec: 0, duration_nsec: 0, packet_count: 0, byte_count: 0 };
    let flow = &mut stats.flow;
    let mut fields = Fields::named(naming);
    loop {
        let Some(item) = next_item(input) else { return fail("", "`actions=`") };
        let (rest, name) = word(item)?;
        input = match name {
            "actions" | "action" => {
                let (rest, _) = char('=').parse(rest)?;
                flow.matching = fields.finish()?;
                let (rest, instructions) = action::instructions(rest, &flow.matching, naming)?;
                flow.instructions = instructions;
                return Ok((rest, stats));
            }
            "cookie" => set(rest, &mut flow.cookie)?,
            "table" => {
                let (rest, value) = assigned(rest)?;
                flow.table = complete(value, |input| names::table(input, naming))?;
                rest
            }
            "priority" => set(rest, &mut flow.priority)?,
            "idle_timeout" => set(rest, &mut flow.idle_timeout)?,
            "hard_timeout" => set(rest, &mut flow.hard_timeout)?,
            "duration" => {
                let (rest, value) = assigned(rest)?;
                (stats.duration_sec, stats.duration_nsec) = complete(value, duration)?;
                rest
            }
            "n_packets" => set(rest, &mut stats.packet_count)?,
            "n_bytes" => set(rest, &mut stats.byte_count)?,
            "idle_age" | "hard_age" | "importance" => set(rest, &mut 0_u32)?,
            name => match FLAGS.iter().find(|(_, flag)| *flag == name) {
                Some((flag, _)) => {
                    flow.flags = FlowFlags(flow.flags.0 | flag.0);
                    rest
                }
                None => fields.item(item)?.0,
            },
        };
    }
}

/// Seconds with a fraction, `3.051s`: seconds and nanoseconds.
fn duration(input: &str) -> Parsed<'_, (u32, u32)> {
    const DIGITS: usize = 9;
    let (mut rest, seconds) = integer(input)?;
    let mut nanoseconds = 0;
    if let Some(fraction_at) = rest.strip_prefix('.') {
        let (tail, digits) =
            digit1::<&str, Failure<'_>>(fraction_at).or_else(|_| fail(fraction_at, "digits"))?;
        if digits.len() > DIGITS {
            return fail(&fraction_at[DIGITS..], "at most nine digits");
        }
        let shown = digits.bytes().fold(0, |number, digit| 10 * number + u32::from(digit - b'0'));
        nanoseconds = shown * 10_u32.pow((DIGITS - digits.len()) as u32);
        rest = tail;
    }
    let (rest, _) = char('s').parse(rest)?;
    Ok((rest, (seconds, nanoseconds)))
}

/// Reads `=` and a number into `target`.
fn set<'a, T: TryFrom<u128>>(
    input: &'a str,
    target: &mut T,
) -> Result<&'a str, nom::Err<Failure<'a>>> {
    let (rest, value) = assigned(input)?;
    *target = complete(value, integer)?;
    Ok(rest)
}
