//! Requests of other controllers: `ONFT_REQUESTFORWARD`, OpenFlow 1.4.0 §7.4.6.

use bytes::{Bytes, BytesMut};

use super::Message;
use crate::DecodeError;
use crate::wire::Reader;

/// Another controller has changed a group or a meter: `struct ofp14_requestforward`, ONF extension
/// 235, which is OpenFlow 1.4's §7.4.6 for 1.3.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Requestforward {
    /// What the other controller sent: a whole group-mod or meter-mod.
    pub request: Bytes,
}

impl Requestforward {
    /// The request inside, with its xid.
    ///
    /// # Errors
    ///
    /// When it is cut short or malformed; offsets count from its own start.
    pub fn decode_request(&self) -> Result<(u32, Message), DecodeError> {
        Message::interpret(&self.request)
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(&self.request);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Self {
        Self { request: body.rest_bytes() }
    }
}
