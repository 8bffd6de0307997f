//! Packets for the controller: OpenFlow 1.3.5 §7.4.1.

use bytes::{BufMut, Bytes, BytesMut};

use crate::wire::Reader;
use crate::{DecodeError, Match};

/// A packet for the controller: `struct ofp_packet_in`, OpenFlow 1.3.5 §7.4.1.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PacketIn {
    /// The switch's copy of the packet; `u32::MAX` when it keeps none.
    pub buffer_id: u32,
    /// The packet's whole length, of which `packet` may be the beginning.
    pub total_len: u16,
    /// `OFPR_*`: 0 no match, 1 action, 2 invalid TTL.
    pub reason: u8,
    /// The table that sent it.
    pub table: u8,
    /// The flow's cookie, `u64::MAX` when there is none.
    pub cookie: u64,
    /// The packet's metadata: input port, tunnel, registers.
    pub matching: Match,
    /// The packet, or its beginning.
    pub packet: Bytes,
}

impl PacketIn {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.buffer_id);
        out.put_u16(self.total_len);
        out.put_u8(self.reason);
        out.put_u8(self.table);
        out.put_u64(self.cookie);
        self.matching.encode(out);
        out.put_u16(0);
        out.put_slice(&self.packet);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let buffer_id = body.u32()?;
        let total_len = body.u16()?;
        let reason = body.u8()?;
        let table = body.u8()?;
        let cookie = body.u64()?;
        let matching = Match::decode(body)?;
        body.skip(2)?;
        let packet = body.rest_bytes();
        Ok(Self { buffer_id, total_len, reason, table, cookie, matching, packet })
    }
}
