//! Fuzzes a stream of messages.

#![no_main]

#[path = "../targets/session.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::session(bytes));
