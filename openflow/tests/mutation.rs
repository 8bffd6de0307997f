//! Recorded messages and the corpus of flows, with random mistakes in them: nothing panics, a message
//! that is still read encodes to the same bytes and can be printed, and what is printed of a flow can
//! be read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use openflow::Flow;
use openflow::message::Message;
use openflow::session::{End, Session};

const RECORDED: &str = include_str!("vectors/ovs-3.1.hex");

const TEXTS: [&str; 3] = [
    include_str!("corpus/actions.txt"),
    include_str!("corpus/ct.txt"),
    include_str!("corpus/transport.txt"),
];

/// How often each seed is spoilt.
const ROUNDS: usize = 400;

/// Numbers that look random and are the same in each run: xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from(number).unwrap() % limit.max(1)
    }

    /// Changes, removes, doubles or cuts off some of the bytes.
    fn spoil(&mut self, bytes: &mut Vec<u8>, alphabet: &[u8]) {
        for _ in 0..=self.below(3) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes[at] ^= 1 << self.below(7),
                1 | 2 => bytes[at] = alphabet[self.below(alphabet.len())],
                3 => bytes.truncate(at),
                _ => {
                    let end = (at + 1 + self.below(16)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
    }
}

#[test]
fn spoilt_messages_do_no_harm() {
    let all: Vec<u8> = (0..=255).collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut read, mut known) = (0, 0);
    for line in RECORDED.lines().filter(|line| !line.starts_with('#')) {
        let (_, hex) = line.split_once(' ').unwrap();
        let digits: Vec<char> = hex.chars().collect();
        let seed: Vec<u8> = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
            .collect();
        for _ in 0..ROUNDS {
            let mut bytes = seed.clone();
            random.spoil(&mut bytes, &all);
            let mut session = Session::new(End::Controller, Instant::now());
            let _ = session.handle_input(&bytes, Instant::now());
            // Mistakes behind the header count only when the header's length is right.
            let length = u16::try_from(bytes.len()).unwrap();
            if let Some(place) = bytes.get_mut(2..4) {
                place.copy_from_slice(&length.to_be_bytes());
            }
            if let Ok((xid, message)) = Message::decode(&bytes) {
                read += 1;
                assert!(!message.display(xid).to_string().is_empty());
                assert_eq!(message.to_bytes(xid).unwrap(), bytes, "{message:?}");
                // Whoever does not care for the bytes is told a meaning, and it is a firm one.
                let (_, meaning) = Message::interpret(&bytes).unwrap();
                let plain = meaning.to_bytes(xid).unwrap();
                assert_eq!(Message::decode(&plain), Ok((xid, meaning)), "{bytes:02x?}");
                known += usize::from(!matches!(message, Message::Unknown { .. }));
            }
        }
    }
    assert!(read > 1000, "only {read} spoilt messages could be read");
    assert!(known > read / 2, "only {known} of {read} messages have a value that says all");
}

#[test]
fn spoilt_texts_do_no_harm() {
    let alphabet = b"0123456789abcdefx:/.,=()[]->+_ \tregctnat\xc3\xa9";
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut read = 0;
    for line in TEXTS.iter().flat_map(|text| text.lines()) {
        for _ in 0..ROUNDS {
            let mut bytes = line.as_bytes().to_vec();
            random.spoil(&mut bytes, alphabet);
            let text = String::from_utf8_lossy(&bytes);
            match text.parse::<Flow>() {
                Ok(flow) => {
                    read += 1;
                    assert_eq!(flow.to_string().parse(), Ok(flow.clone()), "{text}: {flow}");
                }
                Err(error) => assert!(error.column <= text.chars().count() + 1, "{text}: {error}"),
            }
        }
    }
    assert!(read > 1000, "only {read} spoilt texts could be read");
}
