//! Traffic through every kind of network, while something else happens.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use lab::{PingStream, StreamReport};

use crate::exchange::{Exchange, ExchangeReport};
use crate::expect::assert_reaches;
use crate::scene::{READY, Scene};
use crate::segment::{Guest, Kind, Segment};

/// Between two echo requests.
const PACE: Duration = Duration::from_millis(20);

/// The kinds of network.
const KINDS: [Kind; 3] = [Kind::Vxlan, Kind::Vlan(105), Kind::Flat];

/// The port that servers listen at.
const PORT: u16 = 5000;

/// A VXLAN, a VLAN and a flat network, each with a VM on every host, and what runs between them:
/// between neighbours pings over IPv4 and IPv6, and a TCP connection.
#[derive(Debug)]
pub struct Traffic {
    /// The networks.
    pub segments: Vec<Segment>,
    pings: Vec<(Path, PingStream)>,
    exchanges: Vec<(Path, Exchange)>,
}

/// What something goes through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Path {
    /// The kind of network.
    pub kind: Kind,
    /// The host of the VM that begins.
    pub from: String,
    /// The host of the other.
    pub to: String,
}

/// What came of it all.
#[derive(Clone, Debug, Default)]
pub struct TrafficReport {
    /// Echo requests.
    pub pings: Vec<(Path, StreamReport)>,
    /// TCP connections.
    pub exchanges: Vec<(Path, ExchangeReport)>,
}

impl Traffic {
    /// Starts all of it on these hosts, and sees it run.
    ///
    /// # Errors
    ///
    /// When a network or a VM cannot be made, or a connection does not open.
    pub fn start(scene: &Scene, hosts: &[u16]) -> Result<Self> {
        // All VMs first: when one is plugged in, Open vSwitch reads its routes anew, and drops what
        // goes out of tunnels meanwhile (docs/hosts.md).
        let kinds = KINDS.iter().zip(101..);
        let segments = kinds.map(|(&kind, number)| scene.segment(kind, number, hosts));
        let segments = segments.collect::<Result<_>>()?;
        let mut traffic = Self { segments, pings: Vec::new(), exchanges: Vec::new() };
        traffic.run()?;
        Ok(traffic)
    }

    /// Starts what runs between the VMs anew, after [`stop`](Self::stop).
    ///
    /// # Errors
    ///
    /// When a connection does not open.
    pub fn run(&mut self) -> Result<()> {
        for (&kind, segment) in KINDS.iter().zip(&self.segments) {
            for pair in segment.guests.windows(2) {
                let [from, to] = [&pair[0], &pair[1]].map(|it| it.host().name().to_owned());
                let path = Path { kind, from, to };
                for to in [IpAddr::V4(pair[1].v4()), IpAddr::V6(pair[1].v6())] {
                    assert_reaches(&pair[0], to);
                    self.pings.push((path.clone(), pair[0].start_ping(to, PACE)?));
                }
                self.exchanges.push((path, exchange(&pair[0], &pair[1])?));
            }
        }
        self.goes_on()
    }

    /// Waits until everything runs.
    ///
    /// # Errors
    ///
    /// When something does not in time.
    pub fn goes_on(&self) -> Result<()> {
        self.goes_on_through(&KINDS)
    }

    /// Waits until everything runs that goes through networks of these kinds.
    ///
    /// # Errors
    ///
    /// When something does not in time.
    pub fn goes_on_through(&self, kinds: &[Kind]) -> Result<()> {
        for (path, ping) in self.pings.iter().filter(|(path, _)| kinds.contains(&path.kind)) {
            ping.wait_for_replies(10, READY).with_context(|| path.to_string())?;
        }
        let exchanges = self.exchanges.iter().filter(|(path, _)| kinds.contains(&path.kind));
        exchanges.for_each(|(_, exchange)| exchange.assert_goes_on());
        Ok(())
    }

    /// Ends all that runs; the VMs stay.
    ///
    /// # Errors
    ///
    /// When a ping ended before, or a word of a TCP connection does not come back.
    pub fn stop(&mut self) -> Result<TrafficReport> {
        let mut report = TrafficReport::default();
        for (path, ping) in self.pings.drain(..) {
            report.pings.push((path, ping.stop()?));
        }
        for (path, exchange) in self.exchanges.drain(..) {
            let finished = exchange.finish().with_context(|| path.to_string())?;
            report.exchanges.push((path, finished));
        }
        Ok(report)
    }
}

impl TrafficReport {
    /// What of it went through networks of these kinds.
    #[must_use]
    pub fn through(&self, kinds: &[Kind]) -> Self {
        let mut report = self.clone();
        report.pings.retain(|(path, _)| kinds.contains(&path.kind));
        report.exchanges.retain(|(path, _)| kinds.contains(&path.kind));
        report
    }

    /// Echo requests without a reply.
    pub fn lost_pings(&self) -> u64 {
        self.pings.iter().map(|(_, report)| u64::from(report.lost())).sum()
    }

    /// Claims that nothing was lost.
    #[track_caller]
    pub fn assert_nothing_lost(&self) {
        let pings = self.pings.iter().filter(|(_, report)| report.lost() > 0);
        let exchanges = self.exchanges.iter().filter(|(_, report)| report.lost > 0);
        let lossy: Vec<_> = pings
            .map(|(path, report)| format!("{path}: {report:?}"))
            .chain(exchanges.map(|(path, report)| format!("{path}: {report:?}")))
            .collect();
        assert!(lossy.is_empty(), "{lossy:#?}");
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} to {}", self.kind, self.from, self.to)
    }
}

fn exchange(client: &Guest, server: &Guest) -> Result<Exchange> {
    Exchange::start(client, (server, SocketAddr::new(server.v4().into(), PORT)))
}
