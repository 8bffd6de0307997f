//! A whole controller in one thread, with hosts, tenants and faults, and a time of its own.
//!
//! Real are the engine, the store, the compiler, every switch session and every byte of OpenFlow.
//! Simulated are the switches ([`Switch`]: they speak OpenFlow and carry no packets), the network
//! between ([`link`]: late, in pieces, stalled, broken in the middle of a message), the disk
//! ([`Disk`]: what was not synced may be lost) and time, which is tokio's when it is paused. What
//! hosts' OVSDB says is handed to the engine as the report that a host session would make of it;
//! OVSDB's own bytes, gRPC and sockets are not part of it.
//!
//! [`run`] does everything that one seed says, twice the same. Between rounds of faults and changes
//! there are quiet points, at which everything is compared with everything: see [`check`].

mod chaos;
pub mod check;
mod controller;
mod disk;
mod follower;
mod host;
mod ledger;
pub mod link;
mod random;
mod receipts;
mod rotten;
mod run;
mod scenario;
mod signal;
mod switch;
mod tenant;
mod trace;
mod world;

pub use disk::{Disk, File};
pub use random::Random;
pub use run::{Failure, Report, run};
pub use scenario::Scenario;
pub use switch::{Asked, Faults, Switch};
pub use trace::Trace;
