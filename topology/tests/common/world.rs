//! A random model, of the sort that intent validation lets through.
//!
//! An [`Op`] speaks of small numbers ("port 3, on network 1, with the second MAC"), and
//! [`World::apply`] makes of it what is allowed in the state at hand: a MAC that is taken is not
//! taken again, a network that is in use is emptied before it goes. So any list of operations is a
//! valid history, and the shortest failing list is as good as the longest.

mod policy;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use openflow::PortNo;
use topology::compile::{Compiler, Outcome};
use topology::facts::HostFacts;
use topology::key::{Key, Kind};
use topology::model::{
    AllowedAddressPair, Change, FixedIp, Host, HostId, Meta, Model, Network, Port, PortId, Project,
    Resource, ResourceId, Segment, Subnet,
};

use super::history::{Interfaces, Op, PortSpec, SegmentKind};
use super::universe::{
    ADDRESSES, MACS, PHYSICAL, PORTS, PROJECT, SUBNETS, Tunnel, address, cidr, host_id, mac,
    network_id, pair_mac, pair_prefix, port_id, subnet_id, tunnel_ip, vlan, vni,
};

/// One step that a compiler is told of.
#[derive(Clone, Debug)]
enum Step {
    Change(Change),
    Facts(HostId, HostFacts),
    /// Only what has become of some ports, one after the other.
    Ports(HostId, Vec<(PortId, Option<PortNo>)>),
}

/// The present state.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) model: Model,
    /// What each connected host last reported.
    pub(crate) facts: BTreeMap<HostId, HostFacts>,
    interfaces: BTreeMap<u8, Interfaces>,
    /// The last key given out, for each kind: keys are not used again.
    keys: BTreeMap<Kind, u32>,
}

impl World {
    /// Lets some operations happen, as one commit, and has a compiler follow: it is told of the changes of the
    /// model first, or of the facts first.
    pub(crate) fn advance(
        &mut self,
        ops: &[Op],
        facts_first: bool,
        compiler: &mut Compiler,
    ) -> Outcome {
        for step in self.apply(ops, facts_first) {
            match step {
                Step::Change(change) => {
                    compiler.apply(&change);
                }
                Step::Facts(host, facts) => compiler.set_facts(host, facts),
                Step::Ports(host, ports) => {
                    ports
                        .into_iter()
                        .for_each(|(port, number)| compiler.set_port(host, port, number));
                }
            }
        }
        compiler.flush()
    }

    /// The changes of the model that some operations come to, in the state at hand; nothing
    /// happens.
    #[allow(dead_code, reason = "not every test asks for it")]
    pub(crate) fn changes(&self, ops: &[Op]) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut world = self.clone();
        ops.iter().for_each(|op| world.happen(op, &mut changes));
        changes
    }

    fn apply(&mut self, ops: &[Op], facts_first: bool) -> Vec<Step> {
        let mut changes = Vec::new();
        if self.model.projects().is_empty() {
            let meta = self.meta(Kind::Project, "tenant");
            self.put(Resource::Project(Arc::new(Project { id: PROJECT, meta })), &mut changes);
            self.open_group(&mut changes);
        }
        for op in ops {
            self.happen(op, &mut changes);
        }
        // A host that is forgotten takes its facts with it: what is reported comes later.
        let forgets = |change: &Change| matches!(change, Change::Delete(ResourceId::Host(_)));
        let forgotten = changes.iter().rposition(forgets).map_or(0, |last| last + 1);
        let at = if facts_first { forgotten } else { changes.len() };
        let mut steps: Vec<_> = changes.into_iter().map(Step::Change).collect();
        steps.splice(at..at, self.report());
        steps
    }

    fn happen(&mut self, op: &Op, changes: &mut Vec<Change>) {
        match op {
            Op::Host { host, tunnel, mappings } => self.host(*host, *tunnel, *mappings, changes),
            Op::RemoveHost { host } => {
                let id = host_id(*host);
                for port in self.ports(|port| port.bound_host == Some(id)) {
                    self.put_port(Port { bound_host: None, ..port }, changes);
                }
                self.interfaces.remove(host);
                self.facts.remove(&id);
                self.delete(ResourceId::Host(id), changes);
            }
            Op::Facts { host, facts } => {
                if self.model.host(host_id(*host)).is_some() {
                    self.interfaces.insert(*host, facts.clone());
                }
            }
            Op::Network { network, segment } => self.network(*network, *segment, changes),
            Op::RemoveNetwork { network } => {
                let id = network_id(*network);
                for port in self.ports(|port| port.network == id) {
                    self.delete_port(port.id, changes);
                }
                for subnet in 0..SUBNETS {
                    self.delete(ResourceId::Subnet(subnet_id(*network, subnet)), changes);
                }
                self.delete(ResourceId::Network(id), changes);
            }
            Op::Subnet { network, subnet } => self.subnet(*network, *subnet, changes),
            Op::RemoveSubnet { network, subnet } => {
                let id = subnet_id(*network, *subnet);
                let holds = |port: &Port| port.fixed_ips.iter().any(|fixed| fixed.subnet == id);
                for mut port in self.ports(holds) {
                    port.fixed_ips.retain(|fixed| fixed.subnet != id);
                    self.put_port(port, changes);
                }
                self.delete(ResourceId::Subnet(id), changes);
            }
            Op::Port { port, spec } => self.port(*port, spec, changes),
            Op::Bind { port, host } => {
                if let Some(port) = self.model.port(port_id(*port)).map(|port| Port::clone(port)) {
                    let bound_host = self.present_host(*host);
                    self.put_port(Port { bound_host, ..port }, changes);
                }
            }
            Op::RemovePort { port } => self.delete_port(port_id(*port), changes),
            Op::Group { group, rules } => self.group(*group, rules, changes),
            Op::AddRule { group, rule } => self.add_rule(*group, rule, changes),
            Op::RemoveRule { group, rule } => self.remove_rule(*group, *rule, changes),
            Op::RemoveGroup { group } => self.remove_group(*group, changes),
            Op::AddressGroup { group, prefixes } => self.address_group(*group, *prefixes, changes),
            Op::RemoveAddressGroup { group } => self.remove_address_group(*group, changes),
        }
    }

    fn host(&mut self, host: u8, tunnel: Tunnel, mappings: [bool; 2], changes: &mut Vec<Change>) {
        let name = format!("host-{host}");
        let id = host_id(host);
        let old = self.model.host(id).map(|host| host.meta.clone());
        let meta = old.unwrap_or_else(|| self.meta(Kind::Host, &name));
        let mapped = PHYSICAL.iter().zip(mappings).filter(|(_, mapped)| *mapped);
        let host = Host {
            id,
            meta,
            system_id: Some(name),
            tunnel_ip: tunnel_ip(host, tunnel),
            bridge_mappings: mapped.map(|(name, _)| ((*name).into(), "br-ex".into())).collect(),
            datapath_id: Some(u64::from(host) + 1),
            ovs_version: "3.1.0".into(),
            ovsdb_target: None,
        };
        self.put(Resource::Host(Arc::new(host)), changes);
    }

    fn network(&mut self, network: u8, kind: SegmentKind, changes: &mut Vec<Change>) {
        let id = network_id(network);
        let old = self.model.network(id).map(|network| Network::clone(network));
        let segment = match (&old, kind) {
            (Some(old), _) => old.segment.clone(),
            (None, SegmentKind::Vxlan) => Segment::Vxlan { vni: vni(network).try_into().unwrap() },
            (None, SegmentKind::Vlan { physical }) => Segment::Vlan {
                physical_network: PHYSICAL[usize::from(physical)].into(),
                vlan: u32::from(vlan(network)).try_into().unwrap(),
            },
            (None, SegmentKind::Flat { physical }) => {
                let physical_network = PHYSICAL[usize::from(physical)];
                if self.model.network_by_physical(physical_network, None).is_some() {
                    return;
                }
                Segment::Flat { physical_network: physical_network.into() }
            }
        };
        let mtu = old.as_ref().map_or(1450, |old| old.mtu - 1);
        let meta = old.map(|old| old.meta);
        let meta = meta.unwrap_or_else(|| self.meta(Kind::Network, &format!("net-{network}")));
        let network = Network {
            id,
            meta,
            project: PROJECT,
            segment,
            mtu,
            shared: false,
            port_security: true,
        };
        self.put(Resource::Network(Arc::new(network)), changes);
    }

    fn subnet(&mut self, network: u8, subnet: u8, changes: &mut Vec<Change>) {
        let id = subnet_id(network, subnet);
        let network_id = network_id(network);
        if self.model.network(network_id).is_none() || self.model.subnet(id).is_some() {
            return;
        }
        let subnet = Subnet {
            id,
            meta: self.meta(Kind::Subnet, &format!("subnet-{network}-{subnet}")),
            project: PROJECT,
            network: network_id,
            cidr: cidr(subnet),
            gateway: None,
            allocation_pools: Vec::new(),
            dns_nameservers: Vec::new(),
            host_routes: Vec::new(),
            dhcp: false,
        };
        self.put(Resource::Subnet(Arc::new(subnet)), changes);
    }

    fn port(&mut self, port: u8, spec: &PortSpec, changes: &mut Vec<Change>) {
        let id = port_id(port);
        let old = self.model.port(id).map(|port| Port::clone(port));
        let networks: Vec<_> = self.model.networks().keys().copied().collect();
        let network = old.as_ref().map(|old| old.network).or(pick(&networks, spec.network));
        let Some(network) = network else { return };
        let is_free = |holder: Option<PortId>| holder.is_none_or(|holder| holder == id);
        // Of MACs and addresses the one that is wished for, or the next that is free.
        let mac = (0..MACS)
            .map(|further| mac((spec.mac + further) % MACS))
            .find(|mac| is_free(self.model.port_by_mac(network, *mac)));
        let Some(mac) = mac else { return };
        let mut fixed_ips: Vec<FixedIp> = Vec::new();
        for &(subnet, number) in &spec.addresses {
            let mut subnets = self.model.subnets_of(network);
            let Some(subnet) = subnets.find(|s| s.cidr == cidr(subnet)) else { continue };
            let fixed = (0..ADDRESSES).map(|further| {
                let number = (number + further) % ADDRESSES;
                FixedIp { subnet: subnet.id, ip: address(subnet.cidr, number) }
            });
            fixed_ips.extend(fixed.into_iter().find(|fixed| {
                is_free(self.model.port_by_address(fixed.subnet, fixed.ip))
                    && !fixed_ips.contains(fixed)
            }));
        }
        let mut pairs: Vec<AllowedAddressPair> = Vec::new();
        for &(prefix, mac) in spec.pairs.iter().filter(|_| spec.security) {
            let pair = AllowedAddressPair { prefix: pair_prefix(prefix), mac: pair_mac(mac) };
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        let meta = old.map(|old| old.meta);
        let meta = meta.unwrap_or_else(|| self.meta(Kind::Port, &format!("port-{port}")));
        let port = Port {
            id,
            meta,
            project: PROJECT,
            network,
            mac,
            fixed_ips,
            allowed_address_pairs: pairs,
            port_security: spec.security,
            security_groups: self.groups_of(spec),
            admin_up: spec.admin_up,
            requested_host: None,
            bound_host: self.present_host(spec.host),
        };
        self.put_port(port, changes);
    }

    /// The facts that are other than what was last reported.
    fn report(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (&host, interfaces) in &self.interfaces {
            let facts = interfaces.facts(host, &self.model);
            if self.facts.get(&host_id(host)) != Some(&facts) {
                let before = self.facts.insert(host_id(host), facts.clone());
                steps.push(match before.and_then(|before| renumbered(&before, &facts)) {
                    Some(ports) => Step::Ports(host_id(host), ports),
                    None => Step::Facts(host_id(host), facts),
                });
            }
        }
        steps
    }

    /// The host of this number among those that there are, counted round.
    fn present_host(&self, host: Option<u8>) -> Option<HostId> {
        let hosts: Vec<_> = self.model.hosts().keys().copied().collect();
        host.and_then(|host| pick(&hosts, host))
    }

    fn ports(&self, which: impl Fn(&Port) -> bool) -> Vec<Port> {
        let ports = self.model.ports().values();
        ports.filter(|port| which(port)).map(|port| Port::clone(port)).collect()
    }

    /// Puts a port, and its profile before or after.
    fn put_port(&mut self, port: Port, changes: &mut Vec<Change>) {
        let port = Arc::new(port);
        let profile_first = port.meta.key.get().is_multiple_of(2);
        if profile_first {
            self.profile(&port, changes);
        }
        self.put(Resource::Port(port.clone()), changes);
        self.profile(&port, changes);
        self.drop_profiles(changes);
    }

    fn delete_port(&mut self, port: PortId, changes: &mut Vec<Change>) {
        self.delete(ResourceId::Port(port), changes);
        self.drop_profiles(changes);
    }

    fn put(&mut self, resource: Resource, changes: &mut Vec<Change>) {
        let change = Change::Put(resource);
        self.model.apply(&change);
        changes.push(change);
    }

    fn delete(&mut self, id: ResourceId, changes: &mut Vec<Change>) {
        if self.model.resource(id).is_some() {
            let change = Change::Delete(id);
            self.model.apply(&change);
            changes.push(change);
        }
    }

    fn meta(&mut self, kind: Kind, name: &str) -> Meta {
        let key = self.keys.entry(kind).or_default();
        *key += 1;
        Meta::new(Key::new(*key).unwrap(), name)
    }
}

/// What has become of the ports of a host, when nothing else it reports has changed.
fn renumbered(before: &HostFacts, after: &HostFacts) -> Option<Vec<(PortId, Option<PortNo>)>> {
    let ports = before.ports.keys().chain(after.ports.keys());
    let ports: BTreeSet<_> =
        ports.filter(|id| before.ports.get(id) != after.ports.get(id)).collect();
    let renumbered = ports.into_iter().map(|id| (*id, after.ports.get(id).copied())).collect();
    let rest = |facts: &HostFacts| (facts.vxlan_port, facts.uplinks.clone());
    (rest(before) == rest(after)).then_some(renumbered)
}

/// The item of this number, counted round.
fn pick<T: Copy>(items: &[T], number: u8) -> Option<T> {
    items.get(usize::from(number) % items.len().max(1)).copied()
}

impl Interfaces {
    fn facts(&self, host: u8, model: &Model) -> HostFacts {
        // 101 is prime: different slots have different numbers.
        let number = |slot: u8| {
            let factor = u32::from(self.numbering % 100) + 1;
            let count = if self.crowded { 7 } else { 101 };
            PortNo((u32::from(slot) * factor + u32::from(self.numbering)) % count + 1)
        };
        let plugged = |port: u8| {
            let here = model.port(port_id(port)).and_then(|port| port.bound_host);
            let bit = 1 << port;
            if here == Some(host_id(host)) {
                self.missing & bit == 0
            } else {
                self.left_over & bit != 0
            }
        };
        let uplinks = PHYSICAL.iter().zip(self.uplinks).zip(PORTS + 1..);
        HostFacts {
            vxlan_port: self.tunnel_port.then(|| number(PORTS)),
            uplinks: uplinks
                .filter(|((_, there), _)| *there)
                .map(|((name, _), slot)| ((*name).into(), number(slot)))
                .collect(),
            ports: (0..PORTS)
                .filter(|port| plugged(*port))
                .map(|port| (port_id(port), number(port)))
                .collect(),
        }
    }
}
