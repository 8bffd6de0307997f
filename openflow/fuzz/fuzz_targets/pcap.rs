//! Fuzzes a captured conversation.

#![no_main]

#[path = "../targets/pcap.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::pcap(bytes));
