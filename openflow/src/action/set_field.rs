//! `set_field` on the wire: the standard's for whole fields, Nicira's for some bits of one.

use bytes::{BufMut, BytesMut};

use super::codec::{SET_FIELD, put_standard};
use super::nicira::{Nicira, put_nicira};
use super::{Action, Subfield};
use crate::oxm::split_header;
use crate::wire::{Reader, pad_to_8, put_length};
use crate::{Field, FieldSpec, Oxm};

/// `OFPAT_SET_FIELD` sets whole fields; for some bits of one, `NXAST_REG_LOAD2` does.
pub(super) fn encode_set_field(oxm: &Oxm, out: &mut BytesMut) {
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

/// Reads the field and value of `OFPAT_SET_FIELD`.
pub(super) fn decode_exact(action: &mut Reader<'_>) -> Option<Oxm> {
    decode_tlv(action, Field::spec).filter(Oxm::is_exact)
}

/// `NXAST_REG_LOAD2` of an experimenter's field, with a mask unless the whole field is set.
pub(super) fn encode_load2(destination: Subfield, value: u64, out: &mut BytesMut) {
    let Subfield { field, offset, bits } = destination;
    let ones = u128::MAX >> 128_u32.saturating_sub(u32::from(bits));
    let shifted = |bits: u128| bits.checked_shl(u32::from(offset)).unwrap_or(0);
    let oxm = Oxm { field, value: shifted(u128::from(value)), mask: shifted(ones) };
    let start = put_nicira(out, Nicira::REG_LOAD2);
    let (tlv, length) = oxm.to_tlv_as(field, !oxm.is_exact());
    out.put_slice(&tlv[..length]);
    pad_to_8(out, start);
    put_length(out, start, start + 2);
}

/// Reads the field, value and mask of `NXAST_REG_LOAD2`. Without a mask, it is the load of a whole
/// field that `NXAST_REG_LOAD` cannot tell.
pub(super) fn decode_load2(action: &mut Reader<'_>) -> Option<Action> {
    let oxm = decode_tlv(action, Field::spec_in_action)?;
    if !oxm.is_exact() {
        return Some(Action::SetField(oxm));
    }
    let spec = oxm.field.spec().filter(|spec| spec.action_field.class == Field::EXPERIMENTER)?;
    let value = u64::try_from(oxm.value).ok()?;
    Some(Action::Load { destination: Subfield::whole(spec.field), value })
}
