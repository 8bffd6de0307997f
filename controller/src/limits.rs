//! Bounds on what peers may do, and the account of those who exceed them.
//!
//! `docs/limits.md` lists every limit. Whatever a peer exceeds costs that peer alone: its
//! connection is refused, slowed down or ended, the log says who it was and which limit it met,
//! and [`Breaches`] counts it by kind for the metrics.

mod allowance;
mod breach;
mod bucket;
#[cfg(test)]
pub(crate) mod documented;
mod gate;
mod guarded;

pub use allowance::Allowance;
pub use breach::{Breach, Breaches, Protocol};
pub use gate::{Gate, GateLimits};

pub(crate) use bucket::Bucket;
pub(crate) use gate::Place;
pub(crate) use guarded::Guarded;

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Connections of switches that are served at a time, and as many of OVSDB servers.
pub const MAX_HOST_CONNECTIONS: usize = 4096;
/// Connections of gRPC clients.
pub const MAX_CLIENTS: usize = 1024;
/// Connections of gRPC clients at one address.
pub const MAX_CLIENTS_PER_ADDRESS: usize = 256;
/// Connections of those who fetch metrics.
pub const MAX_SCRAPES: usize = 64;
/// Unknown hosts that may register from one address, an hour, after the first ones.
pub const REGISTRATIONS_PER_HOUR: u32 = 60;

/// Between sweeps of what is remembered of addresses, when it is full.
const SWEEP: Duration = Duration::from_secs(1);

/// The address that a peer is held to: of IPv6 the /64, which is one machine's as a rule and
/// any of whose addresses it can use.
pub(crate) fn holder(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}
