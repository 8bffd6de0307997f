//! A ping that runs while something else happens.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::netns::Netns;
use crate::process::Process;
use crate::wait::{wait_for, wait_until};

/// How long `ping` may take to answer a signal.
const ANSWER: Duration = Duration::from_secs(5);

/// How long the replies to the last requests may be under way.
const UNDER_WAY: Duration = Duration::from_secs(1);

/// How many later requests may be answered before one that is still under way.
const OVERTAKEN: u32 = 10;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// Echo requests at a steady pace, in the background.
#[derive(Debug)]
pub struct PingStream {
    process: Process,
    log: PathBuf,
}

impl PingStream {
    pub(crate) fn start(netns: &Netns, dir: &Path, to: IpAddr, interval: Duration) -> Result<Self> {
        let log = dir.join(format!("ping-{}.log", COUNT.fetch_add(1, Ordering::Relaxed)));
        let interval = interval.as_secs_f64().to_string();
        let mut command = netns.command("ping");
        command.args(["-n", "-D", "-i", &interval, &to.to_string()]);
        Ok(Self { process: Process::start(&mut command, &log)?, log })
    }

    /// Waits until this many more replies have come.
    ///
    /// # Errors
    ///
    /// When they have not after `timeout`.
    pub fn wait_for_replies(&self, more: usize, timeout: Duration) -> Result<()> {
        let count = || Ok::<_, anyhow::Error>(replies(&self.read()?).len());
        let goal = count()? + more;
        wait_until(&format!("{more} more replies"), timeout, || count().is_ok_and(|n| n >= goal))
    }

    /// Ends the ping and reports on what it has sent until now. Replies may still come for a second.
    ///
    /// # Errors
    ///
    /// When `ping` ended before, or does not end now.
    pub fn stop(mut self) -> Result<StreamReport> {
        if let Some(status) = self.process.ended()? {
            anyhow::bail!("ping ended by itself, {status}: {}", self.read()?);
        }
        self.process.signal(Signal::QUIT)?;
        let sent = wait_for("ping to tell how many it has sent", ANSWER, || {
            sent_so_far(&self.read().ok()?)
        })?;
        // What does not come is lost, and no reason to fail here.
        let _ = wait_until("the last replies", UNDER_WAY, || {
            self.read().is_ok_and(|text| is_complete(sent, &replies(&text)))
        });
        let report = StreamReport::new(sent, &replies(&self.read()?));
        self.process.signal(Signal::INT)?;
        let process = &mut self.process;
        wait_until("ping to end", ANSWER, || process.ended().is_ok_and(|status| status.is_some()))?;
        Ok(report)
    }

    fn read(&self) -> Result<String> {
        fs::read_to_string(&self.log).with_context(|| format!("cannot read {}", self.log.display()))
    }
}

/// What came of a stream of echo requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamReport {
    /// Requests sent.
    pub sent: u32,
    /// Requests that were answered.
    pub received: u32,
    /// The longest time between two replies that followed each other.
    pub longest_gap: Duration,
}

impl StreamReport {
    /// Requests that were not answered.
    pub fn lost(&self) -> u32 {
        self.sent.saturating_sub(self.received)
    }

    /// What the replies say of the first `sent` requests.
    fn new(sent: u32, replies: &[Reply]) -> Self {
        let answered: BTreeSet<_> = replies.iter().map(|reply| reply.sequence).collect();
        let received = answered.range(1..=sent).count() as u32;
        let gaps = replies.windows(2).map(|pair| pair[1].time - pair[0].time);
        let longest_gap = Duration::from_secs_f64(gaps.fold(0.0, f64::max));
        Self { sent, received, longest_gap }
    }
}

/// A reply as `ping -D` reports it.
#[derive(Clone, Copy, Debug)]
struct Reply {
    /// Seconds since 1970.
    time: f64,
    /// Counts from 1; `ping` itself wraps it at 65,535.
    sequence: u32,
}

/// The replies in what `ping -D` wrote: `[1700000000.123456] 64 bytes from …: icmp_seq=7 …`.
fn replies(text: &str) -> Vec<Reply> {
    let reply = |line: &str| {
        let (time, rest) = line.strip_prefix('[')?.split_once("] ")?;
        let (_, rest) = rest.split_once(" bytes from ")?.1.split_once("icmp_seq=")?;
        let sequence = rest.split(' ').next()?.parse().ok()?;
        Some(Reply { time: time.parse().ok()?, sequence })
    };
    text.lines().filter_map(reply).collect()
}

/// Whether none of the first `sent` requests can be under way any more.
fn is_complete(sent: u32, replies: &[Reply]) -> bool {
    let last = replies.iter().map(|reply| reply.sequence).max().unwrap_or(0);
    last >= sent.saturating_add(OVERTAKEN) || StreamReport::new(sent, replies).lost() == 0
}

/// What `ping` answers to SIGQUIT: `4/3 packets, 25% loss, min/avg/…`, requests first.
fn sent_so_far(text: &str) -> Option<u32> {
    let line = text.lines().find(|line| line.contains(" packets, "))?;
    line.trim_start().split_once('/')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.
[1700000000.000000] 64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.622 ms
[1700000000.050000] 64 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=0.622 ms
[1700000000.050001] 64 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=0.622 ms (DUP!)
[1700000000.250000] 64 bytes from 10.0.0.2: icmp_seq=5 ttl=64 time=0.622 ms
";

    #[test]
    fn losses_and_gaps_are_seen() {
        let report = StreamReport::new(5, &replies(TEXT));
        assert_eq!((report.sent, report.received, report.lost()), (5, 3, 2));
        assert_eq!(report.longest_gap.as_micros(), 199_999);
    }

    #[test]
    fn what_was_sent_after_the_end_does_not_count() {
        let report = StreamReport::new(2, &replies(TEXT));
        assert_eq!((report.sent, report.received, report.lost()), (2, 2, 0));
    }

    #[test]
    fn silence_at_the_end_is_loss() {
        assert_eq!(StreamReport::new(9, &replies(TEXT)).lost(), 6);
    }

    #[test]
    fn ping_tells_how_many_it_has_sent() {
        let told =
            format!("{TEXT}\r6/4 packets, 33% loss, min/avg/ewma/max = 0.1/0.2/0.2/0.3 ms\n");
        assert_eq!(sent_so_far(&told), Some(6));
        assert_eq!(sent_so_far(TEXT), None);
    }
}
