//! Counters of queues: OpenFlow 1.3.5 §7.3.5.8.

use bytes::{BufMut, BytesMut};

use crate::wire::Reader;
use crate::{DecodeError, PortNo};

/// Which queues: `struct ofp_queue_stats_request`, OpenFlow 1.3.5 §7.3.5.8.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct QueueStatsRequest {
    /// The port, [`PortNo::ANY`] for all.
    pub port_no: PortNo,
    /// The queue, [`QueueStatsRequest::ALL`] for all.
    pub queue_id: u32,
}

/// Counters of a queue: `struct ofp_queue_stats`, OpenFlow 1.3.5 §7.3.5.8.
///
/// A counter that the switch does not have is `u64::MAX`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct QueueStats {
    /// The port.
    pub port_no: PortNo,
    /// The queue.
    pub queue_id: u32,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Packets that found the queue full.
    pub tx_errors: u64,
    /// How long it exists, whole seconds; `u32::MAX` when the switch does not know.
    pub duration_sec: u32,
    /// Nanoseconds beyond those.
    pub duration_nsec: u32,
}

impl QueueStatsRequest {
    /// All queues: `OFPQ_ALL`.
    pub const ALL: u32 = u32::MAX;

    pub(super) fn encode(self, out: &mut BytesMut) {
        out.put_u32(self.port_no.0);
        out.put_u32(self.queue_id);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { port_no: reader.port()?, queue_id: reader.u32()? })
    }
}

impl Default for QueueStatsRequest {
    /// All queues of all ports.
    fn default() -> Self {
        Self { port_no: PortNo::ANY, queue_id: Self::ALL }
    }
}

impl QueueStats {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.port_no.0);
        out.put_u32(self.queue_id);
        out.put_u64(self.tx_bytes);
        out.put_u64(self.tx_packets);
        out.put_u64(self.tx_errors);
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut stats = reader.nested("ofp_queue_stats", 40)?;
        Ok(Self {
            port_no: stats.port()?,
            queue_id: stats.u32()?,
            tx_bytes: stats.u64()?,
            tx_packets: stats.u64()?,
            tx_errors: stats.u64()?,
            duration_sec: stats.u32()?,
            duration_nsec: stats.u32()?,
        })
    }
}
