//! Bits of a field on the wire, as Nicira's actions name them.

use bytes::{BufMut, BytesMut};

use super::Subfield;
use super::codec::{Nicira, decode_header, put_nicira};
use crate::FieldSpec;
use crate::oxm::put_header;
use crate::wire::{Reader, pad_to_8, put_length};

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
