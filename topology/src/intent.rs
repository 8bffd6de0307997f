//! Intent: what clients ask for, checked against the model and turned into changes of it.
//!
//! Pure functions: a request and the model in, the changes and the resulting resource out, or a
//! [`Rejection`] that says what was wrong. Nothing is half done: either all changes of a
//! [`Plan`] are committed, or none.
//!
//! Requests are parsed already: what cannot be said in their types (an address that is none, an
//! identifier that is no UUID) is refused where they come from. Fields of requests are named in
//! rejections as the northbound API names them.
//!
//! In every create request the client has chosen the `id`. Where a resource with it exists, the
//! request is harmless if everything that it determines is as it asks (what was left to the
//! server may be anything), and answers the resource; else it is refused.

mod address_group;
mod addressing;
mod default_group;
mod etag;
mod host;
mod layout;
mod mac;
mod membership;
mod meta;
mod network;
mod plan;
mod port;
mod prefix;
mod project;
mod rejection;
mod rule;
mod rules;
mod security_group;
mod segment;
mod settings;
mod subnet;
#[cfg(test)]
mod tests;

pub use address_group::{
    CreateAddressGroup, MAX_PREFIXES, UpdateAddressGroup, create_address_group,
    delete_address_group, update_address_group,
};
pub use addressing::FixedIpRequest;
pub use default_group::adopt_project;
pub use etag::Etag;
pub use host::{
    CreateHost, OvsdbTargetError, UpdateHost, create_host, delete_host, parse_ovsdb_target,
    update_host,
};
pub use layout::Gateway;
pub use membership::MAX_SECURITY_GROUPS;
pub use meta::{MAX_DESCRIPTION, MAX_LABELS, MAX_NAME, Naming, NamingUpdate};
pub use network::{CreateNetwork, UpdateNetwork, create_network, delete_network, update_network};
pub use port::{
    CreatePort, MAX_ADDRESS_PAIRS, MAX_FIXED_IPS, UpdatePort, create_port, delete_port, update_port,
};
pub use project::{CreateProject, UpdateProject, create_project, delete_project, update_project};
pub use rejection::{FieldViolation, Obstacle, Rejection, Violations};
pub use rule::{RuleIdRequest, RuleRequest};
pub use rules::{MAX_REMOTES, MAX_RULES};
pub use security_group::{
    AddRules, CreateSecurityGroup, RemoveRules, UpdateSecurityGroup, add_rules,
    create_security_group, delete_security_group, remove_rules, update_security_group,
};
pub use segment::{MAX_PHYSICAL_NETWORK, NetworkType, SegmentRequest};
pub use settings::Settings;
pub use subnet::{CreateSubnet, UpdateSubnet, create_subnet, delete_subnet, update_subnet};

use crate::model::{Change, Model, Timestamp};

/// What a request is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The model as of the commit before this one.
    pub model: &'a Model,
    /// What the operator configured.
    pub settings: &'a Settings,
    /// The revision that this commit will have.
    pub revision: u64,
    /// The time of this commit.
    pub now: Timestamp,
}

/// Changes to commit, and what to answer once they are.
#[derive(Clone, Debug)]
pub struct Plan<T> {
    /// The changes, in order; empty when the request asks for what is already so.
    pub changes: Vec<Change>,
    /// The answer.
    pub answer: T,
}
