//! Groups: OpenFlow 1.3.5 §5.6, and their buckets, §7.3.4.2.

use bytes::{BufMut, BytesMut};

use crate::action::{decode_actions, encode_actions};
use crate::wire::{Reader, put_length};
use crate::{Action, DecodeError, PortNo};

/// A group: what a packet goes through by [`Action::Group`]; OpenFlow 1.3.5 §5.6.
///
/// Printed and read as `ovs-ofctl` writes it:
/// `group_id=1,type=select,bucket=weight:2,actions=output:1`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Group {
    /// Its number, up to [`Group::MAX`].
    pub group_id: u32,
    /// How packets choose among the buckets.
    pub group_type: GroupType,
    /// The buckets, in order; for fast failover, the first live one is taken.
    pub buckets: Vec<Bucket>,
}

impl Group {
    /// The highest number that a group can have: `OFPG_MAX`.
    pub const MAX: u32 = 0xffff_ff00;
    /// All groups, for deletes and requests: `OFPG_ALL`.
    pub const ALL: u32 = 0xffff_fffc;
    /// No group; in requests, any group: `OFPG_ANY`.
    pub const ANY: u32 = u32::MAX;
}

/// How packets choose among a group's buckets: `enum ofp_group_type`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GroupType(pub u8);

impl GroupType {
    /// A copy to every bucket.
    pub const ALL: Self = Self(0);
    /// One bucket, by weight.
    pub const SELECT: Self = Self(1);
    /// The only bucket.
    pub const INDIRECT: Self = Self(2);
    /// The first live bucket.
    pub const FAST_FAILOVER: Self = Self(3);
}

/// Actions for a packet that chose them: `struct ofp_bucket`, OpenFlow 1.3.5 §7.3.4.2.
///
/// ```text
///  0               2               4                              8
/// +---------------+---------------+-------------------------------+
/// | len           | weight        | watch_port                    |
/// +---------------+---------------+-------------------------------+
/// | watch_group                   | pad                           |
/// +-------------------------------+-------------------------------+
/// | actions                                                       |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Bucket {
    /// Its share of the packets, in select groups; otherwise 0.
    pub weight: u16,
    /// The bucket is live while this port is; [`PortNo::ANY`] for none.
    pub watch_port: PortNo,
    /// The bucket is live while this group is; [`Group::ANY`] for none.
    pub watch_group: u32,
    /// What is done with the packet; none drop it.
    pub actions: Vec<Action>,
}

impl Bucket {
    /// Bytes of a bucket without actions.
    const FIXED: u16 = 16;

    /// A bucket that watches nothing, of weight 0.
    pub const fn new(actions: Vec<Action>) -> Self {
        Self { weight: 0, watch_port: PortNo::ANY, watch_group: Group::ANY, actions }
    }

    /// Writes the bucket.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u16(0);
        out.put_u16(self.weight);
        out.put_u32(self.watch_port.0);
        out.put_u32(self.watch_group);
        out.put_u32(0);
        encode_actions(&self.actions, out);
        put_length(out, start, start);
    }

    /// Reads buckets up to the end of `reader`.
    pub(crate) fn decode_all(reader: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let mut buckets = Vec::new();
        while !reader.is_empty() {
            let mut header = reader.clone().named("ofp_bucket");
            let length = header.u16()?;
            if length < Self::FIXED || length % 8 != 0 {
                return Err(header.bad("len", 2, length, "a multiple of 8, at least 16"));
            }
            let mut bucket = reader.nested("ofp_bucket", usize::from(length))?;
            bucket.skip(2)?;
            let weight = bucket.u16()?;
            let watch_port = bucket.port()?;
            let watch_group = bucket.u32()?;
            bucket.skip(4)?;
            let actions = decode_actions(&mut bucket)?;
            buckets.push(Self { weight, watch_port, watch_group, actions });
        }
        Ok(buckets)
    }
}
