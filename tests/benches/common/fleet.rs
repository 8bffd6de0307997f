//! The model that is measured: ports over three hosts, or many, on one overlay network or more.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use openflow::{MacAddr, PortNo};
use topology::compile::Compiler;
use topology::facts::HostFacts;
use topology::key::Key;
use topology::model::{
    Change, FixedIp, Host, HostId, Meta, Model, Network, NetworkId, Port, PortId, Profile,
    ProfileId, Project, ProjectId, Resource, Segment, Subnet, SubnetId,
};
use uuid::Uuid;

/// OpenFlow port numbers of a host's ports begin here.
const FIRST_PORT: u32 = 10;

/// How many hosts, ports and networks. Objects are named by their keys, from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) hosts: u32,
    pub(crate) ports: u32,
    pub(crate) networks: u32,
}

impl Size {
    /// Three hosts, and so many ports and networks.
    pub(crate) const fn of_three(ports: u32, networks: u32) -> Self {
        Self { hosts: 3, ports, networks }
    }

    /// The network that a port is on: round robin, so that every host has ports of every network.
    pub(crate) fn network_of(self, port: u32) -> NetworkId {
        NetworkId(id(1 + port / self.hosts % self.networks))
    }

    /// The host that a port is on at first.
    pub(crate) fn host_of(self, port: u32) -> HostId {
        host_id(1 + port % self.hosts)
    }

    /// All hosts.
    pub(crate) fn host_ids(self) -> impl Iterator<Item = HostId> {
        (1..=self.hosts).map(host_id)
    }

    /// The model.
    pub(crate) fn model(self) -> Model {
        let mut model = Model::new();
        let project = Project { id: ProjectId(id(1)), meta: meta(1, "project") };
        put(&mut model, Resource::Project(project.into()));
        for host in 1..=self.hosts {
            put(&mut model, Resource::Host(host_of(host).into()));
        }
        for network in 1..=self.networks {
            put(&mut model, Resource::Network(network_of(network).into()));
            put(&mut model, Resource::Subnet(subnet_of(network).into()));
        }
        let key = Key::NONE.next();
        let (id, groups) = (ProfileId::of(key), BTreeSet::new());
        put(&mut model, Resource::Profile(Profile { id, meta: meta(1, "profile"), groups }.into()));
        for port in 1..=self.ports {
            let port = self.port(port, Some(self.host_of(port)));
            put(&mut model, Resource::Port(port.into()));
        }
        model
    }

    /// What the hosts report: every port is plugged where it is bound.
    pub(crate) fn facts(self) -> BTreeMap<HostId, HostFacts> {
        let mut facts: BTreeMap<HostId, HostFacts> = self
            .host_ids()
            .map(|host| (host, HostFacts::default()))
            .map(|(id, facts)| (id, HostFacts { vxlan_port: Some(PortNo(1)), ..facts }))
            .collect();
        for port in 1..=self.ports {
            let host = facts.entry(self.host_of(port)).or_default();
            host.ports.insert(port_id(port), port_number(port));
        }
        facts
    }

    /// Everything compiled.
    pub(crate) fn compiler(self) -> Compiler {
        let facts = self.facts();
        Compiler::full(&self.model(), facts.iter().map(|(&host, facts)| (host, facts)))
    }

    /// A secured port with one IPv4 address.
    pub(crate) fn port(self, key: u32, bound_host: Option<HostId>) -> Port {
        let network = self.network_of(key);
        let [_, b, c, d] = key.to_be_bytes();
        Port {
            id: port_id(key),
            meta: meta(key, "port"),
            project: ProjectId(id(1)),
            network,
            mac: MacAddr::new([0xfa, 0x16, 0x3e, b, c, d]),
            fixed_ips: vec![fixed_ip(network, Ipv4Addr::new(10, b, c, d).into())],
            allowed_address_pairs: Vec::new(),
            port_security: true,
            security_groups: BTreeSet::new(),
            admin_up: true,
            requested_host: None,
            bound_host,
        }
    }
}

/// A host's id.
pub(crate) fn host_id(key: u32) -> HostId {
    HostId(id(key))
}

/// A port's id. As random ones would, they spread over the range.
pub(crate) fn port_id(key: u32) -> PortId {
    PortId(Uuid::from_u128(u128::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)))
}

/// The OpenFlow number that a port has wherever it is plugged.
pub(crate) fn port_number(key: u32) -> PortNo {
    PortNo(FIRST_PORT + key)
}

fn id(key: u32) -> Uuid {
    Uuid::from_u128(key.into())
}

/// What every resource has.
pub(crate) fn meta(key: u32, kind: &str) -> Meta {
    let name = format!("{kind}-{key}");
    Meta::new(Key::new(key).expect("fleets have less than 16 million objects"), name)
}

/// An address of the network's only subnet.
pub(crate) fn fixed_ip(network: NetworkId, ip: IpAddr) -> FixedIp {
    FixedIp { subnet: SubnetId(network.0), ip }
}

fn host_of(key: u32) -> Host {
    Host {
        system_id: Some(id(key).to_string()),
        tunnel_ip: Some(IpAddr::from([192, 0, 2, key as u8])),
        datapath_id: Some(key.into()),
        ovs_version: "3.1.0".to_owned(),
        ..Host::new(host_id(key), meta(key, "host"))
    }
}

fn network_of(key: u32) -> Network {
    Network {
        id: NetworkId(id(key)),
        meta: meta(key, "network"),
        project: ProjectId(id(1)),
        segment: Segment::Vxlan {
            vni: (5_000 + key).try_into().expect("fleets have less VNIs than there are"),
        },
        mtu: 1450,
        shared: false,
        port_security: true,
    }
}

fn subnet_of(network: u32) -> Subnet {
    Subnet {
        id: SubnetId(id(network)),
        meta: meta(network, "subnet"),
        project: ProjectId(id(1)),
        network: NetworkId(id(network)),
        cidr: "10.0.0.0/8".parse().expect("a prefix"),
        gateway: None,
        allocation_pools: Vec::new(),
        dns_nameservers: Vec::new(),
        host_routes: Vec::new(),
        dhcp: false,
    }
}

fn put(model: &mut Model, resource: Resource) {
    model.apply(&Change::Put(resource));
}
