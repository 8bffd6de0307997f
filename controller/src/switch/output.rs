use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Bytes on their way to a socket, in the pieces that they came in: most are flows that other
/// sessions send as well, so they are written from where they are.
#[derive(Debug, Default)]
pub(super) struct Output {
    pieces: VecDeque<Bytes>,
    remaining: usize,
}

impl Output {
    /// As many pieces as one write takes.
    const FULL: usize = 64;

    /// True when more would not be written at once.
    pub(super) fn is_full(&self) -> bool {
        self.pieces.len() >= Self::FULL
    }

    /// Adds a piece behind the others.
    pub(super) fn push(&mut self, piece: Bytes) {
        self.remaining += piece.len();
        self.pieces.push_back(piece);
    }
}

impl Buf for Output {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.iter_mut().zip(&self.pieces);
        filled.map(|(slice, piece)| *slice = IoSlice::new(piece)).count()
    }

    fn advance(&mut self, mut count: usize) {
        self.remaining -= count;
        while let Some(front) = self.pieces.front_mut() {
            if count < front.len() {
                front.advance(count);
                return;
            }
            count -= front.len();
            self.pieces.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(pieces: &[&'static [u8]]) -> Output {
        let mut output = Output::default();
        for piece in pieces {
            output.push(Bytes::from_static(piece));
        }
        output
    }

    #[test]
    fn what_is_written_in_parts_is_the_pieces_one_after_the_other() {
        for step in 1..=6 {
            let mut output = output(&[b"ab", b"", b"cde", b"f"]);
            let mut written = Vec::new();
            while output.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 8];
                let count = output.chunks_vectored(&mut slices);
                let all: Vec<u8> = slices[..count].iter().flat_map(|it| it.to_vec()).collect();
                assert_eq!(all.len(), output.remaining());
                let part = &all[..step.min(all.len())];
                written.extend_from_slice(part);
                output.advance(part.len());
            }
            assert_eq!(written, b"abcdef", "{step} bytes at a time");
            assert!(output.pieces.is_empty());
        }
    }

    #[test]
    fn there_are_never_more_slices_than_asked_for() {
        let output = output(&[b"a", b"b", b"c"]);
        let mut slices = [IoSlice::new(&[]); 2];
        assert_eq!(output.chunks_vectored(&mut slices), 2);
    }
}
