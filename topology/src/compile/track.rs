//! Which fragments depend on what: every change marks all that it can have an effect on.

mod policy;

use std::collections::BTreeSet;

use openflow::{MacAddr, PortNo};

use super::{Compiler, Dirty, Inputs};
use crate::block::BlockId;
use crate::facts::DistinctFacts;
use crate::key::Key;
use crate::model::{
    AddressGroup, Host, HostId, Network, NetworkId, Port, PortId, Profile, Resource, SecurityGroup,
};

impl Dirty {
    fn mark(&mut self, block: BlockId, member: Key) {
        self.fragments.entry(block).or_default().insert(member);
    }

    /// A block of one host, and whether the host has it at all.
    fn mark_local(&mut self, host: HostId, block: BlockId) {
        self.mark(block, Key::NONE);
        self.subscriptions.insert((host, block));
    }
}

impl Inputs {
    fn network_key(&self, network: NetworkId) -> Option<Key> {
        self.model.network(network).map(|network| network.meta.key)
    }

    fn host_key(&self, host: HostId) -> Option<Key> {
        self.model.host(host).map(|host| host.meta.key)
    }
}

impl Compiler {
    /// A resource changed from `old` to `new`; the model has it already.
    pub(super) fn track(&mut self, old: Option<&Resource>, new: Option<&Resource>) {
        match old.or(new) {
            Some(Resource::Network(_)) => {
                let [old, new] = [old, new].map(|side| side.and_then(as_network));
                self.track_network(old, new);
            }
            Some(Resource::Port(_)) => {
                let [old, new] = [old, new].map(|side| side.and_then(as_port));
                self.track_port(old, new);
            }
            Some(Resource::Host(_)) => {
                let [old, new] = [old, new].map(|side| side.and_then(as_host));
                self.track_host(old, new);
            }
            // No flow depends on a project or on a subnet: ports hold their addresses.
            Some(Resource::Project(_) | Resource::Subnet(_)) | None => {}
            Some(Resource::SecurityGroup(_)) => {
                let [old, new] = [old, new].map(|side| side.and_then(as_group));
                self.track_group(old, new);
            }
            Some(Resource::AddressGroup(_)) => {
                let [old, new] = [old, new].map(|side| side.and_then(as_address_group));
                self.track_address_group(old, new);
            }
            Some(Resource::Profile(_)) => {
                let [old, new] = [old, new].map(|side| side.and_then(as_profile));
                self.track_profile(old, new);
            }
        }
    }

    fn track_network(&mut self, old: Option<&Network>, new: Option<&Network>) {
        let key_and_segment = |network: &Network| (network.meta.key, network.segment.clone());
        if old.map(key_and_segment) == new.map(key_and_segment) {
            return;
        }
        for network in [old, new].into_iter().flatten() {
            let key = network.meta.key;
            self.dirty.mark(BlockId::Network(key), Key::NONE);
            let hosts: Vec<HostId> = self.inputs.index.hosts_of(network.id).collect();
            for host in hosts {
                self.dirty.subscriptions.insert((host, BlockId::Network(key)));
                if let Some(host_key) = self.inputs.host_key(host) {
                    self.mark_host_network((host, host_key), network.id, key);
                }
            }
            for port in self.inputs.model.ports_of(network.id) {
                let Some(host) = port.serving_host() else { continue };
                self.dirty.mark(BlockId::Network(key), port.meta.key);
                if let Some(host_key) = self.inputs.host_key(host) {
                    let block = BlockId::HostPort { host: host_key, port: port.meta.key };
                    self.dirty.mark_local(host, block);
                }
            }
        }
    }

    fn track_host(&mut self, old: Option<&Host>, new: Option<&Host>) {
        if let (Some(old), None) = (old, new) {
            self.track_facts(old.id, None);
        }
        let key_and_endpoint = |host: &Host| (host.meta.key, host.tunnel_ip);
        if old.map(key_and_endpoint) == new.map(key_and_endpoint) {
            return;
        }
        for host in [old, new].into_iter().flatten() {
            self.mark_vteps(host);
        }
        if let Some((ip, host)) = old.and_then(|host| Some((host.tunnel_ip?, host))) {
            self.inputs.index.remove_tunnel_ip(ip, host.meta.key);
        }
        if let Some((ip, host)) = new.and_then(|host| Some((host.tunnel_ip?, host))) {
            self.inputs.index.add_tunnel_ip(ip, host.meta.key);
        }
        for host in [old, new].into_iter().flatten() {
            self.mark_vteps(host);
            self.dirty.subscriptions.insert((host.id, BlockId::Vteps));
            self.mark_local_blocks(host.id, host.meta.key);
            for network in self.inputs.index.networks_of(host.id) {
                let Some(network) = self.inputs.network_key(network) else { continue };
                self.dirty.mark(BlockId::Network(network), Key::NONE);
                self.dirty.subscriptions.insert((host.id, BlockId::Network(network)));
            }
            for port in self.inputs.model.ports_on(host.id) {
                let Some(network) = self.inputs.network_key(port.network) else { continue };
                self.dirty.mark(BlockId::Network(network), port.meta.key);
            }
        }
    }

    /// The host's own endpoint, and whichever other host would answer for the same address.
    fn mark_vteps(&mut self, host: &Host) {
        self.dirty.mark(BlockId::Vteps, host.meta.key);
        for other in host.tunnel_ip.into_iter().flat_map(|ip| self.inputs.index.hosts_at(ip)) {
            self.dirty.mark(BlockId::Vteps, other);
        }
    }

    /// Everything that only `host` has.
    fn mark_local_blocks(&mut self, host: HostId, key: Key) {
        self.dirty.mark_local(host, BlockId::HostBase(key));
        self.mark_host_networks(host, key);
        for port in self.inputs.model.ports_on(host) {
            let block = BlockId::HostPort { host: key, port: port.meta.key };
            self.dirty.mark_local(host, block);
        }
    }

    fn mark_host_networks(&mut self, host: HostId, host_key: Key) {
        let networks: Vec<NetworkId> = self.inputs.index.networks_of(host).collect();
        for network in networks {
            if let Some(key) = self.inputs.network_key(network) {
                self.mark_host_network((host, host_key), network, key);
            }
        }
    }

    /// All that `host` has for a network.
    fn mark_host_network(&mut self, (host, host_key): (HostId, Key), network: NetworkId, key: Key) {
        let block = BlockId::HostNetwork { host: host_key, network: key };
        self.dirty.mark_local(host, block);
        for part in self.inputs.index.parts(host, network) {
            self.dirty.mark(block, part.number());
        }
    }

    /// `host` reports `new`, or is gone.
    pub(super) fn track_facts(&mut self, host: HostId, new: Option<DistinctFacts>) {
        let old = self.inputs.facts.remove(&host);
        if old == new {
            self.inputs.facts.extend(new.map(|new| (host, new)));
            return;
        }
        let key = self.inputs.host_key(host);
        let none = DistinctFacts::default();
        let [before, after] = [&old, &new].map(|facts| facts.as_ref().unwrap_or(&none));
        self.dirty.reported += before.ports.len().max(after.ports.len());
        for (port, number) in before.changed_ports(after) {
            self.track_number(host, port, number);
        }
        if let Some(key) = key {
            if old.is_none() || new.is_none() {
                self.mark_local_blocks(host, key);
            } else if (before.vxlan_port, &before.uplinks) != (after.vxlan_port, &after.uplinks) {
                self.dirty.mark_local(host, BlockId::HostBase(key));
                self.mark_host_networks(host, key);
            }
        }
        self.inputs.facts.extend(new.map(|new| (host, new)));
    }

    /// The OpenFlow port number of `port` on `host` is another now, or there is none any more.
    pub(super) fn track_number(&mut self, host: HostId, port: PortId, number: Option<PortNo>) {
        let Some(port) = self.inputs.model.port(port) else { return };
        if port.serving_host() == Some(host) {
            let (network, port) = (port.network, port.meta.key);
            self.plug(host, network, port, number.is_some());
        }
    }

    fn track_port(&mut self, old: Option<&Port>, new: Option<&Port>) {
        let place = |port: &Port| Some((port.network, port.serving_host()?));
        let [before, after] = [old, new].map(|port| port.and_then(place));
        if before != after {
            if let Some((network, host)) = before
                && self.inputs.index.remove_member(network, host)
            {
                self.mark_membership(network, host);
            }
            if let Some((network, host)) = after
                && self.inputs.index.add_member(network, host)
            {
                self.mark_membership(network, host);
            }
        }
        let identity = |port: Option<&Port>| port.map(|port| (port.id, port.meta.key));
        if (before, identity(old)) != (after, identity(new)) {
            if let (Some((network, host)), Some(old)) = (before, old) {
                self.plug(host, network, old.meta.key, false);
            }
            if let (Some((network, host)), Some(new)) = (after, new) {
                let facts = self.inputs.facts.get(&host);
                let plugged = facts.is_some_and(|facts| facts.ports.contains_key(&new.id));
                self.plug(host, network, new.meta.key, plugged);
            }
        }
        self.track_pair_macs(old, new);
        self.track_port_policy(old, new);
        for port in [old, new].into_iter().flatten() {
            let Some((network, host)) = place(port) else { continue };
            self.mark_port(network, host, port.meta.key);
        }
    }

    /// `host` has got its first port of `network`, or lost its last.
    fn mark_membership(&mut self, network: NetworkId, host: HostId) {
        let Some(key) = self.inputs.network_key(network) else { return };
        self.dirty.mark(BlockId::Network(key), Key::NONE);
        self.dirty.subscriptions.insert((host, BlockId::Network(key)));
        if let Some(host_key) = self.inputs.host_key(host) {
            self.mark_host_network((host, host_key), network, key);
        }
    }

    /// A port's own fragments.
    fn mark_port(&mut self, network: NetworkId, host: HostId, port: Key) {
        self.mark_network_port(network, port);
        if let Some(key) = self.inputs.host_key(host) {
            self.dirty.mark_local(host, BlockId::HostPort { host: key, port });
        }
    }

    /// What all hosts of its network have for a port.
    fn mark_network_port(&mut self, network: NetworkId, port: Key) {
        if let Some(network) = self.inputs.network_key(network) {
            self.dirty.mark(BlockId::Network(network), port);
        }
    }

    /// A served port is plugged, perhaps under another number than before, or not.
    fn plug(&mut self, host: HostId, network: NetworkId, port: Key, plugged: bool) {
        let touched = self.inputs.index.plug(host, network, port, plugged);
        let Some(key) = self.inputs.host_key(host) else { return };
        self.dirty.mark_local(host, BlockId::HostPort { host: key, port });
        let Some(network) = self.inputs.network_key(network) else { return };
        let block = BlockId::HostNetwork { host: key, network };
        for part in touched.parts {
            self.dirty.mark(block, part.number());
        }
        if touched.list {
            self.dirty.mark(block, Key::NONE);
        }
    }

    /// Ethernet addresses that the port names in allowed address pairs, and its own, which is
    /// nobody's floating address while the port is served.
    fn track_pair_macs(&mut self, old: Option<&Port>, new: Option<&Port>) {
        for port in [old, new].into_iter().flatten() {
            self.mark_pair_macs(port);
        }
        if let Some(old) = old.filter(|old| old.serving_host().is_some()) {
            for mac in pair_macs(old) {
                self.inputs.index.unname_mac(old.network, mac, (old.meta.key, old.id));
            }
        }
        if let Some(new) = new.filter(|new| new.serving_host().is_some()) {
            for mac in pair_macs(new) {
                self.inputs.index.name_mac(new.network, mac, (new.meta.key, new.id));
            }
        }
        for port in [old, new].into_iter().flatten() {
            self.mark_pair_macs(port);
        }
    }

    fn mark_pair_macs(&mut self, port: &Port) {
        let Some(network) = self.inputs.network_key(port.network) else { return };
        for mac in pair_macs(port).into_iter().chain([port.mac]) {
            if let Some((first, _)) = self.inputs.index.first_naming(port.network, mac) {
                self.dirty.mark(BlockId::Network(network), first);
            }
        }
    }
}

/// The Ethernet addresses of a port's allowed address pairs.
pub(super) fn pair_macs(port: &Port) -> BTreeSet<MacAddr> {
    port.allowed_address_pairs.iter().filter_map(|pair| pair.mac).collect()
}

fn as_network(resource: &Resource) -> Option<&Network> {
    match resource {
        Resource::Network(network) => Some(network),
        _ => None,
    }
}

fn as_port(resource: &Resource) -> Option<&Port> {
    match resource {
        Resource::Port(port) => Some(port),
        _ => None,
    }
}

fn as_host(resource: &Resource) -> Option<&Host> {
    match resource {
        Resource::Host(host) => Some(host),
        _ => None,
    }
}

fn as_group(resource: &Resource) -> Option<&SecurityGroup> {
    match resource {
        Resource::SecurityGroup(group) => Some(group),
        _ => None,
    }
}

fn as_address_group(resource: &Resource) -> Option<&AddressGroup> {
    match resource {
        Resource::AddressGroup(group) => Some(group),
        _ => None,
    }
}

fn as_profile(resource: &Resource) -> Option<&Profile> {
    match resource {
        Resource::Profile(profile) => Some(profile),
        _ => None,
    }
}
