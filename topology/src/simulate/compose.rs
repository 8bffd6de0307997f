use std::net::{Ipv4Addr, Ipv6Addr};

use openflow::{Field, MacAddr};

use super::Packet;
use super::packet::{SOURCE_LINK_LAYER_ADDRESS, TARGET_LINK_LAYER_ADDRESS};

/// What an IP packet carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// TCP.
    Tcp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// UDP.
    Udp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// SCTP.
    Sctp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// ICMP in IPv4, ICMPv6 in IPv6.
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
    },
    /// Another protocol.
    Other(u8),
}

/// Constructors, in the names of the protocols. A sender or receiver is its Ethernet address and
/// its IP address.
impl Packet {
    /// A frame with nothing in it that a switch knows.
    pub fn ethernet(source: MacAddr, destination: MacAddr, eth_type: u16) -> Self {
        Self::new()
            .with(Field::ETH_SRC, source)
            .with(Field::ETH_DST, destination)
            .with(Field::ETH_TYPE, eth_type)
    }

    /// An ARP request, broadcast (RFC 826).
    pub fn arp_request(sender: (MacAddr, Ipv4Addr), target: Ipv4Addr) -> Self {
        Self::arp(ARP_REQUEST, sender, (MacAddr::ZERO, target))
            .with(Field::ETH_DST, MacAddr::BROADCAST)
    }

    /// An ARP reply to a station.
    pub fn arp_reply(sender: (MacAddr, Ipv4Addr), target: (MacAddr, Ipv4Addr)) -> Self {
        Self::arp(ARP_REPLY, sender, target)
    }

    /// An ARP probe: is this address, which the sender wants for itself, taken (RFC 5227 §2.1.1)?
    pub fn arp_probe(sender: MacAddr, wanted: Ipv4Addr) -> Self {
        Self::arp_request((sender, Ipv4Addr::UNSPECIFIED), wanted)
    }

    /// An ARP announcement: this address is the sender's (RFC 5227 §2.3).
    pub fn arp_announcement(sender: (MacAddr, Ipv4Addr)) -> Self {
        Self::arp_request(sender, sender.1)
    }

    fn arp(op: u16, sender: (MacAddr, Ipv4Addr), target: (MacAddr, Ipv4Addr)) -> Self {
        Self::ethernet(sender.0, target.0, ETH_ARP)
            .with(Field::ARP_OP, op)
            .with(Field::ARP_SHA, sender.0)
            .with(Field::ARP_SPA, sender.1)
            .with(Field::ARP_THA, target.0)
            .with(Field::ARP_TPA, target.1)
    }

    /// An IPv4 packet.
    pub fn ipv4(
        source: (MacAddr, Ipv4Addr),
        destination: (MacAddr, Ipv4Addr),
        transport: Transport,
    ) -> Self {
        Self::ethernet(source.0, destination.0, ETH_IPV4)
            .with(Field::IPV4_SRC, source.1)
            .with(Field::IPV4_DST, destination.1)
            .with(Field::IP_TTL, 64u8)
            .with_transport(transport, ICMPV4, (Field::ICMPV4_TYPE, Field::ICMPV4_CODE))
    }

    /// An IPv6 packet.
    pub fn ipv6(
        source: (MacAddr, Ipv6Addr),
        destination: (MacAddr, Ipv6Addr),
        transport: Transport,
    ) -> Self {
        Self::ethernet(source.0, destination.0, ETH_IPV6)
            .with(Field::IPV6_SRC, source.1)
            .with(Field::IPV6_DST, destination.1)
            .with(Field::IP_TTL, 64u8)
            .with_transport(transport, ICMPV6, (Field::ICMPV6_TYPE, Field::ICMPV6_CODE))
    }

    fn with_transport(self, transport: Transport, icmp: u8, fields: (Field, Field)) -> Self {
        match transport {
            Transport::Tcp { source, destination } => self
                .with(Field::IP_PROTO, TCP)
                .with(Field::TCP_SRC, source)
                .with(Field::TCP_DST, destination),
            Transport::Udp { source, destination } => self
                .with(Field::IP_PROTO, UDP)
                .with(Field::UDP_SRC, source)
                .with(Field::UDP_DST, destination),
            Transport::Sctp { source, destination } => self
                .with(Field::IP_PROTO, SCTP)
                .with(Field::SCTP_SRC, source)
                .with(Field::SCTP_DST, destination),
            Transport::Icmp { kind, code } => {
                self.with(Field::IP_PROTO, icmp).with(fields.0, kind).with(fields.1, code)
            }
            Transport::Other(protocol) => self.with(Field::IP_PROTO, protocol),
        }
    }

    /// A neighbour solicitation for an address that the sender wants to talk to, to the
    /// solicited-node group (RFC 4861 §4.3).
    pub fn neighbor_solicitation(sender: (MacAddr, Ipv6Addr), target: Ipv6Addr) -> Self {
        let group = solicited_node(target);
        let transport = Transport::Icmp { kind: NEIGHBOR_SOLICITATION, code: 0 };
        Self::ipv6(sender, (ipv6_multicast(group), group), transport)
            .with(Field::IP_TTL, 255u8)
            .with(Field::ND_TARGET, target)
            .with(Field::ND_OPTIONS_TYPE, SOURCE_LINK_LAYER_ADDRESS)
            .with(Field::ND_SLL, sender.0)
    }

    /// Duplicate address detection: a neighbour solicitation from `::` (RFC 4862 §5.4.2).
    pub fn duplicate_address_detection(sender: MacAddr, wanted: Ipv6Addr) -> Self {
        Self::neighbor_solicitation((sender, Ipv6Addr::UNSPECIFIED), wanted)
            .with(Field::ND_OPTIONS_TYPE, 0u8)
            .with(Field::ND_SLL, MacAddr::ZERO)
    }

    /// A neighbour advertisement: `sender` says that `target` is at its own Ethernet address
    /// (RFC 4861 §4.4).
    pub fn neighbor_advertisement(
        sender: (MacAddr, Ipv6Addr),
        receiver: (MacAddr, Ipv6Addr),
        target: Ipv6Addr,
    ) -> Self {
        let transport = Transport::Icmp { kind: NEIGHBOR_ADVERTISEMENT, code: 0 };
        Self::ipv6(sender, receiver, transport)
            .with(Field::IP_TTL, 255u8)
            .with(Field::ND_TARGET, target)
            .with(Field::ND_RESERVED, 0x6000_0000_u32)
            .with(Field::ND_OPTIONS_TYPE, TARGET_LINK_LAYER_ADDRESS)
            .with(Field::ND_TLL, sender.0)
    }

    /// A router advertisement to all nodes (RFC 4861 §4.2).
    pub fn router_advertisement(sender: (MacAddr, Ipv6Addr)) -> Self {
        let transport = Transport::Icmp { kind: ROUTER_ADVERTISEMENT, code: 0 };
        Self::ipv6(sender, (ipv6_multicast(ALL_NODES), ALL_NODES), transport)
            .with(Field::IP_TTL, 255u8)
    }

    /// What a DHCPv4 client without an address broadcasts (RFC 2131 §4.4.1).
    pub fn dhcp_discover(client: MacAddr) -> Self {
        Self::ipv4(
            (client, Ipv4Addr::UNSPECIFIED),
            (MacAddr::BROADCAST, Ipv4Addr::BROADCAST),
            Transport::Udp { source: 68, destination: 67 },
        )
    }

    /// What a DHCPv4 server broadcasts to a client without an address.
    pub fn dhcp_offer(server: (MacAddr, Ipv4Addr)) -> Self {
        Self::ipv4(
            server,
            (MacAddr::BROADCAST, Ipv4Addr::BROADCAST),
            Transport::Udp { source: 67, destination: 68 },
        )
    }
}

/// The group of which every holder of an address is a member (RFC 4291 §2.7.1).
fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    let (high, low) = (0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, high, low)
}

/// The Ethernet address of an IPv6 group (RFC 2464 §7).
fn ipv6_multicast(group: Ipv6Addr) -> MacAddr {
    let [.., a, b, c, d] = group.octets();
    MacAddr::new([0x33, 0x33, a, b, c, d])
}

const ETH_IPV4: u16 = 0x0800;
const ETH_ARP: u16 = 0x0806;
const ETH_IPV6: u16 = 0x86dd;
const ARP_REQUEST: u16 = 1;
const ARP_REPLY: u16 = 2;
const ICMPV4: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solicitation_goes_to_the_groups_ethernet_address() {
        let mac = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 1]);
        let target = "2001:db8::12:3456".parse().unwrap();
        let packet = Packet::neighbor_solicitation((mac, mac.link_local()), target);
        expect_test::expect![[r#"
            icmp6
            dl_src=fa:16:3e:00:00:01
            dl_dst=33:33:ff:12:34:56
            ipv6_src=fe80::f816:3eff:fe00:1
            ipv6_dst=ff02::1:ff12:3456
            nw_ttl=255
            icmp_type=135
            nd_target=2001:db8::12:3456
            nd_sll=fa:16:3e:00:00:01
            nd_options_type=1"#]]
        .assert_eq(&packet.to_string().replace(',', "\n"));
    }
}
