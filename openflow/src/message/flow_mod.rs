//! Changes of flows: OpenFlow 1.3.5 §7.3.4.1.

use bytes::{BufMut, BytesMut};

use crate::wire::Reader;
use crate::{DecodeError, Flow, FlowFlags, FlowId, Instruction, Match, PortNo};

/// Adds, changes or deletes flows: `struct ofp_flow_mod`, OpenFlow 1.3.5 §7.3.4.1.
///
/// ```text
///  0               2               4                              8
/// +---------------------------------------------------------------+
/// | cookie                                                        |
/// +---------------------------------------------------------------+
/// | cookie_mask                                                   |
/// +-------+-------+---------------+---------------+---------------+
/// | table | cmd   | idle_timeout  | hard_timeout  | priority      |
/// +-------+-------+---------------+---------------+---------------+
/// | buffer_id                     | out_port                      |
/// +-------------------------------+---------------+---------------+
/// | out_group                     | flags         | pad           |
/// +-------------------------------+---------------+---------------+
/// | match, padded to 8; instructions                              |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FlowMod {
    /// What to do.
    pub command: FlowModCommand,
    /// The flow; for modify and delete, which flows (table 255 for all tables).
    pub flow: Flow,
    /// Modify and delete only flows whose cookie agrees with the flow's in these bits.
    pub cookie_mask: u64,
    /// A packet that the switch keeps, to which the flow is applied at once.
    pub buffer_id: u32,
    /// Delete only flows that output to this port.
    pub out_port: PortNo,
    /// Delete only flows that output to this group.
    pub out_group: u32,
}

/// `enum ofp_flow_mod_command`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum FlowModCommand {
    /// Adds the flow; replaces one with the same identity.
    Add = 0,
    /// Changes the instructions of all flows that the match covers.
    Modify = 1,
    /// Changes the instructions of the flow with exactly this match and priority.
    ModifyStrict = 2,
    /// Deletes all flows that the match covers.
    Delete = 3,
    /// Deletes the flow with exactly this match and priority.
    DeleteStrict = 4,
}

impl FlowModCommand {
    const ALL: [Self; 5] =
        [Self::Add, Self::Modify, Self::ModifyStrict, Self::Delete, Self::DeleteStrict];
}

impl FlowMod {
    /// No packet is kept for this message: `OFP_NO_BUFFER`.
    pub const NO_BUFFER: u32 = u32::MAX;
    /// Any group: `OFPG_ANY`.
    pub const ANY_GROUP: u32 = u32::MAX;
    /// All tables, for deletes: `OFPTT_ALL`.
    pub const ALL_TABLES: u8 = 255;

    /// Does `command` with `flow`, restricted by nothing else.
    pub const fn new(command: FlowModCommand, flow: Flow) -> Self {
        Self {
            command,
            flow,
            cookie_mask: 0,
            buffer_id: Self::NO_BUFFER,
            out_port: PortNo::ANY,
            out_group: Self::ANY_GROUP,
        }
    }

    /// Adds `flow`, or replaces the one with the same identity.
    pub const fn add(flow: Flow) -> Self {
        Self::new(FlowModCommand::Add, flow)
    }

    /// Deletes the flow with exactly this identity.
    pub fn delete_strict(id: FlowId) -> Self {
        let FlowId { table, priority, matching } = id;
        let flow = Flow { table, priority, matching, ..Flow::default() };
        Self::new(FlowModCommand::DeleteStrict, flow)
    }

    /// Deletes every flow of `table` ([`FlowMod::ALL_TABLES`] for all) whose cookie agrees with
    /// `cookie` in the bits of `mask`.
    pub fn delete_by_cookie(table: u8, cookie: u64, mask: u64) -> Self {
        let flow = Flow { table, cookie, ..Flow::default() };
        Self { cookie_mask: mask, ..Self::new(FlowModCommand::Delete, flow) }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        let Self { command, flow, cookie_mask, buffer_id, out_port, out_group } = self;
        put_body(out, *command, flow, *cookie_mask, [*buffer_id, out_port.0, *out_group]);
    }

    /// Writes the body that adds `flow`, without making a [`FlowMod`] first.
    pub(super) fn encode_plain(command: FlowModCommand, flow: &Flow, out: &mut BytesMut) {
        put_body(out, command, flow, 0, [Self::NO_BUFFER, PortNo::ANY.0, Self::ANY_GROUP]);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let cookie = body.u64()?;
        let cookie_mask = body.u64()?;
        let table = body.u8()?;
        let command = body.u8()?;
        let Some(&command) = FlowModCommand::ALL.get(usize::from(command)) else {
            return Err(body.bad("command", 1, command, "0 to 4"));
        };
        let idle_timeout = body.u16()?;
        let hard_timeout = body.u16()?;
        let priority = body.u16()?;
        let buffer_id = body.u32()?;
        let out_port = body.port()?;
        let out_group = body.u32()?;
        let flags = FlowFlags(body.u16()?);
        body.skip(2)?;
        let matching = Match::decode(body)?;
        let instructions = Instruction::decode_all(body)?;
        let flow = Flow {
            table,
            priority,
            cookie,
            idle_timeout,
            hard_timeout,
            flags,
            matching,
            instructions,
        };
        Ok(Self { command, flow, cookie_mask, buffer_id, out_port, out_group })
    }
}

/// Writes the body; `restriction` is buffer, port and group.
///
/// The part of fixed size is put at once, since every `put` into a growing buffer is a call.
fn put_body(
    out: &mut BytesMut,
    command: FlowModCommand,
    flow: &Flow,
    cookie_mask: u64,
    restriction: [u32; 3],
) {
    let mut fixed = [0; 40];
    let mut rest = &mut fixed[..];
    rest.put_u64(flow.cookie);
    rest.put_u64(cookie_mask);
    rest.put_u8(flow.table);
    rest.put_u8(command as u8);
    rest.put_u16(flow.idle_timeout);
    rest.put_u16(flow.hard_timeout);
    rest.put_u16(flow.priority);
    restriction.into_iter().for_each(|it| rest.put_u32(it));
    rest.put_u16(flow.flags.0);
    out.put_slice(&fixed);
    flow.matching.encode(out);
    for instruction in &flow.instructions {
        instruction.encode(out);
    }
}
