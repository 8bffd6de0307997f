//! Strategies for messages of Nicira and ONF.

use std::net::{IpAddr, Ipv6Addr};

use bytes::Bytes;
use openflow::message::{
    AsyncConfig, AsyncKind, AsyncProperty, ControllerRole, CtFlush, CtTuple, GroupMod, Message,
    Requestforward, RoleStatus, TlvMap, TlvTableMod, TlvTableModCommand, TlvTableReply,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::values::bytes;

fn maps() -> impl Strategy<Value = Vec<TlvMap>> {
    let map =
        any::<(u16, u8, u8, u16)>().prop_map(|(option_class, option_type, option_len, index)| {
            TlvMap { option_class, option_type, option_len, index }
        });
    vec(map, 0..4)
}

fn tlv_tables() -> impl Strategy<Value = Message> {
    use TlvTableModCommand::{Add, Clear, Delete};
    let table_mod = (select(&[Add, Delete, Clear][..]), maps())
        .prop_map(|(command, maps)| Message::TlvTableMod(TlvTableMod { command, maps }));
    let reply = (any::<(u32, u16)>(), maps()).prop_map(|((max_option_space, max_fields), maps)| {
        Message::TlvTableReply(TlvTableReply { max_option_space, max_fields, maps })
    });
    prop_oneof![table_mod, reply, Just(Message::TlvTableRequest)]
}

/// An address, of IPv4 if it can be.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(|octets| Ipv6Addr::from(octets).to_canonical()),
    ]
}

fn other(least: u16) -> impl Strategy<Value = Vec<(u16, Bytes)>> {
    vec((least..99, bytes(10)), 0..2)
}

fn tuple() -> impl Strategy<Value = CtTuple> {
    let addresses = [option::of(address()).boxed(), option::of(address()).boxed()];
    let numbers = any::<([Option<u16>; 3], [Option<u8>; 2])>();
    (addresses, numbers, other(7)).prop_map(|([src, dst], (ports, icmp), other)| {
        let ([src_port, dst_port, icmp_id], [icmp_type, icmp_code]) = (ports, icmp);
        CtTuple { src, dst, src_port, dst_port, icmp_id, icmp_type, icmp_code, other }
    })
}

fn asynchronous() -> impl Strategy<Value = Message> {
    use AsyncKind::{FlowRemoved, PacketIn, PortStatus, Requestforward, RoleStatus, TableStatus};
    let kinds = [PacketIn, PortStatus, FlowRemoved, RoleStatus, TableStatus, Requestforward];
    let reasons = (any::<(bool, u32)>(), select(kinds.to_vec()))
        .prop_map(|((secondary, mask), kind)| AsyncProperty::Reasons { secondary, kind, mask });
    let unknown = prop_oneof![
        (12..99_u16, bytes(9)).prop_map(|(kind, value)| AsyncProperty::Unknown(kind, value)),
        Just(AsyncProperty::Unknown(3, Bytes::from_static(&[1, 2]))),
    ];
    let config2 = vec(prop_oneof![reasons, unknown], 0..5).prop_map(Message::SetAsyncConfig2);
    let config = any::<[[u32; 2]; 3]>().prop_map(|[packet_in, port_status, flow_removed]| {
        Message::SetAsyncConfig(AsyncConfig { packet_in, port_status, flow_removed })
    });
    prop_oneof![config, config2]
}

pub(crate) fn messages() -> impl Strategy<Value = Message> {
    let flush = (any::<(u8, Option<u16>)>(), tuple(), tuple(), other(3)).prop_map(
        |((ip_proto, zone), orig, reply, other)| {
            Message::CtFlush(CtFlush { ip_proto, orig, reply, zone, other })
        },
    );
    let roles = select(vec![ControllerRole::Equal, ControllerRole::Secondary]);
    let role_status = (roles, any::<(u8, u64)>(), bytes(9)).prop_map(
        |(role, (reason, generation_id), properties)| {
            Message::RoleStatus(RoleStatus { role, reason, generation_id, properties })
        },
    );
    let request = Message::GroupMod(GroupMod::delete(7)).to_bytes(3).unwrap();
    let forward = prop_oneof![Just(request), bytes(20)]
        .prop_map(|request| Message::Requestforward(Requestforward { request }));
    prop_oneof![
        tlv_tables(),
        flush,
        role_status,
        forward,
        asynchronous(),
        any::<u32>().prop_map(Message::SetFlowFormat),
        any::<bool>().prop_map(Message::FlowModTableId),
        Just(Message::FlowAge),
    ]
}
