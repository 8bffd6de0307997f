//! The fuzz targets on the seeds of their corpora, on what was found with them, and on seeds that
//! are spoilt at random: no compiler but the stable one is needed, and every run does the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../fuzz/targets/frame.rs"]
mod frame;
#[path = "vectors/frames.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod frames;
#[path = "../fuzz/replay.rs"]
mod replay;
#[path = "../fuzz/targets/session.rs"]
mod session;
#[path = "../fuzz/targets/text.rs"]
mod text;

use openflow::Flow;
use openflow::message::Message;
use replay::{Random, replay};

const TEXTS: [&str; 13] = [
    include_str!("corpus/actions.txt"),
    include_str!("corpus/ct.txt"),
    include_str!("corpus/ethernet.txt"),
    include_str!("corpus/fields.txt"),
    include_str!("corpus/flows.txt"),
    include_str!("corpus/ip.txt"),
    include_str!("corpus/meters.txt"),
    include_str!("corpus/registers.txt"),
    include_str!("corpus/spellings.txt"),
    include_str!("corpus/tracking.txt"),
    include_str!("corpus/transport.txt"),
    "group_id=7,type=select,bucket=bucket_id:0,weight:3,actions=set_field:3->reg0,output:2",
    "group_id=0x10,type=ff,bucket=watch_port:1,output:1,bucket=watch_group:3,actions=group:3",
];

/// What texts are made of.
const LETTERS: &[u8] = b"0123456789abcdefx:/.,=()[]->+_ \tregctnat\xc3\xa9";

/// The recorded messages.
fn recorded() -> Vec<Vec<u8>> {
    frames::frames().into_iter().map(|(_, frame)| frame).collect()
}

/// For each end of a connection, and pieces of two sizes: what the other end said, as a stream.
fn streams() -> Vec<Vec<u8>> {
    let all = recorded();
    let short = |frame: &&Vec<u8>| frame.len() < 512;
    let mut streams = Vec::new();
    for frames in all.chunks(8) {
        let stream: Vec<u8> = frames.iter().filter(short).flatten().copied().collect();
        streams.extend([0, 1, 38, 39].map(|how| [&[how], &stream[..]].concat()));
    }
    streams
}

fn lines() -> Vec<Vec<u8>> {
    let lines = TEXTS.iter().flat_map(|text| text.lines());
    lines.filter(|line| !line.starts_with('#')).map(|line| line.as_bytes().to_vec()).collect()
}

#[test]
fn frames_do_no_harm() {
    let mut read = 0;
    replay("frame", &recorded(), &Random::BYTES, |bytes| {
        frame::frame(bytes);
        read += usize::from(Message::decode(bytes).is_ok());
    });
    assert!(read > 1000, "only {read} messages could be read");
}

#[test]
fn streams_do_no_harm() {
    replay("session", &streams(), &Random::BYTES, session::session);
}

#[test]
fn texts_do_no_harm() {
    let mut read = 0;
    replay("text", &lines(), LETTERS, |bytes| {
        text::text(bytes);
        let text = std::str::from_utf8(bytes).ok();
        read += usize::from(text.is_some_and(|text| text.parse::<Flow>().is_ok()));
    });
    assert!(read > 1000, "only {read} texts could be read");
}
