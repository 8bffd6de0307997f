//! Messages of Nicira and ONF against a real Open vSwitch: our bytes are those that `ovs-ofctl` sends,
//! our text is what it prints, and the switch does what it is told.

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

use std::net::Ipv4Addr;

use bytes::Bytes;
use ofctl::message_of;
use ofp_print::{check, trimmed};
use openflow::Flow;
use openflow::message::{
    AsyncConfig, AsyncKind, AsyncProperty, ControllerRole, CtFlush, CtFlushZone, CtTuple, FlowMod,
    GroupMod, Message, MeterMod, PacketIn2, PacketInFormat, Requestforward, RoleStatus,
    SwitchConfig, TlvMap, TlvTableMod, TlvTableModCommand, TlvTableReply,
};
use switch::{Connection, Switch};

#[track_caller]
fn same_bytes(command: &str, arguments: &[&str], wanted: &Message) {
    let alike =
        |message: &Message| std::mem::discriminant(message) == std::mem::discriminant(wanted);
    let (xid, message, sent) = message_of(command, arguments, alike);
    assert_eq!(message, *wanted, "{command} {arguments:?}");
    assert_eq!(wanted.to_bytes(xid).unwrap(), sent, "{command} {arguments:?}");
    check(wanted);
}

fn v4(address: [u8; 4]) -> Option<std::net::IpAddr> {
    Some(Ipv4Addr::from(address).into())
}

#[test]
fn ovs_ofctl_flushes_connections_alike() {
    same_bytes("ct-flush-zone", &["9"], &Message::CtFlushZone(CtFlushZone { zone: 9 }));
    let orig = CtTuple {
        src: v4([192, 0, 2, 1]),
        dst: v4([192, 0, 2, 2]),
        src_port: Some(1024),
        dst_port: Some(80),
        ..CtTuple::default()
    };
    let text = "ct_nw_src=192.0.2.1,ct_nw_dst=192.0.2.2,ct_tp_src=1024,ct_tp_dst=80,ct_nw_proto=6";
    let tcp = CtFlush { ip_proto: 6, orig, ..CtFlush::default() };
    same_bytes("ct-flush", &[text], &Message::CtFlush(tcp.clone()));
    let zoned = CtFlush { zone: Some(5), ..tcp.clone() };
    same_bytes("ct-flush", &["zone=5", text], &Message::CtFlush(zoned.clone()));
    let reply = CtTuple { src: v4([198, 51, 100, 7]), ..CtTuple::default() };
    let both = CtFlush { reply, ..zoned };
    let answers = "ct_nw_src=198.51.100.7,ct_nw_proto=6";
    same_bytes("ct-flush", &["zone=5", text, answers], &Message::CtFlush(both));

    let ping = CtTuple {
        src: Some("2001:db8::1".parse().unwrap()),
        dst: Some("2001:db8::2".parse().unwrap()),
        icmp_id: Some(3),
        icmp_type: Some(128),
        icmp_code: Some(0),
        ..CtTuple::default()
    };
    let text = "ct_nw_proto=58,ct_ipv6_src=2001:db8::1,ct_ipv6_dst=2001:db8::2,icmp_id=3,\
                icmp_type=128,icmp_code=0";
    // For ICMP, `ovs-ofctl` always tells these.
    let zeros =
        CtTuple { icmp_id: Some(0), icmp_type: Some(0), icmp_code: Some(0), ..CtTuple::default() };
    let ping = CtFlush { ip_proto: 58, orig: ping, reply: zeros, ..CtFlush::default() };
    same_bytes("ct-flush", &[text], &Message::CtFlush(ping));
    // What is said of nothing but ports.
    let ports = CtTuple { dst_port: Some(53), ..CtTuple::default() };
    let udp = CtFlush { ip_proto: 17, orig: ports, ..CtFlush::default() };
    same_bytes("ct-flush", &["ct_tp_dst=53,ct_nw_proto=17"], &Message::CtFlush(udp));
}

fn maps() -> Vec<TlvMap> {
    let map = |option_class, option_type, option_len, index| TlvMap {
        option_class,
        option_type,
        option_len,
        index,
    };
    vec![map(0xffff, 5, 4, 1), map(0x102, 0, 124, 0), map(1, 0x80, 16, 63)]
}

#[test]
fn tunnel_options_become_match_fields() {
    let (add, delete) = (TlvTableModCommand::Add, TlvTableModCommand::Delete);
    let text = "{class=0xffff,type=5,len=4}->tun_metadata1,\
                {class=0x102,type=0,len=124}->tun_metadata0,\
                {class=1,type=0x80,len=16}->tun_metadata63";
    for (name, command) in [("add-tlv-map", add), ("del-tlv-map", delete)] {
        let table_mod = Message::TlvTableMod(TlvTableMod { command, maps: maps() });
        same_bytes(name, &[text], &table_mod);
    }
    let clear =
        Message::TlvTableMod(TlvTableMod { command: TlvTableModCommand::Clear, maps: vec![] });
    same_bytes("del-tlv-map", &[], &clear);

    let switch = Switch::start();
    let mut connection = switch.connect();
    let table = |connection: &mut Connection| {
        connection.send(&Message::TlvTableRequest);
        let (xid, reply) = connection.receive();
        let ours = trimmed(&reply.display(xid).to_string());
        let theirs = trimmed(&switch.ofctl(&["dump-tlv-map"], &[]));
        let behind_xid = |text: &str| text.split_once("):").unwrap().1.to_owned();
        assert_eq!(behind_xid(&ours), behind_xid(&theirs));
        let Message::TlvTableReply(reply) = reply else { panic!("{reply:?}") };
        reply
    };
    let empty = TlvTableReply { max_option_space: 256, max_fields: 64, maps: vec![] };
    assert_eq!(table(&mut connection), empty);
    connection.send(&Message::TlvTableMod(TlvTableMod { command: add, maps: maps() }));
    assert_eq!(connection.barrier(), []);
    let mut there = table(&mut connection).maps;
    let mut wanted = maps();
    there.sort_by_key(|map| map.index);
    wanted.sort_by_key(|map| map.index);
    assert_eq!(there, wanted);
    // Only the number counts.
    let first = TlvMap { index: 1, option_len: 4, ..TlvMap::default() };
    connection.send(&Message::TlvTableMod(TlvTableMod { command: delete, maps: vec![first] }));
    assert_eq!(connection.barrier(), []);
    assert_eq!(table(&mut connection).maps.len(), 2);
    connection.send(&clear);
    assert_eq!(connection.barrier(), []);
    assert_eq!(table(&mut connection), empty);
}

#[test]
fn a_paused_packet_goes_on() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    // Without this, a connection that the switch did not make itself gets nothing unasked.
    connection.send(&Message::SetConfig(SwitchConfig { flags: 0, miss_send_len: 0xffff }));
    connection.send(&Message::SetPacketInFormat(PacketInFormat::NXT_PACKET_IN2));
    for text in [
        "actions=set_field:7->reg3,controller(pause,userdata=01),resubmit(,5)",
        "table=5,reg3=7 actions=controller(userdata=02)",
    ] {
        connection.send(&Message::FlowMod(FlowMod::add(text.parse::<Flow>().unwrap())));
    }
    assert_eq!(connection.barrier(), []);
    let packet = "ff".repeat(60);
    switch.appctl(&["netdev-dummy/receive", "p1", &packet]);
    let packet_in = |connection: &mut Connection| -> PacketIn2 {
        let (_, message) = connection.receive();
        let Message::PacketIn2(packet_in) = message else { panic!("{message:?}") };
        packet_in
    };
    let paused = packet_in(&mut connection);
    assert_eq!(paused.userdata, [1_u8][..]);
    assert!(!paused.continuation.is_empty());
    connection.send(&Message::Resume(paused));
    let resumed = packet_in(&mut connection);
    assert_eq!((resumed.userdata, resumed.table), (Bytes::from_static(&[2]), Some(5)));
    assert_eq!(resumed.packet, [0xff_u8; 60][..]);
    assert!(resumed.continuation.is_empty());
}

#[test]
fn asynchronous_messages_are_chosen() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    let reasons = |kind, secondary, mask| AsyncProperty::Reasons { secondary, kind, mask };
    let properties = vec![
        reasons(AsyncKind::PacketIn, false, 5),
        reasons(AsyncKind::PortStatus, false, 2),
        reasons(AsyncKind::FlowRemoved, true, 9),
    ];
    connection.send(&Message::SetAsyncConfig2(properties));
    assert_eq!(connection.barrier(), []);
    connection.send(&Message::GetAsyncRequest);
    let (_, Message::GetAsyncReply(config)) = connection.receive() else { panic!("no reply") };
    assert_eq!(config.packet_in[0] & 7, 5);
    assert_eq!((config.port_status[0], config.flow_removed[1]), (2, 9));

    let wanted = AsyncConfig { packet_in: [1, 2], port_status: [3, 4], flow_removed: [5, 6] };
    connection.send(&Message::SetAsyncConfig(wanted));
    assert_eq!(connection.barrier(), []);
    connection.send(&Message::GetAsyncRequest);
    let (_, Message::GetAsyncReply(config)) = connection.receive() else { panic!("no reply") };
    assert_eq!((config.packet_in, config.flow_removed), ([1, 2], [5, 6]));
}

#[test]
fn messages_are_printed_alike() {
    use AsyncKind::{
        FlowRemoved, PacketIn, PortStatus, Requestforward as Forward, RoleStatus as Role,
    };
    let config = AsyncConfig { packet_in: [7, 0], port_status: [7, 1], flow_removed: [15, 8] };
    check(&Message::SetAsyncConfig(config));
    check(&Message::SetAsync(config));
    check(&Message::GetAsyncReply(config));
    let mut properties = Vec::new();
    for (kind, mask) in
        [(PacketIn, 7), (PortStatus, 5), (FlowRemoved, 0xf), (Role, 3), (Forward, 3)]
    {
        properties.push(AsyncProperty::Reasons { secondary: mask == 3, kind, mask });
        check(&Message::SetAsyncConfig2(properties.clone()));
    }
    for on in [false, true] {
        check(&Message::FlowModTableId(on));
    }
    check(&Message::FlowAge);
    check(&Message::TlvTableRequest);
    for command in [TlvTableModCommand::Add, TlvTableModCommand::Delete] {
        check(&Message::TlvTableMod(TlvTableMod { command, maps: maps() }));
    }
    let reply = TlvTableReply { max_option_space: 256, max_fields: 64, maps: maps() };
    check(&Message::TlvTableReply(reply));
    check(&Message::CtFlush(CtFlush::default()));
    for (role, reason, generation_id) in [
        (ControllerRole::Secondary, 0, 7),
        (ControllerRole::Primary, 1, u64::MAX),
        (ControllerRole::Equal, 2, 0),
    ] {
        let properties = Bytes::new();
        check(&Message::RoleStatus(RoleStatus { role, reason, generation_id, properties }));
    }
    let group = "group_id=7,type=all,bucket=actions=output:1".parse().unwrap();
    let meter = "meter=3 kbps bands=type=drop rate=5".parse().unwrap();
    for request in
        [Message::GroupMod(GroupMod::add(group)), Message::MeterMod(MeterMod::add(meter))]
    {
        let request = request.to_bytes(9).unwrap();
        check(&Message::Requestforward(Requestforward { request }));
    }
    // OpenFlow 1.3 has one format only, so `ovs-ofctl` does not know this.
    assert_eq!(
        Message::SetFlowFormat(2).display(1).to_string(),
        "NXT_SET_FLOW_FORMAT (OF1.3) (xid=0x1): format=2"
    );
}
