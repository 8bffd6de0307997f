//! Values as other formats have them: JSON here.

#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use expect_test::{Expect, expect};
use openflow::message::Message;
use openflow::{Action, Flow, Group, Meter};
use serde::Serialize;

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "vectors/frames.rs"]
mod frames;

#[track_caller]
fn check(value: &impl Serialize, expected: Expect) {
    expected.assert_eq(&serde_json::to_string(value).unwrap());
}

#[test]
fn matches_are_fields_by_name() {
    let flow: Flow = "table=1,tcp,nw_src=10.0.0.0/8,ct_state=+trk-new,tun_metadata2=0x7/0xf,\
                      dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=drop"
        .parse()
        .unwrap();
    check(
        &flow.matching,
        expect![[
            r#"{"eth_dst":"01:00:00:00:00:00/01:00:00:00:00:00","eth_type":"0x800","ip_src":"10.0.0.0/8","nw_proto":"6","ct_state":"-new+trk","tun_metadata2":"0x7/0xf"}"#
        ]],
    );
}

#[test]
fn actions_are_named_by_their_kind() {
    let action = |text: &str| text.parse::<Action>().unwrap();
    check(
        &action("set_field:7->tun_id"),
        expect![[r#"{"set_field":{"field":"tun_id","value":"0x7"}}"#]],
    );
    check(
        &action("move:NXM_NX_REG1[0..15]->NXM_NX_REG0[16..31]"),
        expect![[
            r#"{"move":{"source":"NXM_NX_REG1[0..15]","destination":"NXM_NX_REG0[16..31]"}}"#
        ]],
    );
    check(&action("output:LOCAL"), expect![[r#"{"output":{"port":4294967294,"max_len":0}}"#]]);
    check(&action("strip_vlan"), expect![[r#""pop_vlan""#]]);
    check(
        &action("ct(commit,nat(src=192.0.2.1))"),
        expect![[
            r#"{"ct":{"flags":1,"zone":{"immediate":0},"recirc_table":255,"alg":0,"actions":[{"nat":{"flags":1,"address_min":"192.0.2.1","address_max":null,"port_min":null,"port_max":null}}]}}"#
        ]],
    );
}

#[test]
fn groups_and_meters_have_their_parts() {
    let group = "group_id=3,type=select,bucket=bucket_id:0,weight:2,actions=output:1";
    check(
        &group.parse::<Group>().unwrap(),
        expect![[
            r#"{"group_id":3,"group_type":1,"buckets":[{"weight":2,"watch_port":4294967295,"watch_group":4294967295,"actions":[{"output":{"port":1,"max_len":0}}]}]}"#
        ]],
    );
    check(
        &"meter=1,kbps,band=type=drop,rate=5".parse::<Meter>().unwrap(),
        expect![[r#"{"meter_id":1,"flags":1,"bands":[{"drop":{"rate":5,"burst_size":0}}]}"#]],
    );
}

#[test]
fn every_recorded_message_can_be_serialized() {
    for (name, frame) in frames::frames() {
        let (_, message) = Message::interpret(&frame).unwrap();
        let value = serde_json::to_value(&message).unwrap();
        // A name, or an object whose only key is one; `FlowMod` is `flow_mod`.
        let kind = match value.as_object() {
            Some(object) => object.keys().next().unwrap().clone(),
            None => value.as_str().unwrap().to_owned(),
        };
        let variant = name.split('.').next().unwrap().to_lowercase();
        assert_eq!(kind.replace('_', ""), variant, "{value}");
    }
}
