//! Messages, as `ovs-ofctl ofp-print` prints them.
//!
//! Some things are printed otherwise: packets as a hex dump; the group and the cookie that restrict
//! a flow-mod or a request, which `ovs-ofctl` leaves out; asynchronous configuration without what
//! OpenFlow 1.3 does not have; and what [`Message`] holds as bytes, which has no name then.

use std::fmt;

use super::action::actions;
use super::flow::{DEFAULT_PRIORITY, FLAGS, instructions};
use super::{HexBytes, List, Naming, matching};
use crate::message::{
    AsyncConfig, BundleControl, BundleControlType, BundleFlags, ControllerRole, ErrorMessage,
    FeaturesReply, FlowMod, FlowModCommand, FlowRemoved, Hello, Message, PacketIn, PacketIn2,
    PacketInFormat, PacketOut, Role, SwitchConfig,
};
use crate::{Match, PortNo};

mod multipart;
mod parts;
mod port;

use parts::{Bits, Duration, HexDump, Reason};

/// A message to be printed, with its xid.
#[derive(Clone, Copy)]
pub struct MessageDisplay<'a> {
    message: &'a Message,
    xid: u32,
}

impl Message {
    /// The message for printing, as `ovs-ofctl ofp-print` prints it, without the last line end.
    pub const fn display(&self, xid: u32) -> MessageDisplay<'_> {
        MessageDisplay { message: self, xid }
    }
}

impl fmt::Display for MessageDisplay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = |f: &mut fmt::Formatter<'_>, name: &str| {
            let version = if let Message::Hello(it) = self.message { it.version } else { 4 };
            match version.checked_sub(1) {
                Some(minor @ 0..=5) => write!(f, "{name} (OF1.{minor}) (xid={:#x}):", self.xid),
                _ => write!(f, "{name} (OF {version:#04x}) (xid={:#x}):", self.xid),
            }
        };
        match self.message {
            Message::MultipartRequest(request) => multipart::request(f, request, title),
            Message::MultipartReply(reply) => multipart::reply(f, reply, title),
            Message::Experimenter(it) => {
                let (whose, which) = (it.experimenter, it.exp_type);
                title(f, &format!("experimenter {whose:#010x}, message {which}"))?;
                write!(f, " {} bytes\n{}", it.body.len(), HexDump(&it.body))
            }
            Message::Unknown { kind, body } => {
                title(f, &format!("message of type {kind}"))?;
                write!(f, " {} bytes\n{}", body.len(), HexDump(body))
            }
            message => {
                title(f, name(message))?;
                body(f, message)
            }
        }
    }
}

/// The name of a message that has a type of its own.
const fn name(message: &Message) -> &'static str {
    match message {
        Message::Hello(_) => "OFPT_HELLO",
        Message::Error(_) => "OFPT_ERROR",
        Message::EchoRequest(_) => "OFPT_ECHO_REQUEST",
        Message::EchoReply(_) => "OFPT_ECHO_REPLY",
        Message::FeaturesRequest => "OFPT_FEATURES_REQUEST",
        Message::FeaturesReply(_) => "OFPT_FEATURES_REPLY",
        Message::GetConfigRequest => "OFPT_GET_CONFIG_REQUEST",
        Message::GetConfigReply(_) => "OFPT_GET_CONFIG_REPLY",
        Message::SetConfig(_) => "OFPT_SET_CONFIG",
        Message::PacketIn(_) => "OFPT_PACKET_IN",
        Message::FlowRemoved(_) => "OFPT_FLOW_REMOVED",
        Message::PortStatus(_) => "OFPT_PORT_STATUS",
        Message::PacketOut(_) => "OFPT_PACKET_OUT",
        Message::FlowMod(_) => "OFPT_FLOW_MOD",
        Message::BarrierRequest => "OFPT_BARRIER_REQUEST",
        Message::BarrierReply => "OFPT_BARRIER_REPLY",
        Message::RoleRequest(_) => "OFPT_ROLE_REQUEST",
        Message::RoleReply(_) => "OFPT_ROLE_REPLY",
        Message::GetAsyncRequest => "OFPT_GET_ASYNC_REQUEST",
        Message::GetAsyncReply(_) => "OFPT_GET_ASYNC_REPLY",
        Message::SetAsync(_) => "OFPT_SET_ASYNC",
        Message::BundleControl(_) => "ONFT_BUNDLE_CONTROL",
        Message::BundleAdd(_) => "ONFT_BUNDLE_ADD_MESSAGE",
        Message::SetPacketInFormat(_) => "NXT_SET_PACKET_IN_FORMAT",
        Message::SetControllerId(_) => "NXT_SET_CONTROLLER_ID",
        Message::PacketIn2(_) => "NXT_PACKET_IN2",
        Message::CtFlushZone(_) => "NXT_CT_FLUSH_ZONE",
        _ => "OpenFlow message",
    }
}

/// What follows the colon.
fn body(f: &mut fmt::Formatter<'_>, message: &Message) -> fmt::Result {
    match message {
        Message::Hello(it) => hello(f, it),
        Message::Error(it) => error(f, it),
        Message::EchoRequest(it) | Message::EchoReply(it) => {
            write!(f, " {} bytes of payload", it.len())?;
            if it.is_empty() { Ok(()) } else { write!(f, "\n{}", HexDump(it)) }
        }
        Message::FeaturesReply(it) => features(f, it),
        Message::GetConfigReply(it) | Message::SetConfig(it) => config(f, *it),
        Message::PacketIn(it) => packet_in(f, it),
        Message::FlowRemoved(it) => flow_removed(f, it),
        Message::PortStatus(it) => port::status(f, it),
        Message::PacketOut(it) => packet_out(f, it),
        Message::FlowMod(it) => flow_mod(f, it),
        Message::RoleRequest(it) => role(f, *it, it.role != ControllerRole::NoChange),
        Message::RoleReply(it) => role(f, *it, it.generation_id != u64::MAX),
        Message::GetAsyncReply(it) | Message::SetAsync(it) => asynchronous(f, it),
        Message::BundleControl(it) => bundle_control(f, it),
        Message::BundleAdd(it) => {
            write!(f, "\n bundle_id={:#x} flags={}", it.bundle_id, bundle_flags(it.flags))?;
            match it.decode_message() {
                Ok((xid, message)) => write!(f, "\n{}", message.display(xid)),
                Err(error) => write!(f, "\n{error}\n{}", HexDump(&it.message)),
            }
        }
        Message::SetPacketInFormat(PacketInFormat(format)) => match format {
            0 => f.write_str(" format=standard"),
            1 => f.write_str(" format=nxt_packet_in"),
            2 => f.write_str(" format=nxt_packet_in2"),
            other => write!(f, " format={other}"),
        },
        Message::SetControllerId(id) => write!(f, " id={id}"),
        Message::PacketIn2(it) => packet_in2(f, it),
        Message::CtFlushZone(it) => write!(f, " zone_id={}", it.zone),
        Message::FeaturesRequest
        | Message::GetConfigRequest
        | Message::GetAsyncRequest
        | Message::BarrierRequest
        | Message::BarrierReply => Ok(()),
        other => write!(f, " {other:?}"),
    }
}

fn hello(f: &mut fmt::Formatter<'_>, hello: &Hello) -> fmt::Result {
    let versions = (0_usize..).zip(&hello.bitmap).flat_map(|(word, bits)| {
        (0..32).filter(move |bit| bits & 1 << bit != 0).map(move |bit| word * 32 + bit)
    });
    for (at, version) in versions.enumerate() {
        f.write_str(if at == 0 { "\n version bitmap: " } else { ", " })?;
        write!(f, "{version:#04x}")?;
    }
    Ok(())
}

fn error(f: &mut fmt::Formatter<'_>, error: &ErrorMessage) -> fmt::Result {
    write!(f, " {}", error.code)?;
    if error.code.kind == 0 && !error.text().is_empty() {
        return write!(f, "\n{}", error.text());
    }
    match (error.offending_message(), error.offending_header()) {
        (Some(message), Some(header)) => write!(f, "\n{}", message.display(header.xid)),
        _ if error.data.is_empty() => Ok(()),
        _ => write!(f, "\n{}", HexDump(&error.data)),
    }
}

fn features(f: &mut fmt::Formatter<'_>, features: &FeaturesReply) -> fmt::Result {
    write!(f, " dpid:{:016x}", features.datapath_id)?;
    write!(f, "\nn_tables:{}, n_buffers:{}", features.n_tables, features.n_buffers)?;
    if features.auxiliary_id != 0 {
        write!(f, ", auxiliary_id:{}", features.auxiliary_id)?;
    }
    write!(f, "\ncapabilities: {}", Bits(features.capabilities, CAPABILITIES))
}

const CAPABILITIES: &[(u32, &str)] = &[
    (1, "FLOW_STATS"),
    (1 << 1, "TABLE_STATS"),
    (1 << 2, "PORT_STATS"),
    (1 << 3, "GROUP_STATS"),
    (1 << 5, "IP_REASM"),
    (1 << 6, "QUEUE_STATS"),
    (1 << 8, "PORT_BLOCKED"),
];

fn config(f: &mut fmt::Formatter<'_>, config: SwitchConfig) -> fmt::Result {
    match config.flags & 3 {
        0 => f.write_str(" frags=normal")?,
        1 => f.write_str(" frags=drop")?,
        2 => f.write_str(" frags=reassemble")?,
        _ => f.write_str(" frags=nx-match")?,
    }
    write!(f, " miss_send_len={}", config.miss_send_len)
}

/// Writes the priority, when it is not the default, and the fields; tells whether that was nothing.
fn prioritised(
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

fn flow_mod(f: &mut fmt::Formatter<'_>, flow_mod: &FlowMod) -> fmt::Result {
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

fn flow_removed(f: &mut fmt::Formatter<'_>, removed: &FlowRemoved) -> fmt::Result {
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
const REMOVED: &[&str] = &["idle", "hard", "delete", "group_delete", "meter_delete", "eviction"];

/// `OFPR_*`.
const SENT: &[&str] = &["no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"];

fn packet_in(f: &mut fmt::Formatter<'_>, packet_in: &PacketIn) -> fmt::Result {
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

fn packet_in2(f: &mut fmt::Formatter<'_>, packet_in: &PacketIn2) -> fmt::Result {
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

fn packet_out(f: &mut fmt::Formatter<'_>, packet_out: &PacketOut) -> fmt::Result {
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

fn role(f: &mut fmt::Formatter<'_>, role: Role, with_generation: bool) -> fmt::Result {
    f.write_str(match role.role {
        ControllerRole::NoChange => " role=nochange",
        ControllerRole::Equal => " role=equal",
        ControllerRole::Primary => " role=primary",
        ControllerRole::Secondary => " role=secondary",
    })?;
    if with_generation { write!(f, " generation_id={}", role.generation_id) } else { Ok(()) }
}

fn asynchronous(f: &mut fmt::Formatter<'_>, config: &AsyncConfig) -> fmt::Result {
    const PORT: &[&str] = &["add", "delete", "modify"];
    for (at, role) in ["primary", "secondary"].into_iter().enumerate() {
        write!(f, "\n {role}:")?;
        for (name, bits, reasons) in [
            ("PACKET_IN", config.packet_in[at], SENT),
            ("PORT_STATUS", config.port_status[at], PORT),
            ("FLOW_REMOVED", config.flow_removed[at], REMOVED),
        ] {
            write!(f, "\n{name:>16}:")?;
            for bit in (0_u8..32).filter(|bit| bits & 1 << bit != 0) {
                write!(f, " {}", Reason(bit, reasons))?;
            }
            f.write_str(if bits == 0 { " (off)" } else { "" })?;
        }
    }
    Ok(())
}

fn bundle_control(f: &mut fmt::Formatter<'_>, control: &BundleControl) -> fmt::Result {
    let kind = match control.kind {
        BundleControlType::OpenRequest => "OPEN_REQUEST",
        BundleControlType::OpenReply => "OPEN_REPLY",
        BundleControlType::CloseRequest => "CLOSE_REQUEST",
        BundleControlType::CloseReply => "CLOSE_REPLY",
        BundleControlType::CommitRequest => "COMMIT_REQUEST",
        BundleControlType::CommitReply => "COMMIT_REPLY",
        BundleControlType::DiscardRequest => "DISCARD_REQUEST",
        BundleControlType::DiscardReply => "DISCARD_REPLY",
    };
    let flags = bundle_flags(control.flags);
    write!(f, "\n bundle_id={:#x} type={kind} flags={flags}", control.bundle_id)
}

fn bundle_flags(flags: BundleFlags) -> Bits {
    Bits(flags.0.into(), &[(1, "atomic"), (2, "ordered")])
}
