//! Actions on the wire: OpenFlow 1.3.5 §7.2.5. Nicira's have a file of their own.

use bytes::{BufMut, Bytes, BytesMut};

use super::encap::put_decap;
use super::nicira::{
    Nicira, put_bare, put_clone, put_conjunction, put_controller_ids, put_fin_timeout, put_note,
    put_output_trunc, put_resubmit,
};
use super::set_field::{decode_set_field, encode_set_field, encode_set_tun_metadata};
use super::{Action, Subfield};
use crate::DecodeError;
use crate::wire::Reader;

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
pub(super) const SET_FIELD: u16 = 25;

/// Actions nested deeper than this stay bytes, so that no input can exhaust the stack.
pub(super) const MAX_DEPTH: usize = 8;

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
            Self::OutputReg { source, max_len } => source.encode_output(*max_len, out),
            Self::OutputTrunc { port, max_len } => put_output_trunc(out, *port, *max_len),
            Self::Group(group) => put_standard(out, GROUP, 8, *group),
            Self::SetQueue(queue) => put_standard(out, SET_QUEUE, 8, *queue),
            Self::PopQueue => put_bare(out, Nicira::POP_QUEUE),
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
            Self::DecTtlCntIds(ids) => put_controller_ids(out, ids),
            Self::DecNshTtl => put_bare(out, Nicira::DEC_NSH_TTL),
            Self::SetField(oxm) => encode_set_field(oxm, out),
            Self::SetTunMetadata(option) => encode_set_tun_metadata(option, out),
            Self::Move { source, destination } => source.encode_move(*destination, out),
            Self::Load { destination, value } => destination.encode_load(*value, out),
            Self::StackPush(subfield) => subfield.encode_stack(Nicira::STACK_PUSH, out),
            Self::StackPop(subfield) => subfield.encode_stack(Nicira::STACK_POP, out),
            Self::CheckPktLarger { pkt_len, destination } => {
                destination.encode_check_pkt_larger(*pkt_len, out);
            }
            Self::FinTimeout { idle_timeout, hard_timeout } => {
                put_fin_timeout(out, *idle_timeout, *hard_timeout);
            }
            Self::Multipath(multipath) => multipath.encode(out),
            Self::Bundle(bundle) => bundle.encode(out),
            Self::Encap(encap) => encap.encode(out),
            Self::Decap(packet_type) => put_decap(out, *packet_type),
            Self::DeleteField(field) => Subfield::encode_delete(*field, out),
            Self::Sample(sample) => sample.encode(out),
            Self::Learn(learn) => learn.encode(out),
            Self::Resubmit(resubmit) => put_resubmit(out, *resubmit),
            Self::Ct(ct) => ct.encode(out),
            Self::Nat(nat) => nat.encode(out),
            Self::CtClear => put_bare(out, Nicira::CT_CLEAR),
            Self::Conjunction { id, clause, clauses } => {
                put_conjunction(out, *id, *clause, *clauses);
            }
            Self::Controller(controller) => controller.encode(out),
            Self::Clone(actions) => put_clone(out, actions),
            Self::Exit => put_bare(out, Nicira::EXIT),
            Self::Note(note) => put_note(out, note),
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
            (SET_FIELD, _) => decode_set_field(&mut action)?,
            (Nicira::ACTION, 16..) => Self::decode_nicira(&mut action, depth)?,
            _ => return None,
        };
        let canonical = match &decoded {
            // These have optional parts: the sure way to know is to write them once more.
            Self::Nat(_)
            | Self::Controller(_)
            | Self::DecTtlCntIds(_)
            | Self::Multipath(_)
            | Self::Bundle(_)
            | Self::Encap(_)
            | Self::Decap(_)
            | Self::DeleteField(_)
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
}

pub(super) fn put_standard(out: &mut BytesMut, kind: u16, length: u16, argument: u32) {
    let header = u64::from(kind) << 48 | u64::from(length) << 32 | u64::from(argument);
    out.put_u64(header);
}
