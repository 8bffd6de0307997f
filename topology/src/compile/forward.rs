//! Tables forward_local and forward_remote: where a destination is.

use std::net::IpAddr;

use openflow::{Action, Field, MacAddr, Match};

use super::emit::{Emit, in_network, set};
use crate::key::Key;
use crate::model::{Model, NetworkId, Port, Vni};
use crate::pipeline::{Detail, Origin, Register, Table};

/// What every host has.
pub(super) fn base(emit: &mut Emit) {
    let group = Match::new().with_masked(Field::ETH_DST, MacAddr::GROUP_BIT, MacAddr::GROUP_BIT);
    emit.goto(Detail::ForwardGroup, Key::NONE, group, Vec::new(), Table::Flood);
    let from = |origin: Origin| Match::new().with(Register::ORIGIN.field, origin as u32);
    emit.drop(Detail::TunnelNoPort, Key::NONE, from(Origin::Tunnel));
    emit.drop(Detail::UplinkNoPort, Key::NONE, from(Origin::Uplink));
    emit.goto(Detail::ForwardLocalMiss, Key::NONE, Match::new(), Vec::new(), Table::ForwardRemote);
    emit.drop(Detail::ForwardRemoteMiss, Key::NONE, Match::new());
}

/// To a port on this host.
pub(super) fn to_port(emit: &mut Emit, network: Key, port: &Port) {
    emit.goto(
        Detail::ForwardPort,
        Key::NONE,
        destination(network, port.mac),
        vec![set(Register::DESTINATION_PORT, port.meta.key.get())],
        Table::Ingress,
    );
}

/// To a port on the host with the tunnel endpoint `vtep`.
///
/// Host-independent: on that host itself [`to_port`] comes first.
pub(super) fn to_vtep(emit: &mut Emit, network: Key, port: &Port, vni: Vni, vtep: IpAddr) {
    emit.goto(
        Detail::ForwardRemote,
        port.meta.key,
        destination(network, port.mac),
        vec![Action::set_field(Field::TUN_ID, u64::from(vni.get())), set_tunnel_destination(vtep)],
        Table::Encap,
    );
}

/// To an address of allowed address pairs, which may be at any of the ports that name it, `port`
/// among them.
pub(super) fn floating(emit: &mut Emit, network: Key, port: Key, mac: MacAddr) {
    let matching = destination(network, mac);
    emit.goto(Detail::ForwardFloating, port, matching, Vec::new(), Table::Flood);
}

/// True when `mac`, out of an allowed address pair, is no served port's own address.
pub(crate) fn is_floating(model: &Model, network: NetworkId, mac: MacAddr) -> bool {
    let owner = model.port_by_mac(network, mac).and_then(|id| model.port(id));
    !mac.is_multicast() && owner.is_none_or(|owner| owner.serving_host().is_none())
}

/// Everything else on an overlay network: nobody there can have it.
pub(super) fn unknown_destination(emit: &mut Emit, network: Key) {
    emit.drop(Detail::UnknownDestination, Key::NONE, in_network(network));
}

/// Everything else on a provider network: there are stations that nobody modelled.
pub(super) fn to_uplink(emit: &mut Emit, network: Key) {
    let matching = in_network(network);
    emit.goto(Detail::ForwardUplink, Key::NONE, matching, Vec::new(), Table::Uplink);
}

/// Which host a packet that goes out of the tunnel port is for.
pub(super) fn set_tunnel_destination(vtep: IpAddr) -> Action {
    match vtep {
        IpAddr::V4(ip) => Action::set_field(Field::TUN_DST, ip),
        IpAddr::V6(ip) => Action::set_field(Field::TUN_IPV6_DST, ip),
    }
}

fn destination(network: Key, mac: MacAddr) -> Match {
    in_network(network).with(Field::ETH_DST, mac)
}
