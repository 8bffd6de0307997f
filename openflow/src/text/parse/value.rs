//! Values of fields.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::names::port;
use super::{Failure, complete, fail, nibble, number};
use crate::text::Naming;
use crate::text::value::{CT_STATE, FRAGS, TCP_FLAGS, TUN_FLAGS};
use crate::tun_metadata::shortest;
use crate::{Field, FieldSpec, Format, MacAddr, Oxm, TunMetadata};

type Value<'a> = Result<(u128, u128), nom::Err<Failure<'a>>>;

/// Reads all of `text` as a value of the field, with a mask where there is one.
pub(super) fn oxm<'a>(
    spec: &FieldSpec,
    text: &'a str,
    naming: Naming<'_>,
) -> Result<Oxm, nom::Err<Failure<'a>>> {
    let all = spec.value_mask();
    let (value, mask) = match spec.format {
        Format::Decimal | Format::Hexadecimal => masked(text, all, |text| integer(text, all))?,
        Format::Mac => masked(text, all, |text| match text.parse::<MacAddr>() {
            Ok(mac) => Ok(u128::from(mac)),
            Err(_) => fail(text, "an Ethernet address"),
        })?,
        Format::Ipv4 => prefixed(text, 32, |text| match text.parse::<Ipv4Addr>() {
            Ok(address) => Ok(u128::from(address.to_bits())),
            Err(_) => fail(text, "an IPv4 address"),
        })?,
        Format::Ipv6 => prefixed(text, 128, |text| match text.parse::<Ipv6Addr>() {
            Ok(address) => Ok(address.to_bits()),
            Err(_) => fail(text, "an IPv6 address"),
        })?,
        Format::Port => {
            let port = complete(text, |text| port(text, naming))?;
            let short = u128::from(crate::wire::port_to_16(port));
            (if spec.bits == 16 { short } else { u128::from(port.0) }, all)
        }
        Format::CtState => flags(text, CT_STATE, all, 0xff)?,
        Format::TcpFlags => flags(text, TCP_FLAGS, all, 0xfff)?,
        Format::TunFlags => flags(text, TUN_FLAGS, all, 1)?,
        Format::Frag => match FRAGS.iter().find(|(name, ..)| *name == text) {
            Some(&(_, value, mask)) => (value, mask),
            None => return fail(text, "`no`, `yes`, `first`, `later` or `not_later`"),
        },
        Format::PacketType => (packet_type(text)?, all),
        Format::Bytes => return fail(text, "no option of a tunnel"),
    };
    if mask & all != all && !spec.maskable {
        return fail(text, format!("a value without a mask: {} has none", spec.name));
    }
    Ok(Oxm { field: spec.field, value: value & mask, mask })
}

/// Reads all of `text` as the value of a tunnel's option, with a mask where there is one.
pub(super) fn tun_metadata<'a>(
    field: Field,
    text: &'a str,
) -> Result<TunMetadata, nom::Err<Failure<'a>>> {
    let number = field.tun_metadata_number().expect("only options of tunnels have such values");
    match text.split_once('/') {
        Some((value, mask)) => Ok(TunMetadata::right_aligned(number, &wide(value)?, &wide(mask)?)),
        None => Ok(TunMetadata::exact(number, wide(text)?)),
    }
}

/// A number of up to 124 bytes, without zeros in front.
fn wide(text: &str) -> Result<Vec<u8>, nom::Err<Failure<'_>>> {
    let Some(digits) = text.strip_prefix("0x") else {
        let number = integer(text, u128::MAX)?;
        return Ok(shortest(&number.to_be_bytes()).to_vec());
    };
    let digits_only = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let significant = digits.trim_start_matches('0');
    if digits.is_empty() || !digits_only || significant.len() > 2 * TunMetadata::MAX_BYTES {
        return fail(text, "a number of up to 124 bytes");
    }
    let byte = |pair: &[u8]| pair.iter().fold(0, |byte, &digit| byte << 4 | nibble(digit));
    Ok(significant.as_bytes().rchunks(2).rev().map(byte).collect())
}

fn integer(text: &str, max: u128) -> Result<u128, nom::Err<Failure<'_>>> {
    complete(text, |text| number(text, max))
}

/// `VALUE` or `VALUE/MASK`, both read alike.
fn masked<'a>(
    text: &'a str,
    all: u128,
    read: impl Fn(&'a str) -> Result<u128, nom::Err<Failure<'a>>>,
) -> Value<'a> {
    match text.split_once('/') {
        Some((value, mask)) => Ok((read(value)?, read(mask)?)),
        None => Ok((read(text)?, all)),
    }
}

/// An address with a prefix's length or a mask.
fn prefixed<'a>(
    text: &'a str,
    bits: u32,
    read: impl Fn(&'a str) -> Result<u128, nom::Err<Failure<'a>>>,
) -> Value<'a> {
    let all = u128::MAX >> (128 - bits);
    let Some((address, mask)) = text.split_once('/') else { return Ok((read(text)?, all)) };
    let address = read(address)?;
    if mask.contains(['.', ':']) {
        return Ok((address, read(mask)?));
    }
    let length = integer(mask, u128::from(bits))? as u32;
    let host = all.checked_shr(length).unwrap_or(0);
    Ok((address, all & !host))
}

/// `+this-that`, `this|that`, a number, or a number with a mask.
fn flags<'a>(text: &'a str, names: &[&str], all: u128, named: u128) -> Value<'a> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return masked(text, all, |text| integer(text, all));
    }
    let bit = |at: &'a str, name: &str| match names.iter().position(|&known| known == name) {
        Some(bit) => Ok(1_u128 << bit),
        None => fail(at, format!("one of {}", names.join(", "))),
    };
    if !text.starts_with(['+', '-']) {
        let mut value = 0;
        for name in text.split('|') {
            value |= bit(name, name)?;
        }
        return Ok((value, named));
    }
    let (mut value, mut mask) = (0, 0);
    let mut rest = text;
    while !rest.is_empty() {
        let sign = rest.as_bytes()[0];
        let Some(tail) = rest.strip_prefix(['+', '-']) else { return fail(rest, "`+` or `-`") };
        let (name, next) = tail.split_at(tail.find(['+', '-']).unwrap_or(tail.len()));
        let bit = bit(tail, name)?;
        mask |= bit;
        value |= if sign == b'+' { bit } else { 0 };
        rest = next;
    }
    Ok((value, mask))
}

/// `(NAMESPACE,TYPE)`.
fn packet_type(text: &str) -> Result<u128, nom::Err<Failure<'_>>> {
    let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let Some((space, kind)) = inner.and_then(|inner| inner.split_once(',')) else {
        return fail(text, "`(namespace,type)`");
    };
    Ok(integer(space, 0xffff)? << 16 | integer(kind, 0xffff)?)
}
