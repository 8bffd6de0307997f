//! Meters: OpenFlow 1.3.5 §5.7, and their bands, §7.3.4.4.

use bytes::{BufMut, Bytes, BytesMut};

use crate::DecodeError;
use crate::wire::Reader;

/// A meter: limits the rate of packets that go through it; OpenFlow 1.3.5 §5.7.
///
/// Printed and read as `ovs-ofctl add-meter` takes it:
/// `meter=1 kbps burst bands=type=drop rate=1000 burst_size=100`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Meter {
    /// Its number, from 1, or one of the constants here.
    pub meter_id: u32,
    /// In what rates are told, and what is counted.
    pub flags: MeterFlags,
    /// What happens above which rate; the band of the highest rate that is exceeded applies.
    pub bands: Vec<MeterBand>,
}

impl Meter {
    /// The highest number of an ordinary meter: `OFPM_MAX`.
    pub const MAX: u32 = 0xffff_0000;
    /// For packets to the controller: `OFPM_CONTROLLER`.
    pub const CONTROLLER: u32 = 0xffff_fffe;
    /// For packets on the slow path: `OFPM_SLOWPATH`.
    pub const SLOWPATH: u32 = 0xffff_fffd;
    /// All meters, for deletes and requests: `OFPM_ALL`.
    pub const ALL: u32 = u32::MAX;
}

/// `enum ofp_meter_flags`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MeterFlags(pub u16);

impl MeterFlags {
    /// Rates are in kbit/s, bursts in kbit.
    pub const KBPS: Self = Self(1);
    /// Rates are in packets per second, bursts in packets.
    pub const PKTPS: Self = Self(2);
    /// Bands tell the size of bursts.
    pub const BURST: Self = Self(4);
    /// Statistics are kept.
    pub const STATS: Self = Self(8);

    /// True when all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What happens to packets above a rate: `struct ofp_meter_band_header`, OpenFlow 1.3.5 §7.3.4.4.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum MeterBand {
    /// Drops them: `OFPMBT_DROP`.
    Drop {
        /// Above this rate.
        rate: u32,
        /// How much a burst may exceed it.
        burst_size: u32,
    },
    /// Makes their DSCP more likely to be dropped: `OFPMBT_DSCP_REMARK`.
    DscpRemark {
        /// Above this rate.
        rate: u32,
        /// How much a burst may exceed it.
        burst_size: u32,
        /// By how many levels.
        prec_level: u8,
    },
    /// A band that this crate does not know, an experimenter's for one; header included.
    Unknown(Bytes),
}

impl MeterBand {
    const DROP: u16 = 1;
    const DSCP_REMARK: u16 = 2;
    /// Bytes of the bands that the standard defines.
    const LENGTH: u16 = 16;

    /// Writes the band.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        let (kind, rate, burst_size, prec_level) = match self {
            Self::Drop { rate, burst_size } => (Self::DROP, rate, burst_size, 0),
            Self::DscpRemark { rate, burst_size, prec_level } => {
                (Self::DSCP_REMARK, rate, burst_size, *prec_level)
            }
            Self::Unknown(bytes) => return out.put_slice(bytes),
        };
        out.put_u16(kind);
        out.put_u16(Self::LENGTH);
        out.put_u32(*rate);
        out.put_u32(*burst_size);
        out.put_u8(prec_level);
        out.put_bytes(0, 3);
    }

    /// Reads bands up to the end of `reader`.
    pub(crate) fn decode_all(reader: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let mut bands = Vec::new();
        while !reader.is_empty() {
            let mut header = reader.clone().named("ofp_meter_band_header");
            let kind = header.u16()?;
            let length = header.u16()?;
            if length < 12 {
                return Err(header.bad("len", 2, length, "at least 12"));
            }
            let mut band = reader.nested("ofp_meter_band_header", usize::from(length))?;
            let bytes = band.peek();
            band.skip(4)?;
            let (rate, burst_size) = (band.u32()?, band.u32()?);
            bands.push(match (kind, length) {
                (Self::DROP, Self::LENGTH) => Self::Drop { rate, burst_size },
                (Self::DSCP_REMARK, Self::LENGTH) => {
                    Self::DscpRemark { rate, burst_size, prec_level: band.u8()? }
                }
                _ => Self::Unknown(Bytes::copy_from_slice(bytes)),
            });
        }
        Ok(bands)
    }
}
