//! Instructions: OpenFlow 1.3.5 §5.9 and §7.2.4.

use bytes::{BufMut, BytesMut};

use crate::action::{decode_actions, encode_actions};
use crate::wire::{Reader, put_length};
use crate::{Action, DecodeError};

const GOTO_TABLE: u16 = 1;
const WRITE_METADATA: u16 = 2;
const WRITE_ACTIONS: u16 = 3;
const APPLY_ACTIONS: u16 = 4;
const CLEAR_ACTIONS: u16 = 5;
const METER: u16 = 6;

/// One instruction of a flow: `struct ofp_instruction_header`, OpenFlow 1.3.5 §7.2.4.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
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
    /// An instruction that this crate does not know, or that is written in another way than the one
    /// this crate writes; header included.
    Unknown(Box<[u8]>),
}

impl Instruction {
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::GotoTable(table) => put_short(out, GOTO_TABLE, u32::from(*table) << 24),
            Self::WriteMetadata { value, mask } => {
                put_short(out, WRITE_METADATA, 0);
                out.put_u64(*value);
                out.put_u64(*mask);
                let start = out.len() - 24;
                put_length(out, start, start + 2);
            }
            Self::WriteActions(actions) => put_actions(out, WRITE_ACTIONS, actions),
            Self::ApplyActions(actions) => put_actions(out, APPLY_ACTIONS, actions),
            Self::ClearActions => put_short(out, CLEAR_ACTIONS, 0),
            Self::Meter(meter) => put_short(out, METER, *meter),
            Self::Unknown(bytes) => out.put_slice(bytes),
        }
    }

    /// Reads a list of instructions up to the end of `reader`.
    pub(crate) fn decode_all(reader: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let mut instructions = Vec::new();
        while !reader.is_empty() {
            let mut header = reader.clone().named("ofp_instruction_header");
            header.skip(2)?;
            let length = header.u16()?;
            if length < 4 {
                return Err(header.bad("len", 2, length, "at least 4"));
            }
            let instruction = reader.nested("ofp_instruction_header", usize::from(length))?;
            let bytes = instruction.peek();
            instructions.push(match Self::decode_known(instruction)? {
                Some(known) => known,
                None => Self::Unknown(bytes.into()),
            });
        }
        Ok(instructions)
    }

    /// Reads one whole instruction; `None` when it is unknown or has padding that is not zero.
    fn decode_known(mut instruction: Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let kind = instruction.u16()?;
        let length = instruction.u16()?;
        let known = match (kind, length) {
            (GOTO_TABLE, 8) => Self::GotoTable(instruction.u8()?),
            (METER, 8) => Self::Meter(instruction.u32()?),
            (CLEAR_ACTIONS, 8) => Self::ClearActions,
            (WRITE_METADATA, 24) if instruction.peek().starts_with(&[0; 4]) => {
                instruction.skip(4)?;
                Self::WriteMetadata { value: instruction.u64()?, mask: instruction.u64()? }
            }
            (WRITE_ACTIONS | APPLY_ACTIONS, 8..) if instruction.peek().starts_with(&[0; 4]) => {
                instruction.skip(4)?;
                let actions = decode_actions(&mut instruction)?;
                if kind == WRITE_ACTIONS {
                    Self::WriteActions(actions)
                } else {
                    Self::ApplyActions(actions)
                }
            }
            _ => return Ok(None),
        };
        Ok(instruction.rest().iter().all(|&byte| byte == 0).then_some(known))
    }
}

/// An instruction of eight bytes.
fn put_short(out: &mut BytesMut, kind: u16, argument: u32) {
    out.put_u64(u64::from(kind) << 48 | 8 << 32 | u64::from(argument));
}

fn put_actions(out: &mut BytesMut, kind: u16, actions: &[Action]) {
    let start = out.len();
    put_short(out, kind, 0);
    encode_actions(actions, out);
    put_length(out, start, start + 2);
}
