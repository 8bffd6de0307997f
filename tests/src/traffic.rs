//! Traffic through every kind of network, while something else happens.

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

/// The port that servers listen at.
const PORT: u16 = 5000;

/// A VXLAN, a VLAN and a flat network, each with a VM on every host, and what runs between them:
/// between neighbours pings over IPv4 and IPv6, and a TCP connection.
#[derive(Debug)]
pub struct Traffic {
    /// The networks.
    pub segments: Vec<Segment>,
    pings: Vec<(String, PingStream)>,
    exchanges: Vec<(String, Exchange)>,
}

/// What came of it all.
#[derive(Clone, Debug, Default)]
pub struct TrafficReport {
    /// Echo requests, by what they went through.
    pub pings: Vec<(String, StreamReport)>,
    /// TCP connections, by what they went through.
    pub exchanges: Vec<(String, ExchangeReport)>,
}

impl Traffic {
    /// Starts all of it on these hosts, and sees it run.
    ///
    /// # Errors
    ///
    /// When a network or a VM cannot be made, or a connection does not open.
    pub fn start(scene: &Scene, hosts: &[u16]) -> Result<Self> {
        let kinds = [(Kind::Vxlan, 101), (Kind::Vlan(105), 102), (Kind::Flat, 103)];
        // All VMs first: when one is plugged in, Open vSwitch looks for the other ends of its
        // tunnels anew, and drops what goes there meanwhile.
        let segments = kinds.map(|(kind, number)| scene.segment(kind, number, hosts));
        let segments: Vec<_> = segments.into_iter().collect::<Result<_>>()?;
        let (mut pings, mut exchanges) = (Vec::new(), Vec::new());
        for ((kind, _), segment) in kinds.iter().zip(&segments) {
            for pair in segment.guests.windows(2) {
                let name =
                    format!("{kind:?} {} to {}", pair[0].host().name(), pair[1].host().name());
                for to in [IpAddr::V4(pair[1].v4()), IpAddr::V6(pair[1].v6())] {
                    assert_reaches(&pair[0], to);
                    pings.push((name.clone(), pair[0].start_ping(to, PACE)?));
                }
                exchanges.push((name, exchange(&pair[0], &pair[1])?));
            }
        }
        let traffic = Self { segments, pings, exchanges };
        traffic.goes_on()?;
        Ok(traffic)
    }

    /// Waits until everything runs.
    ///
    /// # Errors
    ///
    /// When something does not in time.
    pub fn goes_on(&self) -> Result<()> {
        for (name, ping) in &self.pings {
            ping.wait_for_replies(10, READY).with_context(|| name.clone())?;
        }
        self.exchanges.iter().for_each(|(_, exchange)| exchange.assert_goes_on());
        Ok(())
    }

    /// Ends all that runs; the VMs stay.
    ///
    /// # Errors
    ///
    /// When a ping ended before, or a word of a TCP connection does not come back.
    pub fn stop(&mut self) -> Result<TrafficReport> {
        let mut report = TrafficReport::default();
        for (name, ping) in self.pings.drain(..) {
            report.pings.push((name, ping.stop()?));
        }
        for (name, exchange) in self.exchanges.drain(..) {
            let finished = exchange.finish().with_context(|| name.clone())?;
            report.exchanges.push((name, finished));
        }
        Ok(report)
    }
}

impl TrafficReport {
    /// Claims that nothing was lost.
    #[track_caller]
    pub fn assert_nothing_lost(&self) {
        let pings = self.pings.iter().filter(|(_, report)| report.lost() > 0);
        let exchanges = self.exchanges.iter().filter(|(_, report)| report.lost > 0);
        let lossy: Vec<_> = pings
            .map(|(name, report)| format!("{name}: {report:?}"))
            .chain(exchanges.map(|(name, report)| format!("{name}: {report:?}")))
            .collect();
        assert!(lossy.is_empty(), "{lossy:#?}");
    }
}

fn exchange(client: &Guest, server: &Guest) -> Result<Exchange> {
    Exchange::start(client, (server, SocketAddr::new(server.v4().into(), PORT)))
}
