use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    AddressGroup, AddressGroupId, Host, HostId, Meta, Model, Network, NetworkId, Port, PortId,
    Profile, ProfileId, Project, ProjectId, RuleId, SecurityGroup, SecurityGroupId, Subnet,
    SubnetId,
};
use crate::key::{Key, Kind};

/// One step from a model to the next; a commit is a batch of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// A resource is new, or as this now.
    Put(Resource),
    /// A resource is gone.
    Delete(ResourceId),
    /// The next key to try for a kind.
    NextKey(Kind, Key),
}

impl Model {
    /// Everything that is in it, in an order in which it can be put into another: what a resource
    /// refers to comes first.
    pub fn resources(&self) -> impl Iterator<Item = Resource> + '_ {
        (self.projects().values().cloned().map(Resource::Project))
            .chain(self.networks().values().cloned().map(Resource::Network))
            .chain(self.subnets().values().cloned().map(Resource::Subnet))
            .chain(self.hosts().values().cloned().map(Resource::Host))
            .chain(self.address_groups().values().cloned().map(Resource::AddressGroup))
            .chain(self.security_groups().values().cloned().map(Resource::SecurityGroup))
            .chain(self.profiles().values().cloned().map(Resource::Profile))
            .chain(self.ports().values().cloned().map(Resource::Port))
    }
}

/// Any resource.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// A project.
    Project(Arc<Project>),
    /// A network.
    Network(Arc<Network>),
    /// A subnet.
    Subnet(Arc<Subnet>),
    /// A port.
    Port(Arc<Port>),
    /// A host.
    Host(Arc<Host>),
    /// A security group, with its rules.
    SecurityGroup(Arc<SecurityGroup>),
    /// An address group.
    AddressGroup(Arc<AddressGroup>),
    /// A policy profile.
    Profile(Arc<Profile>),
}

/// Which resource, or which part of one that has a UUID and a key of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ResourceId {
    /// A project.
    Project(ProjectId),
    /// A network.
    Network(NetworkId),
    /// A subnet.
    Subnet(SubnetId),
    /// A port.
    Port(PortId),
    /// A host.
    Host(HostId),
    /// A security group.
    SecurityGroup(SecurityGroupId),
    /// An address group.
    AddressGroup(AddressGroupId),
    /// A policy profile.
    Profile(ProfileId),
    /// A rule, which is part of its security group.
    Rule(RuleId),
}

impl Resource {
    /// Which resource it is.
    pub fn id(&self) -> ResourceId {
        match self {
            Self::Project(project) => ResourceId::Project(project.id),
            Self::Network(network) => ResourceId::Network(network.id),
            Self::Subnet(subnet) => ResourceId::Subnet(subnet.id),
            Self::Port(port) => ResourceId::Port(port.id),
            Self::Host(host) => ResourceId::Host(host.id),
            Self::SecurityGroup(group) => ResourceId::SecurityGroup(group.id),
            Self::AddressGroup(group) => ResourceId::AddressGroup(group.id),
            Self::Profile(profile) => ResourceId::Profile(profile.id),
        }
    }

    /// What it has beside its own fields.
    pub fn meta(&self) -> &Meta {
        match self {
            Self::Project(project) => &project.meta,
            Self::Network(network) => &network.meta,
            Self::Subnet(subnet) => &subnet.meta,
            Self::Port(port) => &port.meta,
            Self::Host(host) => &host.meta,
            Self::SecurityGroup(group) => &group.meta,
            Self::AddressGroup(group) => &group.meta,
            Self::Profile(profile) => &profile.meta,
        }
    }
}

impl ResourceId {
    /// The kind of resource.
    pub fn kind(self) -> Kind {
        match self {
            Self::Project(_) => Kind::Project,
            Self::Network(_) => Kind::Network,
            Self::Subnet(_) => Kind::Subnet,
            Self::Port(_) => Kind::Port,
            Self::Host(_) => Kind::Host,
            Self::SecurityGroup(_) => Kind::SecurityGroup,
            Self::AddressGroup(_) => Kind::AddressGroup,
            Self::Profile(_) => Kind::Profile,
            Self::Rule(_) => Kind::Rule,
        }
    }

    /// The UUID.
    pub fn uuid(self) -> uuid::Uuid {
        match self {
            Self::Project(ProjectId(id))
            | Self::Network(NetworkId(id))
            | Self::Subnet(SubnetId(id))
            | Self::Port(PortId(id))
            | Self::Host(HostId(id))
            | Self::SecurityGroup(SecurityGroupId(id))
            | Self::AddressGroup(AddressGroupId(id))
            | Self::Profile(ProfileId(id))
            | Self::Rule(RuleId(id)) => id,
        }
    }

    /// The resource of this kind and UUID.
    pub fn new(kind: Kind, id: uuid::Uuid) -> Self {
        match kind {
            Kind::Project => Self::Project(ProjectId(id)),
            Kind::Network => Self::Network(NetworkId(id)),
            Kind::Subnet => Self::Subnet(SubnetId(id)),
            Kind::Port => Self::Port(PortId(id)),
            Kind::Host => Self::Host(HostId(id)),
            Kind::SecurityGroup => Self::SecurityGroup(SecurityGroupId(id)),
            Kind::AddressGroup => Self::AddressGroup(AddressGroupId(id)),
            Kind::Profile => Self::Profile(ProfileId(id)),
            Kind::Rule => Self::Rule(RuleId(id)),
        }
    }
}
