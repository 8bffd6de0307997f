//! Flows: OpenFlow 1.3.5 §5.2, and their flags, §7.3.4.1.

use std::ops::BitOr;

use crate::{Instruction, Match};

/// A flow: what `ovs-ofctl add-flow` takes and `dump-flows` shows.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Flow {
    /// The table, 0–254.
    pub table: u8,
    /// The priority; the highest that matches counts.
    pub priority: u16,
    /// The controller's label.
    pub cookie: u64,
    /// Seconds without a packet after which the switch removes the flow, 0 for never.
    pub idle_timeout: u16,
    /// Seconds after which the switch removes the flow, 0 for never.
    pub hard_timeout: u16,
    /// Flags.
    pub flags: FlowFlags,
    /// Which packets.
    pub matching: Match,
    /// What happens to them; nothing, and no further table, is a drop.
    pub instructions: Vec<Instruction>,
}

impl Flow {
    /// What tells the flow from every other in a switch.
    pub fn id(&self) -> FlowId {
        FlowId { table: self.table, priority: self.priority, matching: self.matching.clone() }
    }

    /// [`Flow::id`], borrowed: for looking flows up without copying their matches.
    pub fn identity(&self) -> (u8, u16, &Match) {
        (self.table, self.priority, &self.matching)
    }
}

/// A flow's identity in a switch: two flows with the same table, priority and match are one.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct FlowId {
    /// The table.
    pub table: u8,
    /// The priority.
    pub priority: u16,
    /// The match.
    pub matching: Match,
}

/// `enum ofp_flow_mod_flags`, OpenFlow 1.3.5 §7.3.4.1.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FlowFlags(pub u16);

impl FlowFlags {
    /// Tell the controller when the flow goes.
    pub const SEND_FLOW_REM: Self = Self(1);
    /// Refuse the flow when it overlaps another of the same priority.
    pub const CHECK_OVERLAP: Self = Self(2);
    /// Reset the counters of the flow that is modified.
    pub const RESET_COUNTS: Self = Self(4);
    /// Do not count packets.
    pub const NO_PACKET_COUNTS: Self = Self(8);
    /// Do not count bytes.
    pub const NO_BYTE_COUNTS: Self = Self(16);

    /// True when every flag of `other` is set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for FlowFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
