//! Tables output, encap and uplink: the only ones that send a packet out.

use std::net::IpAddr;

use openflow::{Action, Field, Match, PortNo};

use super::emit::{Emit, in_network};
use crate::key::Key;
use crate::model::Segment;
use crate::pipeline::{Detail, Register};

/// The EtherType of an IEEE 802.1Q tag.
const VLAN: u16 = 0x8100;

/// What a host with this tunnel endpoint and tunnel port has.
pub(super) fn base(emit: &mut Emit, tunnel_ip: Option<IpAddr>, tunnel: Option<PortNo>) {
    emit.drop(Detail::OutputMiss, Key::NONE, Match::new());
    if let Some(own) = tunnel_ip {
        let own = match own {
            IpAddr::V4(ip) => Match::new().with(Field::TUN_DST, ip),
            IpAddr::V6(ip) => Match::new().with(Field::TUN_IPV6_DST, ip),
        };
        emit.drop(Detail::OwnVtep, Key::NONE, own);
    }
    // Without an address of its own the packet would leave under one that the receiver refuses.
    if let Some(tunnel) = tunnel.filter(|_| tunnel_ip.is_some()) {
        emit.end(Detail::Encap, Key::NONE, Match::new(), vec![Action::output(tunnel)]);
    }
    emit.drop(Detail::NoTunnelPort, Key::NONE, Match::new());
    emit.drop(Detail::UplinkMiss, Key::NONE, Match::new());
}

/// Out of a port.
pub(super) fn to_port(emit: &mut Emit, port: Key, number: PortNo) {
    let matching = Match::new().with(Register::DESTINATION_PORT.field, port.get());
    emit.end(Detail::OutputPort, Key::NONE, matching, vec![Action::output(number)]);
}

/// Out to a network's provider bridge; dropped, with the network in the cookie, where the host
/// has none.
pub(super) fn to_uplink(emit: &mut Emit, network: Key, segment: &Segment, uplink: Option<PortNo>) {
    let Some(uplink) = uplink else {
        return emit.drop(Detail::NoUplink, Key::NONE, in_network(network));
    };
    let mut actions = Vec::new();
    if let Segment::Vlan { vlan, .. } = segment {
        actions.push(Action::PushVlan(VLAN));
        actions.push(Action::set_field(Field::VLAN_VID, 0x1000 | vlan.get()));
    }
    actions.push(Action::output(uplink));
    emit.end(Detail::ToUplink, Key::NONE, in_network(network), actions);
}
