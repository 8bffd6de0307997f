//! What stands between a host's br-int and the controller, and answers for the switch what an older
//! Open vSwitch would: that it has no flow monitor.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result};
use lab::Netns;

/// Where Open vSwitch looks for its controller, and where the controller listens.
const PORT: u16 = 6633;

/// `OFPT_MULTIPART_REQUEST`, OpenFlow 1.3.5 §7.1.
const MULTIPART_REQUEST: u8 = 18;

/// A flow monitor's `ofp_multipart_request` behind its flags and padding: `OFPMP_EXPERIMENTER`, the
/// ONF's number and `ONFST_FLOW_MONITOR`.
const MONITOR: [[u8; 4]; 2] = [[0x4f, 0x4e, 0x46, 0x00], 1870_u32.to_be_bytes()];

/// `OFPET_BAD_REQUEST`, `OFPBRC_BAD_EXPERIMENTER`: §7.4.1.
const UNKNOWN: [u8; 4] = [0, 1, 0, 3];

/// Lets every message through but those that ask for a flow monitor, which it refuses.
#[derive(Debug)]
pub(crate) struct OldSwitch {
    refused: Arc<AtomicUsize>,
}

impl OldSwitch {
    /// Listens on the host's own loopback; goes on to the controller from the host's address.
    pub(crate) fn before(controller: IpAddr, netns: &Netns) -> Result<Self> {
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).context("cannot listen");
        let listener = netns.enter(listen)?;
        let refused = Arc::new(AtomicUsize::new(0));
        let (count, netns) = (refused.clone(), netns.clone());
        // Its threads end with the switch, and the last with the test.
        thread::spawn(move || {
            for switch in listener.incoming().map_while(Result::ok) {
                let connect = || TcpStream::connect((controller, PORT)).context("not there");
                let Ok(controller) = netns.enter(connect) else { continue };
                if let Err(error) = join(switch, controller, &count) {
                    eprintln!("between switch and controller: {error}");
                }
            }
        });
        Ok(Self { refused })
    }

    /// How many flow monitors it has refused.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

/// Passes messages both ways, in threads of their own, until either end closes.
fn join(switch: TcpStream, controller: TcpStream, refused: &Arc<AtomicUsize>) -> Result<()> {
    switch.set_nodelay(true)?;
    controller.set_nodelay(true)?;
    let (mut from_switch, mut from_controller) = (switch.try_clone()?, controller.try_clone()?);
    // Both threads write to it: a refusal must not come in the middle of another message.
    let (to_controller, mut to_switch) = (Arc::new(Mutex::new(controller)), switch);
    let (answers, refused) = (to_controller.clone(), refused.clone());
    let say = |to: &Mutex<TcpStream>, message: &[u8]| {
        to.lock().unwrap_or_else(PoisonError::into_inner).write_all(message)
    };
    thread::spawn(move || {
        while let Some(message) = receive(&mut from_switch) {
            if say(&to_controller, &message).is_err() {
                break;
            }
        }
        hang_up(&to_controller.lock().unwrap_or_else(PoisonError::into_inner));
    });
    thread::spawn(move || {
        while let Some(message) = receive(&mut from_controller) {
            let passed = if asks_for_monitor(&message) {
                refused.fetch_add(1, Ordering::SeqCst);
                say(&answers, &refusal(&message))
            } else {
                to_switch.write_all(&message)
            };
            if passed.is_err() {
                break;
            }
        }
        hang_up(&to_switch);
    });
    Ok(())
}

fn hang_up(stream: &TcpStream) {
    // It may have ended already.
    let _ = stream.shutdown(std::net::Shutdown::Both);
}

/// The next message, or `None` at the end.
fn receive(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = vec![0; 8];
    stream.read_exact(&mut message).ok()?;
    message.resize(usize::from(u16::from_be_bytes([message[2], message[3]])).max(8), 0);
    stream.read_exact(&mut message[8..]).ok()?;
    Some(message)
}

fn asks_for_monitor(message: &[u8]) -> bool {
    message[1] == MULTIPART_REQUEST
        && message[8..10] == [0xff, 0xff]
        && message.get(16..24) == Some(MONITOR.as_flattened())
}

/// `ofp_error_msg`: the error, and at least 64 bytes of what it is about.
fn refusal(request: &[u8]) -> Vec<u8> {
    let about = &request[..request.len().min(64)];
    let length = (8 + UNKNOWN.len() + about.len()) as u16;
    [&[4, 1], &length.to_be_bytes()[..], &request[4..8], &UNKNOWN, about].concat()
}
