//! `multipath`: `struct nx_action_multipath` of Open vSwitch.

use bytes::{BufMut, BytesMut};

use super::Subfield;
use super::nicira::{Nicira, put_nicira};
use crate::wire::Reader;

/// Which headers of a packet a choice among links depends on: `enum nx_hash_fields`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u16)]
pub enum HashFields {
    /// The source's Ethernet address.
    EthSrc = 0,
    /// Addresses, VLAN, EtherType, protocol and TCP or SCTP ports, alike in both directions.
    SymmetricL4 = 1,
    /// IP addresses, protocol and TCP or SCTP ports, alike in both directions.
    SymmetricL3L4 = 2,
    /// As [`HashFields::SymmetricL3L4`], and UDP ports.
    SymmetricL3L4Udp = 3,
    /// The source's IP address.
    NwSrc = 4,
    /// The destination's IP address.
    NwDst = 5,
    /// IP addresses, alike in both directions.
    SymmetricL3 = 6,
}

impl HashFields {
    /// Each with its name in `ovs-ofctl`'s syntax.
    pub(crate) const ALL: [(Self, &'static str); 7] = [
        (Self::EthSrc, "eth_src"),
        (Self::SymmetricL4, "symmetric_l4"),
        (Self::SymmetricL3L4, "symmetric_l3l4"),
        (Self::SymmetricL3L4Udp, "symmetric_l3l4+udp"),
        (Self::NwSrc, "nw_src"),
        (Self::NwDst, "nw_dst"),
        (Self::SymmetricL3, "symmetric_l3"),
    ];

    pub(super) fn decode(body: &mut Reader<'_>) -> Option<Self> {
        let number = body.u16().ok()?;
        Self::ALL.into_iter().map(|(fields, _)| fields).find(|&fields| fields as u16 == number)
    }
}

/// How a hash becomes the number of a link: `enum nx_mp_algorithm`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u16)]
pub enum MultipathAlgorithm {
    /// The remainder of a division.
    ModuloN = 0,
    /// Equal ranges of the hash.
    HashThreshold = 1,
    /// The highest random weight: a link that goes disturbs only its own packets.
    Hrw = 2,
    /// Hashing again until a link is hit.
    IterHash = 3,
}

impl MultipathAlgorithm {
    /// Each with its name in `ovs-ofctl`'s syntax.
    pub(crate) const ALL: [(Self, &'static str); 4] = [
        (Self::ModuloN, "modulo_n"),
        (Self::HashThreshold, "hash_threshold"),
        (Self::Hrw, "hrw"),
        (Self::IterHash, "iter_hash"),
    ];
}

/// Writes the number of one of several links, chosen by a hash of the packet, into a field:
/// `nx_action_multipath`.
///
/// ```text
///  0               2               4                              8
/// +---------------+---------------+-------------------------------+
/// | type = 0xffff | len = 32      | vendor = 0x2320               |
/// +---------------+---------------+---------------+---------------+
/// | subtype = 10  | fields        | basis         | pad           |
/// +---------------+---------------+---------------+---------------+
/// | algorithm     | max_link      | arg                           |
/// +---------------+---------------+-------------------------------+
/// | pad           | ofs_nbits     | dst                           |
/// +---------------+---------------+-------------------------------+
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Multipath {
    /// What is hashed.
    pub fields: HashFields,
    /// Makes one hash differ from another.
    pub basis: u16,
    /// How the hash chooses a link.
    pub algorithm: MultipathAlgorithm,
    /// The last link's number; the first is 0.
    pub max_link: u16,
    /// What `algorithm` needs besides; only [`MultipathAlgorithm::IterHash`] uses it.
    pub arg: u32,
    /// Where the number goes: wide enough for `max_link`, and no experimenter's field.
    pub destination: Subfield,
}

impl Multipath {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        put_nicira(out, Nicira::MULTIPATH);
        out.put_u16(self.fields as u16);
        out.put_u16(self.basis);
        out.put_u16(0);
        out.put_u16(self.algorithm as u16);
        out.put_u16(self.max_link);
        out.put_u32(self.arg);
        out.put_u16(0);
        self.destination.put_bits_and_header(out);
    }

    /// Reads what follows the subtype.
    pub(super) fn decode(body: &mut Reader<'_>) -> Option<Self> {
        let fields = HashFields::decode(body)?;
        let basis = body.u16().ok()?;
        body.skip(2).ok()?;
        let number = body.u16().ok()?;
        let mut algorithms = MultipathAlgorithm::ALL.into_iter();
        let algorithm = algorithms.find(|&(algorithm, _)| algorithm as u16 == number)?.0;
        let (max_link, arg) = (body.u16().ok()?, body.u32().ok()?);
        body.skip(2).ok()?;
        let destination = Subfield::decode_bits_and_header(body)?;
        Some(Self { fields, basis, algorithm, max_link, arg, destination })
    }
}
