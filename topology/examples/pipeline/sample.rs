//! Two hosts and a network between them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use openflow::{MacAddr, PortNo};
use topology::compile::Compiler;
use topology::facts::HostFacts;
use topology::key::Key;
use topology::model::{
    Change, Direction, Ethertype, FixedIp, Host, HostId, Meta, Network, NetworkId, Port, PortId,
    PortRange, Profile, ProfileId, ProjectId, Remote, Resource, Rule, RuleId, SecurityGroup,
    SecurityGroupId, Segment, SubnetId, Traffic,
};
use uuid::Uuid;

/// Where the tunnel port is on both hosts.
pub(crate) const TUNNEL: PortNo = PortNo(1);

/// A station on the network.
#[derive(Clone, Copy)]
pub(crate) struct Station {
    number: u32,
    name: &'static str,
    /// Its address.
    pub(crate) ip: Ipv4Addr,
    /// Where its interface is on its host.
    pub(crate) number_on_host: PortNo,
}

/// On host alpha.
pub(crate) const WEB: Station =
    Station { number: 1, name: "web", ip: Ipv4Addr::new(10, 0, 0, 11), number_on_host: PortNo(11) };

/// On host beta.
pub(crate) const DB: Station =
    Station { number: 2, name: "db", ip: Ipv4Addr::new(10, 0, 0, 12), number_on_host: PortNo(12) };

impl Station {
    pub(crate) fn mac(self) -> MacAddr {
        MacAddr::from(0xfa16_3e00_0000 | u64::from(self.number))
    }

    pub(crate) fn host(self) -> HostId {
        HostId(Uuid::from_u128(u128::from(self.number)))
    }

    pub(crate) fn address(self) -> (MacAddr, Ipv4Addr) {
        (self.mac(), self.ip)
    }
}

/// The TCP port that "db" serves.
pub(crate) const POSTGRES: u16 = 5432;

/// Network "blue", VNI 5001, with a station on each of the hosts "alpha" and "beta". Each is in a
/// security group of its own name: "web" may begin any connection of IPv4, "db" may be reached by
/// members of "web" on one TCP port.
pub(crate) fn compiler() -> Compiler {
    let mut compiler = Compiler::new();
    let mut put = |resource| compiler.apply(&Change::Put(resource));
    let network = NetworkId(Uuid::from_u128(1));
    put(Resource::Network(Arc::new(Network {
        id: network,
        meta: meta(1, "blue"),
        project: ProjectId(Uuid::nil()),
        segment: Segment::Vxlan { vni: 5001.try_into().expect("it is in range") },
        mtu: 1450,
        shared: false,
        port_security: true,
    })));
    let any = Traffic::any(Direction::Egress, Ethertype::Ipv4);
    let reach = Traffic {
        direction: Direction::Ingress,
        protocol: Some(6),
        ports: Some(PortRange { first: POSTGRES, last: POSTGRES }),
        remote: Remote::Group(group(WEB)),
        ..any
    };
    for (station, allows) in [(WEB, any), (DB, reach)] {
        put(Resource::SecurityGroup(Arc::new(security_group(station, allows))));
        put(Resource::Profile(Arc::new(Profile {
            id: ProfileId::of(meta(station.number, "").key),
            meta: meta(station.number, ""),
            groups: BTreeSet::from([group(station)]),
        })));
    }
    for (station, host) in [(WEB, "alpha"), (DB, "beta")] {
        let tunnel_ip = Ipv4Addr::new(192, 0, 2, station.ip.octets()[3]);
        put(Resource::Host(Arc::new(Host {
            tunnel_ip: Some(tunnel_ip.into()),
            ..Host::new(station.host(), meta(station.number, host))
        })));
        put(Resource::Port(Arc::new(port(station, network))));
    }
    for station in [WEB, DB] {
        let facts = HostFacts {
            vxlan_port: Some(TUNNEL),
            uplinks: BTreeMap::new(),
            ports: [(port(station, network).id, station.number_on_host)].into(),
        };
        compiler.set_facts(station.host(), facts);
    }
    compiler.flush();
    compiler
}

fn group(station: Station) -> SecurityGroupId {
    SecurityGroupId(Uuid::from_u128(u128::from(station.number)))
}

/// The group that only `station` is in, with one rule.
fn security_group(station: Station, allows: Traffic) -> SecurityGroup {
    let rule = Rule {
        id: RuleId(Uuid::from_u128(u128::from(station.number))),
        key: meta(station.number, "").key,
        description: String::new(),
        allows,
        log: false,
    };
    SecurityGroup {
        id: group(station),
        meta: meta(station.number, station.name),
        project: ProjectId(Uuid::nil()),
        stateful: true,
        default: false,
        rules: vec![rule],
    }
}

fn port(station: Station, network: NetworkId) -> Port {
    Port {
        id: PortId(Uuid::from_u128(u128::from(station.number))),
        meta: meta(station.number, station.name),
        project: ProjectId(Uuid::nil()),
        network,
        mac: station.mac(),
        fixed_ips: vec![FixedIp { subnet: SubnetId(Uuid::nil()), ip: station.ip.into() }],
        allowed_address_pairs: vec![],
        port_security: true,
        security_groups: BTreeSet::from([group(station)]),
        admin_up: true,
        requested_host: None,
        bound_host: Some(station.host()),
    }
}

fn meta(number: u32, name: &str) -> Meta {
    Meta::new(Key::new(number).expect("it has fewer than 24 bits"), name)
}
