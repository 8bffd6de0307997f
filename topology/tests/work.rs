//! What a change costs: counted, not timed. It does not grow with the network.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use openflow::{Flow, MacAddr, PortNo};
use topology::compile::{Compiler, Work};
use topology::cookie::{BlockKind, Cookie};
use topology::facts::HostFacts;
use topology::key::Key;
use topology::model::{
    Change, Direction, Ethertype, FixedIp, Host, HostId, Meta, Network, NetworkId, Port, PortId,
    PortRange, Profile, ProfileId, ProjectId, Remote, Resource, ResourceId, Rule, RuleId,
    SecurityGroup, SecurityGroupId, Segment, SubnetId, Traffic,
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
        assert!(cost.work.reported <= 1, "{what}: {cost:?}");
        assert!(cost.changed_flows <= 40, "{what}: {cost:?}");
    }
}

#[test]
fn what_a_member_or_a_rule_costs_does_not_depend_on_how_many_there_are() {
    let [few, many] = [30, 900].map(policy_costs);
    assert_eq!(few, many);
    for (what, cost) in few {
        assert!(cost.work.fragments <= 9, "{what}: {cost:?}");
        assert!(cost.work.flows <= 60, "{what}: {cost:?}");
    }
}

/// What it costs to change a group that has itself as remote and `ports` members.
fn policy_costs(ports: u32) -> Vec<(&'static str, Cost)> {
    let own = Remote::Group(group_id(1));
    let mut compiler = fleet(ports, &[tcp(22, Remote::Any), tcp(80, own)]);
    let mut costs = Vec::new();
    let new = port(ports + 1, 1);
    put(&mut compiler, new.clone());
    costs.push(("new member", cost(&mut compiler)));
    put(&mut compiler, Port { fixed_ips: vec![address(ports + 2)], ..new.clone() });
    costs.push(("other address", cost(&mut compiler)));
    put(&mut compiler, Port { security_groups: BTreeSet::new(), ..new });
    costs.push(("left the group", cost(&mut compiler)));
    put_group(&mut compiler, &[tcp(22, Remote::Any), tcp(80, own), tcp(443, own)]);
    costs.push(("new rule", cost(&mut compiler)));
    put_group(&mut compiler, &[tcp(22, Remote::Any), tcp(80, own)]);
    costs.push(("rule gone", cost(&mut compiler)));
    costs
}

#[test]
fn flows_of_policy_on_a_host() {
    let any = |direction, ethertype| Traffic::any(direction, ethertype);
    let own = Remote::Group(group_id(1));
    let office = Remote::Prefix("198.51.100.0/24".parse().unwrap());
    let ranges = |first, last, remote| Traffic {
        ports: Some(PortRange { first, last }),
        ..tcp(first, remote)
    };
    let few = [
        any(Direction::Egress, Ethertype::Ipv4),
        any(Direction::Egress, Ethertype::Ipv6),
        Traffic { remote: own, ..any(Direction::Ingress, Ethertype::Ipv4) },
        Traffic { remote: own, ..any(Direction::Ingress, Ethertype::Ipv6) },
        tcp(22, office),
        tcp(80, Remote::Any),
        tcp(443, Remote::Any),
        Traffic { protocol: Some(17), ..tcp(53, Remote::Any) },
        Traffic { protocol: Some(1), ports: None, ..tcp(0, Remote::Any) },
        ranges(8000, 8999, office),
    ];
    // Every second rule is of a range: no two are neighbours, so that nothing can be united.
    let many: Vec<Traffic> = (0..200)
        .map(|number| match (2000 + number * 8, number % 2) {
            (port, 0) => tcp(port, own),
            (port, _) => ranges(port, port + 3, own),
        })
        .collect();
    let cases = [("1,000 members, 10 rules", 1000, 20, &few[..]), ("100, 200", 100, 5, &many)];
    let mut table = String::new();
    let mut totals = Vec::new();
    for (what, ports, hosts, rules) in cases {
        let compiler = fleet_on(ports, hosts, rules);
        let flows: Vec<_> = compiler.desired(host_id(1)).map(|flow| flow.flow.clone()).collect();
        let in_tables = |tables: &[std::ops::RangeInclusive<u8>]| {
            let of_policy = |flow: &&Flow| tables.iter().any(|range| range.contains(&flow.table));
            flows.iter().filter(of_policy).count()
        };
        let of_kind =
            |kind| flows.iter().filter(|flow| Cookie(flow.cookie).kind() == Some(kind)).count();
        // But for addresses, which are looked up for ARP whether or not there are groups.
        let policy = in_tables(&[30..=35, 80..=85, 100..=101, 104..=105]);
        let [members, rules] = [BlockKind::GroupMembers, BlockKind::Profile].map(of_kind);
        let ports = ports / hosts;
        table += &format!("{what}, {ports} ports here: {members} + {rules} + rest = {policy}\n");
        totals.push(policy);
    }
    expect_test::expect![[r#"
        1,000 members, 10 rules, 50 ports here: 1 + 34 + rest = 453
        100, 200, 20 ports here: 1 + 402 + rest = 611
    "#]]
    .assert_eq(&table);
    // What is asked of it: 500, and 4 for every rule; for members nothing beside their addresses.
    assert!(totals[0] <= 500, "{totals:?}");
    assert!(totals[1] <= 4 * 200, "{totals:?}");
}

/// `ports` members of one group with these rules, over the hosts.
fn fleet(ports: u32, rules: &[Traffic]) -> Compiler {
    fleet_on(ports, HOSTS, rules)
}

fn fleet_on(ports: u32, hosts: u32, rules: &[Traffic]) -> Compiler {
    let mut compiler = Compiler::new();
    compiler.apply(&Change::Put(Resource::Network(Arc::new(network()))));
    put_group(&mut compiler, rules);
    for (key, groups) in [(1, BTreeSet::from([group_id(1)])), (2, BTreeSet::new())] {
        put_profile(&mut compiler, key, groups);
    }
    for number in 1..=hosts {
        compiler.apply(&Change::Put(Resource::Host(Arc::new(host(number)))));
    }
    for number in 1..=ports {
        put(&mut compiler, port(number, 1 + number % hosts));
    }
    for number in 1..=hosts {
        compiler.set_facts(host_id(number), facts(ports + 1));
    }
    compiler.flush();
    compiler
}

/// What it costs to do this and that with a port on a network of `ports` others.
fn costs(ports: u32) -> Vec<(&'static str, Cost)> {
    let mut compiler = fleet(ports, &[]);
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
    compiler.set_facts(host_id(2), facts(ports + 1));
    cost(&mut compiler);
    for (what, number) in
        [("renumbered", Some(60_000)), ("unplugged", None), ("plugged", Some(60_001))]
    {
        compiler.set_port(host_id(2), new.id, number.map(PortNo));
        costs.push((what, cost(&mut compiler)));
    }
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

fn put_profile(compiler: &mut Compiler, key: u32, groups: BTreeSet<SecurityGroupId>) {
    let profile = Profile { id: ProfileId::of(meta(key).key), meta: meta(key), groups };
    compiler.apply(&Change::Put(Resource::Profile(Arc::new(profile))));
}

/// Group 1 has these rules.
fn put_group(compiler: &mut Compiler, rules: &[Traffic]) {
    let rule = |(key, &allows): (u32, &Traffic)| Rule {
        id: RuleId(Uuid::from_u128(key.into())),
        key: Key::new(key).unwrap(),
        description: String::new(),
        allows,
        log: false,
    };
    let group = SecurityGroup {
        id: group_id(1),
        meta: meta(1),
        project: ProjectId(Uuid::nil()),
        stateful: true,
        default: false,
        rules: (1..).zip(rules).map(rule).collect(),
    };
    compiler.apply(&Change::Put(Resource::SecurityGroup(Arc::new(group))));
}

/// TCP over IPv4 to a port of a member, from `remote`.
fn tcp(port: u16, remote: Remote) -> Traffic {
    Traffic {
        protocol: Some(6),
        ports: Some(PortRange { first: port, last: port }),
        remote,
        ..Traffic::any(Direction::Ingress, Ethertype::Ipv4)
    }
}

fn group_id(number: u32) -> SecurityGroupId {
    SecurityGroupId(Uuid::from_u128(number.into()))
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
        tunnel_ip: Some(Ipv4Addr::new(192, 0, 2, number as u8).into()),
        ..Host::new(host_id(number), meta(number))
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
        security_groups: BTreeSet::from([group_id(1)]),
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
    Meta::new(Key::new(key).unwrap(), format!("object-{key}"))
}
