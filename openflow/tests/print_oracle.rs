//! Messages, printed as `ovs-ofctl ofp-print` prints them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "ovs/ofp_print.rs"]
mod ofp_print;

use bytes::Bytes;
use ofp_print::{check, ofp_print, reply, trimmed};
use openflow::message::{
    BucketCounter, BundleControl, BundleControlType, ControllerRole, ErrorCode, ErrorMessage,
    FlowMod, FlowModCommand, FlowMonitorFlags, FlowMonitorRequest, FlowRemoved, FlowStats,
    FlowStatsRequest, FlowUpdate, GroupFeatures, GroupMod, GroupModCommand, GroupStats, Hello,
    Message, MeterBandStats, MeterFeatures, MeterMod, MeterModCommand, MeterStats, MultipartReply,
    MultipartReplyBody, MultipartRequestBody, PacketQueue, Port, PortMod, PortReason, PortStatus,
    QueueConfig, QueueProperty, QueueStats, QueueStatsRequest, Role, SwitchConfig, TableMod,
};
use openflow::{Group, MacAddr, Meter, MeterFlags, PortNo};

const RECORDED: &str = include_str!("vectors/ovs-3.1.hex");

/// How many lines of a message are printed as `ovs-ofctl` prints them; `None` for all.
///
/// It interprets packets, and has a syntax for what is bytes in a `Message`.
fn lines_alike(message: &Message) -> Option<usize> {
    match message {
        Message::PacketIn(_) | Message::PacketOut(_) => Some(1),
        Message::PacketIn2(_) => Some(2),
        Message::Error(error) => {
            let offending = error.offending_message()?;
            lines_alike(&offending).map(|lines| 1 + lines)
        }
        // The flow format is one of OpenFlow 1.0, which `ovs-ofctl` does not know on others.
        Message::Experimenter(_) | Message::Unknown { .. } | Message::SetFlowFormat(_) => Some(0),
        Message::MultipartRequest(request) => {
            use MultipartRequestBody::{Experimenter, Other};
            matches!(request.body, Other { .. } | Experimenter(_)).then_some(0)
        }
        Message::MultipartReply(reply) => {
            use MultipartReplyBody::{Experimenter, Other};
            matches!(reply.body, Other { .. } | Experimenter(_)).then_some(0)
        }
        _ => None,
    }
}

#[test]
fn what_open_vswitch_sent_is_printed_alike() {
    let mut alike = 0;
    for line in RECORDED.lines().filter(|line| !line.starts_with('#')) {
        let (_, hex) = line.split_once(' ').unwrap();
        let frame: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let (xid, message) = Message::decode(&frame).unwrap();
        let (ours, theirs) = (trimmed(&message.display(xid).to_string()), ofp_print(&frame));
        let lines = lines_alike(&message).unwrap_or(usize::MAX);
        let first = |text: &str| text.lines().take(lines).collect::<Vec<_>>().join("\n");
        assert_eq!(first(&ours), first(&theirs), "{hex}");
        alike += usize::from(lines > 0);
    }
    assert!(alike > 30, "only {alike} messages were compared");
}

#[test]
fn flow_mods_are_printed_alike() {
    let restricted = FlowMod { out_group: 4, ..FlowMod::delete_by_cookie(3, 0, 0) };
    let printed = Message::FlowMod(restricted).display(1).to_string();
    assert_eq!(
        printed,
        "OFPT_FLOW_MOD (OF1.3) (xid=0x1): DEL table:3 priority=0 out_group:4 actions=drop"
    );
    for text in [
        "actions=drop",
        "table=7, priority=3,arp actions=output:1",
        "cookie=0x5, idle_timeout=3, hard_timeout=4, send_flow_rem check_overlap actions=LOCAL",
        "priority=0 actions=clear_actions,goto_table:3",
    ] {
        let flow: openflow::Flow = text.parse().unwrap();
        for command in [
            FlowModCommand::Add,
            FlowModCommand::Modify,
            FlowModCommand::ModifyStrict,
            FlowModCommand::Delete,
            FlowModCommand::DeleteStrict,
        ] {
            check(&Message::FlowMod(FlowMod::new(command, flow.clone())));
        }
        let all = FlowMod::delete_by_cookie(FlowMod::ALL_TABLES, 0x10, 0xf0);
        check(&Message::FlowMod(FlowMod { out_port: PortNo(3), ..all }));
    }
}

#[test]
fn replies_are_printed_alike() {
    let flow: openflow::Flow = "cookie=0x9, table=4, idle_timeout=60, reset_counts \
                                priority=9,tcp,tp_dst=80 actions=output:3"
        .parse()
        .unwrap();
    let stats = |duration_nsec| FlowStats {
        flow: flow.clone(),
        duration_sec: 12,
        duration_nsec,
        packet_count: 3,
        byte_count: 180,
    };
    let body = MultipartReplyBody::Flow(vec![stats(0), stats(5_000_000), stats(5)]);
    check(&Message::MultipartReply(MultipartReply { more: true, body }));
    let request = FlowStatsRequest {
        table: 3,
        out_port: PortNo(2),
        matching: flow.matching.clone(),
        ..FlowStatsRequest::default()
    };
    check(&Message::MultipartRequest(MultipartRequestBody::Flow(request).into()));
    check(&Message::FlowRemoved(FlowRemoved {
        cookie: 9,
        priority: 7,
        reason: 0,
        table: 4,
        duration_sec: 3,
        duration_nsec: 7,
        idle_timeout: 1,
        hard_timeout: 2,
        packet_count: 3,
        byte_count: 4,
        matching: flow.matching.clone(),
    }));
}

#[test]
fn sessions_are_printed_alike() {
    check(&Message::Hello(Hello { version: 6, bitmap: vec![0x72], other: Bytes::new() }));
    check(&Message::EchoRequest(Bytes::new()));
    check(&Message::EchoReply(Bytes::from_static(b"twenty-one bytes here")));
    for flags in 0..4 {
        check(&Message::SetConfig(SwitchConfig { flags, miss_send_len: 128 }));
    }
    for role in [ControllerRole::Equal, ControllerRole::Primary, ControllerRole::Secondary] {
        check(&Message::RoleRequest(Role { role, generation_id: 77 }));
        check(&Message::RoleReply(Role { role, generation_id: 78 }));
    }
    for kind in [BundleControlType::OpenReply, BundleControlType::CommitRequest] {
        check(&Message::BundleControl(BundleControl::new(3, kind)));
    }
    let data = Message::BarrierRequest.to_bytes(5).unwrap();
    check(&Message::Error(ErrorMessage { code: ErrorCode::BAD_TYPE, data }));
    let data = Bytes::from_static(b"no version in common");
    check(&Message::Error(ErrorMessage { code: ErrorCode::HELLO_INCOMPATIBLE, data }));
}

#[test]
fn ports_are_printed_alike() {
    let port = Port {
        port_no: PortNo(12),
        hw_addr: MacAddr::new([2, 0, 0, 0, 0, 12]),
        name: "tap12".into(),
        config: 0x41,
        state: 1,
        curr: 0x2840,
        advertised: 0x1f,
        supported: 0xffff,
        peer: 0x400,
        curr_speed: 10_000_000,
        max_speed: 40_000_000,
    };
    for reason in [PortReason::Add, PortReason::Delete, PortReason::Modify] {
        check(&Message::PortStatus(PortStatus { reason, port: port.clone() }));
    }
}

#[test]
fn groups_are_printed_alike() {
    for text in [
        "group_id=1,type=all",
        "group_id=2,type=select,bucket=weight:3,actions=output:1,bucket=actions=output:2",
        "group_id=3,type=ff,bucket=watch_port:1,watch_group:2,actions=dec_ttl,output:1",
        "group_id=4,type=indirect,bucket=actions=ct(commit,zone=7),output:9",
    ] {
        let group: Group = text.parse().unwrap();
        for command in [GroupModCommand::Add, GroupModCommand::Modify] {
            check(&Message::GroupMod(GroupMod { command, group: group.clone() }));
        }
        check(&reply(MultipartReplyBody::GroupDesc(vec![group.clone(), group])));
    }
    check(&Message::GroupMod(GroupMod::delete(7)));
    check(&Message::GroupMod(GroupMod::delete(Group::ALL)));
    for group in [0, 7, Group::ALL, Group::ANY] {
        check(&Message::MultipartRequest(MultipartRequestBody::Group(group).into()));
    }
    check(&Message::MultipartRequest(MultipartRequestBody::GroupDesc.into()));
    check(&Message::MultipartRequest(MultipartRequestBody::GroupFeatures.into()));
    let counted = BucketCounter { packet_count: 5, byte_count: 6 };
    let uncounted = BucketCounter { packet_count: u64::MAX, byte_count: u64::MAX };
    let stats = GroupStats {
        group_id: 9,
        ref_count: 1,
        packet_count: 2,
        byte_count: 3,
        duration_sec: 4,
        duration_nsec: 500_000,
        buckets: vec![counted, uncounted, counted],
    };
    let ageless = GroupStats { duration_sec: u32::MAX, ..stats.clone() };
    check(&reply(MultipartReplyBody::Group(vec![stats, ageless])));
    for types in [0, 1, 0xa, 0xf] {
        check(&reply(MultipartReplyBody::GroupFeatures(GroupFeatures {
            types,
            capabilities: 7,
            max_groups: [0, 1, 0xffff_ff00, 4],
            actions: [0x3ff_8001, 0, 1, 0x0340_0000],
        })));
    }
}

#[test]
fn meters_are_printed_alike() {
    let parse = |text: &str| text.parse::<Meter>().unwrap();
    let meters: Vec<Meter> = include_str!("corpus/meters.txt").lines().map(parse).collect();
    for meter in &meters {
        for command in [MeterModCommand::Add, MeterModCommand::Modify] {
            check(&Message::MeterMod(MeterMod { command, meter: meter.clone() }));
        }
    }
    for meter in [7, Meter::MAX, Meter::SLOWPATH, Meter::CONTROLLER, Meter::ALL] {
        check(&Message::MeterMod(MeterMod::delete(meter)));
        check(&Message::MultipartRequest(MultipartRequestBody::Meter(meter).into()));
        check(&Message::MultipartRequest(MultipartRequestBody::MeterConfig(meter).into()));
    }
    check(&reply(MultipartReplyBody::MeterConfig(vec![])));
    check(&reply(MultipartReplyBody::MeterConfig(meters)));
    let unnamed = Meter { meter_id: 1, flags: MeterFlags(0xf1), bands: vec![] };
    check(&Message::MeterMod(MeterMod::add(unnamed)));
    let stats = MeterStats {
        meter_id: 7,
        flow_count: 1,
        packet_in_count: 2,
        byte_in_count: 3,
        duration_sec: 4,
        duration_nsec: 50,
        bands: vec![MeterBandStats { packet_band_count: 6, byte_band_count: 7 }; 2],
    };
    let controller = MeterStats { meter_id: Meter::CONTROLLER, bands: vec![], ..stats.clone() };
    check(&reply(MultipartReplyBody::Meter(vec![stats, controller])));
    check(&Message::MultipartRequest(MultipartRequestBody::MeterFeatures.into()));
    for bits in [0, 2, 6, 0xff] {
        let (band_types, capabilities) = (bits, bits >> 1);
        check(&reply(MultipartReplyBody::MeterFeatures(MeterFeatures {
            max_meter: 200_000,
            band_types,
            capabilities,
            max_bands: 1,
            max_color: 2,
        })));
    }
}

#[test]
fn flow_monitors_are_printed_alike() {
    let matching: openflow::Match = "tcp,reg0=0x5,tp_dst=80".parse().unwrap();
    let request = FlowMonitorRequest {
        table: 3,
        out_port: PortNo::LOCAL,
        matching,
        ..FlowMonitorRequest::new(7, FlowMonitorFlags(0x3f))
    };
    let all = FlowMonitorRequest::new(8, FlowMonitorFlags::ADD);
    let body = MultipartRequestBody::FlowMonitor(vec![request, all]);
    check(&Message::MultipartRequest(body.into()));
    check(&Message::FlowMonitorCancel { id: 5 });
    check(&Message::FlowMonitorPaused);
    check(&Message::FlowMonitorResumed);

    let parse = |text: &str| text.parse::<openflow::Flow>().unwrap();
    let flow = parse(
        "cookie=0x9, table=4, idle_timeout=60, hard_timeout=7, tcp,tp_dst=80 actions=output:3",
    );
    let empty = openflow::Flow { instructions: vec![], ..flow.clone() };
    check(&reply(MultipartReplyBody::FlowMonitor(vec![
        FlowUpdate::Added(flow.clone()),
        FlowUpdate::Modified(parse("actions=output:1,output:2")),
        FlowUpdate::Added(parse("tun_id=0x7 actions=drop")),
        FlowUpdate::Abbreviated { xid: 0x77 },
        FlowUpdate::Deleted { flow: empty.clone(), reason: 2 },
        FlowUpdate::Deleted { flow: empty, reason: 99 },
    ])));
    check(&reply(MultipartReplyBody::FlowMonitor(vec![])));

    // What `ovs-ofctl` leaves out.
    let update = FlowUpdate::Added(openflow::Flow { priority: 9, ..flow });
    let printed = reply(MultipartReplyBody::FlowMonitor(vec![update])).display(0).to_string();
    assert_eq!(
        printed,
        "ONFST_FLOW_MONITOR reply (OF1.3) (xid=0x0):\n event=ADDED table=4 idle_timeout=60 \
         hard_timeout=7 cookie=0x9 priority=9,tcp,tp_dst=80 actions=output:3"
    );
}

#[test]
fn queues_are_printed_alike() {
    for port in [PortNo(3), PortNo::ANY] {
        check(&Message::QueueGetConfigRequest(port));
        for queue_id in [7, QueueStatsRequest::ALL] {
            let request = QueueStatsRequest { port_no: port, queue_id };
            check(&Message::MultipartRequest(MultipartRequestBody::Queue(request).into()));
        }
    }
    let queue = |queue_id, properties| PacketQueue { queue_id, port: PortNo(3), properties };
    let (min, max) = (QueueProperty::MinRate, QueueProperty::MaxRate);
    let queues =
        vec![queue(9, vec![min(505), max(1000)]), queue(2, vec![]), queue(5, vec![min(1001)])];
    check(&Message::QueueGetConfigReply(QueueConfig { port: PortNo(3), queues }));
    check(&Message::QueueGetConfigReply(QueueConfig { port: PortNo(3), queues: vec![] }));
    let stats = QueueStats {
        port_no: PortNo(3),
        queue_id: 7,
        tx_bytes: 1,
        tx_packets: u64::MAX,
        tx_errors: 3,
        duration_sec: 4,
        duration_nsec: 5_100_000,
    };
    let ageless = QueueStats { duration_sec: u32::MAX, port_no: PortNo::LOCAL, ..stats };
    check(&reply(MultipartReplyBody::Queue(vec![stats, ageless])));
}

#[test]
fn port_mods_and_table_mods_are_printed_alike() {
    for (config, mask, advertise) in [(0, 0, 0), (0x41, 0x65, 0), (1, 1, 0x2840)] {
        check(&Message::PortMod(PortMod {
            port_no: PortNo(7),
            hw_addr: MacAddr::new([2, 0, 0, 0, 0, 7]),
            config,
            mask,
            advertise,
        }));
    }
    for table in [0, 7, 255] {
        check(&Message::TableMod(TableMod { table, config: 0 }));
    }
}
