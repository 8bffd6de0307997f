//! Fields with their values on the wire: OpenFlow 1.3.5 §7.2.3.2.

use bytes::{Buf, BufMut};

use crate::{Field, FieldSpec, Format, MacAddr, PortNo};

/// The longest TLV: header, experimenter, 128-bit value and mask.
const MAX_TLV: usize = 4 + 4 + 16 + 16;

/// One field with its value and, where not all of it counts, a mask:
/// `struct ofp_oxm_tlv`, OpenFlow 1.3.5 §7.2.3.2.
///
/// Values are right-aligned numbers of the field's width: an address is its octets read as one
/// big-endian number. Bits outside the mask are zero in `value`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Oxm {
    /// Which field.
    pub field: Field,
    /// The value.
    pub value: u128,
    /// The bits that count; all ones of the field's width when there is no mask.
    pub mask: u128,
}

/// A value that a field can take, as the number that [`Oxm`] holds.
pub trait IntoFieldValue {
    /// The number.
    fn into_field_value(self) -> u128;
}

macro_rules! plain {
    ($($number:ty),*) => {$(
        impl IntoFieldValue for $number {
            fn into_field_value(self) -> u128 {
                u128::from(self)
            }
        }
    )*};
}

plain!(u8, u16, u32, u64, u128, MacAddr);

impl IntoFieldValue for std::net::Ipv4Addr {
    fn into_field_value(self) -> u128 {
        u128::from(self.to_bits())
    }
}

impl IntoFieldValue for std::net::Ipv6Addr {
    fn into_field_value(self) -> u128 {
        self.to_bits()
    }
}

impl IntoFieldValue for PortNo {
    fn into_field_value(self) -> u128 {
        u128::from(self.0)
    }
}

impl Oxm {
    /// The field with exactly this value.
    ///
    /// # Panics
    ///
    /// When the field is none of [`Field`]'s constants (options of tunnels are
    /// [`crate::TunMetadata`]s), or the value is wider than the field: both are mistakes of the
    /// program, not of its input.
    pub fn exact(field: Field, value: impl IntoFieldValue) -> Self {
        let spec = field.spec().expect("exact() is called with one of Field's constants");
        Self::masked(field, value, spec.value_mask())
    }

    /// The field with the bits of `mask` equal to those of `value`.
    ///
    /// Mask bits beyond the field's width say nothing and are dropped.
    ///
    /// # Panics
    ///
    /// As [`Oxm::exact`].
    pub fn masked(field: Field, value: impl IntoFieldValue, mask: impl IntoFieldValue) -> Self {
        let spec = field.spec().expect("masked() is called with one of Field's constants");
        let (value, mask) = (value.into_field_value(), mask.into_field_value());
        assert!(spec.format != Format::Bytes, "{field:?} is what TunMetadata holds");
        assert!(value & !spec.value_mask() == 0, "{value:#x} is wider than {field:?}");
        let mask = mask & spec.value_mask();
        Self { field, value: value & mask, mask }
    }

    /// True when every bit of the field counts.
    pub fn is_exact(&self) -> bool {
        let all = |spec: &FieldSpec| self.mask & spec.value_mask() == spec.value_mask();
        self.field.spec().is_none_or(all)
    }

    /// True when the mask is left out on the wire.
    pub(crate) fn is_unmasked(&self) -> bool {
        let all = |spec: &FieldSpec| self.mask & spec.exact_mask() == spec.exact_mask();
        self.field.spec().is_none_or(all)
    }

    /// Writes the TLV.
    pub fn encode(&self, out: &mut impl BufMut) {
        let (tlv, length) = self.to_tlv();
        out.put_slice(&tlv[..length]);
    }

    /// The TLV, and how many of the bytes are in use.
    pub(crate) fn to_tlv(self) -> ([u8; MAX_TLV], usize) {
        self.to_tlv_as(self.field, !self.is_unmasked())
    }

    /// The TLV under another of the field's spellings.
    pub(crate) fn to_tlv_as(self, spelling: Field, masked: bool) -> ([u8; MAX_TLV], usize) {
        let bytes = self.field.spec().map_or(16, FieldSpec::bytes).min(16);
        let length = if masked { 2 * bytes } else { bytes };
        let mut tlv = [0; MAX_TLV];
        let mut out = &mut tlv[..];
        let header = put_header(&mut out, spelling, masked, length);
        out.put_slice(&self.value.to_be_bytes()[16 - bytes..]);
        if masked {
            out.put_slice(&self.mask.to_be_bytes()[16 - bytes..]);
        }
        (tlv, header + length)
    }

    /// Reads a whole TLV of a field that this crate knows; `None` when the field is unknown or its
    /// length is not the field's.
    pub fn decode(tlv: &[u8]) -> Option<Self> {
        let (field, has_mask, payload) = split_header(tlv)?;
        Self::from_payload(field.spec()?, has_mask, payload)
    }

    pub(crate) fn from_payload(
        spec: &FieldSpec,
        has_mask: bool,
        mut payload: &[u8],
    ) -> Option<Self> {
        let bytes = spec.bytes();
        let fits = payload.len() == if has_mask { 2 * bytes } else { bytes };
        if !fits || spec.format == Format::Bytes {
            return None;
        }
        let value = payload.get_uint128(bytes);
        let mask = if has_mask { payload.get_uint128(bytes) } else { spec.value_mask() };
        Some(Self { field: spec.field, value, mask })
    }
}

/// Writes a TLV header for a payload of `length` bytes; returns the header's own length.
pub(crate) fn put_header(
    out: &mut impl BufMut,
    field: Field,
    has_mask: bool,
    length: usize,
) -> usize {
    let experimenter = if field.class == 0xffff { 4 } else { 0 };
    out.put_u16(field.class);
    out.put_u8(field.number << 1 | u8::from(has_mask));
    out.put_u8((experimenter + length) as u8);
    if experimenter != 0 {
        out.put_u32(field.experimenter);
    }
    4 + experimenter
}

/// The field, whether there is a mask, and the payload behind header and experimenter.
pub(crate) fn split_header(tlv: &[u8]) -> Option<(Field, bool, &[u8])> {
    let [class_high, class_low, field, length, payload @ ..] = tlv else { return None };
    if payload.len() != usize::from(*length) {
        return None;
    }
    let class = u16::from_be_bytes([*class_high, *class_low]);
    let (experimenter, payload) = match payload {
        [a, b, c, d, payload @ ..] if class == 0xffff => {
            (u32::from_be_bytes([*a, *b, *c, *d]), payload)
        }
        _ if class == 0xffff => return None,
        _ => (0, payload),
    };
    Some((Field { class, number: field >> 1, experimenter }, field & 1 == 1, payload))
}

trait GetUint128 {
    fn get_uint128(&mut self, bytes: usize) -> u128;
}

impl GetUint128 for &[u8] {
    fn get_uint128(&mut self, bytes: usize) -> u128 {
        (0..bytes).fold(0, |value, _| value << 8 | u128::from(self.get_u8()))
    }
}
