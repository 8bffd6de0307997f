//! What Weft's end-to-end tests have in common.
//!
//! A [`Scene`] is a lab with a controller in charge of its hosts: [`Scene::segment`] makes a
//! network with VMs on it, and everything a client could do goes by [`Api`], over gRPC as the
//! daemon serves it. A [`Daemon`] is the controller on its own, for tests that need no host.
//!
//! The tests themselves are in `tests/`, one file for each theme; every one has a lab of its own.

mod api;
mod conversation;
mod daemon;
mod exchange;
mod expect;
mod installed;
mod policy;
mod port;
mod probe;
mod scene;
mod segment;
mod stream;
mod traffic;
mod wire;

pub use api::Api;
pub use conversation::Conversation;
pub use daemon::Daemon;
pub use exchange::{Exchange, ExchangeReport};
pub use expect::{Refusal, assert_reaches, assert_silent, refusal};
pub use installed::{Installed, Rules, distance, installed, rules};
pub use policy::Allow;
pub use port::{address, allowed, fixed};
pub use probe::{Probe, tcp, udp};
pub use scene::{READY, Scene};
pub use segment::{Guest, Kind, Segment};
pub use stream::{LaneReport, Stream};
pub use traffic::{Path, Traffic, TrafficReport};
pub use wire::{
    duplicate_detection, link_local, neighbour_solicitation, redirect, router_advertisement,
    udp_in_ipv6, vxlan_datagram,
};
