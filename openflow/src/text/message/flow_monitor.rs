//! Flow monitors.

use std::fmt;

use super::flow::{REMOVED, prioritised};
use super::parts::{BitList, Reason};
use crate::message::{FlowMonitorRequest, FlowUpdate};
use crate::text::flow::instructions;
use crate::text::{Hex, Naming};
use crate::{Flow, PortNo};

/// Writes what is monitored, after a line end.
pub(super) fn request(f: &mut fmt::Formatter<'_>, request: &FlowMonitorRequest) -> fmt::Result {
    let flags = BitList { bits: request.flags.0.into(), names: FLAGS, separator: "," };
    write!(f, "\n id={} flags={flags}", request.id)?;
    if request.out_port != PortNo::ANY {
        write!(f, " out_port={}", request.out_port)?;
    }
    if request.table != 255 {
        write!(f, " table={}", request.table)?;
    }
    let fields = request.matching.to_string();
    if fields.is_empty() { Ok(()) } else { write!(f, " {fields}") }
}

/// `ONFFMF_*`.
const FLAGS: &[(u32, &str)] = &[
    (1, "initial"),
    (1 << 1, "add"),
    (1 << 2, "delete"),
    (1 << 3, "modify"),
    (1 << 4, "actions"),
    (1 << 5, "own"),
];

/// Writes what happened, after a line end.
pub(super) fn update(f: &mut fmt::Formatter<'_>, update: &FlowUpdate) -> fmt::Result {
    f.write_str("\n event=")?;
    match update {
        FlowUpdate::Added(it) => {
            f.write_str("ADDED")?;
            flow(f, it)
        }
        FlowUpdate::Deleted { flow: it, reason } => {
            match u8::try_from(*reason) {
                Ok(reason) => write!(f, "DELETED reason={}", Reason(reason, REMOVED))?,
                Err(_) => write!(f, "DELETED reason={reason}")?,
            }
            flow(f, it)
        }
        FlowUpdate::Modified(it) => {
            f.write_str("MODIFIED")?;
            flow(f, it)
        }
        FlowUpdate::Abbreviated { xid } => write!(f, "ABBREV xid={xid:#x}"),
    }
}

fn flow(f: &mut fmt::Formatter<'_>, flow: &Flow) -> fmt::Result {
    write!(f, " table={}", flow.table)?;
    if flow.idle_timeout != 0 {
        write!(f, " idle_timeout={}", flow.idle_timeout)?;
    }
    if flow.hard_timeout != 0 {
        write!(f, " hard_timeout={}", flow.hard_timeout)?;
    }
    write!(f, " cookie={} ", Hex(flow.cookie.into()))?;
    let nothing = prioritised(f, flow.priority, &flow.matching)?;
    if flow.instructions.is_empty() {
        return Ok(());
    }
    f.write_str(if nothing { "actions=" } else { " actions=" })?;
    instructions(f, &flow.instructions, Naming(None))
}
