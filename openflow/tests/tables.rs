//! Tables, ports and queues of a real Open vSwitch.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/ofctl.rs"]
mod ofctl;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/ofp_print.rs"]
mod ofp_print;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/switch.rs"]
mod switch;

use bytes::Bytes;
use ofp_print::{check, reply};
use openflow::message::{
    FeatureId, FlowKind, Message, MultipartReplyBody, MultipartRequestBody, OxmId, PacketQueue,
    Port, PortMod, QueueConfig, QueueStatsRequest, TableFeature, TableFeatures,
};
use openflow::{Field, PortNo};
use switch::{Connection, Switch};

/// What the tables of the switch can do; every part of the reply survives to the byte.
fn table_features(connection: &mut Connection) -> Vec<TableFeatures> {
    let body = MultipartRequestBody::TableFeatures(vec![]);
    connection.send(&Message::MultipartRequest(body.into()));
    let mut all = Vec::new();
    loop {
        let bytes = connection.receive_bytes();
        let (xid, message) = Message::decode(&bytes).unwrap();
        assert_eq!(message.to_bytes(xid).unwrap(), bytes);
        let Message::MultipartReply(reply) = message else { panic!("{message:?}") };
        let MultipartReplyBody::TableFeatures(tables) = reply.body else { panic!("no tables") };
        all.extend(tables);
        if !reply.more {
            return all;
        }
    }
}

#[test]
fn table_features_come_in_parts_and_tell_all() {
    let switch = Switch::start();
    let tables = table_features(&mut switch.connect());
    for some in tables.chunks(9) {
        check(&reply(MultipartReplyBody::TableFeatures(some.to_vec())));
    }
    let numbers: Vec<u8> = tables.iter().map(|table| table.table).collect();
    assert_eq!(numbers, (0..=253).collect::<Vec<u8>>());
    let seventh = &tables[7];
    assert_eq!(seventh.max_entries, 1_000_000);
    assert_eq!((seventh.metadata_match, seventh.metadata_write), (u64::MAX, u64::MAX));

    let mut known = 0;
    for property in &seventh.properties {
        match property {
            TableFeature::Instructions(FlowKind::Regular, ids) => {
                let kinds: Vec<u16> = ids.iter().map(|id| id.kind).collect();
                assert_eq!(kinds, [1, 2, 3, 4, 5, 6]);
                known += 1;
            }
            TableFeature::NextTables(FlowKind::Regular, next) => {
                assert_eq!(*next, (8..=253).collect::<Vec<u8>>());
                known += 1;
            }
            TableFeature::Match(fields) => {
                let maskable = |wanted| fields.iter().any(|it| it.field == wanted && it.has_mask);
                assert!(maskable(Field::ETH_DST) && maskable(Field::REG0));
                assert!(fields.iter().any(|it| it.field == Field::IN_PORT && !it.has_mask));
                known += 1;
            }
            TableFeature::ApplySetField(FlowKind::Regular, fields) => {
                assert!(fields.iter().any(|it| it.field == Field::CT_MARK));
                known += 1;
            }
            TableFeature::Unknown(bytes) => panic!("{bytes:?}"),
            _ => {}
        }
    }
    assert_eq!(known, 4, "{:?}", seventh.properties);
}

/// A table that can do all that the standard asks it to tell of, and little of that.
fn modest() -> TableFeatures {
    let field = |field: Field, has_mask| {
        let bytes = field.spec().unwrap().bytes() as u8;
        OxmId { field, has_mask, length: if has_mask { 2 * bytes } else { bytes } }
    };
    let id = |kind| FeatureId { kind, data: Bytes::new() };
    let regular = FlowKind::Regular;
    TableFeatures {
        table: 3,
        metadata_match: 0xff,
        max_entries: 9,
        properties: vec![
            TableFeature::Instructions(regular, vec![id(1), id(6), id(4)]),
            TableFeature::NextTables(regular, vec![9, 4, 5, 6]),
            TableFeature::WriteActions(regular, vec![id(0)]),
            TableFeature::ApplyActions(regular, vec![id(25), id(0), id(17)]),
            TableFeature::Match(vec![
                field(Field::IN_PORT, false),
                field(Field::REG0, true),
                field(Field::ETH_TYPE, false),
            ]),
            TableFeature::Wildcards(vec![field(Field::IN_PORT, false)]),
            TableFeature::WriteSetField(regular, vec![]),
            TableFeature::ApplySetField(regular, vec![field(Field::ETH_DST, false)]),
        ],
        ..TableFeatures::default()
    }
}

#[test]
fn table_features_are_printed_alike() {
    check(&Message::MultipartRequest(MultipartRequestBody::TableFeatures(vec![modest()]).into()));
    let at = |table| TableFeatures { table, ..modest() };
    let named = |table| TableFeatures { name: "output".into(), ..at(table) };
    let with = |table, property| {
        let mut table = at(table);
        table.properties.push(property);
        table
    };
    let miss = FlowKind::TableMiss;
    let no_actions = TableFeature::ApplyActions(miss, vec![]);
    let other_next = TableFeature::NextTables(miss, vec![250]);
    for tables in [
        vec![at(0), at(1)],
        vec![at(0), at(1), named(2), at(3), at(4), named(5)],
        vec![at(3), at(4), at(5)],
        vec![at(8), at(9), at(10), with(11, no_actions.clone()), with(12, no_actions)],
        vec![with(1, other_next.clone()), with(2, other_next.clone()), at(3)],
        vec![
            TableFeatures { max_entries: 0, ..at(1) },
            TableFeatures { metadata_match: 0, ..at(2) },
        ],
    ] {
        check(&reply(MultipartReplyBody::TableFeatures(tables)));
    }
    // What `ovs-ofctl` does not tell.
    let unnamed = FeatureId { kind: 0xffff, data: Bytes::from_static(&[0, 0, 0x23, 0x20]) };
    let mut table = with(7, TableFeature::Unknown(Bytes::from_static(&[0xff, 0xfe, 0, 5, 9])));
    table.properties[2] = TableFeature::WriteActions(FlowKind::Regular, vec![unnamed]);
    let printed = reply(MultipartReplyBody::TableFeatures(vec![table])).display(1).to_string();
    assert!(printed.contains("\n        actions: 65535(00002320)\n"), "{printed}");
    assert!(printed.ends_with("\n    raw(fffe000509)"), "{printed}");
}

/// The switch's port 1.
fn first_port(connection: &mut Connection) -> Port {
    connection.send(&Message::MultipartRequest(MultipartRequestBody::PortDesc.into()));
    loop {
        // Its own changes may be told in between.
        let (_, Message::MultipartReply(reply)) = connection.receive() else { continue };
        let MultipartReplyBody::PortDesc(ports) = reply.body else { panic!("no ports") };
        return ports.into_iter().find(|port| port.port_no == PortNo(1)).unwrap();
    }
}

#[test]
fn a_port_does_what_it_is_told() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    let port = first_port(&mut connection);
    let change = |config| {
        let (port_no, hw_addr, mask) = (port.port_no, port.hw_addr, 0x61);
        Message::PortMod(PortMod { port_no, hw_addr, config, mask, advertise: 0 })
    };
    for (config, shown) in [(0x21, "PORT_DOWN NO_FWD"), (0x40, "NO_PACKET_IN"), (0, "0")] {
        connection.send(&change(config));
        let refused = connection.barrier().into_iter().find(|it| matches!(it, Message::Error(_)));
        assert_eq!(refused, None);
        assert_eq!(first_port(&mut connection).config, config);
        let ports = switch.ofctl(&["show"], &[]);
        assert!(ports.contains(&format!("config:     {shown}\n")), "{ports}");
    }
}

#[test]
fn queues_are_those_that_ovs_ofctl_shows() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    connection.send(&Message::QueueGetConfigRequest(PortNo(1)));
    let (_, reply) = connection.receive();
    // A port whose queues nobody configured has one all the same.
    let only = PacketQueue { queue_id: 0, port: PortNo(1), properties: vec![] };
    let queues = QueueConfig { port: PortNo(1), queues: vec![only] };
    assert_eq!(reply, Message::QueueGetConfigReply(queues));

    connection.send(&Message::MultipartRequest(all().into()));
    let (xid, reply) = connection.receive();
    let ours = reply.display(xid).to_string();
    let theirs = switch.ofctl(&["queue-stats"], &[]);
    let behind_xid = |text: &str| text.split_once("):").unwrap().1.trim().to_owned();
    assert_eq!(behind_xid(&ours), behind_xid(&theirs));

    let is_request = |message: &Message| matches!(message, Message::MultipartRequest(_));
    let sent = ofctl::first_frame_of("queue-stats", "", is_request);
    let (xid, message) = Message::decode(&sent).unwrap();
    assert_eq!(message.to_bytes(xid).unwrap(), sent);
    assert_eq!(message, Message::MultipartRequest(all().into()));
}

/// Asks for the counters of all queues.
fn all() -> MultipartRequestBody {
    MultipartRequestBody::Queue(QueueStatsRequest::default())
}
