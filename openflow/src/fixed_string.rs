//! Text in structures, such as the name in `struct ofp_port`: OpenFlow 1.3.5 §7.2.1.

use std::borrow::Cow;
use std::fmt;

use bytes::{BufMut, BytesMut};
use smallvec::SmallVec;

/// Text in a field of fixed size: `char name[OFP_MAX_PORT_NAME_LEN]` and its like.
///
/// It ends with its field or with a NUL, whatever is behind that. The specification does not say how
/// it is encoded, and names of Linux's interfaces may be any bytes: they are kept as they came.
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct FixedString(SmallVec<[u8; 16]>);

impl FixedString {
    /// The text; what is no UTF-8 in it is replaced by U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The bytes, of which none is a NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn decode(field: &[u8]) -> Self {
        let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
        Self(SmallVec::from_slice(&field[..end]))
    }

    /// Writes a field of `size` bytes, in which what is longer is cut.
    pub(crate) fn encode(&self, out: &mut BytesMut, size: usize) {
        let length = self.0.len().min(size);
        out.put_slice(&self.0[..length]);
        out.put_bytes(0, size - length);
    }
}

/// The text up to its first NUL, if it has one. Of text that is longer than its field, the field has
/// the beginning.
impl From<&str> for FixedString {
    fn from(text: &str) -> Self {
        Self::decode(text.as_bytes())
    }
}

impl fmt::Display for FixedString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl fmt::Debug for FixedString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive() {
        for field in [*b"eth0\0\0\0\0", *b"\xff\x80\xfe\0\0\0\0\0", *b"eightlon", [0; 8]] {
            let mut out = BytesMut::new();
            FixedString::decode(&field).encode(&mut out, field.len());
            assert_eq!(out, field[..]);
        }
    }

    #[test]
    fn text_ends_with_its_nul_or_its_field() {
        let name = FixedString::decode(b"p\xff1\0left\0");
        assert_eq!(name, FixedString::decode(b"p\xff1"));
        assert_eq!(name.text(), "p\u{fffd}1");
        assert_eq!(format!("{name:>4} {name:?}"), " p\u{fffd}1 \"p\\xff1\"");
        let mut out = BytesMut::new();
        FixedString::from("eth0.4094").encode(&mut out, 4);
        assert_eq!(out, b"eth0"[..]);
    }
}
