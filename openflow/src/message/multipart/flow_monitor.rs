//! The flow monitor: `ONFST_FLOW_MONITOR`, ONF extension 187, which is OpenFlow 1.4's for 1.3; its
//! structures are those of `openflow-1.3.h` and `nicira-ext.h` of Open vSwitch.

use bytes::{BufMut, BytesMut};

use crate::wire::{Reader, put_length};
use crate::{DecodeError, Flow, Instruction, Match, PortNo};

/// Asks to be told of flows and of every change to them: `struct onf_flow_monitor_request`.
///
/// The reply tells the flows that are there, if [`FlowMonitorFlags::INITIAL`] asks for them. Changes
/// come later as replies that nobody asked for, of xid 0, each before the reply to a barrier that
/// was sent after the change. A switch that cannot send them fast enough says so with
/// [`Message::FlowMonitorPaused`], leaves out what came to be in the meantime, tells it later, and
/// ends with [`Message::FlowMonitorResumed`].
///
/// ```text
///  0               2               4                              8
/// +---------------+---------------+---------------+---------------+
/// | id                            | flags         | match_len     |
/// +---------------+---------------+-------+-------+---------------+
/// | out_port                      | table | zeros                 |
/// +-------------------------------+-------+-----------------------+
/// | ofp_match                                                     |
/// +---------------------------------------------------------------+
/// ```
///
/// [`Message::FlowMonitorPaused`]: crate::message::Message::FlowMonitorPaused
/// [`Message::FlowMonitorResumed`]: crate::message::Message::FlowMonitorResumed
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FlowMonitorRequest {
    /// Names the monitor on this connection, until it is cancelled.
    pub id: u32,
    /// Of what the switch tells, and how much.
    pub flags: FlowMonitorFlags,
    /// Only flows that output to this port; [`PortNo::ANY`] for all.
    pub out_port: PortNo,
    /// The table, 255 for all.
    pub table: u8,
    /// Only flows that this match covers.
    pub matching: Match,
}

/// `enum nx_flow_monitor_flags`, which the ONF extension has, too.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FlowMonitorFlags(pub u16);

impl FlowMonitorFlags {
    /// The flows that are there already.
    pub const INITIAL: Self = Self(1);
    /// Flows that are added.
    pub const ADD: Self = Self(1 << 1);
    /// Flows that go.
    pub const DELETE: Self = Self(1 << 2);
    /// Flows that change.
    pub const MODIFY: Self = Self(1 << 3);
    /// With their instructions.
    pub const ACTIONS: Self = Self(1 << 4);
    /// Changes by this connection in full, not as [`FlowUpdate::Abbreviated`].
    pub const OWN: Self = Self(1 << 5);
    /// Everything by everybody, but one's own changes by their xids: what shows what others did.
    pub const OTHERS: Self = Self(0x1f);

    /// True when all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What happened to a flow: `struct nx_flow_update_header` and those that begin with it.
///
/// ```text
///  0               2               4               6              8
/// +---------------+---------------+---------------+---------------+
/// | length        | event         | reason        | priority      |
/// +---------------+---------------+---------------+-------+-------+
/// | idle_timeout  | hard_timeout  | match_len     | table | pad   |
/// +---------------+---------------+---------------+-------+-------+
/// | cookie                                                        |
/// +---------------------------------------------------------------+
/// | ofp_match                                                     |
/// +---------------------------------------------------------------+
/// | instructions                                                  |
/// +---------------------------------------------------------------+
/// ```
///
/// A flow's flags are not told, its instructions only when [`FlowMonitorFlags::ACTIONS`] was set.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum FlowUpdate {
    /// The flow was added, or was there when the monitor began.
    Added(Flow),
    /// The flow is gone.
    Deleted {
        /// The flow as it was.
        flow: Flow,
        /// `OFPRR_*`.
        reason: u16,
    },
    /// The flow is this now.
    Modified(Flow),
    /// A request of this connection did what it asked for.
    Abbreviated {
        /// The request's xid.
        xid: u32,
    },
}

impl FlowMonitorRequest {
    /// Monitors all flows of all tables.
    pub fn new(id: u32, flags: FlowMonitorFlags) -> Self {
        Self { id, flags, out_port: PortNo::ANY, table: 255, matching: Match::new() }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.id);
        out.put_u16(self.flags.0);
        out.put_u16(match_len(&self.matching));
        out.put_u32(self.out_port.0);
        out.put_u8(self.table);
        out.put_bytes(0, 3);
        self.matching.encode(out);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut request = reader.nested("onf_flow_monitor_request", 16)?;
        let id = request.u32()?;
        let flags = FlowMonitorFlags(request.u16()?);
        request.skip(2)?;
        let out_port = request.port()?;
        let table = request.u8()?;
        let matching = Match::decode(reader)?;
        Ok(Self { id, flags, out_port, table, matching })
    }
}

impl FlowUpdate {
    /// The flow that it is about, unless that is told by an xid only.
    pub const fn flow(&self) -> Option<&Flow> {
        match self {
            Self::Added(flow) | Self::Deleted { flow, .. } | Self::Modified(flow) => Some(flow),
            Self::Abbreviated { .. } => None,
        }
    }

    const ADDED: u16 = 0;
    const DELETED: u16 = 1;
    const MODIFIED: u16 = 2;
    const ABBREV: u16 = 3;
    /// Bytes before the match.
    const FIXED: u16 = 24;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        let (event, reason, flow) = match self {
            Self::Added(flow) => (Self::ADDED, 0, flow),
            Self::Deleted { flow, reason } => (Self::DELETED, *reason, flow),
            Self::Modified(flow) => (Self::MODIFIED, 0, flow),
            Self::Abbreviated { xid } => {
                out.put_u16(8);
                out.put_u16(Self::ABBREV);
                return out.put_u32(*xid);
            }
        };
        let start = out.len();
        out.put_u16(0);
        out.put_u16(event);
        out.put_u16(reason);
        out.put_u16(flow.priority);
        out.put_u16(flow.idle_timeout);
        out.put_u16(flow.hard_timeout);
        out.put_u16(match_len(&flow.matching));
        out.put_u8(flow.table);
        out.put_u8(0);
        out.put_u64(flow.cookie);
        flow.matching.encode(out);
        flow.instructions.iter().for_each(|instruction| instruction.encode(out));
        put_length(out, start, start);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut header = reader.clone().named("nx_flow_update_header");
        let length = header.u16()?;
        let (wanted, least) = ("at least 24, or 8 when it is abbreviated", Self::FIXED);
        let event = header.clone().u16()?;
        if length < if event == Self::ABBREV { 8 } else { least } {
            return Err(header.bad("length", 2, length, wanted));
        }
        let mut update = reader.nested("nx_flow_update_full", usize::from(length))?;
        update.skip(2)?;
        let event = update.u16()?;
        if event == Self::ABBREV {
            let xid = update.u32()?;
            update.finish()?;
            return Ok(Self::Abbreviated { xid });
        }
        if event > Self::ABBREV {
            return Err(update.bad("event", 2, event, "0 to 3"));
        }
        let reason = update.u16()?;
        let priority = update.u16()?;
        let (idle_timeout, hard_timeout) = (update.u16()?, update.u16()?);
        update.skip(2)?;
        let table = update.u8()?;
        update.skip(1)?;
        let cookie = update.u64()?;
        let matching = Match::decode(&mut update)?;
        let instructions = Instruction::decode_all(&mut update)?;
        let flow = Flow {
            table,
            priority,
            cookie,
            idle_timeout,
            hard_timeout,
            matching,
            instructions,
            ..Flow::default()
        };
        Ok(match event {
            Self::ADDED => Self::Added(flow),
            Self::DELETED => Self::Deleted { flow, reason },
            _ => Self::Modified(flow),
        })
    }
}

/// The match's length without its padding, as the match itself tells it again.
fn match_len(matching: &Match) -> u16 {
    (4 + matching.as_oxm_bytes().len()) as u16
}
