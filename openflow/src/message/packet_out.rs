//! Packets from the controller: OpenFlow 1.3.5 §7.3.7.

use bytes::{BufMut, Bytes, BytesMut};

use crate::action::{decode_actions, encode_actions};
use crate::wire::Reader;
use crate::{Action, DecodeError, PortNo};

/// A packet from the controller: `struct ofp_packet_out`, OpenFlow 1.3.5 §7.3.7.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PacketOut {
    /// The switch's copy to use; `u32::MAX` when the packet is in this message.
    pub buffer_id: u32,
    /// The port that the packet is taken to have come in by, or [`PortNo::CONTROLLER`].
    pub in_port: PortNo,
    /// What happens to it.
    pub actions: Vec<Action>,
    /// The packet.
    pub packet: Bytes,
}

impl PacketOut {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.buffer_id);
        out.put_u32(self.in_port.0);
        let length_at = out.len();
        out.put_bytes(0, 8);
        let start = out.len();
        encode_actions(&self.actions, out);
        let length = (out.len() - start) as u16;
        out[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
        out.put_slice(&self.packet);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let buffer_id = body.u32()?;
        let in_port = body.port()?;
        let length = body.u16()?;
        body.skip(6)?;
        let mut actions = body.nested("ofp_packet_out actions", usize::from(length))?;
        let actions = decode_actions(&mut actions)?;
        Ok(Self { buffer_id, in_port, actions, packet: body.rest_bytes() })
    }
}
