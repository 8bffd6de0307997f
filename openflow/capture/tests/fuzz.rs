//! The fuzz target `pcap` on the seeds of its corpus, on what was found with it, and on seeds that
//! are spoilt at random.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../fuzz/targets/pcap.rs"]
mod pcap;
#[path = "files/recording.rs"]
mod recording;
#[path = "../../fuzz/replay.rs"]
mod replay;

use recording::Recording;
use replay::Random;

/// Two connections with messages in whole and broken segments, one of which was not captured.
fn conversation() -> Recording {
    let [one, other, controller] = ["10.0.0.2:40000", "10.0.0.3:40000", "10.0.0.1:6653"]
        .map(|address| address.parse().unwrap());
    let hello = [4, 0, 0, 8, 0, 0, 0, 1];
    let echo = [4, 2, 0, 12, 0, 0, 0, 4, 1, 2, 3, 4];
    let mut recording = Recording::default();
    recording.syn(one, controller, 99);
    recording.segment(one, controller, 100, &[&hello[..], &echo].concat());
    recording.segment(controller, one, 7, &hello[..3]);
    recording.segment(controller, one, 10, &hello[3..]);
    recording.segment(other, controller, 30, &echo);
    recording.segment(other, controller, 20, &hello);
    recording.segment(controller, one, 35, &echo);
    recording.segment(controller, other, 1, b"something else");
    recording.bytes(&[0; 20]);
    recording
}

#[test]
fn captures_do_no_harm() {
    let conversation = conversation();
    let files = [
        conversation.pcap(u32::to_le_bytes),
        conversation.pcap(u32::to_be_bytes),
        conversation.pcapng(),
    ];
    replay::replay("pcap", &files, &Random::BYTES, pcap::pcap);
}
