//! Groups, as a line of `dump-groups`.

use std::fmt;

use super::Naming;
use super::action::actions;
use crate::{Bucket, Group, GroupType, PortNo};

/// Types with their names.
pub(super) const TYPES: &[(GroupType, &str)] = &[
    (GroupType::ALL, "all"),
    (GroupType::SELECT, "select"),
    (GroupType::INDIRECT, "indirect"),
    (GroupType::FAST_FAILOVER, "ff"),
];

/// The weight that is not printed.
pub(super) const fn default_weight(group_type: GroupType) -> u16 {
    if group_type.0 == GroupType::SELECT.0 { 1 } else { 0 }
}

impl fmt::Display for Group {
    /// As `ovs-ofctl -O OpenFlow13 dump-groups` prints it; a type without a name as its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "group_id={},type={}", self.group_id, self.group_type)?;
        for bucket in &self.buckets {
            f.write_str(",bucket=")?;
            write_bucket(f, bucket, default_weight(self.group_type))?;
        }
        Ok(())
    }
}

impl fmt::Display for GroupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TYPES.iter().find(|(group_type, _)| group_type == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

fn write_bucket(f: &mut fmt::Formatter<'_>, bucket: &Bucket, default_weight: u16) -> fmt::Result {
    if bucket.weight != default_weight {
        write!(f, "weight:{},", bucket.weight)?;
    }
    if bucket.watch_port != PortNo::ANY {
        write!(f, "watch_port:{},", bucket.watch_port)?;
    }
    if bucket.watch_group != Group::ANY {
        write!(f, "watch_group:{},", bucket.watch_group)?;
    }
    f.write_str("actions=")?;
    actions(f, &bucket.actions, Naming(None))
}
