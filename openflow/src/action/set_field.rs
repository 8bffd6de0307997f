//! `set_field` on the wire: the standard's for whole fields, Nicira's for some bits of one.

use bytes::{BufMut, BytesMut};

use super::codec::{SET_FIELD, put_standard};
use super::nicira::{Nicira, put_nicira};
use super::{Action, Subfield};
use crate::oxm::split_header;
use crate::wire::{Reader, pad_to_8, put_length};
use crate::{Field, FieldSpec, Oxm, TunMetadata};

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

/// Reads a field with its value, looking the field up by `find`; also whether there is a mask.
fn decode_tlv(
    action: &mut Reader<'_>,
    find: impl FnOnce(Field) -> Option<&'static FieldSpec>,
) -> Option<(Oxm, bool)> {
    let length = usize::from(*action.peek().get(3)?);
    let (field, has_mask, payload) = split_header(action.take(4 + length).ok()?)?;
    Some((Oxm::from_payload(find(field)?, has_mask, payload)?, has_mask))
}

/// As [`encode_set_field`], for an option of a tunnel.
pub(super) fn encode_set_tun_metadata(option: &TunMetadata, out: &mut BytesMut) {
    let start = out.len();
    if option.mask().is_none() {
        put_standard(out, SET_FIELD, 0, 0);
        out.truncate(start + 4);
    } else {
        put_nicira(out, Nicira::REG_LOAD2);
    }
    option.encode(out);
    pad_to_8(out, start);
    put_length(out, start, start + 2);
}

/// Reads the field and value of `OFPAT_SET_FIELD`.
pub(super) fn decode_set_field(action: &mut Reader<'_>) -> Option<Action> {
    if let Some(option) = tun_metadata(action) {
        return option.mask().is_none().then(|| Action::SetTunMetadata(option.into()));
    }
    let (oxm, has_mask) = decode_tlv(action, Field::spec)?;
    (!has_mask).then_some(Action::SetField(oxm))
}

/// Reads an option of a tunnel, if that is what comes.
fn tun_metadata(action: &mut Reader<'_>) -> Option<TunMetadata> {
    let length = 4 + usize::from(*action.peek().get(3)?);
    let option = TunMetadata::from_tlv(action.peek().get(..length)?)?;
    action.skip(length).ok()?;
    Some(option)
}

/// `NXAST_REG_LOAD2` of an experimenter's field or an option, with a mask unless all of it is set.
pub(super) fn encode_load2(destination: Subfield, value: u64, out: &mut BytesMut) {
    let Subfield { field, offset, bits } = destination;
    if let Some(number) = field.tun_metadata_number() {
        let start = put_nicira(out, Nicira::REG_LOAD2);
        TunMetadata::of_bits(number, offset, bits, u128::from(value)).encode(out);
        pad_to_8(out, start);
        return put_length(out, start, start + 2);
    }
    let ones = u128::MAX.checked_shr(128_u32.saturating_sub(u32::from(bits))).unwrap_or(0);
    let shifted = |bits: u128| bits.checked_shl(u32::from(offset)).unwrap_or(0);
    let oxm = Oxm { field, value: shifted(u128::from(value)), mask: shifted(ones) };
    let start = put_nicira(out, Nicira::REG_LOAD2);
    let (tlv, length) = oxm.to_tlv_as(field, !oxm.is_unmasked());
    out.put_slice(&tlv[..length]);
    pad_to_8(out, start);
    put_length(out, start, start + 2);
}

/// Reads the field, value and mask of `NXAST_REG_LOAD2`. Without a mask, it is the load of a whole
/// field that `NXAST_REG_LOAD` cannot tell.
pub(super) fn decode_load2(action: &mut Reader<'_>) -> Option<Action> {
    if let Some(option) = tun_metadata(action) {
        return load_of_option(option);
    }
    let (oxm, has_mask) = decode_tlv(action, Field::spec_in_action)?;
    if !oxm.is_exact() {
        return Some(Action::SetField(oxm));
    }
    let spec = oxm.field.spec().filter(|spec| spec.action_field.class == Field::EXPERIMENTER)?;
    let destination = Subfield::whole(spec.field);
    let value = u64::try_from(oxm.value).ok()?;
    // A mask of all the bits that there are is only written where the field's place has more.
    let all = oxm.mask == spec.value_mask() && has_mask != oxm.is_unmasked();
    all.then_some(Action::Load { destination, value })
}

/// What `NXAST_REG_LOAD2` does to an option of a tunnel; `None` for the load of a whole one that is
/// written longer than it need be, or that no number can tell.
fn load_of_option(option: TunMetadata) -> Option<Action> {
    if option.mask().is_some() {
        return Some(Action::SetTunMetadata(option.into()));
    }
    let value = option.value();
    if value.len() > 8 || value.first() == Some(&0) {
        return None;
    }
    let number = value.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
    Some(Action::Load { destination: Subfield::whole(option.field()), value: number })
}
