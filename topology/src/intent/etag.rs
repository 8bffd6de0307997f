use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::Rejection;
use crate::model::{
    AddressGroup, Host, Meta, Network, Port, Project, ResourceId, SecurityGroup, Subnet,
};

/// Resources with a version that clients can ask an update or deletion to be made for.
pub trait Etag {
    /// The opaque version: differs whenever what clients say of the resource differs. What hosts
    /// report, and where a port is bound, does not change it.
    fn etag(&self) -> String;
}

/// Refuses a request that was made for another version of the resource.
pub(super) fn check_etag(
    id: ResourceId,
    resource: &impl Etag,
    expected: Option<&str>,
) -> Result<(), Rejection> {
    let found = resource.etag();
    match expected {
        Some(expected) if expected != found => {
            Err(Rejection::Aborted { resource: id, expected: expected.to_owned(), found })
        }
        _ => Ok(()),
    }
}

impl Etag for Project {
    fn etag(&self) -> String {
        digest(&self.meta, ())
    }
}

impl Etag for Network {
    fn etag(&self) -> String {
        digest(&self.meta, (self.mtu, self.shared, self.port_security))
    }
}

impl Etag for Subnet {
    fn etag(&self) -> String {
        let pools = &self.allocation_pools;
        digest(
            &self.meta,
            (self.gateway, pools, &self.dns_nameservers, &self.host_routes, self.dhcp),
        )
    }
}

impl Etag for Port {
    fn etag(&self) -> String {
        let addresses = (self.mac, &self.fixed_ips, &self.allowed_address_pairs);
        let security = (self.port_security, &self.security_groups);
        digest(&self.meta, (addresses, security, self.admin_up, &self.requested_host))
    }
}

impl Etag for Host {
    fn etag(&self) -> String {
        digest(&self.meta, &self.ovsdb_target)
    }
}

impl Etag for SecurityGroup {
    fn etag(&self) -> String {
        digest(&self.meta, (self.stateful, &self.rules))
    }
}

impl Etag for AddressGroup {
    fn etag(&self) -> String {
        digest(&self.meta, &self.prefixes)
    }
}

/// A hash of what clients can change; of the key and the time of creation, too, so that a
/// resource that was deleted and made again is not taken for the one before.
fn digest(meta: &Meta, rest: impl Hash) -> String {
    let mut hasher = FxHasher::default();
    let identity = (meta.key, meta.created);
    (identity, &meta.name, &meta.description, &meta.labels, rest).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
