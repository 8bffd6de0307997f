//! Runs `weft` against a controller that is only as real as the tests need.

#![allow(clippy::unwrap_used, reason = "the helpers are test code too")]

mod answers;
mod apply;
mod controller;
mod openflow;
mod requests;
mod secgroup;
mod watch;
