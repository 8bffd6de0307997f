//! Strategies for tables, ports and queues.

use bytes::Bytes;
use openflow::message::{
    FeatureId, FlowKind, Message, MultipartReplyBody, MultipartRequestBody, OxmId, PacketQueue,
    PortMod, QueueConfig, QueueProperty, QueueStats, QueueStatsRequest, TableFeature,
    TableFeatures, TableMod,
};
use openflow::{Field, MacAddr, PortNo};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::values::bytes;

fn feature_ids() -> impl Strategy<Value = Vec<FeatureId>> {
    let data = prop_oneof![Just(Bytes::new()), bytes(8)];
    vec((any::<u16>(), data).prop_map(|(kind, data)| FeatureId { kind, data }), 0..6)
}

fn oxm_ids() -> impl Strategy<Value = Vec<OxmId>> {
    let known = select(Field::all()).prop_map(|spec| spec.field);
    let unknown = any::<(u16, u32)>().prop_map(|(class, experimenter)| {
        let experimenter = if class == 0xffff { experimenter } else { 0 };
        Field { class, number: 127, experimenter }
    });
    let id = (prop_oneof![known, unknown], any::<bool>(), any::<u8>())
        .prop_map(|(field, has_mask, length)| OxmId { field, has_mask, length });
    vec(id, 0..6)
}

fn feature() -> impl Strategy<Value = TableFeature> {
    let flows = select(&[FlowKind::Regular, FlowKind::TableMiss][..]);
    let of = flows.clone();
    let ids = (of, feature_ids(), 0..3_u8).prop_map(|(flows, ids, which)| match which {
        0 => TableFeature::Instructions(flows, ids),
        1 => TableFeature::WriteActions(flows, ids),
        _ => TableFeature::ApplyActions(flows, ids),
    });
    let fields = (flows.clone(), oxm_ids(), 0..4_u8).prop_map(|(flows, ids, which)| match which {
        0 => TableFeature::Match(ids),
        1 => TableFeature::Wildcards(ids),
        2 => TableFeature::WriteSetField(flows, ids),
        _ => TableFeature::ApplySetField(flows, ids),
    });
    let next = (flows, vec(any::<u8>(), 0..20))
        .prop_map(|(flows, tables)| TableFeature::NextTables(flows, tables));
    // An experimenter's, and one that the standard does not have: the table-miss flow's matches.
    let unknown = select(vec![
        TableFeature::Unknown(Bytes::from_static(&[
            0xff, 0xfe, 0, 12, 0, 0, 0x23, 0x20, 0, 0, 0, 1,
        ])),
        TableFeature::Unknown(Bytes::from_static(&[0, 9, 0, 5, 7])),
    ]);
    prop_oneof![ids, fields, next, unknown]
}

pub(crate) fn features() -> impl Strategy<Value = Vec<TableFeatures>> {
    let numbers = any::<(u8, u64, u64, u32, u32)>();
    let table = (numbers, "[a-z_0-9]{0,32}", vec(feature(), 0..6)).prop_map(
        |((table, metadata_match, metadata_write, config, max_entries), name, properties)| {
            TableFeatures {
                table,
                name: name.as_str().into(),
                metadata_match,
                metadata_write,
                config,
                max_entries,
                properties,
            }
        },
    );
    vec(table, 0..3)
}

pub(crate) fn requests() -> impl Strategy<Value = MultipartRequestBody> {
    let queues = any::<(u32, u32)>().prop_map(|(port, queue_id)| {
        MultipartRequestBody::Queue(QueueStatsRequest { port_no: PortNo(port), queue_id })
    });
    prop_oneof![queues, features().prop_map(MultipartRequestBody::TableFeatures)]
}

pub(crate) fn replies() -> impl Strategy<Value = MultipartReplyBody> {
    let queue = any::<(u32, u32, u64, u64, u64, u32, u32)>().prop_map(
        |(port, queue_id, tx_bytes, tx_packets, tx_errors, duration_sec, duration_nsec)| {
            QueueStats {
                port_no: PortNo(port),
                queue_id,
                tx_bytes,
                tx_packets,
                tx_errors,
                duration_sec,
                duration_nsec,
            }
        },
    );
    prop_oneof![
        vec(queue, 0..4).prop_map(MultipartReplyBody::Queue),
        features().prop_map(MultipartReplyBody::TableFeatures),
    ]
}

pub(crate) fn messages() -> impl Strategy<Value = Message> {
    let port_mod =
        any::<(u32, u64, u32, u32, u32)>().prop_map(|(port, mac, config, mask, advertise)| {
            let (port_no, hw_addr) = (PortNo(port), MacAddr::from(mac));
            Message::PortMod(PortMod { port_no, hw_addr, config, mask, advertise })
        });
    let table_mod = any::<(u8, u32)>()
        .prop_map(|(table, config)| Message::TableMod(TableMod { table, config }));
    let unknown = select(vec![
        QueueProperty::Unknown(Bytes::from_static(&[0, 9, 0, 8, 0, 0, 0, 0])),
        QueueProperty::Unknown(Bytes::from_static(&[0xff, 0xff, 0, 9, 1, 2, 3, 4, 5])),
    ]);
    let property = prop_oneof![
        any::<u16>().prop_map(QueueProperty::MinRate),
        any::<u16>().prop_map(QueueProperty::MaxRate),
        unknown,
    ];
    let queue =
        (any::<(u32, u32)>(), vec(property, 0..3)).prop_map(|((queue_id, port), properties)| {
            let port = PortNo(port);
            PacketQueue { queue_id, port, properties }
        });
    let queues = (any::<u32>(), vec(queue, 0..3)).prop_map(|(port, queues)| {
        let port = PortNo(port);
        Message::QueueGetConfigReply(QueueConfig { port, queues })
    });
    let asked = any::<u32>().prop_map(|port| Message::QueueGetConfigRequest(PortNo(port)));
    prop_oneof![port_mod, table_mod, queues, asked]
}
