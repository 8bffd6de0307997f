//! Tables guard and guard_ipv6: a port sends only from addresses that are its own.

mod ipv4;
mod ipv6;
mod source;

use ipnet::IpNet;
use openflow::{Field, MacAddr, Match};

use super::emit::{Emit, RARP, from_port};
use crate::key::Key;
use crate::model::Port;
use crate::pipeline::{Detail, Table};
use source::sources;

/// What every host has.
pub(super) fn base(emit: &mut Emit) {
    emit.drop(Detail::GuardMiss, Key::NONE, Match::new());
    emit.drop(Detail::GuardIpv6Miss, Key::NONE, Match::new());
    ipv6::base(emit);
}

/// The addresses that flows with this member in their cookie are about.
pub(crate) fn allowed_source(port: &Port, number: Key) -> Option<(MacAddr, IpNet)> {
    let source = sources(port).into_iter().find(|source| source.number == number)?;
    Some((source.mac, source.prefix))
}

/// What `port` may send.
pub(super) fn port(emit: &mut Emit, port: &Port) {
    let any = || from_port(port.meta.key);
    let sources = sources(port);
    if !port.port_security {
        sources.iter().for_each(|source| ipv4::announcement(emit, any(), source));
        emit.goto(Detail::GuardOff, Key::NONE, any(), Vec::new(), Table::Respond);
        return;
    }
    let announcement = any().with(Field::ETH_SRC, port.mac).with(Field::ETH_TYPE, RARP);
    emit.goto(Detail::OwnRarp, Key::NONE, announcement, Vec::new(), Table::Respond);
    ipv4::port(emit, port, &sources);
    ipv6::port(emit, port, &sources);
    emit.drop(Detail::Spoofed, Key::NONE, any());
}
