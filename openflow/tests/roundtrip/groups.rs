//! Strategies for groups.

use openflow::message::{BucketCounter, GroupFeatures, GroupStats};
use openflow::{Action, Bucket, Group, GroupType, PortNo};
use proptest::collection::vec;
use proptest::prelude::*;

/// A group whose buckets have these actions.
pub(crate) fn group(action: impl Strategy<Value = Action>) -> impl Strategy<Value = Group> {
    let bucket = (any::<(u16, u32, u32)>(), vec(action, 0..4)).prop_map(
        |((weight, watch_port, watch_group), actions)| Bucket {
            weight,
            watch_port: PortNo(watch_port),
            watch_group,
            actions,
        },
    );
    (any::<u32>(), any::<u8>(), vec(bucket, 0..4)).prop_map(|(group_id, group_type, buckets)| {
        Group { group_id, group_type: GroupType(group_type), buckets }
    })
}

pub(crate) fn group_stats() -> impl Strategy<Value = GroupStats> {
    let counter = any::<(u64, u64)>()
        .prop_map(|(packet_count, byte_count)| BucketCounter { packet_count, byte_count });
    (any::<(u32, u32, u64, u64, u32, u32)>(), vec(counter, 0..4)).prop_map(|(numbers, buckets)| {
        let (group_id, ref_count, packet_count, byte_count, duration_sec, duration_nsec) = numbers;
        GroupStats {
            group_id,
            ref_count,
            packet_count,
            byte_count,
            duration_sec,
            duration_nsec,
            buckets,
        }
    })
}

pub(crate) fn group_features() -> impl Strategy<Value = GroupFeatures> {
    any::<(u32, u32, [u32; 4], [u32; 4])>().prop_map(
        |(types, capabilities, max_groups, actions)| GroupFeatures {
            types,
            capabilities,
            max_groups,
            actions,
        },
    )
}
