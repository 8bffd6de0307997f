//! Groups: changes of them, their counters, and what the switch can do.

use std::fmt;

use super::parts::Duration;
use crate::Group;
use crate::message::{GroupFeatures, GroupMod, GroupModCommand, GroupStats};
use crate::text::Hex;

pub(super) fn group_mod(f: &mut fmt::Formatter<'_>, group_mod: &GroupMod) -> fmt::Result {
    f.write_str(match group_mod.command {
        GroupModCommand::Add => "\n ADD ",
        GroupModCommand::Modify => "\n MOD ",
        GroupModCommand::Delete => "\n DEL ",
    })?;
    write!(f, "{}", group_mod.group)
}

/// Writes which group is asked for.
pub(super) fn which(f: &mut fmt::Formatter<'_>, group_id: u32) -> fmt::Result {
    match group_id {
        Group::ALL => f.write_str(" group_id=ALL"),
        Group::ANY => f.write_str(" group_id=ANY"),
        number => write!(f, " group_id={number}"),
    }
}

/// Writes groups with their buckets, a line for each.
pub(super) fn descriptions(f: &mut fmt::Formatter<'_>, groups: &[Group]) -> fmt::Result {
    groups.iter().try_for_each(|group| write!(f, "\n {group}"))
}

/// Writes groups' counters, a line for each.
pub(super) fn stats(f: &mut fmt::Formatter<'_>, groups: &[GroupStats]) -> fmt::Result {
    for it in groups {
        write!(f, "\n group_id={}", it.group_id)?;
        if it.duration_sec != u32::MAX {
            write!(f, ",duration={}", Duration(it.duration_sec, it.duration_nsec))?;
        }
        write!(f, ",ref_count={},packet_count={}", it.ref_count, it.packet_count)?;
        write!(f, ",byte_count={}", it.byte_count)?;
        for (number, bucket) in it.buckets.iter().enumerate() {
            // The switch does not count the packets of a bucket that says this.
            if bucket.packet_count != u64::MAX {
                write!(f, ",bucket{number}:packet_count={}", bucket.packet_count)?;
                write!(f, ",byte_count={}", bucket.byte_count)?;
            }
        }
    }
    Ok(())
}

pub(super) fn features(f: &mut fmt::Formatter<'_>, features: &GroupFeatures) -> fmt::Result {
    write!(f, "\n Group table:\n    Types:  {:#x}", features.types)?;
    write!(f, "\n    Capabilities:  {:#x}", features.capabilities)?;
    for (number, name) in ["all", "select", "indirect", "fast failover"].into_iter().enumerate() {
        if features.types & 1 << number != 0 {
            let max = Hex(features.max_groups[number].into());
            write!(f, "\n    {name} group:\n       max_groups={max}")?;
            f.write_str("\n       actions:")?;
            actions(f, features.actions[number])?;
        }
    }
    Ok(())
}

/// Writes the actions whose bits are set, then the bits that have no name.
fn actions(f: &mut fmt::Formatter<'_>, bits: u32) -> fmt::Result {
    let mut rest = bits;
    for (kind, name) in ACTIONS.iter().filter(|(kind, _)| bits & 1 << kind != 0) {
        write!(f, " {name}")?;
        rest &= !(1 << kind);
    }
    match rest {
        0 if bits == 0 => f.write_str(" <none>"),
        0 => Ok(()),
        rest => write!(f, " {rest:#x}"),
    }
}

/// `OFPAT_*` with their names, in the order in which `ovs-ofctl` prints them.
pub(super) const ACTIONS: &[(u8, &str)] = &[
    (0, "output"),
    (22, "group"),
    (25, "set_field"),
    (18, "strip_vlan"),
    (17, "push_vlan"),
    (23, "mod_nw_ttl"),
    (24, "dec_ttl"),
    (15, "set_mpls_ttl"),
    (16, "dec_mpls_ttl"),
    (19, "push_mpls"),
    (20, "pop_mpls"),
    (21, "set_queue"),
];
