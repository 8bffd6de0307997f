//! OpenFlow's values as JSON.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::hex;
use crate::failure::Failure;

/// Prints a document on one line: bytes are strings of hexadecimal digits, numbers of 64 bits are
/// strings of decimal ones, as in the JSON of protocol buffers, since many programs round them.
pub(super) fn line(document: &impl Serialize, out: &mut dyn Write) -> Result<(), Failure> {
    document
        .serialize(&mut Serializer::with_formatter(&mut *out, Values))
        .map_err(io::Error::from)?;
    Ok(writeln!(out)?)
}

struct Values;

impl Formatter for Values {
    fn write_u64<W: ?Sized + Write>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        write!(writer, "\"{value}\"")
    }

    fn write_i64<W: ?Sized + Write>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        write!(writer, "\"{value}\"")
    }

    fn write_byte_array<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        value: &[u8],
    ) -> io::Result<()> {
        write!(writer, "\"{}\"", hex(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_rounded() {
        let mut out = Vec::new();
        line(&(u64::MAX, u32::MAX, bytes(&[0xde, 0xad])), &mut out).unwrap();
        assert_eq!(out, b"[\"18446744073709551615\",4294967295,\"dead\"]\n");
    }

    /// Something that serializes as bytes.
    fn bytes(bytes: &'static [u8]) -> impl Serialize {
        struct Raw(&'static [u8]);
        impl Serialize for Raw {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(self.0)
            }
        }
        Raw(bytes)
    }
}
