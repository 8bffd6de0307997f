use serde::{Deserialize, Serialize};

use super::{Meta, resource_id};

resource_id! {
    /// A project's UUID.
    ProjectId
}

/// A tenant: the owner of networks and ports.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Project {
    /// The UUID.
    pub id: ProjectId,
    /// Name, key, times.
    pub meta: Meta,
}
