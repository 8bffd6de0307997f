//! The controller alone, on loopback: what it is told, what it is sent, and how it ends.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "daemon/garbage.rs"]
mod garbage;
#[path = "daemon/hostile.rs"]
mod hostile;
#[path = "daemon/hosts.rs"]
mod hosts;
#[path = "daemon/identity.rs"]
mod identity;
#[path = "daemon/options.rs"]
mod options;
#[path = "daemon/peers.rs"]
mod peers;
#[path = "daemon/run.rs"]
mod run;
