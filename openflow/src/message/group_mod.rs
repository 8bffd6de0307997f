//! Changes of groups: OpenFlow 1.3.5 §7.3.4.2.

use bytes::{BufMut, BytesMut};

use crate::wire::Reader;
use crate::{Bucket, DecodeError, Group, GroupType};

/// Adds, changes or deletes a group: `struct ofp_group_mod`, OpenFlow 1.3.5 §7.3.4.2.
///
/// ```text
///  0               2       3       4                              8
/// +---------------+-------+-------+-------------------------------+
/// | command       | type  | pad   | group_id                      |
/// +---------------+-------+-------+-------------------------------+
/// | buckets                                                       |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GroupMod {
    /// What to do.
    pub command: GroupModCommand,
    /// The group; for delete, its number is all that counts.
    pub group: Group,
}

/// `enum ofp_group_mod_command`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum GroupModCommand {
    /// Adds the group, which must not be there.
    Add = 0,
    /// Replaces the type and the buckets of a group that is there.
    Modify = 1,
    /// Deletes the group, or all ([`Group::ALL`]), and the flows that name it.
    Delete = 2,
}

impl GroupMod {
    /// Adds `group`.
    pub const fn add(group: Group) -> Self {
        Self { command: GroupModCommand::Add, group }
    }

    /// Deletes the group of this number, [`Group::ALL`] for all.
    pub const fn delete(group_id: u32) -> Self {
        let group = Group { group_id, group_type: GroupType::ALL, buckets: Vec::new() };
        Self { command: GroupModCommand::Delete, group }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u16(self.command as u16);
        out.put_u8(self.group.group_type.0);
        out.put_u8(0);
        out.put_u32(self.group.group_id);
        self.group.buckets.iter().for_each(|bucket| bucket.encode(out));
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let command = match body.u16()? {
            0 => GroupModCommand::Add,
            1 => GroupModCommand::Modify,
            2 => GroupModCommand::Delete,
            other => return Err(body.bad("command", 2, other, "0 to 2")),
        };
        let group_type = GroupType(body.u8()?);
        body.skip(1)?;
        let group_id = body.u32()?;
        let buckets = Bucket::decode_all(body)?;
        Ok(Self { command, group: Group { group_id, group_type, buckets } })
    }
}
