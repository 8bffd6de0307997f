mod policy;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use openflow::MacAddr;
use rustc_hash::FxHashMap;

use super::parts::{Part, Parts, Touched};
use crate::key::Key;
use crate::model::{HostId, NetworkId, PortId};
pub(crate) use policy::class_of;
pub(super) use policy::{PolicyIndex, TouchedRules};

/// What the compile functions ask of model and facts and would be slow to find there.
///
/// A function of model and facts, kept up with every change of them.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Network → hosts that serve a port of it → how many ports.
    members: FxHashMap<NetworkId, BTreeMap<HostId, usize>>,
    /// Host → networks that it serves a port of.
    networks: FxHashMap<HostId, BTreeSet<NetworkId>>,
    /// Ports of a network that are plugged into the host that serves them.
    plugged: FxHashMap<(HostId, NetworkId), Parts>,
    /// Ethernet address of an allowed address pair → served ports that name it.
    pair_macs: FxHashMap<(NetworkId, MacAddr), BTreeSet<(Key, PortId)>>,
    /// Tunnel address → hosts that say it is theirs.
    tunnel_ips: FxHashMap<IpAddr, BTreeSet<Key>>,
    /// Of security groups.
    pub(super) policy: PolicyIndex,
}

impl Index {
    /// One more port of `network` is served by `host`. True when it is the first.
    pub(super) fn add_member(&mut self, network: NetworkId, host: HostId) -> bool {
        let count = self.members.entry(network).or_default().entry(host).or_default();
        *count += 1;
        self.networks.entry(host).or_default().insert(network);
        *count == 1
    }

    /// One port fewer. True when it was the last.
    pub(super) fn remove_member(&mut self, network: NetworkId, host: HostId) -> bool {
        let Some(hosts) = self.members.get_mut(&network) else { return false };
        let Some(count) = hosts.get_mut(&host) else { return false };
        *count -= 1;
        let last = *count == 0;
        if last {
            hosts.remove(&host);
            if hosts.is_empty() {
                self.members.remove(&network);
            }
            remove_from_set(&mut self.networks, &host, &network);
        }
        last
    }

    /// The hosts that serve a port of `network`.
    pub(super) fn hosts_of(&self, network: NetworkId) -> impl Iterator<Item = HostId> + '_ {
        self.members.get(&network).into_iter().flat_map(|hosts| hosts.keys().copied())
    }

    /// True when `host` serves a port of `network`.
    pub(super) fn is_member(&self, network: NetworkId, host: HostId) -> bool {
        self.members.get(&network).is_some_and(|hosts| hosts.contains_key(&host))
    }

    /// The networks that `host` serves a port of.
    pub(super) fn networks_of(&self, host: HostId) -> impl Iterator<Item = NetworkId> + '_ {
        self.networks.get(&host).into_iter().flat_map(|networks| networks.iter().copied())
    }

    /// A served port is plugged, or not.
    pub(super) fn plug(
        &mut self,
        host: HostId,
        network: NetworkId,
        port: Key,
        plugged: bool,
    ) -> Touched {
        let parts = self.plugged.entry((host, network)).or_default();
        let touched = parts.set(port, plugged);
        if parts.is_empty() {
            self.plugged.remove(&(host, network));
        }
        touched
    }

    /// The parts of the ports of `network` that are plugged into `host`.
    pub(super) fn parts(&self, host: HostId, network: NetworkId) -> Vec<Part> {
        self.plugged.get(&(host, network)).map(Parts::parts).unwrap_or_default()
    }

    /// The ports in one part.
    pub(super) fn plugged(&self, host: HostId, network: NetworkId, part: Part) -> Vec<Key> {
        self.plugged.get(&(host, network)).map(|parts| parts.keys(part)).unwrap_or_default()
    }

    /// A served port names `mac` in its allowed address pairs.
    pub(super) fn name_mac(&mut self, network: NetworkId, mac: MacAddr, port: (Key, PortId)) {
        self.pair_macs.entry((network, mac)).or_default().insert(port);
    }

    /// It does so no more.
    pub(super) fn unname_mac(&mut self, network: NetworkId, mac: MacAddr, port: (Key, PortId)) {
        remove_from_set(&mut self.pair_macs, &(network, mac), &port);
    }

    /// The port that answers for `mac` as an address of allowed address pairs: of those that name
    /// it the one with the lowest key.
    pub(super) fn first_naming(&self, network: NetworkId, mac: MacAddr) -> Option<(Key, PortId)> {
        self.pair_macs.get(&(network, mac)).and_then(BTreeSet::first).copied()
    }

    /// A host has this tunnel address.
    pub(super) fn add_tunnel_ip(&mut self, ip: IpAddr, host: Key) {
        self.tunnel_ips.entry(ip).or_default().insert(host);
    }

    /// A host has it no more.
    pub(super) fn remove_tunnel_ip(&mut self, ip: IpAddr, host: Key) {
        remove_from_set(&mut self.tunnel_ips, &ip, &host);
    }

    /// The hosts that have this tunnel address: one, unless somebody made a mistake.
    pub(super) fn hosts_at(&self, ip: IpAddr) -> impl Iterator<Item = Key> + '_ {
        self.tunnel_ips.get(&ip).into_iter().flat_map(|hosts| hosts.iter().copied())
    }
}

/// True when the value was there.
fn remove_from_set<K, V>(map: &mut FxHashMap<K, BTreeSet<V>>, key: &K, value: &V) -> bool
where
    K: Eq + std::hash::Hash,
    V: Ord,
{
    let Some(set) = map.get_mut(key) else { return false };
    let removed = set.remove(value);
    if set.is_empty() {
        map.remove(key);
    }
    removed
}
