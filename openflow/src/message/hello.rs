//! Hellos: OpenFlow 1.3.5 §7.5.1.

use bytes::{BufMut, Bytes, BytesMut};

use super::VERSION;
use crate::DecodeError;
use crate::wire::{Reader, pad_to_8, padding, put_length};

/// The first message of both ends: `struct ofp_hello`, OpenFlow 1.3.5 §7.5.1.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Hello {
    /// The header's version: the highest that the sender speaks.
    pub version: u8,
    /// Versions that the sender speaks, one bit for each (bit 4 is OpenFlow 1.3), 32 to a word;
    /// empty when it did not say.
    pub bitmap: Vec<u32>,
    /// Other elements, headers and padding included.
    pub other: Bytes,
}

impl Hello {
    /// Says that only OpenFlow 1.3 is spoken.
    pub fn only_1_3() -> Self {
        Self { version: VERSION, bitmap: vec![1 << VERSION], other: Bytes::new() }
    }

    /// Whether the sender speaks OpenFlow 1.3.
    ///
    /// Without a bitmap, a sender is taken to speak everything up to its header's version.
    pub fn speaks_1_3(&self) -> bool {
        match self.bitmap.first() {
            Some(versions) => versions & 1 << VERSION != 0,
            None => self.version >= VERSION,
        }
    }

    const VERSION_BITMAP: u16 = 1;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        if !self.bitmap.is_empty() {
            let start = out.len();
            out.put_u16(Self::VERSION_BITMAP);
            out.put_u16(0);
            for &word in &self.bitmap {
                out.put_u32(word);
            }
            put_length(out, start, start + 2);
            pad_to_8(out, start);
        }
        out.put_slice(&self.other);
    }

    pub(super) fn decode(version: u8, body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut hello = Self { version, ..Self::default() };
        let mut other = BytesMut::new();
        while !body.is_empty() {
            let whole = body.peek();
            let mut header = body.clone().named("ofp_hello_elem_header");
            let kind = header.u16()?;
            let length = header.u16()?;
            if length < 4 {
                return Err(header.bad("length", 2, length, "at least 4"));
            }
            let length = usize::from(length);
            let mut element = body.nested("ofp_hello_elem_header", length)?;
            // The last element's padding may be missing.
            let pad = padding(length).min(body.peek().len());
            body.skip(pad)?;
            if kind == Self::VERSION_BITMAP && hello.bitmap.is_empty() && length % 4 == 0 {
                element.skip(4)?;
                while !element.is_empty() {
                    hello.bitmap.push(element.u32()?);
                }
            } else {
                other.put_slice(&whole[..length + pad]);
            }
        }
        hello.other = other.freeze();
        Ok(hello)
    }
}
