//! Nicira's actions on the wire: `ofp-actions.c` of Open vSwitch, each with the vendor's number and a
//! subtype.

use bytes::{BufMut, BytesMut};

use super::codec::{MAX_DEPTH, decode_nested, encode_actions};
use super::encap::decode_decap;
use super::set_field::decode_load2;
use super::subfield::decode_header;
use super::{
    Action, Bundle, Controller, Ct, Encap, Learn, Multipath, Nat, Resubmit, Sample, Subfield,
};
use crate::PortNo;
use crate::wire::{Reader, pad_to_8, port_from_16, port_to_16, put_length};

/// Subtypes of Nicira's actions.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct Nicira(u16);

impl Nicira {
    pub(super) const POP_QUEUE: Self = Self(5);
    pub(super) const REG_MOVE: Self = Self(6);
    pub(super) const REG_LOAD: Self = Self(7);
    pub(super) const NOTE: Self = Self(8);
    pub(super) const MULTIPATH: Self = Self(10);
    pub(super) const BUNDLE: Self = Self(12);
    pub(super) const BUNDLE_LOAD: Self = Self(13);
    pub(super) const RESUBMIT_TABLE: Self = Self(14);
    pub(super) const OUTPUT_REG: Self = Self(15);
    pub(super) const LEARN: Self = Self(16);
    pub(super) const EXIT: Self = Self(17);
    pub(super) const FIN_TIMEOUT: Self = Self(19);
    pub(super) const CONTROLLER: Self = Self(20);
    pub(super) const DEC_TTL_CNT_IDS: Self = Self(21);
    pub(super) const STACK_PUSH: Self = Self(27);
    pub(super) const STACK_POP: Self = Self(28);
    pub(super) const SAMPLE: Self = Self(29);
    pub(super) const OUTPUT_REG2: Self = Self(32);
    pub(super) const REG_LOAD2: Self = Self(33);
    pub(super) const CONJUNCTION: Self = Self(34);
    pub(super) const CT: Self = Self(35);
    pub(super) const NAT: Self = Self(36);
    pub(super) const CONTROLLER2: Self = Self(37);
    pub(super) const SAMPLE2: Self = Self(38);
    pub(super) const OUTPUT_TRUNC: Self = Self(39);
    pub(super) const SAMPLE3: Self = Self(41);
    pub(super) const CLONE: Self = Self(42);
    pub(super) const CT_CLEAR: Self = Self(43);
    pub(super) const RESUBMIT_TABLE_CT: Self = Self(44);
    pub(super) const LEARN2: Self = Self(45);
    pub(super) const ENCAP: Self = Self(46);
    pub(super) const DECAP: Self = Self(47);
    pub(super) const DEC_NSH_TTL: Self = Self(48);
    pub(super) const CHECK_PKT_LARGER: Self = Self(49);
    pub(super) const DELETE_FIELD: Self = Self(50);

    const VENDOR: u32 = 0x0000_2320;
    pub(super) const ACTION: u16 = 0xffff;

    /// The length of an action without variable parts.
    const fn length(self) -> u16 {
        match self {
            Self(6 | 7 | 15 | 29 | 32 | 35 | 50) => 24,
            Self(10 | 38 | 41) => 32,
            _ => 16,
        }
    }
}

/// Writes the header up to the subtype; returns where the action starts.
pub(super) fn put_nicira(out: &mut BytesMut, subtype: Nicira) -> usize {
    let start = out.len();
    let mut header = [0; 10];
    let mut rest = &mut header[..];
    rest.put_u16(Nicira::ACTION);
    rest.put_u16(subtype.length());
    rest.put_u32(Nicira::VENDOR);
    rest.put_u16(subtype.0);
    out.put_slice(&header);
    start
}

/// Writes an action of which the subtype says everything.
pub(super) fn put_bare(out: &mut BytesMut, subtype: Nicira) {
    put_nicira(out, subtype);
    out.put_bytes(0, 6);
}

/// `nx_action_output_trunc`.
pub(super) fn put_output_trunc(out: &mut BytesMut, port: PortNo, max_len: u32) {
    put_nicira(out, Nicira::OUTPUT_TRUNC);
    out.put_u16(port_to_16(port));
    out.put_u32(max_len);
}

/// `nx_action_cnt_ids`.
pub(super) fn put_controller_ids(out: &mut BytesMut, ids: &[u16]) {
    let start = put_nicira(out, Nicira::DEC_TTL_CNT_IDS);
    out.put_u16(ids.len() as u16);
    out.put_u32(0);
    ids.iter().for_each(|&id| out.put_u16(id));
    pad_to_8(out, start);
    put_length(out, start, start + 2);
}

/// `nx_action_fin_timeout`.
pub(super) fn put_fin_timeout(out: &mut BytesMut, idle_timeout: u16, hard_timeout: u16) {
    put_nicira(out, Nicira::FIN_TIMEOUT);
    out.put_u16(idle_timeout);
    out.put_u16(hard_timeout);
    out.put_u16(0);
}

/// `nx_action_conjunction`.
pub(super) fn put_conjunction(out: &mut BytesMut, id: u32, clause: u8, clauses: u8) {
    put_nicira(out, Nicira::CONJUNCTION);
    out.put_u8(clause);
    out.put_u8(clauses);
    out.put_u32(id);
}

/// `nx_action_resubmit`.
pub(super) fn put_resubmit(out: &mut BytesMut, resubmit: Resubmit) {
    let with_ct = Nicira::RESUBMIT_TABLE_CT;
    put_nicira(out, if resubmit.ct { with_ct } else { Nicira::RESUBMIT_TABLE });
    out.put_u16(port_to_16(resubmit.in_port));
    out.put_u8(resubmit.table);
    out.put_bytes(0, 3);
}

/// `NXAST_CLONE`, with the actions in it.
pub(super) fn put_clone(out: &mut BytesMut, actions: &[Action]) {
    let start = out.len();
    put_bare(out, Nicira::CLONE);
    encode_actions(actions, out);
    put_length(out, start, start + 2);
}

/// `nx_action_note`, which has six bytes at least.
pub(super) fn put_note(out: &mut BytesMut, note: &[u8]) {
    let start = put_nicira(out, Nicira::NOTE);
    out.put_slice(note);
    out.put_bytes(0, 6_usize.saturating_sub(note.len()));
    pad_to_8(out, start);
    put_length(out, start, start + 2);
}

impl Action {
    /// Reads what follows an experimenter's header.
    pub(super) fn decode_nicira(action: &mut Reader<'_>, depth: usize) -> Option<Self> {
        if action.u32().ok()? != Nicira::VENDOR {
            return None;
        }
        let length = action.peek().len() + 8;
        let subtype = Nicira(action.u16().ok()?);
        Some(match subtype {
            Nicira::REG_MOVE => {
                let (source, destination) = Subfield::decode_move(action)?;
                Self::Move { source, destination }
            }
            Nicira::REG_LOAD if length == 24 => {
                let destination = Subfield::decode_bits_and_header(action)?;
                Self::Load { destination, value: action.u64().ok()? }
            }
            Nicira::RESUBMIT_TABLE | Nicira::RESUBMIT_TABLE_CT if length == 16 => {
                let in_port = port_from_16(action.u16().ok()?);
                let table = action.u8().ok()?;
                let ct = matches!(subtype, Nicira::RESUBMIT_TABLE_CT);
                Self::Resubmit(Resubmit { in_port, table, ct })
            }
            Nicira::OUTPUT_REG if length == 24 => {
                let source = Subfield::decode_bits_and_header(action)?;
                Self::OutputReg { source, max_len: action.u16().ok()? }
            }
            Nicira::OUTPUT_REG2 if length == 24 => {
                let (source, max_len) = Subfield::decode_output2(action)?;
                Self::OutputReg { source, max_len }
            }
            Nicira::OUTPUT_TRUNC if length == 16 => {
                let port = port_from_16(action.u16().ok()?);
                Self::OutputTrunc { port, max_len: action.u32().ok()? }
            }
            Nicira::DEC_TTL_CNT_IDS => {
                let count = action.u16().ok()?;
                action.skip(4).ok()?;
                let ids = action.take(2 * usize::from(count)).ok()?.chunks_exact(2);
                let ids: Vec<_> = ids.map(|id| u16::from_be_bytes([id[0], id[1]])).collect();
                (!ids.is_empty()).then_some(Self::DecTtlCntIds(ids))?
            }
            Nicira::DEC_NSH_TTL if length == 16 => Self::DecNshTtl,
            Nicira::STACK_PUSH => Self::StackPush(Subfield::decode_stack(action)?),
            Nicira::STACK_POP => Self::StackPop(Subfield::decode_stack(action)?),
            Nicira::CHECK_PKT_LARGER => {
                let (pkt_len, offset) = (action.u16().ok()?, action.u16().ok()?);
                let field = decode_header(action)?.field;
                Self::CheckPktLarger { pkt_len, destination: Subfield { field, offset, bits: 1 } }
            }
            Nicira::FIN_TIMEOUT if length == 16 => {
                let idle_timeout = action.u16().ok()?;
                Self::FinTimeout { idle_timeout, hard_timeout: action.u16().ok()? }
            }
            Nicira::POP_QUEUE if length == 16 => Self::PopQueue,
            Nicira::MULTIPATH if length == 32 => Self::Multipath(Multipath::decode(action)?),
            Nicira::BUNDLE | Nicira::BUNDLE_LOAD => Self::Bundle(Bundle::decode(subtype, action)?),
            Nicira::ENCAP => Self::Encap(Encap::decode(action)?),
            Nicira::DECAP => Self::Decap(decode_decap(action)?),
            Nicira::DELETE_FIELD if length == 24 => Self::DeleteField(decode_header(action)?.field),
            Nicira::SAMPLE | Nicira::SAMPLE2 | Nicira::SAMPLE3 => {
                Self::Sample(Sample::decode(subtype, action)?)
            }
            Nicira::LEARN | Nicira::LEARN2 => Self::Learn(Learn::decode(subtype, action)?.into()),
            Nicira::NOTE => Self::Note(action.rest_bytes()),
            Nicira::EXIT if length == 16 => Self::Exit,
            Nicira::CT_CLEAR if length == 16 => Self::CtClear,
            Nicira::CONTROLLER if length == 16 => Self::Controller(Controller::decode(action)?),
            Nicira::CONTROLLER2 => Self::Controller(Controller::decode2(action)?),
            Nicira::REG_LOAD2 => decode_load2(action)?,
            Nicira::CONJUNCTION if length == 16 => {
                let (clause, clauses) = (action.u8().ok()?, action.u8().ok()?);
                Self::Conjunction { id: action.u32().ok()?, clause, clauses }
            }
            Nicira::CT => Self::Ct(Ct::decode(action, depth)?),
            Nicira::NAT => Self::Nat(Nat::decode(action)?),
            Nicira::CLONE if depth < MAX_DEPTH => {
                if action.array::<6>().ok()? != [0; 6] {
                    return None;
                }
                Self::Clone(decode_nested(action, depth + 1).ok()?)
            }
            _ => return None,
        })
    }
}
