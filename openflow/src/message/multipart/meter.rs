//! Meters, their counters and features: OpenFlow 1.3.5 §7.3.5.12 to §7.3.5.14.

use bytes::{BufMut, BytesMut};

use super::codec::read_all;
use crate::wire::{Reader, put_length};
use crate::{DecodeError, Meter, MeterBand, MeterFlags};

/// Counters of a meter: `struct ofp_meter_stats`, OpenFlow 1.3.5 §7.3.5.12.
///
/// ```text
///  0               2               4                              8
/// +---------------+---------------+---------------+---------------+
/// | meter_id                      | len           | pad           |
/// +---------------+---------------+---------------+---------------+
/// | pad                           | flow_count                    |
/// +-------------------------------+-------------------------------+
/// | packet_in_count                                               |
/// +---------------------------------------------------------------+
/// | byte_in_count                                                 |
/// +-------------------------------+-------------------------------+
/// | duration_sec                  | duration_nsec                 |
/// +-------------------------------+-------------------------------+
/// | band_stats: 16 bytes each                                     |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MeterStats {
    /// The meter.
    pub meter_id: u32,
    /// Flows that name it.
    pub flow_count: u32,
    /// Packets that came to it.
    pub packet_in_count: u64,
    /// Bytes of those.
    pub byte_in_count: u64,
    /// How long it exists, whole seconds.
    pub duration_sec: u32,
    /// Nanoseconds beyond those.
    pub duration_nsec: u32,
    /// Counters of its bands, in order.
    pub bands: Vec<MeterBandStats>,
}

/// Counters of a meter's band: `struct ofp_meter_band_stats`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MeterBandStats {
    /// Packets that exceeded its rate.
    pub packet_band_count: u64,
    /// Bytes of those.
    pub byte_band_count: u64,
}

/// What meters a switch can have: `struct ofp_meter_features`, OpenFlow 1.3.5 §7.3.5.14.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MeterFeatures {
    /// Most meters.
    pub max_meter: u32,
    /// A bit for each type of band that the switch has, `1 << type`.
    pub band_types: u32,
    /// Flags that meters can have, the bits of [`MeterFlags`].
    pub capabilities: u32,
    /// Most bands of a meter.
    pub max_bands: u8,
    /// Most colours.
    pub max_color: u8,
}

impl MeterStats {
    const FIXED: u16 = 40;
    const BAND: u16 = 16;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u32(self.meter_id);
        out.put_u16(0);
        out.put_bytes(0, 6);
        out.put_u32(self.flow_count);
        out.put_u64(self.packet_in_count);
        out.put_u64(self.byte_in_count);
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
        for band in &self.bands {
            out.put_u64(band.packet_band_count);
            out.put_u64(band.byte_band_count);
        }
        put_length(out, start, start + 4);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut header = reader.clone().named("ofp_meter_stats");
        header.skip(4)?;
        let length = header.u16()?;
        if length < Self::FIXED || (length - Self::FIXED) % Self::BAND != 0 {
            return Err(header.bad("len", 2, length, "40, and 16 for each band"));
        }
        let mut stats = reader.nested("ofp_meter_stats", usize::from(length))?;
        let meter_id = stats.u32()?;
        stats.skip(8)?;
        Ok(Self {
            meter_id,
            flow_count: stats.u32()?,
            packet_in_count: stats.u64()?,
            byte_in_count: stats.u64()?,
            duration_sec: stats.u32()?,
            duration_nsec: stats.u32()?,
            bands: read_all(&mut stats, |stats| {
                let (packet_band_count, byte_band_count) = (stats.u64()?, stats.u64()?);
                Ok(MeterBandStats { packet_band_count, byte_band_count })
            })?,
        })
    }
}

impl MeterFeatures {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.max_meter);
        out.put_u32(self.band_types);
        out.put_u32(self.capabilities);
        out.put_u8(self.max_bands);
        out.put_u8(self.max_color);
        out.put_u16(0);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut features = body.nested("ofp_meter_features", 16)?;
        Ok(Self {
            max_meter: features.u32()?,
            band_types: features.u32()?,
            capabilities: features.u32()?,
            max_bands: features.u8()?,
            max_color: features.u8()?,
        })
    }
}

/// Writes a meter with its bands: `struct ofp_meter_config`, OpenFlow 1.3.5 §7.3.5.13.
pub(super) fn encode_config(meter: &Meter, out: &mut BytesMut) {
    let start = out.len();
    out.put_u16(0);
    out.put_u16(meter.flags.0);
    out.put_u32(meter.meter_id);
    meter.bands.iter().for_each(|band| band.encode(out));
    put_length(out, start, start);
}

/// Reads what [`encode_config`] writes.
pub(super) fn decode_config(reader: &mut Reader<'_>) -> Result<Meter, DecodeError> {
    let mut header = reader.clone().named("ofp_meter_config");
    let length = header.u16()?;
    if length < 8 {
        return Err(header.bad("length", 2, length, "at least 8"));
    }
    let mut config = reader.nested("ofp_meter_config", usize::from(length))?;
    config.skip(2)?;
    let flags = MeterFlags(config.u16()?);
    let meter_id = config.u32()?;
    Ok(Meter { meter_id, flags, bands: MeterBand::decode_all(&mut config)? })
}
