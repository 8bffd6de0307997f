//! Matches: OpenFlow 1.3.5 §7.2.3.

use std::hash::{Hash, Hasher};

use bytes::{BufMut, BytesMut};
use smallvec::SmallVec;

use crate::oxm::{IntoFieldValue, split_header};
use crate::wire::{Reader, pad_to_8, padding};
use crate::{DecodeError, Field, Oxm, TunMetadata};

/// `ofp_match.type` of OXM fields, the only type in use.
const OFPMT_OXM: u16 = 1;
/// Bytes of type and length.
const HEADER: usize = 4;

/// What packets a flow applies to: the fields of `struct ofp_match`, OpenFlow 1.3.5 §7.2.3.
///
/// Kept as the OXM bytes that go on the wire, in canonical order (that of [`Field::all`], unknown
/// fields behind it in their numbers' order), so that comparing, hashing and encoding a match are
/// operations on one short byte string, and fields that this crate does not know survive.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Match {
    oxm: SmallVec<[u8; 48]>,
}

impl Match {
    /// Matches every packet.
    pub fn new() -> Self {
        Self::default()
    }

    /// And `field` is exactly `value`; replaces what was said of `field` before.
    ///
    /// # Panics
    ///
    /// As [`Oxm::exact`].
    #[must_use]
    pub fn with(self, field: Field, value: impl IntoFieldValue) -> Self {
        self.and(Oxm::exact(field, value))
    }

    /// And the bits of `mask` in `field` are those of `value`. An all-zero mask says nothing.
    ///
    /// # Panics
    ///
    /// As [`Oxm::masked`].
    #[must_use]
    pub fn with_masked(
        self,
        field: Field,
        value: impl IntoFieldValue,
        mask: impl IntoFieldValue,
    ) -> Self {
        self.and(Oxm::masked(field, value, mask))
    }

    /// And what `oxm` says; replaces what was said of its field before.
    #[must_use]
    pub fn and(mut self, oxm: Oxm) -> Self {
        let (tlv, length) = oxm.to_tlv();
        let length = if oxm.mask == 0 { 0 } else { length };
        self.splice(oxm.field, &tlv[..length]);
        self
    }

    /// And what `option` says of an option of the tunnel's header; replaces what was said of it before.
    #[must_use]
    pub fn with_tun_metadata(mut self, option: &TunMetadata) -> Self {
        let mut tlv = Vec::new();
        option.encode(&mut tlv);
        self.splice(option.field(), &tlv);
        self
    }

    /// The match with these OXM bytes, put in canonical order.
    ///
    /// `None` when the bytes are no sequence of whole TLVs, or a field comes twice.
    pub fn from_oxm_bytes(bytes: &[u8]) -> Option<Self> {
        if in_canonical_order(bytes)? {
            return Some(Self { oxm: SmallVec::from_slice(bytes) });
        }
        let mut canonical = Self::new();
        for tlv in Tlvs(bytes) {
            let tlv = tlv?;
            let (field, ..) = split_header(tlv)?;
            if canonical.position(field).is_ok() {
                return None;
            }
            canonical.splice(field, tlv);
        }
        Some(canonical)
    }

    /// The OXM bytes, in canonical order, without `ofp_match`'s header and padding.
    pub fn as_oxm_bytes(&self) -> &[u8] {
        &self.oxm
    }

    /// Writes `struct ofp_match` with its padding.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u16(OFPMT_OXM);
        out.put_u16((HEADER + self.oxm.len()) as u16);
        out.put_slice(&self.oxm);
        pad_to_8(out, start);
    }

    /// Reads `struct ofp_match` with its padding.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut header = reader.nested("ofp_match", HEADER)?;
        let kind = header.u16()?;
        if kind != OFPMT_OXM {
            return Err(header.bad("type", 2, kind, "OFPMT_OXM (1)"));
        }
        let length = header.u16()?;
        let Some(oxm) = usize::from(length).checked_sub(HEADER) else {
            return Err(header.bad("length", 2, length, "at least 4"));
        };
        let fields = reader.nested("ofp_match", oxm)?;
        reader.nested("ofp_match", padding(HEADER + oxm))?;
        Self::from_oxm_bytes(fields.peek())
            .ok_or(DecodeError::BadMatch { offset: fields.offset(), got: oxm })
    }

    /// Every field of fixed width that this crate knows, in canonical order.
    pub fn fields(&self) -> impl Iterator<Item = Oxm> + '_ {
        Tlvs(&self.oxm).flatten().filter_map(Oxm::decode)
    }

    /// What the match says of the options of a tunnel's header, by their number.
    pub fn tun_metadata(&self) -> impl Iterator<Item = TunMetadata> + '_ {
        Tlvs(&self.oxm).flatten().filter_map(TunMetadata::from_tlv)
    }

    /// The TLVs of fields that this crate does not know.
    pub fn unknown(&self) -> impl Iterator<Item = &[u8]> + '_ {
        let known = |tlv: &[u8]| Oxm::decode(tlv).is_some() || TunMetadata::from_tlv(tlv).is_some();
        Tlvs(&self.oxm).flatten().filter(move |tlv| !known(tlv))
    }

    /// What the match says of `field`.
    pub fn field(&self, field: Field) -> Option<Oxm> {
        self.fields().find(|oxm| oxm.field == field)
    }

    /// True when every packet matches.
    pub fn is_empty(&self) -> bool {
        self.oxm.is_empty()
    }

    /// The byte range of `field`'s TLV, or where it would go.
    fn position(&self, field: Field) -> Result<std::ops::Range<usize>, usize> {
        let mut start = 0;
        for tlv in Tlvs(&self.oxm).flatten() {
            let (other, ..) = split_header(tlv).expect("a match holds whole TLVs only");
            if other == field {
                return Ok(start..start + tlv.len());
            }
            if order(other) > order(field) {
                break;
            }
            start += tlv.len();
        }
        Err(start)
    }

    /// Puts `tlv` (or nothing, when empty) in `field`'s place.
    fn splice(&mut self, field: Field, tlv: &[u8]) {
        let range = self.position(field).unwrap_or_else(|at| at..at);
        self.oxm.drain(range.clone());
        self.oxm.insert_from_slice(range.start, tlv);
    }
}

impl Hash for Match {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.oxm.as_slice().hash(state);
    }
}

/// Whether every field stands behind all that it must follow; `None` when the bytes are no
/// sequence of whole TLVs.
fn in_canonical_order(bytes: &[u8]) -> Option<bool> {
    let mut last = None;
    let mut sorted = true;
    for tlv in Tlvs(bytes) {
        let (field, ..) = split_header(tlv?)?;
        let order = order(field);
        sorted &= last < Some(order);
        last = Some(order);
    }
    Some(sorted)
}

/// Options of tunnels stand before the fields of ERSPAN, which are known by their rank.
fn order(field: Field) -> (usize, bool, Field) {
    let rank = match field.tun_metadata_number() {
        Some(_) => Field::TUN_ERSPAN_IDX.rank(),
        None => field.rank(),
    };
    (rank.unwrap_or(usize::MAX), field.rank().is_some(), field)
}

/// Splits a byte string into TLVs; `None` once, at the end, when the last is cut short.
struct Tlvs<'a>(&'a [u8]);

impl<'a> Iterator for Tlvs<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let whole = self.0.get(3).map(|&length| 4 + usize::from(length));
        let Some((tlv, rest)) = whole.and_then(|whole| self.0.split_at_checked(whole)) else {
            self.0 = &[];
            return Some(None);
        };
        self.0 = rest;
        Some(Some(tlv))
    }
}

impl std::fmt::Debug for Match {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.fields()).entries(self.unknown()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MacAddr;

    #[test]
    fn the_order_of_building_does_not_matter() {
        let mac = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 1]);
        let one = Match::new().with(Field::REG0, 7u32).with(Field::ETH_DST, mac);
        let other = Match::new().with(Field::ETH_DST, mac).with(Field::REG0, 7u32);
        assert_eq!(one, other);
        assert_eq!(
            one.as_oxm_bytes(),
            [0x80, 0, 6, 6, 0xfa, 0x16, 0x3e, 0, 0, 1, 0, 1, 0, 4, 0, 0, 0, 7]
        );
        assert_eq!(Match::from_oxm_bytes(one.as_oxm_bytes()), Some(one));
    }

    #[test]
    fn the_last_word_on_a_field_counts() {
        let twice = Match::new().with(Field::REG0, 7u32).with_masked(Field::REG0, 1u32, 1u32);
        assert_eq!(twice, Match::new().with_masked(Field::REG0, 1u32, 1u32));
        assert!(twice.with_masked(Field::REG0, 0u32, 0u32).is_empty());
    }

    #[test]
    fn unknown_fields_survive() {
        let bytes = [0x12, 0x34, 0x02, 1, 9, 0, 1, 0, 4, 0, 0, 0, 7];
        let matching = Match::from_oxm_bytes(&bytes).unwrap();
        assert_eq!(matching.unknown().collect::<Vec<_>>(), [&bytes[..5]]);
        assert_eq!(matching.as_oxm_bytes(), [&bytes[5..], &bytes[..5]].concat());
    }

    #[test]
    fn cut_short_or_doubled_is_refused() {
        assert_eq!(Match::from_oxm_bytes(&[0, 1, 0, 4, 0, 0, 0]), None);
        assert_eq!(Match::from_oxm_bytes(&[0, 1, 0, 1, 7, 0, 1, 0, 1, 7]), None);
    }
}
