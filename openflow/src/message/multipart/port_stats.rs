//! Counters of ports: OpenFlow 1.3.5 §7.3.5.6.

use bytes::{BufMut, BytesMut};

use crate::wire::Reader;
use crate::{DecodeError, PortNo};

/// Counters of a port: `struct ofp_port_stats`, OpenFlow 1.3.5 §7.3.5.6.
///
/// A counter that the switch does not have is `u64::MAX`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PortStats {
    /// The port.
    pub port_no: PortNo,
    /// Packets received.
    pub rx_packets: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets dropped on receipt.
    pub rx_dropped: u64,
    /// Packets dropped on sending.
    pub tx_dropped: u64,
    /// Receive errors of all kinds.
    pub rx_errors: u64,
    /// Send errors of all kinds.
    pub tx_errors: u64,
    /// Frame alignment errors.
    pub rx_frame_err: u64,
    /// Packets lost because they came too fast.
    pub rx_over_err: u64,
    /// Checksum errors.
    pub rx_crc_err: u64,
    /// Collisions.
    pub collisions: u64,
    /// Seconds that the port has lived.
    pub duration_sec: u32,
    /// And nanoseconds beyond those.
    pub duration_nsec: u32,
}

impl PortStats {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.port_no.0);
        out.put_u32(0);
        for counter in [
            self.rx_packets,
            self.tx_packets,
            self.rx_bytes,
            self.tx_bytes,
            self.rx_dropped,
            self.tx_dropped,
            self.rx_errors,
            self.tx_errors,
            self.rx_frame_err,
            self.rx_over_err,
            self.rx_crc_err,
            self.collisions,
        ] {
            out.put_u64(counter);
        }
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut stats = reader.nested("ofp_port_stats", 112)?;
        let port_no = stats.port()?;
        stats.skip(4)?;
        Ok(Self {
            port_no,
            rx_packets: stats.u64()?,
            tx_packets: stats.u64()?,
            rx_bytes: stats.u64()?,
            tx_bytes: stats.u64()?,
            rx_dropped: stats.u64()?,
            tx_dropped: stats.u64()?,
            rx_errors: stats.u64()?,
            tx_errors: stats.u64()?,
            rx_frame_err: stats.u64()?,
            rx_over_err: stats.u64()?,
            rx_crc_err: stats.u64()?,
            collisions: stats.u64()?,
            duration_sec: stats.u32()?,
            duration_nsec: stats.u32()?,
        })
    }
}
