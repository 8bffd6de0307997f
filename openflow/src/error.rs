//! Bytes that cannot be decoded, and messages that cannot be encoded.

use thiserror::Error;

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum DecodeError {
    /// A structure ends before all of it has come.
    #[error("{structure} at byte {offset}: {got} bytes are left, wanted {wanted}")]
    Truncated {
        /// What was read, by the specification's name.
        structure: &'static str,
        /// Where the missing part should begin, counted from the start of the message.
        offset: usize,
        /// Bytes that are there.
        got: usize,
        /// Bytes that the part needs.
        wanted: usize,
    },
    /// A field has a value that it must not have.
    #[error("{structure} at byte {offset}: {field} is {got}, wanted {wanted}")]
    BadValue {
        /// What was read, by the specification's name.
        structure: &'static str,
        /// The field, by the specification's name.
        field: &'static str,
        /// Where the field is, counted from the start of the message.
        offset: usize,
        /// Its value.
        got: u64,
        /// What it should be.
        wanted: &'static str,
    },
    /// A match's fields are no sequence of whole fields, or one of them comes twice.
    #[error("ofp_match at byte {offset}: its {got} bytes are not whole fields, each at most once")]
    BadMatch {
        /// Where the first field is, counted from the start of the message.
        offset: usize,
        /// Bytes of fields.
        got: usize,
    },
}

/// A message that does not fit the 65,535 bytes that its length field can tell.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the message takes {length} bytes, OpenFlow allows {}", TooLong::LIMIT)]
pub struct TooLong {
    /// Bytes that the message would take.
    pub length: usize,
}

impl TooLong {
    /// The longest message, in bytes.
    pub const LIMIT: usize = u16::MAX as usize;
}
