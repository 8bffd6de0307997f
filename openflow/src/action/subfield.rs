//! Bits of a field on the wire, as Nicira's actions name them.

use bytes::{BufMut, BytesMut};

use super::Subfield;
use super::nicira::{Nicira, put_nicira};
use super::set_field::encode_load2;
use crate::oxm::put_header;
use crate::wire::{Reader, pad_to_8, put_length};
use crate::{Field, FieldSpec};

impl Subfield {
    /// `(offset << 6) | (bits - 1)`, as Nicira's actions say which bits.
    pub(super) fn offset_and_bits(self) -> u16 {
        self.offset << 6 | (self.bits.wrapping_sub(1) & 0x3f)
    }

    /// The field's header without a value: 4 bytes, 8 for an experimenter's field.
    pub(super) fn put_header(self, out: &mut BytesMut) {
        let spec = self.field.spec();
        let field = spec.map_or(self.field, |spec| spec.action_field);
        put_header(out, field, false, spec.map_or(0, FieldSpec::bytes));
    }

    pub(super) fn put_bits_and_header(self, out: &mut BytesMut) {
        out.put_u16(self.offset_and_bits());
        self.put_header(out);
    }

    /// `nx_action_stack`.
    pub(super) fn encode_stack(self, subtype: Nicira, out: &mut BytesMut) {
        let start = put_nicira(out, subtype);
        out.put_u16(self.offset);
        self.put_header(out);
        out.put_u16(self.bits);
        pad_to_8(out, start);
        put_length(out, start, start + 2);
    }

    pub(super) fn decode_stack(body: &mut Reader<'_>) -> Option<Self> {
        let offset = body.u16().ok()?;
        let field = decode_header(body)?.field;
        Some(Self { field, offset, bits: body.u16().ok()? })
    }

    /// `nx_action_reg_move` from these bits to `destination`.
    pub(super) fn encode_move(self, destination: Self, out: &mut BytesMut) {
        let start = put_nicira(out, Nicira::REG_MOVE);
        out.put_u16(self.bits);
        out.put_u16(self.offset);
        out.put_u16(destination.offset);
        self.put_header(out);
        destination.put_header(out);
        pad_to_8(out, start);
        put_length(out, start, start + 2);
    }

    /// The source and the destination of a move.
    pub(super) fn decode_move(body: &mut Reader<'_>) -> Option<(Self, Self)> {
        let bits = body.u16().ok()?;
        let (from, to) = (body.u16().ok()?, body.u16().ok()?);
        let source = decode_header(body)?.field;
        let destination = decode_header(body)?.field;
        Some((
            Self { field: source, offset: from, bits },
            Self { field: destination, offset: to, bits },
        ))
    }

    /// `nx_action_reg_load` of `value`.
    pub(super) fn encode_load(self, value: u64, out: &mut BytesMut) {
        if self.is_experimenter() || self.field.tun_metadata_number().is_some() {
            return encode_load2(self, value, out);
        }
        put_nicira(out, Nicira::REG_LOAD);
        self.put_bits_and_header(out);
        out.put_u64(value);
    }

    /// `nx_action_output_reg`, or `nx_action_output_reg2` for an experimenter's field.
    pub(super) fn encode_output(self, max_len: u16, out: &mut BytesMut) {
        if self.is_experimenter() {
            let start = put_nicira(out, Nicira::OUTPUT_REG2);
            out.put_u16(self.offset_and_bits());
            out.put_u16(max_len);
            self.put_header(out);
            return pad_to_8(out, start);
        }
        put_nicira(out, Nicira::OUTPUT_REG);
        self.put_bits_and_header(out);
        out.put_u16(max_len);
        out.put_bytes(0, 6);
    }

    /// Source and length of `nx_action_output_reg2`; none for a field that the short form can tell.
    pub(super) fn decode_output2(body: &mut Reader<'_>) -> Option<(Self, u16)> {
        let (offset, bits) = split_offset_and_bits(body.u16().ok()?);
        let max_len = body.u16().ok()?;
        let source = Self { field: decode_header(body)?.field, offset, bits };
        source.is_experimenter().then_some((source, max_len))
    }

    /// `nx_action_delete_field`.
    pub(super) fn encode_delete(field: Field, out: &mut BytesMut) {
        let start = put_nicira(out, Nicira::DELETE_FIELD);
        Self { field, offset: 0, bits: 1 }.put_header(out);
        out.put_bytes(0, start + 24 - out.len());
    }

    /// True when the field's header takes eight bytes, not four.
    fn is_experimenter(self) -> bool {
        self.field.spec().is_some_and(|spec| spec.action_field.class == Field::EXPERIMENTER)
    }

    /// `nx_action_check_pkt_larger`: these bits are told by their offset, there is one.
    pub(super) fn encode_check_pkt_larger(self, pkt_len: u16, out: &mut BytesMut) {
        let start = put_nicira(out, Nicira::CHECK_PKT_LARGER);
        out.put_u16(pkt_len);
        out.put_u16(self.offset);
        self.put_header(out);
        pad_to_8(out, start);
        put_length(out, start, start + 2);
    }

    pub(super) fn decode_bits_and_header(body: &mut Reader<'_>) -> Option<Self> {
        let (offset, bits) = split_offset_and_bits(body.u16().ok()?);
        let field = decode_header(body)?.field;
        let subfield = Self { field, offset, bits };
        // An experimenter's header is longer than the structure allows.
        (!subfield.is_experimenter()).then_some(subfield)
    }
}

pub(super) const fn split_offset_and_bits(packed: u16) -> (u16, u16) {
    (packed >> 6, (packed & 0x3f) + 1)
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
