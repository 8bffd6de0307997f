//! Echo requests at a steady pace until the first is answered.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketType, ipproto};

use crate::netns::Netns;

const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;

/// What the requests are told by.
const IDENTIFIER: [u8; 2] = *b"Ws";

/// Asks until it is answered. As long as nobody answers, `ping` sends a request every 10 ms at
/// most, whatever it is told: too coarse to tell when a way is there.
#[derive(Debug)]
pub struct Asking {
    thread: Option<JoinHandle<Result<SystemTime>>>,
    over: Arc<AtomicBool>,
}

impl Asking {
    pub(crate) fn start(
        netns: &Netns,
        to: Ipv4Addr,
        pace: Duration,
        patience: Duration,
    ) -> Result<Self> {
        let socket = netns.enter(|| {
            let protocol = Some(ipproto::ICMP);
            Ok(net::socket(AddressFamily::INET, SocketType::RAW, protocol)?)
        })?;
        net::connect(&socket, &SocketAddr::from((to, 0)))?;
        let over = Arc::new(AtomicBool::new(false));
        let until = Instant::now() + patience;
        let is_over = over.clone();
        let thread = thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) && Instant::now() < until {
                if let Some(time) = ask(&socket, pace)? {
                    return Ok(time);
                }
            }
            bail!("nobody answered at {to}")
        });
        Ok(Self { thread: Some(thread), over })
    }

    /// When the first reply came.
    ///
    /// # Errors
    ///
    /// When there is none for as long as was to be waited.
    pub fn first_reply(mut self) -> Result<SystemTime> {
        let thread = self.thread.take().context("a thread asks")?;
        thread.join().unwrap_or_else(|_| Err(anyhow!("the thread that asks panicked")))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Sends one request, and waits for a reply for no longer than `pace`.
fn ask(socket: &OwnedFd, pace: Duration) -> Result<Option<SystemTime>> {
    // While there is no way, not even of the machine's own, it cannot be sent.
    let _ = net::send(socket, &request(), SendFlags::empty());
    let mut ready = [PollFd::new(socket, PollFlags::IN)];
    let pace = Timespec::try_from(pace).context("a pace is short")?;
    if poll(&mut ready, Some(&pace))? == 0 {
        return Ok(None);
    }
    let now = SystemTime::now();
    let mut packet = [0; 1_500];
    let Ok((length, _)) = net::recv(socket, &mut packet, RecvFlags::DONTWAIT) else {
        return Ok(None);
    };
    Ok(is_reply(&packet[..length]).then_some(now))
}

fn request() -> [u8; 8] {
    let [high, low] = IDENTIFIER;
    let mut request = [ECHO_REQUEST, 0, 0, 0, high, low, 0, 0];
    let words = request.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let sum: u32 = words.sum();
    let checksum = !(((sum >> 16) + (sum & 0xffff)) as u16);
    request[2..4].copy_from_slice(&checksum.to_be_bytes());
    request
}

/// True of an IPv4 packet that answers one of the requests.
fn is_reply(packet: &[u8]) -> bool {
    let header = packet.first().map_or(0, |first| usize::from(first & 0xf) * 4);
    packet.get(header..).is_some_and(|icmp| {
        icmp.first() == Some(&ECHO_REPLY) && icmp.get(4..6) == Some(&IDENTIFIER)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_sums_up_to_nothing_and_is_told_from_its_reply() {
        let request = request();
        let words = request.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
        assert_eq!(words.sum::<u32>(), 0xffff);
        let packet = |icmp: &[u8]| [&[0x45; 20], icmp].concat();
        let reply = [&[ECHO_REPLY], &request[1..]].concat();
        assert!(is_reply(&packet(&reply)));
        assert!(!is_reply(&packet(&request)));
        let of_another = [&reply[..4], &[0, 1], &reply[6..]].concat();
        assert!(!is_reply(&packet(&of_another)));
        assert!((0..26).all(|length| !is_reply(&packet(&reply)[..length])));
    }
}
