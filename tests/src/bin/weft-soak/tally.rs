//! What the soak has found.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use anyhow::{Context as _, Result};
use tests::TrafficReport;

use crate::datapath::Losses;
use crate::fault::Excuse;

/// A controller has leaked when it ends with more than it began with by this factor and this many
/// bytes beside: allocators keep what they have had once.
const GROWTH: (u64, u64) = (2, 16 << 20);

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) phases: u64,
    pub(crate) changes: u64,
    pub(crate) faults: BTreeMap<String, u64>,
    /// Echo requests, TCP words.
    pub(crate) sent: [u64; 2],
    /// Echo requests and TCP segments lost on paths that nothing was announced for.
    pub(crate) lost: [u64; 2],
    /// The same on paths with an announced outage.
    pub(crate) excused: [u64; 2],
    /// The same where Open vSwitch was too late to see some packets.
    unseen: [u64; 2],
    /// Packets that it was too late to see.
    overflowed: u64,
    pub(crate) wrong: u64,
    pub(crate) leaked_flows: u64,
    pub(crate) leaked_zones: u64,
    /// By process: bytes in memory at its first and its last quiet point.
    memory: BTreeMap<u32, (u64, u64)>,
}

impl Tally {
    /// Counts what was lost, and answers what nothing excuses.
    pub(crate) fn add(
        &mut self,
        report: &TrafficReport,
        excuses: &[Excuse],
        losses: &Losses,
    ) -> Vec<String> {
        let mut told = Vec::new();
        self.overflowed += losses.overflowed;
        let pings = report
            .pings
            .iter()
            .map(|(path, it)| (0, path, u64::from(it.sent), u64::from(it.lost())));
        let exchanges = report.exchanges.iter().map(|(path, it)| (1, path, it.words, it.lost));
        for (sort, path, sent, lost) in pings.chain(exchanges) {
            self.sent[sort] += sent;
            if lost == 0 {
                continue;
            }
            let what = ["echo requests", "TCP segments"][sort];
            let concerns = |excuse: &Excuse| excuse.concerns(path);
            if excuses.iter().any(concerns) {
                self.excused[sort] += lost;
            } else if losses.excuses.iter().any(concerns) {
                self.unseen[sort] += lost;
                let packets = losses.overflowed;
                told.push(format!(
                    "{path}: {lost} {what} of {sent} lost while Open vSwitch missed {packets} packets"
                ));
            } else {
                self.lost[sort] += lost;
                told.push(format!("{path}: {lost} {what} of {sent} lost"));
            }
        }
        told
    }

    /// What the controller has in memory now.
    pub(crate) fn weigh(&mut self, pid: u32) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        let bytes = kilobytes.context("no VmRSS")?.parse::<u64>()? << 10;
        self.memory.entry(pid).or_insert((bytes, bytes)).1 = bytes;
        Ok(bytes)
    }

    /// Bytes by which controllers have grown that have grown too much.
    fn growth(&self) -> u64 {
        let (factor, beside) = GROWTH;
        let grown = self.memory.values().filter(|(first, last)| *last > first * factor + beside);
        grown.map(|(first, last)| last - first).sum()
    }

    pub(crate) fn is_clean(&self) -> bool {
        let lost = self.lost.iter().sum::<u64>() + self.wrong;
        lost + self.leaked_flows + self.leaked_zones + self.growth() == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<_> =
            self.faults.iter().map(|(it, count)| format!("{count} × {it}")).collect();
        writeln!(f, "phases             {}", self.phases)?;
        writeln!(f, "changes            {}", self.changes)?;
        writeln!(f, "faults             {}", faults.join(", "))?;
        writeln!(f, "echo requests      {}", self.sent[0])?;
        writeln!(f, "TCP words          {}", self.sent[1])?;
        writeln!(
            f,
            "  lost in announced outages: {} and {} segments",
            self.excused[0], self.excused[1]
        )?;
        writeln!(
            f,
            "  lost when it was too late to read: {} and {} segments, of {} packets",
            self.unseen[0], self.unseen[1], self.overflowed
        )?;
        let largest = self.memory.values().max_by_key(|(first, last)| last.saturating_sub(*first));
        if let Some((first, last)) = largest {
            writeln!(
                f,
                "memory of weftd    {} KiB to {} KiB, where it grew most",
                first >> 10,
                last >> 10
            )?;
        }
        writeln!(f, "lost packets       {}", self.lost[0])?;
        writeln!(f, "lost segments      {}", self.lost[1])?;
        writeln!(f, "wrong deliveries   {}", self.wrong)?;
        writeln!(f, "leaked flows       {}", self.leaked_flows)?;
        writeln!(f, "leaked zones       {}", self.leaked_zones)?;
        write!(f, "leaked memory      {} KiB", self.growth() >> 10)
    }
}
