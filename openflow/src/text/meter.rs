//! Meters, as `add-meter` takes them and `dump-meters` prints them: ovs-ofctl(8), Meter Syntax.

use std::fmt;

use super::HexBytes;
use crate::{Meter, MeterBand, MeterFlags};

/// Flags with their names.
pub(super) const FLAGS: &[(MeterFlags, &str)] = &[
    (MeterFlags::KBPS, "kbps"),
    (MeterFlags::PKTPS, "pktps"),
    (MeterFlags::BURST, "burst"),
    (MeterFlags::STATS, "stats"),
];

/// Numbers of meters that are not ordinary ones, with their names.
pub(super) const NAMED: &[(u32, &str)] =
    &[(Meter::SLOWPATH, "slowpath"), (Meter::CONTROLLER, "controller"), (Meter::ALL, "all")];

/// A meter's number, or its name.
pub(super) struct MeterId(pub(super) u32);

impl fmt::Display for MeterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.iter().find(|(meter, _)| *meter == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for Meter {
    /// In one line, as `add-meter` takes it; bands without a name as `raw(…)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(f, self)?;
        for (at, band) in self.bands.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { " " })?;
            write_band(f, self.flags, band)?;
        }
        Ok(())
    }
}

/// Writes a meter as `dump-meters` prints it, each band in a line of its own.
pub(super) fn lines(f: &mut fmt::Formatter<'_>, meter: &Meter) -> fmt::Result {
    head(f, meter)?;
    for band in &meter.bands {
        f.write_str("\n")?;
        write_band(f, meter.flags, band)?;
    }
    Ok(())
}

/// Writes everything but the bands.
fn head(f: &mut fmt::Formatter<'_>, meter: &Meter) -> fmt::Result {
    write!(f, "meter={} ", MeterId(meter.meter_id))?;
    let mut rest = meter.flags.0;
    for (flag, name) in FLAGS.iter().filter(|(flag, _)| meter.flags.contains(*flag)) {
        write!(f, "{name} ")?;
        rest &= !flag.0;
    }
    if rest != 0 {
        write!(f, "flags:{rest:#x} ")?;
    }
    f.write_str("bands=")
}

/// Writes a band; its burst only where the meter's flags say that it counts.
fn write_band(f: &mut fmt::Formatter<'_>, flags: MeterFlags, band: &MeterBand) -> fmt::Result {
    let (name, rate, burst_size) = match band {
        MeterBand::Drop { rate, burst_size } => ("drop", rate, burst_size),
        MeterBand::DscpRemark { rate, burst_size, .. } => ("dscp_remark", rate, burst_size),
        MeterBand::Unknown(bytes) => return write!(f, "raw({})", HexBytes(bytes)),
    };
    write!(f, "type={name} rate={rate}")?;
    if flags.contains(MeterFlags::BURST) {
        write!(f, " burst_size={burst_size}")?;
    }
    match band {
        MeterBand::DscpRemark { prec_level, .. } => write!(f, " prec_level={prec_level}"),
        _ => Ok(()),
    }
}
