//! `weftd`: the Weft network controller for stock Open vSwitch.
//!
//! Everything that does IO: the store, the engine thread that owns the model, the sessions with
//! hosts (OVSDB) and switches (OpenFlow), and the gRPC API.

mod accept;
pub mod api;
mod clock;
pub mod config;
pub mod engine;
#[cfg(test)]
mod fixture;
pub mod host;
pub mod limits;
pub mod metrics;
mod offload;
pub mod store;
pub mod switch;
