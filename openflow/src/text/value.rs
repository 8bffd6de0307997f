//! Values of fields.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Hex, HexBytes, Naming};
use crate::tun_metadata::shortest;
use crate::{Format, MacAddr, Oxm, PortNo, TunMetadata};

/// Names of bits, least significant first.
pub(super) const CT_STATE: &[&str] = &["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"];
pub(super) const TCP_FLAGS: &[&str] =
    &["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"];
pub(super) const TUN_FLAGS: &[&str] = &["oam"];
/// Name, value and mask of ways to be a fragment.
pub(super) const FRAGS: &[(&str, u128, u128)] =
    &[("no", 0, 3), ("first", 1, 3), ("later", 3, 3), ("yes", 1, 1), ("not_later", 0, 2)];

/// A field's value and mask as `set_field` has them.
pub(super) fn set_value(f: &mut fmt::Formatter<'_>, oxm: &Oxm, naming: Naming<'_>) -> fmt::Result {
    let Some(spec) = oxm.field.spec() else { return integer(f, oxm, false) };
    match spec.format {
        Format::Decimal => integer(f, oxm, true),
        Format::Hexadecimal | Format::PacketType | Format::Bytes => integer(f, oxm, false),
        Format::Mac => mac(f, oxm),
        Format::Ipv4 => ipv4(f, oxm),
        Format::Ipv6 => ipv6(f, oxm),
        Format::Port if oxm.is_exact() => naming.port(f, port_value(oxm)),
        Format::Port => integer(f, oxm, true),
        Format::CtState => flags(f, oxm, CT_STATE, 0xffff),
        Format::TcpFlags => flags(f, oxm, TCP_FLAGS, 0xfff),
        Format::Frag => frag(f, oxm),
        Format::TunFlags => flags(f, oxm, TUN_FLAGS, 1),
    }
}

fn integer(f: &mut fmt::Formatter<'_>, oxm: &Oxm, decimal: bool) -> fmt::Result {
    if decimal {
        write!(f, "{}", oxm.value)?
    } else {
        write!(f, "{}", Hex(oxm.value))?
    }
    if oxm.is_exact() { Ok(()) } else { write!(f, "/{}", Hex(oxm.mask)) }
}

/// The port that a value of 16 or 32 bits names.
pub(super) fn port_value(oxm: &Oxm) -> PortNo {
    let short = oxm.field.spec().is_some_and(|spec| spec.bits == 16);
    if short { crate::wire::port_from_16(oxm.value as u16) } else { PortNo(oxm.value as u32) }
}

pub(super) fn mac(f: &mut fmt::Formatter<'_>, oxm: &Oxm) -> fmt::Result {
    write!(f, "{}", MacAddr::from(oxm.value as u64))?;
    if oxm.is_exact() { Ok(()) } else { write!(f, "/{}", MacAddr::from(oxm.mask as u64)) }
}

pub(super) fn ipv4(f: &mut fmt::Formatter<'_>, oxm: &Oxm) -> fmt::Result {
    let mask = oxm.mask as u32;
    write!(f, "{}", Ipv4Addr::from_bits(oxm.value as u32))?;
    if oxm.is_exact() {
        Ok(())
    } else if mask.leading_ones() == mask.count_ones() {
        write!(f, "/{}", mask.count_ones())
    } else {
        write!(f, "/{}", Ipv4Addr::from_bits(mask))
    }
}

pub(super) fn ipv6(f: &mut fmt::Formatter<'_>, oxm: &Oxm) -> fmt::Result {
    ipv6_address(f, Ipv6Addr::from_bits(oxm.value))?;
    if oxm.is_exact() {
        Ok(())
    } else if oxm.mask.leading_ones() == oxm.mask.count_ones() {
        write!(f, "/{}", oxm.mask.count_ones())
    } else {
        f.write_str("/")?;
        ipv6_address(f, Ipv6Addr::from_bits(oxm.mask))
    }
}

/// An address as C's `inet_ntop` writes it: unlike Rust, IPv4-compatible addresses end in dotted
/// decimal.
pub(super) fn ipv6_address(f: &mut fmt::Formatter<'_>, address: Ipv6Addr) -> fmt::Result {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
            write!(f, "::{}", Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => write!(f, "{address}"),
    }
}

/// Bits by name: `new|trk` when all of `all` count, otherwise `+trk-est`.
pub(super) fn flags(
    f: &mut fmt::Formatter<'_>,
    oxm: &Oxm,
    names: &[&str],
    all: u128,
) -> fmt::Result {
    let named = (1 << names.len()) - 1;
    if oxm.mask & all == all {
        let value = oxm.value & all;
        if value == 0 {
            return f.write_str("0");
        }
        let mut separator = "";
        for (_, name) in set_bits(value & named, names) {
            write!(f, "{separator}{name}")?;
            separator = "|";
        }
        let rest = value & !named;
        return if rest == 0 { Ok(()) } else { write!(f, "{separator}{rest:#x}") };
    }
    for (bit, name) in set_bits(oxm.mask, names) {
        write!(f, "{}{name}", if oxm.value >> bit & 1 == 1 { '+' } else { '-' })?;
    }
    Ok(())
}

/// The set bits of a number, with their names.
fn set_bits<'a>(bits: u128, names: &'a [&'a str]) -> impl Iterator<Item = (usize, &'a str)> {
    let name = |bit| names.get(bit).copied().unwrap_or("[Unknown]");
    (0..128).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| (bit, name(bit)))
}

pub(super) fn frag(f: &mut fmt::Formatter<'_>, oxm: &Oxm) -> fmt::Result {
    let mask = oxm.mask & 3;
    let name = FRAGS.iter().find(|(_, value, bits)| oxm.value & mask == *value && mask == *bits);
    f.write_str(name.map_or("<error>", |(name, ..)| name))
}

/// The name of a tunnel's option.
pub(super) fn tun_metadata_name(option: &TunMetadata) -> &'static str {
    option.field().spec().expect("options of tunnels are known fields").name
}

/// An option's value and mask, without zeros in front.
pub(super) fn tun_metadata_value(f: &mut fmt::Formatter<'_>, option: &TunMetadata) -> fmt::Result {
    bytes(f, option.value())?;
    match option.mask() {
        Some(mask) => {
            f.write_str("/")?;
            bytes(f, mask)
        }
        None => Ok(()),
    }
}

fn bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    match shortest(bytes) {
        [] => f.write_str("0"),
        [first, rest @ ..] => write!(f, "{first:#x}{}", HexBytes(rest)),
    }
}
