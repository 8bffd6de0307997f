//! One direction of a TCP connection, put together from its segments.

use std::collections::BTreeMap;

use openflow::message::{HEADER, Header};

use super::capture::Piece;

/// The bytes of one direction, and the messages that they are.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The sequence number of the byte that is wanted next, once one is known.
    next: Option<u32>,
    /// What came too early, by sequence number.
    early: BTreeMap<u32, Vec<u8>>,
    /// Bytes in order, of which `done` have been given away.
    bytes: Vec<u8>,
    done: usize,
    /// Bytes that were never captured, to be told.
    missing: u32,
    /// Whether this is no OpenFlow, or no longer.
    broken: bool,
}

impl Stream {
    /// How much may wait for what is missing, before that is given up.
    const EARLY: usize = 1 << 20;

    /// Takes a segment.
    pub(super) fn segment(&mut self, sequence: u32, syn: bool, payload: &[u8]) {
        if syn {
            *self = Self { next: Some(sequence.wrapping_add(1)), ..Self::default() };
            return;
        }
        if payload.is_empty() || self.broken {
            return;
        }
        // Without its beginning, the connection begins with what was captured first.
        self.next.get_or_insert(sequence);
        let kept = self.early.entry(sequence).or_default();
        if kept.len() < payload.len() {
            *kept = payload.to_vec();
        }
        self.join();
        if self.early.values().map(Vec::len).sum::<usize>() > Self::EARLY {
            self.give_up_missing();
        }
    }

    /// The next thing to tell.
    pub(super) fn next(&mut self) -> Option<Piece<'_>> {
        if self.missing > 0 {
            return Some(Piece::Missing(std::mem::take(&mut self.missing)));
        }
        let rest = &self.bytes[self.done..];
        let frame = Header::read(rest).filter(|_| !self.broken).map(|header| {
            let whole = usize::from(header.length);
            // OpenFlow 1.0 to 1.5, and its types.
            let plausible = (1..=6).contains(&header.version) && header.kind <= 35;
            if plausible && whole >= HEADER { Some(whole) } else { None }
        });
        match frame {
            Some(Some(length)) if length <= rest.len() => {
                let start = self.done;
                self.done += length;
                Some(Piece::Frame(&self.bytes[start..self.done]))
            }
            Some(None) => {
                self.broken = true;
                self.early.clear();
                Some(Piece::Broken(&self.bytes[self.done..]))
            }
            _ => {
                self.bytes.drain(..self.done);
                self.done = 0;
                None
            }
        }
    }

    /// Moves what is in order now to the bytes.
    fn join(&mut self) {
        let Some(mut next) = self.next else { return };
        // How far ahead of `next`, as numbers that wrap; what is behind has come before.
        let ahead = |sequence: u32, next: u32| sequence.wrapping_sub(next).cast_signed();
        while let Some(sequence) = self.early.keys().copied().find(|it| ahead(*it, next) <= 0) {
            let payload = self.early.remove(&sequence).unwrap_or_default();
            let known = next.wrapping_sub(sequence) as usize;
            if let Some(new) = payload.get(known..) {
                self.bytes.extend_from_slice(new);
                next = next.wrapping_add(u32::try_from(new.len()).unwrap_or(u32::MAX));
            }
        }
        self.next = Some(next);
    }

    /// Goes on with the first segment behind a gap, as if a message began there; false without one.
    pub(super) fn give_up_missing(&mut self) -> bool {
        let Some(next) = self.next else { return false };
        let first = self.early.keys().copied().min_by_key(|it| it.wrapping_sub(next));
        let Some(first) = first else { return false };
        self.missing = first.wrapping_sub(next);
        self.bytes.clear();
        self.done = 0;
        self.next = Some(first);
        self.join();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: [u8; 8] = [4, 0, 0, 8, 0, 0, 0, 1];
    const BARRIER: [u8; 8] = [4, 20, 0, 8, 0, 0, 0, 2];

    /// The pieces as text, after all segments.
    fn pieces(stream: &mut Stream, segments: &[(u32, &[u8])]) -> Vec<String> {
        let mut all = Vec::new();
        for (sequence, payload) in segments {
            stream.segment(*sequence, false, payload);
            while let Some(piece) = stream.next() {
                all.push(match piece {
                    Piece::Frame(frame) => format!("type {}", frame[1]),
                    Piece::Missing(bytes) => format!("{bytes} missing"),
                    Piece::Broken(bytes) => format!("broken {}", bytes.len()),
                });
            }
        }
        all
    }

    #[test]
    fn segments_come_in_any_order_twice_and_overlapping() {
        // Sequence numbers wrap within the first message.
        let both = [HELLO, BARRIER].concat();
        let start = 0_u32.wrapping_sub(5);
        let at = |offset: u32| start.wrapping_add(offset);
        let mut stream = Stream::default();
        stream.segment(start.wrapping_sub(1), true, &[]);
        let segments = [
            (at(10), &both[10..]),
            (at(0), &both[..3]),
            (at(0), &both[..3]),
            (at(2), &both[2..12]),
        ];
        assert_eq!(pieces(&mut stream, &segments), ["type 0", "type 20"]);
    }

    #[test]
    fn what_is_no_openflow_is_told_once() {
        let mut stream = Stream::default();
        let text = b"GET / HTTP/1.1\r\n";
        assert_eq!(pieces(&mut stream, &[(1, text), (17, text)]), ["broken 16"]);
    }

    #[test]
    fn a_gap_is_given_up_when_much_waits_behind_it() {
        let long = [&[4, 2, 0xff, 0xff, 0, 0, 0, 3][..], &[0; 65_527]].concat();
        let mut stream = Stream::default();
        let mut segments = vec![(0, &HELLO[..])];
        let mut sequence = 100;
        for _ in 0..17 {
            segments.push((sequence, &long[..]));
            sequence += 65_535;
        }
        let pieces = pieces(&mut stream, &segments);
        assert_eq!(pieces[..3], ["type 0", "92 missing", "type 2"]);
        assert_eq!(pieces.len(), 19);

        let mut short = Stream::default();
        assert_eq!(self::pieces(&mut short, &[(0, &HELLO), (10, &BARRIER)]), ["type 0"]);
        assert!(short.give_up_missing());
        assert_eq!(short.next(), Some(Piece::Missing(2)));
        assert_eq!(short.next(), Some(Piece::Frame(&BARRIER)));
        assert!(!short.give_up_missing());
    }
}
