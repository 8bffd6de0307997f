//! Tables respond, answer and answer_nd: ARP and neighbour discovery answered from the model.

use std::net::Ipv4Addr;

use openflow::{Action, Field, MacAddr, Match, PortNo, Subfield};

use super::address;
use super::emit::{ARP, Emit, NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION, neighbour};
use crate::key::Key;
use crate::pipeline::{Detail, Register, Table};

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
    look_up(emit);
    answer(emit);
    // The first step has put the answering port's address into eth_src: one flow finishes all.
    emit.end(
        Detail::AnswerNd,
        Key::NONE,
        neighbour(Match::new(), NEIGHBOUR_ADVERTISEMENT),
        vec![
            Action::set_field(Field::ND_OPTIONS_TYPE, TARGET_LINK_LAYER_ADDRESS),
            Action::set_field(Field::ND_RESERVED, SOLICITED_OVERRIDE),
            Action::move_field(Field::ETH_SRC, Field::ND_TLL),
            Action::output(PortNo::IN_PORT),
        ],
    );
    emit.drop(Detail::AnswerNdMiss, Key::NONE, Match::new());
}

/// Whose address is asked for.
fn look_up(emit: &mut Emit) {
    let probe = arp_request().with(Field::ARP_SPA, Ipv4Addr::UNSPECIFIED);
    emit.goto(Detail::RespondArpProbe, Key::NONE, probe, Vec::new(), Table::ForwardLocal);
    let no_source = solicitation().with(Field::ND_SLL, MacAddr::ZERO);
    emit.goto(Detail::RespondNoSource, Key::NONE, no_source, Vec::new(), Table::ForwardLocal);
    let target = address::look_up_ipv4(Field::ARP_TPA).into();
    emit.goto(Detail::RespondArp, Key::NONE, arp_request(), target, Table::Answer);
    let valid = solicitation().with(Field::IP_TTL, HOP_LIMIT);
    let target = address::look_up_ipv6(Field::ND_TARGET).into();
    emit.goto(Detail::RespondSolicitation, Key::NONE, valid, target, Table::Answer);
    emit.goto(Detail::RespondMiss, Key::NONE, Match::new(), Vec::new(), Table::Egress);
}

/// The answer, for an address that a port has.
fn answer(emit: &mut Emit) {
    let unknown = Match::new().with(Register::OWNER_MAC.field, 0u64);
    let forget = address::forget().into();
    emit.goto(Detail::AnswerUnknown, Key::NONE, unknown, forget, Table::Egress);
    emit.end(
        Detail::AnswerArp,
        Key::NONE,
        arp_request(),
        vec![
            Action::move_field(Field::ETH_SRC, Field::ETH_DST),
            owner_mac(Field::ETH_SRC),
            Action::set_field(Field::ARP_OP, REPLY),
            Action::move_field(Field::ARP_SHA, Field::ARP_THA),
            Action::move_field(Field::ARP_SPA, Field::ARP_TPA),
            owner_mac(Field::ARP_SHA),
            Action::move_field(Register::ADDRESS_IPV4.field, Field::ARP_SPA),
            Action::output(PortNo::IN_PORT),
        ],
    );
    emit.goto(
        Detail::AnswerSolicitation,
        Key::NONE,
        solicitation(),
        vec![
            Action::move_field(Field::ETH_SRC, Field::ETH_DST),
            owner_mac(Field::ETH_SRC),
            Action::move_field(Field::IPV6_SRC, Field::IPV6_DST),
            Action::move_field(Register::ADDRESS_IPV6.field, Field::IPV6_SRC),
            Action::set_field(Field::ICMPV6_TYPE, NEIGHBOUR_ADVERTISEMENT),
        ],
        Table::AnswerNd,
    );
    emit.drop(Detail::AnswerMiss, Key::NONE, Match::new());
}

/// The Ethernet address that was looked up, into a field.
fn owner_mac(destination: Field) -> Action {
    let destination = Subfield::whole(destination);
    let source = Subfield { field: Register::OWNER_MAC.field, offset: 0, bits: destination.bits };
    Action::Move { source, destination }
}

fn arp_request() -> Match {
    Match::new().with(Field::ETH_TYPE, ARP).with(Field::ARP_OP, REQUEST)
}

fn solicitation() -> Match {
    neighbour(Match::new(), NEIGHBOUR_SOLICITATION)
}
