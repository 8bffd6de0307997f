use openflow::Match;

use super::new_connection;
use super::side::Side;
use crate::compile::emit::{Emit, set};
use crate::key::Key;
use crate::pipeline::Register;

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
    for side in &Side::ALL {
        let details = &side.details;
        let any = || Match::new().with(side.port.field, port.get());
        let (profile, zone) = match policy {
            PortPolicy::Off => {
                emit.goto(details.port_off, Key::NONE, any(), Vec::new(), side.next);
                continue;
            }
            PortPolicy::Stateless { profile } => (profile, 0),
            PortPolicy::Stateful { profile, zone } => (profile, zone),
        };
        let load = vec![set(Register::PROFILE, profile.get()), set(Register::ZONE, zone.into())];
        emit.goto(details.port, Key::NONE, any(), load, side.track);
        if let PortPolicy::Stateful { .. } = policy {
            let new = new_connection(any().with(Register::ALLOWED.field, 1u32));
            emit.goto(details.port_new, Key::NONE, new, Vec::new(), side.commit);
        }
        emit.drop(details.port_denied, Key::NONE, any());
    }
}
