//! OpenFlow 1.3 messages: every one as a typed value, to bytes and back.
//!
//! [`Message::encode`] and [`Message::decode`] work on whole messages, header included. Types that
//! this module does not know stay bytes ([`Message::Unknown`], [`Message::Experimenter`] and the
//! `Other` variants), as do actions and instructions that are unknown or written in an unusual way.
//! What decodes encodes to the same bytes, but for padding, which is written as zeros, for the
//! fields of a match, which are put in canonical order, and for the order of the properties of
//! [`PacketIn2`].

use bytes::{BufMut, Bytes, BytesMut};

use crate::wire::{Reader, put_length};
use crate::{DecodeError, TooLong};

mod async_config;
mod bundle;
mod config;
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
mod port_status;
mod role;

pub use async_config::AsyncConfig;
pub use bundle::{BundleAdd, BundleControl, BundleControlType, BundleFlags};
pub use config::SwitchConfig;
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
    AggregateStats, BucketCounter, Desc, FlowStats, FlowStatsRequest, GroupFeatures, GroupStats,
    MultipartReply, MultipartReplyBody, MultipartRequest, MultipartRequestBody, PortStats,
    TableStats,
};
pub use packet_in::PacketIn;
pub use packet_in2::{PacketIn2, PacketInFormat};
pub use packet_out::PacketOut;
pub use port_status::{Port, PortReason, PortStatus};
pub use role::{ControllerRole, Role};

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
    /// Any other type.
    Unknown {
        /// `OFPT_*`.
        kind: u8,
        /// What follows the header.
        body: Bytes,
    },
}

impl Message {
    /// Appends the whole message to `out`.
    ///
    /// # Errors
    ///
    /// When it is longer than 65,535 bytes; `out` is then as it was.
    pub fn encode(&self, xid: u32, out: &mut BytesMut) -> Result<(), TooLong> {
        let version = if let Self::Hello(hello) = self { hello.version } else { VERSION };
        frame(out, version, self.kind(), xid, |out| self.encode_body(out))
    }

    /// The whole message as bytes of its own.
    ///
    /// # Errors
    ///
    /// As [`Message::encode`].
    pub fn to_bytes(&self, xid: u32) -> Result<Bytes, TooLong> {
        let mut out = BytesMut::new();
        self.encode(xid, &mut out)?;
        Ok(out.freeze())
    }

    /// Reads one whole message: its xid and itself.
    ///
    /// # Errors
    ///
    /// When `bytes` are not exactly one well-formed message of OpenFlow 1.3 (a hello may be of any
    /// version).
    pub fn decode(bytes: &[u8]) -> Result<(u32, Self), DecodeError> {
        let mut reader = Reader::new("ofp_header", bytes);
        let version = reader.u8()?;
        let kind = reader.u8()?;
        if version != VERSION && kind != kind::HELLO {
            return Err(reader.clone().bad("version", 2, version, "4, OpenFlow 1.3"));
        }
        let length = reader.u16()?;
        if usize::from(length) != bytes.len() {
            return Err(reader.bad("length", 2, length, "the number of bytes of the message"));
        }
        let xid = reader.u32()?;
        let mut body = reader.named(structure(kind));
        let message = Self::decode_body(version, kind, &mut body)?;
        body.finish()?;
        Ok((xid, message))
    }

    /// The type in the header.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => kind::HELLO,
            Self::Error(_) => kind::ERROR,
            Self::EchoRequest(_) => kind::ECHO_REQUEST,
            Self::EchoReply(_) => kind::ECHO_REPLY,
            Self::FeaturesRequest => kind::FEATURES_REQUEST,
            Self::FeaturesReply(_) => kind::FEATURES_REPLY,
            Self::GetConfigRequest => kind::GET_CONFIG_REQUEST,
            Self::GetConfigReply(_) => kind::GET_CONFIG_REPLY,
            Self::SetConfig(_) => kind::SET_CONFIG,
            Self::PacketIn(_) => kind::PACKET_IN,
            Self::FlowRemoved(_) => kind::FLOW_REMOVED,
            Self::PortStatus(_) => kind::PORT_STATUS,
            Self::PacketOut(_) => kind::PACKET_OUT,
            Self::FlowMod(_) => kind::FLOW_MOD,
            Self::GroupMod(_) => kind::GROUP_MOD,
            Self::MeterMod(_) => kind::METER_MOD,
            Self::MultipartRequest(_) => kind::MULTIPART_REQUEST,
            Self::MultipartReply(_) => kind::MULTIPART_REPLY,
            Self::BarrierRequest => kind::BARRIER_REQUEST,
            Self::BarrierReply => kind::BARRIER_REPLY,
            Self::RoleRequest(_) => kind::ROLE_REQUEST,
            Self::RoleReply(_) => kind::ROLE_REPLY,
            Self::GetAsyncRequest => kind::GET_ASYNC_REQUEST,
            Self::GetAsyncReply(_) => kind::GET_ASYNC_REPLY,
            Self::SetAsync(_) => kind::SET_ASYNC,
            Self::BundleControl(_)
            | Self::BundleAdd(_)
            | Self::SetPacketInFormat(_)
            | Self::SetControllerId(_)
            | Self::PacketIn2(_)
            | Self::CtFlushZone(_)
            | Self::Experimenter(_) => kind::EXPERIMENTER,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    fn encode_body(&self, out: &mut BytesMut) {
        match self {
            Self::Hello(hello) => hello.encode(out),
            Self::Error(error) => error.encode(out),
            Self::EchoRequest(body) | Self::EchoReply(body) | Self::Unknown { body, .. } => {
                out.put_slice(body);
            }
            Self::FeaturesRequest
            | Self::GetConfigRequest
            | Self::GetAsyncRequest
            | Self::BarrierRequest
            | Self::BarrierReply => {}
            Self::FeaturesReply(features) => features.encode(out),
            Self::GetConfigReply(config) | Self::SetConfig(config) => config.encode(out),
            Self::PacketIn(packet_in) => packet_in.encode(out),
            Self::FlowRemoved(removed) => removed.encode(out),
            Self::PortStatus(status) => status.encode(out),
            Self::PacketOut(packet_out) => packet_out.encode(out),
            Self::FlowMod(flow_mod) => flow_mod.encode(out),
            Self::GroupMod(group_mod) => group_mod.encode(out),
            Self::MeterMod(meter_mod) => meter_mod.encode(out),
            Self::MultipartRequest(request) => request.encode(out),
            Self::MultipartReply(reply) => reply.encode(out),
            Self::RoleRequest(role) | Self::RoleReply(role) => role.encode(out),
            Self::GetAsyncReply(config) | Self::SetAsync(config) => config.encode(out),
            Self::BundleControl(_)
            | Self::BundleAdd(_)
            | Self::SetPacketInFormat(_)
            | Self::SetControllerId(_)
            | Self::PacketIn2(_)
            | Self::CtFlushZone(_)
            | Self::Experimenter(_) => experimenter::encode(self, out),
        }
    }

    fn decode_body(version: u8, kind: u8, body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            kind::HELLO => Self::Hello(Hello::decode(version, body)?),
            kind::ERROR => Self::Error(ErrorMessage::decode(body)?),
            kind::ECHO_REQUEST => Self::EchoRequest(body.rest_bytes()),
            kind::ECHO_REPLY => Self::EchoReply(body.rest_bytes()),
            kind::EXPERIMENTER => experimenter::decode(body)?,
            kind::FEATURES_REQUEST => Self::FeaturesRequest,
            kind::FEATURES_REPLY => Self::FeaturesReply(FeaturesReply::decode(body)?),
            kind::GET_CONFIG_REQUEST => Self::GetConfigRequest,
            kind::GET_CONFIG_REPLY => Self::GetConfigReply(SwitchConfig::decode(body)?),
            kind::SET_CONFIG => Self::SetConfig(SwitchConfig::decode(body)?),
            kind::PACKET_IN => Self::PacketIn(PacketIn::decode(body)?),
            kind::FLOW_REMOVED => Self::FlowRemoved(FlowRemoved::decode(body)?),
            kind::PORT_STATUS => Self::PortStatus(PortStatus::decode(body)?),
            kind::PACKET_OUT => Self::PacketOut(PacketOut::decode(body)?),
            kind::FLOW_MOD => Self::FlowMod(FlowMod::decode(body)?),
            kind::GROUP_MOD => Self::GroupMod(GroupMod::decode(body)?),
            kind::MULTIPART_REQUEST => Self::MultipartRequest(MultipartRequest::decode(body)?),
            kind::MULTIPART_REPLY => Self::MultipartReply(MultipartReply::decode(body)?),
            kind::BARRIER_REQUEST => Self::BarrierRequest,
            kind::BARRIER_REPLY => Self::BarrierReply,
            kind::ROLE_REQUEST => Self::RoleRequest(Role::decode(body)?),
            kind::ROLE_REPLY => Self::RoleReply(Role::decode(body)?),
            kind::GET_ASYNC_REQUEST => Self::GetAsyncRequest,
            kind::GET_ASYNC_REPLY => Self::GetAsyncReply(AsyncConfig::decode(body)?),
            kind::SET_ASYNC => Self::SetAsync(AsyncConfig::decode(body)?),
            kind::METER_MOD => Self::MeterMod(MeterMod::decode(body)?),
            kind => Self::Unknown { kind, body: body.rest_bytes() },
        })
    }
}

/// Writes a header, a body and the header's length.
fn frame(
    out: &mut BytesMut,
    version: u8,
    kind: u8,
    xid: u32,
    body: impl FnOnce(&mut BytesMut),
) -> Result<(), TooLong> {
    let start = out.len();
    out.put_u8(version);
    out.put_u8(kind);
    out.put_u16(0);
    out.put_u32(xid);
    body(out);
    let length = out.len() - start;
    if length > TooLong::LIMIT {
        out.truncate(start);
        return Err(TooLong { length });
    }
    put_length(out, start, start + 2);
    Ok(())
}

/// The specification's name of a message's body.
const fn structure(kind: u8) -> &'static str {
    match kind {
        kind::HELLO => "ofp_hello",
        kind::ERROR => "ofp_error_msg",
        kind::EXPERIMENTER => "ofp_experimenter_header",
        kind::FEATURES_REPLY => "ofp_switch_features",
        kind::GET_CONFIG_REPLY | kind::SET_CONFIG => "ofp_switch_config",
        kind::PACKET_IN => "ofp_packet_in",
        kind::FLOW_REMOVED => "ofp_flow_removed",
        kind::PORT_STATUS => "ofp_port_status",
        kind::PACKET_OUT => "ofp_packet_out",
        kind::FLOW_MOD => "ofp_flow_mod",
        kind::GROUP_MOD => "ofp_group_mod",
        kind::MULTIPART_REQUEST => "ofp_multipart_request",
        kind::MULTIPART_REPLY => "ofp_multipart_reply",
        kind::ROLE_REQUEST | kind::ROLE_REPLY => "ofp_role_request",
        kind::GET_ASYNC_REPLY | kind::SET_ASYNC => "ofp_async_config",
        kind::METER_MOD => "ofp_meter_mod",
        _ => "ofp_header",
    }
}
