//! How long a typical flow takes to encode, to decode, to print and to read, what that allocates,
//! and how long all the flows of a large switch take.
//!
//! Allocations are those that were asked of the allocator, counted by `stats_alloc`.

#[path = "../../tests/benches/common/report.rs"]
mod report;
#[path = "../../tests/benches/common/samples.rs"]
mod samples;
#[path = "../tests/typical/flow.rs"]
mod typical;

use std::alloc::System;
use std::hint::black_box;
use std::io;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use openflow::Flow;
use openflow::message::{BundleFlags, FlowModCommand, Message, bundled_flow_frame, flow_frame};
use openflow::session::{End, Event, Limits, Session};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use report::{Report, Row};
use samples::{Samples, ms, us};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> io::Result<()> {
    let wanted = Report::is_wanted();
    let mut report = Report::new("codec");
    let rounds = if wanted { 400 } else { 2 };
    report.table("One flow-mod: 8 fields, ct and output", one_flow(rounds));
    let (flows, rounds) = if wanted { (100_000, 20) } else { (2_000, 1) };
    report.table(&format!("A reply of {flows} flows"), all_flows(flows, rounds));
    report.write()
}

fn one_flow(rounds: usize) -> Vec<Row> {
    let flow = typical::flow();
    let message = typical::message();
    let frame = message.to_bytes(1).expect("the flow fits a message");
    let mut out = BytesMut::with_capacity(4096);
    let flags = BundleFlags::ATOMIC_ORDERED;
    vec![
        measure("encode into a reused buffer", rounds, || {
            out.clear();
            black_box(&message).encode(1, &mut out).expect("the flow fits a message");
        }),
        measure("encode to shared bytes", rounds, || {
            flow_frame(FlowModCommand::Add, black_box(&flow), 1)
        }),
        measure("encode to shared bytes, for a bundle", rounds, || {
            bundled_flow_frame(FlowModCommand::Add, black_box(&flow), 1, flags, 1)
        }),
        measure("decode", rounds, || Message::decode(black_box(&frame))),
        measure("decode, as a session does", rounds, || Message::interpret(black_box(&frame))),
        measure("print", rounds, || black_box(&flow).to_string()),
        measure("read", rounds, || black_box(typical::TEXT).parse::<Flow>()),
    ]
}

/// Times batches of calls, and counts what one call allocates.
fn measure<T>(what: &'static str, rounds: usize, mut act: impl FnMut() -> T) -> Row {
    const BATCH: u32 = 500;
    let mut samples = Samples::default();
    for _ in 0..rounds {
        samples.time(|| {
            for _ in 0..BATCH {
                black_box(act());
            }
        });
    }
    let region = Region::new(ALLOCATOR);
    black_box(act());
    let change = region.change();
    let ns = |share| json!(us(samples.quantile(share)) * 1e3 / f64::from(BATCH));
    vec![
        ("what", json!(what)),
        ("least ns", ns(0.0)),
        ("median ns", ns(0.5)),
        ("allocations", json!(change.allocations + change.reallocations)),
        ("bytes allocated", json!(change.bytes_allocated)),
    ]
}

fn all_flows(flows: usize, rounds: usize) -> Vec<Row> {
    let parts = typical::statistics(flows);
    let decode = |part: &Bytes| typical::told(Message::decode(part).expect("it was encoded").1);
    let interpret =
        |part: &Bytes| typical::told(Message::interpret(part).expect("it was encoded").1);
    vec![
        measure_all("decode", &parts, rounds, |parts| parts.iter().map(decode).sum()),
        measure_all("decode, as a session does", &parts, rounds, |parts| {
            parts.iter().map(interpret).sum()
        }),
        measure_all("receive by a session, 16 KiB at a time", &parts, rounds, receive),
    ]
}

/// Takes all parts as a stream by a session; gives how many flows they told.
fn receive(parts: &[Bytes]) -> usize {
    let now = Instant::now();
    let mut session = Session::with_limits(End::Switch, Limits::default(), now);
    let hello = Message::Hello(openflow::message::Hello::only_1_3());
    let hello = hello.to_bytes(1).expect("a hello fits a message");
    session.handle_input(&hello, now).expect("it was encoded");
    let mut told = 0;
    for piece in parts.iter().flat_map(|part| part.chunks(1 << 14)) {
        session.handle_input(piece, now).expect("it was encoded");
        while let Some(event) = session.poll_event() {
            if let Event::Message { message, .. } = event {
                told += typical::told(message);
            }
        }
    }
    told
}

fn measure_all(
    what: &'static str,
    parts: &[Bytes],
    rounds: usize,
    act: impl Fn(&[Bytes]) -> usize,
) -> Row {
    let bytes: usize = parts.iter().map(Bytes::len).sum();
    let flows = act(parts);
    let mut samples = Samples::default();
    for _ in 0..rounds {
        samples.time(|| black_box(act(parts)));
    }
    let region = Region::new(ALLOCATOR);
    black_box(act(parts));
    let change = region.change();
    let allocations = change.allocations + change.reallocations;
    vec![
        ("what", json!(what)),
        ("MB", json!(bytes as f64 / 1e6)),
        ("least ms", json!(ms(samples.quantile(0.0)))),
        ("median ms", json!(ms(samples.median()))),
        ("ns per flow", json!(ms(samples.median()) * 1e6 / flows as f64)),
        ("allocations per flow", json!(allocations as f64 / flows as f64)),
    ]
}
