//! What a change costs: counted, not timed. It does not grow with the network.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use openflow::{MacAddr, PortNo};
use topology::compile::{Compiler, Work};
use topology::facts::HostFacts;
use topology::key::Key;
use topology::model::{
    Change, FixedIp, Host, HostId, Meta, Network, NetworkId, Port, PortId, Profile, ProfileId,
    ProjectId, Resource, ResourceId, Segment, SubnetId, Timestamp,
};
use uuid::Uuid;

const HOSTS: u32 = 3;
const NETWORK: NetworkId = NetworkId(Uuid::from_u128(1));

/// Work and flows changed by one commit.
#[derive(Debug, Eq, PartialEq)]
struct Cost {
    work: Work,
    changed_flows: usize,
}

#[test]
fn what_a_port_costs_does_not_depend_on_how_many_there_are() {
    let [few, many] = [30, 900].map(costs);
    assert_eq!(few, many);
    for (what, cost) in few {
        assert!(cost.work.fragments <= 8, "{what}: {cost:?}");
        assert!(cost.changed_flows <= 40, "{what}: {cost:?}");
    }
}

/// What it costs to do this and that with a port on a network of `ports` others.
fn costs(ports: u32) -> Vec<(&'static str, Cost)> {
    let mut compiler = Compiler::new();
    compiler.apply(&Change::Put(Resource::Network(Arc::new(network()))));
    for host in 1..=HOSTS {
        compiler.apply(&Change::Put(Resource::Host(Arc::new(self::host(host)))));
    }
    let profile =
        Profile { id: ProfileId::of(meta(1).key), meta: meta(1), groups: BTreeSet::new() };
    compiler.apply(&Change::Put(Resource::Profile(Arc::new(profile))));
    for number in 1..=ports {
        put(&mut compiler, port(number, 1 + number % HOSTS));
    }
    for host in 1..=HOSTS {
        compiler.set_facts(host_id(host), facts(ports + 1));
    }
    compiler.flush();

    let new = port(ports + 1, 1);
    let readdressed = Port { fixed_ips: vec![address(ports + 2)], ..new.clone() };
    let moved = Port { bound_host: Some(host_id(2)), ..readdressed.clone() };
    let down = Port { admin_up: false, ..moved.clone() };
    let mut costs = Vec::new();
    for (what, port) in [("new", &new), ("readdressed", &readdressed), ("moved", &moved)] {
        put(&mut compiler, port.clone());
        costs.push((what, cost(&mut compiler)));
    }
    compiler.set_facts(host_id(2), HostFacts { ports: BTreeMap::new(), ..facts(ports + 1) });
    cost(&mut compiler);
    let mut renumbered = facts(ports + 1);
    compiler.set_facts(host_id(2), renumbered.clone());
    cost(&mut compiler);
    renumbered.ports.insert(new.id, PortNo(60_000));
    compiler.set_facts(host_id(2), renumbered);
    costs.push(("renumbered", cost(&mut compiler)));
    put(&mut compiler, down);
    costs.push(("down", cost(&mut compiler)));
    compiler.apply(&Change::Delete(ResourceId::Port(new.id)));
    costs.push(("deleted", cost(&mut compiler)));
    costs
}

fn cost(compiler: &mut Compiler) -> Cost {
    let versions = |compiler: &Compiler| -> BTreeMap<_, _> {
        let blocks = (1..=HOSTS).flat_map(|host| compiler.blocks_of(host_id(host)));
        blocks.filter_map(|id| Some((id, compiler.block(id)?.version()))).collect()
    };
    let before = versions(compiler);
    let outcome = compiler.flush();
    let changed = outcome.changed.iter().map(|id| {
        let block = compiler.block(*id).unwrap();
        let deltas = before.get(id).and_then(|version| block.since(*version));
        deltas.map_or(block.len(), |deltas| deltas.map(topology::block::Delta::len).sum())
    });
    Cost { work: outcome.work, changed_flows: changed.sum() }
}

fn put(compiler: &mut Compiler, port: Port) {
    compiler.apply(&Change::Put(Resource::Port(Arc::new(port))));
}

fn network() -> Network {
    let segment = Segment::Vxlan { vni: 5000.try_into().unwrap() };
    Network {
        id: NETWORK,
        meta: meta(1),
        project: ProjectId(Uuid::nil()),
        segment,
        mtu: 1450,
        shared: false,
        port_security: true,
    }
}

fn host(number: u32) -> Host {
    Host {
        id: host_id(number),
        meta: meta(number),
        system_id: None,
        tunnel_ip: Some(Ipv4Addr::new(192, 0, 2, number as u8).into()),
        bridge_mappings: BTreeMap::new(),
        datapath_id: None,
        ovs_version: String::new(),
        ovsdb_target: None,
    }
}

fn port(number: u32, host: u32) -> Port {
    let [_, a, b, c] = number.to_be_bytes();
    Port {
        id: port_id(number),
        meta: meta(number),
        project: ProjectId(Uuid::nil()),
        network: NETWORK,
        mac: MacAddr::new([0xfa, 0x16, 0x3e, a, b, c]),
        fixed_ips: vec![address(number)],
        allowed_address_pairs: Vec::new(),
        port_security: true,
        security_groups: BTreeSet::new(),
        admin_up: true,
        requested_host: None,
        bound_host: Some(host_id(host)),
    }
}

fn address(number: u32) -> FixedIp {
    let ip = Ipv4Addr::from_bits(u32::from_be_bytes([10, 0, 0, 0]) + number);
    FixedIp { subnet: SubnetId(Uuid::nil()), ip: ip.into() }
}

/// Every port's interface, on whichever host it is.
fn facts(ports: u32) -> HostFacts {
    HostFacts {
        vxlan_port: Some(PortNo(65_000)),
        uplinks: BTreeMap::new(),
        ports: (1..=ports).map(|number| (port_id(number), PortNo(number))).collect(),
    }
}

fn host_id(number: u32) -> HostId {
    HostId(Uuid::from_u128(u128::from(number)))
}

fn port_id(number: u32) -> PortId {
    PortId(Uuid::from_u128(u128::from(number)))
}

fn meta(key: u32) -> Meta {
    Meta {
        key: Key::new(key).unwrap(),
        name: format!("object-{key}"),
        description: String::new(),
        labels: BTreeMap::new(),
        created: Timestamp(0),
        updated: Timestamp(0),
        revision: 0,
    }
}
