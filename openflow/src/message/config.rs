//! Switch configuration: OpenFlow 1.3.5 §7.3.2.

use bytes::{BufMut, BytesMut};

use crate::DecodeError;
use crate::wire::Reader;

/// How the switch treats fragments and packet-ins: `struct ofp_switch_config`, OpenFlow 1.3.5
/// §7.3.2.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SwitchConfig {
    /// `OFPC_FRAG_*`: 0 normal, 1 drop, 2 reassemble.
    pub flags: u16,
    /// Bytes of a packet that a table miss or an invalid TTL sends to the controller; 65535 for
    /// all of them.
    pub miss_send_len: u16,
}

impl SwitchConfig {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u16(self.flags);
        out.put_u16(self.miss_send_len);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { flags: body.u16()?, miss_send_len: body.u16()? })
    }
}
