//! What should happen, said once more and quite otherwise than the compiler says it: by looking
//! at the model, not at flows. Here: what a port may send.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use openflow::{Field, MacAddr};
use topology::model::Port;
use topology::simulate::Packet;

/// Whether a port may send a packet at all. What it may not must reach nobody; what it may can
/// still have nowhere to go.
pub(crate) fn may_send(port: &Port, packet: &Packet) -> bool {
    if !port.port_security {
        return true;
    }
    let owned = Owned { port, mac: MacAddr::from(packet.field(Field::ETH_SRC) as u64) };
    match packet.field(Field::ETH_TYPE) {
        0x0806 => owned.may_send_arp(packet),
        0x0800 => owned.may_send_ipv4(packet),
        0x86dd => owned.may_send_ipv6(packet),
        // RARP: its Ethernet address is all that counts.
        0x8035 => owned.mac == port.mac,
        _ => false,
    }
}

/// What a port owns together with the Ethernet address that it sends from.
struct Owned<'a> {
    port: &'a Port,
    mac: MacAddr,
}

impl Owned<'_> {
    fn has(&self, ip: impl Into<IpAddr>) -> bool {
        let ip = ip.into();
        let is_own_mac = self.mac == self.port.mac;
        let own = is_own_mac && self.port.fixed_ips.iter().any(|fixed| fixed.ip == ip);
        let link_local = ip == IpAddr::V6(self.mac.link_local())
            && (is_own_mac || self.pairs().any(|prefix| prefix.addr().is_ipv6()));
        own || link_local || self.pairs().any(|prefix| prefix.contains(&ip))
    }

    /// The prefixes of address pairs with this Ethernet address.
    fn pairs(&self) -> impl Iterator<Item = IpNet> + '_ {
        let pairs = self.port.allowed_address_pairs.iter();
        let here = pairs.filter(|pair| pair.mac.unwrap_or(self.port.mac) == self.mac);
        here.map(|pair| pair.prefix)
    }

    fn has_mac(&self) -> bool {
        self.mac == self.port.mac || self.pairs().next().is_some()
    }

    fn may_send_arp(&self, packet: &Packet) -> bool {
        let [spa, tpa] = [Field::ARP_SPA, Field::ARP_TPA].map(|field| v4(packet, field));
        let is_probe = packet.field(Field::ARP_OP) == 1 && spa.is_unspecified() && self.has(tpa);
        self.names_itself(packet, Field::ARP_SHA) && (self.has(spa) || is_probe)
    }

    fn may_send_ipv4(&self, packet: &Packet) -> bool {
        let [source, destination] = [Field::IPV4_SRC, Field::IPV4_DST].map(|f| v4(packet, f));
        let udp = udp_ports(packet);
        let is_client = udp == Some((68, 67))
            && source.is_unspecified()
            && destination.is_broadcast()
            && self.mac == self.port.mac;
        !matches!(udp, Some((67, _))) && (self.has(source) || is_client)
    }

    fn may_send_ipv6(&self, packet: &Packet) -> bool {
        let source = v6(packet, Field::IPV6_SRC);
        let target = v6(packet, Field::ND_TARGET);
        let icmp = (packet.field(Field::IP_PROTO) == 58).then(|| packet.field(Field::ICMPV6_TYPE));
        match icmp {
            // Router advertisement and redirect are a router's.
            Some(134 | 137) => false,
            Some(135) if source.is_unspecified() => self.has_mac() && self.has(target),
            Some(135) => {
                let named =
                    packet.field(Field::ND_SLL) == 0 || self.names_itself(packet, Field::ND_SLL);
                self.has(source) && named
            }
            Some(136) => {
                let named =
                    packet.field(Field::ND_TLL) == 0 || self.names_itself(packet, Field::ND_TLL);
                self.has(source) && self.has(target) && named
            }
            // Before there is an address: multicast listener reports, router solicitations.
            Some(131 | 132 | 133 | 143) => {
                self.has_mac() && (source.is_unspecified() || self.has(source))
            }
            _ if matches!(udp_ports(packet), Some((547, _))) => false,
            _ => self.has(source),
        }
    }

    fn names_itself(&self, packet: &Packet, field: Field) -> bool {
        MacAddr::from(packet.field(field) as u64) == self.mac
    }
}

fn udp_ports(packet: &Packet) -> Option<(u128, u128)> {
    (packet.field(Field::IP_PROTO) == 17)
        .then(|| (packet.field(Field::UDP_SRC), packet.field(Field::UDP_DST)))
}

fn v4(packet: &Packet, field: Field) -> Ipv4Addr {
    Ipv4Addr::from_bits(packet.field(field) as u32)
}

fn v6(packet: &Packet, field: Field) -> Ipv6Addr {
    Ipv6Addr::from_bits(packet.field(field))
}
