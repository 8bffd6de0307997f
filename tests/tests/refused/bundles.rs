//! On a real switch: what comes of the bundles behind one with a flow that is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use controller::engine::Which;
use controller::switch::{Connection, Difference, Script};
use openflow::Flow;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::net::{TcpListener, TcpStream};
use topology::block::BlockFlow;

use super::ovs::Ovs;

/// Flows for three bundles. Each has a priority of its own, and the highest go first.
const FLOWS: u16 = 5_000;
/// The most flows of a bundle.
const BUNDLE: usize = 2_048;
/// A priority that goes with the first bundle.
const EARLY: u16 = FLOWS - 7;
/// `OFPT_FLOW_MOD`.
const FLOW_MOD: u8 = 14;

/// Moves bytes both ways, and counts the flow-mods that the switch gets outside of bundles.
async fn relay(ours: DuplexStream, switch: TcpStream, singly: Arc<AtomicUsize>) {
    let (mut from_us, mut to_us) = split(ours);
    let (mut from_switch, mut to_switch) = switch.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_switch, &mut to_us).await });
    let mut header = [0; 8];
    while from_us.read_exact(&mut header).await.is_ok() {
        singly.fetch_add(usize::from(header[1] == FLOW_MOD), Ordering::Relaxed);
        let length = u16::from_be_bytes([header[2], header[3]]);
        let mut message = header.to_vec();
        message.resize(length.into(), 0);
        from_us.read_exact(&mut message[header.len()..]).await.unwrap();
        to_switch.write_all(&message).await.unwrap();
    }
}

/// A switch refuses `bad`, which goes with the first bundle: it gets the flows of that one by one,
/// those behind it in their bundles, and has all of them in the end.
async fn check(bad: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _ovs = Ovs::start(1, &format!("tcp:{}", listener.local_addr().unwrap())).unwrap();
    let (switch, _) = listener.accept().await.unwrap();
    let (ours, theirs) = duplex(1 << 16);
    let singly = Arc::<AtomicUsize>::default();
    tokio::spawn(relay(theirs, switch, singly.clone()));
    let (mut connection, _) = Connection::open(ours).await.unwrap();

    let good = |priority| Flow { priority, ..Flow::default() };
    let bad = Flow { priority: EARLY, ..bad.parse().unwrap() };
    let flows = (1..=FLOWS).map(good).chain([bad]);
    let flows = flows.map(|flow| Arc::new(BlockFlow::new(flow, false)));
    let script = Script::from_difference(Difference::missing(flows));
    let refused = connection.carry_out(&script).await.unwrap();
    assert_eq!(refused.len(), 1, "{refused:?}");
    let told = format!("{refused:?}");
    assert!(told.contains(&format!("priority: {EARLY}")), "{told}");
    let there = connection.read_back(Which::All).await.unwrap();
    let mut there: Vec<_> = there.iter().map(|stats| stats.flow.priority).collect();
    there.sort_unstable();
    assert!(there.iter().copied().eq(1..=FLOWS), "{} flows are there", there.len());
    assert_eq!(singly.load(Ordering::Relaxed), BUNDLE);
}

#[tokio::test]
async fn what_is_staged_behind_a_refused_flow_still_comes_in_its_bundle() {
    // There is no such group; a flow of the same priority matches some of the same packets.
    check("in_port=1 actions=group:7").await;
    check("check_overlap,in_port=1 actions=drop").await;
}
