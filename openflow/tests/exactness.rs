//! Messages with unusual bytes: they stay what they are, and are understood all the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use openflow::Flow;
use openflow::message::{FlowMod, Header, Message};

fn frame(kind: u8, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let length = (8 + body.len()) as u16;
    let mut frame = vec![4, kind, 0, 0, 0, 0, 0, 7];
    frame[2..4].copy_from_slice(&length.to_be_bytes());
    frame.extend(body);
    frame
}

/// The message stays bytes, and means what `usual` means.
#[track_caller]
fn check(unusual: &[u8], usual: &[u8]) {
    assert_ne!(unusual, usual);
    let (xid, message) = Message::decode(unusual).unwrap();
    let kind = Header::read(unusual).unwrap().kind;
    assert!(matches!(&message, Message::Unknown { kind: it, .. } if *it == kind), "{message:?}");
    assert_eq!(message.to_bytes(xid).unwrap(), unusual);

    let (_, meaning) = Message::interpret(unusual).unwrap();
    assert_eq!(Message::decode(usual), Ok((xid, meaning.clone())));
    assert_eq!(message.display(xid).to_string(), meaning.display(xid).to_string());
}

#[test]
fn padding_that_is_not_zero() {
    let role = [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    let mut padded = role;
    padded[7] = 1;
    check(&frame(24, &[&padded]), &frame(24, &[&role]));
    // OFPMP_PORT_STATS of port 3.
    let request = [0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0];
    let mut padded = request;
    padded[12] = 0xff;
    check(&frame(18, &[&padded]), &frame(18, &[&request]));
}

#[test]
fn reserved_bits() {
    let request = [0, 0, 0, 0, 0, 0, 0, 0];
    check(&frame(18, &[&[0, 0, 0x80, 0, 0, 0, 0, 0]]), &frame(18, &[&request]));
}

#[test]
fn fields_of_a_match_in_another_order() {
    let flow: Flow = "arp,in_port=1 actions=drop".parse().unwrap();
    let usual = Message::FlowMod(FlowMod::add(flow)).to_bytes(7).unwrap();
    let in_port = [0x80, 0, 0, 4, 0, 0, 0, 1];
    let arp = [0x80, 0, 0x0a, 2, 8, 6];
    let at = usual.windows(14).position(|it| it == [&in_port[..], &arp].concat()).unwrap();
    let mut unusual = usual.to_vec();
    unusual[at..at + 14].copy_from_slice(&[&arp[..], &in_port].concat());
    check(&unusual, &usual);
}

#[test]
fn value_bits_that_the_mask_leaves_out() {
    let flow: Flow = "reg0=0x1/0xf actions=drop".parse().unwrap();
    let usual = Message::FlowMod(FlowMod::add(flow)).to_bytes(7).unwrap();
    let at = usual.windows(8).position(|it| it == [0, 0, 0, 1, 0, 0, 0, 0xf]).unwrap();
    let mut unusual = usual.to_vec();
    unusual[at] = 0xff;
    // A match keeps them, so this message is no less typed than others.
    let (xid, message) = Message::decode(&unusual).unwrap();
    assert!(matches!(message, Message::FlowMod(_)), "{message:?}");
    assert_eq!(message.to_bytes(xid).unwrap(), unusual);
}

#[test]
fn names_with_something_behind_their_end() {
    // OFPT_PORT_STATUS of port 3, called `tap`.
    let mut port = [0; 72];
    port[11] = 3;
    port[24..27].copy_from_slice(b"tap");
    let mut unusual = port;
    unusual[30] = b'x';
    check(&frame(12, &[&unusual]), &frame(12, &[&port]));
}

#[test]
fn properties_in_another_order() {
    let header = [0, 0, 0x23, 0x20, 0, 0, 0, 30];
    let packet = [0, 0, 0, 5, 0xaa, 0, 0, 0];
    let table = [0, 3, 0, 5, 9, 0, 0, 0];
    check(&frame(4, &[&header, &table, &packet]), &frame(4, &[&header, &packet, &table]));
}

#[test]
fn hellos_of_all_versions() {
    // The bitmap behind another element: kept for our version, refused for those we do not have.
    let elements = [0, 9, 0, 8, 1, 2, 3, 4, 0, 1, 0, 8, 0, 0, 0, 0x12];
    let usual = [&elements[8..], &elements[..8]].concat();
    check(&frame(0, &[&elements]), &frame(0, &[&usual]));
    let mut old = frame(0, &[&elements]);
    old[0] = 1;
    let error = Message::decode(&old).unwrap_err();
    assert_eq!(error.to_string(), "ofp_header at byte 0: version is 1, wanted 4, OpenFlow 1.3");
    assert!(Message::interpret(&old).is_ok());
    let mut old = frame(0, &[&usual]);
    old[0] = 1;
    let (xid, hello) = Message::decode(&old).unwrap();
    assert_eq!(hello.to_bytes(xid).unwrap(), old);
}
