use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use expect_test::Expect;
use openflow::PortNo;

use crate::block::BlockId;
use crate::compile::Compiler;
use crate::facts::HostFacts;
use crate::key::Key;
use crate::model::{
    AddressGroup, AddressGroupId, AllowedAddressPair, Change, FixedIp, Host, HostId, Meta, Network,
    NetworkId, Port, PortId, Profile, ProfileId, ProjectId, Resource, ResourceId, Rule, RuleId,
    SecurityGroup, SecurityGroupId, Segment, SubnetId, Traffic,
};
use crate::pipeline::{Table, TableNames};

/// A compiler and what it was told. Objects are named by their keys.
pub(crate) struct World {
    pub(crate) compiler: Compiler,
    facts: BTreeMap<u32, HostFacts>,
}

pub(crate) fn key(number: u32) -> Key {
    Key::new(number).unwrap()
}

pub(crate) fn host_id(number: u32) -> HostId {
    HostId(uuid::Uuid::from_u128(number.into()))
}

pub(crate) fn network_id(number: u32) -> NetworkId {
    NetworkId(uuid::Uuid::from_u128(number.into()))
}

pub(crate) fn group_id(number: u32) -> SecurityGroupId {
    SecurityGroupId(uuid::Uuid::from_u128(number.into()))
}

pub(crate) fn port_id(number: u32) -> PortId {
    PortId(uuid::Uuid::from_u128(number.into()))
}

fn meta(number: u32, name: String) -> Meta {
    Meta { revision: 1, ..Meta::new(key(number), name) }
}

pub(crate) fn vxlan(vni: u32) -> Segment {
    Segment::Vxlan { vni: vni.try_into().unwrap() }
}

pub(crate) fn vlan(physical_network: &str, vlan: u32) -> Segment {
    Segment::Vlan { physical_network: physical_network.into(), vlan: vlan.try_into().unwrap() }
}

pub(crate) fn flat(physical_network: &str) -> Segment {
    Segment::Flat { physical_network: physical_network.into() }
}

/// `fa:16:3e:00:00:NN`, `10.0.0.NN`, secured, nowhere.
pub(crate) fn port(number: u32, network: u32) -> Port {
    Port {
        id: port_id(number),
        meta: meta(number, format!("port-{number}")),
        project: ProjectId(uuid::Uuid::nil()),
        network: network_id(network),
        mac: u64::from(0x3e00_0000 | number).wrapping_add(0xfa16_0000_0000).into(),
        fixed_ips: vec![fixed_ip(&format!("10.0.{}.{}", number >> 8, number & 0xff))],
        allowed_address_pairs: vec![],
        port_security: true,
        security_groups: BTreeSet::new(),
        admin_up: true,
        requested_host: None,
        bound_host: None,
    }
}

pub(crate) fn fixed_ip(ip: &str) -> FixedIp {
    FixedIp { subnet: SubnetId(uuid::Uuid::nil()), ip: ip.parse().unwrap() }
}

pub(crate) fn pair(prefix: &str, mac: Option<&str>) -> AllowedAddressPair {
    AllowedAddressPair { prefix: prefix.parse().unwrap(), mac: mac.map(|mac| mac.parse().unwrap()) }
}

impl World {
    pub(crate) fn new() -> Self {
        Self { compiler: Compiler::new(), facts: BTreeMap::new() }
    }

    /// `host` has this tunnel address, a tunnel port 1 and an uplink 2 to `external`.
    pub(crate) fn host(mut self, number: u32, tunnel_ip: &str) -> Self {
        self.put_host(number, tunnel_ip);
        let facts = HostFacts {
            vxlan_port: Some(PortNo(1)),
            uplinks: [("external".to_owned(), PortNo(2))].into(),
            ports: BTreeMap::new(),
        };
        self.set_facts(number, facts);
        self
    }

    pub(crate) fn put_host(&mut self, number: u32, tunnel_ip: &str) {
        let host = Host {
            id: host_id(number),
            meta: meta(number, format!("host-{number}")),
            system_id: None,
            tunnel_ip: (!tunnel_ip.is_empty()).then(|| tunnel_ip.parse().unwrap()),
            bridge_mappings: BTreeMap::new(),
            datapath_id: None,
            ovs_version: String::new(),
            ovsdb_target: None,
        };
        self.compiler.apply(&Change::Put(Resource::Host(Arc::new(host))));
    }

    pub(crate) fn set_facts(&mut self, number: u32, facts: HostFacts) {
        self.facts.insert(number, facts.clone());
        self.compiler.set_facts(host_id(number), facts);
    }

    pub(crate) fn network(mut self, number: u32, segment: Segment) -> Self {
        self.put_network(number, segment);
        self
    }

    pub(crate) fn put_network(&mut self, number: u32, segment: Segment) {
        let network = Network {
            id: network_id(number),
            meta: meta(number, format!("network-{number}")),
            project: ProjectId(uuid::Uuid::nil()),
            segment,
            mtu: 1450,
            shared: false,
            port_security: true,
        };
        self.compiler.apply(&Change::Put(Resource::Network(Arc::new(network))));
    }

    /// `port` is bound to `host`, and plugged there as its key and 10.
    pub(crate) fn port(mut self, host: u32, port: Port) -> Self {
        self.plug(host, port);
        self
    }

    pub(crate) fn plug(&mut self, host: u32, port: Port) {
        let mut facts = self.facts[&host].clone();
        facts.ports.insert(port.id, PortNo(10 + port.meta.key.get()));
        self.set_facts(host, facts);
        self.put_port(Port { bound_host: Some(host_id(host)), ..port });
    }

    /// A port with port security brings its profile.
    pub(crate) fn put_port(&mut self, port: Port) {
        if port.port_security && self.compiler.model().profile_of(&port).is_none() {
            let number = 1 + self.compiler.model().profiles().len() as u32;
            let profile = Profile {
                id: ProfileId::of(key(number)),
                meta: meta(number, String::new()),
                groups: port.security_groups.clone(),
            };
            self.compiler.apply(&Change::Put(Resource::Profile(Arc::new(profile))));
        }
        self.compiler.apply(&Change::Put(Resource::Port(Arc::new(port))));
    }

    /// A security group with these rules, the first of which has key `10 * number`.
    pub(crate) fn group(mut self, number: u32, stateful: bool, rules: &[Traffic]) -> Self {
        self.put_group(number, stateful, rules);
        self
    }

    pub(crate) fn put_group(&mut self, number: u32, stateful: bool, rules: &[Traffic]) {
        let rule = |(key, &allows): (u32, &Traffic)| Rule {
            id: RuleId(uuid::Uuid::from_u128(key.into())),
            key: self::key(key),
            description: String::new(),
            allows,
            log: false,
        };
        let rules = (10 * number..).zip(rules).map(rule).collect();
        self.put_security_group(SecurityGroup {
            id: group_id(number),
            meta: meta(number, format!("group-{number}")),
            project: ProjectId(uuid::Uuid::nil()),
            stateful,
            default: false,
            rules,
        });
    }

    pub(crate) fn put_security_group(&mut self, group: SecurityGroup) {
        self.compiler.apply(&Change::Put(Resource::SecurityGroup(Arc::new(group))));
    }

    pub(crate) fn address_group(mut self, number: u32, prefixes: &[&str]) -> Self {
        let group = AddressGroup {
            id: AddressGroupId(uuid::Uuid::from_u128(number.into())),
            meta: meta(number, format!("addresses-{number}")),
            project: ProjectId(uuid::Uuid::nil()),
            prefixes: prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect(),
        };
        self.compiler.apply(&Change::Put(Resource::AddressGroup(Arc::new(group))));
        self
    }

    pub(crate) fn delete(&mut self, id: ResourceId) {
        self.compiler.apply(&Change::Delete(id));
    }

    /// The flows of some blocks, in some tables.
    #[track_caller]
    pub(crate) fn check(mut self, blocks: &[BlockId], tables: &[Table], expect: Expect) {
        self.compiler.flush();
        let mut lines = Vec::new();
        for block in blocks {
            let flows = self.compiler.block(*block).expect("the block exists").flows();
            let mut flows: Vec<_> = flows.map(|flow| &flow.flow).collect();
            flows.sort_by_key(|flow| (flow.table, std::cmp::Reverse(flow.priority)));
            let shown = |table| tables.is_empty() || tables.iter().any(|t| t.number() == table);
            let flows = flows.into_iter().filter(|flow| shown(flow.table));
            lines.extend(flows.map(|flow| format!("{}\n", flow.display().with_names(&TableNames))));
        }
        expect.assert_eq(&lines.concat());
    }
}
