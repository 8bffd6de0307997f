//! Tables flood, flood_local, flood_remote and flood_vteps: broadcast, multicast and the like.
//!
//! A list too long for one flow is divided into parts, numbered in [`Register::CHUNK`].

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use openflow::{Action, Field, Match};

use super::emit::{Emit, in_network, set};
use super::forward::set_tunnel_destination;
use crate::key::Key;
use crate::model::Vni;
use crate::pipeline::{Detail, Origin, Register, Table};

/// Ports or tunnel endpoints in one part of a list. Each takes at most 40 bytes of a flow-mod
/// that may have 65,535.
const CHUNK: usize = 400;

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

/// To the network's ports on this host, and on to others.
pub(super) fn to_ports(emit: &mut Emit, network: Key, ports: &[Key]) {
    let chunks = ports.chunks(CHUNK).count();
    let actions = resubmit_chunks(chunks, Table::FloodLocal);
    emit.goto(Detail::Flood, Key::NONE, in_network(network), actions, Table::FloodRemote);
    for (number, ports) in ports.chunks(CHUNK).enumerate() {
        let copy = |port: &Key| {
            let port = set(Register::DESTINATION_PORT, port.get());
            [port, Action::resubmit(Table::Output.number())]
        };
        let actions = ports.iter().flat_map(copy).collect();
        emit.end(Detail::PortCopies, Key::NONE, chunk(network, number), actions);
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
    let v6 = v6.chunks(CHUNK).map(|vteps| (None, vteps));
    let v4 = v4.chunks(CHUNK).map(|vteps| (clear.clone(), vteps));
    let chunks: Vec<(Option<Action>, &[IpAddr])> = v6.chain(v4).collect();
    if chunks.is_empty() {
        return;
    }
    let mut actions = vec![Action::set_field(Field::TUN_ID, u64::from(vni.get()))];
    actions.extend(resubmit_chunks(chunks.len(), Table::FloodVteps));
    emit.end(Detail::FloodToVteps, Key::NONE, in_network(network), actions);
    for (number, (first, vteps)) in chunks.into_iter().enumerate() {
        let copy = |&vtep| [set_tunnel_destination(vtep), Action::resubmit(Table::Encap.number())];
        let actions = first.into_iter().chain(vteps.iter().flat_map(copy)).collect();
        emit.end(Detail::VtepCopies, Key::NONE, chunk(network, number), actions);
    }
}

/// To the physical network.
pub(super) fn to_uplink(emit: &mut Emit, network: Key) {
    let matching = in_network(network);
    emit.goto(Detail::FloodToUplink, Key::NONE, matching, Vec::new(), Table::Uplink);
}

fn resubmit_chunks(chunks: usize, table: Table) -> Vec<Action> {
    let resubmit = |number| [set(Register::CHUNK, number), Action::resubmit(table.number())];
    (0..chunks as u32).flat_map(resubmit).collect()
}

fn chunk(network: Key, number: usize) -> Match {
    in_network(network).with(Register::CHUNK.field, number as u32)
}
