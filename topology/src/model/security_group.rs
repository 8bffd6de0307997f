use serde::{Deserialize, Serialize};

use super::{Meta, ProjectId, Rule, resource_id};

resource_id! {
    /// A security group's UUID.
    SecurityGroupId
}

/// What the ports in it may send and receive: what no rule of any of a port's groups allows, is
/// dropped.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SecurityGroup {
    /// The UUID.
    pub id: SecurityGroupId,
    /// Name, key, times.
    pub meta: Meta,
    /// The project it belongs to.
    pub project: ProjectId,
    /// Whether a rule lets replies and related errors through, too.
    pub stateful: bool,
    /// Whether it is the one that its project's ports have unless they ask for others.
    pub default: bool,
    /// In the order they were added; no two allow the same traffic.
    pub rules: Vec<Rule>,
}
