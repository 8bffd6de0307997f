use openflow::{Action, Ct, CtZone, Field, Match, Subfield};

use super::side::{By, Judged, Side};
use super::{INVALID, RELATED, REPLY, TRACKED, ct_state};
use crate::compile::emit::{
    Emit, IPV4, IPV6, NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION, REDIRECT,
    ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION, UDP, icmpv6, set,
};
use crate::key::Key;
use crate::model::Direction;
use crate::pipeline::{Register, Table};

/// UDP ports of DHCP (RFC 2131 §4.1) and DHCPv6 (RFC 8415 §7.2), client and server.
const DHCP: (u16, u16) = (68, 67);
const DHCPV6: (u16, u16) = (546, 547);

/// Multicast listener query, report and done, and the second version's report (RFC 2710 §3,
/// RFC 3810 §5).
const LISTENER_QUERY: u8 = 130;
const LISTENER_REPORT: u8 = 131;
const LISTENER_DONE: u8 = 132;
const LISTENER_REPORT_V2: u8 = 143;

/// What a port sends that rules do not judge.
const SENT: [u8; 7] = [
    LISTENER_QUERY,
    LISTENER_REPORT,
    LISTENER_DONE,
    ROUTER_SOLICITATION,
    NEIGHBOUR_SOLICITATION,
    NEIGHBOUR_ADVERTISEMENT,
    LISTENER_REPORT_V2,
];

/// What only a router sends: no port with port security does, but every port may get it.
const FROM_ROUTERS: [u8; 2] = [ROUTER_ADVERTISEMENT, REDIRECT];

/// `nw_frag` of the first fragment, and of those behind it. Both bits are always asked for: a
/// switch tells of a flow that asks for one as if it asked for more.
const FIRST_FRAGMENT: u8 = 1;
const LATER_FRAGMENT: u8 = 3;

/// What every host has.
pub(in crate::compile) fn base(emit: &mut Emit) {
    for side in &Side::ALL {
        track(emit, side);
        state(emit, side);
        verdict(emit, side);
    }
    let back = |register| vec![set(register, 0)];
    let any = Match::new;
    use crate::pipeline::Detail::{PeerRulesMiss, PeersMiss, ProfileMiss, RulesMiss};
    emit.end(ProfileMiss, Key::NONE, any(), back(Register::ALLOWED));
    emit.end(RulesMiss, Key::NONE, any(), back(Register::ALLOWED));
    emit.end(PeersMiss, Key::NONE, any(), back(Register::REMOTE));
    emit.end(PeerRulesMiss, Key::NONE, any(), back(Register::REMOTE));
}

/// Into the port's conntrack zone.
fn track(emit: &mut Emit, side: &Side) {
    let details = &side.details;
    emit.drop(details.miss, Key::NONE, Match::new());
    let routers: &[u8] =
        if side.direction == Direction::Ingress { &FROM_ROUTERS } else { Default::default() };
    for &kind in SENT.iter().chain(routers) {
        let message = icmpv6(Match::new(), kind);
        emit.goto(details.neighbour, Key::NONE, message, Vec::new(), side.next);
    }
    for (version, (client, server)) in [(IPV4, DHCP), (IPV6, DHCPV6)] {
        let (source, destination) = match side.direction {
            Direction::Egress => (client, server),
            Direction::Ingress => (server, client),
        };
        let message = ip(version)
            .with(Field::IP_PROTO, UDP)
            .with(Field::UDP_SRC, source)
            .with(Field::UDP_DST, destination);
        emit.goto(details.dhcp, Key::NONE, message, Vec::new(), side.next);
    }
    let judged = Judged { direction: side.direction, by: By::Headers };
    for version in [IPV4, IPV6] {
        let untracked = ip(version).with(Register::ZONE.field, 0u32);
        emit.goto(details.stateless, Key::NONE, untracked, judged.ask(side.port), side.verdict);
        emit.end(details.track, Key::NONE, ip(version), vec![ct(0, side.state)]);
    }
    emit.goto(details.other, Key::NONE, Match::new(), Vec::new(), side.next);
}

/// By which rules a tracked packet is judged, and by what of it.
fn state(emit: &mut Emit, side: &Side) {
    let details = &side.details;
    let other = match side.direction {
        Direction::Egress => Direction::Ingress,
        Direction::Ingress => Direction::Egress,
    };
    let judged = |direction, by| Judged { direction, by }.ask(side.port);
    let any = Match::new;
    emit.drop(details.invalid, Key::NONE, ct_state(any(), INVALID | TRACKED, 0));
    for version in [IPV4, IPV6] {
        let fragment = ip(version).with(Field::IP_FRAG, LATER_FRAGMENT);
        emit.goto(details.fragment, Key::NONE, fragment, Vec::new(), side.commit);
    }
    let reply = ct_state(any(), REPLY | TRACKED, 0);
    emit.goto(details.reply, Key::NONE, reply, judged(other, By::Connection), side.verdict);
    let related = ct_state(any(), RELATED | TRACKED, REPLY);
    let connection = judged(side.direction, By::Connection);
    emit.goto(details.related, Key::NONE, related, connection, side.verdict);
    let headers = judged(side.direction, By::Headers);
    emit.goto(details.forward, Key::NONE, any(), headers, side.verdict);
}

/// On with what is allowed, by conntrack where that has to know.
fn verdict(emit: &mut Emit, side: &Side) {
    let details = &side.details;
    let allowed = || Match::new().with(Register::ALLOWED.field, 1u32);
    let untracked = allowed().with(Register::ZONE.field, 0u32);
    emit.goto(details.untracked, Key::NONE, untracked, Vec::new(), side.next);
    for version in [IPV4, IPV6] {
        let first = allowed().with(Field::ETH_TYPE, version).with(Field::IP_FRAG, FIRST_FRAGMENT);
        emit.goto(details.first_fragment, Key::NONE, first, Vec::new(), side.commit);
        emit.end(details.commit, Key::NONE, ip(version), vec![ct(Ct::COMMIT, side.committed)]);
    }
    emit.goto(details.allowed, Key::NONE, allowed(), Vec::new(), side.next);
    emit.drop(details.verdict_miss, Key::NONE, Match::new());
    emit.drop(details.commit_miss, Key::NONE, Match::new());
    emit.drop(details.uncommitted, Key::NONE, ct_state(Match::new(), INVALID | TRACKED, 0));
    emit.goto(details.committed, Key::NONE, Match::new(), Vec::new(), side.next);
}

fn ip(version: u16) -> Match {
    Match::new().with(Field::ETH_TYPE, version)
}

/// Through the port's conntrack zone, and on to `next`.
fn ct(flags: u16, next: Table) -> Action {
    let zone = Subfield { field: Register::ZONE.field, offset: 0, bits: 16 };
    Action::Ct(Ct {
        flags,
        zone: CtZone::Field(zone),
        recirc_table: next.number(),
        alg: 0,
        actions: Vec::new(),
    })
}
