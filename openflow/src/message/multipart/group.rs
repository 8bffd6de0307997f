//! Groups, their counters and features: OpenFlow 1.3.5 §7.3.5.9 to §7.3.5.11.

use bytes::{BufMut, BytesMut};

use crate::wire::{Reader, put_length};
use crate::{Bucket, DecodeError, Group, GroupType};

/// Counters of a group: `struct ofp_group_stats`, OpenFlow 1.3.5 §7.3.5.9.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GroupStats {
    /// The group.
    pub group_id: u32,
    /// Flows and groups that name it.
    pub ref_count: u32,
    /// Packets that went through it.
    pub packet_count: u64,
    /// Bytes of those.
    pub byte_count: u64,
    /// How long it exists, whole seconds.
    pub duration_sec: u32,
    /// Nanoseconds beyond those.
    pub duration_nsec: u32,
    /// Counters of its buckets, in order.
    pub buckets: Vec<BucketCounter>,
}

/// Counters of a group's bucket: `struct ofp_bucket_counter`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BucketCounter {
    /// Packets that chose it.
    pub packet_count: u64,
    /// Bytes of those.
    pub byte_count: u64,
}

/// What groups a switch can have: `struct ofp_group_features`, OpenFlow 1.3.5 §7.3.5.11.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GroupFeatures {
    /// A bit for each [`GroupType`] that the switch has, `1 << type`.
    pub types: u32,
    /// `OFPGFC_*` bits: weights, liveness, chaining, and checking of chains.
    pub capabilities: u32,
    /// Most groups of each type, by its number.
    pub max_groups: [u32; 4],
    /// Actions that buckets of each type can have, `1 << type` of the action.
    pub actions: [u32; 4],
}

impl GroupStats {
    const FIXED: u16 = 40;
    const COUNTER: u16 = 16;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u32(0);
        out.put_u32(self.group_id);
        out.put_u32(self.ref_count);
        out.put_u32(0);
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
        for bucket in &self.buckets {
            out.put_u64(bucket.packet_count);
            out.put_u64(bucket.byte_count);
        }
        put_length(out, start, start);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut header = reader.clone().named("ofp_group_stats");
        let length = header.u16()?;
        if length < Self::FIXED || (length - Self::FIXED) % Self::COUNTER != 0 {
            return Err(header.bad("length", 2, length, "40, and 16 for each bucket"));
        }
        let mut stats = reader.nested("ofp_group_stats", usize::from(length))?;
        stats.skip(4)?;
        let group_id = stats.u32()?;
        let ref_count = stats.u32()?;
        stats.skip(4)?;
        Ok(Self {
            group_id,
            ref_count,
            packet_count: stats.u64()?,
            byte_count: stats.u64()?,
            duration_sec: stats.u32()?,
            duration_nsec: stats.u32()?,
            buckets: super::codec::read_all(&mut stats, |stats| {
                Ok(BucketCounter { packet_count: stats.u64()?, byte_count: stats.u64()? })
            })?,
        })
    }
}

impl GroupFeatures {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.types);
        out.put_u32(self.capabilities);
        for word in self.max_groups.iter().chain(&self.actions) {
            out.put_u32(*word);
        }
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut features = body.nested("ofp_group_features", 40)?;
        let four = |features: &mut Reader<'_>| -> Result<_, DecodeError> {
            Ok([features.u32()?, features.u32()?, features.u32()?, features.u32()?])
        };
        Ok(Self {
            types: features.u32()?,
            capabilities: features.u32()?,
            max_groups: four(&mut features)?,
            actions: four(&mut features)?,
        })
    }
}

/// Writes a group with its buckets: `struct ofp_group_desc`, OpenFlow 1.3.5 §7.3.5.10.
pub(super) fn encode_desc(group: &Group, out: &mut BytesMut) {
    let start = out.len();
    out.put_u16(0);
    out.put_u8(group.group_type.0);
    out.put_u8(0);
    out.put_u32(group.group_id);
    group.buckets.iter().for_each(|bucket| bucket.encode(out));
    put_length(out, start, start);
}

/// Reads what [`encode_desc`] writes.
pub(super) fn decode_desc(reader: &mut Reader<'_>) -> Result<Group, DecodeError> {
    let mut header = reader.clone().named("ofp_group_desc");
    let length = header.u16()?;
    if length < 8 {
        return Err(header.bad("length", 2, length, "at least 8"));
    }
    let mut desc = reader.nested("ofp_group_desc", usize::from(length))?;
    desc.skip(2)?;
    let group_type = GroupType(desc.u8()?);
    desc.skip(1)?;
    let group_id = desc.u32()?;
    Ok(Group { group_id, group_type, buckets: Bucket::decode_all(&mut desc)? })
}
