//! Weft's tenant model, its pipeline, and the compiler from the one to flows of the other.
//!
//! Pure logic: no IO, no clock, no threads, no logging. Everything here is a function of the
//! intent ([`model::Model`]) and of what the hosts report ([`facts::HostFacts`]).

pub mod block;
pub mod compile;
pub mod cookie;
pub mod explain;
pub mod facts;
pub mod intent;
pub mod key;
pub mod meter;
pub mod model;
pub mod pipeline;
pub mod simulate;
pub mod zone;
