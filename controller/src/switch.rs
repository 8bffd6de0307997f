//! Switches: OpenFlow sessions that bring each host's `br-int` to the flows it should have.
//!
//! [`difference`](reconcile) is pure; [`session`] drives one connection: handshake, read back,
//! send what differs, then follow what changes. One hand-over is on its way at a time, confirmed
//! by a barrier; what changes meanwhile is gathered by the engine, as block versions and not as
//! messages, so a slow switch costs latency and no memory.

mod connection;
mod listen;
mod reconcile;
mod script;
mod session;

pub use listen::serve;
pub use reconcile::{Difference, difference};
