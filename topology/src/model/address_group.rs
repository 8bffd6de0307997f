use std::collections::BTreeSet;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Meta, ProjectId, resource_id};

resource_id! {
    /// An address group's UUID.
    AddressGroupId
}

/// Prefixes that rules name together.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AddressGroup {
    /// The UUID.
    pub id: AddressGroupId,
    /// Name, key, times.
    pub meta: Meta,
    /// The project it belongs to.
    pub project: ProjectId,
    /// Of either family, without host bits; they may overlap.
    pub prefixes: BTreeSet<IpNet>,
}
