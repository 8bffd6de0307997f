//! How long a typical flow takes to encode, to decode, to print and to read.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use openflow::Flow;
use openflow::message::{
    FlowMod, FlowModCommand, FlowStats, Message, MultipartReply, MultipartReplyBody, flow_frame,
};

/// Eight fields, conntrack and output.
const TYPICAL: &str = "cookie=0x1000064000000c8, table=40, priority=200,ct_state=+new+trk,\
    ct_mark=0/0x1,tcp,reg0=0x64,reg1=0xc8,in_port=7,nw_src=10.0.0.0/24,tp_dst=443 \
    actions=ct(commit,zone=NXM_NX_REG2[0..15],exec(set_field:0x64->ct_label)),output:12";

fn typical() -> Flow {
    TYPICAL.parse().expect("the flow is well-formed")
}

/// A part of a flow statistics reply, as full as Open vSwitch fills it.
fn statistics() -> (Vec<u8>, u64) {
    let stats = FlowStats {
        flow: typical(),
        duration_sec: 5,
        duration_nsec: 6,
        packet_count: 7,
        byte_count: 8,
    };
    let flows = 200;
    let body = MultipartReplyBody::Flow(vec![stats; flows as usize]);
    let reply = Message::MultipartReply(MultipartReply { more: true, body });
    (reply.to_bytes(1).expect("200 flows fit a message").to_vec(), flows)
}

fn codec(criterion: &mut Criterion) {
    let flow = typical();
    let message = Message::FlowMod(FlowMod::add(flow.clone()));
    let frame = message.to_bytes(1).expect("the flow fits a message");

    let mut group = criterion.benchmark_group("flow_mod");
    group.throughput(Throughput::Elements(1));
    group.bench_function("encode into a reused buffer", |bencher| {
        let mut out = BytesMut::with_capacity(4096);
        bencher.iter(|| {
            out.clear();
            black_box(&message).encode(1, &mut out).expect("the flow fits a message");
            black_box(out.len())
        });
    });
    group.bench_function("encode to shared bytes", |bencher| {
        bencher.iter(|| flow_frame(FlowModCommand::Add, black_box(&flow), 1));
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| Message::decode(black_box(&frame)));
    });
    group.finish();

    let (reply, flows) = statistics();
    let mut group = criterion.benchmark_group("flow_statistics");
    group.throughput(Throughput::Elements(flows));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| Message::decode(black_box(&reply)));
    });
    group.finish();

    let mut group = criterion.benchmark_group("text");
    group.throughput(Throughput::Elements(1));
    group.bench_function("print", |bencher| {
        bencher.iter(|| black_box(&flow).to_string());
    });
    group.bench_function("read", |bencher| {
        bencher.iter(|| black_box(TYPICAL).parse::<Flow>());
    });
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
