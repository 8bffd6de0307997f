//! Conversations of several connections, captured in any order, in each kind of file.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::time::Duration;

use capture::{CaptureError, Piece, Way};

#[path = "files/recording.rs"]
mod recording;

use recording::{Recording, START};

const HELLO: [u8; 8] = [4, 0, 0, 8, 0, 0, 0, 1];
const FEATURES: [u8; 8] = [4, 5, 0, 8, 0, 0, 0, 2];
const BARRIER: [u8; 8] = [4, 20, 0, 8, 0, 0, 0, 3];
const ECHO: [u8; 12] = [4, 2, 0, 12, 0, 0, 0, 4, 1, 2, 3, 4];

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// What is read of a file, a line for each piece: milliseconds since the first packet, the ports,
/// what it is.
fn told(file: &[u8]) -> (Vec<String>, Result<(), CaptureError>) {
    let mut lines = Vec::new();
    let read = capture::read(file, |Way { time, from, to }, piece| {
        let since = time - Duration::from_secs(START.into());
        let what = match piece {
            Piece::Frame(frame) => format!("type {}", frame[1]),
            Piece::Missing(bytes) => format!("{bytes} missing"),
            Piece::Broken(bytes) => format!("{} broken", bytes.len()),
        };
        lines.push(format!("{} {}>{} {what}", since.as_millis(), from.port(), to.port()));
        Ok(())
    });
    (lines, read)
}

/// All kinds of files of the same packets tell the same.
#[track_caller]
fn check(recording: &Recording, expected: &[&str]) {
    for file in
        [recording.pcap(u32::to_le_bytes), recording.pcap(u32::to_be_bytes), recording.pcapng()]
    {
        assert_eq!(told(&file), (expected.iter().map(|&line| line.into()).collect(), Ok(())));
    }
}

#[test]
fn both_directions_of_several_connections_are_told_apart() {
    let controller = address("10.0.0.1:6653");
    let (one, other) = (address("10.0.0.2:40001"), address("10.0.0.3:40002"));
    let sixth = [address("[fd00::1]:6653"), address("[fd00::2]:40006")];
    let mut recording = Recording::default();
    // The same sequence numbers everywhere, and messages that are cut at different places.
    recording.syn(one, controller, 99);
    recording.segment(one, controller, 100, &HELLO[..3]);
    recording.segment(other, controller, 100, &HELLO[..5]);
    recording.segment(controller, one, 100, &[HELLO, FEATURES].concat());
    recording.segment(sixth[0], sixth[1], 100, &ECHO);
    recording.segment(other, controller, 105, &HELLO[5..]);
    recording.segment(one, controller, 103, &[&HELLO[3..], &BARRIER].concat());
    check(
        &recording,
        &[
            "3 6653>40001 type 0",
            "3 6653>40001 type 5",
            "4 6653>40006 type 2",
            "5 40002>6653 type 0",
            "6 40001>6653 type 0",
            "6 40001>6653 type 20",
        ],
    );
}

#[test]
fn segments_come_late_and_again() {
    let (from, to) = (address("10.0.0.2:40000"), address("10.0.0.1:6653"));
    let stream = [&HELLO[..], &ECHO, &BARRIER].concat();
    let at = |offset: usize| u32::MAX.wrapping_sub(9).wrapping_add(offset as u32);
    let mut recording = Recording::default();
    recording.syn(from, to, at(0).wrapping_sub(1));
    // The third before the second, the first again, part of the second within a longer one.
    recording.segment(from, to, at(0), &stream[..8]);
    recording.segment(from, to, at(20), &stream[20..]);
    recording.segment(from, to, at(0), &stream[..8]);
    recording.syn(from, to, at(0).wrapping_sub(1));
    recording.segment(from, to, at(4), &stream[4..12]);
    recording.segment(from, to, at(8), &stream[8..20]);
    recording.segment(from, to, at(20), &stream[20..]);
    check(&recording, &["1 40000>6653 type 0", "6 40000>6653 type 2", "6 40000>6653 type 20"]);
}

#[test]
fn the_same_ports_may_be_used_again() {
    let (from, to) = (address("10.0.0.2:40000"), address("10.0.0.1:6653"));
    let mut recording = Recording::default();
    recording.syn(from, to, 99);
    recording.segment(from, to, 100, &ECHO[..9]);
    recording.syn(from, to, 5_000);
    recording.segment(from, to, 5_001, &HELLO);
    check(&recording, &["3 40000>6653 type 0"]);
}

#[test]
fn what_was_not_captured_is_told() {
    let (from, to) = (address("10.0.0.2:40000"), address("10.0.0.1:6653"));
    let mut recording = Recording::default();
    recording.segment(from, to, 100, &HELLO);
    recording.segment(from, to, 120, &BARRIER);
    recording.segment(to, from, 7, b"HTTP/1.1 400 Bad Request");
    // No packets, or none of TCP.
    recording.bytes(&[]);
    recording.bytes(&[0; 14]);
    check(
        &recording,
        &[
            "0 40000>6653 type 0",
            "2 6653>40000 24 broken",
            "2 40000>6653 12 missing",
            "2 40000>6653 type 20",
        ],
    );
}

#[test]
fn a_capture_that_is_cut_short_is_read_as_far_as_it_goes() {
    let (from, to) = (address("10.0.0.2:40000"), address("10.0.0.1:6653"));
    let mut recording = Recording::default();
    recording.segment(from, to, 100, &HELLO);
    recording.segment(from, to, 120, &BARRIER);
    recording.segment(from, to, 200, &BARRIER);
    for file in [recording.pcap(u32::to_le_bytes), recording.pcapng()] {
        let (lines, read) = told(&file[..file.len() - 40]);
        let expected = ["0 40000>6653 type 0", "1 40000>6653 12 missing", "1 40000>6653 type 20"];
        assert_eq!(lines, expected);
        assert_eq!(read, Err(CaptureError::CutShort));
    }
}

#[test]
fn what_is_no_capture_is_refused() {
    assert_eq!(told(b"").1, Err(CaptureError::NoCapture));
    assert_eq!(told(b"this is text and no capture").1, Err(CaptureError::NoCapture));
    // A packet of an interface that was never described.
    let mut recording = Recording::default();
    recording.bytes(&[1, 2, 3, 4]);
    let mut file = recording.pcapng();
    let interface = file.windows(4).position(|it| it == 6_u32.to_le_bytes()).unwrap() + 8;
    file[interface] = 2;
    assert_eq!(told(&file).1, Err(CaptureError::NoInterface { number: 2 }));
}

#[test]
fn nothing_is_told_after_the_first_failure() {
    let mut recording = Recording::default();
    let (from, to) = (address("10.0.0.2:40000"), address("10.0.0.1:6653"));
    recording.segment(from, to, 100, &[HELLO, BARRIER].concat());
    recording.segment(from, to, 200, &BARRIER);
    let mut told = 0;
    let read = capture::read(&recording.pcapng()[..], |_, _| {
        told += 1;
        Err(CaptureError::Block)
    });
    assert_eq!((read, told), (Err(CaptureError::Block), 1));
}
