use openflow::Match;

use super::new_connection;
use super::side::Side;
use crate::compile::emit::{Emit, set};
use crate::key::Key;
use crate::pipeline::{Detail, Register, Table};

/// By what a port is judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::compile) enum PortPolicy {
    /// Port security is off: it is not.
    Off,
    /// Packet by packet.
    Stateless {
        /// By the rules of this profile.
        profile: Key,
    },
    /// Connection by connection.
    Stateful {
        /// By the rules of this profile.
        profile: Key,
        /// The conntrack zone of the port's connections.
        zone: u16,
    },
}

/// How `port` is judged, in either direction.
pub(in crate::compile) fn port(emit: &mut Emit, port: Key, policy: PortPolicy) {
    let (profile, zone) = match policy {
        PortPolicy::Off => {
            for side in &Side::ALL {
                let any = Match::new().with(side.port.field, port.get());
                emit.goto(side.details.port_off, Key::NONE, any, Vec::new(), side.next);
            }
            return;
        }
        PortPolicy::Stateless { profile } => (profile, None),
        PortPolicy::Stateful { profile, zone } => (profile, Some(zone)),
    };
    for side in &Side::ALL {
        let details = &side.details;
        let any = || Match::new().with(side.port.field, port.get());
        let load = vec![set(Register::ZONE, zone.unwrap_or(0).into())];
        emit.goto(details.port, Key::NONE, any(), load, side.track);
        if zone.is_some() {
            let new = new_connection(any().with(Register::ALLOWED.field, 1u32));
            emit.goto(details.port_new, Key::NONE, new, Vec::new(), side.commit);
        }
        emit.drop(details.port_denied, Key::NONE, any());
    }
    let judged = Match::new().with(Register::JUDGED_PORT.field, port.get());
    let load = vec![set(Register::PROFILE, profile.get())];
    emit.goto(Detail::PortProfile, Key::NONE, judged, load, Table::Rules);
}
