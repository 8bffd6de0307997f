//! `set_field` on the wire: the standard's for whole fields, Nicira's for some bits of one.

use bytes::{BufMut, BytesMut};

use super::codec::{SET_FIELD, put_standard};
use super::nicira::{Nicira, put_nicira};
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

/// Reads the field, value and mask of `NXAST_REG_LOAD2`.
pub(super) fn decode_masked(action: &mut Reader<'_>) -> Option<Oxm> {
    decode_tlv(action, Field::spec_in_action).filter(|oxm| !oxm.is_exact())
}
