//! What tests of several parts put into a model.

use std::collections::BTreeSet;

use openflow::MacAddr;
use topology::key::Key;
use topology::model::{Meta, NetworkId, Port, PortId, ProjectId};
use uuid::Uuid;

/// What every resource has.
pub(crate) fn meta(key: u32, name: &str) -> Meta {
    Meta::new(Key::new(key).unwrap(), name)
}

/// A port without addresses or groups that no host has; its UUID is its key.
pub(crate) fn port(key: u32, name: &str) -> Port {
    Port {
        id: PortId(Uuid::from_u128(key.into())),
        meta: meta(key, name),
        project: ProjectId(Uuid::nil()),
        network: NetworkId(Uuid::nil()),
        mac: MacAddr::ZERO,
        fixed_ips: vec![],
        allowed_address_pairs: vec![],
        port_security: true,
        security_groups: BTreeSet::new(),
        admin_up: true,
        requested_host: None,
        bound_host: None,
    }
}
