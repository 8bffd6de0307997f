//! Statistics of flows: OpenFlow 1.3.5 §7.3.5.2, their sum, §7.3.5.3.

use bytes::{BufMut, BytesMut};

use crate::wire::{Reader, put_length};
use crate::{DecodeError, Flow, FlowFlags, Instruction, Match, PortNo};

/// Which flows: `struct ofp_flow_stats_request`, OpenFlow 1.3.5 §7.3.5.2.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FlowStatsRequest {
    /// The table, 255 for all.
    pub table: u8,
    /// Only flows that output to this port.
    pub out_port: PortNo,
    /// Only flows that output to this group.
    pub out_group: u32,
    /// Only flows whose cookie agrees with this one …
    pub cookie: u64,
    /// … in these bits.
    pub cookie_mask: u64,
    /// Only flows that this match covers.
    pub matching: Match,
}

impl Default for FlowStatsRequest {
    /// All flows of all tables.
    fn default() -> Self {
        Self {
            table: 255,
            out_port: PortNo::ANY,
            out_group: u32::MAX,
            cookie: 0,
            cookie_mask: 0,
            matching: Match::new(),
        }
    }
}

impl FlowStatsRequest {
    /// The flows whose cookie agrees with `cookie` in the bits of `mask`.
    pub fn by_cookie(cookie: u64, mask: u64) -> Self {
        Self { cookie, cookie_mask: mask, ..Self::default() }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(self.table);
        out.put_bytes(0, 3);
        out.put_u32(self.out_port.0);
        out.put_u32(self.out_group);
        out.put_u32(0);
        out.put_u64(self.cookie);
        out.put_u64(self.cookie_mask);
        self.matching.encode(out);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let table = reader.u8()?;
        reader.skip(3)?;
        let out_port = reader.port()?;
        let out_group = reader.u32()?;
        reader.skip(4)?;
        let (cookie, cookie_mask) = (reader.u64()?, reader.u64()?);
        let matching = Match::decode(reader)?;
        Ok(Self { table, out_port, out_group, cookie, cookie_mask, matching })
    }
}

/// A flow in a switch: `struct ofp_flow_stats`, OpenFlow 1.3.5 §7.3.5.2.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FlowStats {
    /// The flow.
    pub flow: Flow,
    /// Seconds that it has lived.
    pub duration_sec: u32,
    /// And nanoseconds beyond those.
    pub duration_nsec: u32,
    /// Packets that it saw.
    pub packet_count: u64,
    /// Bytes that it saw.
    pub byte_count: u64,
}

impl FlowStats {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u16(0);
        out.put_u8(self.flow.table);
        out.put_u8(0);
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
        out.put_u16(self.flow.priority);
        out.put_u16(self.flow.idle_timeout);
        out.put_u16(self.flow.hard_timeout);
        out.put_u16(self.flow.flags.0);
        out.put_u32(0);
        out.put_u64(self.flow.cookie);
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        self.flow.matching.encode(out);
        for instruction in &self.flow.instructions {
            instruction.encode(out);
        }
        put_length(out, start, start);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = reader.clone().named("ofp_flow_stats").u16()?;
        let mut stats = reader.nested("ofp_flow_stats", usize::from(length))?;
        stats.skip(2)?;
        let table = stats.u8()?;
        stats.skip(1)?;
        let (duration_sec, duration_nsec) = (stats.u32()?, stats.u32()?);
        let priority = stats.u16()?;
        let (idle_timeout, hard_timeout) = (stats.u16()?, stats.u16()?);
        let flags = FlowFlags(stats.u16()?);
        stats.skip(4)?;
        let cookie = stats.u64()?;
        let (packet_count, byte_count) = (stats.u64()?, stats.u64()?);
        let matching = Match::decode(&mut stats)?;
        let instructions = Instruction::decode_all(&mut stats)?;
        let flow = Flow {
            table,
            priority,
            cookie,
            idle_timeout,
            hard_timeout,
            flags,
            matching,
            instructions,
        };
        Ok(Self { flow, duration_sec, duration_nsec, packet_count, byte_count })
    }
}

/// The sum of flows: `struct ofp_aggregate_stats_reply`, OpenFlow 1.3.5 §7.3.5.3.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AggregateStats {
    /// Packets.
    pub packet_count: u64,
    /// Bytes.
    pub byte_count: u64,
    /// Flows.
    pub flow_count: u32,
}

impl AggregateStats {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        out.put_u32(self.flow_count);
        out.put_u32(0);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let sum = Self {
            packet_count: reader.u64()?,
            byte_count: reader.u64()?,
            flow_count: reader.u32()?,
        };
        reader.skip(4)?;
        Ok(sum)
    }
}
