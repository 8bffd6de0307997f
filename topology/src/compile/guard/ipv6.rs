use std::net::Ipv6Addr;

use openflow::{Field, MacAddr, Match};

use super::source::{Source, macs};
use crate::compile::emit::{
    Emit, IPV6, NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION, REDIRECT, ROUTER_ADVERTISEMENT,
    ROUTER_SOLICITATION, UDP, from_port, icmpv6, neighbour,
};
use crate::key::Key;
use crate::model::Port;
use crate::pipeline::{Detail, Table};

/// UDP ports of DHCPv6 (RFC 8415 §7.2).
const DHCP_SERVER: u16 = 547;
const DHCP_CLIENT: u16 = 546;

/// What a station may send before it has an address: multicast listener reports and dones
/// (RFC 2710 §3, RFC 3810 §5.2.13), router solicitations (RFC 4861 §4.1).
const BEFORE_ADDRESS: [u8; 4] = [131, 132, ROUTER_SOLICITATION, 143];

/// IPv6 that `port` may send.
pub(super) fn port(emit: &mut Emit, port: &Port, sources: &[Source]) {
    let any = || from_port(port.meta.key);
    let sources = || sources.iter().filter(|source| !source.is_ipv4());
    never(emit, port);
    for mac in macs(sources()) {
        solicitations(emit, port, mac);
    }
    for source in sources() {
        about(emit, port, source);
    }
    emit.drop(Detail::SpoofedNd, Key::NONE, icmpv6(any(), NEIGHBOUR_SOLICITATION));
    emit.drop(Detail::SpoofedNd, Key::NONE, icmpv6(any(), NEIGHBOUR_ADVERTISEMENT));
    let from = |mac| any().with(Field::ETH_SRC, mac).with(Field::ETH_TYPE, IPV6);
    for mac in macs(sources()) {
        emit.goto(Detail::Ipv6, Key::NONE, from(mac), Vec::new(), Table::GuardIpv6);
    }

    for source in sources() {
        let own = source.matches(from(source.mac), Field::IPV6_SRC);
        emit.goto(Detail::OwnIpv6, source.number, own, Vec::new(), Table::Respond);
    }
    emit.drop(Detail::SpoofedIpv6, Key::NONE, any());
}

/// What any port may send that has none yet: guard has seen that its Ethernet address is its own.
pub(super) fn base(emit: &mut Emit) {
    for kind in BEFORE_ADDRESS {
        let message = icmpv6(Match::new().with(Field::IPV6_SRC, Ipv6Addr::UNSPECIFIED), kind);
        emit.goto(Detail::BeforeAddress, Key::NONE, message, Vec::new(), Table::Respond);
    }
}

/// A port is neither a router nor a DHCPv6 server.
fn never(emit: &mut Emit, port: &Port) {
    let any = || from_port(port.meta.key);
    let udp = || any().with(Field::ETH_TYPE, IPV6).with(Field::IP_PROTO, UDP);
    emit.drop(Detail::DhcpServer, Key::NONE, udp().with(Field::UDP_SRC, DHCP_SERVER));
    emit.drop(Detail::DhcpServer, Key::NONE, udp().with(Field::UDP_DST, DHCP_CLIENT));
    let advertisement = icmpv6(any(), ROUTER_ADVERTISEMENT);
    emit.drop(Detail::RouterAdvertisement, Key::NONE, advertisement);
    emit.drop(Detail::Redirect, Key::NONE, icmpv6(any(), REDIRECT));
}

/// Neighbour solicitations that tell `mac` as the sender's link-layer address, or none.
fn solicitations(emit: &mut Emit, port: &Port, mac: MacAddr) {
    for told in [mac, MacAddr::ZERO] {
        let solicitation = neighbour(from_port(port.meta.key), NEIGHBOUR_SOLICITATION)
            .with(Field::ETH_SRC, mac)
            .with(Field::ND_SLL, told);
        let next = Table::GuardIpv6;
        emit.goto(Detail::OwnSolicitation, Key::NONE, solicitation, Vec::new(), next);
    }
}

/// Neighbour discovery about addresses of the port: advertisements of them, and the detection
/// of duplicates.
fn about(emit: &mut Emit, port: &Port, source: &Source) {
    let sent = || from_port(port.meta.key).with(Field::ETH_SRC, source.mac);
    for told in [source.mac, MacAddr::ZERO] {
        let advertisement = neighbour(sent(), NEIGHBOUR_ADVERTISEMENT).with(Field::ND_TLL, told);
        let advertisement = source.matches(advertisement, Field::ND_TARGET);
        let next = Table::GuardIpv6;
        emit.goto(Detail::OwnAdvertisement, source.number, advertisement, Vec::new(), next);
    }
    let detection = neighbour(sent(), NEIGHBOUR_SOLICITATION)
        .with(Field::IPV6_SRC, Ipv6Addr::UNSPECIFIED)
        .with(Field::ND_SLL, MacAddr::ZERO);
    let detection = source.matches(detection, Field::ND_TARGET);
    emit.goto(Detail::OwnDad, source.number, detection, Vec::new(), Table::Respond);
}
