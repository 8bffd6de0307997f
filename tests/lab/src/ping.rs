//! Echo requests, counted.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::command::output;
use crate::netns::Netns;

/// Echo requests to be sent.
#[derive(Clone, Debug)]
pub struct Ping {
    to: IpAddr,
    count: u32,
    interval: Duration,
    reply_timeout: Duration,
    payload: Option<u16>,
}

impl Ping {
    /// Three requests at intervals of 100 ms, and one second for the last reply to come.
    pub fn to(to: impl Into<IpAddr>) -> Self {
        Self {
            to: to.into(),
            count: 3,
            interval: Duration::from_millis(100),
            reply_timeout: Duration::from_secs(1),
            payload: None,
        }
    }

    /// How many requests.
    pub fn count(self, count: u32) -> Self {
        Self { count, ..self }
    }

    /// The time between two requests.
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// How long to wait for the reply to the last request.
    pub fn reply_timeout(self, reply_timeout: Duration) -> Self {
        Self { reply_timeout, ..self }
    }

    /// Bytes after the ICMP header, in a packet that must not be fragmented.
    pub fn payload(self, bytes: u16) -> Self {
        Self { payload: Some(bytes), ..self }
    }

    pub(crate) fn run(&self, netns: &Netns) -> Result<PingReport> {
        let mut command = netns.command("ping");
        command.args(["-n", "-c", &self.count.to_string()]);
        command.args(["-i", &self.interval.as_secs_f64().to_string()]);
        command.args(["-W", &self.reply_timeout.as_secs_f64().to_string()]);
        if let Some(bytes) = self.payload {
            command.args(["-M", "do", "-s", &bytes.to_string()]);
        }
        let output = output(command.arg(self.to.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        // 0: replies, 1: none, 2: it could not even send. An address without a route and a
        // packet above the MTU count as requests without a reply.
        match PingReport::parse(&text) {
            Ok(report) => Ok(report),
            Err(_) if output.status.code() == Some(2) && is_unroutable(&output.stderr) => {
                Ok(PingReport { sent: self.count, received: 0, round_trip: None })
            }
            Err(error) => {
                let stderr = String::from_utf8_lossy(&output.stderr);
                Err(error.context(format!("ping {}: {}", self.to, stderr.trim())))
            }
        }
    }
}

fn is_unroutable(stderr: &[u8]) -> bool {
    String::from_utf8_lossy(stderr).contains("unreachable")
}

/// What came of some echo requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PingReport {
    /// Requests sent.
    pub sent: u32,
    /// Replies received, each counted once.
    pub received: u32,
    /// The average time from request to reply, where there was one.
    pub round_trip: Option<Duration>,
}

impl PingReport {
    /// Whether every request had its reply.
    pub fn is_complete(&self) -> bool {
        self.received == self.sent
    }

    /// Reads the summary at the end of what `ping` writes.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let Some(summary) = text.lines().find(|line| line.contains(" packets transmitted")) else {
            bail!("no summary in {text:?}");
        };
        let number = |what: &str| {
            summary
                .split(", ")
                .find_map(|part| part.strip_suffix(what))
                .with_context(|| format!("no number of{what} in {summary:?}"))?
                .parse()
                .with_context(|| format!("bad number of{what} in {summary:?}"))
        };
        // "rtt min/avg/max/mdev = 0.106/0.120/0.135/0.014 ms"
        let average = text
            .lines()
            .find_map(|line| line.strip_prefix("rtt min/avg/max/mdev = "))
            .and_then(|times| times.split('/').nth(1)?.parse::<f64>().ok());
        Ok(Self {
            sent: number(" packets transmitted")?,
            received: number(" received")?,
            round_trip: average.map(|ms| Duration::from_secs_f64(ms / 1000.0)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_read() {
        let text = "\
PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.
64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.622 ms

--- 10.0.0.2 ping statistics ---
3 packets transmitted, 2 received, +1 errors, 33.3333% packet loss, time 104ms
rtt min/avg/max/mdev = 0.215/0.418/0.622/0.203 ms
";
        let report = PingReport::parse(text).unwrap();
        let round_trip = Some(Duration::from_micros(418));
        assert_eq!(report, PingReport { sent: 3, received: 2, round_trip });
        assert!(!report.is_complete());
    }

    #[test]
    fn duplicates_do_not_count_as_replies() {
        let text = "2 packets transmitted, 1 received, +1 duplicates, 50% packet loss, time 1ms\n";
        let report = PingReport::parse(text).unwrap();
        assert_eq!(report, PingReport { sent: 2, received: 1, round_trip: None });
    }

    #[test]
    fn a_text_without_summary_is_an_error() {
        assert!(PingReport::parse("PING 10.0.0.2\n").is_err());
    }
}
