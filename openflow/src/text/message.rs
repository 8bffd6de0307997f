//! Messages, as `ovs-ofctl ofp-print` prints them.
//!
//! Some things are printed otherwise: packets as a hex dump; the group and the cookie that restrict
//! a flow-mod or a request, the priorities of monitored flows and what has no name in a table's
//! features, which `ovs-ofctl` leaves out; and what [`Message`] holds as bytes, which has no name
//! then.

use std::fmt;

use crate::message::{ControllerRole, Message, PacketInFormat, VERSION};
use crate::wire::Reader;

mod asynchronous;
mod bundle;
mod ct_flush;
mod field_list;
mod flow;
mod flow_monitor;
mod group;
mod meter;
mod multipart;
mod packet;
mod parts;
mod port;
mod queue;
mod session;
mod table;
mod table_features;
mod tlv_table;

use bundle::{bundle_add, bundle_control};
use ct_flush::ct_flush;
use flow::{flow_mod, flow_removed};
use group::group_mod;
use meter::meter_mod;
use packet::{packet_in, packet_in2, packet_out};
use parts::HexDump;
use session::{config, error, features, hello, requestforward, role, role_status};

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
                // Of a type that is known, but with unusual bytes.
                let reader = Reader::new("ofp_header", body);
                match Message::interpret_body(VERSION, *kind, reader) {
                    Ok(Message::Unknown { .. }) | Err(_) => {}
                    Ok(message) => return fmt::Display::fmt(&message.display(self.xid), f),
                }
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
        Message::GroupMod(_) => "OFPT_GROUP_MOD",
        Message::PortMod(_) => "OFPT_PORT_MOD",
        Message::TableMod(_) => "OFPT_TABLE_MOD",
        Message::QueueGetConfigRequest(_) => "OFPT_QUEUE_GET_CONFIG_REQUEST",
        Message::QueueGetConfigReply(_) => "OFPT_QUEUE_GET_CONFIG_REPLY",
        Message::MeterMod(_) => "OFPT_METER_MOD",
        Message::BarrierRequest => "OFPT_BARRIER_REQUEST",
        Message::BarrierReply => "OFPT_BARRIER_REPLY",
        Message::RoleRequest(_) => "OFPT_ROLE_REQUEST",
        Message::RoleReply(_) => "OFPT_ROLE_REPLY",
        Message::GetAsyncRequest => "OFPT_GET_ASYNC_REQUEST",
        Message::GetAsyncReply(_) => "OFPT_GET_ASYNC_REPLY",
        Message::SetAsync(_) => "OFPT_SET_ASYNC",
        Message::BundleControl(_) => "ONFT_BUNDLE_CONTROL",
        Message::BundleAdd(_) => "ONFT_BUNDLE_ADD_MESSAGE",
        Message::FlowMonitorCancel { .. } => "ONFT_FLOW_MONITOR_CANCEL",
        Message::FlowMonitorPaused => "ONFT_FLOW_MONITOR_PAUSED",
        Message::FlowMonitorResumed => "ONFT_FLOW_MONITOR_RESUMED",
        Message::RoleStatus(_) => "ONFT_ROLE_STATUS",
        Message::Requestforward(_) => "ONFT_REQUESTFORWARD",
        Message::SetFlowFormat(_) => "NXT_SET_FLOW_FORMAT",
        Message::FlowModTableId(_) => "NXT_FLOW_MOD_TABLE_ID",
        Message::FlowAge => "NXT_FLOW_AGE",
        Message::SetAsyncConfig(_) => "NXT_SET_ASYNC_CONFIG",
        Message::SetAsyncConfig2(_) => "NXT_SET_ASYNC_CONFIG2",
        Message::TlvTableMod(_) => "NXT_TLV_TABLE_MOD",
        Message::TlvTableRequest => "NXT_TLV_TABLE_REQUEST",
        Message::TlvTableReply(_) => "NXT_TLV_TABLE_REPLY",
        Message::Resume(_) => "NXT_RESUME",
        Message::CtFlush(_) => "NXT_CT_FLUSH",
        Message::SetPacketInFormat(_) => "NXT_SET_PACKET_IN_FORMAT",
        Message::SetControllerId(_) => "NXT_SET_CONTROLLER_ID",
        Message::PacketIn2(_) => "NXT_PACKET_IN2",
        Message::CtFlushZone(_) => "NXT_CT_FLUSH_ZONE",
        Message::MultipartRequest(_) => "OFPT_MULTIPART_REQUEST",
        Message::MultipartReply(_) => "OFPT_MULTIPART_REPLY",
        Message::Experimenter(_) => "OFPT_EXPERIMENTER",
        Message::Unknown { .. } => "OpenFlow message",
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
        Message::GroupMod(it) => group_mod(f, it),
        Message::PortMod(it) => port::port_mod(f, it),
        Message::TableMod(it) => match it.table {
            255 => f.write_str(" table_id: ALL_TABLES"),
            table => write!(f, " table_id={table}"),
        },
        Message::QueueGetConfigRequest(port) => write!(f, " port={port}"),
        Message::QueueGetConfigReply(it) => queue::config(f, it),
        Message::MeterMod(it) => meter_mod(f, it),
        Message::RoleRequest(it) => role(f, *it, it.role != ControllerRole::NoChange),
        Message::RoleReply(it) => role(f, *it, it.generation_id != u64::MAX),
        Message::GetAsyncReply(it) | Message::SetAsync(it) | Message::SetAsyncConfig(it) => {
            asynchronous::config(f, it)
        }
        Message::SetAsyncConfig2(it) => asynchronous::config2(f, it),
        Message::RoleStatus(it) => role_status(f, it),
        Message::Requestforward(it) => requestforward(f, it),
        Message::SetFlowFormat(format) => write!(f, " format={format}"),
        Message::FlowModTableId(on) => f.write_str(if *on { " enable" } else { " disable" }),
        Message::TlvTableMod(it) => tlv_table::table_mod(f, it),
        Message::TlvTableReply(it) => tlv_table::reply(f, it),
        Message::CtFlush(it) => ct_flush(f, it),
        Message::BundleControl(it) => bundle_control(f, it),
        Message::BundleAdd(it) => bundle_add(f, it),
        Message::FlowMonitorCancel { id } => write!(f, " id={id}"),
        Message::SetPacketInFormat(PacketInFormat(format)) => match format {
            0 => f.write_str(" format=standard"),
            1 => f.write_str(" format=nxt_packet_in"),
            2 => f.write_str(" format=nxt_packet_in2"),
            other => write!(f, " format={other}"),
        },
        Message::SetControllerId(id) => write!(f, " id={id}"),
        Message::PacketIn2(it) | Message::Resume(it) => packet_in2(f, it),
        Message::CtFlushZone(it) => write!(f, " zone_id={}", it.zone),
        Message::FeaturesRequest
        | Message::GetConfigRequest
        | Message::GetAsyncRequest
        | Message::BarrierRequest
        | Message::BarrierReply
        | Message::FlowAge
        | Message::TlvTableRequest
        | Message::FlowMonitorPaused
        | Message::FlowMonitorResumed
        // These write what follows together with their names.
        | Message::MultipartRequest(_)
        | Message::MultipartReply(_)
        | Message::Experimenter(_)
        | Message::Unknown { .. } => Ok(()),
    }
}
