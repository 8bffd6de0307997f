//! Experimenter messages: OpenFlow 1.3.5 §7.5.4; which of ONF's and Nicira's is which.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    AsyncConfig, AsyncProperty, BundleAdd, BundleControl, CtFlush, CtFlushZone, Message, PacketIn2,
    PacketInFormat, Requestforward, RoleStatus, TlvTableMod, TlvTableReply,
};
use crate::DecodeError;
use crate::wire::Reader;

/// Nicira's experimenter identifier.
pub(super) const NICIRA: u32 = 0x0000_2320;
/// The Open Networking Foundation's.
pub(super) const ONF: u32 = 0x4f4e_4600;

const ONFT_FLOW_MONITOR_CANCEL: u32 = 1870;
const ONFT_FLOW_MONITOR_PAUSED: u32 = 1871;
const ONFT_FLOW_MONITOR_RESUMED: u32 = 1872;
const ONFT_ROLE_STATUS: u32 = 1911;
const ONF_BUNDLE_CONTROL: u32 = 2300;
const ONF_BUNDLE_ADD: u32 = 2301;
const ONFT_REQUESTFORWARD: u32 = 2350;
const NXT_SET_FLOW_FORMAT: u32 = 12;
const NXT_FLOW_MOD_TABLE_ID: u32 = 15;
const NXT_SET_PACKET_IN_FORMAT: u32 = 16;
const NXT_FLOW_AGE: u32 = 18;
const NXT_SET_ASYNC_CONFIG: u32 = 19;
const NXT_SET_CONTROLLER_ID: u32 = 20;
const NXT_TLV_TABLE_MOD: u32 = 24;
const NXT_TLV_TABLE_REQUEST: u32 = 25;
const NXT_TLV_TABLE_REPLY: u32 = 26;
const NXT_SET_ASYNC_CONFIG2: u32 = 27;
const NXT_RESUME: u32 = 28;
const NXT_CT_FLUSH_ZONE: u32 = 29;
const NXT_PACKET_IN2: u32 = 30;
const NXT_CT_FLUSH: u32 = 32;

/// What the standard does not define: a message, `struct ofp_experimenter_header`, OpenFlow 1.3.5
/// §7.5.4, or the body of a multipart message, `struct ofp_experimenter_multipart_header`, §7.3.5.18.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Experimenter {
    /// Whose message: an IEEE OUI, or an ONF experimenter identifier.
    pub experimenter: u32,
    /// Which of the experimenter's messages.
    pub exp_type: u32,
    /// What follows.
    pub body: Bytes,
}

impl Experimenter {
    /// Writes the experimenter's header and what follows.
    pub(super) fn encode(&self, out: &mut BytesMut) {
        put_header(out, self.experimenter, self.exp_type);
        out.put_slice(&self.body);
    }

    /// Reads whose it is, and which.
    pub(super) fn header(reader: &mut Reader<'_>) -> Result<(u32, u32), DecodeError> {
        Ok((reader.u32()?, reader.u32()?))
    }

    /// What is behind the header, as bytes.
    pub(super) fn rest((experimenter, exp_type): (u32, u32), reader: &mut Reader<'_>) -> Self {
        Self { experimenter, exp_type, body: reader.rest_bytes() }
    }
}

/// Writes the header of what an experimenter defines.
pub(super) fn put_header(out: &mut BytesMut, experimenter: u32, exp_type: u32) {
    out.put_u32(experimenter);
    out.put_u32(exp_type);
}

/// Writes an experimenter message with its experimenter header; nothing when `message` is none.
pub(super) fn encode(message: &Message, out: &mut BytesMut) {
    let (experimenter, exp_type) = match message {
        Message::BundleControl(_) => (ONF, ONF_BUNDLE_CONTROL),
        Message::BundleAdd(_) => (ONF, ONF_BUNDLE_ADD),
        Message::SetPacketInFormat(_) => (NICIRA, NXT_SET_PACKET_IN_FORMAT),
        Message::SetControllerId(_) => (NICIRA, NXT_SET_CONTROLLER_ID),
        Message::CtFlushZone(_) => (NICIRA, NXT_CT_FLUSH_ZONE),
        Message::CtFlush(_) => (NICIRA, NXT_CT_FLUSH),
        Message::Resume(_) => (NICIRA, NXT_RESUME),
        Message::SetFlowFormat(_) => (NICIRA, NXT_SET_FLOW_FORMAT),
        Message::FlowModTableId(_) => (NICIRA, NXT_FLOW_MOD_TABLE_ID),
        Message::FlowAge => (NICIRA, NXT_FLOW_AGE),
        Message::SetAsyncConfig(_) => (NICIRA, NXT_SET_ASYNC_CONFIG),
        Message::SetAsyncConfig2(_) => (NICIRA, NXT_SET_ASYNC_CONFIG2),
        Message::TlvTableMod(_) => (NICIRA, NXT_TLV_TABLE_MOD),
        Message::TlvTableRequest => (NICIRA, NXT_TLV_TABLE_REQUEST),
        Message::TlvTableReply(_) => (NICIRA, NXT_TLV_TABLE_REPLY),
        Message::RoleStatus(_) => (ONF, ONFT_ROLE_STATUS),
        Message::Requestforward(_) => (ONF, ONFT_REQUESTFORWARD),
        Message::PacketIn2(_) => (NICIRA, NXT_PACKET_IN2),
        Message::FlowMonitorCancel { .. } => (ONF, ONFT_FLOW_MONITOR_CANCEL),
        Message::FlowMonitorPaused => (ONF, ONFT_FLOW_MONITOR_PAUSED),
        Message::FlowMonitorResumed => (ONF, ONFT_FLOW_MONITOR_RESUMED),
        Message::Experimenter(other) => return other.encode(out),
        _ => return,
    };
    put_header(out, experimenter, exp_type);
    match message {
        Message::BundleControl(control) => control.encode(out),
        Message::BundleAdd(add) => add.encode(out),
        Message::SetPacketInFormat(format) => out.put_u32(format.0),
        Message::SetControllerId(id) => {
            out.put_bytes(0, 6);
            out.put_u16(*id);
        }
        Message::CtFlushZone(flush) => flush.encode(out),
        Message::CtFlush(flush) => flush.encode(out),
        Message::PacketIn2(packet) | Message::Resume(packet) => packet.encode(out),
        Message::SetFlowFormat(format) => out.put_u32(*format),
        Message::FlowModTableId(on) => {
            out.put_u8((*on).into());
            out.put_bytes(0, 7);
        }
        Message::SetAsyncConfig(config) => config.encode(out),
        Message::SetAsyncConfig2(properties) => properties.iter().for_each(|it| it.encode(out)),
        Message::TlvTableMod(table_mod) => table_mod.encode(out),
        Message::TlvTableReply(reply) => reply.encode(out),
        Message::RoleStatus(status) => status.encode(out),
        Message::Requestforward(forward) => forward.encode(out),
        Message::FlowMonitorCancel { id } => out.put_u32(*id),
        _ => {}
    }
}

/// Writes the experimenter header of a bundle-add.
pub(super) fn put_bundle_add_header(out: &mut BytesMut) {
    put_header(out, ONF, ONF_BUNDLE_ADD);
}

/// Reads an experimenter message's body.
pub(super) fn decode(body: &mut Reader<'_>) -> Result<Message, DecodeError> {
    Ok(match Experimenter::header(body)? {
        (ONF, ONF_BUNDLE_CONTROL) => Message::BundleControl(BundleControl::decode(body)?),
        (ONF, ONF_BUNDLE_ADD) => Message::BundleAdd(BundleAdd::decode(body)?),
        (NICIRA, NXT_SET_PACKET_IN_FORMAT) => {
            Message::SetPacketInFormat(PacketInFormat(body.u32()?))
        }
        (NICIRA, NXT_SET_CONTROLLER_ID) => {
            body.skip(6)?;
            Message::SetControllerId(body.u16()?)
        }
        (NICIRA, NXT_CT_FLUSH_ZONE) => Message::CtFlushZone(CtFlushZone::decode(body)?),
        (NICIRA, NXT_CT_FLUSH) => Message::CtFlush(CtFlush::decode(body)?),
        (NICIRA, NXT_RESUME) => Message::Resume(PacketIn2::decode(body)?),
        (NICIRA, NXT_SET_FLOW_FORMAT) => Message::SetFlowFormat(body.u32()?),
        (NICIRA, NXT_FLOW_MOD_TABLE_ID) => {
            let on = body.u8()? != 0;
            body.skip(7)?;
            Message::FlowModTableId(on)
        }
        (NICIRA, NXT_FLOW_AGE) => Message::FlowAge,
        (NICIRA, NXT_SET_ASYNC_CONFIG) => Message::SetAsyncConfig(AsyncConfig::decode(body)?),
        (NICIRA, NXT_SET_ASYNC_CONFIG2) => {
            Message::SetAsyncConfig2(AsyncProperty::decode_all(body)?)
        }
        (NICIRA, NXT_TLV_TABLE_MOD) => Message::TlvTableMod(TlvTableMod::decode(body)?),
        (NICIRA, NXT_TLV_TABLE_REQUEST) => Message::TlvTableRequest,
        (NICIRA, NXT_TLV_TABLE_REPLY) => Message::TlvTableReply(TlvTableReply::decode(body)?),
        (ONF, ONFT_ROLE_STATUS) => Message::RoleStatus(RoleStatus::decode(body)?),
        (ONF, ONFT_REQUESTFORWARD) => Message::Requestforward(Requestforward::decode(body)),
        (NICIRA, NXT_PACKET_IN2) => Message::PacketIn2(PacketIn2::decode(body)?),
        (ONF, ONFT_FLOW_MONITOR_CANCEL) => Message::FlowMonitorCancel { id: body.u32()? },
        (ONF, ONFT_FLOW_MONITOR_PAUSED) => Message::FlowMonitorPaused,
        (ONF, ONFT_FLOW_MONITOR_RESUMED) => Message::FlowMonitorResumed,
        whose => Message::Experimenter(Experimenter::rest(whose, body)),
    })
}
