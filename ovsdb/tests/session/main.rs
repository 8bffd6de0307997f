//! The session against a scripted server in memory, with a clock of its own. What the server says
//! was captured from an ovsdb-server 3.1 (`tests/vectors`).

// The lint knows tests by their attribute, and takes their helper functions for something else.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "client")]
mod driven;
mod following;
mod hostile;
mod liveness;
mod peer;
mod setup;
mod transactions;
