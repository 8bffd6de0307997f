//! Random frames: honest, nearly honest and hostile, of every sort that the guard tells apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::{Field, MacAddr};
use proptest::collection::vec;
use proptest::prelude::*;
use topology::model::Port;
use topology::simulate::{Packet, Transport};

use super::universe::{self, ADDRESSES, MACS, NETWORKS};

/// A frame, in terms of the port that sends it.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    source: Mac,
    destination: Mac,
    /// VLAN tags, the innermost first.
    tags: Vec<u16>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Arp { op: u16, sha: Mac, spa: Ip, tha: Mac, tpa: Ip },
    Ip { v6: bool, source: Ip, destination: Ip, transport: Transport },
    Neighbor { kind: u8, source: Ip, destination: Ip, target: Ip, option: Option<Mac> },
    Raw { eth_type: u16 },
}

/// An Ethernet address.
#[derive(Clone, Copy, Debug)]
enum Mac {
    Own,
    /// One that ports have.
    Port(u8),
    /// One that address pairs have.
    Floating(u8),
    Group,
    Broadcast,
    Zero,
}

/// An IP address.
#[derive(Clone, Copy, Debug)]
enum Ip {
    /// One of the sender's, if it has any.
    Own(u8),
    /// One that ports have, of a subnet.
    Pool(u8, u8),
    LinkLocal(Mac),
    Unspecified,
    Multicast,
    Broadcast,
    Foreign,
}

impl Frame {
    /// The frame as this port sends it.
    pub(crate) fn packet(&self, port: &Port) -> Packet {
        let source = self.source.address(port);
        let destination = self.destination.address(port);
        let packet = match &self.body {
            Body::Arp { op, sha, spa, tha, tpa } => Packet::ethernet(source, destination, 0x0806)
                .with(Field::ARP_OP, *op)
                .with(Field::ARP_SHA, sha.address(port))
                .with(Field::ARP_SPA, spa.v4(port))
                .with(Field::ARP_THA, tha.address(port))
                .with(Field::ARP_TPA, tpa.v4(port)),
            Body::Ip { v6: false, source: from, destination: to, transport } => {
                Packet::ipv4((source, from.v4(port)), (destination, to.v4(port)), *transport)
            }
            Body::Ip { v6: true, source: from, destination: to, transport } => {
                Packet::ipv6((source, from.v6(port)), (destination, to.v6(port)), *transport)
            }
            Body::Neighbor { kind, source: from, destination: to, target, option } => {
                let link_layer = option.map_or(MacAddr::ZERO, |mac| mac.address(port));
                let (option_type, field) = match kind {
                    136 => (2u8, Field::ND_TLL),
                    _ => (1, Field::ND_SLL),
                };
                let packet = Packet::ipv6(
                    (source, from.v6(port)),
                    (destination, to.v6(port)),
                    Transport::Icmp { kind: *kind, code: 0 },
                )
                .with(Field::IP_TTL, 255u8);
                if matches!(kind, 135 | 136) {
                    packet
                        .with(Field::ND_TARGET, target.v6(port))
                        .with(Field::ND_OPTIONS_TYPE, option.map_or(0, |_| option_type))
                        .with(field, link_layer)
                } else {
                    packet
                }
            }
            Body::Raw { eth_type } => Packet::ethernet(source, destination, *eth_type),
        };
        self.tags.iter().fold(packet, |packet, &vlan| packet.tagged(vlan))
    }
}

impl Mac {
    fn address(self, port: &Port) -> MacAddr {
        match self {
            Self::Own => port.mac,
            Self::Port(number) => universe::mac(number),
            Self::Floating(number) => MacAddr::new([0, 0, 0x5e, 0, 1, number]),
            Self::Group => MacAddr::new([0x33, 0x33, 0, 0, 0, 1]),
            Self::Broadcast => MacAddr::BROADCAST,
            Self::Zero => MacAddr::ZERO,
        }
    }
}

impl Ip {
    fn v4(self, port: &Port) -> Ipv4Addr {
        let own = port.fixed_ips.iter().filter_map(|fixed| match fixed.ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        });
        match self {
            Self::Own(number) => nth(own, number).unwrap_or(Ipv4Addr::new(10, 0, 0, 77)),
            Self::Pool(subnet, number) => {
                match universe::address(universe::cidr(subnet % 2), number) {
                    IpAddr::V4(ip) => ip,
                    IpAddr::V6(_) => unreachable!("the first two subnets are IPv4"),
                }
            }
            Self::LinkLocal(_) => Ipv4Addr::new(169, 254, 1, 1),
            Self::Unspecified => Ipv4Addr::UNSPECIFIED,
            Self::Multicast => Ipv4Addr::new(224, 0, 0, 1),
            Self::Broadcast => Ipv4Addr::BROADCAST,
            Self::Foreign => Ipv4Addr::new(203, 0, 113, 5),
        }
    }

    fn v6(self, port: &Port) -> Ipv6Addr {
        let own = port.fixed_ips.iter().filter_map(|fixed| match fixed.ip {
            IpAddr::V6(ip) => Some(ip),
            IpAddr::V4(_) => None,
        });
        match self {
            Self::Own(number) => nth(own, number).unwrap_or(port.mac.link_local()),
            Self::Pool(_, number) => match universe::address(universe::cidr(2), number) {
                IpAddr::V6(ip) => ip,
                IpAddr::V4(_) => unreachable!("the third subnet is IPv6"),
            },
            Self::LinkLocal(mac) => mac.address(port).link_local(),
            Self::Unspecified => Ipv6Addr::UNSPECIFIED,
            Self::Multicast | Self::Broadcast => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
            Self::Foreign => Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 5),
        }
    }
}

fn nth<T>(items: impl Iterator<Item = T>, number: u8) -> Option<T> {
    let items: Vec<_> = items.collect();
    let count = items.len();
    items.into_iter().nth(usize::from(number) % count.max(1))
}

/// Any frame.
pub(crate) fn frame() -> impl Strategy<Value = Frame> {
    let source = prop_oneof![6 => Just(Mac::Own), 1 => mac()];
    (source, mac(), tags(), body()).prop_map(|(source, destination, tags, body)| Frame {
        source,
        destination,
        tags,
        body,
    })
}

fn tags() -> impl Strategy<Value = Vec<u16>> {
    let vlan = || prop_oneof![3 => (0..NETWORKS).prop_map(universe::vlan), 1 => 0..4096u16];
    prop_oneof![5 => Just(Vec::new()), 2 => vec(vlan(), 1), 1 => vec(vlan(), 2)]
}

fn mac() -> impl Strategy<Value = Mac> {
    prop_oneof![
        3 => Just(Mac::Own),
        6 => (0..MACS).prop_map(Mac::Port),
        1 => (2..4u8).prop_map(Mac::Floating),
        2 => Just(Mac::Group),
        3 => Just(Mac::Broadcast),
        1 => Just(Mac::Zero),
    ]
}

fn ip() -> impl Strategy<Value = Ip> {
    prop_oneof![
        4 => (0..4u8).prop_map(Ip::Own),
        4 => (0..2u8, 0..ADDRESSES).prop_map(|(subnet, number)| Ip::Pool(subnet, number)),
        2 => mac().prop_map(Ip::LinkLocal),
        1 => Just(Ip::Unspecified),
        1 => Just(Ip::Multicast),
        1 => Just(Ip::Broadcast),
        1 => Just(Ip::Foreign),
    ]
}

fn source_ip() -> impl Strategy<Value = Ip> {
    prop_oneof![2 => (0..4u8).prop_map(Ip::Own), 1 => ip()]
}

fn body() -> impl Strategy<Value = Body> {
    let sender = || prop_oneof![3 => Just(Mac::Own), 1 => mac()];
    prop_oneof![
        3 => (1..4u16, sender(), source_ip(), mac(), ip())
            .prop_map(|(op, sha, spa, tha, tpa)| Body::Arp { op, sha, spa, tha, tpa }),
        4 => (any::<bool>(), source_ip(), ip(), transport()).prop_map(
            |(v6, source, destination, transport)| Body::Ip { v6, source, destination, transport }
        ),
        4 => (133..138u8, source_ip(), ip(), ip(), prop::option::of(sender())).prop_map(
            |(kind, source, destination, target, option)| {
                Body::Neighbor { kind, source, destination, target, option }
            }
        ),
        1 => prop::sample::select(vec![0x88b5u16, 0x8035, 0x88cc, 0x05ff, 0x8847, 0x893f])
            .prop_map(|eth_type| Body::Raw { eth_type }),
    ]
}

fn transport() -> impl Strategy<Value = Transport> {
    let port = || prop::sample::select(vec![53u16, 67, 68, 80, 443, 546, 547, 4789, 40_000]);
    prop_oneof![
        3 => (port(), port())
            .prop_map(|(source, destination)| Transport::Udp { source, destination }),
        1 => (port(), port())
            .prop_map(|(source, destination)| Transport::Tcp { source, destination }),
        2 => prop::sample::select(vec![0u8, 8, 5, 128, 129, 130, 131, 132, 133, 134, 137, 143])
            .prop_map(|kind| Transport::Icmp { kind, code: 0 }),
        1 => any::<u8>().prop_filter("has fields of its own", |protocol| {
            ![1, 6, 17, 58].contains(protocol)
        })
        .prop_map(Transport::Other),
    ]
}
