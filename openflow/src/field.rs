//! The registry of match fields: OpenFlow 1.3.5 §7.2.3 and Open vSwitch's `meta-flow.h`.

use std::fmt;

mod registry;

use registry::{SPECS, TUN_METADATA};

/// A match field, by its OXM class and number (and experimenter, in class 0xffff).
///
/// An open registry: the constants are the fields that Weft knows ([`Field::spec`] describes
/// them); any other value is a field that somebody else knows.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Field {
    /// `oxm_class`.
    pub class: u16,
    /// `oxm_field`, 7 bits.
    pub number: u8,
    /// The experimenter of class 0xffff, otherwise 0.
    pub experimenter: u32,
}

/// How a field's value is written in `ovs-ofctl` syntax.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// A decimal number.
    Decimal,
    /// A hexadecimal number with `0x`.
    Hexadecimal,
    /// An Ethernet address.
    Mac,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// An OpenFlow port.
    Port,
    /// `+new-est…`, conntrack state bits.
    CtState,
    /// `+syn-ack…`, TCP flags.
    TcpFlags,
    /// `no`, `yes`, `first`, `later`, `not_later`.
    Frag,
    /// `oam`, tunnel flags.
    TunFlags,
    /// `(1,0x800)`, name space and type.
    PacketType,
    /// `0x` and as many bytes as there are: see [`crate::TunMetadata`].
    Bytes,
}

/// What is known about a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FieldSpec {
    /// The field, as a match and `set_field` spell it on the wire.
    pub field: Field,
    /// How Nicira actions (move, load, masked set, stack, output to a register) spell it: by its
    /// classic NXM class and number where it has one, else the same. Decoding such an action gives
    /// `field` again, so programs need not care.
    pub action_field: Field,
    /// Open vSwitch's name, which `set_field` takes and prints: `eth_src`.
    pub name: &'static str,
    /// The name in a flow's match, where it differs (`dl_src`), else the same.
    pub match_name: &'static str,
    /// The name that `move` and `load` take and print: `NXM_OF_ETH_SRC`.
    pub wire_name: &'static str,
    /// Width of the value in bits; `vlan_vid` counts the 12 bits of the identifier, and options of
    /// tunnels' headers count as many as they can have.
    pub bits: u16,
    /// Whether a mask is allowed.
    pub maskable: bool,
    /// How the value is written.
    pub format: Format,
}

impl FieldSpec {
    /// Bytes that the value takes on the wire.
    pub const fn bytes(&self) -> usize {
        match self.bits {
            // Narrow fields that stand in a wider number on the wire.
            1 if matches!(self.format, Format::TunFlags) => 2,
            20 | 24 => 4,
            bits => bits.div_ceil(8) as usize,
        }
    }

    /// The bits that a value can have.
    ///
    /// For `vlan_vid` that includes the bit that says that there is a tag at all
    /// (`OFPVID_PRESENT`, 0x1000); `ct_state` has eight of its 32 bits.
    pub const fn value_mask(&self) -> u128 {
        let bits = match self.format {
            Format::CtState => 8,
            _ if self.is_vlan_vid() => 13,
            _ => self.bits,
        };
        if bits >= 128 { u128::MAX } else { (1 << bits) - 1 }
    }

    /// The bits of a mask that is left out on the wire.
    ///
    /// Those that a value can have; but `ct_state`, `tun_flags` and some of ERSPAN's fields stand in
    /// wider numbers, and Open vSwitch always masks the bits that do not exist.
    pub(crate) const fn exact_mask(&self) -> u128 {
        match self.format {
            Format::CtState => 0xffff_ffff,
            Format::TunFlags => 0xffff,
            // Parts of an octet of ERSPAN's header.
            _ if self.field.experimenter == Field::TUN_ERSPAN_VER.experimenter && self.bits < 8 => {
                0xff
            }
            _ => self.value_mask(),
        }
    }

    const fn is_vlan_vid(&self) -> bool {
        self.field.class == Field::VLAN_VID.class && self.field.number == Field::VLAN_VID.number
    }
}

impl Field {
    // Classic NXM spellings of fields above: the same fields, which Nicira actions put on the wire
    // by these names by themselves.

    /// [`Field::ETH_DST`], which `move` and `load` call `NXM_OF_ETH_DST`.
    pub const NXM_ETH_DST: Self = Self::ETH_DST;
    /// [`Field::ETH_SRC`], which `move` and `load` call `NXM_OF_ETH_SRC`.
    pub const NXM_ETH_SRC: Self = Self::ETH_SRC;
}

impl Field {
    /// The class of fields whose number an experimenter gives: `OFPXMC_EXPERIMENTER`.
    pub(crate) const EXPERIMENTER: u16 = 0xffff;

    /// Register `number`, 0–15.
    ///
    /// # Panics
    ///
    /// When `number` is above 15.
    pub const fn reg(number: u8) -> Self {
        assert!(number < 16, "Open vSwitch has sixteen 32-bit registers");
        Self { class: 0x0001, number, experimenter: 0 }
    }

    /// An option of a tunnel's header, 0–63: what [`crate::TunMetadata`] holds the value of.
    ///
    /// # Panics
    ///
    /// When `number` is above 63.
    pub const fn tun_metadata(number: u8) -> Self {
        assert!(number < 64, "Open vSwitch has sixty-four options of tunnels");
        Self { class: 0x0001, number: Self::FIRST_TUN_METADATA + number, experimenter: 0 }
    }

    const FIRST_TUN_METADATA: u8 = 40;

    /// The number of a tunnel's option, `None` for any other field.
    pub(crate) const fn tun_metadata_number(self) -> Option<u8> {
        match self.number.checked_sub(Self::FIRST_TUN_METADATA) {
            Some(number @ 0..64) if self.class == 0x0001 => Some(number),
            _ => None,
        }
    }

    /// What is known about the field, `None` for one that this crate does not know.
    pub fn spec(self) -> Option<&'static FieldSpec> {
        self.rank().map(|rank| &SPECS[rank]).or_else(|| self.tun_metadata_spec())
    }

    fn tun_metadata_spec(self) -> Option<&'static FieldSpec> {
        self.tun_metadata_number().map(|number| &TUN_METADATA[usize::from(number)])
    }

    /// The first known field that `found` is true for, options of tunnels included.
    pub(crate) fn find(found: impl FnMut(&&FieldSpec) -> bool) -> Option<&'static FieldSpec> {
        SPECS.iter().chain(&TUN_METADATA).find(found)
    }

    /// Every field of fixed width that this crate knows, in the canonical order of a match.
    pub fn all() -> &'static [FieldSpec] {
        SPECS
    }

    /// The field's place in [`Field::all`], `None` for one that is not there.
    pub fn rank(self) -> Option<usize> {
        let rank = usize::from(RANKS.0[class_row(self.class)?][usize::from(self.number & 0x7f)]);
        (rank < SPECS.len() && SPECS[rank].field == self).then_some(rank)
    }

    /// The field that a Nicira action means by this spelling; itself when that is its only one.
    pub(crate) fn spec_in_action(self) -> Option<&'static FieldSpec> {
        let rank = usize::from(RANKS.1[class_row(self.class)?][usize::from(self.number & 0x7f)]);
        let fits = |spec: &&FieldSpec| spec.action_field == self;
        SPECS.get(rank).filter(fits).or_else(|| self.tun_metadata_spec())
    }
}

/// For every class that has known fields: the rank of each number, or [`NO_RANK`]; as spelt in a
/// match, and as spelt in an action.
static RANKS: ([[u8; 128]; 6], [[u8; 128]; 6]) = {
    let mut ranks = ([[NO_RANK; 128]; 6], [[NO_RANK; 128]; 6]);
    let mut rank = 0;
    while rank < SPECS.len() {
        let spec = &SPECS[rank];
        if let Some(row) = class_row(spec.field.class) {
            ranks.0[row][spec.field.number as usize] = rank as u8;
        }
        if let Some(row) = class_row(spec.action_field.class) {
            ranks.1[row][spec.action_field.number as usize] = rank as u8;
        }
        rank += 1;
    }
    ranks
};

const NO_RANK: u8 = u8::MAX;

const fn class_row(class: u16) -> Option<usize> {
    Some(match class {
        0x0000 => 0,
        0x0001 => 1,
        0x1000 => 2,
        0x8000 => 3,
        0x8001 => 4,
        0xffff => 5,
        _ => return None,
    })
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spec() {
            Some(spec) => f.write_str(spec.wire_name),
            None => write!(f, "oxm({:#06x},{},{:#x})", self.class, self.number, self.experimenter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_either_spelling() {
        assert!(SPECS.len() < usize::from(NO_RANK));
        for (rank, spec) in SPECS.iter().enumerate() {
            assert_eq!(spec.field.rank(), Some(rank), "{}", spec.name);
            let found = spec.action_field.spec_in_action().map(|spec| spec.field);
            assert_eq!(found, Some(spec.field), "{}", spec.name);
        }
        assert_eq!(Field { class: 0, number: 99, experimenter: 0 }.rank(), None);
        assert_eq!(Field { class: 0xffff, number: 42, experimenter: 1 }.rank(), None);
    }
}
