//! The example does what it says, with a real switch.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

#[allow(dead_code, reason = "its `main` is not called here")]
#[path = "../examples/read_back.rs"]
mod read_back;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/switch.rs"]
mod switch;

#[test]
fn a_flow_is_read_back() {
    let switch = switch::Switch::start();
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let controller = format!("ptcp:{}:127.0.0.1", address.port());
    switch.vsctl(&["set-controller", "br0", &controller]);
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(start.elapsed() < Duration::from_secs(30), "the switch never listened");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut printed = Vec::new();
    read_back::converse(&address.to_string(), &mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    let (first, flow) = printed.split_once('\n').unwrap();
    assert!(first.starts_with("connected to switch 0000"), "{first}");
    assert_eq!(
        flow,
        "cookie=0x7e57, table=7, priority=100,arp,arp_tpa=10.0.0.1,arp_op=1 \
         actions=set_field:2->arp_op,IN_PORT\n"
    );
    assert_eq!(switch.dump(&[]), [flow.trim_end()]);
}
