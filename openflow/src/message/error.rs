//! Error messages: OpenFlow 1.3.5 §7.4.4.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::error_names::NAMES;
use super::{BundleAdd, HEADER, Header, Message};
use crate::DecodeError;
use crate::wire::Reader;

/// What the other end did not like: `struct ofp_error_msg`, OpenFlow 1.3.5 §7.4.4.
///
/// The message's xid is that of the message that it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ErrorMessage {
    /// What is wrong.
    pub code: ErrorCode,
    /// At least the first 64 bytes of the offending message, or, for a failed hello, text.
    pub data: Bytes,
}

/// A flow that was refused, as far as the error tells.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OffendingFlow {
    /// Its cookie.
    pub cookie: u64,
    /// Its table.
    pub table: u8,
    /// Its priority.
    pub priority: u16,
}

/// Type and code of an error.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ErrorCode {
    /// `OFPET_*`; 0xffff for an experimenter's error.
    pub kind: u16,
    /// The code within the type; `exp_type` for an experimenter's error.
    pub code: u16,
    /// The experimenter of type 0xffff, otherwise 0.
    pub experimenter: u32,
}

impl ErrorCode {
    /// `OFPHFC_INCOMPATIBLE`: no version in common.
    pub const HELLO_INCOMPATIBLE: Self = Self::standard(0, 0);
    /// `OFPBRC_BAD_TYPE`: a message type that the receiver does not know.
    pub const BAD_TYPE: Self = Self::standard(1, 1);

    const EXPERIMENTER: u16 = 0xffff;

    /// An error of the standard.
    pub const fn standard(kind: u16, code: u16) -> Self {
        Self { kind, code, experimenter: 0 }
    }

    /// The specification's or Open vSwitch's name, `OFPFMFC_TABLE_FULL`.
    pub fn name(self) -> Option<&'static str> {
        let key = (self.experimenter, self.kind, self.code);
        let at = NAMES.binary_search_by_key(&key, |&(a, b, c, _)| (a, b, c)).ok()?;
        Some(NAMES[at].3)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self.experimenter) {
            (Some(name), _) => f.write_str(name),
            (None, 0) => write!(f, "error type {} code {}", self.kind, self.code),
            (None, experimenter) => {
                write!(f, "error {} of experimenter {experimenter:#010x}", self.code)
            }
        }
    }
}

impl ErrorMessage {
    /// The header of the offending message, as far as it was sent back.
    pub fn offending_header(&self) -> Option<Header> {
        Header::read(&self.data)
    }

    /// The offending message, when all of it was sent back and can be decoded.
    pub fn offending_message(&self) -> Option<Message> {
        let header = self.offending_header()?;
        let whole = self.data.get(..usize::from(header.length).max(HEADER))?;
        Message::interpret(whole).ok().map(|(_, message)| message)
    }

    /// What was refused, when that was a flow-mod, by itself or in a bundle. The 64 bytes that every
    /// switch sends back are enough for this.
    pub fn offending_flow(&self) -> Option<OffendingFlow> {
        let mut body = Reader::new("ofp_error_msg", &self.data);
        let mut kind = self.offending_header()?.kind;
        body.skip(HEADER).ok()?;
        if kind == super::kind::EXPERIMENTER {
            body.skip(BundleAdd::PREFIX - HEADER).ok()?;
            kind = Header::read(body.peek())?.kind;
            body.skip(HEADER).ok()?;
        }
        if kind != super::kind::FLOW_MOD {
            return None;
        }
        let cookie = body.u64().ok()?;
        body.skip(8).ok()?;
        let table = body.u8().ok()?;
        body.skip(5).ok()?;
        Some(OffendingFlow { cookie, table, priority: body.u16().ok()? })
    }

    /// The words that came instead of a message, as after a hello that failed.
    pub fn text(&self) -> String {
        let text = self.data.iter().take(256).take_while(|byte| matches!(byte, b' '..=b'~'));
        text.map(|&byte| char::from(byte)).collect()
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u16(self.code.kind);
        out.put_u16(self.code.code);
        if self.code.kind == ErrorCode::EXPERIMENTER {
            out.put_u32(self.code.experimenter);
        }
        out.put_slice(&self.data);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, code) = (body.u16()?, body.u16()?);
        let experimenter = if kind == ErrorCode::EXPERIMENTER { body.u32()? } else { 0 };
        Ok(Self { code: ErrorCode { kind, code, experimenter }, data: body.rest_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_so_that_each_is_found() {
        assert!(NAMES.windows(2).all(|pair| {
            let key = |row: &(u32, u16, u16, &str)| (row.0, row.1, row.2);
            key(&pair[0]) < key(&pair[1])
        }));
        assert_eq!(ErrorCode::standard(5, 1).name(), Some("OFPFMFC_TABLE_FULL"));
        let failed = ErrorCode { kind: 0xffff, code: 2302, experimenter: 0x4f4e_4600 };
        assert_eq!(failed.to_string(), "OFPBFC_BAD_ID");
        assert_eq!(ErrorCode::standard(9, 99).to_string(), "error type 9 code 99");
    }
}
