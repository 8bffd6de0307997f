//! Packets for the controller with more to say: `NXT_PACKET_IN2`, `nicira-ext.h` of Open vSwitch.

use bytes::{BufMut, Bytes, BytesMut};

use super::property;
use crate::wire::Reader;
use crate::{DecodeError, Match};

/// Which messages carry packets to this controller: `NXT_SET_PACKET_IN_FORMAT`, `nicira-ext.h`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PacketInFormat(pub u32);

impl PacketInFormat {
    /// The standard's packet-in: [`super::PacketIn`].
    pub const STANDARD: Self = Self(0);
    /// `NXT_PACKET_IN2`: [`PacketIn2`].
    pub const NXT_PACKET_IN2: Self = Self(2);
}

/// A packet for the controller, with what the flow's `controller` action gave along:
/// `NXT_PACKET_IN2`, a list of properties; sent back, `NXT_RESUME`; `nicira-ext.h`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PacketIn2 {
    /// The packet, or its beginning.
    pub packet: Bytes,
    /// The packet's whole length, when `packet` is only its beginning.
    pub full_len: Option<u32>,
    /// The switch's copy of the packet, when it keeps one.
    pub buffer_id: Option<u32>,
    /// The table that sent it.
    pub table: Option<u8>,
    /// The flow's cookie.
    pub cookie: Option<u64>,
    /// `OFPR_*`.
    pub reason: Option<u8>,
    /// The packet's metadata: input port, tunnel, registers.
    pub metadata: Match,
    /// What the flow's `controller` action said.
    pub userdata: Bytes,
    /// With a paused packet, what resumes it.
    pub continuation: Bytes,
    /// Properties that this crate does not know: type and value.
    pub other: Vec<(u16, Bytes)>,
}

impl PacketIn2 {
    const PACKET: u16 = 0;
    const FULL_LEN: u16 = 1;
    const BUFFER_ID: u16 = 2;
    const TABLE_ID: u16 = 3;
    const COOKIE: u16 = 4;
    const REASON: u16 = 5;
    const METADATA: u16 = 6;
    const USERDATA: u16 = 7;
    const CONTINUATION: u16 = 8;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        property::put(out, Self::PACKET, |out| out.put_slice(&self.packet));
        if let Some(length) = self.full_len {
            property::put(out, Self::FULL_LEN, |out| out.put_u32(length));
        }
        if let Some(buffer) = self.buffer_id {
            property::put(out, Self::BUFFER_ID, |out| out.put_u32(buffer));
        }
        if let Some(table) = self.table {
            property::put(out, Self::TABLE_ID, |out| out.put_u8(table));
        }
        if let Some(cookie) = self.cookie {
            // Numbers of 64 bits are aligned within their property.
            property::put(out, Self::COOKIE, |out| {
                out.put_u32(0);
                out.put_u64(cookie);
            });
        }
        if let Some(reason) = self.reason {
            property::put(out, Self::REASON, |out| out.put_u8(reason));
        }
        if !self.metadata.is_empty() {
            property::put(out, Self::METADATA, |out| out.put_slice(self.metadata.as_oxm_bytes()));
        }
        // Open vSwitch's order, which is not that of the numbers.
        if !self.continuation.is_empty() {
            property::put(out, Self::CONTINUATION, |out| {
                // Its own properties are aligned, too.
                out.put_u32(0);
                out.put_slice(&self.continuation);
            });
        }
        if !self.userdata.is_empty() {
            property::put(out, Self::USERDATA, |out| out.put_slice(&self.userdata));
        }
        for (kind, value) in &self.other {
            property::put(out, *kind, |out| out.put_slice(value));
        }
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut packet_in = Self::default();
        while !body.is_empty() {
            let (kind, mut value) = property::read(body, "nx_packet_in2 property")?;
            match kind {
                Self::PACKET => packet_in.packet = value.rest_bytes(),
                Self::FULL_LEN => packet_in.full_len = Some(value.u32()?),
                Self::BUFFER_ID => packet_in.buffer_id = Some(value.u32()?),
                Self::TABLE_ID => packet_in.table = Some(value.u8()?),
                Self::COOKIE => {
                    value.skip(4)?;
                    packet_in.cookie = Some(value.u64()?);
                }
                Self::REASON => packet_in.reason = Some(value.u8()?),
                Self::METADATA => {
                    let (offset, oxm) = (value.offset(), value.rest());
                    packet_in.metadata = Match::from_oxm_bytes(oxm)
                        .ok_or(DecodeError::BadMatch { offset, got: oxm.len() })?;
                }
                Self::USERDATA => packet_in.userdata = value.rest_bytes(),
                Self::CONTINUATION => {
                    value.skip(4)?;
                    packet_in.continuation = value.rest_bytes();
                }
                other => packet_in.other.push((other, value.rest_bytes())),
            }
        }
        Ok(packet_in)
    }
}
