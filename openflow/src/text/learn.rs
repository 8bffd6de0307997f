//! `learn`: ovs-actions(7).

use std::fmt;

use super::flow::DEFAULT_PRIORITY;
use super::value::set_value;
use super::{Hex, Naming};
use crate::{FieldSpec, Format, Learn, LearnSource, LearnSpec, Oxm, Subfield};

pub(super) fn learn(f: &mut fmt::Formatter<'_>, learn: &Learn, naming: Naming<'_>) -> fmt::Result {
    f.write_str("learn(table=")?;
    naming.table(f, learn.table)?;
    for (name, seconds) in [
        ("idle_timeout", learn.idle_timeout),
        ("hard_timeout", learn.hard_timeout),
        ("fin_idle_timeout", learn.fin_idle_timeout),
        ("fin_hard_timeout", learn.fin_hard_timeout),
    ] {
        if seconds != 0 {
            write!(f, ",{name}={seconds}")?;
        }
    }
    if learn.priority != DEFAULT_PRIORITY {
        write!(f, ",priority={}", learn.priority)?;
    }
    if learn.flags & Learn::SEND_FLOW_REM != 0 {
        f.write_str(",send_flow_rem")?;
    }
    if learn.flags & Learn::DELETE_LEARNED != 0 {
        f.write_str(",delete_learned")?;
    }
    if learn.cookie != 0 {
        write!(f, ",cookie={:#x}", learn.cookie)?;
    }
    if learn.limit != 0 {
        write!(f, ",limit={}", learn.limit)?;
    }
    if let Some(result) = learn.result {
        write!(f, ",result_dst={result}")?;
    }
    for it in &learn.specs {
        f.write_str(",")?;
        spec(f, it, naming)?;
    }
    f.write_str(")")
}

fn spec(f: &mut fmt::Formatter<'_>, spec: &LearnSpec, naming: Naming<'_>) -> fmt::Result {
    match *spec {
        LearnSpec::Match { destination, source: LearnSource::Immediate(value) } => {
            // A value that the field cannot have is only told as a number.
            let tellable = |spec: &&FieldSpec| {
                destination == Subfield::whole(spec.field)
                    && value & !spec.value_mask() == 0
                    && spec.format != Format::PacketType
            };
            match destination.field.spec().filter(tellable) {
                Some(spec) if spec.format == Format::Bytes => {
                    write!(f, "{}={}", spec.name, Hex(value))
                }
                Some(spec) => {
                    write!(f, "{}=", spec.name)?;
                    set_value(f, &Oxm::exact(spec.field, value), naming)
                }
                None => write!(f, "{destination}={}", Hex(value)),
            }
        }
        LearnSpec::Match { destination, source: LearnSource::Field(source) } => {
            write!(f, "{destination}")?;
            if source == destination { Ok(()) } else { write!(f, "={source}") }
        }
        LearnSpec::Load { destination, source: LearnSource::Immediate(value) } => {
            write!(f, "load:{}->{destination}", Hex(value))
        }
        LearnSpec::Load { destination, source: LearnSource::Field(source) } => {
            write!(f, "load:{source}->{destination}")
        }
        LearnSpec::Output(source) => write!(f, "output:{source}"),
    }
}
