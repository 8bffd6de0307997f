//! A ping that runs while something else happens.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::netns::Netns;
use crate::ping::PingReport;
use crate::process::Process;
use crate::wait::{wait_for, wait_until};

/// How long `ping` may take to write its summary.
const END: Duration = Duration::from_secs(5);

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

    /// Waits for the first reply, and answers when it came.
    ///
    /// # Errors
    ///
    /// When there is none within `timeout`.
    pub fn first_reply(&self, timeout: Duration) -> Result<SystemTime> {
        let first = || Some(replies(&self.read().ok()?).first()?.time);
        let first = wait_for("a first reply", timeout, first)?;
        Ok(SystemTime::UNIX_EPOCH + Duration::from_secs_f64(first))
    }

    /// Ends the ping and reports on all of it.
    ///
    /// # Errors
    ///
    /// When `ping` ended before, or does not end now.
    pub fn stop(mut self) -> Result<StreamReport> {
        if let Some(status) = self.process.ended()? {
            anyhow::bail!("ping ended by itself, {status}: {}", self.read()?);
        }
        self.process.signal(Signal::INT)?;
        let process = &mut self.process;
        wait_until("ping to end", END, || process.ended().is_ok_and(|status| status.is_some()))?;
        StreamReport::parse(&self.read()?)
    }

    fn read(&self) -> Result<String> {
        fs::read_to_string(&self.log).with_context(|| format!("cannot read {}", self.log.display()))
    }
}

/// What came of a stream of echo requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StreamReport {
    /// Requests sent; the last one only if its reply came, since the stream may have been
    /// stopped between the two.
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

    fn parse(text: &str) -> Result<Self> {
        let PingReport { sent, received, .. } = PingReport::parse(text)?;
        let replies = replies(text);
        let last = replies.iter().map(|reply| reply.sequence).max().unwrap_or(0);
        let in_flight = sent == last.saturating_add(1) && last > 0;
        let gaps = replies.windows(2).map(|pair| pair[1].time - pair[0].time);
        let longest_gap = Duration::from_secs_f64(gaps.fold(0.0, f64::max));
        Ok(Self { sent: sent - u32::from(in_flight), received, longest_gap })
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

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.
[1700000000.000000] 64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.622 ms
[1700000000.050000] 64 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=0.622 ms
[1700000000.250000] 64 bytes from 10.0.0.2: icmp_seq=5 ttl=64 time=0.622 ms

--- 10.0.0.2 ping statistics ---
";

    #[test]
    fn losses_and_gaps_are_seen() {
        let summary = "5 packets transmitted, 3 received, 40% packet loss, time 250ms\n";
        let report = StreamReport::parse(&format!("{TEXT}{summary}")).unwrap();
        assert_eq!((report.sent, report.received, report.lost()), (5, 3, 2));
        assert_eq!(report.longest_gap.as_millis(), 200);
    }

    #[test]
    fn a_request_still_under_way_is_not_lost() {
        let summary = "6 packets transmitted, 3 received, 50% packet loss, time 250ms\n";
        let report = StreamReport::parse(&format!("{TEXT}{summary}")).unwrap();
        assert_eq!((report.sent, report.lost()), (5, 2));
    }

    #[test]
    fn silence_at_the_end_is_loss() {
        let summary = "9 packets transmitted, 3 received, 66% packet loss, time 450ms\n";
        let report = StreamReport::parse(&format!("{TEXT}{summary}")).unwrap();
        assert_eq!((report.sent, report.lost()), (9, 6));
    }
}
