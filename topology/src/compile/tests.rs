//! Golden tests: a small model in, the flows out as `ovs-ofctl --names dump-flows` prints them.

pub(crate) mod fixture;
mod flood;
mod forward;
mod guard;
mod incremental;
mod policy;
mod presuppose;
mod provider;
mod shared;
