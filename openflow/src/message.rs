//! OpenFlow 1.3 messages: every one as a typed value, to bytes and back.
//!
//! [`Message::encode`] and [`Message::decode`] work on whole messages, header included. What decodes
//! encodes to the same bytes, always: types that this module does not know stay bytes
//! ([`Message::Unknown`], [`Message::Experimenter`] and the `Other` variants), as do parts of
//! messages that are unknown or written in an unusual way (actions, instructions, properties), and
//! a message whose bytes no typed value stands for is [`Message::Unknown`] as a whole.
//! [`Message::interpret`] gives a typed value for such a message, too.

use bytes::Bytes;

use crate::PortNo;

mod async_config;
mod bundle;
mod codec;
mod config;
mod ct_flush;
mod ct_flush_zone;
mod encoded;
mod error;
mod error_names;
mod experimenter;
mod features;
mod flow_mod;
mod flow_removed;
mod group_mod;
mod hello;
mod kind;
mod meter_mod;
mod multipart;
mod packet_in;
mod packet_in2;
mod packet_out;
mod port_mod;
mod port_status;
mod property;
mod queue_config;
mod requestforward;
mod role;
mod role_status;
mod table_mod;
mod tlv_table;

pub use async_config::{AsyncConfig, AsyncKind, AsyncProperty};
pub use bundle::{BundleAdd, BundleControl, BundleControlType, BundleFlags};
use codec::frame;
pub use config::SwitchConfig;
pub use ct_flush::{CtFlush, CtTuple};
pub use ct_flush_zone::CtFlushZone;
pub use encoded::{bundle_add_frame, bundled_flow_frame, flow_frame};
pub use error::{ErrorCode, ErrorMessage, OffendingFlow};
pub use experimenter::Experimenter;
pub use features::FeaturesReply;
pub use flow_mod::{FlowMod, FlowModCommand};
pub use flow_removed::FlowRemoved;
pub use group_mod::{GroupMod, GroupModCommand};
pub use hello::Hello;
pub use meter_mod::{MeterMod, MeterModCommand};
pub use multipart::{
    AggregateStats, BucketCounter, Desc, FeatureId, FlowKind, FlowMonitorFlags, FlowMonitorRequest,
    FlowStats, FlowStatsRequest, FlowUpdate, GroupFeatures, GroupStats, MeterBandStats,
    MeterFeatures, MeterStats, MultipartReply, MultipartReplyBody, MultipartRequest,
    MultipartRequestBody, OxmId, PortStats, QueueStats, QueueStatsRequest, TableFeature,
    TableFeatures, TableStats,
};
pub use packet_in::PacketIn;
pub use packet_in2::{PacketIn2, PacketInFormat};
pub use packet_out::PacketOut;
pub use port_mod::PortMod;
pub use port_status::{Port, PortReason, PortStatus};
pub use queue_config::{PacketQueue, QueueConfig, QueueProperty};
pub use requestforward::Requestforward;
pub use role::{ControllerRole, Role};
pub use role_status::RoleStatus;
pub use table_mod::TableMod;
pub use tlv_table::{TlvMap, TlvTableMod, TlvTableModCommand, TlvTableReply};

/// The wire version of OpenFlow 1.3.
pub const VERSION: u8 = 4;

/// Bytes of a message's header.
pub const HEADER: usize = 8;

/// A message's header: `struct ofp_header`, OpenFlow 1.3.5 §7.1.1.
///
/// ```text
///  0       1       2               4                              8
/// +-------+-------+---------------+-------------------------------+
/// | vers  | type  | length        | xid                           |
/// +-------+-------+---------------+-------------------------------+
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Header {
    /// The protocol's version, 4 for OpenFlow 1.3.
    pub version: u8,
    /// `OFPT_*`.
    pub kind: u8,
    /// Bytes of the message, header included.
    pub length: u16,
    /// Replies and errors carry the xid of what they answer.
    pub xid: u32,
}

impl Header {
    /// The header at the beginning of `bytes`, `None` when they are fewer than [`HEADER`].
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[version, kind, l0, l1, x0, x1, x2, x3, ..] = bytes else { return None };
        Some(Self {
            version,
            kind,
            length: u16::from_be_bytes([l0, l1]),
            xid: u32::from_be_bytes([x0, x1, x2, x3]),
        })
    }
}

/// A message, without its xid.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Message {
    /// Opens a connection.
    Hello(Hello),
    /// Refuses another message.
    Error(ErrorMessage),
    /// Asks whether the other end is alive; the reply has the same bytes.
    EchoRequest(Bytes),
    /// Answers an echo request.
    EchoReply(Bytes),
    /// Asks who the switch is.
    FeaturesRequest,
    /// Tells who the switch is.
    FeaturesReply(FeaturesReply),
    /// Asks for the switch's configuration.
    GetConfigRequest,
    /// Tells the switch's configuration.
    GetConfigReply(SwitchConfig),
    /// Sets the switch's configuration.
    SetConfig(SwitchConfig),
    /// A packet for the controller.
    PacketIn(PacketIn),
    /// A flow has gone.
    FlowRemoved(FlowRemoved),
    /// A port came, went or changed.
    PortStatus(PortStatus),
    /// A packet from the controller.
    PacketOut(PacketOut),
    /// Adds, changes or deletes flows.
    FlowMod(FlowMod),
    /// Adds, changes or deletes a group.
    GroupMod(GroupMod),
    /// Changes how a port behaves.
    PortMod(PortMod),
    /// Configures a table.
    TableMod(TableMod),
    /// Adds, changes or deletes a meter.
    MeterMod(MeterMod),
    /// Asks for statistics or descriptions.
    MultipartRequest(MultipartRequest),
    /// Statistics or descriptions.
    MultipartReply(MultipartReply),
    /// Asks the switch to finish everything before.
    BarrierRequest,
    /// Everything before the request is done.
    BarrierReply,
    /// Asks for the queues of a port, or of all ([`PortNo::ANY`]).
    QueueGetConfigRequest(PortNo),
    /// Tells the queues of a port.
    QueueGetConfigReply(QueueConfig),
    /// Asks for a role.
    RoleRequest(Role),
    /// Tells the role.
    RoleReply(Role),
    /// Asks which messages come unasked.
    GetAsyncRequest,
    /// Tells which messages come unasked.
    GetAsyncReply(AsyncConfig),
    /// Says which messages may come unasked.
    SetAsync(AsyncConfig),
    /// Opens, closes, commits or discards a bundle (ONF extension 230).
    BundleControl(BundleControl),
    /// Puts a message into a bundle (ONF extension 230).
    BundleAdd(BundleAdd),
    /// Ends a flow monitor (ONF extension 187).
    FlowMonitorCancel {
        /// The monitor: [`FlowMonitorRequest::id`].
        id: u32,
    },
    /// Changes of flows come too fast to be told: until
    /// [`FlowMonitorResumed`](Self::FlowMonitorResumed), what is known of flows is incomplete (ONF
    /// extension 187).
    FlowMonitorPaused,
    /// Every change of flows has been told again (ONF extension 187).
    FlowMonitorResumed,
    /// Tells that the role has changed unasked (ONF extension 191).
    RoleStatus(RoleStatus),
    /// Tells what another controller did to groups and meters (ONF extension 235).
    Requestforward(Requestforward),
    /// Chooses the structure of flow messages (Nicira, for OpenFlow 1.0): `NXFF_*`.
    SetFlowFormat(u32),
    /// Whether a flow-mod's command names its table (Nicira, for OpenFlow 1.0).
    FlowModTableId(bool),
    /// Asks for flows' ages in flow statistics (Nicira, for OpenFlow 1.0).
    FlowAge,
    /// Says which messages may come unasked (Nicira).
    SetAsyncConfig(AsyncConfig),
    /// Says which messages may come unasked, more of them (Nicira).
    SetAsyncConfig2(Vec<AsyncProperty>),
    /// Changes which tunnel options are match fields (Nicira).
    TlvTableMod(TlvTableMod),
    /// Asks which tunnel options are match fields (Nicira).
    TlvTableRequest,
    /// Tells which tunnel options are match fields (Nicira).
    TlvTableReply(TlvTableReply),
    /// Lets a packet go on whose flow's `controller` action has a pause (Nicira): what came as
    /// [`PacketIn2`](Self::PacketIn2), perhaps changed.
    Resume(PacketIn2),
    /// Forgets connections (Nicira).
    CtFlush(CtFlush),
    /// Chooses the messages that carry packets (Nicira).
    SetPacketInFormat(PacketInFormat),
    /// Names this connection for `controller` actions (Nicira).
    SetControllerId(u16),
    /// A packet for the controller, with user data (Nicira).
    PacketIn2(PacketIn2),
    /// Forgets the connections of a conntrack zone (Nicira).
    CtFlushZone(CtFlushZone),
    /// Any other experimenter's message.
    Experimenter(Experimenter),
    /// Any other type, or a message with unusual bytes: see [`Message::decode`].
    Unknown {
        /// `OFPT_*`.
        kind: u8,
        /// What follows the header.
        body: Bytes,
    },
}
