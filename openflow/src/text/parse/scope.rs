//! What is known where an action stands.

use std::cell::Cell;

use super::{Failure, fail};
use crate::text::Naming;
use crate::{Field, Match};

/// Nested actions deeper than this are refused, as they are on the wire.
const MAX_DEPTH: usize = 8;

/// The packet that actions are for, as far as the flow's match and the actions before tell, and how
/// deep they are nested. Some of the old `mod_*` names mean an action only where that is known.
#[derive(Clone, Default)]
pub(super) struct Scope<'n> {
    naming: Naming<'n>,
    protocol: Option<u8>,
    tagged: Cell<bool>,
    depth: usize,
}

impl<'n> Scope<'n> {
    /// Where nothing is known of the packet.
    pub(super) fn named(naming: Naming<'n>) -> Self {
        Self { naming, ..Self::default() }
    }

    /// Where the actions of a flow with this match begin.
    pub(super) fn of(matching: &Match, naming: Naming<'n>) -> Self {
        let value = |field| matching.field(field).map(|oxm| oxm.value);
        Self {
            naming,
            protocol: value(Field::IP_PROTO).map(|protocol| protocol as u8),
            tagged: Cell::new(value(Field::VLAN_VID).is_some_and(|vid| vid & 0x1000 != 0)),
            depth: 0,
        }
    }

    /// Where actions inside of an action begin.
    pub(super) fn nested<'a>(&self, input: &'a str) -> Result<Self, nom::Err<Failure<'a>>> {
        if self.depth >= MAX_DEPTH {
            return fail(input, "actions less deeply nested");
        }
        Ok(Self { depth: self.depth + 1, ..self.clone() })
    }

    /// The names of ports and tables.
    pub(super) const fn naming(&self) -> Naming<'n> {
        self.naming
    }

    /// The IP protocol.
    pub(super) const fn protocol(&self) -> Option<u8> {
        self.protocol
    }

    /// Whether the packet has a VLAN tag for sure.
    pub(super) fn is_tagged(&self) -> bool {
        self.tagged.get()
    }

    /// From here on, the packet has a VLAN tag, or has lost it.
    pub(super) fn set_tagged(&self, tagged: bool) {
        self.tagged.set(tagged);
    }
}
