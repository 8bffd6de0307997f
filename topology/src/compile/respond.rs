//! Tables respond and respond_nd: ARP and neighbour discovery answered from the model.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::{Action, Field, MacAddr, Match, PortNo};

use super::emit::{
    ARP, Emit, NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION, in_network, neighbour,
};
use crate::key::Key;
use crate::model::Port;
use crate::pipeline::{Detail, Table};

/// ARP operations (RFC 826).
const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// Flags of a neighbour advertisement (RFC 4861 §4.4): solicited and override, not router.
const SOLICITED_OVERRIDE: u32 = 0x6000_0000;
/// Option type of the target link-layer address (RFC 4861 §4.6.1).
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;
/// The only hop limit with which neighbour discovery is valid: nobody off the link can send it.
const HOP_LIMIT: u8 = 255;

/// What every host has.
pub(super) fn base(emit: &mut Emit) {
    let probe = arp_request(Match::new()).with(Field::ARP_SPA, Ipv4Addr::UNSPECIFIED);
    emit.goto(Detail::RespondArpProbe, Key::NONE, probe, Vec::new(), Table::ForwardLocal);
    let no_source = neighbour(Match::new(), NEIGHBOUR_SOLICITATION);
    let no_source = no_source.with(Field::ND_SLL, MacAddr::ZERO);
    emit.goto(Detail::RespondNoSource, Key::NONE, no_source, Vec::new(), Table::ForwardLocal);
    emit.goto(Detail::RespondMiss, Key::NONE, Match::new(), Vec::new(), Table::Egress);
    // The first step has put the answering port's address into eth_src: one flow finishes all.
    emit.end(
        Detail::RespondNd,
        Key::NONE,
        neighbour(Match::new(), NEIGHBOUR_ADVERTISEMENT),
        vec![
            Action::set_field(Field::ND_OPTIONS_TYPE, TARGET_LINK_LAYER_ADDRESS),
            Action::set_field(Field::ND_RESERVED, SOLICITED_OVERRIDE),
            Action::move_field(Field::ETH_SRC, Field::ND_TLL),
            Action::output(PortNo::IN_PORT),
        ],
    );
    emit.drop(Detail::RespondNdMiss, Key::NONE, Match::new());
}

/// Answers to whoever asks for an address of `port`.
pub(super) fn answers(emit: &mut Emit, network: Key, port: &Port) {
    for fixed in &port.fixed_ips {
        match fixed.ip {
            IpAddr::V4(ip) => arp(emit, network, port, ip),
            IpAddr::V6(ip) => nd(emit, network, port, ip),
        }
    }
}

fn arp(emit: &mut Emit, network: Key, port: &Port, ip: Ipv4Addr) {
    emit.end(
        Detail::ArpResponder,
        port.meta.key,
        arp_request(in_network(network)).with(Field::ARP_TPA, ip),
        vec![
            Action::move_field(Field::ETH_SRC, Field::ETH_DST),
            Action::set_field(Field::ETH_SRC, port.mac),
            Action::set_field(Field::ARP_OP, REPLY),
            Action::move_field(Field::ARP_SHA, Field::ARP_THA),
            Action::move_field(Field::ARP_SPA, Field::ARP_TPA),
            Action::set_field(Field::ARP_SHA, port.mac),
            Action::set_field(Field::ARP_SPA, ip),
            Action::output(PortNo::IN_PORT),
        ],
    );
}

fn nd(emit: &mut Emit, network: Key, port: &Port, ip: Ipv6Addr) {
    emit.goto(
        Detail::NdResponder,
        port.meta.key,
        neighbour(in_network(network), NEIGHBOUR_SOLICITATION)
            .with(Field::IP_TTL, HOP_LIMIT)
            .with(Field::ND_TARGET, ip),
        vec![
            Action::move_field(Field::ETH_SRC, Field::ETH_DST),
            Action::set_field(Field::ETH_SRC, port.mac),
            Action::move_field(Field::IPV6_SRC, Field::IPV6_DST),
            Action::set_field(Field::IPV6_SRC, ip),
            Action::set_field(Field::ICMPV6_TYPE, NEIGHBOUR_ADVERTISEMENT),
        ],
        Table::RespondNd,
    );
}

fn arp_request(matching: Match) -> Match {
    matching.with(Field::ETH_TYPE, ARP).with(Field::ARP_OP, REQUEST)
}
