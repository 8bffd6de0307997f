//! What ports say to each other.

use std::net::IpAddr;

use proptest::prelude::*;
use topology::model::Port;
use topology::simulate::{Packet, Transport};

/// One packet, in terms of the ports that there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speech {
    pub(crate) from: u8,
    pub(crate) to: u8,
    pub(crate) v6: bool,
    /// Which of the sender's and of the receiver's.
    pub(crate) addresses: (u8, u8),
    pub(crate) transport: Transport,
}

pub(crate) fn speech() -> impl Strategy<Value = Speech> {
    (any::<u8>(), any::<u8>(), any::<bool>(), any::<(u8, u8)>(), transport()).prop_map(
        |(from, to, v6, addresses, transport)| Speech { from, to, v6, addresses, transport },
    )
}

/// Transports of which most are some rule's.
fn transport() -> impl Strategy<Value = Transport> {
    let port = || prop::sample::select(vec![21u16, 22, 79, 80, 81, 443, 4000, 65_535]);
    let ports = || (40_000..40_003u16, port());
    prop_oneof![
        3 => ports().prop_map(|(source, destination)| Transport::Tcp { source, destination }),
        3 => ports().prop_map(|(source, destination)| Transport::Udp { source, destination }),
        1 => ports().prop_map(|(source, destination)| Transport::Sctp { source, destination }),
        2 => (prop::sample::select(vec![0u8, 8, 13, 128, 129, 130, 143]), 0..2u8)
            .prop_map(|(kind, code)| Transport::Icmp { kind, code }),
        1 => prop::sample::select(vec![2u8, 47]).prop_map(Transport::Other),
        1 => prop::sample::select(vec![(68u16, 67u16), (67, 68), (546, 547), (547, 546)])
            .prop_map(|(source, destination)| Transport::Udp { source, destination }),
    ]
}

impl Speech {
    /// The packet, from and to addresses of the two ports if they have any.
    pub(crate) fn packet(self, from: &Port, to: &Port) -> Packet {
        let Self { v6, addresses, transport, .. } = self;
        let address = |port: &Port, number: u8| {
            let fixed = port.fixed_ips.iter().map(|fixed| fixed.ip);
            let pairs = port.allowed_address_pairs.iter().filter(|pair| pair.mac.is_none());
            let all = fixed.chain(pairs.map(|pair| pair.prefix.network()));
            let all: Vec<IpAddr> = all.filter(|ip| ip.is_ipv6() == v6).collect();
            all.get(usize::from(number) % (all.len() + 1)).copied()
        };
        let [source, destination] = [(from, addresses.0), (to, addresses.1)]
            .map(|(port, number)| address(port, number).map(|ip| (port.mac, ip)));
        if v6 {
            let own = |port: &Port, found| match found {
                Some((mac, IpAddr::V6(ip))) => (mac, ip),
                _ => (port.mac, port.mac.link_local()),
            };
            Packet::ipv6(own(from, source), own(to, destination), transport)
        } else {
            let own = |port: &Port, found| match found {
                Some((mac, IpAddr::V4(ip))) => (mac, ip),
                _ => (port.mac, [10, 0, 0, 77].into()),
            };
            Packet::ipv4(own(from, source), own(to, destination), transport)
        }
    }
}
