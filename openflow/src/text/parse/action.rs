//! Actions and instructions.

use bytes::Bytes;
use nom::Parser;
use nom::character::complete::char;

use super::controller::controller;
use super::ct::{ct, nat};
use super::extension::{check_pkt_larger, dec_ttl, fin_timeout, note, output_trunc, sample};
use super::field::{arrow, load, set_field, subfield};
use super::learn::learn;
use super::legacy::legacy;
use super::link::{bundle, decap, delete_field, encap, multipath};
use super::names::{port, table};
use super::scope::Scope;
use super::{Failure, Parsed, fail, hex_bytes, integer, word};
use crate::text::Naming;
use crate::{Action, Instruction, Match, PortNo, Resubmit};

/// The table that means none, or the current one.
pub(super) const NO_TABLE: u8 = 255;

/// Reads everything behind `actions=` of a flow with this match, and puts it in the order in which a
/// switch executes it.
pub(super) fn instructions<'a>(
    mut input: &'a str,
    matching: &Match,
    naming: Naming<'_>,
) -> Parsed<'a, Vec<Instruction>> {
    let scope = Scope::of(matching, naming);
    let mut sorted: [Option<Instruction>; 6] = [const { None }; 6];
    let mut applied = Vec::new();
    let mut unknown = Vec::new();
    if let Some(rest) = drops(input) {
        return Ok((rest, Vec::new()));
    }
    loop {
        let (rest, instruction) = opt_instruction(input, &scope)?;
        input = match instruction {
            Some(Instruction::Unknown(bytes)) => {
                unknown.push(Instruction::Unknown(bytes));
                rest
            }
            Some(instruction) => {
                let place = &mut sorted[order(&instruction)];
                if place.is_some() {
                    return fail(input, "each instruction once");
                }
                *place = Some(instruction);
                rest
            }
            None => action(input, &scope, &mut applied)?,
        };
        let Some(rest) = next_action(input) else { break };
        input = rest;
    }
    if !applied.is_empty() {
        sorted[APPLY] = Some(Instruction::ApplyActions(applied));
    }
    Ok((input, sorted.into_iter().flatten().chain(unknown).collect()))
}

/// Reads `drop`, or nothing at all, which says the same.
fn drops(input: &str) -> Option<&str> {
    match input.split_at_checked(4) {
        _ if input.trim().is_empty() => Some(""),
        Some((word, rest)) if word.eq_ignore_ascii_case("drop") => Some(rest),
        _ => None,
    }
}

/// The place of actions that are applied among the instructions.
const APPLY: usize = 1;

fn order(instruction: &Instruction) -> usize {
    match instruction {
        Instruction::Meter(_) => 0,
        Instruction::ApplyActions(_) | Instruction::Unknown(_) => APPLY,
        Instruction::ClearActions => 2,
        Instruction::WriteActions(_) => 3,
        Instruction::WriteMetadata { .. } => 4,
        Instruction::GotoTable(_) => 5,
    }
}

/// Reads an instruction, unless an action stands there.
fn opt_instruction<'a>(input: &'a str, scope: &Scope<'_>) -> Parsed<'a, Option<Instruction>> {
    if input.starts_with('"') {
        return Ok((input, None));
    }
    let (rest, name) = word(input)?;
    let (rest, instruction) = match name {
        "meter" => argument(rest, integer).map(|(rest, it)| (rest, Instruction::Meter(it)))?,
        "goto_table" => {
            let (rest, it) = argument(rest, |input| table(input, scope.naming()))?;
            (rest, Instruction::GotoTable(it))
        }
        "clear_actions" => (rest, Instruction::ClearActions),
        "write_actions" => {
            let (rest, actions) = nested(rest, scope)?;
            (rest, Instruction::WriteActions(actions))
        }
        "write_metadata" => {
            let (rest, (value, mask)) = argument(rest, |input| {
                let (rest, value) = integer(input)?;
                match rest.strip_prefix('/') {
                    Some(rest) => integer(rest).map(|(rest, mask)| (rest, (value, mask))),
                    None => Ok((rest, (value, u64::MAX))),
                }
            })?;
            (rest, Instruction::WriteMetadata { value, mask })
        }
        "raw_instruction" => {
            let (rest, bytes) = raw(rest)?;
            (rest, Instruction::Unknown(bytes[..].into()))
        }
        _ => return Ok((input, None)),
    };
    Ok((rest, Some(instruction)))
}

/// Reads what is written as one action, and adds the actions that it stands for.
pub(super) fn action<'a>(
    input: &'a str,
    scope: &Scope<'_>,
    actions: &mut Vec<Action>,
) -> Result<&'a str, nom::Err<Failure<'a>>> {
    let (rest, name) = match input.strip_prefix('"') {
        // A port's name, which is no action's.
        Some(rest) => (rest, ""),
        None => word(input)?,
    };
    if name == "load" {
        return argument(rest, |rest| load(rest, actions)).map(|(rest, ())| rest);
    }
    if let Some(legacy) = legacy(name, rest, scope, actions) {
        return legacy.map(|(rest, ())| rest);
    }
    let (rest, action) = single(input, name, rest, scope)?;
    match action {
        Action::PushVlan(_) => scope.set_tagged(true),
        Action::PopVlan => scope.set_tagged(false),
        _ => {}
    }
    actions.push(action);
    Ok(rest)
}

/// Reads the action `name`, which stands at `input`, its argument at `rest`.
fn single<'a>(input: &'a str, name: &str, rest: &'a str, scope: &Scope<'_>) -> Parsed<'a, Action> {
    let naming = scope.naming();
    Ok(match name {
        "output" => output(rest, naming)?,
        "controller" | "CONTROLLER" => controller(rest)?,
        "group" => argument(rest, integer).map(|(rest, it)| (rest, Action::Group(it)))?,
        "set_queue" => argument(rest, integer).map(|(rest, it)| (rest, Action::SetQueue(it)))?,
        "pop_queue" => (rest, Action::PopQueue),
        "push_vlan" => argument(rest, integer).map(|(rest, it)| (rest, Action::PushVlan(it)))?,
        "pop_vlan" | "strip_vlan" => (rest, Action::PopVlan),
        "push_mpls" => argument(rest, integer).map(|(rest, it)| (rest, Action::PushMpls(it)))?,
        "pop_mpls" => argument(rest, integer).map(|(rest, it)| (rest, Action::PopMpls(it)))?,
        "set_mpls_ttl" => {
            argument(rest, integer).map(|(rest, it)| (rest, Action::SetMplsTtl(it)))?
        }
        "dec_mpls_ttl" => (rest, Action::DecMplsTtl),
        "mod_nw_ttl" => argument(rest, integer).map(|(rest, it)| (rest, Action::SetNwTtl(it)))?,
        "dec_ttl" => dec_ttl(rest)?,
        "dec_nsh_ttl" => (rest, Action::DecNshTtl),
        "push" => argument(rest, subfield).map(|(rest, it)| (rest, Action::StackPush(it)))?,
        "pop" => argument(rest, subfield).map(|(rest, it)| (rest, Action::StackPop(it)))?,
        "check_pkt_larger" => check_pkt_larger(rest)?,
        "fin_timeout" => fin_timeout(rest)?,
        "multipath" => multipath(rest)?,
        "bundle" => bundle(rest, false, naming)?,
        "bundle_load" => bundle(rest, true, naming)?,
        "encap" => encap(rest)?,
        "decap" => decap(rest)?,
        "delete_field" => delete_field(rest)?,
        "sample" => sample(rest, naming)?,
        "learn" => learn(rest, naming)?,
        "note" => note(rest)?,
        "set_field" => argument(rest, |rest| set_field(rest, naming))?,
        "move" => {
            let (rest, (source, destination)) = argument(rest, |rest| {
                let (rest, source) = subfield(rest)?;
                arrow(rest).map(|(rest, destination)| (rest, (source, destination)))
            })?;
            if source.bits != destination.bits {
                return fail(input, "as many bits from as to");
            }
            (rest, Action::Move { source, destination })
        }
        "resubmit" => resubmit(rest, naming)?,
        "ct" => ct(rest, scope)?,
        "ct_clear" => (rest, Action::CtClear),
        "nat" => nat(rest)?,
        "conjunction" => conjunction(rest)?,
        "clone" => {
            let (rest, actions) = nested(rest, scope)?;
            (rest, Action::Clone(actions))
        }
        "exit" => (rest, Action::Exit),
        "raw" => raw(rest).map(|(rest, bytes)| (rest, Action::Unknown(bytes)))?,
        _ => match port(input, naming) {
            Ok((rest, port)) => (rest, Action::output(port)),
            Err(_) => return fail(input, "an action or a port"),
        },
    })
}

/// Reads `:ARGUMENT`, or as `ovs-ofctl` also takes it, `=ARGUMENT` or `(ARGUMENT)`.
pub(super) fn argument<'a, T>(
    input: &'a str,
    parser: impl FnOnce(&'a str) -> Parsed<'a, T>,
) -> Parsed<'a, T> {
    if let Some(rest) = input.strip_prefix('(') {
        let (rest, value) = parser(rest)?;
        let (rest, _) = char(')').parse(rest)?;
        return Ok((rest, value));
    }
    match input.strip_prefix([':', '=']) {
        Some(rest) => parser(rest),
        None => fail(input, "`:`"),
    }
}

/// What comes behind a comma, or behind a space where there is more.
fn next_action(input: &str) -> Option<&str> {
    match input.strip_prefix(',') {
        Some(rest) => Some(rest.trim_start()),
        None => {
            Some(input.trim_start()).filter(|rest| rest.len() < input.len() && !rest.is_empty())
        }
    }
}

/// Reads `:ARGUMENT`, `=ARGUMENT` or `(ARGUMENT)`, whose end is known by what follows.
pub(super) fn separated<'a, T>(
    input: &'a str,
    parser: impl FnOnce(&'a str) -> Result<T, nom::Err<Failure<'a>>>,
) -> Parsed<'a, T> {
    let (end, closed) = match input.as_bytes().first() {
        Some(b':' | b'=') => (input.find([',', ')', ' ']).unwrap_or(input.len()), 0),
        Some(b'(') => match input.find(')') {
            Some(end) => (end, 1),
            None => return fail("", "`)`"),
        },
        _ => return fail(input, "`:` or `(`"),
    };
    parser(&input[1..end]).map(|value| (&input[end + closed..], value))
}

/// Reads `(`, what `item` reads as often as there is any, separated by commas, and `)`.
pub(super) fn list<'a>(
    input: &'a str,
    mut item: impl FnMut(&'a str) -> Result<&'a str, nom::Err<Failure<'a>>>,
) -> Result<&'a str, nom::Err<Failure<'a>>> {
    let (mut rest, _) = char('(').parse(input)?;
    loop {
        if let Some(rest) = rest.strip_prefix(')') {
            return Ok(rest);
        }
        rest = item(rest)?;
        match next_action(rest) {
            Some(next) => rest = next,
            None if rest.starts_with(')') => {}
            None => return fail(rest, "`,` or `)`"),
        }
    }
}

/// Reads actions in parentheses.
pub(super) fn nested<'a>(input: &'a str, scope: &Scope<'_>) -> Parsed<'a, Vec<Action>> {
    let scope = scope.nested(input)?;
    if let Some(rest) = input.strip_prefix("(drop)") {
        return Ok((rest, Vec::new()));
    }
    let mut actions = Vec::new();
    let rest = list(input, |input| action(input, &scope, &mut actions))?;
    Ok((rest, actions))
}

/// Reads `(BYTES)`: a whole action or instruction that nobody knows.
fn raw(input: &str) -> Parsed<'_, Bytes> {
    let (rest, _) = char('(').parse(input)?;
    let (end, bytes) = hex_bytes(rest)?;
    let length = bytes.get(2..4).map(|it| usize::from(u16::from_be_bytes([it[0], it[1]])));
    if length != Some(bytes.len()) || bytes.len() % 8 != 0 {
        return fail(rest, "bytes whose third and fourth tell their number, a multiple of 8");
    }
    let (end, _) = char(')').parse(end)?;
    Ok((end, Bytes::from(bytes)))
}

fn output<'a>(input: &'a str, naming: Naming<'_>) -> Parsed<'a, Action> {
    if input.starts_with("(port=") || input.starts_with("(max_len=") {
        return output_trunc(input, naming);
    }
    argument(input, |argument| output_to(argument, naming))
}

/// A port, or bits of a field that hold its number.
fn output_to<'a>(argument: &'a str, naming: Naming<'_>) -> Parsed<'a, Action> {
    let port = port(argument, naming);
    if !matches!(port, Ok((rest, _)) if !rest.starts_with('['))
        && let Ok((rest, source)) = subfield(argument)
    {
        return Ok((rest, Action::OutputReg { source, max_len: u16::MAX }));
    }
    let max_len = |port| if port == PortNo::CONTROLLER { u16::MAX } else { 0 };
    port.map(|(rest, port)| (rest, Action::Output { port, max_len: max_len(port) }))
}

/// Reads a number into `target`.
pub(super) fn store<'a, T: TryFrom<u128>>(
    input: &'a str,
    target: &mut T,
) -> Result<&'a str, nom::Err<Failure<'a>>> {
    let (rest, value) = integer(input)?;
    *target = value;
    Ok(rest)
}

/// `resubmit:PORT` or `resubmit([PORT],[TABLE][,ct])`.
fn resubmit<'a>(input: &'a str, naming: Naming<'_>) -> Parsed<'a, Action> {
    let mut resubmit = Resubmit { in_port: PortNo::IN_PORT, table: NO_TABLE, ct: false };
    if let Some(rest) = input.strip_prefix([':', '=']) {
        let (rest, in_port) = port(rest, naming)?;
        resubmit.in_port = in_port;
        return Ok((rest, Action::Resubmit(resubmit)));
    }
    let (mut rest, _) = char('(').parse(input)?;
    if !rest.starts_with(',') {
        (rest, resubmit.in_port) = port(rest, naming)?;
    }
    if let Some(rest) = rest.strip_prefix(')').filter(|_| resubmit.in_port != PortNo::IN_PORT) {
        return Ok((rest, Action::Resubmit(resubmit)));
    }
    (rest, _) = char(',').parse(rest)?;
    if !rest.starts_with([',', ')']) {
        (rest, resubmit.table) = table(rest, naming)?;
    }
    if let Some(tail) = rest.strip_prefix(",ct") {
        (rest, resubmit.ct) = (tail, true);
    }
    let (rest, _) = char(')').parse(rest)?;
    Ok((rest, Action::Resubmit(resubmit)))
}

/// `conjunction(ID,CLAUSE/CLAUSES)`, clauses counted from 1.
fn conjunction(input: &str) -> Parsed<'_, Action> {
    let (rest, _) = char('(').parse(input)?;
    let (rest, id) = integer(rest)?;
    let (clause_at, _) = char(',').parse(rest)?;
    let (rest, clause) = integer::<u8>(clause_at)?;
    let (rest, _) = char('/').parse(rest)?;
    let (rest, clauses) = integer::<u8>(rest)?;
    if !(1..=clauses).contains(&clause) {
        return fail(clause_at, "a clause between 1 and their number");
    }
    let (rest, _) = char(')').parse(rest)?;
    Ok((rest, Action::Conjunction { id, clause: clause - 1, clauses }))
}
