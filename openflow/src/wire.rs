//! Reading length-checked structures, and the few writing habits that they share.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{DecodeError, PortNo};

/// A structure's bytes, read from front to back; knows where in the message it is.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    structure: &'static str,
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(structure: &'static str, bytes: &'a [u8]) -> Self {
        Self { structure, bytes, offset: 0 }
    }

    /// The same bytes, as another structure.
    pub(crate) fn named(mut self, structure: &'static str) -> Self {
        self.structure = structure;
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What has not been read yet, without reading it.
    pub(crate) fn peek(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where the next byte is, counted from the start of the message.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) fn take(&mut self, wanted: usize) -> Result<&'a [u8], DecodeError> {
        let Some((head, tail)) = self.bytes.split_at_checked(wanted) else {
            return Err(DecodeError::Truncated {
                structure: self.structure,
                offset: self.offset,
                got: self.bytes.len(),
                wanted,
            });
        };
        self.bytes = tail;
        self.offset += wanted;
        Ok(head)
    }

    /// The next `length` bytes as a structure of their own.
    pub(crate) fn nested(
        &mut self,
        structure: &'static str,
        length: usize,
    ) -> Result<Self, DecodeError> {
        let offset = self.offset;
        Ok(Self { structure, bytes: self.take(length)?, offset })
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        self.offset += self.bytes.len();
        std::mem::take(&mut self.bytes)
    }

    pub(crate) fn rest_bytes(&mut self) -> Bytes {
        Bytes::copy_from_slice(self.rest())
    }

    pub(crate) fn skip(&mut self, length: usize) -> Result<(), DecodeError> {
        self.take(length).map(|_| ())
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N).map(|bytes| bytes.try_into().expect("take() gives what was asked for"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn port(&mut self) -> Result<PortNo, DecodeError> {
        self.u32().map(PortNo)
    }

    /// An error about the field of `size` bytes that was read last.
    pub(crate) fn bad(
        &self,
        field: &'static str,
        size: usize,
        got: impl Into<u64>,
        wanted: &'static str,
    ) -> DecodeError {
        DecodeError::BadValue {
            structure: self.structure,
            field,
            offset: self.offset.saturating_sub(size),
            got: got.into(),
            wanted,
        }
    }

    /// Checks that nothing is left.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(self.bad("length", 0, self.bytes.len() as u64, "no bytes behind the last field"))
    }
}

/// Zeros up to the next multiple of eight bytes after `start`.
pub(crate) fn pad_to_8(out: &mut BytesMut, start: usize) {
    out.put_bytes(0, padding(out.len() - start));
}

/// How many bytes lack to the next multiple of eight.
pub(crate) const fn padding(length: usize) -> usize {
    length.wrapping_neg() % 8
}

/// Writes the length from `start` to the end into the two bytes at `at`.
///
/// A length above 65,535 is cut here; whoever writes the frame around it checks the whole, and
/// refuses it.
pub(crate) fn put_length(out: &mut BytesMut, start: usize, at: usize) {
    let length = out.len() - start;
    out[at..at + 2].copy_from_slice(&(length as u16).to_be_bytes());
}

/// A port number in the 16 bits that OpenFlow 1.0 and Nicira's structures give it.
pub(crate) fn port_to_16(port: PortNo) -> u16 {
    if port.0 >= 0xffff_ff00 {
        port.0 as u16
    } else {
        u16::try_from(port.0).unwrap_or(PortNo::ANY.0 as u16)
    }
}

/// The inverse of [`port_to_16`].
pub(crate) fn port_from_16(port: u16) -> PortNo {
    if port >= 0xff00 { PortNo(0xffff_0000 | u32::from(port)) } else { PortNo(u32::from(port)) }
}
