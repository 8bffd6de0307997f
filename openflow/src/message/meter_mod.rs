//! Changes of meters: OpenFlow 1.3.5 §7.3.4.4.

use bytes::{BufMut, BytesMut};

use crate::wire::Reader;
use crate::{DecodeError, Meter, MeterBand, MeterFlags};

/// Adds, changes or deletes a meter: `struct ofp_meter_mod`, OpenFlow 1.3.5 §7.3.4.4.
///
/// ```text
///  0               2               4                              8
/// +---------------+---------------+-------------------------------+
/// | command       | flags         | meter_id                      |
/// +---------------+---------------+-------------------------------+
/// | bands                                                         |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MeterMod {
    /// What to do.
    pub command: MeterModCommand,
    /// The meter; for delete, its number is all that counts.
    pub meter: Meter,
}

/// `enum ofp_meter_mod_command`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum MeterModCommand {
    /// Adds the meter, which must not be there.
    Add = 0,
    /// Replaces the flags and the bands of a meter that is there.
    Modify = 1,
    /// Deletes the meter, or all ([`Meter::ALL`]), and the flows that name it.
    Delete = 2,
}

impl MeterMod {
    /// Adds `meter`.
    pub const fn add(meter: Meter) -> Self {
        Self { command: MeterModCommand::Add, meter }
    }

    /// Deletes the meter of this number, [`Meter::ALL`] for all.
    pub const fn delete(meter_id: u32) -> Self {
        let meter = Meter { meter_id, flags: MeterFlags(0), bands: Vec::new() };
        Self { command: MeterModCommand::Delete, meter }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u16(self.command as u16);
        out.put_u16(self.meter.flags.0);
        out.put_u32(self.meter.meter_id);
        self.meter.bands.iter().for_each(|band| band.encode(out));
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let command = match body.u16()? {
            0 => MeterModCommand::Add,
            1 => MeterModCommand::Modify,
            2 => MeterModCommand::Delete,
            other => return Err(body.bad("command", 2, other, "0 to 2")),
        };
        let flags = MeterFlags(body.u16()?);
        let meter_id = body.u32()?;
        let bands = MeterBand::decode_all(body)?;
        Ok(Self { command, meter: Meter { meter_id, flags, bands } })
    }
}
