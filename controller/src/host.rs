//! Hosts: what their OVSDB says, and what Weft writes there.
//!
//! The contract with an operator is in `docs/hosts.md`: a host is pointed at the controller and
//! says in `external_ids` how it can be reached; all else is done from here. [`report`] and
//! [`onboard`] are pure functions of the database's replica; a session for each connection moves
//! the bytes.

mod listen;
mod names;
pub mod onboard;
mod problems;
pub mod report;
mod session;

pub use listen::{Hosts, serve};
pub use problems::Problems;
pub use session::Onboarding;
