//! Resources of any kind, as they are stored.

use proto::v1 as pb;
use proto::v1::resource::{Kind as PbKind, Resource as PbResource};
use topology::key::Kind;
use topology::model::{Resource, ResourceId};

use crate::api::resource::{HostName, Resource as _};
use crate::engine::View;

/// The kinds that clients know, each after those that it refers to.
pub(super) const KINDS: [(PbKind, Kind); 7] = [
    (PbKind::Project, Kind::Project),
    (PbKind::Host, Kind::Host),
    (PbKind::Network, Kind::Network),
    (PbKind::Subnet, Kind::Subnet),
    (PbKind::AddressGroup, Kind::AddressGroup),
    (PbKind::SecurityGroup, Kind::SecurityGroup),
    (PbKind::Port, Kind::Port),
];

/// How the API calls a kind; `None` for one that clients do not know.
pub(super) fn kind(kind: Kind) -> Option<PbKind> {
    KINDS.into_iter().find(|(_, own)| *own == kind).map(|(known, _)| known)
}

/// What is stored of a resource; `None` for one of a kind that clients do not know. `host_name`
/// says how a host is called.
pub(super) fn stored(resource: &Resource, host_name: HostName<'_>) -> Option<pb::Resource> {
    let resource = match resource {
        Resource::Project(project) => PbResource::Project(project.stored(host_name)),
        Resource::Network(network) => PbResource::Network(network.stored(host_name)),
        Resource::Subnet(subnet) => PbResource::Subnet(subnet.stored(host_name)),
        Resource::Port(port) => PbResource::Port(port.stored(host_name)),
        Resource::Host(host) => PbResource::Host(host.stored(host_name)),
        Resource::SecurityGroup(group) => PbResource::SecurityGroup(group.stored(host_name)),
        Resource::AddressGroup(group) => PbResource::AddressGroup(group.stored(host_name)),
        Resource::Profile(_) => return None,
    };
    Some(pb::Resource { resource: Some(resource) })
}

/// A resource as its service answers it; without value when it is not there.
pub(super) fn answer(view: &View<'_>, id: ResourceId) -> pb::Resource {
    let resource = view.model.resource(id).and_then(|resource| {
        Some(match resource {
            Resource::Project(project) => PbResource::Project(project.answer(view)),
            Resource::Network(network) => PbResource::Network(network.answer(view)),
            Resource::Subnet(subnet) => PbResource::Subnet(subnet.answer(view)),
            Resource::Port(port) => PbResource::Port(port.answer(view)),
            Resource::Host(host) => PbResource::Host(host.answer(view)),
            Resource::SecurityGroup(group) => PbResource::SecurityGroup(group.answer(view)),
            Resource::AddressGroup(group) => PbResource::AddressGroup(group.answer(view)),
            Resource::Profile(_) => return None,
        })
    });
    pb::Resource { resource }
}
