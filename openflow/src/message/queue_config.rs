//! Configuration of queues: OpenFlow 1.3.5 §7.3.6 and §7.2.2.

use bytes::{BufMut, Bytes, BytesMut};

use crate::wire::{Reader, put_length};
use crate::{DecodeError, PortNo};

/// The queues of a port: `struct ofp_queue_get_config_reply`, OpenFlow 1.3.5 §7.3.6.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct QueueConfig {
    /// The port that was asked for, [`PortNo::ANY`] for all.
    pub port: PortNo,
    /// Its queues.
    pub queues: Vec<PacketQueue>,
}

/// A queue: `struct ofp_packet_queue`, OpenFlow 1.3.5 §7.2.2.
///
/// ```text
///  0               2               4               6              8
/// +---------------+---------------+---------------+---------------+
/// | queue_id                      | port                          |
/// +---------------+---------------+-------------------------------+
/// | len           | pad                                           |
/// +---------------+-----------------------------------------------+
/// | properties                                                    |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PacketQueue {
    /// Its number.
    pub queue_id: u32,
    /// The port that it belongs to.
    pub port: PortNo,
    /// What it does.
    pub properties: Vec<QueueProperty>,
}

/// What a queue does: `struct ofp_queue_prop_header`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum QueueProperty {
    /// The rate that it has in any case, in tenths of a per cent of the port's; more than 1000 for
    /// none: `OFPQT_MIN_RATE`.
    MinRate(u16),
    /// The rate that it does not exceed, in the same way: `OFPQT_MAX_RATE`.
    MaxRate(u16),
    /// A property that this crate does not know, an experimenter's for one; header included.
    Unknown(Bytes),
}

impl QueueConfig {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.port.0);
        out.put_u32(0);
        self.queues.iter().for_each(|queue| queue.encode(out));
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let port = body.port()?;
        body.skip(4)?;
        let mut queues = Vec::new();
        while !body.is_empty() {
            queues.push(PacketQueue::decode(body)?);
        }
        Ok(Self { port, queues })
    }
}

impl PacketQueue {
    const FIXED: u16 = 16;

    fn encode(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u32(self.queue_id);
        out.put_u32(self.port.0);
        out.put_u16(0);
        out.put_bytes(0, 6);
        self.properties.iter().for_each(|property| property.encode(out));
        put_length(out, start, start + 8);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut header = reader.clone().named("ofp_packet_queue");
        header.skip(8)?;
        let length = header.u16()?;
        if length < Self::FIXED {
            return Err(header.bad("len", 2, length, "at least 16"));
        }
        let mut queue = reader.nested("ofp_packet_queue", usize::from(length))?;
        let (queue_id, port) = (queue.u32()?, queue.port()?);
        queue.skip(8)?;
        let mut properties = Vec::new();
        while !queue.is_empty() {
            properties.push(QueueProperty::decode(&mut queue)?);
        }
        Ok(Self { queue_id, port, properties })
    }
}

impl QueueProperty {
    const MIN_RATE: u16 = 1;
    const MAX_RATE: u16 = 2;
    /// Bytes of the properties that the standard defines.
    const LENGTH: u16 = 16;

    fn encode(&self, out: &mut BytesMut) {
        let (kind, rate) = match self {
            Self::MinRate(rate) => (Self::MIN_RATE, rate),
            Self::MaxRate(rate) => (Self::MAX_RATE, rate),
            Self::Unknown(bytes) => return out.put_slice(bytes),
        };
        out.put_u16(kind);
        out.put_u16(Self::LENGTH);
        out.put_u32(0);
        out.put_u16(*rate);
        out.put_bytes(0, 6);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut header = reader.clone().named("ofp_queue_prop_header");
        let kind = header.u16()?;
        let length = header.u16()?;
        if length < 8 {
            return Err(header.bad("len", 2, length, "at least 8"));
        }
        let mut property = reader.nested("ofp_queue_prop_header", usize::from(length))?;
        let bytes = property.peek();
        property.skip(8)?;
        Ok(match (kind, length) {
            (Self::MIN_RATE, Self::LENGTH) => Self::MinRate(property.u16()?),
            (Self::MAX_RATE, Self::LENGTH) => Self::MaxRate(property.u16()?),
            _ => Self::Unknown(Bytes::copy_from_slice(bytes)),
        })
    }
}
