//! Table classify: by the port that a packet comes in from, and its VLAN there, which network it
//! is in and who sent it.

use openflow::{Action, Field, Match, PortNo};

use super::emit::{Emit, set, set_origin, untagged};
use crate::facts::HostFacts;
use crate::key::Key;
use crate::model::Segment;
use crate::pipeline::{Detail, Origin, Register, Table};

/// What every host has.
pub(super) fn base(emit: &mut Emit, facts: &HostFacts) {
    if let Some(tunnel) = facts.vxlan_port {
        emit.goto(
            Detail::ClassifyTunnel,
            Key::NONE,
            untagged(coming_from(tunnel)),
            vec![set_origin(Origin::Tunnel)],
            Table::Vtep,
        );
    }
    for &uplink in facts.uplinks.values() {
        emit.drop(Detail::UplinkOther, Key::NONE, coming_from(uplink));
    }
    // The bit of vlan_vid that says that there is a tag: OFPVID_PRESENT.
    let tagged = Match::new().with_masked(Field::VLAN_VID, 0x1000u16, 0x1000u16);
    emit.drop(Detail::TaggedByPort, Key::NONE, tagged);
    emit.drop(Detail::UnknownPort, Key::NONE, Match::new());
}

/// Frames that `port` sends.
pub(super) fn from_port(emit: &mut Emit, network: Key, port: Key, number: PortNo) {
    emit.goto(
        Detail::ClassifyPort,
        Key::NONE,
        untagged(coming_from(number)),
        vec![
            set(Register::NETWORK, network.get()),
            set(Register::SOURCE_PORT, port.get()),
            set_origin(Origin::Local),
        ],
        Table::Guard,
    );
}

/// Frames of a network that come from its provider bridge: only those in its own VLAN, so that
/// nobody gets from one network of the bridge into another.
pub(super) fn from_uplink(emit: &mut Emit, network: Key, segment: &Segment, uplink: PortNo) {
    let mut actions = vec![set(Register::NETWORK, network.get()), set_origin(Origin::Uplink)];
    let matching = match segment {
        Segment::Vlan { vlan, .. } => {
            actions.insert(0, Action::PopVlan);
            coming_from(uplink).with(Field::VLAN_VID, 0x1000 | vlan.get())
        }
        Segment::Flat { .. } | Segment::Vxlan { .. } => untagged(coming_from(uplink)),
    };
    emit.goto(Detail::ClassifyUplink, Key::NONE, matching, actions, Table::ForwardLocal);
}

fn coming_from(port: PortNo) -> Match {
    Match::new().with(Field::IN_PORT, port)
}
