//! While a switch is brought to its flows in parts, what changes does not wait for the last of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/common/fleet.rs"]
#[expect(dead_code, reason = "the engine compiles")]
mod fleet;
#[path = "../benches/common/loaded.rs"]
mod loaded;
#[path = "lanes/peer.rs"]
mod peer;

use std::net::{IpAddr, Ipv4Addr};

use controller::engine::{Engine, HostState};
use fleet::{Size, host_id, port_id};
use peer::Peer;
use topology::cookie::{BlockKind, Cookie};
use topology::key::Key;

/// Flow-mods of one part.
const PART: usize = 512;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Some 4,000 flows on a host.
const SIZE: Size = Size::of_three(320, 1);

/// Whether the first host has confirmed all that a port needs, how it is, and its realised revision.
async fn confirmed(engine: &Engine, port: u32) -> (bool, HostState, u64) {
    let read = engine.read(move |view| {
        let status = view.host_status(host_id(1));
        let port = view.model.port(port_id(port)).unwrap();
        (view.has_confirmed(host_id(1), port), status.state, status.realized_revision)
    });
    read.await.unwrap()
}

/// The first host's ports of which it has confirmed everything, and how many flows each has.
async fn confirmed_ports(engine: &Engine) -> Vec<(u32, usize)> {
    let read = engine.read(|view| {
        let host = host_id(1);
        let desired: Vec<_> = view.compiler.desired(host).map(|flow| flow.flow.cookie).collect();
        let ports = (1..=SIZE.ports).filter(|port| SIZE.host_of(*port) == host);
        let confirmed = ports.filter(|port| {
            view.model.port(port_id(*port)).is_some_and(|port| view.has_confirmed(host, port))
        });
        confirmed.map(|port| (port, of_port(&desired, port))).collect()
    });
    read.await.unwrap()
}

/// How many of the flows are a port's own.
fn of_port(cookies: &[u64], port: u32) -> usize {
    let port = Key::new(port).unwrap();
    let is_its = |cookie: &&u64| {
        let cookie = Cookie(**cookie);
        cookie.kind() == Some(BlockKind::HostPort) && cookie.owner() == port
    };
    cookies.iter().filter(is_its).count()
}

#[tokio::test]
async fn a_new_ports_flows_go_between_two_parts_and_count_before_the_last() {
    let directory = tempfile::tempdir().unwrap();
    let engine = loaded::engine(directory.path(), SIZE).await.unwrap();
    loaded::report(&engine, SIZE, 1).await.unwrap();
    let flows = engine.read(|view| view.host_status(host_id(1)).flows).await.unwrap() as usize;
    assert!(flows > PART, "{flows} flows make one part");
    let (here, there) = tokio::io::duplex(1 << 16);
    let session = tokio::spawn(loaded::switches(&engine).serve_stream(there, LOOPBACK));
    let mut peer = Peer::new(here);
    peer.until_barrier().await.unwrap();
    assert_eq!(peer.put.len(), PART);
    // The switch is not to wait for the next part, nor to carry it out yet.
    peer.until_staged(PART).await.unwrap();
    assert_eq!((peer.put.len(), peer.barriers.len()), (PART, 1));

    // The first part is on its way when the port is made.
    let port = loaded::new_port(SIZE, 1, 0);
    loaded::put(&engine, SIZE.port(port, None)).await.unwrap();
    let mut progress = engine.progress();
    while !confirmed(&engine, port).await.0 {
        assert!(peer.put.len() < flows, "all parts have come before");
        peer.answer_barriers().unwrap();
        tokio::select! {
            arrived = peer.until_barrier() => arrived.unwrap(),
            ticked = progress.changed() => ticked.unwrap(),
        }
    }
    let [new, old] = [port, 3].map(|port| of_port(&peer.put, port));
    assert!(new > old, "of the new port there are {new} flows, of an old one {old}");
    let (_, state, realized) = confirmed(&engine, port).await;
    assert_eq!((state, realized), (HostState::Syncing, 0));

    while confirmed(&engine, port).await.1 == HostState::Syncing {
        let told = &peer.put[..peer.confirmed];
        for (port, flows) in confirmed_ports(&engine).await {
            assert_eq!(of_port(told, port), flows, "flows of port {port}");
        }
        peer.answer_barriers().unwrap();
        tokio::select! {
            arrived = peer.until_barrier() => arrived.unwrap(),
            ticked = progress.changed() => ticked.unwrap(),
        }
    }
    let (_, state, realized) = confirmed(&engine, port).await;
    let (revision, mut desired) = engine
        .read(|view| {
            let flows = view.compiler.desired(host_id(1)).map(|flow| flow.flow.cookie);
            (view.revision, flows.collect::<Vec<_>>())
        })
        .await
        .unwrap();
    assert_eq!((state, realized), (HostState::Ready, revision));
    // Whatever the order was, every flow has come.
    for cookies in [&mut peer.put, &mut desired] {
        cookies.sort_unstable();
        cookies.dedup();
    }
    assert_eq!(peer.put, desired);
    session.abort();
}
