//! Fuzzes ovs-ofctl syntax.

#![no_main]

#[path = "../targets/text.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::text(bytes));
