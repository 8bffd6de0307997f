//! What should happen, said once more and quite otherwise than the compiler says it: by looking
//! at the model, not at flows. Here: what security groups allow.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::Field;
use topology::model::{Direction, Ethertype, Model, Port, PortId, Remote, Rule, Traffic};
use topology::simulate::Packet;

/// Addresses and ports of a packet; of ICMP the ports are type and code.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Tuple {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    ports: (u16, u16),
}

/// What becomes of a packet at one port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Pass,
    /// It is no part of a connection that could be.
    Invalid,
    /// No rule allows it.
    Denied,
}

/// What ports remember: the connections that they have let begin, by what those began with.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    begun: BTreeMap<PortId, BTreeSet<Tuple>>,
}

impl Memory {
    /// The port's connections are forgotten.
    pub(crate) fn forget(&mut self, port: PortId) {
        self.begun.remove(&port);
    }

    /// What becomes of a packet that `port` sends or gets. `about` is the packet that it is an
    /// ICMP error about.
    pub(crate) fn judge(
        &mut self,
        model: &Model,
        port: &Port,
        side: Direction,
        packet: &Packet,
        about: Option<&Packet>,
    ) -> Verdict {
        let Some(tuple) = Tuple::of(packet) else { return Verdict::Pass };
        if !port.port_security || is_exempt(&tuple, side) {
            return Verdict::Pass;
        }
        let groups = || port.security_groups.iter().map(|id| model.security_group(*id).unwrap());
        if groups().next().is_some_and(|group| !group.stateful) {
            return verdict(allows(model, port, side, &tuple));
        }
        let begun = self.begun.entry(port.id).or_default();
        let error = about.map(|about| Tuple::of(about).unwrap());
        let known = match error {
            None => tuple.reversed().filter(|_| !begun.contains(&tuple)),
            Some(about) => Some(about),
        };
        // What goes the other way than its connection began is judged by the other rules.
        if let Some(original) = known.filter(|original| begun.contains(original)) {
            return verdict(allows(model, port, other(side), &original));
        }
        if let Some(about) = error {
            let original = about.reversed().filter(|original| begun.contains(original));
            let allowed = original.map(|original| allows(model, port, side, &original));
            return allowed.map_or(Verdict::Invalid, verdict);
        }
        if !tuple.begins() {
            return Verdict::Invalid;
        }
        let verdict = verdict(allows(model, port, side, &tuple));
        if verdict == Verdict::Pass {
            begun.insert(tuple);
        }
        verdict
    }
}

impl Tuple {
    /// `None` for what is not IP.
    pub(crate) fn of(packet: &Packet) -> Option<Self> {
        let field = |field| packet.field(field);
        let v4 = |number| IpAddr::from(Ipv4Addr::from_bits(field(number) as u32));
        let v6 = |number| IpAddr::from(Ipv6Addr::from_bits(field(number)));
        let (source, destination) = match field(Field::ETH_TYPE) {
            0x0800 => (v4(Field::IPV4_SRC), v4(Field::IPV4_DST)),
            0x86dd => (v6(Field::IPV6_SRC), v6(Field::IPV6_DST)),
            _ => return None,
        };
        let protocol = field(Field::IP_PROTO) as u8;
        let ports = match protocol {
            6 => [Field::TCP_SRC, Field::TCP_DST],
            17 => [Field::UDP_SRC, Field::UDP_DST],
            132 => [Field::SCTP_SRC, Field::SCTP_DST],
            1 => [Field::ICMPV4_TYPE, Field::ICMPV4_CODE],
            58 => [Field::ICMPV6_TYPE, Field::ICMPV6_CODE],
            _ => return Some(Self { source, destination, protocol, ports: (0, 0) }),
        };
        let [first, second] = ports.map(|number| field(number) as u16);
        Some(Self { source, destination, protocol, ports: (first, second) })
    }

    /// What an answer has, if there can be one.
    fn reversed(self) -> Option<Self> {
        let ports = match (self.protocol, self.ports) {
            (1, (8, code)) => (0, code),
            (1, (0, code)) => (8, code),
            (1, (13, code)) => (14, code),
            (1, (14, code)) => (13, code),
            (58, (128, code)) => (129, code),
            (58, (129, code)) => (128, code),
            (1 | 58, _) => return None,
            (_, (source, destination)) => (destination, source),
        };
        Some(Self { source: self.destination, destination: self.source, ports, ..self })
    }

    /// Whether a connection can begin with it.
    fn begins(self) -> bool {
        match self.protocol {
            1 => matches!(self.ports.0, 8 | 13 | 15 | 17),
            58 => self.ports.0 == 128,
            _ => true,
        }
    }
}

/// True for what ports need to have an address at all.
fn is_exempt(tuple: &Tuple, side: Direction) -> bool {
    let (client, server) = match tuple.source {
        IpAddr::V4(_) => (68, 67),
        IpAddr::V6(_) => (546, 547),
    };
    let dhcp = if side == Direction::Egress { (client, server) } else { (server, client) };
    match (tuple.protocol, tuple.ports.0) {
        (17, _) => tuple.ports == dhcp,
        (58, 130..=133 | 135 | 136 | 143) => true,
        (58, 134 | 137) => side == Direction::Ingress,
        _ => false,
    }
}

/// Whether some rule of the port's groups allows a connection that began so, on this side.
fn allows(model: &Model, port: &Port, side: Direction, began: &Tuple) -> bool {
    let groups = port.security_groups.iter().map(|id| model.security_group(*id).unwrap());
    let mut rules = groups.flat_map(|group| &group.rules);
    rules.any(|rule| is_about(model, port, rule, side, began))
}

fn is_about(model: &Model, port: &Port, rule: &Rule, side: Direction, began: &Tuple) -> bool {
    let Traffic { direction, ethertype, protocol, ports, icmp, remote } = rule.allows;
    let peer = if side == Direction::Egress { began.destination } else { began.source };
    let version = if peer.is_ipv4() { Ethertype::Ipv4 } else { Ethertype::Ipv6 };
    let is_peer = match remote {
        Remote::Any => true,
        Remote::Prefix(prefix) => prefix.contains(&peer),
        Remote::AddressGroup(id) => {
            model.address_group(id).unwrap().prefixes.iter().any(|prefix| prefix.contains(&peer))
        }
        Remote::Group(id) => model.ports_of(port.network).any(|member| {
            member.security_groups.contains(&id)
                && member.serving_host().is_some()
                && has_address(member, peer)
        }),
    };
    direction == side
        && ethertype == version
        && protocol.is_none_or(|protocol| protocol == began.protocol)
        && ports.is_none_or(|range| (range.first..=range.last).contains(&began.ports.1))
        && icmp.is_none_or(|icmp| {
            u16::from(icmp.icmp_type) == began.ports.0
                && icmp.code.is_none_or(|code| u16::from(code) == began.ports.1)
        })
        && is_peer
}

fn has_address(port: &Port, ip: IpAddr) -> bool {
    port.fixed_ips.iter().any(|fixed| fixed.ip == ip)
        || port.allowed_address_pairs.iter().any(|pair| pair.prefix.contains(&ip))
}

fn verdict(allowed: bool) -> Verdict {
    if allowed { Verdict::Pass } else { Verdict::Denied }
}

fn other(side: Direction) -> Direction {
    match side {
        Direction::Egress => Direction::Ingress,
        Direction::Ingress => Direction::Egress,
    }
}
