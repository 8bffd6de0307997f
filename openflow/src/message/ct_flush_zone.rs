//! Forgetting a zone's connections: `NXT_CT_FLUSH_ZONE`, `nicira-ext.h` of Open vSwitch.

use bytes::{BufMut, BytesMut};

use crate::DecodeError;
use crate::wire::Reader;

/// Forgets every connection of a conntrack zone: `NXT_CT_FLUSH_ZONE`, `struct nx_zone_id` of
/// `nicira-ext.h`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CtFlushZone {
    /// The zone.
    pub zone: u16,
}

impl CtFlushZone {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_bytes(0, 6);
        out.put_u16(self.zone);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        body.skip(6)?;
        Ok(Self { zone: body.u16()? })
    }
}
