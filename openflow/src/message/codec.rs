//! [`Message::encode`] and [`Message::decode`]: the header, and which type reads which body.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    AsyncConfig, ErrorMessage, FeaturesReply, FlowMod, FlowRemoved, GroupMod, HEADER, Hello,
    Message, MeterMod, MultipartReply, MultipartRequest, PacketIn, PacketOut, PortMod, PortStatus,
    QueueConfig, Role, SwitchConfig, TableMod, VERSION, experimenter, kind,
};
use crate::wire::{Reader, put_length};
use crate::{DecodeError, TooLong};

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

    /// Reads one whole message: its xid and a value that encodes to the same bytes.
    ///
    /// That value is [`Message::Unknown`], the bytes themselves, not only for types that this crate
    /// does not know, but also where the message says something that its type here cannot: padding
    /// that is not zero, fields of a match in another order than [`Match`](crate::Match) has,
    /// reserved bits. [`Message::interpret`] reads past such things.
    ///
    /// # Errors
    ///
    /// When `bytes` are not exactly one well-formed message of OpenFlow 1.3 (a hello may be of any
    /// version).
    pub fn decode(bytes: &[u8]) -> Result<(u32, Self), DecodeError> {
        let (xid, message) = Self::interpret(bytes)?;
        // Every way in which bytes can be unusual is covered by trying.
        let mut again = BytesMut::with_capacity(bytes.len());
        if message.encode(xid, &mut again).is_ok() && again == bytes {
            return Ok((xid, message));
        }
        let mut reader = Reader::new("ofp_header", bytes);
        let version = reader.u8()?;
        if version != VERSION {
            return Err(reader.bad("version", 1, version, "4, OpenFlow 1.3"));
        }
        let kind = reader.u8()?;
        reader.skip(HEADER - 2)?;
        Ok((xid, Self::Unknown { kind, body: reader.rest_bytes() }))
    }

    /// Reads one whole message: its xid and what it means.
    ///
    /// As [`Message::decode`], but whoever sends unusual bytes is understood, at the price of a value
    /// that may encode to other bytes with the same meaning. For whoever acts upon messages and does
    /// not pass them on; a [`Session`](crate::session::Session) reads so.
    ///
    /// # Errors
    ///
    /// As [`Message::decode`].
    pub fn interpret(bytes: &[u8]) -> Result<(u32, Self), DecodeError> {
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
        Ok((xid, Self::interpret_body(version, kind, reader)?))
    }

    /// What the body of a message means.
    pub(crate) fn interpret_body(
        version: u8,
        kind: u8,
        body: Reader<'_>,
    ) -> Result<Self, DecodeError> {
        let mut body = body.named(structure(kind));
        let message = Self::decode_body(version, kind, &mut body)?;
        body.finish()?;
        Ok(message)
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
            Self::PortMod(_) => kind::PORT_MOD,
            Self::TableMod(_) => kind::TABLE_MOD,
            Self::MeterMod(_) => kind::METER_MOD,
            Self::QueueGetConfigRequest(_) => kind::QUEUE_GET_CONFIG_REQUEST,
            Self::QueueGetConfigReply(_) => kind::QUEUE_GET_CONFIG_REPLY,
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
            | Self::RoleStatus(_)
            | Self::Requestforward(_)
            | Self::SetFlowFormat(_)
            | Self::FlowModTableId(_)
            | Self::FlowAge
            | Self::SetAsyncConfig(_)
            | Self::SetAsyncConfig2(_)
            | Self::TlvTableMod(_)
            | Self::TlvTableRequest
            | Self::TlvTableReply(_)
            | Self::Resume(_)
            | Self::CtFlush(_)
            | Self::FlowMonitorCancel { .. }
            | Self::FlowMonitorPaused
            | Self::FlowMonitorResumed
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
            Self::PortMod(port_mod) => port_mod.encode(out),
            Self::TableMod(table_mod) => table_mod.encode(out),
            Self::MeterMod(meter_mod) => meter_mod.encode(out),
            Self::QueueGetConfigRequest(port) => {
                out.put_u32(port.0);
                out.put_u32(0);
            }
            Self::QueueGetConfigReply(config) => config.encode(out),
            Self::MultipartRequest(request) => request.encode(out),
            Self::MultipartReply(reply) => reply.encode(out),
            Self::RoleRequest(role) | Self::RoleReply(role) => role.encode(out),
            Self::GetAsyncReply(config) | Self::SetAsync(config) => config.encode(out),
            // All others are experimenters'.
            _ => experimenter::encode(self, out),
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
            kind::PORT_MOD => Self::PortMod(PortMod::decode(body)?),
            kind::TABLE_MOD => Self::TableMod(TableMod::decode(body)?),
            kind::QUEUE_GET_CONFIG_REQUEST => {
                let port = body.port()?;
                body.skip(4)?;
                Self::QueueGetConfigRequest(port)
            }
            kind::QUEUE_GET_CONFIG_REPLY => Self::QueueGetConfigReply(QueueConfig::decode(body)?),
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
pub(super) fn frame(
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
        kind::PORT_MOD => "ofp_port_mod",
        kind::TABLE_MOD => "ofp_table_mod",
        kind::QUEUE_GET_CONFIG_REQUEST => "ofp_queue_get_config_request",
        kind::QUEUE_GET_CONFIG_REPLY => "ofp_queue_get_config_reply",
        kind::MULTIPART_REQUEST => "ofp_multipart_request",
        kind::MULTIPART_REPLY => "ofp_multipart_reply",
        kind::ROLE_REQUEST | kind::ROLE_REPLY => "ofp_role_request",
        kind::GET_ASYNC_REPLY | kind::SET_ASYNC => "ofp_async_config",
        kind::METER_MOD => "ofp_meter_mod",
        _ => "ofp_header",
    }
}
