//! Tables vtep and vni: which tunnel packets are let in, and to which network.

use std::net::IpAddr;

use openflow::{Field, Match};

use super::emit::{Emit, set};
use crate::key::Key;
use crate::model::Vni;
use crate::pipeline::{Detail, Register, Table};

/// What every host has.
pub(super) fn base(emit: &mut Emit) {
    emit.drop(Detail::UnknownVtep, Key::NONE, Match::new());
    emit.drop(Detail::UnknownVni, Key::NONE, Match::new());
}

/// Packets from the tunnel endpoint of `host`.
pub(super) fn known(emit: &mut Emit, host: Key, ip: IpAddr) {
    let matching = match ip {
        IpAddr::V4(ip) => Match::new().with(Field::TUN_SRC, ip),
        IpAddr::V6(ip) => Match::new().with(Field::TUN_IPV6_SRC, ip),
    };
    emit.goto(Detail::KnownVtep, host, matching, Vec::new(), Table::Vni);
}

/// Packets with a network's VNI.
pub(super) fn vni(emit: &mut Emit, network: Key, vni: Vni) {
    emit.goto(
        Detail::Vni,
        Key::NONE,
        Match::new().with(Field::TUN_ID, u64::from(vni.get())),
        vec![set(Register::NETWORK, network.get())],
        Table::ForwardLocal,
    );
}
