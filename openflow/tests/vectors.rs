//! Messages to and from a real Open vSwitch, recorded: they decode, and encode to the same bytes,
//! and no part of them does harm.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "vectors/frames.rs"]
mod frames;
#[path = "vectors/record.rs"]
mod record;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/switch.rs"]
mod switch;

use frames::{frames, name};
use openflow::message::Message;

#[test]
fn what_was_recorded_survives_to_the_byte() {
    for (recorded, frame) in frames() {
        let (xid, message) =
            Message::decode(&frame).unwrap_or_else(|error| panic!("{recorded}: {error}"));
        assert_eq!(message.to_bytes(xid).unwrap(), frame, "{recorded}: {message:?}");
        assert_eq!(name(&message), recorded);
    }
}

#[test]
fn every_prefix_is_an_error() {
    for (recorded, frame) in frames() {
        for length in 0..frame.len() {
            let decoded = Message::decode(&frame[..length]);
            assert!(decoded.is_err(), "{recorded}, {length} bytes: {decoded:?}");
        }
    }
}

#[test]
fn a_prefix_that_claims_to_be_whole_is_an_error_or_survives() {
    for (recorded, mut frame) in frames() {
        for length in (8..frame.len()).rev() {
            frame.truncate(length);
            frame[2..4].copy_from_slice(&(length as u16).to_be_bytes());
            if let Ok((xid, message)) = Message::decode(&frame) {
                assert_eq!(message.to_bytes(xid).unwrap(), frame, "{recorded}, {length}");
            }
        }
    }
}

#[test]
fn the_recording_has_one_of_each() {
    let recorded: Vec<String> = frames().into_iter().map(|(name, _)| name).collect();
    for name in record::WANTED {
        assert!(recorded.iter().any(|it| it == name), "{name} was not recorded");
    }
}

/// Today's switch still sends what was recorded: the same kinds of messages, all of which survive.
#[test]
fn a_live_switch_sends_messages_that_survive() {
    let lines = record::record();
    for (recorded, frame) in &lines {
        let (xid, message) =
            Message::decode(frame).unwrap_or_else(|error| panic!("{recorded}: {error}"));
        assert_eq!(message.to_bytes(xid).unwrap(), *frame, "{recorded}: {message:?}");
    }
    // To renew the recording: WEFT_RECORD=openflow/tests/vectors/ovs-3.1.hex.
    if let Some(path) = std::env::var_os("WEFT_RECORD") {
        record::write(path.as_ref(), &lines);
    }
}
