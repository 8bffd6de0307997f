use std::net::Ipv4Addr;

use openflow::{Field, Match};

use super::source::Source;
use crate::compile::emit::{ARP, Emit, IPV4, UDP, from_port};
use crate::key::Key;
use crate::model::Port;
use crate::pipeline::{Detail, Table};

const ARP_REQUEST: u16 = 1;

/// UDP ports of DHCP (RFC 2131 §4.1).
const DHCP_SERVER: u16 = 67;
const DHCP_CLIENT: u16 = 68;

/// ARP and IPv4 that `port` may send.
pub(super) fn port(emit: &mut Emit, port: &Port, sources: &[Source]) {
    let any = || from_port(port.meta.key);
    dhcp(emit, port);
    for source in sources.iter().filter(|source| source.is_ipv4()) {
        let number = source.number;
        let frame = any().with(Field::ETH_SRC, source.mac);
        let arp = frame.clone().with(Field::ETH_TYPE, ARP).with(Field::ARP_SHA, source.mac);
        announcement(emit, arp.clone(), source);
        let own = source.matches(arp.clone(), Field::ARP_SPA);
        emit.goto(Detail::OwnArp, number, own, Vec::new(), Table::Respond);
        let probe =
            arp.with(Field::ARP_OP, ARP_REQUEST).with(Field::ARP_SPA, Ipv4Addr::UNSPECIFIED);
        let probe = source.matches(probe, Field::ARP_TPA);
        emit.goto(Detail::OwnArpProbe, number, probe, Vec::new(), Table::Respond);
        let ipv4 = source.matches(frame.with(Field::ETH_TYPE, IPV4), Field::IPV4_SRC);
        emit.goto(Detail::OwnIpv4, number, ipv4, Vec::new(), Table::Respond);
    }
}

/// An ARP request in which sender and target are the same address of the port: flooded past the
/// responder, which would tell the owner that its address is taken.
///
/// Of a prefix the responder knows at most other ports' addresses, and "the same address" is no
/// match: those go the ordinary way.
pub(super) fn announcement(emit: &mut Emit, matching: Match, source: &Source) {
    if source.is_ipv4() && source.is_single() {
        let request = matching.with(Field::ETH_TYPE, ARP).with(Field::ARP_OP, ARP_REQUEST);
        let request = source.matches(source.matches(request, Field::ARP_SPA), Field::ARP_TPA);
        let number = source.number;
        emit.goto(Detail::OwnAnnouncement, number, request, Vec::new(), Table::ForwardLocal);
    }
}

/// A port is no DHCP server, by whichever of its UDP ports one can tell: clients do not look at
/// the port that an answer comes from.
fn dhcp(emit: &mut Emit, port: &Port) {
    let udp = || from_port(port.meta.key).with(Field::ETH_TYPE, IPV4).with(Field::IP_PROTO, UDP);
    emit.drop(Detail::DhcpServer, Key::NONE, udp().with(Field::UDP_SRC, DHCP_SERVER));
    emit.drop(Detail::DhcpServer, Key::NONE, udp().with(Field::UDP_DST, DHCP_CLIENT));
    let request = udp()
        .with(Field::ETH_SRC, port.mac)
        .with(Field::IPV4_SRC, Ipv4Addr::UNSPECIFIED)
        .with(Field::IPV4_DST, Ipv4Addr::BROADCAST)
        .with(Field::UDP_SRC, DHCP_CLIENT)
        .with(Field::UDP_DST, DHCP_SERVER);
    emit.goto(Detail::DhcpClient, Key::NONE, request, Vec::new(), Table::Respond);
}
