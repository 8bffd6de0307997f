//! One direction of a TCP connection, put together from its segments: RFC 9293 §3.4.

use std::collections::BTreeMap;

use openflow::message::{HEADER, Header};

use crate::Piece;

/// The bytes of one direction, and the messages that they are.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// The sequence number with which the connection began, when that was captured.
    opened: Option<u32>,
    /// The sequence number of the byte that is wanted next, once one is known …
    next: Option<u32>,
    /// … and that byte's place in the stream: sequence numbers wrap, places do not.
    place: i64,
    /// What came too early, by place.
    early: BTreeMap<i64, Vec<u8>>,
    /// Bytes in `early`.
    waiting: usize,
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
    pub(crate) fn segment(&mut self, sequence: u32, syn: bool, payload: &[u8]) {
        if syn {
            // The same once more is no other connection.
            if self.opened != Some(sequence) {
                let next = Some(sequence.wrapping_add(1));
                *self = Self { opened: Some(sequence), next, ..Self::default() };
            }
            return;
        }
        if payload.is_empty() || self.broken {
            return;
        }
        // Without its beginning, the connection begins with what was captured first.
        let next = *self.next.get_or_insert(sequence);
        let ahead = sequence.wrapping_sub(next).cast_signed();
        let kept = self.early.entry(self.place + i64::from(ahead)).or_default();
        if kept.len() < payload.len() {
            self.waiting += payload.len() - kept.len();
            *kept = payload.to_vec();
        }
        self.join();
        if self.waiting > Self::EARLY {
            self.give_up_missing();
        }
    }

    /// The next thing to tell.
    pub(crate) fn next(&mut self) -> Option<Piece<'_>> {
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
                self.waiting = 0;
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
        while let Some(first) = self.early.first_entry().filter(|it| *it.key() <= self.place) {
            let (place, payload) = first.remove_entry();
            self.waiting -= payload.len();
            let known = usize::try_from(self.place - place).unwrap_or(usize::MAX);
            if let Some(new) = payload.get(known..) {
                self.bytes.extend_from_slice(new);
                self.advance(new.len());
            }
        }
    }

    /// Goes on with the first segment behind a gap, as if a message began there; false without one.
    pub(crate) fn give_up_missing(&mut self) -> bool {
        let Some(&first) = self.early.keys().next() else { return false };
        // A segment is at most 2 GiB ahead, else it counts as one from before.
        let gap = usize::try_from(first - self.place).unwrap_or_default();
        self.missing = u32::try_from(gap).unwrap_or(u32::MAX);
        self.bytes.clear();
        self.done = 0;
        self.advance(gap);
        self.join();
        true
    }

    /// So many bytes more are known, or given up.
    fn advance(&mut self, bytes: usize) {
        // Sequence numbers are modulo 2^32, so is what is added to them.
        self.next = self.next.map(|next| next.wrapping_add(bytes as u32));
        self.place += i64::try_from(bytes).unwrap_or(i64::MAX);
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
