//! Flow-mods and flows that are gone.

use std::fmt;

use super::parts::{Duration, Reason};
use crate::message::{FlowMod, FlowModCommand, FlowRemoved};
use crate::text::flow::{DEFAULT_PRIORITY, FLAGS, instructions};
use crate::text::{List, Naming, matching};
use crate::{Match, PortNo};

/// Writes the priority, when it is not the default, and the fields; tells whether that was nothing.
pub(super) fn prioritised(
    f: &mut fmt::Formatter<'_>,
    priority: u16,
    fields: &Match,
) -> Result<bool, fmt::Error> {
    let mut list = List::new(f);
    if priority != DEFAULT_PRIORITY {
        write!(list.next()?, "priority={priority}")?;
    }
    matching::fields(&mut list, fields, Naming(None))?;
    Ok(list.empty)
}

pub(super) fn flow_mod(f: &mut fmt::Formatter<'_>, flow_mod: &FlowMod) -> fmt::Result {
    let flow = &flow_mod.flow;
    f.write_str(match flow_mod.command {
        FlowModCommand::Add => " ADD ",
        FlowModCommand::Modify => " MOD ",
        FlowModCommand::ModifyStrict => " MOD_STRICT ",
        FlowModCommand::Delete => " DEL ",
        FlowModCommand::DeleteStrict => " DEL_STRICT ",
    })?;
    if flow.table != 0 {
        write!(f, "table:{} ", flow.table)?;
    }
    if !prioritised(f, flow.priority, &flow.matching)? {
        f.write_str(" ")?;
    }
    if flow_mod.cookie_mask != 0 {
        write!(f, "cookie:{:#x}/{:#x} ", flow.cookie, flow_mod.cookie_mask)?;
    } else if flow_mod.command == FlowModCommand::Add && flow.cookie != 0 {
        // Without a mask, a cookie means something to nothing else.
        write!(f, "cookie:{:#x} ", flow.cookie)?;
    }
    if flow.idle_timeout != 0 {
        write!(f, "idle:{} ", flow.idle_timeout)?;
    }
    if flow.hard_timeout != 0 {
        write!(f, "hard:{} ", flow.hard_timeout)?;
    }
    if flow_mod.buffer_id != FlowMod::NO_BUFFER {
        write!(f, "buf:{:#x} ", flow_mod.buffer_id)?;
    }
    if flow_mod.out_port != PortNo::ANY {
        write!(f, "out_port:{} ", flow_mod.out_port)?;
    }
    if flow_mod.out_group != FlowMod::ANY_GROUP {
        write!(f, "out_group:{} ", flow_mod.out_group)?;
    }
    for (flag, name) in FLAGS {
        if flow.flags.contains(*flag) {
            write!(f, "{name} ")?;
        }
    }
    f.write_str("actions=")?;
    instructions(f, &flow.instructions, Naming(None))
}

pub(super) fn flow_removed(f: &mut fmt::Formatter<'_>, removed: &FlowRemoved) -> fmt::Result {
    f.write_str(" ")?;
    prioritised(f, removed.priority, &removed.matching)?;
    write!(f, " reason={}", Reason(removed.reason, REMOVED))?;
    if removed.table != 255 {
        write!(f, " table_id={}", removed.table)?;
    }
    if removed.cookie != 0 {
        write!(f, " cookie:{:#x}", removed.cookie)?;
    }
    write!(f, " duration{}", Duration(removed.duration_sec, removed.duration_nsec))?;
    write!(f, " idle{}", removed.idle_timeout)?;
    if removed.hard_timeout != 0 {
        write!(f, " hard{}", removed.hard_timeout)?;
    }
    write!(f, " pkts{} bytes{}", removed.packet_count, removed.byte_count)
}

/// `OFPRR_*`.
pub(super) const REMOVED: &[&str] =
    &["idle", "hard", "delete", "group_delete", "meter_delete", "eviction"];
