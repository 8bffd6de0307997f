use ipnet::IpNet;
use openflow::{Action, Controller, Field, Match};

use super::ports::{PortPrefix, prefixes};
use super::side::{By, Judged};
use super::{INVALID, TRACKED, ct_state, new_connection, remote};
use crate::compile::address;
use crate::compile::emit::{Emit, IPV4, IPV6, set};
use crate::key::Key;
use crate::meter::LOG_METER;
use crate::model::{Direction, Ethertype, Model, PortRange, Remote, Traffic};
use crate::pipeline::{Detail, Register, Table};

/// Enough of a packet to tell its addresses and ports by.
const LOGGED_BYTES: u16 = 128;

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// A rule of a class: what differs between the rules of one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::compile) struct ClassRule {
    /// The rule.
    pub(in crate::compile) key: Key,
    /// Its ports, `None` for all.
    pub(in crate::compile) ports: Option<PortRange>,
    /// Whether what it allows is logged.
    pub(in crate::compile) log: bool,
}

/// Whose rules, and how they are written.
#[derive(Clone, Copy, Debug)]
pub(in crate::compile) struct Judge {
    /// The profile.
    pub(in crate::compile) profile: Key,
    /// Whether its groups are stateful.
    pub(in crate::compile) stateful: bool,
}

/// The rules of a profile that allow `class`, each of them for some ports: one flow for every
/// prefix of all their ports together, by a packet's headers, and where there are connections one
/// by what the connection began with.
pub(in crate::compile) fn class(
    emit: &mut Emit,
    model: &Model,
    judge: Judge,
    class: Traffic,
    rules: &[ClassRule],
) {
    let remote = remote::number(model, class.remote);
    if remote.is_none() && matches!(class.remote, Remote::Group(_) | Remote::AddressGroup(_)) {
        return;
    }
    let details = if remote.is_some() { &PEER_RULES } else { &RULES };
    let Some(first) = rules.iter().map(|rule| rule.key).min() else { return };
    let matching = |by: By, ports: PortPrefix| {
        let judged = Judged { direction: class.direction, by };
        let matching = judged_by(judge.profile, judged, class.ethertype);
        let matching = remote.into_iter().fold(matching, remote::in_remote);
        match by {
            By::Headers => headers(matching, class, ports),
            By::Connection => connection(matching, class, ports),
        }
    };
    let allow = || vec![set(Register::ALLOWED, 1)];
    for ports in prefixes(rules.iter().map(port_range)) {
        emit.end(details.headers, first, matching(By::Headers, ports), allow());
        if judge.stateful {
            emit.end(details.connection, first, matching(By::Connection, ports), allow());
        }
    }
    let logged = || rules.iter().filter(|rule| rule.log);
    let Some(first) = logged().map(|rule| rule.key).min() else { return };
    for ports in prefixes(logged().map(port_range)) {
        let headers = matching(By::Headers, ports);
        let headers = if judge.stateful { new_connection(headers) } else { headers };
        let meter = Some(LOG_METER);
        let tell = Controller { max_len: LOGGED_BYTES, meter, ..Controller::default() };
        let actions = vec![Action::Controller(tell), set(Register::ALLOWED, 1)];
        emit.end(details.logged, first, headers, actions);
    }
}

/// Looks the peer up in `remotes`, one after the other, for packets that no rule without a remote
/// allows. Of the peer nothing is left behind: see [`Judged::ask`].
pub(in crate::compile) fn remotes(
    emit: &mut Emit,
    model: &Model,
    judge: Judge,
    (direction, ethertype): (Direction, Ethertype),
    remotes: impl Iterator<Item = Remote>,
) {
    let remotes = remotes.filter_map(|remote| Some((remote, remote::number(model, remote)?)));
    let (remotes, numbers): (Vec<Remote>, Vec<u32>) = remotes.unzip();
    if numbers.is_empty() {
        return;
    }
    let are_groups = remotes.iter().any(|remote| matches!(remote, Remote::Group(_)));
    let look = |number| [set(Register::REMOTE, number), Action::resubmit(Table::Peers.number())];
    let details = [(By::Headers, Detail::Remotes), (By::Connection, Detail::RemotesOfConnection)];
    for (by, detail) in details.into_iter().take(if judge.stateful { 2 } else { 1 }) {
        let judged = Judged { direction, by };
        let peer = peer_field(direction, ethertype, by);
        let [peer, owner] = match ethertype {
            Ethertype::Ipv4 => address::look_up_ipv4(peer),
            Ethertype::Ipv6 => address::look_up_ipv6(peer),
        };
        // Only groups ask which port it is that has the address.
        let begin = [peer].into_iter().chain(are_groups.then_some(owner));
        let looks = numbers.iter().copied().flat_map(look);
        let end = [set(Register::REMOTE, 0)].into_iter().chain(address::forget());
        let actions = begin.chain(looks).chain(end).collect();
        emit.end(detail, Key::NONE, judged_by(judge.profile, judged, ethertype), actions);
    }
}

struct RuleDetails {
    headers: Detail,
    connection: Detail,
    logged: Detail,
}

const RULES: RuleDetails = RuleDetails {
    headers: Detail::Rule,
    connection: Detail::RuleOfConnection,
    logged: Detail::RuleLogged,
};

const PEER_RULES: RuleDetails = RuleDetails {
    headers: Detail::PeerRule,
    connection: Detail::PeerRuleOfConnection,
    logged: Detail::PeerRuleLogged,
};

fn port_range(rule: &ClassRule) -> (u16, u16) {
    let PortRange { first, last } = rule.ports.unwrap_or(PortRange::ALL);
    (first, last)
}

/// Packets of an IP version that a profile judges so. What a connection began with can only be
/// asked for where the match says that there is one.
fn judged_by(profile: Key, judged: Judged, ethertype: Ethertype) -> Match {
    let version = match ethertype {
        Ethertype::Ipv4 => IPV4,
        Ethertype::Ipv6 => IPV6,
    };
    let matching = Match::new()
        .with(Register::JUDGED.field, judged.number())
        .with(Register::PROFILE.field, profile.get())
        .with(Field::ETH_TYPE, version);
    match judged.by {
        By::Headers => matching,
        By::Connection => ct_state(matching, TRACKED, INVALID),
    }
}

/// What a class says of a packet's own headers.
fn headers(matching: Match, class: Traffic, ports: PortPrefix) -> Match {
    let matching = peer_prefix(matching, class, By::Headers);
    let Some(protocol) = class.protocol else { return matching };
    let matching = matching.with(Field::IP_PROTO, protocol);
    let of_ports = |field| matching.clone().with_masked(field, ports.value, ports.mask);
    let of_icmp = |kind, code| match class.icmp {
        None => matching.clone(),
        Some(icmp) => {
            let message = matching.clone().with(kind, icmp.icmp_type);
            icmp.code.into_iter().fold(message, |message, number| message.with(code, number))
        }
    };
    match (protocol, class.ethertype) {
        (TCP, _) => of_ports(Field::TCP_DST),
        (UDP, _) => of_ports(Field::UDP_DST),
        (SCTP, _) => of_ports(Field::SCTP_DST),
        (ICMP, Ethertype::Ipv4) => of_icmp(Field::ICMPV4_TYPE, Field::ICMPV4_CODE),
        (ICMPV6, Ethertype::Ipv6) => of_icmp(Field::ICMPV6_TYPE, Field::ICMPV6_CODE),
        _ => matching,
    }
}

/// What a class says of the tuple that a connection began with: of ICMP, conntrack gives type and
/// code as source and destination port.
fn connection(matching: Match, class: Traffic, ports: PortPrefix) -> Match {
    let matching = peer_prefix(matching, class, By::Connection);
    let Some(protocol) = class.protocol else { return matching };
    let matching = matching.with(Field::CT_NW_PROTO, protocol);
    match class.icmp {
        None => matching.with_masked(Field::CT_TP_DST, ports.value, ports.mask),
        Some(icmp) => {
            let message = matching.with(Field::CT_TP_SRC, u16::from(icmp.icmp_type));
            icmp.code
                .into_iter()
                .fold(message, |message, code| message.with(Field::CT_TP_DST, u16::from(code)))
        }
    }
}

fn peer_prefix(matching: Match, class: Traffic, by: By) -> Match {
    let Remote::Prefix(prefix) = class.remote else { return matching };
    let field = peer_field(class.direction, class.ethertype, by);
    match prefix {
        IpNet::V4(prefix) => matching.with_masked(field, prefix.network(), prefix.netmask()),
        IpNet::V6(prefix) => matching.with_masked(field, prefix.network(), prefix.netmask()),
    }
}

/// Where the address of the peer is: a connection that the port began goes to it, one that the
/// port gets comes from it.
fn peer_field(direction: Direction, ethertype: Ethertype, by: By) -> Field {
    match (by, ethertype, direction) {
        (By::Headers, Ethertype::Ipv4, Direction::Egress) => Field::IPV4_DST,
        (By::Headers, Ethertype::Ipv4, Direction::Ingress) => Field::IPV4_SRC,
        (By::Headers, Ethertype::Ipv6, Direction::Egress) => Field::IPV6_DST,
        (By::Headers, Ethertype::Ipv6, Direction::Ingress) => Field::IPV6_SRC,
        (By::Connection, Ethertype::Ipv4, Direction::Egress) => Field::CT_NW_DST,
        (By::Connection, Ethertype::Ipv4, Direction::Ingress) => Field::CT_NW_SRC,
        (By::Connection, Ethertype::Ipv6, Direction::Egress) => Field::CT_IPV6_DST,
        (By::Connection, Ethertype::Ipv6, Direction::Ingress) => Field::CT_IPV6_SRC,
    }
}
