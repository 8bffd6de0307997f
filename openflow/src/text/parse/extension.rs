//! Nicira's actions with parts of their own, beside those of conntrack and controllers.

use bytes::Bytes;
use nom::Parser;
use nom::character::complete::char;

use super::action::{argument, list, store};
use super::field::arrow;
use super::names::port;
use super::{Parsed, dotted_bytes, fail, integer, word};
use crate::text::Naming;
use crate::wire::padding;
use crate::{Action, PortNo, Sample, SampleDirection};

/// `(port=PORT,max_len=BYTES)`.
pub(super) fn output_trunc<'a>(input: &'a str, naming: Naming<'_>) -> Parsed<'a, Action> {
    let (mut port_found, mut max_len) = (None, None);
    let rest = list(input, |input| {
        let (rest, name) = word(input)?;
        let (value, _) = char('=').parse(rest)?;
        Ok(match name {
            "port" => {
                let (rest, port) = port(value, naming)?;
                port_found = Some(port);
                rest
            }
            "max_len" => {
                let (rest, length) = integer(value)?;
                max_len = Some(length);
                rest
            }
            _ => return fail(input, "port or max_len"),
        })
    })?;
    match (port_found, max_len) {
        (Some(port), Some(max_len)) => Ok((rest, Action::OutputTrunc { port, max_len })),
        _ => fail(input, "both port and max_len"),
    }
}

/// `dec_ttl` alone or with `(ID[,ID]…)`, controllers' identifiers.
pub(super) fn dec_ttl(input: &str) -> Parsed<'_, Action> {
    if !input.starts_with('(') {
        return Ok((input, Action::DecNwTtl));
    }
    let mut ids = Vec::new();
    let rest = list(input, |input| {
        let (rest, id) = integer(input)?;
        ids.push(id);
        Ok(rest)
    })?;
    Ok((rest, if ids.is_empty() { Action::DecNwTtl } else { Action::DecTtlCntIds(ids) }))
}

/// `(BYTES)->FIELD[BIT]`.
pub(super) fn check_pkt_larger(input: &str) -> Parsed<'_, Action> {
    let (rest, _) = char('(').parse(input)?;
    let (rest, pkt_len) = integer(rest)?;
    let (target, _) = char(')').parse(rest)?;
    let (rest, destination) = arrow(target)?;
    if destination.bits != 1 {
        return fail(target, "one bit of a field");
    }
    Ok((rest, Action::CheckPktLarger { pkt_len, destination }))
}

/// `(idle_timeout=SECONDS,hard_timeout=SECONDS)`, both optional.
pub(super) fn fin_timeout(input: &str) -> Parsed<'_, Action> {
    let (mut idle_timeout, mut hard_timeout) = (0, 0);
    if !input.starts_with('(') {
        return Ok((input, Action::FinTimeout { idle_timeout, hard_timeout }));
    }
    let rest = list(input, |input| {
        let (rest, name) = word(input)?;
        let (value, _) = char('=').parse(rest)?;
        match name {
            "idle_timeout" => store(value, &mut idle_timeout),
            "hard_timeout" => store(value, &mut hard_timeout),
            _ => fail(input, "idle_timeout or hard_timeout"),
        }
    })?;
    Ok((rest, Action::FinTimeout { idle_timeout, hard_timeout }))
}

/// `:11.22.33`, filled up with zeros to 6, 14, 22 … bytes.
pub(super) fn note(input: &str) -> Parsed<'_, Action> {
    let (rest, mut note) = match input.starts_with([':', '=', '(']) {
        true => argument(input, dotted_bytes)?,
        false => (input, Vec::new()),
    };
    // The header up to the note has ten bytes.
    note.resize(note.len().max(6), 0);
    note.resize(note.len() + padding(10 + note.len()), 0);
    Ok((rest, Action::Note(Bytes::from(note))))
}

/// `(probability=…,collector_set_id=…,obs_domain_id=…,obs_point_id=…,sampling_port=…,egress)`.
pub(super) fn sample<'a>(input: &'a str, naming: Naming<'_>) -> Parsed<'a, Action> {
    let mut sample = Sample {
        probability: 0,
        collector_set_id: 0,
        obs_domain_id: 0,
        obs_point_id: 0,
        sampling_port: None,
        direction: SampleDirection::Default,
    };
    let rest = list(input, |input| {
        let (rest, name) = word(input)?;
        match name {
            "ingress" => sample.direction = SampleDirection::Ingress,
            "egress" => sample.direction = SampleDirection::Egress,
            _ => {
                let (value, _) = char('=').parse(rest)?;
                return match name {
                    "probability" => store(value, &mut sample.probability),
                    "collector_set_id" => store(value, &mut sample.collector_set_id),
                    "obs_domain_id" => store(value, &mut sample.obs_domain_id),
                    "obs_point_id" => store(value, &mut sample.obs_point_id),
                    "sampling_port" => {
                        let (rest, port) = port(value, naming)?;
                        sample.sampling_port = Some(port).filter(|&port| port != PortNo::ANY);
                        Ok(rest)
                    }
                    _ => fail(
                        input,
                        "probability, collector_set_id, obs_domain_id, obs_point_id, \
                         sampling_port, ingress or egress",
                    ),
                };
            }
        }
        Ok(rest)
    })?;
    if sample.probability == 0 {
        return fail(input, "a probability of at least 1");
    }
    Ok((rest, Action::Sample(sample)))
}
