//! Random histories of a model: what happens, in what order.

use proptest::collection::vec;
use proptest::prelude::*;

use super::universe::{
    ADDRESS_GROUPS, ADDRESSES, GROUPS, HOSTS, MACS, NETWORKS, PAIR_MACS, PAIR_PREFIXES,
    PEER_PREFIXES, PORTS, SUBNETS, Tunnel,
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
    /// A security group is created, or has other rules.
    Group { group: u8, rules: Vec<RuleSpec> },
    /// A rule comes into a security group.
    AddRule { group: u8, rule: RuleSpec },
    /// A rule leaves a security group.
    RemoveRule { group: u8, rule: u8 },
    /// A security group is deleted; the ports in it and the rules that name it are without it
    /// before.
    RemoveGroup { group: u8 },
    /// An address group is created, or has other prefixes: by bit.
    AddressGroup { group: u8, prefixes: u16 },
    /// An address group is deleted; the rules that name it are before.
    RemoveAddressGroup { group: u8 },
}

/// A rule as wished for.
#[derive(Clone, Debug)]
pub(crate) struct RuleSpec {
    pub(crate) ingress: bool,
    pub(crate) v6: bool,
    pub(crate) protocol: ProtocolSpec,
    pub(crate) remote: RemoteSpec,
    pub(crate) log: bool,
}

/// What a rule says of the transport.
#[derive(Clone, Debug)]
pub(crate) enum ProtocolSpec {
    Any,
    /// TCP, UDP or SCTP.
    Ports(u8, Option<(u16, u16)>),
    /// ICMP or ICMPv6.
    Icmp(Option<(u8, Option<u8>)>),
    Number(u8),
}

/// Whom a rule is about.
#[derive(Clone, Debug)]
pub(crate) enum RemoteSpec {
    Any,
    Prefix(u8),
    Group(u8),
    AddressGroup(u8),
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
    /// Security groups, by bit.
    pub(crate) groups: u8,
    pub(crate) admin_up: bool,
    pub(crate) host: Option<u8>,
}

/// What there can be in a history.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sort {
    /// Ports have any security groups; otherwise all have the one that allows everything.
    pub(crate) groups: bool,
    /// Hosts can report the tunnel address of another, and port numbers that stand for several
    /// things at once.
    pub(crate) mistakes: bool,
}

/// A world of some size, and then what happens to it: each element is one commit.
pub(crate) fn history(
    commits: std::ops::Range<usize>,
    sort: Sort,
) -> impl Strategy<Value = Vec<Vec<Op>>> {
    (genesis(), vec(vec(op(), 1..4), commits)).prop_map(move |(genesis, mut commits)| {
        commits.insert(0, genesis);
        for op in commits.iter_mut().flatten() {
            match op {
                Op::Host { tunnel: tunnel @ Tunnel::OtherV4, .. } if sort.mistakes => {
                    *tunnel = Tunnel::Shared;
                }
                Op::Facts { facts, .. } if sort.mistakes => {
                    facts.crowded = facts.numbering.is_multiple_of(3);
                }
                Op::Port { spec, .. } if !sort.groups => spec.groups = 1,
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
    let prefixes = vec(any::<u16>(), usize::from(ADDRESS_GROUPS));
    let groups = vec(vec(rule(), 0..6), usize::from(GROUPS));
    let policy = (prefixes, groups);
    (hosts, networks, gaps, ports, policy).prop_map(|(hosts, networks, gaps, ports, policy)| {
        let mut ops = Vec::new();
        let (prefixes, groups) = policy;
        let prefixes = (0..).zip(prefixes);
        ops.extend(prefixes.map(|(group, prefixes)| Op::AddressGroup { group, prefixes }));
        let empty = (0..GROUPS).map(|group| Op::Group { group, rules: Vec::new() });
        ops.extend(empty);
        ops.extend((0..).zip(groups).map(|(group, rules)| Op::Group { group, rules }));
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
        12 => policy_op(),
    ]
}

/// Something that happens to security groups.
pub(crate) fn policy_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => (0..GROUPS, vec(rule(), 0..6)).prop_map(|(group, rules)| Op::Group { group, rules }),
        3 => (0..GROUPS, rule()).prop_map(|(group, rule)| Op::AddRule { group, rule }),
        3 => (0..GROUPS, any::<u8>()).prop_map(|(group, rule)| Op::RemoveRule { group, rule }),
        1 => (0..GROUPS).prop_map(|group| Op::RemoveGroup { group }),
        2 => (0..ADDRESS_GROUPS, any::<u16>())
            .prop_map(|(group, prefixes)| Op::AddressGroup { group, prefixes }),
        1 => (0..ADDRESS_GROUPS).prop_map(|group| Op::RemoveAddressGroup { group }),
    ]
}

/// Any rule.
pub(crate) fn rule() -> impl Strategy<Value = RuleSpec> {
    let port = || prop::sample::select(vec![0u16, 21, 22, 79, 80, 81, 443, 4000, 65_535]);
    let ports = prop_oneof![
        1 => Just(None),
        2 => port().prop_map(|port| Some((port, port))),
        2 => (port(), port()).prop_map(|(a, b)| Some((a.min(b), a.max(b)))),
    ];
    let with_ports = prop::sample::select(vec![6u8, 17, 132]);
    let kind = prop::sample::select(vec![0u8, 8, 13, 128, 129]);
    let protocol = prop_oneof![
        2 => Just(ProtocolSpec::Any),
        6 => (with_ports, ports).prop_map(|(number, ports)| ProtocolSpec::Ports(number, ports)),
        2 => prop::option::of((kind, prop::option::of(0..2u8))).prop_map(ProtocolSpec::Icmp),
        1 => prop::sample::select(vec![47u8, 2]).prop_map(ProtocolSpec::Number),
    ];
    let remote = prop_oneof![
        2 => Just(RemoteSpec::Any),
        2 => (0..PEER_PREFIXES).prop_map(RemoteSpec::Prefix),
        3 => (0..GROUPS).prop_map(RemoteSpec::Group),
        2 => (0..ADDRESS_GROUPS).prop_map(RemoteSpec::AddressGroup),
    ];
    (any::<bool>(), any::<bool>(), protocol, remote, prop::bool::weighted(0.2)).prop_map(
        |(ingress, v6, protocol, remote, log)| RuleSpec { ingress, v6, protocol, remote, log },
    )
}

/// Security groups of a port: often few, sometimes none.
fn groups() -> impl Strategy<Value = u8> {
    prop_oneof![
        1 => Just(0u8),
        2 => Just(1),
        4 => (0..GROUPS).prop_map(|group| 1 << group),
        3 => 0..1u8 << GROUPS,
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
    (network, 0..MACS, addresses, pairs, booleans, groups(), host()).prop_map(
        |(network, mac, addresses, pairs, (security, admin_up), groups, host)| PortSpec {
            network,
            mac,
            addresses,
            pairs,
            security,
            groups,
            admin_up,
            host,
        },
    )
}
