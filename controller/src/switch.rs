//! Switches: OpenFlow sessions that bring each host's `br-int` to the flows it should have.
//!
//! [`difference`], [`Script`] and `Bulk` are pure: what a switch lacks, in which order it gets that,
//! and how that goes in parts while changes overtake it. [`Connection`] moves bytes and knows the
//! exchanges that a session consists of. A session drives one connection: handshake, read back, send
//! what differs and follow what changes; and when the switch tells that others have changed something,
//! read back and heal. One hand-over is on its way at a time, confirmed by a barrier; what changes
//! meanwhile is gathered by the engine, as block versions and not as messages, so a slow switch costs
//! latency and no memory.

mod bulk;
mod bundles;
mod collation;
mod connection;
mod exchange;
mod headers;
mod held;
mod listen;
mod monitor;
mod output;
mod pace;
mod patience;
mod policy;
mod prepare;
mod recheck;
mod reconcile;
mod refusals;
mod rule_log;
mod script;
mod session;
mod stream;
mod zones;

pub use bundles::Refused;
pub use collation::Collation;
pub use connection::{Connection, ConnectionError};
pub use listen::{Switches, serve};
pub use policy::{ForeignFlows, OnDrift, Policy};
pub use reconcile::{Difference, Put, difference};
pub use script::Script;
pub use stream::Stream;
