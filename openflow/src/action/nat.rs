//! `nat` within `ct`: `struct nx_action_nat` of Open vSwitch.

use std::net::IpAddr;

use bytes::{BufMut, BytesMut};

use super::nicira::{Nicira, put_nicira};
use crate::wire::{Reader, pad_to_8, put_length};

/// Address and port translation inside a [`super::Ct`]: `nx_action_nat`.
///
/// ```text
///  0               2               4                              8
/// +---------------+---------------+-------------------------------+
/// | type = 0xffff | len           | vendor = 0x2320               |
/// +---------------+---------------+-------------------------------+
/// | subtype = 36  | pad           | flags         | range_present |
/// +---------------+---------------+---------------+---------------+
/// | IPv4 min, max or IPv6 min, max; port min, max: those present  |
/// +---------------------------------------------------------------+
/// ```
///
/// Open vSwitch refuses ranges whose end is before their start, ends without a start, and ports
/// without addresses.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Nat {
    /// `NX_NAT_F_*`: [`Nat::SRC`] and its fellows; none to only apply what was committed before.
    pub flags: u16,
    /// The first address.
    pub address_min: Option<IpAddr>,
    /// The last address, of the same family.
    pub address_max: Option<IpAddr>,
    /// The first port.
    pub port_min: Option<u16>,
    /// The last port.
    pub port_max: Option<u16>,
}

impl Nat {
    /// Translates the source.
    pub const SRC: u16 = 1;
    /// Translates the destination.
    pub const DST: u16 = 2;
    /// Gives a client the same address each time.
    pub const PERSISTENT: u16 = 4;
    /// Chooses ports by hashing.
    pub const PROTO_HASH: u16 = 8;
    /// Chooses ports at random.
    pub const PROTO_RANDOM: u16 = 16;

    const IPV4: [u16; 2] = [1 << 0, 1 << 1];
    const IPV6: [u16; 2] = [1 << 2, 1 << 3];
    const PORT: [u16; 2] = [1 << 4, 1 << 5];

    pub(super) fn encode(&self, out: &mut BytesMut) {
        let start = put_nicira(out, Nicira::NAT);
        out.put_u16(0);
        out.put_u16(self.flags);
        let present_at = out.len();
        out.put_u16(0);
        let mut present = 0;
        for (end, address) in [self.address_min, self.address_max].into_iter().enumerate() {
            match address {
                Some(IpAddr::V4(address)) => {
                    out.put_slice(&address.octets());
                    present |= Self::IPV4[end];
                }
                Some(IpAddr::V6(address)) => {
                    out.put_slice(&address.octets());
                    present |= Self::IPV6[end];
                }
                None => {}
            }
        }
        for (end, port) in [self.port_min, self.port_max].into_iter().enumerate() {
            if let Some(port) = port {
                out.put_u16(port);
                present |= Self::PORT[end];
            }
        }
        out[present_at..present_at + 2].copy_from_slice(&u16::to_be_bytes(present));
        pad_to_8(out, start);
        put_length(out, start, start + 2);
    }

    /// Reads what follows the subtype.
    pub(super) fn decode(body: &mut Reader<'_>) -> Option<Self> {
        body.skip(2).ok()?;
        let mut nat = Self { flags: body.u16().ok()?, ..Self::default() };
        let present = body.u16().ok()?;
        let mut address = |end: usize| {
            if present & Self::IPV4[end] != 0 {
                body.array::<4>().ok().map(|octets| Some(IpAddr::from(octets)))
            } else if present & Self::IPV6[end] != 0 {
                body.array::<16>().ok().map(|octets| Some(IpAddr::from(octets)))
            } else {
                Some(None)
            }
        };
        nat.address_min = address(0)?;
        nat.address_max = address(1)?;
        let mut port = |end: usize| {
            if present & Self::PORT[end] == 0 {
                return Some(None);
            }
            body.u16().ok().map(Some)
        };
        nat.port_min = port(0)?;
        nat.port_max = port(1)?;
        Some(nat)
    }
}
