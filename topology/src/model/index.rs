mod change;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use openflow::MacAddr;
use rustc_hash::FxHashMap;

use super::policy::Policy;
use super::runs::AddressRuns;
use super::{
    AddressRange, Host, HostId, Network, NetworkId, Port, PortId, Project, ProjectId, Resource,
    ResourceId, Subnet, SubnetId, VlanId, Vni,
};
use crate::key::{Key, Kind};

/// All resources, and what is asked of them often, indexed.
///
/// Ordered maps where something is listed, so that every listing is the same on every
/// controller; a resource is shared by reference count, so that a reader's copy is cheap.
#[derive(Clone, Debug, Default)]
pub struct Model {
    projects: BTreeMap<ProjectId, Arc<Project>>,
    networks: BTreeMap<NetworkId, Arc<Network>>,
    subnets: BTreeMap<SubnetId, Arc<Subnet>>,
    ports: BTreeMap<PortId, Arc<Port>>,
    hosts: BTreeMap<HostId, Arc<Host>>,
    keys: BTreeMap<(Kind, Key), ResourceId>,
    next_key: BTreeMap<Kind, Key>,
    subnets_by_network: BTreeSet<(NetworkId, SubnetId)>,
    ports_by_network: BTreeSet<(NetworkId, PortId)>,
    ports_by_host: BTreeSet<(HostId, PortId)>,
    owned_by_project: BTreeSet<(ProjectId, ResourceId)>,
    port_by_mac: FxHashMap<(NetworkId, MacAddr), PortId>,
    port_by_address: BTreeMap<(SubnetId, IpAddr), PortId>,
    address_runs: AddressRuns,
    network_by_vni: BTreeMap<Vni, NetworkId>,
    network_by_physical: BTreeMap<(String, Option<VlanId>), NetworkId>,
    host_by_name: BTreeMap<String, HostId>,
    host_by_system_id: BTreeMap<String, HostId>,
    pub(super) policy: Policy,
}

impl Model {
    /// An empty model.
    pub fn new() -> Self {
        Self::default()
    }

    /// The resource with this id; `None` for a rule, which is found with [`Model::rule`].
    pub fn resource(&self, id: ResourceId) -> Option<Resource> {
        match id {
            ResourceId::Project(id) => self.projects.get(&id).cloned().map(Resource::Project),
            ResourceId::Network(id) => self.networks.get(&id).cloned().map(Resource::Network),
            ResourceId::Subnet(id) => self.subnets.get(&id).cloned().map(Resource::Subnet),
            ResourceId::Port(id) => self.ports.get(&id).cloned().map(Resource::Port),
            ResourceId::Host(id) => self.hosts.get(&id).cloned().map(Resource::Host),
            ResourceId::SecurityGroup(id) => {
                self.security_group(id).cloned().map(Resource::SecurityGroup)
            }
            ResourceId::AddressGroup(id) => {
                self.address_group(id).cloned().map(Resource::AddressGroup)
            }
            ResourceId::Profile(id) => self.profile(id).cloned().map(Resource::Profile),
            ResourceId::Rule(_) => None,
        }
    }

    /// Which resource of this kind has this key.
    pub fn by_key(&self, kind: Kind, key: Key) -> Option<ResourceId> {
        self.keys.get(&(kind, key)).copied()
    }

    /// The resources of a kind whose key is `first` or higher, by ascending key.
    pub fn from_key(&self, kind: Kind, first: Key) -> impl Iterator<Item = ResourceId> + '_ {
        self.keys.range((kind, first)..=(kind, Key::MAX)).map(|(_, &id)| id)
    }

    /// The network with this key.
    pub fn network_by_key(&self, key: Key) -> Option<&Arc<Network>> {
        match self.by_key(Kind::Network, key)? {
            ResourceId::Network(id) => self.network(id),
            _ => None,
        }
    }

    /// The port with this key.
    pub fn port_by_key(&self, key: Key) -> Option<&Arc<Port>> {
        match self.by_key(Kind::Port, key)? {
            ResourceId::Port(id) => self.port(id),
            _ => None,
        }
    }

    /// The host with this key.
    pub fn host_by_key(&self, key: Key) -> Option<&Arc<Host>> {
        match self.by_key(Kind::Host, key)? {
            ResourceId::Host(id) => self.host(id),
            _ => None,
        }
    }

    /// The key that the next new resource of this kind gets: the first unused one from where
    /// allocation stopped. `None` when all are in use.
    pub fn free_key(&self, kind: Kind) -> Option<Key> {
        self.free_keys(kind).next()
    }

    /// The keys that new resources of this kind get, in that order.
    pub fn free_keys(&self, kind: Kind) -> impl Iterator<Item = Key> + '_ {
        let first = self.next_key.get(&kind).copied().unwrap_or(Key::NONE.next());
        let after = move |key: &Key| Some(key.next()).filter(|next| *next != first);
        let all = std::iter::successors(Some(first), after);
        all.filter(move |key| !self.keys.contains_key(&(kind, *key)))
    }

    /// Where key allocation stopped, per kind.
    pub fn next_keys(&self) -> impl Iterator<Item = (Kind, Key)> + '_ {
        self.next_key.iter().map(|(&kind, &key)| (kind, key))
    }

    /// The project with this id.
    pub fn project(&self, id: ProjectId) -> Option<&Arc<Project>> {
        self.projects.get(&id)
    }

    /// The network with this id.
    pub fn network(&self, id: NetworkId) -> Option<&Arc<Network>> {
        self.networks.get(&id)
    }

    /// The subnet with this id.
    pub fn subnet(&self, id: SubnetId) -> Option<&Arc<Subnet>> {
        self.subnets.get(&id)
    }

    /// The port with this id.
    pub fn port(&self, id: PortId) -> Option<&Arc<Port>> {
        self.ports.get(&id)
    }

    /// The host with this id.
    pub fn host(&self, id: HostId) -> Option<&Arc<Host>> {
        self.hosts.get(&id)
    }

    /// All projects, by id.
    pub fn projects(&self) -> &BTreeMap<ProjectId, Arc<Project>> {
        &self.projects
    }

    /// All networks, by id.
    pub fn networks(&self) -> &BTreeMap<NetworkId, Arc<Network>> {
        &self.networks
    }

    /// All subnets, by id.
    pub fn subnets(&self) -> &BTreeMap<SubnetId, Arc<Subnet>> {
        &self.subnets
    }

    /// All ports, by id.
    pub fn ports(&self) -> &BTreeMap<PortId, Arc<Port>> {
        &self.ports
    }

    /// All hosts, by id.
    pub fn hosts(&self) -> &BTreeMap<HostId, Arc<Host>> {
        &self.hosts
    }

    /// The subnets on a network.
    pub fn subnets_of(&self, network: NetworkId) -> impl Iterator<Item = &Arc<Subnet>> + '_ {
        let all = (network, SubnetId(uuid::Uuid::nil()))..=(network, SubnetId(uuid::Uuid::max()));
        self.subnets_by_network.range(all).map(|(_, id)| &self.subnets[id])
    }

    /// The ports on a network.
    pub fn ports_of(&self, network: NetworkId) -> impl Iterator<Item = &Arc<Port>> + '_ {
        let all = (network, PortId(uuid::Uuid::nil()))..=(network, PortId(uuid::Uuid::max()));
        self.ports_by_network.range(all).map(|(_, id)| &self.ports[id])
    }

    /// The ports that are bound to a host.
    pub fn ports_on(&self, host: HostId) -> impl Iterator<Item = &Arc<Port>> + '_ {
        let all = (host, PortId(uuid::Uuid::nil()))..=(host, PortId(uuid::Uuid::max()));
        self.ports_by_host.range(all).map(|(_, id)| &self.ports[id])
    }

    /// What belongs to a project.
    pub fn owned_by(&self, project: ProjectId) -> impl Iterator<Item = ResourceId> + '_ {
        self.owned_by_project
            .range((project, ResourceId::Project(ProjectId(uuid::Uuid::nil())))..)
            .take_while(move |(owner, _)| *owner == project)
            .map(|&(_, id)| id)
    }

    /// The port of a network that has this Ethernet address.
    pub fn port_by_mac(&self, network: NetworkId, mac: MacAddr) -> Option<PortId> {
        self.port_by_mac.get(&(network, mac)).copied()
    }

    /// The port that has this address of a subnet.
    pub fn port_by_address(&self, subnet: SubnetId, ip: IpAddr) -> Option<PortId> {
        self.port_by_address.get(&(subnet, ip)).copied()
    }

    /// The addresses of a subnet that are in use from `start` on, ascending.
    pub fn addresses_from(
        &self,
        subnet: SubnetId,
        start: IpAddr,
    ) -> impl Iterator<Item = (IpAddr, PortId)> + '_ {
        self.port_by_address
            .range((subnet, start)..)
            .take_while(move |((other, _), _)| *other == subnet)
            .map(|(&(_, ip), &port)| (ip, port))
    }

    /// The lowest address of a range of a subnet that no port has; `None` when all are in use.
    pub fn first_free_address(&self, subnet: SubnetId, range: AddressRange) -> Option<IpAddr> {
        self.address_runs.first_free(subnet, range)
    }

    /// The network with this VNI.
    pub fn network_by_vni(&self, vni: Vni) -> Option<NetworkId> {
        self.network_by_vni.get(&vni).copied()
    }

    /// The network with this VLAN of a physical network, or the flat one.
    pub fn network_by_physical(
        &self,
        physical_network: &str,
        vlan: Option<VlanId>,
    ) -> Option<NetworkId> {
        self.network_by_physical.get(&(physical_network.to_owned(), vlan)).copied()
    }

    /// The host with this name.
    pub fn host_by_name(&self, name: &str) -> Option<&Arc<Host>> {
        self.host_by_name.get(name).map(|id| &self.hosts[id])
    }

    /// The host with this `external_ids:system-id`.
    pub fn host_by_system_id(&self, system_id: &str) -> Option<&Arc<Host>> {
        self.host_by_system_id.get(system_id).map(|id| &self.hosts[id])
    }
}
