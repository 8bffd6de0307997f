//! `encap` and `decap`: `struct nx_action_encap` and `nx_action_decap` of Open vSwitch, ONF's
//! EXT-382.

use bytes::{BufMut, Bytes, BytesMut};

use super::nicira::{Nicira, put_nicira};
use crate::wire::{Reader, pad_to_8, padding, put_length};

/// The type of a packet's outermost header: a name space and a type in it, OpenFlow 1.5 §7.2.3.11.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PacketType(pub u32);

impl PacketType {
    /// Whatever the header that goes says comes next.
    pub const NEXT_PROTOCOL: Self = Self(0xfffe);

    /// The name space, 0 for the ONF's, 1 for EtherTypes.
    pub const fn namespace(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The type in the name space.
    pub const fn kind(self) -> u16 {
        self.0 as u16
    }
}

/// A header that [`Encap`] puts in front of a packet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u32)]
pub enum EncapHeader {
    /// Ethernet.
    Ethernet = 0,
    /// A network service header.
    Nsh = 0x0001_894f,
    /// An MPLS label.
    Mpls = 0x0001_8847,
    /// An MPLS label, multicast.
    MplsMulticast = 0x0001_8848,
}

impl EncapHeader {
    /// Each with its name in `ovs-ofctl`'s syntax.
    pub(crate) const ALL: [(Self, &'static str); 4] = [
        (Self::Ethernet, "ethernet"),
        (Self::Nsh, "nsh"),
        (Self::Mpls, "mpls"),
        (Self::MplsMulticast, "mpls_mc"),
    ];
}

/// Puts a header in front of the packet: `nx_action_encap`.
///
/// ```text
///  0               2               4                              8
/// +---------------+---------------+-------------------------------+
/// | type = 0xffff | len           | vendor = 0x2320               |
/// +---------------+---------------+-------------------------------+
/// | subtype = 46  | hdr_size = 0  | new_pkt_type                  |
/// +---------------+---------------+-------------------------------+
/// | properties, each filled up to a multiple of 8 bytes           |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Encap {
    /// Which header.
    pub header: EncapHeader,
    /// What stands in it; only [`EncapHeader::Nsh`] has any.
    pub properties: Vec<EncapProperty>,
}

/// A part of a header that [`Encap`] makes: `struct ofp_ed_prop_header` of Open vSwitch.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum EncapProperty {
    /// The format of a network service header's metadata, 1 or 2.
    NshMdType(u8),
    /// Metadata of a network service header of format 2.
    NshTlv {
        /// Who defines the type.
        class: u16,
        /// The type.
        kind: u8,
        /// At most 240 bytes.
        value: Bytes,
    },
}

impl Encap {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        let start = put_nicira(out, Nicira::ENCAP);
        out.put_u16(0);
        out.put_u32(self.header as u32);
        self.properties.iter().for_each(|property| property.encode(out));
        put_length(out, start, start + 2);
    }

    /// Reads what follows the subtype; `None` for a header or a property that nobody knows.
    pub(super) fn decode(body: &mut Reader<'_>) -> Option<Self> {
        body.skip(2).ok()?;
        let number = body.u32().ok()?;
        let mut headers = EncapHeader::ALL.into_iter();
        let header = headers.find(|&(header, _)| header as u32 == number)?.0;
        let mut properties = Vec::new();
        while !body.is_empty() {
            properties.push(EncapProperty::decode(body)?);
        }
        Some(Self { header, properties })
    }
}

impl EncapProperty {
    /// The class of what belongs to network service headers.
    const NSH: u16 = 4;
    const MD_TYPE: u8 = 1;
    const TLV: u8 = 2;

    fn encode(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u16(Self::NSH);
        match self {
            Self::NshMdType(md_type) => out.put_slice(&[Self::MD_TYPE, 5, *md_type]),
            Self::NshTlv { class, kind, value } => {
                // The length counts the zeros behind the value, too.
                let length = 8 + value.len() + padding(value.len());
                out.put_slice(&[Self::TLV, length as u8]);
                out.put_u16(*class);
                out.put_slice(&[*kind, value.len() as u8]);
                out.put_slice(value);
            }
        }
        pad_to_8(out, start);
    }

    fn decode(body: &mut Reader<'_>) -> Option<Self> {
        if body.u16().ok()? != Self::NSH {
            return None;
        }
        let [kind, length] = body.array().ok()?;
        let length = usize::from(length);
        let mut rest = body.nested("ofp_ed_prop_header", length.checked_sub(4)?).ok()?;
        body.skip(padding(length)).ok()?;
        match kind {
            Self::MD_TYPE => rest.u8().ok().map(Self::NshMdType),
            Self::TLV => {
                let class = rest.u16().ok()?;
                let [kind, length] = rest.array().ok()?;
                let value = Bytes::copy_from_slice(rest.take(usize::from(length)).ok()?);
                Some(Self::NshTlv { class, kind, value })
            }
            _ => None,
        }
    }
}

/// `nx_action_decap`: takes the packet's outermost header away.
pub(super) fn put_decap(out: &mut BytesMut, packet_type: PacketType) {
    put_nicira(out, Nicira::DECAP);
    out.put_u16(0);
    out.put_u32(packet_type.0);
}

/// Reads what follows the subtype of `nx_action_decap`.
pub(super) fn decode_decap(body: &mut Reader<'_>) -> Option<PacketType> {
    body.skip(2).ok()?;
    body.u32().ok().map(PacketType)
}
