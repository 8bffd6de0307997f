//! How the indexes follow changes.

use super::Model;
use crate::key::{Key, Kind};
use crate::model::{Change, Resource, ResourceId, SecurityGroup, Segment, VlanId};

impl Model {
    /// Takes one step. The caller has checked that it is allowed; what stood there before is
    /// returned, so that it can be compared or put back.
    pub fn apply(&mut self, change: &Change) -> Option<Resource> {
        match change {
            Change::Put(resource) => {
                let old = self.remove(resource.id());
                self.insert(resource);
                old
            }
            Change::Delete(id) => self.remove(*id),
            Change::NextKey(kind, key) => {
                self.next_key.insert(*kind, *key);
                None
            }
        }
    }

    fn insert(&mut self, resource: &Resource) {
        let id = resource.id();
        let (key, project) = match resource {
            Resource::Project(project) => {
                self.projects.insert(project.id, project.clone());
                (project.meta.key, None)
            }
            Resource::Network(network) => {
                match &network.segment {
                    Segment::Vxlan { vni } => {
                        self.network_by_vni.insert(*vni, network.id);
                    }
                    segment => {
                        self.network_by_physical.insert(physical_key(segment), network.id);
                    }
                }
                self.networks.insert(network.id, network.clone());
                (network.meta.key, Some(network.project))
            }
            Resource::Subnet(subnet) => {
                self.subnets_by_network.insert((subnet.network, subnet.id));
                self.subnets.insert(subnet.id, subnet.clone());
                (subnet.meta.key, Some(subnet.project))
            }
            Resource::Port(port) => {
                self.ports_by_network.insert((port.network, port.id));
                self.ports_by_host.extend(port.bound_host.map(|host| (host, port.id)));
                self.port_by_mac.insert((port.network, port.mac), port.id);
                for fixed in &port.fixed_ips {
                    self.port_by_address.insert((fixed.subnet, fixed.ip), port.id);
                    self.address_runs.insert(fixed.subnet, fixed.ip);
                }
                self.policy.insert_port(port);
                self.ports.insert(port.id, port.clone());
                (port.meta.key, Some(port.project))
            }
            Resource::Host(host) => {
                self.host_by_name.insert(host.meta.name.clone(), host.id);
                let system_id = host.system_id.iter().cloned();
                self.host_by_system_id.extend(system_id.map(|system_id| (system_id, host.id)));
                self.hosts.insert(host.id, host.clone());
                (host.meta.key, None)
            }
            Resource::SecurityGroup(group) => {
                self.keys.extend(rule_keys(group));
                self.policy.insert_group(group);
                (group.meta.key, Some(group.project))
            }
            Resource::AddressGroup(group) => {
                self.policy.address_groups.insert(group.id, group.clone());
                (group.meta.key, Some(group.project))
            }
            Resource::Profile(profile) => {
                self.policy.insert_profile(profile);
                (profile.meta.key, None)
            }
        };
        self.keys.insert((id.kind(), key), id);
        self.owned_by_project.extend(project.map(|project| (project, id)));
    }

    fn remove(&mut self, id: ResourceId) -> Option<Resource> {
        let old = self.resource(id)?;
        let (key, project) = match &old {
            Resource::Project(project) => {
                self.projects.remove(&project.id);
                (project.meta.key, None)
            }
            Resource::Network(network) => {
                match &network.segment {
                    Segment::Vxlan { vni } => self.network_by_vni.remove(vni),
                    segment => self.network_by_physical.remove(&physical_key(segment)),
                };
                self.networks.remove(&network.id);
                (network.meta.key, Some(network.project))
            }
            Resource::Subnet(subnet) => {
                self.subnets_by_network.remove(&(subnet.network, subnet.id));
                self.subnets.remove(&subnet.id);
                (subnet.meta.key, Some(subnet.project))
            }
            Resource::Port(port) => {
                self.ports_by_network.remove(&(port.network, port.id));
                if let Some(host) = port.bound_host {
                    self.ports_by_host.remove(&(host, port.id));
                }
                self.port_by_mac.remove(&(port.network, port.mac));
                for fixed in &port.fixed_ips {
                    self.port_by_address.remove(&(fixed.subnet, fixed.ip));
                    self.address_runs.remove(fixed.subnet, fixed.ip);
                }
                self.policy.remove_port(port);
                self.ports.remove(&port.id);
                (port.meta.key, Some(port.project))
            }
            Resource::Host(host) => {
                self.host_by_name.remove(&host.meta.name);
                if let Some(system_id) = &host.system_id {
                    self.host_by_system_id.remove(system_id);
                }
                self.hosts.remove(&host.id);
                (host.meta.key, None)
            }
            Resource::SecurityGroup(group) => {
                for (key, _) in rule_keys(group) {
                    self.keys.remove(&key);
                }
                self.policy.remove_group(group);
                (group.meta.key, Some(group.project))
            }
            Resource::AddressGroup(group) => {
                self.policy.address_groups.remove(&group.id);
                (group.meta.key, Some(group.project))
            }
            Resource::Profile(profile) => {
                self.policy.remove_profile(profile);
                (profile.meta.key, None)
            }
        };
        self.keys.remove(&(id.kind(), key));
        if let Some(project) = project {
            self.owned_by_project.remove(&(project, id));
        }
        Some(old)
    }
}

fn rule_keys(group: &SecurityGroup) -> impl Iterator<Item = ((Kind, Key), ResourceId)> + '_ {
    group.rules.iter().map(|rule| ((Kind::Rule, rule.key), ResourceId::Rule(rule.id)))
}

fn physical_key(segment: &Segment) -> (String, Option<VlanId>) {
    match segment {
        Segment::Flat { physical_network } => (physical_network.clone(), None),
        Segment::Vlan { physical_network, vlan } => (physical_network.clone(), Some(*vlan)),
        Segment::Vxlan { .. } => unreachable!("an overlay network has no physical network"),
    }
}
