//! Flows that have gone: OpenFlow 1.3.5 §7.4.2.

use bytes::{BufMut, BytesMut};

use crate::wire::Reader;
use crate::{DecodeError, Match};

/// A flow has gone: `struct ofp_flow_removed`, OpenFlow 1.3.5 §7.4.2.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FlowRemoved {
    /// The flow's cookie.
    pub cookie: u64,
    /// Its priority.
    pub priority: u16,
    /// `OFPRR_*`: 0 idle, 1 hard timeout, 2 deleted, 3 group gone, 4 meter gone, 5 evicted.
    pub reason: u8,
    /// Its table.
    pub table: u8,
    /// Seconds that it lived.
    pub duration_sec: u32,
    /// And nanoseconds beyond those.
    pub duration_nsec: u32,
    /// Its idle timeout, in seconds.
    pub idle_timeout: u16,
    /// Its hard timeout, in seconds.
    pub hard_timeout: u16,
    /// Packets that it saw.
    pub packet_count: u64,
    /// Bytes that it saw.
    pub byte_count: u64,
    /// Its match.
    pub matching: Match,
}

impl FlowRemoved {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u64(self.cookie);
        out.put_u16(self.priority);
        out.put_u8(self.reason);
        out.put_u8(self.table);
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        self.matching.encode(out);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            cookie: body.u64()?,
            priority: body.u16()?,
            reason: body.u8()?,
            table: body.u8()?,
            duration_sec: body.u32()?,
            duration_nsec: body.u32()?,
            idle_timeout: body.u16()?,
            hard_timeout: body.u16()?,
            packet_count: body.u64()?,
            byte_count: body.u64()?,
            matching: Match::decode(body)?,
        })
    }
}
