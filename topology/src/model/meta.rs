use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::key::Key;

/// What every resource has beside its own fields.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Meta {
    /// The compact identity, allocated by the store.
    pub key: Key,
    /// A name for people; need not be unique.
    pub name: String,
    /// A sentence for people.
    pub description: String,
    /// Clients' own labels.
    pub labels: BTreeMap<String, String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last written.
    pub updated: Timestamp,
    /// The store revision of the last write.
    pub revision: u64,
}

impl Meta {
    /// A key and a name, and nothing else yet.
    pub fn new(key: Key, name: impl Into<String>) -> Self {
        Self {
            key,
            name: name.into(),
            description: String::new(),
            labels: BTreeMap::new(),
            created: Timestamp(0),
            updated: Timestamp(0),
            revision: 0,
        }
    }
}

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);
