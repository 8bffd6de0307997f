//! `bundle` and `bundle_load`: `struct nx_action_bundle` of Open vSwitch.

use bytes::{BufMut, BytesMut};

use super::nicira::{Nicira, put_nicira};
use super::{HashFields, Subfield};
use crate::PortNo;
use crate::oxm::put_header;
use crate::wire::{Reader, pad_to_8, port_from_16, port_to_16, put_length};

/// How one of a bundle's ports is chosen: `enum nx_bd_algorithm`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u16)]
pub enum BundleAlgorithm {
    /// The first that is live.
    ActiveBackup = 0,
    /// The live one of the highest random weight.
    Hrw = 1,
}

impl BundleAlgorithm {
    /// Each with its name in `ovs-ofctl`'s syntax.
    pub(crate) const ALL: [(Self, &'static str); 2] =
        [(Self::ActiveBackup, "active_backup"), (Self::Hrw, "hrw")];
}

/// Sends the packet out of one of several ports, or writes that port's number into a field:
/// `nx_action_bundle`. (Bundles of messages are another thing: [`crate::message::BundleControl`].)
///
/// ```text
///  0               2               4                              8
/// +---------------+---------------+-------------------------------+
/// | type = 0xffff | len           | vendor = 0x2320               |
/// +---------------+---------------+---------------+---------------+
/// | subtype 12/13 | algorithm     | fields        | basis         |
/// +---------------+---------------+---------------+---------------+
/// | member_type: NXM_OF_IN_PORT   | n_members     | ofs_nbits     |
/// +-------------------------------+---------------+---------------+
/// | dst                           | zero                          |
/// +-------------------------------+-------------------------------+
/// | members, 2 bytes each, zeros up to a multiple of 8            |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Bundle {
    /// What is hashed.
    pub fields: HashFields,
    /// Makes one hash differ from another.
    pub basis: u16,
    /// How the hash chooses a port.
    pub algorithm: BundleAlgorithm,
    /// The ports.
    pub members: Vec<PortNo>,
    /// Where the number goes: at least 16 bits, of no experimenter's field; `None` sends the packet
    /// out of the port.
    pub destination: Option<Subfield>,
}

impl Bundle {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        let loads = self.destination.is_some();
        let start = put_nicira(out, if loads { Nicira::BUNDLE_LOAD } else { Nicira::BUNDLE });
        out.put_u16(self.algorithm as u16);
        out.put_u16(self.fields as u16);
        out.put_u16(self.basis);
        put_header(out, crate::Field::NXM_IN_PORT, false, 2);
        out.put_u16(self.members.len() as u16);
        match self.destination {
            Some(destination) => destination.put_bits_and_header(out),
            None => out.put_bytes(0, 6),
        }
        out.put_bytes(0, 4);
        self.members.iter().for_each(|&member| out.put_u16(port_to_16(member)));
        pad_to_8(out, start);
        put_length(out, start, start + 2);
    }

    /// Reads what follows the subtype.
    pub(super) fn decode(subtype: Nicira, body: &mut Reader<'_>) -> Option<Self> {
        let number = body.u16().ok()?;
        let mut algorithms = BundleAlgorithm::ALL.into_iter();
        let algorithm = algorithms.find(|&(algorithm, _)| algorithm as u16 == number)?.0;
        let fields = HashFields::decode(body)?;
        let basis = body.u16().ok()?;
        body.skip(4).ok()?;
        let count = body.u16().ok()?;
        let destination = if subtype == Nicira::BUNDLE_LOAD {
            Some(Subfield::decode_bits_and_header(body)?)
        } else {
            body.skip(6).ok()?;
            None
        };
        body.skip(4).ok()?;
        let members = body.take(2 * usize::from(count)).ok()?.chunks_exact(2);
        let members = members.map(|it| port_from_16(u16::from_be_bytes([it[0], it[1]]))).collect();
        Some(Self { fields, basis, algorithm, members, destination })
    }
}
