//! Fuzzes one message.

#![no_main]

#[path = "../targets/frame.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::frame(bytes));
