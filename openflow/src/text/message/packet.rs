//! Packets to and from the controller.

use std::fmt;

use super::parts::{HexDump, Reason};
use crate::message::{PacketIn, PacketIn2, PacketOut};
use crate::text::action::actions;
use crate::text::{HexBytes, Naming};

/// `OFPR_*`.
pub(super) const SENT: &[&str] =
    &["no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"];

pub(super) fn packet_in(f: &mut fmt::Formatter<'_>, packet_in: &PacketIn) -> fmt::Result {
    if packet_in.table != 0 {
        write!(f, " table_id={}", packet_in.table)?;
    }
    if packet_in.cookie != u64::MAX {
        write!(f, " cookie={:#x}", packet_in.cookie)?;
    }
    write!(f, " total_len={} {}", packet_in.total_len, packet_in.matching)?;
    write!(f, " (via {}) data_len={}", Reason(packet_in.reason, SENT), packet_in.packet.len())?;
    buffer(f, packet_in.buffer_id)?;
    write!(f, "\n{}", HexDump(&packet_in.packet))
}

pub(super) fn packet_in2(f: &mut fmt::Formatter<'_>, packet_in: &PacketIn2) -> fmt::Result {
    if let Some(table) = packet_in.table.filter(|table| *table != 0) {
        write!(f, " table_id={table}")?;
    }
    if let Some(cookie) = packet_in.cookie.filter(|cookie| *cookie != u64::MAX) {
        write!(f, " cookie={cookie:#x}")?;
    }
    let here = packet_in.packet.len();
    let whole = packet_in.full_len.map_or(here, |length| length as usize);
    let reason = Reason(packet_in.reason.unwrap_or_default(), SENT);
    write!(f, " total_len={whole} {} (via {reason}) data_len={here}", packet_in.metadata)?;
    buffer(f, packet_in.buffer_id.unwrap_or(u32::MAX))?;
    for (name, bytes) in
        [("userdata", &packet_in.userdata), ("continuation", &packet_in.continuation)]
    {
        if !bytes.is_empty() {
            write!(f, "\n {name}=")?;
            for (at, byte) in bytes.iter().enumerate() {
                write!(f, "{}{byte:02x}", if at == 0 { "" } else { "." })?;
            }
        }
    }
    for (kind, bytes) in &packet_in.other {
        write!(f, "\n property {kind}={}", HexBytes(bytes))?;
    }
    if here == 0 { Ok(()) } else { write!(f, "\n{}", HexDump(&packet_in.packet)) }
}

fn buffer(f: &mut fmt::Formatter<'_>, id: u32) -> fmt::Result {
    if id == u32::MAX { f.write_str(" (unbuffered)") } else { write!(f, " buffer={id:#010x}") }
}

pub(super) fn packet_out(f: &mut fmt::Formatter<'_>, packet_out: &PacketOut) -> fmt::Result {
    write!(f, " in_port={} actions=", packet_out.in_port)?;
    if packet_out.actions.is_empty() {
        f.write_str("drop")?;
    }
    actions(f, &packet_out.actions, Naming(None))?;
    if packet_out.buffer_id != u32::MAX {
        return write!(f, " buffer={:#010x}", packet_out.buffer_id);
    }
    write!(f, " data_len={}", packet_out.packet.len())?;
    let packet = &packet_out.packet;
    if packet.is_empty() { Ok(()) } else { write!(f, "\n{}", HexDump(packet)) }
}
