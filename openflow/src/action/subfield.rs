//! Bits of a field on the wire, as Nicira's actions name them.

use bytes::{BufMut, BytesMut};

use super::Subfield;
use super::nicira::{Nicira, put_nicira};
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
        put_nicira(out, Nicira::REG_LOAD);
        self.put_bits_and_header(out);
        out.put_u64(value);
    }

    /// `nx_action_output_reg`.
    pub(super) fn encode_output(self, max_len: u16, out: &mut BytesMut) {
        put_nicira(out, Nicira::OUTPUT_REG);
        self.put_bits_and_header(out);
        out.put_u16(max_len);
        out.put_bytes(0, 6);
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
        // An experimenter's header is longer than the structure allows.
        (field.spec()?.action_field.class != 0xffff).then_some(Self { field, offset, bits })
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
