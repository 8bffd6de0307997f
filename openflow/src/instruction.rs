use bytes::Bytes;

use crate::Action;

/// One instruction of a flow: `struct ofp_instruction_header`, OpenFlow 1.3.5 §7.2.4.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Instruction {
    /// Applies a meter first.
    Meter(u32),
    /// Runs these actions now.
    ApplyActions(Vec<Action>),
    /// Empties the action set.
    ClearActions,
    /// Adds these actions to the action set.
    WriteActions(Vec<Action>),
    /// Sets the masked bits of the metadata field.
    WriteMetadata {
        /// The bits.
        value: u64,
        /// Which of them count.
        mask: u64,
    },
    /// Goes on in this table, which must have a higher number.
    GotoTable(u8),
    /// An instruction that this crate does not know, header included.
    Unknown(Bytes),
}
