//! Makes a switch send one of each message.

use std::path::Path;

use bytes::Bytes;
use openflow::message::{
    AsyncConfig, AsyncKind, AsyncProperty, BundleControl, BundleControlType, BundleFlags,
    ControllerRole, CtFlush, CtFlushZone, CtTuple, Experimenter, FlowMod, FlowModCommand,
    FlowMonitorFlags, FlowMonitorRequest, FlowStatsRequest, GroupMod, Hello, Message, MeterMod,
    MultipartRequestBody, PacketInFormat, PacketOut, PortMod, QueueStatsRequest, Role,
    SwitchConfig, TableMod, TlvMap, TlvTableMod, TlvTableModCommand, bundled_flow_frame,
};
use openflow::{Action, Controller, Flow, FlowFlags, Group, Meter, PortNo};

use crate::frames::name;
use crate::switch::{Connection, Switch};

/// What has to be among the messages.
pub(crate) const WANTED: &[&str] = &[
    "Hello",
    "Error",
    "EchoRequest",
    "EchoReply",
    "FeaturesRequest",
    "FeaturesReply",
    "GetConfigRequest",
    "GetConfigReply",
    "SetConfig",
    "PacketIn",
    "FlowRemoved",
    "PortStatus",
    "PacketOut",
    "FlowMod",
    "GroupMod",
    "MultipartRequest.Desc",
    "MultipartReply.Desc",
    "MultipartRequest.Flow",
    "MultipartReply.Flow",
    "MultipartRequest.Aggregate",
    "MultipartReply.Aggregate",
    "MultipartRequest.Table",
    "MultipartReply.Table",
    "MultipartRequest.PortStats",
    "MultipartReply.PortStats",
    "MultipartRequest.Group",
    "MultipartReply.Group",
    "MultipartRequest.GroupDesc",
    "MultipartReply.GroupDesc",
    "MultipartRequest.GroupFeatures",
    "MultipartReply.GroupFeatures",
    "MultipartRequest.PortDesc",
    "MultipartReply.PortDesc",
    "MultipartRequest.Queue",
    "MultipartReply.Queue",
    "MultipartRequest.Meter",
    "MultipartReply.Meter",
    "MultipartRequest.MeterConfig",
    "MultipartReply.MeterConfig",
    "MultipartRequest.MeterFeatures",
    "MultipartReply.MeterFeatures",
    "MultipartRequest.FlowMonitor",
    "MultipartReply.FlowMonitor",
    "MultipartRequest.Experimenter",
    "MultipartRequest.Other",
    "PortMod",
    "TableMod",
    "MeterMod",
    "QueueGetConfigRequest",
    "QueueGetConfigReply",
    "FlowMonitorCancel",
    "BarrierRequest",
    "BarrierReply",
    "RoleRequest",
    "RoleReply",
    "GetAsyncRequest",
    "GetAsyncReply",
    "SetAsync",
    "BundleControl",
    "BundleAdd",
    "SetPacketInFormat",
    "SetControllerId",
    "PacketIn2",
    "CtFlushZone",
    "CtFlush",
    "TlvTableMod",
    "TlvTableRequest",
    "TlvTableReply",
    "SetAsyncConfig",
    "SetAsyncConfig2",
    "FlowModTableId",
    "FlowAge",
    "SetFlowFormat",
    "Experimenter",
    "Unknown",
];

/// Names and bytes of what was sent and received.
pub(crate) fn record() -> Vec<(String, Vec<u8>)> {
    let switch = Switch::start();
    let mut recorder = Recorder { connection: switch.connect(), lines: Vec::new() };
    recorder.note(&Message::Hello(Hello::only_1_3()).to_bytes(1).unwrap());
    for message in conversation() {
        recorder.send(&message);
    }
    let flow: Flow = "ip,in_port=1 actions=ct(commit,nat(src=192.0.2.1)),output:2".parse().unwrap();
    let frame =
        bundled_flow_frame(FlowModCommand::Add, &flow, 7, BundleFlags::ATOMIC_ORDERED, 1).unwrap();
    recorder.send(&control(BundleControlType::OpenRequest));
    recorder.connection.send_bytes(&frame);
    recorder.note(&frame);
    recorder.send(&control(BundleControlType::DiscardRequest));
    switch.vsctl(&["add-port", "br0", "p3", "--", "set", "interface", "p3", "type=dummy"]);
    recorder.send(&Message::BarrierRequest);
    recorder.lines
}

/// Writes lines as [`crate::frames::frames`] reads them, one of each name and length.
pub(crate) fn write(path: &Path, lines: &[(String, Vec<u8>)]) {
    let mut text =
        "# Messages to and from ovs-vswitchd 3.1, one per line: name, bytes.\n".to_owned();
    let mut seen = std::collections::HashSet::new();
    for (name, frame) in lines {
        if seen.insert((name, frame.len())) {
            let digits: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
            text += &format!("{name} {digits}\n");
        }
    }
    std::fs::write(path, text).unwrap();
}

struct Recorder {
    connection: Connection,
    lines: Vec<(String, Vec<u8>)>,
}

impl Recorder {
    fn note(&mut self, frame: &[u8]) {
        let (_, message) = Message::decode(frame).unwrap();
        self.lines.push((name(&message), frame.to_vec()));
    }

    /// Sends a message, and notes it with everything that comes until the next barrier's reply, and
    /// until the packet that a packet-out sends back.
    fn send(&mut self, message: &Message) {
        let xid = self.connection.send(message);
        self.note(&message.to_bytes(xid).unwrap());
        let barrier = self.connection.send(&Message::BarrierRequest);
        let mut waiting = vec!["BarrierReply"];
        if let Message::PacketOut(_) = message {
            waiting.push("PacketIn");
        }
        while !waiting.is_empty() {
            let frame = self.connection.receive_bytes();
            self.note(&frame);
            let (xid, received) = Message::decode(&frame).unwrap();
            let received = name(&received);
            waiting.retain(|awaited| {
                !received.starts_with(awaited) || *awaited == "BarrierReply" && xid != barrier
            });
        }
    }
}

/// A multipart type that OpenFlow 1.3 does not have.
const NO_MULTIPART: u16 = 99;
const NICIRA: u32 = 0x2320;
const NXST_IPFIX_BRIDGE: u32 = 3;
/// A type that OpenFlow 1.3 does not have.
const NO_TYPE: u8 = 99;
/// A message of Nicira's that does not exist.
const NO_NXT: u32 = 9999;

fn control(kind: BundleControlType) -> Message {
    Message::BundleControl(BundleControl::new(7, kind))
}

fn conversation() -> Vec<Message> {
    let multipart = |body: MultipartRequestBody| Message::MultipartRequest(body.into());
    let parse = |text: &str| text.parse::<Flow>().unwrap();
    let group = |text: &str| Message::GroupMod(GroupMod::add(text.parse().unwrap()));
    let meter = |text: &str| Message::MeterMod(MeterMod::add(text.parse().unwrap()));
    let to_controller = |controller| PacketOut {
        buffer_id: u32::MAX,
        in_port: PortNo(1),
        actions: vec![Action::Controller(controller)],
        packet: Bytes::from_static(&[0xff; 60]),
    };
    let userdata = Bytes::from_static(b"who sent it");
    let short_lived =
        Flow { flags: FlowFlags::SEND_FLOW_REM, ..parse("tcp,tp_dst=80 actions=drop") };
    vec![
        Message::EchoRequest(Bytes::from_static(b"12345")),
        Message::FeaturesRequest,
        Message::SetConfig(SwitchConfig { flags: 0, miss_send_len: 65535 }),
        Message::GetConfigRequest,
        multipart(MultipartRequestBody::Desc),
        multipart(MultipartRequestBody::PortDesc),
        multipart(MultipartRequestBody::PortStats(PortNo::ANY)),
        Message::FlowMod(FlowMod::add(short_lived.clone())),
        Message::FlowMod(FlowMod::delete_strict(short_lived.id())),
        Message::FlowMod(FlowMod::add(parse("actions=group:1"))),
        Message::FlowMod(FlowMod::add(parse(
            "cookie=0x1, table=3, ct_state=+est+trk,reg0=0x1,udp6,tp_src=546 \
             actions=set_field:0x1/0xff->reg1,move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],\
             ct(commit,zone=NXM_NX_REG0[0..15],exec(load:0x1->NXM_NX_CT_MARK[])),resubmit(,20)",
        ))),
        multipart(MultipartRequestBody::Flow(FlowStatsRequest::default())),
        multipart(MultipartRequestBody::Aggregate(FlowStatsRequest::default())),
        Message::RoleRequest(Role { role: ControllerRole::NoChange, generation_id: 0 }),
        Message::GetAsyncRequest,
        Message::SetAsync(AsyncConfig {
            packet_in: [7, 7],
            port_status: [7, 7],
            flow_removed: [15, 15],
        }),
        Message::PacketOut(to_controller(Controller::default())),
        Message::SetPacketInFormat(PacketInFormat::NXT_PACKET_IN2),
        Message::PacketOut(to_controller(Controller {
            userdata,
            max_len: 20,
            ..Controller::default()
        })),
        Message::SetControllerId(3),
        Message::CtFlushZone(CtFlushZone { zone: 9 }),
        multipart(MultipartRequestBody::Queue(QueueStatsRequest::default())),
        multipart(MultipartRequestBody::Other { kind: NO_MULTIPART, body: Bytes::new() }),
        Message::QueueGetConfigRequest(PortNo::ANY),
        Message::PortMod(PortMod { port_no: PortNo(1), ..PortMod::default() }),
        Message::TableMod(TableMod { table: 7, config: 0 }),
        meter("meter=1 kbps burst stats bands=type=drop rate=1000 burst_size=10"),
        meter("meter=2 pktps bands=type=drop rate=7"),
        multipart(MultipartRequestBody::Meter(Meter::ALL)),
        multipart(MultipartRequestBody::MeterConfig(Meter::ALL)),
        multipart(MultipartRequestBody::MeterFeatures),
        multipart(MultipartRequestBody::FlowMonitor(vec![FlowMonitorRequest::new(
            5,
            FlowMonitorFlags::OTHERS,
        )])),
        Message::FlowMod(FlowMod::add(parse("table=9,arp actions=drop"))),
        Message::FlowMonitorCancel { id: 5 },
        multipart(MultipartRequestBody::Experimenter(Experimenter {
            experimenter: NICIRA,
            exp_type: NXST_IPFIX_BRIDGE,
            body: Bytes::new(),
        })),
        Message::TlvTableMod(TlvTableMod {
            command: TlvTableModCommand::Add,
            maps: vec![TlvMap { option_class: 0x102, option_type: 3, option_len: 8, index: 5 }],
        }),
        Message::TlvTableRequest,
        Message::CtFlush(CtFlush {
            ip_proto: 6,
            orig: CtTuple {
                src: Some([192, 0, 2, 1].into()),
                dst_port: Some(80),
                ..CtTuple::default()
            },
            zone: Some(9),
            ..CtFlush::default()
        }),
        Message::SetAsyncConfig(AsyncConfig {
            packet_in: [7, 7],
            port_status: [7, 7],
            flow_removed: [15, 15],
        }),
        Message::SetAsyncConfig2(vec![AsyncProperty::Reasons {
            secondary: true,
            kind: AsyncKind::PortStatus,
            mask: 3,
        }]),
        Message::FlowModTableId(true),
        Message::FlowAge,
        Message::SetFlowFormat(2),
        Message::Experimenter(Experimenter {
            experimenter: NICIRA,
            exp_type: NO_NXT,
            body: Bytes::from_static(&[1, 2, 3, 4]),
        }),
        Message::Unknown { kind: NO_TYPE, body: Bytes::from_static(&[0, 0, 1, 0, 0, 0, 0, 1]) },
        group("group_id=1,type=select,bucket=output:1,bucket=weight:3,dec_ttl,output:2"),
        group("group_id=2,type=ff,bucket=watch_port:1,output:1,bucket=watch_group:1,group:1"),
        multipart(MultipartRequestBody::Group(Group::ALL)),
        multipart(MultipartRequestBody::GroupDesc),
        multipart(MultipartRequestBody::GroupFeatures),
        Message::GroupMod(GroupMod::delete(Group::ALL)),
        multipart(MultipartRequestBody::Table),
    ]
}
