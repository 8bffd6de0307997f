//! Security groups, on real traffic.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "secgroup/change.rs"]
mod change;
#[path = "secgroup/churn.rs"]
mod churn;
#[path = "secgroup/conntrack.rs"]
mod conntrack;
#[path = "secgroup/kinds.rs"]
mod kinds;
#[path = "secgroup/neighbours.rs"]
mod neighbours;
#[path = "secgroup/related.rs"]
mod related;
#[path = "secgroup/report.rs"]
mod report;
#[path = "secgroup/rules.rs"]
mod rules;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tests::Allow;

/// How long a frame may take from one VM to another.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Everything that a port begins.
fn all_egress() -> [Allow; 2] {
    [Allow::egress(), Allow::egress().v6()]
}

/// Everything that peers begin.
fn all_ingress() -> [Allow; 2] {
    [Allow::ingress(), Allow::ingress().v6()]
}

/// A port of an address.
fn at(address: impl Into<IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(address.into(), port)
}
