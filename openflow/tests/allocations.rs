//! What encoding and decoding allocate, counted: the counts are exact, so they are held to.
//!
//! One test, since the allocator counts for the whole process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::System;

use bytes::BytesMut;
use openflow::message::{FlowModCommand, Message, flow_frame};
use openflow::session::{End, Session};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[path = "vectors/frames.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod frames;
#[path = "typical/flow.rs"]
mod typical;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What `act` allocates: the least of several times, for the test's harness allocates too, now and
/// then.
fn allocated<T>(mut act: impl FnMut() -> T) -> Stats {
    let mut least: Option<Stats> = None;
    for _ in 0..10 {
        let region = Region::new(ALLOCATOR);
        let value = act();
        let change = region.change();
        drop(value);
        if least.is_none_or(|least| change.bytes_allocated < least.bytes_allocated) {
            least = Some(change);
        }
    }
    least.unwrap()
}

fn count<T>(act: impl FnMut() -> T) -> usize {
    let change = allocated(act);
    change.allocations + change.reallocations
}

#[test]
fn allocations_are_counted() {
    assert_eq!(count(|| Vec::<u8>::with_capacity(1000)), 1, "the allocator counts");
    one_flow_mod();
    a_reply_of_many_flows();
    what_a_message_can_make_us_allocate();
}

/// A typical flow-mod: 8 fields, ct and output.
fn one_flow_mod() {
    let message = typical::message();
    let mut out = BytesMut::with_capacity(4096);
    let encode = || {
        out.clear();
        message.encode(1, &mut out).unwrap();
    };
    assert_eq!(count(encode), 0, "encoding into a reused buffer");

    let flow = typical::flow();
    let shared = count(|| flow_frame(FlowModCommand::Add, &flow, 1).unwrap());
    assert_eq!(shared, 2, "encoding to shared bytes");

    // Its match, instructions, actions, and actions within ct.
    let frame = message.to_bytes(1).unwrap();
    assert_eq!(count(|| Message::interpret(&frame).unwrap()), 4, "interpreting");
    assert_eq!(count(|| Message::decode(&frame).unwrap()), 5, "decoding");
}

/// As much for each flow as for one by itself, and a vector of them that grows.
fn a_reply_of_many_flows() {
    let flows = 2_000;
    let parts = typical::statistics(flows);
    let told = || -> usize {
        parts.iter().map(|part| typical::told(Message::interpret(part).unwrap().1)).sum()
    };
    assert_eq!(told(), flows);
    let all = count(told);
    assert!(all <= 4 * flows + 20 * parts.len(), "{all} for {flows} flows");
}

/// Lengths and counts are believed only as far as there are bytes: what a message makes a session
/// allocate is proportional to the message.
fn what_a_message_can_make_us_allocate() {
    for (name, frame) in frames::frames().into_iter().filter(|(_, frame)| frame.len() < 400) {
        for at in 8..frame.len() {
            let mut spoilt = frame.clone();
            spoilt[at] = 0xff;
            let region = Region::new(ALLOCATOR);
            let _ = Message::interpret(&spoilt);
            let bytes = region.change().bytes_allocated;
            assert!(bytes <= 1024 + 64 * frame.len(), "{bytes}, byte {at} of {name} spoilt");
        }
    }
    // Nothing is set aside for what a header announces.
    let mut session = Session::new(End::Controller, std::time::Instant::now());
    let announced = allocated(|| session.handle_input(&[4, 0], std::time::Instant::now()));
    assert!(announced.bytes_allocated < 100);
}
