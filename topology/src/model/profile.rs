use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Meta, SecurityGroupId, resource_id};
use crate::key::Key;

resource_id! {
    /// A profile's UUID: its key as a number, since no client chooses or sees it.
    ProfileId
}

impl ProfileId {
    /// The UUID of the profile with this key.
    pub fn of(key: Key) -> Self {
        Self(Uuid::from_u128(key.get().into()))
    }
}

/// A set of security groups that ports have: all ports with the same set share it, and with it
/// the flows that judge them.
///
/// There is one for every set that a port with port security has, the empty set among them, and
/// none for any other.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Profile {
    /// The UUID.
    pub id: ProfileId,
    /// The key and times; no name.
    pub meta: Meta,
    /// The set.
    pub groups: BTreeSet<SecurityGroupId>,
}
