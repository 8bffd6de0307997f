//! Messages out of a stream of bytes, by the header's length: OpenFlow 1.3.5 §7.1.

use std::borrow::Cow;

use super::ProtocolError;
use crate::message::{HEADER, Header};

/// Divides a stream of bytes into messages.
///
/// Holds at most one message that has not come whole, so at most 64 KiB.
#[derive(Debug)]
pub(super) struct Frames {
    limit: usize,
    partial: Vec<u8>,
}

impl Frames {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, partial: Vec::new() }
    }

    /// The next whole message, and `input` behind it; `None` when more bytes are needed, which are
    /// then all kept.
    ///
    /// A message that is whole in `input` is not copied.
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<Cow<'a, [u8]>>, ProtocolError> {
        if self.partial.is_empty() {
            let Some(frame) = self.length(input)?.and_then(|it| input.split_at_checked(it)) else {
                self.fill(input, input.len());
                return Ok(None);
            };
            *input = frame.1;
            return Ok(Some(Cow::Borrowed(frame.0)));
        }
        self.fill(input, HEADER.saturating_sub(self.partial.len()));
        let Some(length) = self.length(&self.partial)? else { return Ok(None) };
        self.fill(input, length - self.partial.len());
        if self.partial.len() < length {
            return Ok(None);
        }
        Ok(Some(Cow::Owned(std::mem::take(&mut self.partial))))
    }

    /// True while part of a message is held.
    pub(super) fn is_partial(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Moves up to `wanted` bytes from `input` to the partial message.
    fn fill(&mut self, input: &mut &[u8], wanted: usize) {
        let (head, tail) = input.split_at(wanted.min(input.len()));
        self.partial.extend_from_slice(head);
        *input = tail;
    }

    /// The length that a message's header tells, `None` while the header is not whole.
    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, ProtocolError> {
        let Some(Header { kind, length, .. }) = Header::read(bytes) else { return Ok(None) };
        let whole = usize::from(length);
        if !(HEADER..=self.limit).contains(&whole) {
            return Err(ProtocolError::FrameLength { kind, length, limit: self.limit });
        }
        Ok(Some(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `bytes` in pieces of `size`, gives the messages.
    fn divide(bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
        let mut frames = Frames::new(32);
        let mut all = Vec::new();
        for mut piece in bytes.chunks(size) {
            while let Some(frame) = frames.next(&mut piece).unwrap() {
                all.push(frame.into_owned());
            }
            assert!(piece.is_empty());
        }
        all
    }

    #[test]
    fn any_division_of_the_stream_gives_the_same_messages() {
        let short = [4, 2, 0, 8, 0, 0, 0, 1];
        let long = [4, 2, 0, 11, 0, 0, 0, 2, 9, 9, 9];
        let stream = [&short[..], &long, &short, &long[..9]].concat();
        for size in 1..=stream.len() {
            assert_eq!(divide(&stream, size), [&short[..], &long, &short], "pieces of {size}");
        }
    }

    #[test]
    fn a_length_out_of_range_is_refused_before_the_body_comes() {
        for length in [0u8, 7, 33] {
            let header = [4, 2, 0, length, 0, 0, 0, 1];
            let refused =
                Err(ProtocolError::FrameLength { kind: 2, length: length.into(), limit: 32 });
            assert_eq!(Frames::new(32).next(&mut &header[..]), refused);
            let mut bytewise = Frames::new(32);
            let last = header.chunks(1).map(|mut byte| bytewise.next(&mut byte)).last();
            assert_eq!(last, Some(refused));
        }
    }
}
