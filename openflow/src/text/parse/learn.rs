//! `learn`: ovs-actions(7).

use nom::Parser;
use nom::character::complete::char;

use super::action::{list, store};
use super::field::{arrow, by_any_name, subfield};
use super::names::table;
use super::value::oxm;
use super::{Parsed, complete, end_of_value, fail, number, word};
use crate::text::Naming;
use crate::text::flow::DEFAULT_PRIORITY;
use crate::{Action, Format, Learn, LearnSource, LearnSpec, Subfield};

/// `(table=…,FIELD[]=FIELD[],FIELD=VALUE,load:…->FIELD[],output:FIELD[],…)`.
pub(super) fn learn<'a>(input: &'a str, naming: Naming<'_>) -> Parsed<'a, Action> {
    let mut learn = Learn {
        idle_timeout: 0,
        hard_timeout: 0,
        priority: DEFAULT_PRIORITY,
        cookie: 0,
        flags: 0,
        table: 1,
        fin_idle_timeout: 0,
        fin_hard_timeout: 0,
        limit: 0,
        result: None,
        specs: Vec::new(),
    };
    if !input.starts_with('(') {
        return Ok((input, Action::Learn(learn.into())));
    }
    let rest = list(input, |input| {
        let (rest, name) = word(input)?;
        match name {
            "send_flow_rem" => learn.flags |= Learn::SEND_FLOW_REM,
            "delete_learned" => learn.flags |= Learn::DELETE_LEARNED,
            _ => {
                let value = rest.strip_prefix('=').unwrap_or(rest);
                return match name {
                    "table" => {
                        let (rest, number) = table(value, naming)?;
                        learn.table = number;
                        Ok(rest)
                    }
                    "idle_timeout" => store(value, &mut learn.idle_timeout),
                    "hard_timeout" => store(value, &mut learn.hard_timeout),
                    "fin_idle_timeout" => store(value, &mut learn.fin_idle_timeout),
                    "fin_hard_timeout" => store(value, &mut learn.fin_hard_timeout),
                    "priority" => store(value, &mut learn.priority),
                    "cookie" => store(value, &mut learn.cookie),
                    "limit" => store(value, &mut learn.limit),
                    "result_dst" => {
                        let (rest, result) = subfield(value)?;
                        if result.bits != 1 {
                            return fail(value, "one bit of a field");
                        }
                        learn.result = Some(result);
                        Ok(rest)
                    }
                    _ => {
                        let (rest, spec) = spec(input, naming)?;
                        learn.specs.push(spec);
                        Ok(rest)
                    }
                };
            }
        }
        Ok(rest)
    })?;
    Ok((rest, Action::Learn(learn.into())))
}

fn spec<'a>(input: &'a str, naming: Naming<'_>) -> Parsed<'a, LearnSpec> {
    if let Some(at) = input.strip_prefix("output:") {
        return subfield(at).map(|(rest, source)| (rest, LearnSpec::Output(source)));
    }
    if let Some(source_at) = input.strip_prefix("load:") {
        if source_at.starts_with(|c: char| c.is_ascii_digit()) {
            let (rest, value) = number(source_at, u128::MAX)?;
            let (rest, destination) = arrow(rest)?;
            if value > widest(destination) {
                return fail(source_at, format!("a value of {} bits", destination.bits));
            }
            let source = LearnSource::Immediate(value);
            return Ok((rest, LearnSpec::Load { destination, source }));
        }
        let (rest, source) = subfield(source_at)?;
        let (rest, destination) = arrow(rest)?;
        if source.bits != destination.bits {
            return fail(source_at, "as many bits from as to");
        }
        let source = LearnSource::Field(source);
        return Ok((rest, LearnSpec::Load { destination, source }));
    }
    let (rest, name) = word(input)?;
    if !rest.starts_with('[') {
        return value_of_field(input, name, rest, naming);
    }
    let (rest, destination) = subfield(input)?;
    let Some(source_at) = rest.strip_prefix('=') else {
        let source = LearnSource::Field(destination);
        return Ok((rest, LearnSpec::Match { destination, source }));
    };
    let (rest, source) = if source_at.starts_with(|c: char| c.is_ascii_digit()) {
        let (rest, value) = number(source_at, widest(destination))?;
        (rest, LearnSource::Immediate(value))
    } else {
        let (rest, source) = subfield(source_at)?;
        if source.bits != destination.bits {
            return fail(source_at, format!("{} bits of a field", destination.bits));
        }
        (rest, LearnSource::Field(source))
    };
    Ok((rest, LearnSpec::Match { destination, source }))
}

/// `FIELD=VALUE`, the value as `set_field` takes it.
fn value_of_field<'a>(
    input: &'a str,
    name: &str,
    rest: &'a str,
    naming: Naming<'_>,
) -> Parsed<'a, LearnSpec> {
    let Some(spec) = by_any_name(name) else {
        return fail(input, "a field's name, or what the learned flow is to be");
    };
    let (value_at, _) = char('=').parse(rest)?;
    let (value, rest) = value_at.split_at(end_of_value(value_at, &[',', ')']));
    let destination = Subfield::whole(spec.field);
    if spec.format == Format::Bytes {
        let value = complete(value, |text| number(text, u128::MAX))?;
        let source = LearnSource::Immediate(value);
        return Ok((rest, LearnSpec::Match { destination, source }));
    }
    let oxm = match oxm(spec, value, naming) {
        Ok(oxm) => oxm,
        // What is no value of the field may be another that is as wide.
        Err(error) => match subfield(value) {
            Ok(("", source)) if source.bits == destination.bits => {
                let source = LearnSource::Field(source);
                return Ok((rest, LearnSpec::Match { destination, source }));
            }
            _ => return Err(error),
        },
    };
    if !oxm.is_exact() || oxm.value > widest(destination) {
        return fail(value, format!("a value of {} bits without a mask", destination.bits));
    }
    let source = LearnSource::Immediate(oxm.value);
    Ok((rest, LearnSpec::Match { destination, source }))
}

/// The greatest number that so many bits can be.
fn widest(subfield: Subfield) -> u128 {
    u128::MAX >> 128_u32.saturating_sub(u32::from(subfield.bits))
}
