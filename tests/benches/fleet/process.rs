//! What a process has used: `/proc/PID`.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Processor time of all of its threads, those that have ended too; to the hundredth of a second.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    // Behind the name, which may hold anything, the fields from the third on.
    let fields = text.rsplit_once(") ").map(|(_, fields)| fields.split(' '));
    let fields = fields.with_context(|| format!("{path}: {text:?}"))?;
    let ticks = fields.skip(UTIME).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<_, _>>().with_context(|| format!("{path}: {text:?}"))?;
    Ok(Duration::from_millis(10) * u32::try_from(ticks)?)
}

/// Resident memory now, in bytes.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    status(pid, "VmRSS:")
}

/// The most memory that was ever resident, in bytes.
pub(crate) fn peak(pid: u32) -> Result<u64> {
    status(pid, "VmHWM:")
}

fn status(pid: u32, field: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kib.with_context(|| format!("{path} has no {field}"))? << 10)
}

/// `utime` and `stime` are the fields 14 and 15, in hundredths of a second on Linux.
const UTIME: usize = 11;
