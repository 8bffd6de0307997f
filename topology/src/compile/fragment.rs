mod policy;

use openflow::Flow;

use super::emit::Emit;
use super::parts::Part;
use super::{Inputs, address, classify, flood, forward, guard, output, respond, vtep};
use crate::block::BlockId;
use crate::facts::HostFacts;
use crate::key::Key;
use crate::model::{Host, Network, Port, Segment};

impl Inputs {
    /// The flows that `member` gives rise to in `block`: a pure function of model and facts.
    pub(super) fn compile(&self, block: BlockId, member: Key) -> Vec<Flow> {
        let mut emit = Emit::new(block.owner());
        self.emit(&mut emit, block, member);
        emit.finish()
    }

    /// `None` when something that the fragment is about does not exist: then it has no flows.
    fn emit(&self, emit: &mut Emit, block: BlockId, member: Key) -> Option<()> {
        match block {
            BlockId::Vteps => self.vtep(emit, self.model.host_by_key(member)?),
            BlockId::Network(network) if member == Key::NONE => {
                self.network_shared(emit, self.model.network_by_key(network)?);
            }
            BlockId::Network(network) => {
                self.port_shared(
                    emit,
                    self.model.network_by_key(network)?,
                    self.model.port_by_key(member)?,
                );
            }
            BlockId::Profile(profile) => {
                self.profile(emit, self.model.profile_by_key(profile)?, member)?;
            }
            BlockId::GroupMembers(group) => {
                self.members(
                    emit,
                    self.model.security_group_by_key(group)?,
                    self.model.profile_by_key(member)?,
                );
            }
            BlockId::AddressGroup(group) => {
                super::policy::address_group(emit, self.model.address_group_by_key(group)?);
            }
            BlockId::HostBase(host) => {
                let (host, facts) = self.local(host)?;
                host_base(emit, host, facts);
            }
            BlockId::HostNetwork { host, network } => {
                let (host, facts) = self.local(host)?;
                let network = self.model.network_by_key(network)?;
                match Part::new(member) {
                    None => self.host_network(emit, host, facts, network),
                    Some(part) => {
                        let ports = self.index.plugged(host.id, network.id, part);
                        flood::to_ports(emit, network.meta.key, member, &ports);
                    }
                }
            }
            BlockId::HostPort { host, port } => {
                let (host, facts) = self.local(host)?;
                self.host_port(emit, host, facts, self.model.port_by_key(port)?)?;
            }
        }
        Some(())
    }

    /// Two hosts with one tunnel address are a mistake; the flow is the first one's then.
    fn vtep(&self, emit: &mut Emit, host: &Host) {
        if let Some(ip) = host.tunnel_ip
            && self.index.hosts_at(ip).next() == Some(host.meta.key)
        {
            vtep::known(emit, host.meta.key, ip);
        }
    }

    fn network_shared(&self, emit: &mut Emit, network: &Network) {
        let key = network.meta.key;
        match &network.segment {
            Segment::Vxlan { vni } => {
                let hosts = self.index.hosts_of(network.id);
                let hosts = hosts.filter_map(|host| self.model.host(host));
                let vteps = hosts.filter_map(|host| host.tunnel_ip).collect();
                vtep::vni(emit, key, *vni);
                forward::unknown_destination(emit, key);
                flood::vteps(emit, key, *vni, vteps);
            }
            Segment::Flat { .. } | Segment::Vlan { .. } => {
                forward::to_uplink(emit, key);
                flood::to_uplink(emit, key);
            }
        }
    }

    fn port_shared(&self, emit: &mut Emit, network: &Network, port: &Port) {
        let Some(host) = port.serving_host().filter(|_| port.network == network.id) else { return };
        let profile = self.model.profile_of(port).filter(|profile| !profile.groups.is_empty());
        let profile = profile.map(|profile| profile.meta.key);
        address::of_port(emit, network.meta.key, port, profile);
        self.member_pairs(emit, network, port);
        let vtep = self.model.host(host).and_then(|host| host.tunnel_ip);
        if let (Segment::Vxlan { vni }, Some(vtep)) = (&network.segment, vtep) {
            forward::to_vtep(emit, network.meta.key, port, *vni, vtep);
        }
        for mac in super::track::pair_macs(port) {
            let first = self.index.first_naming(network.id, mac).map(|(key, _)| key);
            if first == Some(port.meta.key) && forward::is_floating(&self.model, network.id, mac) {
                forward::floating(emit, network.meta.key, port.meta.key, mac);
            }
        }
    }

    fn host_network(&self, emit: &mut Emit, host: &Host, facts: &HostFacts, network: &Network) {
        let key = network.meta.key;
        let parts = self.index.parts(host.id, network.id);
        flood::here(emit, key, parts.into_iter().map(Part::number));
        if let Some(physical_network) = network.segment.physical_network() {
            let uplink = facts.uplinks.get(physical_network).copied();
            if let Some(uplink) = uplink {
                classify::from_uplink(emit, key, &network.segment, uplink);
            }
            output::to_uplink(emit, key, &network.segment, uplink);
        }
    }

    fn host_port(
        &self,
        emit: &mut Emit,
        host: &Host,
        facts: &HostFacts,
        port: &Port,
    ) -> Option<()> {
        let number = *facts.ports.get(&port.id)?;
        let network = self.model.network(port.network)?.meta.key;
        if port.serving_host() == Some(host.id) {
            let policy = self.port_policy(port, number)?;
            classify::from_port(emit, network, port.meta.key, number);
            guard::port(emit, port);
            super::policy::port(emit, port.meta.key, policy);
            forward::to_port(emit, network, port);
            output::to_port(emit, port.meta.key, number);
        }
        Some(())
    }
}

fn host_base(emit: &mut Emit, host: &Host, facts: &HostFacts) {
    classify::base(emit, facts);
    vtep::base(emit);
    guard::base(emit);
    respond::base(emit);
    address::base(emit);
    super::policy::base(emit);
    forward::base(emit);
    flood::base(emit);
    output::base(emit, host.tunnel_ip, facts.vxlan_port);
}
