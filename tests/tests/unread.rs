//! A switch that reads nothing costs the controller a bounded amount of memory, whatever changes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/common/fleet.rs"]
#[expect(dead_code, reason = "the engine compiles")]
mod fleet;
#[path = "../benches/common/loaded.rs"]
mod loaded;
#[path = "lanes/peer.rs"]
#[expect(dead_code, reason = "the first part is enough")]
mod peer;

use std::alloc::System;
use std::net::{IpAddr, Ipv4Addr};

use controller::engine::Engine;
use fleet::{Size, fixed_ip, host_id};
use openflow::MacAddr;
use peer::Peer;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A few hundred flows more on a host than go in one part.
const SIZE: Size = Size::of_three(210, 1);

/// Bytes that the controller may hold for the switch, however much changes.
const BOUND: i64 = 1 << 20;

fn held() -> i64 {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as i64 - stats.bytes_deallocated as i64 + stats.bytes_reallocated as i64
}

/// A port of the first host, with many addresses, gets another MAC address again and again; answers
/// the bytes of the flows that have changed.
async fn change(engine: &Engine, times: u8) -> i64 {
    let key = loaded::new_port(SIZE, 1, 0);
    let mut bytes = 0;
    for time in 0..times {
        let mut port = SIZE.port(key, None);
        port.mac = MacAddr::new([0xfa, 0x16, 0x3f, 0, 0, time]);
        let addresses = (1..=64).map(|last| Ipv4Addr::new(10, 200, 0, last).into());
        port.fixed_ips = addresses.map(|ip| fixed_ip(port.network, ip)).collect();
        loaded::put(engine, port).await.unwrap();
        let own = engine.read(move |view| {
            let blocks = view.compiler.blocks_of(host_id(1));
            let own = blocks.filter(|block| block.owner().get() == key);
            let flows = own.flat_map(|block| view.compiler.block(block).unwrap().flows());
            flows.map(|flow| flow.frame().len() as i64).sum::<i64>()
        });
        bytes += own.await.unwrap();
    }
    bytes
}

#[tokio::test]
async fn what_changes_while_a_switch_does_not_read_is_not_kept_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let engine = loaded::engine(directory.path(), SIZE).await.unwrap();
    loaded::report(&engine, SIZE, 1).await.unwrap();
    let (here, there) = tokio::io::duplex(1 << 16);
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let session = tokio::spawn(loaded::switches(&engine).serve_stream(there, address));
    let mut peer = Peer::new(here);
    peer.until_barrier().await.unwrap();

    // From here on nothing is read.
    let bytes = change(&engine, 120).await;
    assert!(bytes > 4 * BOUND, "{bytes} bytes of changes show nothing");
    assert!(!session.is_finished(), "the session has ended before it was looked at");
    let with = held();
    session.abort();
    assert!(session.await.unwrap_err().is_cancelled());
    let holds = with - held();
    assert!(holds < BOUND, "the session holds {holds} bytes; {bytes} have changed");
}
