//! A flow as a controller makes it by the thousand.

use bytes::Bytes;
use openflow::Flow;
use openflow::message::{FlowMod, FlowStats, Message, MultipartReply, MultipartReplyBody};

/// Eight fields, conntrack and output.
pub(crate) const TEXT: &str = "cookie=0x1000064000000c8, table=40, priority=200,ct_state=+new+trk,\
    ct_mark=0/0x1,tcp,reg0=0x64,reg1=0xc8,in_port=7,nw_src=10.0.0.0/24,tp_dst=443 \
    actions=ct(commit,zone=NXM_NX_REG2[0..15],exec(set_field:0x64->ct_label)),output:12";

/// The flow.
pub(crate) fn flow() -> Flow {
    TEXT.parse().expect("the flow is well-formed")
}

/// The message that adds it.
pub(crate) fn message() -> Message {
    Message::FlowMod(FlowMod::add(flow()))
}

/// The reply of a switch with so many flows, in parts as full as Open vSwitch makes them.
pub(crate) fn statistics(flows: usize) -> Vec<Bytes> {
    let part = |flows, more| {
        let body = MultipartReplyBody::Flow(flows);
        let reply = Message::MultipartReply(MultipartReply { more, body });
        reply.to_bytes(1)
    };
    let stats = |number: usize| FlowStats {
        flow: Flow { cookie: number as u64, ..flow() },
        duration_sec: 5,
        duration_nsec: 6,
        packet_count: 7,
        byte_count: 8,
    };
    let single = part(vec![stats(0)], false).expect("one flow fits a message").len();
    let fitting = (usize::from(u16::MAX) - 16) / (single - 16);
    let all: Vec<_> = (0..flows).map(stats).collect();
    let last = flows.div_ceil(fitting) - 1;
    let parts = all.chunks(fitting).enumerate();
    parts.map(|(at, flows)| part(flows.to_vec(), at < last).expect("so many fit")).collect()
}

/// How many flows a message tells of.
pub(crate) fn told(message: Message) -> usize {
    match message {
        Message::MultipartReply(MultipartReply {
            body: MultipartReplyBody::Flow(flows), ..
        }) => flows.len(),
        _ => 0,
    }
}
