//! Whole flows, as a line of `dump-flows`.

use std::fmt;

use super::action::{action, actions};
use super::{Hex, HexBytes, List, Naming, matching};
use crate::{Flow, FlowFlags, Instruction};

/// The priority that is not printed.
pub(super) const DEFAULT_PRIORITY: u16 = 0x8000;

/// Flags with their names, in the order of printing.
pub(super) const FLAGS: &[(FlowFlags, &str)] = &[
    (FlowFlags::SEND_FLOW_REM, "send_flow_rem"),
    (FlowFlags::CHECK_OVERLAP, "check_overlap"),
    (FlowFlags::RESET_COUNTS, "reset_counts"),
    (FlowFlags::NO_PACKET_COUNTS, "no_packet_counts"),
    (FlowFlags::NO_BYTE_COUNTS, "no_byte_counts"),
];

pub(super) fn flow(f: &mut fmt::Formatter<'_>, flow: &Flow, naming: Naming<'_>) -> fmt::Result {
    if flow.cookie != 0 {
        write!(f, "cookie={:#x}, ", flow.cookie)?;
    }
    if flow.table != 0 || naming.0.is_some_and(|names| names.table(0).is_some()) {
        f.write_str("table=")?;
        naming.table(f, flow.table)?;
        f.write_str(", ")?;
    }
    behind_table(f, flow, naming)
}

/// Writes what of a flow comes behind its table: time-outs, flags, match and instructions.
pub(super) fn behind_table(
    f: &mut fmt::Formatter<'_>,
    flow: &Flow,
    naming: Naming<'_>,
) -> fmt::Result {
    if flow.idle_timeout != 0 {
        write!(f, "idle_timeout={}, ", flow.idle_timeout)?;
    }
    if flow.hard_timeout != 0 {
        write!(f, "hard_timeout={}, ", flow.hard_timeout)?;
    }
    for (flag, name) in FLAGS {
        if flow.flags.contains(*flag) {
            write!(f, "{name} ")?;
        }
    }
    let mut list = List::new(f);
    if flow.priority != DEFAULT_PRIORITY {
        write!(list.next()?, "priority={}", flow.priority)?;
    }
    matching::fields(&mut list, &flow.matching, naming)?;
    let separator = if list.empty { "" } else { " " };
    write!(f, "{separator}actions=")?;
    instructions(f, &flow.instructions, naming)
}

/// Writes instructions; actions that are applied stand by themselves.
pub(super) fn instructions(
    f: &mut fmt::Formatter<'_>,
    instructions: &[Instruction],
    naming: Naming<'_>,
) -> fmt::Result {
    let mut list = List::new(f);
    for instruction in instructions {
        match instruction {
            Instruction::ApplyActions(applied) => {
                applied.iter().try_for_each(|it| action(list.next()?, it, naming))?;
            }
            Instruction::Meter(meter) => write!(list.next()?, "meter:{meter}")?,
            Instruction::ClearActions => list.item("clear_actions")?,
            Instruction::WriteActions(written) => {
                let f = list.next()?;
                f.write_str("write_actions(")?;
                actions(f, written, naming)?;
                f.write_str(")")?;
            }
            Instruction::WriteMetadata { value, mask } => {
                let f = list.next()?;
                write!(f, "write_metadata:{}", Hex(u128::from(*value)))?;
                if *mask != u64::MAX {
                    write!(f, "/{}", Hex(u128::from(*mask)))?;
                }
            }
            Instruction::GotoTable(table) => {
                let f = list.next()?;
                f.write_str("goto_table:")?;
                naming.table(f, *table)?;
            }
            Instruction::Unknown(bytes) => {
                write!(list.next()?, "raw_instruction({})", HexBytes(bytes))?;
            }
        }
    }
    if list.empty { f.write_str("drop") } else { Ok(()) }
}
