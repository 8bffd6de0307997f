//! Tables flood, flood_local, flood_remote and flood_vteps: broadcast, multicast and the like.
//!
//! A list too long for one flow is divided into parts, numbered in [`Register::PART`].

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use openflow::{Action, Field, Match};

use super::emit::{Emit, in_network, set};
use super::forward::set_tunnel_destination;
use crate::key::Key;
use crate::model::Vni;
use crate::pipeline::{Detail, Origin, Register, Table};

/// Tunnel endpoints in one part of a list. Each takes at most 40 bytes of a flow-mod that may
/// have 65,535.
const PART: usize = 400;

/// What every host has.
pub(super) fn base(emit: &mut Emit) {
    let remote =
        Match::new().with_masked(Register::ORIGIN.field, Origin::REMOTE_BIT, Origin::REMOTE_BIT);
    emit.drop(Detail::FloodMiss, Key::NONE, Match::new());
    emit.drop(Detail::FloodLocalMiss, Key::NONE, Match::new());
    emit.drop(Detail::FloodNotOnward, Key::NONE, remote);
    emit.drop(Detail::FloodRemoteMiss, Key::NONE, Match::new());
    emit.drop(Detail::FloodVtepsMiss, Key::NONE, Match::new());
}

/// To the network's ports on this host, part by part, and on to others.
pub(super) fn here(emit: &mut Emit, network: Key, parts: impl Iterator<Item = Key>) {
    let actions = resubmit_parts(parts, Table::FloodLocal);
    emit.goto(Detail::Flood, Key::NONE, in_network(network), actions, Table::FloodRemote);
}

/// To the ports of one part.
pub(super) fn to_ports(emit: &mut Emit, network: Key, part: Key, ports: &[Key]) {
    let copy = |port: &Key| {
        let port = set(Register::DESTINATION_PORT, port.get());
        [port, Action::resubmit(Table::Ingress.number())]
    };
    if !ports.is_empty() {
        let actions = ports.iter().flat_map(copy).collect();
        emit.end(Detail::PortCopies, part, in_part(network, part), actions);
    }
}

/// To every tunnel endpoint in `vteps`.
///
/// Host-independent: the list has the sender's own host too, table encap drops that copy.
pub(super) fn vteps(emit: &mut Emit, network: Key, vni: Vni, vteps: BTreeSet<IpAddr>) {
    // A tunnel destination stays set while the copies are made, and Open vSwitch prefers an IPv4
    // one: IPv6 comes first, and is cleared before IPv4 begins.
    let (v6, v4): (Vec<IpAddr>, Vec<IpAddr>) = vteps.into_iter().partition(IpAddr::is_ipv6);
    let clear =
        (!v6.is_empty()).then(|| Action::set_field(Field::TUN_IPV6_DST, Ipv6Addr::UNSPECIFIED));
    let v6 = v6.chunks(PART).map(|vteps| (None, vteps));
    let v4 = v4.chunks(PART).map(|vteps| (clear.clone(), vteps));
    let parts: Vec<(Option<Action>, &[IpAddr])> = v6.chain(v4).collect();
    if parts.is_empty() {
        return;
    }
    let numbers = || (1..).map_while(Key::new);
    let mut actions = vec![Action::set_field(Field::TUN_ID, u64::from(vni.get()))];
    actions.extend(resubmit_parts(numbers().take(parts.len()), Table::FloodVteps));
    emit.end(Detail::FloodToVteps, Key::NONE, in_network(network), actions);
    for (number, (first, vteps)) in numbers().zip(parts) {
        let copy = |&vtep| [set_tunnel_destination(vtep), Action::resubmit(Table::Encap.number())];
        let actions = first.into_iter().chain(vteps.iter().flat_map(copy)).collect();
        emit.end(Detail::VtepCopies, Key::NONE, in_part(network, number), actions);
    }
}

/// To the physical network.
pub(super) fn to_uplink(emit: &mut Emit, network: Key) {
    let matching = in_network(network);
    emit.goto(Detail::FloodToUplink, Key::NONE, matching, Vec::new(), Table::Uplink);
}

fn resubmit_parts(parts: impl Iterator<Item = Key>, table: Table) -> Vec<Action> {
    let resubmit = |part: Key| [set(Register::PART, part.get()), Action::resubmit(table.number())];
    parts.flat_map(resubmit).collect()
}

fn in_part(network: Key, part: Key) -> Match {
    in_network(network).with(Register::PART.field, part.get())
}
