//! The fields that a real Open vSwitch matches are those that this crate knows: the same numbers, as
//! wide, and with a mask where it takes one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use openflow::Field;

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/switch.rs"]
mod switch;

use switch::Switch;

/// Multipart requests, and the one for what tables can do.
const MULTIPART_REQUEST: u8 = 18;
const TABLE_FEATURES: u8 = 12;
/// Where the first table's properties begin, in the reply and in the table's part of it.
const TABLE_AT: usize = 16;
const PROPERTIES_AT: usize = TABLE_AT + 64;
/// `OFPTFPT_MATCH`: what the table matches.
const MATCH: u16 = 8;

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

/// The fields in the property of the first table that says what it matches: width in bytes, and
/// whether with a mask.
fn matched_fields(reply: &[u8]) -> BTreeMap<Field, (usize, bool)> {
    let table_end = TABLE_AT + u16_at(reply, TABLE_AT);
    let mut at = PROPERTIES_AT;
    while u16_at(reply, at) != usize::from(MATCH) {
        at += u16_at(reply, at + 2).next_multiple_of(8);
        assert!(at < table_end, "the table says what it matches");
    }
    let mut headers = &reply[at + 4..at + u16_at(reply, at + 2)];
    let mut fields = BTreeMap::new();
    while !headers.is_empty() {
        let class = u16::from_be_bytes([headers[0], headers[1]]);
        let (number, has_mask, length) = (headers[2] >> 1, headers[2] & 1 == 1, headers[3]);
        let of_experimenter = class == 0xffff;
        let size = if of_experimenter { 8 } else { 4 };
        let experimenter =
            if of_experimenter { u32::from_be_bytes(headers[4..8].try_into().unwrap()) } else { 0 };
        // Where there is a mask, the length counts it, too.
        let width = (usize::from(length) + 4 - size) / if has_mask { 2 } else { 1 };
        fields.insert(Field { class, number, experimenter }, (width, has_mask));
        headers = &headers[size..];
    }
    fields
}

#[test]
fn the_fields_of_a_switch_are_those_of_the_registry() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    connection.send_bytes(&[
        4,
        MULTIPART_REQUEST,
        0,
        16,
        0,
        0,
        0,
        9,
        0,
        TABLE_FEATURES,
        0,
        0,
        0,
        0,
        0,
        0,
    ]);
    let theirs = matched_fields(&connection.receive_bytes());
    assert!(theirs.len() > 150, "only {} fields", theirs.len());
    let options = (0..64).map(|number| Field::tun_metadata(number).spec().unwrap());
    let mut ours: BTreeMap<Field, (usize, bool)> = BTreeMap::new();
    for spec in Field::all().iter().chain(options) {
        ours.insert(spec.field, (spec.bytes(), spec.maskable));
    }
    let differences: Vec<_> = theirs
        .iter()
        .filter(|(field, theirs)| ours.get(field) != Some(theirs))
        .map(|(field, theirs)| format!("{field:?}: {theirs:?}, ours {:?}", ours.get(field)))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let only_ours: Vec<_> = ours.keys().filter(|field| !theirs.contains_key(field)).collect();
    assert!(only_ours.is_empty(), "{only_ours:?}");
}
