//! Conntrack: `ct` and the `nat` inside it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nom::Parser;
use nom::character::complete::char;

use super::action::{NO_TABLE, list, nested};
use super::field::subfield;
use super::names::table;
use super::scope::Scope;
use super::{Failure, Parsed, fail, integer, word};
use crate::{Action, Ct, CtZone, Nat};

pub(super) fn ct<'a>(input: &'a str, scope: &Scope<'_>) -> Parsed<'a, Action> {
    let zone = CtZone::Immediate(0);
    let mut ct = Ct { flags: 0, zone, recirc_table: NO_TABLE, alg: 0, actions: Vec::new() };
    if !input.starts_with('(') {
        return Ok((input, Action::Ct(ct)));
    }
    let rest = list(input, |input| {
        let (rest, name) = word(input)?;
        Ok(match name {
            "commit" => {
                ct.flags |= Ct::COMMIT;
                rest
            }
            "force" => {
                ct.flags |= Ct::FORCE;
                rest
            }
            "nat" => {
                let (rest, nat) = nat(rest)?;
                ct.actions.push(nat);
                rest
            }
            "exec" => {
                let (rest, actions) = nested(rest, scope)?;
                ct.actions.extend(actions);
                rest
            }
            _ => {
                let (value, _) = char('=').parse(rest)?;
                match name {
                    "table" => {
                        let (rest, number) = table(value, scope.naming())?;
                        ct.recirc_table = number;
                        rest
                    }
                    "zone" => {
                        let (rest, zone) = zone_of(value)?;
                        ct.zone = zone;
                        rest
                    }
                    "alg" => {
                        let (rest, alg) = alg(value)?;
                        ct.alg = alg;
                        rest
                    }
                    _ => return fail(input, "commit, force, table, zone, nat, exec or alg"),
                }
            }
        })
    })?;
    Ok((rest, Action::Ct(ct)))
}

fn zone_of(input: &str) -> Parsed<'_, CtZone> {
    if input.starts_with(|c: char| c.is_ascii_digit()) {
        return integer(input).map(|(rest, zone)| (rest, CtZone::Immediate(zone)));
    }
    let (rest, source) = subfield(input)?;
    if source.bits != 16 {
        return fail(input, "16 bits of a field");
    }
    Ok((rest, CtZone::Field(source)))
}

fn alg(input: &str) -> Parsed<'_, u16> {
    for (name, port) in [("ftp", 21), ("tftp", 69)] {
        if let Some(rest) = input.strip_prefix(name) {
            return Ok((rest, port));
        }
    }
    integer(input)
}

pub(super) fn nat(input: &str) -> Parsed<'_, Action> {
    let mut nat = Nat::default();
    if !input.starts_with('(') {
        return Ok((input, Action::Nat(nat)));
    }
    let rest = list(input, |input| {
        let (rest, name) = word(input)?;
        nat.flags |= match name {
            "src" => Nat::SRC,
            "dst" => Nat::DST,
            "persistent" => Nat::PERSISTENT,
            "hash" => Nat::PROTO_HASH,
            "random" => Nat::PROTO_RANDOM,
            _ => return fail(input, "src, dst, persistent, hash or random"),
        };
        match rest.strip_prefix('=') {
            Some(range) if matches!(name, "src" | "dst") => nat_range(range, &mut nat),
            _ => Ok(rest),
        }
    })?;
    Ok((rest, Action::Nat(nat)))
}

/// `FIRST[-LAST][:PORT[-PORT]]`; IPv6 addresses in brackets where ports follow.
fn nat_range<'a>(input: &'a str, nat: &mut Nat) -> Result<&'a str, nom::Err<Failure<'a>>> {
    let (mut rest, first) = nat_address(input)?;
    nat.address_min = Some(first);
    if let Some(tail) = rest.strip_prefix('-') {
        let (tail, last) = nat_address(tail)?;
        nat.address_max = Some(last);
        rest = tail;
    }
    if let Some(tail) = rest.strip_prefix(':') {
        let (tail, first) = integer(tail)?;
        nat.port_min = Some(first);
        rest = tail;
        if let Some(tail) = rest.strip_prefix('-') {
            let (tail, last) = integer(tail)?;
            nat.port_max = Some(last);
            rest = tail;
        }
    }
    Ok(rest)
}

fn nat_address(input: &str) -> Parsed<'_, IpAddr> {
    if let Some(tail) = input.strip_prefix('[') {
        let Some((address, rest)) = tail.split_once(']') else { return fail(tail, "`]`") };
        return match address.parse::<Ipv6Addr>() {
            Ok(address) => Ok((rest, address.into())),
            Err(_) => fail(tail, "an IPv6 address"),
        };
    }
    let end = input.find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':')));
    let (text, rest) = input.split_at(end.unwrap_or(input.len()));
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Ok((rest, address.into()));
    }
    // Behind an IPv4 address, a colon begins the ports.
    let end = text.find(':').unwrap_or(text.len());
    match text[..end].parse::<Ipv4Addr>() {
        Ok(address) => Ok((&input[end..], address.into())),
        Err(_) => fail(input, "an address"),
    }
}
