//! Meters: changes of them, their counters, and what the switch can do.

use std::fmt;

use super::parts::{Bits, Duration};
use crate::message::{MeterFeatures, MeterMod, MeterModCommand, MeterStats};
use crate::text::meter::{self, MeterId};
use crate::{Meter, MeterFlags};

pub(super) fn meter_mod(f: &mut fmt::Formatter<'_>, meter_mod: &MeterMod) -> fmt::Result {
    f.write_str(match meter_mod.command {
        MeterModCommand::Add => " ADD ",
        MeterModCommand::Modify => " MOD ",
        MeterModCommand::Delete => " DEL ",
    })?;
    meter::lines(f, &meter_mod.meter)
}

/// Writes which meter is asked for.
pub(super) fn which(f: &mut fmt::Formatter<'_>, meter_id: u32) -> fmt::Result {
    write!(f, " meter={}", MeterId(meter_id))
}

/// Writes meters with their bands, an empty line between.
pub(super) fn configs(f: &mut fmt::Formatter<'_>, meters: &[Meter]) -> fmt::Result {
    for (at, it) in meters.iter().enumerate() {
        f.write_str(if at == 0 { "\n" } else { "\n\n" })?;
        meter::lines(f, it)?;
    }
    Ok(())
}

/// Writes meters' counters, an empty line between.
pub(super) fn stats(f: &mut fmt::Formatter<'_>, meters: &[MeterStats]) -> fmt::Result {
    for (at, it) in meters.iter().enumerate() {
        f.write_str(if at == 0 { "\n" } else { "\n\n" })?;
        write!(f, "meter:{} flow_count:{}", MeterId(it.meter_id), it.flow_count)?;
        write!(f, " packet_in_count:{}", it.packet_in_count)?;
        write!(f, " byte_in_count:{}", it.byte_in_count)?;
        write!(f, " duration:{} bands:", Duration(it.duration_sec, it.duration_nsec))?;
        for (number, band) in it.bands.iter().enumerate() {
            write!(f, "\n{number}: packet_count:{}", band.packet_band_count)?;
            write!(f, " byte_count:{}", band.byte_band_count)?;
        }
    }
    Ok(())
}

pub(super) fn features(f: &mut fmt::Formatter<'_>, features: &MeterFeatures) -> fmt::Result {
    let MeterFeatures { max_meter, max_bands, max_color, band_types, capabilities } = *features;
    write!(f, "\nmax_meter:{max_meter} max_bands:{max_bands} max_color:{max_color}")?;
    write!(f, "\nband_types: {}", Bits(band_types, &[(1 << 1, "drop"), (1 << 2, "dscp_remark")]))?;
    write!(f, "\ncapabilities: {}", Bits(capabilities, CAPABILITIES))
}

/// Flags that meters can have, as bits of `capabilities`.
const CAPABILITIES: &[(u32, &str)] = &[
    (MeterFlags::KBPS.0 as u32, "kbps"),
    (MeterFlags::PKTPS.0 as u32, "pktps"),
    (MeterFlags::BURST.0 as u32, "burst"),
    (MeterFlags::STATS.0 as u32, "stats"),
];
