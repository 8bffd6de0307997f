//! Random histories of a model: what happens, in what order.

use proptest::collection::vec;
use proptest::prelude::*;

use super::universe::{
    ADDRESSES, HOSTS, MACS, NETWORKS, PAIR_MACS, PAIR_PREFIXES, PORTS, SUBNETS, Tunnel,
};

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// A host appears, or reports another tunnel address or other bridge mappings.
    Host { host: u8, tunnel: Tunnel, mappings: [bool; 2] },
    /// A host is forgotten; its ports are unbound before.
    RemoveHost { host: u8 },
    /// A host's interfaces have other numbers, or are others.
    Facts { host: u8, facts: Interfaces },
    /// A network is created, or changed in what can change.
    Network { network: u8, segment: SegmentKind },
    /// A network is deleted, with all that is on it.
    RemoveNetwork { network: u8 },
    /// A subnet is created.
    Subnet { network: u8, subnet: u8 },
    /// A subnet is deleted; its ports give up their addresses before.
    RemoveSubnet { network: u8, subnet: u8 },
    /// A port is created, or changed.
    Port { port: u8, spec: PortSpec },
    /// A port is plugged elsewhere, or unplugged.
    Bind { port: u8, host: Option<u8> },
    /// A port is deleted.
    RemovePort { port: u8 },
}

/// Which interfaces a host has.
#[derive(Clone, Debug)]
pub(crate) struct Interfaces {
    /// Port numbers are a function of this.
    pub(crate) numbering: u8,
    /// There are fewer numbers than things that need one.
    pub(crate) crowded: bool,
    pub(crate) tunnel_port: bool,
    pub(crate) uplinks: [bool; 2],
    /// Ports bound here that OVSDB does not show yet, by bit.
    pub(crate) missing: u16,
    /// Ports not bound here whose interface is still there, by bit.
    pub(crate) left_over: u16,
}

/// The type of a network.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SegmentKind {
    Vxlan,
    Vlan { physical: u8 },
    Flat { physical: u8 },
}

/// A port as wished for.
#[derive(Clone, Debug)]
pub(crate) struct PortSpec {
    pub(crate) network: u8,
    pub(crate) mac: u8,
    /// Subnet and address.
    pub(crate) addresses: Vec<(u8, u8)>,
    /// Prefix and MAC.
    pub(crate) pairs: Vec<(u8, u8)>,
    pub(crate) security: bool,
    pub(crate) admin_up: bool,
    pub(crate) host: Option<u8>,
}

/// A world of some size, and then what happens to it: each element is one commit.
///
/// With mistakes, hosts can report the tunnel address of another, and port numbers that stand for
/// several things at once.
pub(crate) fn history(
    commits: std::ops::Range<usize>,
    mistakes: bool,
) -> impl Strategy<Value = Vec<Vec<Op>>> {
    (genesis(), vec(vec(op(), 1..4), commits)).prop_map(move |(genesis, mut commits)| {
        commits.insert(0, genesis);
        for op in commits.iter_mut().flatten().filter(|_| mistakes) {
            match op {
                Op::Host { tunnel: tunnel @ Tunnel::OtherV4, .. } => *tunnel = Tunnel::Shared,
                Op::Facts { facts, .. } => facts.crowded = facts.numbering % 3 == 0,
                _ => {}
            }
        }
        commits
    })
}

/// A whole world at once.
fn genesis() -> impl Strategy<Value = Vec<Op>> {
    let hosts = vec((tunnel(), any::<[bool; 2]>(), interfaces()), 2..=usize::from(HOSTS));
    let networks = vec(segment(), 1..=usize::from(NETWORKS));
    let gaps = vec((0..NETWORKS, 0..SUBNETS), 0..4);
    let ports = vec(port_spec(), 4..=usize::from(PORTS));
    (hosts, networks, gaps, ports).prop_map(|(hosts, networks, gaps, ports)| {
        let mut ops = Vec::new();
        for (host, (tunnel, mappings, facts)) in (0..).zip(hosts) {
            ops.push(Op::Host { host, tunnel, mappings });
            ops.extend(facts.map(|facts| Op::Facts { host, facts }));
        }
        for (network, segment) in (0..).zip(networks) {
            ops.push(Op::Network { network, segment });
            let subnets = (0..SUBNETS).filter(|subnet| !gaps.contains(&(network, *subnet)));
            ops.extend(subnets.map(|subnet| Op::Subnet { network, subnet }));
        }
        ops.extend((0..).zip(ports).map(|(port, spec)| Op::Port { port, spec }));
        ops
    })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => (0..HOSTS, tunnel(), any::<[bool; 2]>())
            .prop_map(|(host, tunnel, mappings)| Op::Host { host, tunnel, mappings }),
        1 => (0..HOSTS).prop_map(|host| Op::RemoveHost { host }),
        3 => (0..HOSTS, interfaces_there()).prop_map(|(host, facts)| Op::Facts { host, facts }),
        2 => (0..NETWORKS, segment())
            .prop_map(|(network, segment)| Op::Network { network, segment }),
        1 => (0..NETWORKS).prop_map(|network| Op::RemoveNetwork { network }),
        1 => (0..NETWORKS, 0..SUBNETS)
            .prop_map(|(network, subnet)| Op::Subnet { network, subnet }),
        1 => (0..NETWORKS, 0..SUBNETS)
            .prop_map(|(network, subnet)| Op::RemoveSubnet { network, subnet }),
        6 => (0..PORTS, port_spec()).prop_map(|(port, spec)| Op::Port { port, spec }),
        4 => (0..PORTS, host()).prop_map(|(port, host)| Op::Bind { port, host }),
        3 => (0..PORTS).prop_map(|port| Op::RemovePort { port }),
    ]
}

fn host() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![8 => (0..HOSTS).prop_map(Some), 1 => Just(None)]
}

fn tunnel() -> impl Strategy<Value = Tunnel> {
    prop_oneof![
        8 => Just(Tunnel::V4),
        2 => Just(Tunnel::OtherV4),
        2 => Just(Tunnel::V6),
        1 => Just(Tunnel::None),
    ]
}

/// Of a host in the beginning: some have never connected.
fn interfaces() -> impl Strategy<Value = Option<Interfaces>> {
    prop_oneof![8 => interfaces_there().prop_map(Some), 1 => Just(None)]
}

fn interfaces_there() -> impl Strategy<Value = Interfaces> {
    // Most of what is bound is there, and most of what is there is bound.
    let seldom = || prop_oneof![3 => Just(0u16), 1 => (0..PORTS).prop_map(|port| 1 << port)];
    let mostly = || prop::bool::weighted(0.85);
    (any::<u8>(), mostly(), [mostly(), mostly()], seldom(), seldom()).prop_map(
        |(numbering, tunnel_port, uplinks, missing, left_over)| Interfaces {
            numbering,
            crowded: false,
            tunnel_port,
            uplinks,
            missing,
            left_over,
        },
    )
}

fn segment() -> impl Strategy<Value = SegmentKind> {
    prop_oneof![
        3 => Just(SegmentKind::Vxlan),
        2 => (0..2u8).prop_map(|physical| SegmentKind::Vlan { physical }),
        2 => (0..2u8).prop_map(|physical| SegmentKind::Flat { physical }),
    ]
}

fn port_spec() -> impl Strategy<Value = PortSpec> {
    let addresses = vec((0..SUBNETS, 0..ADDRESSES), 0..4);
    let pairs =
        prop_oneof![2 => Just(Vec::new()), 1 => vec((0..PAIR_PREFIXES, 0..PAIR_MACS), 1..4)];
    let booleans = (prop::bool::weighted(0.75), prop::bool::weighted(0.9));
    // Most ports are on two networks, so that those have some members.
    let network = prop_oneof![1 => 0..NETWORKS, 2 => 0..2u8];
    (network, 0..MACS, addresses, pairs, booleans, host()).prop_map(
        |(network, mac, addresses, pairs, (security, admin_up), host)| PortSpec {
            network,
            mac,
            addresses,
            pairs,
            security,
            admin_up,
            host,
        },
    )
}
