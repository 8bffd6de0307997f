//! Options of tunnels as fields: `NXM_NX_TUN_METADATA*`, ovs-fields(7).

use bytes::{BufMut, Bytes};

use crate::Field;
use crate::oxm::{put_header, split_header};

/// The value of one of the 64 options of a tunnel's header that a switch can be told to look at
/// (Geneve's options, by the switch's table of TLVs): `tun_metadata0` to `tun_metadata63`.
///
/// Unlike the fields that an [`crate::Oxm`] holds, its width is that of the option: up to 124 bytes, on
/// the wire as many as the header tells. Text leaves out zeros in front, as `ovs-ofctl` does: what it
/// is read as is as short as it can be, and a switch takes it as right-aligned.
///
/// An action that names an option without a value (`move`, `push`, `delete_field`) tells its longest
/// length, as `ovs-ofctl` does. A switch gives it back with the length that its table has for it; such
/// an action stays [`crate::Action::Unknown`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TunMetadata {
    number: u8,
    value: Bytes,
    mask: Option<Bytes>,
}

impl TunMetadata {
    /// The longest value, in bytes.
    pub const MAX_BYTES: usize = 124;

    /// Option `number` with exactly this value.
    ///
    /// # Panics
    ///
    /// When `number` is above 63, or the value longer than [`TunMetadata::MAX_BYTES`].
    pub fn exact(number: u8, value: impl Into<Bytes>) -> Self {
        let value = value.into();
        assert!(number < 64, "Open vSwitch has sixty-four options of tunnels");
        assert!(value.len() <= Self::MAX_BYTES, "an option has at most 124 bytes");
        Self { number, value, mask: None }
    }

    /// Option `number` with the bits of `mask` equal to those of `value`.
    ///
    /// # Panics
    ///
    /// As [`TunMetadata::exact`], and when the mask is not as long as the value.
    pub fn masked(number: u8, value: &[u8], mask: impl Into<Bytes>) -> Self {
        let mask = mask.into();
        assert_eq!(value.len(), mask.len(), "a mask is as long as its value");
        let value: Bytes = value.iter().zip(&mask).map(|(value, mask)| value & mask).collect();
        Self { mask: Some(mask), ..Self::exact(number, value) }
    }

    /// That option `number` is there, whatever its value.
    ///
    /// # Panics
    ///
    /// When `number` is above 63.
    pub fn present(number: u8) -> Self {
        Self { mask: Some(Bytes::new()), ..Self::exact(number, Bytes::new()) }
    }

    /// Which option, as a field.
    pub const fn field(&self) -> Field {
        Field::tun_metadata(self.number)
    }

    /// The value.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The bits that count, as long as the value; `None` when all do.
    pub fn mask(&self) -> Option<&[u8]> {
        self.mask.as_deref()
    }

    /// `bits` of the option from `offset` on, or all of it; as short as it can be.
    pub(crate) fn of_bits(number: u8, offset: u16, bits: u16, value: u128) -> Self {
        let (mut shifted, mut mask) = ([0; Self::MAX_BYTES], [0; Self::MAX_BYTES]);
        for bit in 0..bits.min(8 * Self::MAX_BYTES as u16 - offset) {
            let place = usize::from(offset + bit);
            let (at, one) = (Self::MAX_BYTES - 1 - place / 8, 1 << (place % 8));
            mask[at] |= one;
            if value.checked_shr(u32::from(bit)).is_some_and(|value| value & 1 != 0) {
                shifted[at] |= one;
            }
        }
        let whole = mask == [0xff; Self::MAX_BYTES];
        let (shifted, mask) = (shortest(&shifted), shortest(&mask));
        if whole {
            return Self::exact(number, shifted.to_vec());
        }
        Self::right_aligned(number, shifted, mask)
    }

    /// The value made as long as the mask is without zeros in front.
    pub(crate) fn right_aligned(number: u8, value: &[u8], mask: &[u8]) -> Self {
        let mask = shortest(mask);
        let value = &value[value.len().saturating_sub(mask.len())..];
        let filled = [&vec![0; mask.len() - value.len()], value].concat();
        Self::masked(number, &filled, mask.to_vec())
    }

    /// Reads a whole TLV; `None` for another field, or when value and mask differ in length.
    pub(crate) fn from_tlv(tlv: &[u8]) -> Option<Self> {
        let (field, has_mask, payload) = split_header(tlv)?;
        let number = field.tun_metadata_number()?;
        let bytes = Bytes::copy_from_slice;
        let (value, mask) = if has_mask {
            let (value, mask) = payload.split_at(payload.len() / 2);
            (value.len() == mask.len()).then_some((value, Some(bytes(mask))))?
        } else {
            (payload, None)
        };
        (value.len() <= Self::MAX_BYTES).then(|| Self { number, value: bytes(value), mask })
    }

    /// Writes the TLV.
    pub(crate) fn encode(&self, out: &mut impl BufMut) {
        let length = self.value.len() + self.mask.as_ref().map_or(0, Bytes::len);
        put_header(out, self.field(), self.mask.is_some(), length);
        out.put_slice(&self.value);
        if let Some(mask) = &self.mask {
            out.put_slice(mask);
        }
    }
}

/// A number's bytes without the zeros in front.
pub(crate) fn shortest(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    &bytes[zeros..]
}
