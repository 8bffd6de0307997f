//! Actions on the wire: OpenFlow 1.3.5 §7.2.5, and `ofp-actions.c` of Open vSwitch.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Action, Controller, Ct, Learn, Nat, Resubmit, Sample, Subfield};
use crate::oxm::split_header;
use crate::wire::{Reader, pad_to_8, port_from_16, port_to_16, put_length};
use crate::{DecodeError, Field, FieldSpec, Oxm};

/// Subtypes of Nicira's actions.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct Nicira(u16);

impl Nicira {
    pub(super) const REG_MOVE: Self = Self(6);
    pub(super) const REG_LOAD: Self = Self(7);
    pub(super) const NOTE: Self = Self(8);
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
    pub(super) const DEC_NSH_TTL: Self = Self(48);
    pub(super) const CHECK_PKT_LARGER: Self = Self(49);

    const VENDOR: u32 = 0x0000_2320;
    const ACTION: u16 = 0xffff;

    /// The length of an action without variable parts.
    const fn length(self) -> u16 {
        match self {
            Self(6 | 7 | 15 | 29 | 35) => 24,
            Self(38 | 41) => 32,
            _ => 16,
        }
    }
}

const OUTPUT: u16 = 0;
const SET_MPLS_TTL: u16 = 15;
const DEC_MPLS_TTL: u16 = 16;
const PUSH_VLAN: u16 = 17;
const POP_VLAN: u16 = 18;
const PUSH_MPLS: u16 = 19;
const POP_MPLS: u16 = 20;
const SET_QUEUE: u16 = 21;
const GROUP: u16 = 22;
const SET_NW_TTL: u16 = 23;
const DEC_NW_TTL: u16 = 24;
const SET_FIELD: u16 = 25;

/// Actions nested deeper than this stay bytes, so that no input can exhaust the stack.
pub(super) const MAX_DEPTH: usize = 8;

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

/// Writes a list of actions.
pub(crate) fn encode_actions(actions: &[Action], out: &mut BytesMut) {
    for action in actions {
        action.encode(out);
    }
}

/// Reads a list of actions up to the end of `reader`.
pub(crate) fn decode_actions(reader: &mut Reader<'_>) -> Result<Vec<Action>, DecodeError> {
    decode_nested(reader, 0)
}

pub(super) fn decode_nested(
    reader: &mut Reader<'_>,
    depth: usize,
) -> Result<Vec<Action>, DecodeError> {
    let mut actions = Vec::new();
    while !reader.is_empty() {
        let mut header = reader.clone().named("ofp_action_header");
        header.skip(2)?;
        let length = header.u16()?;
        if length < 8 || length % 8 != 0 {
            return Err(header.bad("len", 2, length, "a multiple of 8, at least 8"));
        }
        let action = reader.nested("ofp_action_header", usize::from(length))?;
        let bytes = action.peek();
        let known = Action::decode_known(action, depth);
        actions.push(known.unwrap_or_else(|| Action::Unknown(Bytes::copy_from_slice(bytes))));
    }
    Ok(actions)
}

impl Action {
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Output { port, max_len } => {
                put_standard(out, OUTPUT, 16, port.0);
                out.put_u64(u64::from(*max_len) << 48);
            }
            Self::OutputReg { source, max_len } => {
                put_nicira(out, Nicira::OUTPUT_REG);
                source.put_bits_and_header(out);
                out.put_u16(*max_len);
                out.put_bytes(0, 6);
            }
            Self::OutputTrunc { port, max_len } => {
                put_nicira(out, Nicira::OUTPUT_TRUNC);
                out.put_u16(port_to_16(*port));
                out.put_u32(*max_len);
            }
            Self::Group(group) => put_standard(out, GROUP, 8, *group),
            Self::SetQueue(queue) => put_standard(out, SET_QUEUE, 8, *queue),
            Self::PushVlan(ethertype) => {
                put_standard(out, PUSH_VLAN, 8, u32::from(*ethertype) << 16);
            }
            Self::PopVlan => put_standard(out, POP_VLAN, 8, 0),
            Self::PushMpls(ethertype) => {
                put_standard(out, PUSH_MPLS, 8, u32::from(*ethertype) << 16);
            }
            Self::PopMpls(ethertype) => {
                put_standard(out, POP_MPLS, 8, u32::from(*ethertype) << 16);
            }
            Self::SetMplsTtl(ttl) => put_standard(out, SET_MPLS_TTL, 8, u32::from(*ttl) << 24),
            Self::DecMplsTtl => put_standard(out, DEC_MPLS_TTL, 8, 0),
            Self::SetNwTtl(ttl) => put_standard(out, SET_NW_TTL, 8, u32::from(*ttl) << 24),
            Self::DecNwTtl => put_standard(out, DEC_NW_TTL, 8, 0),
            Self::DecTtlCntIds(ids) => {
                let start = put_nicira(out, Nicira::DEC_TTL_CNT_IDS);
                out.put_u16(ids.len() as u16);
                out.put_u32(0);
                ids.iter().for_each(|&id| out.put_u16(id));
                pad_to_8(out, start);
                put_length(out, start, start + 2);
            }
            Self::DecNshTtl => {
                put_nicira(out, Nicira::DEC_NSH_TTL);
                out.put_bytes(0, 6);
            }
            Self::SetField(oxm) => encode_set_field(oxm, out),
            Self::Move { source, destination } => {
                let start = put_nicira(out, Nicira::REG_MOVE);
                out.put_u16(source.bits);
                out.put_u16(source.offset);
                out.put_u16(destination.offset);
                source.put_header(out);
                destination.put_header(out);
                pad_to_8(out, start);
                put_length(out, start, start + 2);
            }
            Self::Load { destination, value } => {
                put_nicira(out, Nicira::REG_LOAD);
                destination.put_bits_and_header(out);
                out.put_u64(*value);
            }
            Self::StackPush(subfield) => subfield.encode_stack(Nicira::STACK_PUSH, out),
            Self::StackPop(subfield) => subfield.encode_stack(Nicira::STACK_POP, out),
            Self::CheckPktLarger { pkt_len, destination } => {
                let start = put_nicira(out, Nicira::CHECK_PKT_LARGER);
                out.put_u16(*pkt_len);
                out.put_u16(destination.offset);
                destination.put_header(out);
                pad_to_8(out, start);
                put_length(out, start, start + 2);
            }
            Self::FinTimeout { idle_timeout, hard_timeout } => {
                put_nicira(out, Nicira::FIN_TIMEOUT);
                out.put_u16(*idle_timeout);
                out.put_u16(*hard_timeout);
                out.put_u16(0);
            }
            Self::Sample(sample) => sample.encode(out),
            Self::Learn(learn) => learn.encode(out),
            Self::Resubmit(resubmit) => {
                let with_ct = Nicira::RESUBMIT_TABLE_CT;
                put_nicira(out, if resubmit.ct { with_ct } else { Nicira::RESUBMIT_TABLE });
                out.put_u16(port_to_16(resubmit.in_port));
                out.put_u8(resubmit.table);
                out.put_bytes(0, 3);
            }
            Self::Ct(ct) => ct.encode(out),
            Self::Nat(nat) => nat.encode(out),
            Self::CtClear => {
                put_nicira(out, Nicira::CT_CLEAR);
                out.put_bytes(0, 6);
            }
            Self::Conjunction { id, clause, clauses } => {
                put_nicira(out, Nicira::CONJUNCTION);
                out.put_u8(*clause);
                out.put_u8(*clauses);
                out.put_u32(*id);
            }
            Self::Controller(controller) => controller.encode(out),
            Self::Clone(actions) => {
                let start = put_nicira(out, Nicira::CLONE);
                out.put_bytes(0, 6);
                encode_actions(actions, out);
                put_length(out, start, start + 2);
            }
            Self::Exit => {
                put_nicira(out, Nicira::EXIT);
                out.put_bytes(0, 6);
            }
            Self::Note(note) => {
                let start = put_nicira(out, Nicira::NOTE);
                out.put_slice(note);
                // A note has six bytes at least.
                out.put_bytes(0, 6_usize.saturating_sub(note.len()));
                pad_to_8(out, start);
                put_length(out, start, start + 2);
            }
            Self::Unknown(bytes) => out.put_slice(bytes),
        }
    }

    /// Reads one whole action; `None` when it is unknown, or written in another than the canonical
    /// way, so that encoding would change its bytes.
    fn decode_known(mut action: Reader<'_>, depth: usize) -> Option<Self> {
        let bytes = action.peek();
        let kind = action.u16().ok()?;
        let length = action.u16().ok()?;
        let decoded = match (kind, length) {
            (OUTPUT, 16) => {
                let port = action.port().ok()?;
                Self::Output { port, max_len: action.u16().ok()? }
            }
            (GROUP, 8) => Self::Group(action.u32().ok()?),
            (SET_QUEUE, 8) => Self::SetQueue(action.u32().ok()?),
            (PUSH_VLAN, 8) => Self::PushVlan(action.u16().ok()?),
            (POP_VLAN, 8) => Self::PopVlan,
            (PUSH_MPLS, 8) => Self::PushMpls(action.u16().ok()?),
            (POP_MPLS, 8) => Self::PopMpls(action.u16().ok()?),
            (SET_MPLS_TTL, 8) => Self::SetMplsTtl(action.u8().ok()?),
            (DEC_MPLS_TTL, 8) => Self::DecMplsTtl,
            (SET_NW_TTL, 8) => Self::SetNwTtl(action.u8().ok()?),
            (DEC_NW_TTL, 8) => Self::DecNwTtl,
            (SET_FIELD, _) => {
                let oxm = decode_tlv(&mut action, Field::spec)?;
                oxm.is_exact().then_some(Self::SetField(oxm))?
            }
            (Nicira::ACTION, 16..) => Self::decode_nicira(&mut action, depth)?,
            _ => return None,
        };
        let canonical = match &decoded {
            // These have optional parts: the sure way to know is to write them once more.
            Self::Nat(_)
            | Self::Controller(_)
            | Self::DecTtlCntIds(_)
            | Self::Sample(_)
            | Self::Learn(_) => {
                let mut again = BytesMut::with_capacity(bytes.len());
                decoded.encode(&mut again);
                again == bytes
            }
            // Whatever is left is padding.
            _ => action.peek().len() < 8 && action.peek().iter().all(|&byte| byte == 0),
        };
        canonical.then_some(decoded)
    }

    fn decode_nicira(action: &mut Reader<'_>, depth: usize) -> Option<Self> {
        if action.u32().ok()? != Nicira::VENDOR {
            return None;
        }
        let length = action.peek().len() + 8;
        let subtype = Nicira(action.u16().ok()?);
        Some(match subtype {
            Nicira::REG_MOVE => {
                let bits = action.u16().ok()?;
                let (from, to) = (action.u16().ok()?, action.u16().ok()?);
                let source = decode_header(action)?;
                let destination = decode_header(action)?;
                Self::Move {
                    source: Subfield { field: source.field, offset: from, bits },
                    destination: Subfield { field: destination.field, offset: to, bits },
                }
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
            Nicira::SAMPLE | Nicira::SAMPLE2 | Nicira::SAMPLE3 => {
                Self::Sample(Sample::decode(subtype, action)?)
            }
            Nicira::LEARN | Nicira::LEARN2 => Self::Learn(Learn::decode(subtype, action)?),
            Nicira::NOTE => Self::Note(action.rest_bytes()),
            Nicira::EXIT if length == 16 => Self::Exit,
            Nicira::CT_CLEAR if length == 16 => Self::CtClear,
            Nicira::CONTROLLER if length == 16 => Self::Controller(Controller::decode(action)?),
            Nicira::CONTROLLER2 => Self::Controller(Controller::decode2(action)?),
            Nicira::REG_LOAD2 => {
                let oxm = decode_tlv(action, Field::spec_in_action)?;
                (!oxm.is_exact()).then_some(Self::SetField(oxm))?
            }
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

fn put_standard(out: &mut BytesMut, kind: u16, length: u16, argument: u32) {
    let header = u64::from(kind) << 48 | u64::from(length) << 32 | u64::from(argument);
    out.put_u64(header);
}

/// `OFPAT_SET_FIELD` sets whole fields; for some bits of one, `NXAST_REG_LOAD2` does.
fn encode_set_field(oxm: &Oxm, out: &mut BytesMut) {
    let start = out.len();
    if oxm.is_exact() {
        put_standard(out, SET_FIELD, 0, 0);
        out.truncate(start + 4);
        let (tlv, length) = oxm.to_tlv_as(oxm.field, false);
        out.put_slice(&tlv[..length]);
    } else {
        put_nicira(out, Nicira::REG_LOAD2);
        let spelling = oxm.field.spec().map_or(oxm.field, |spec| spec.action_field);
        let (tlv, length) = oxm.to_tlv_as(spelling, true);
        out.put_slice(&tlv[..length]);
    }
    pad_to_8(out, start);
    put_length(out, start, start + 2);
}

/// Reads a field with its value, looking the field up by `find`; `None` also for a mask that says
/// nothing, which would not be written again.
fn decode_tlv(
    action: &mut Reader<'_>,
    find: impl FnOnce(Field) -> Option<&'static FieldSpec>,
) -> Option<Oxm> {
    let length = usize::from(*action.peek().get(3)?);
    let (field, has_mask, payload) = split_header(action.take(4 + length).ok()?)?;
    let oxm = Oxm::from_payload(find(field)?, has_mask, payload)?;
    (has_mask != oxm.is_exact()).then_some(oxm)
}

/// Reads a field's header without a value, in the spelling that actions use.
pub(super) fn decode_header(action: &mut Reader<'_>) -> Option<&'static FieldSpec> {
    let class = action.u16().ok()?;
    let [number, length] = action.array().ok()?;
    let experimenter = if class == 0xffff { action.u32().ok()? } else { 0 };
    let field = Field { class, number: number >> 1, experimenter };
    let spec = field.spec_in_action()?;
    let expected = spec.bytes() + if class == 0xffff { 4 } else { 0 };
    (number & 1 == 0 && usize::from(length) == expected).then_some(spec)
}
