//! Strategies for messages.

use bytes::Bytes;
use openflow::message::*;
use openflow::{FixedString, MacAddr, PortNo};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::actions::action;
use crate::groups::{group, group_features, group_stats};
use crate::values::{bytes, flow, matching};

fn name() -> impl Strategy<Value = FixedString> {
    "[a-z0-9-]{0,15}".prop_map(|name| FixedString::from(name.as_str()))
}

fn port_desc() -> impl Strategy<Value = Port> {
    (any::<u32>(), any::<u64>(), name(), any::<[u32; 8]>()).prop_map(|(port, mac, name, words)| {
        let [config, state, curr, advertised, supported, peer, curr_speed, max_speed] = words;
        Port {
            port_no: PortNo(port),
            hw_addr: MacAddr::from(mac),
            name,
            config,
            state,
            curr,
            advertised,
            supported,
            peer,
            curr_speed,
            max_speed,
        }
    })
}

fn flow_mod() -> impl Strategy<Value = FlowMod> {
    use FlowModCommand::{Add, Delete, DeleteStrict, Modify, ModifyStrict};
    let command = select(&[Add, Modify, ModifyStrict, Delete, DeleteStrict][..]);
    (command, flow(), any::<(u64, u32, u32, u32)>()).prop_map(
        |(command, flow, (cookie_mask, buffer_id, out_port, out_group))| {
            let out_port = PortNo(out_port);
            FlowMod { command, flow, cookie_mask, buffer_id, out_port, out_group }
        },
    )
}

fn group_mod() -> impl Strategy<Value = GroupMod> {
    use GroupModCommand::{Add, Delete, Modify};
    (select(&[Add, Modify, Delete][..]), group(action()))
        .prop_map(|(command, group)| GroupMod { command, group })
}

fn multipart_request() -> impl Strategy<Value = Message> {
    let flows = (any::<(u8, u32, u32, u64, u64)>(), matching())
        .prop_map(|((table, out_port, out_group, cookie, cookie_mask), matching)| {
            FlowStatsRequest {
                table,
                out_port: PortNo(out_port),
                out_group,
                cookie,
                cookie_mask,
                matching,
            }
        })
        .boxed();
    let body = prop_oneof![
        Just(MultipartRequestBody::Desc),
        flows.clone().prop_map(MultipartRequestBody::Flow),
        flows.prop_map(MultipartRequestBody::Aggregate),
        Just(MultipartRequestBody::Table),
        any::<u32>().prop_map(|port| MultipartRequestBody::PortStats(PortNo(port))),
        Just(MultipartRequestBody::PortDesc),
        any::<u32>().prop_map(MultipartRequestBody::Group),
        Just(MultipartRequestBody::GroupDesc),
        Just(MultipartRequestBody::GroupFeatures),
        vec(crate::monitors::request(), 0..3).prop_map(MultipartRequestBody::FlowMonitor),
        experimenter().prop_map(MultipartRequestBody::Experimenter),
        crate::meters::requests(),
        crate::tables::requests(),
        (14..99_u16, bytes(40)).prop_map(|(kind, body)| MultipartRequestBody::Other { kind, body }),
    ];
    (any::<bool>(), body)
        .prop_map(|(more, body)| Message::MultipartRequest(MultipartRequest { more, body }))
}

/// What a multipart reply tells.
pub(crate) fn multipart_body() -> impl Strategy<Value = MultipartReplyBody> {
    let flow = (flow(), any::<(u32, u32, u64, u64)>()).prop_map(
        |(flow, (duration_sec, duration_nsec, packet_count, byte_count))| FlowStats {
            flow,
            duration_sec,
            duration_nsec,
            packet_count,
            byte_count,
        },
    );
    let aggregate = any::<(u64, u64, u32)>().prop_map(|(packet_count, byte_count, flow_count)| {
        AggregateStats { packet_count, byte_count, flow_count }
    });
    let table = any::<(u8, u32, u64, u64)>().prop_map(
        |(table, active_count, lookup_count, matched_count)| TableStats {
            table,
            active_count,
            lookup_count,
            matched_count,
        },
    );
    let port =
        any::<(u32, u64, u64, u32)>().prop_map(|(port, rx_packets, collisions, sec)| PortStats {
            port_no: PortNo(port),
            rx_packets,
            collisions,
            duration_sec: sec,
            ..PortStats::default()
        });
    let desc = [name().boxed(), name().boxed(), name().boxed(), name().boxed(), name().boxed()]
        .prop_map(|[mfr_desc, hw_desc, sw_desc, serial_num, dp_desc]| Desc {
            mfr_desc,
            hw_desc,
            sw_desc,
            serial_num,
            dp_desc,
        });
    prop_oneof![
        desc.prop_map(MultipartReplyBody::Desc),
        vec(flow, 0..3).prop_map(MultipartReplyBody::Flow),
        aggregate.prop_map(MultipartReplyBody::Aggregate),
        vec(table, 0..3).prop_map(MultipartReplyBody::Table),
        vec(port, 0..3).prop_map(MultipartReplyBody::PortStats),
        vec(port_desc(), 0..3).prop_map(MultipartReplyBody::PortDesc),
        vec(group_stats(), 0..3).prop_map(MultipartReplyBody::Group),
        vec(group(action()), 0..3).prop_map(MultipartReplyBody::GroupDesc),
        group_features().prop_map(MultipartReplyBody::GroupFeatures),
        vec(crate::monitors::update(), 0..3).prop_map(MultipartReplyBody::FlowMonitor),
        experimenter().prop_map(MultipartReplyBody::Experimenter),
        crate::meters::replies(),
        crate::tables::replies(),
        (14..99_u16, bytes(40)).prop_map(|(kind, body)| MultipartReplyBody::Other { kind, body }),
    ]
}

fn multipart_reply() -> impl Strategy<Value = Message> {
    (any::<bool>(), multipart_body())
        .prop_map(|(more, body)| Message::MultipartReply(MultipartReply { more, body }))
}

fn packets() -> impl Strategy<Value = Message> {
    let packet_in = (any::<(u32, u16, u8, u8, u64)>(), matching(), bytes(60)).prop_map(
        |((buffer_id, total_len, reason, table, cookie), matching, packet)| {
            let packet_in =
                PacketIn { buffer_id, total_len, reason, table, cookie, matching, packet };
            Message::PacketIn(packet_in)
        },
    );
    let numbers = any::<(Option<u32>, Option<u32>, Option<u8>, Option<u64>, Option<u8>)>();
    let other = vec((9..99_u16, bytes(10)), 0..2);
    let packet_in2 = (
        any::<bool>(),
        numbers,
        matching(),
        [bytes(60).boxed(), bytes(9).boxed(), bytes(9).boxed()],
        other,
    )
        .prop_map(|(resume, numbers, metadata, [packet, userdata, continuation], other)| {
            let (full_len, buffer_id, table, cookie, reason) = numbers;
            let packet_in = PacketIn2 {
                packet,
                full_len,
                buffer_id,
                table,
                cookie,
                reason,
                metadata,
                userdata,
                continuation,
                other,
            };
            // As it comes, and as it is sent back.
            if resume { Message::Resume(packet_in) } else { Message::PacketIn2(packet_in) }
        });
    let packet_out = (any::<(u32, u32)>(), vec(action(), 0..3), bytes(60)).prop_map(
        |((buffer_id, in_port), actions, packet)| {
            let in_port = PortNo(in_port);
            Message::PacketOut(PacketOut { buffer_id, in_port, actions, packet })
        },
    );
    prop_oneof![packet_in, packet_in2, packet_out]
}

/// What an experimenter that nobody knows has to say.
fn experimenter() -> impl Strategy<Value = Experimenter> {
    (3_u32..99, any::<u32>(), bytes(40)).prop_map(|(experimenter, exp_type, body)| Experimenter {
        experimenter,
        exp_type,
        body,
    })
}

/// Any message.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let hello = (any::<u8>(), vec(any::<u32>(), 0..4)).prop_map(|(version, bitmap)| {
        Message::Hello(Hello { version, bitmap, other: Bytes::new() })
    });
    let error = (any::<(u16, u16, u32)>(), bytes(64)).prop_map(|((kind, code, vendor), data)| {
        let experimenter = if kind == 0xffff { vendor } else { 0 };
        Message::Error(ErrorMessage { code: ErrorCode { kind, code, experimenter }, data })
    });
    let features = any::<(u64, u32, u8, u8, u32, u32)>().prop_map(
        |(datapath_id, n_buffers, n_tables, auxiliary_id, capabilities, reserved)| {
            Message::FeaturesReply(FeaturesReply {
                datapath_id,
                n_buffers,
                n_tables,
                auxiliary_id,
                capabilities,
                reserved,
            })
        },
    );
    let config = any::<(u16, u16)>()
        .prop_map(|(flags, miss_send_len)| SwitchConfig { flags, miss_send_len });
    let removed =
        (any::<(u64, u16, u8, u8, u32, u32, u16)>(), any::<(u16, u64, u64)>(), matching())
            .prop_map(|(first, (hard_timeout, packet_count, byte_count), matching)| {
                let (cookie, priority, reason, table, duration_sec, duration_nsec, idle_timeout) =
                    first;
                Message::FlowRemoved(FlowRemoved {
                    cookie,
                    priority,
                    reason,
                    table,
                    duration_sec,
                    duration_nsec,
                    idle_timeout,
                    hard_timeout,
                    packet_count,
                    byte_count,
                    matching,
                })
            });
    let reason = select(&[PortReason::Add, PortReason::Delete, PortReason::Modify][..]);
    let status = (reason, port_desc())
        .prop_map(|(reason, port)| Message::PortStatus(PortStatus { reason, port }));
    let roles = [ControllerRole::NoChange, ControllerRole::Primary, ControllerRole::Secondary];
    let role = (select(roles.to_vec()), any::<u64>())
        .prop_map(|(role, generation_id)| Role { role, generation_id });
    let masks = any::<[[u32; 2]; 3]>().prop_map(|[packet_in, port_status, flow_removed]| {
        AsyncConfig { packet_in, port_status, flow_removed }
    });
    let kinds = [BundleControlType::OpenRequest, BundleControlType::CommitReply];
    let control = (any::<u32>(), select(kinds.to_vec()), any::<u16>(), bytes(9)).prop_map(
        |(bundle_id, kind, flags, properties)| {
            let flags = BundleFlags(flags);
            Message::BundleControl(BundleControl { bundle_id, kind, flags, properties })
        },
    );
    let add = (any::<u32>(), any::<u16>(), bytes(60)).prop_map(|(bundle_id, flags, message)| {
        Message::BundleAdd(BundleAdd { bundle_id, flags: BundleFlags(flags), message })
    });
    let unknown = (40..200_u8, bytes(40)).prop_map(|(kind, body)| Message::Unknown { kind, body });
    let empty = select(vec![
        Message::FeaturesRequest,
        Message::GetConfigRequest,
        Message::BarrierRequest,
        Message::BarrierReply,
        Message::GetAsyncRequest,
        Message::FlowMonitorPaused,
        Message::FlowMonitorResumed,
    ]);
    prop_oneof![
        hello,
        error,
        bytes(40).prop_map(Message::EchoRequest),
        bytes(40).prop_map(Message::EchoReply),
        features,
        config.clone().prop_map(Message::GetConfigReply),
        config.prop_map(Message::SetConfig),
        packets(),
        removed,
        status,
        flow_mod().prop_map(Message::FlowMod),
        group_mod().prop_map(Message::GroupMod),
        crate::meters::meter_mod().prop_map(Message::MeterMod),
        crate::tables::messages(),
        crate::extensions::messages(),
        multipart_request(),
        multipart_reply(),
        role.clone().prop_map(Message::RoleRequest),
        role.prop_map(Message::RoleReply),
        masks.clone().prop_map(Message::GetAsyncReply),
        masks.prop_map(Message::SetAsync),
        control,
        add,
        any::<u32>().prop_map(|format| Message::SetPacketInFormat(PacketInFormat(format))),
        any::<u16>().prop_map(Message::SetControllerId),
        any::<u16>().prop_map(|zone| Message::CtFlushZone(CtFlushZone { zone })),
        any::<u32>().prop_map(|id| Message::FlowMonitorCancel { id }),
        experimenter().prop_map(Message::Experimenter),
        unknown,
        empty,
    ]
}
