//! Numbered datagrams both ways between two machines, while something else happens.

use std::fmt;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;
use lab::wait_until;

use crate::probe::bind;
use crate::segment::Guest;

/// Between two datagrams of one direction, unless a test asks for something else.
const PACE: Duration = Duration::from_millis(2);

/// How many datagrams may arrive that were sent after a change was confirmed: what Open vSwitch
/// takes to revalidate its datapath, which it begins with the change.
const UNDER_WAY: u64 = 25;

/// How many must stay out, or arrive, for a claim about all of them.
const MANY: u64 = 150;

/// How long a claim may take to be seen.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the server waits for the client's first datagram.
const FIRST: Duration = Duration::from_secs(1);

/// How often a reader looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// A UDP conversation: each end sends at its own pace, whatever it hears.
#[derive(Debug)]
pub struct Stream {
    /// What the client sends.
    there: Arc<Lane>,
    /// What the server sends.
    back: Arc<Lane>,
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    sent: AtomicU64,
    /// Nothing is sent any more.
    muted: AtomicBool,
    /// The numbers that have arrived.
    arrived: Mutex<Vec<u64>>,
}

/// Writers end before readers do, so that nothing is under way at the end.
#[derive(Debug, Default)]
struct Stop {
    writers: AtomicBool,
    readers: AtomicBool,
}

/// What came of one direction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LaneReport {
    /// Datagrams sent, counted from the first that arrived.
    pub sent: u64,
    /// Those that did not arrive.
    pub lost: u64,
}

impl Stream {
    /// Starts one from a port of `client` to one of `server`. The server begins when it has heard
    /// of the client, so that the connection is the client's, and without that after a second.
    ///
    /// # Errors
    ///
    /// When an address is taken.
    pub fn start(client: (&Guest, SocketAddr), server: (&Guest, SocketAddr)) -> Result<Self> {
        Self::start_at(PACE, client, server)
    }

    /// Starts one with `pace` between two datagrams of one direction.
    ///
    /// # Errors
    ///
    /// As [`Stream::start`].
    pub fn start_at(
        pace: Duration,
        (client, from): (&Guest, SocketAddr),
        (server, to): (&Guest, SocketAddr),
    ) -> Result<Self> {
        let (here, over_there) = (bind(client, from)?, bind(server, to)?);
        let (there, back, stop) = <(Arc<Lane>, Arc<Lane>, Arc<Stop>)>::default();
        let mut threads = Vec::new();
        for (socket, peer, out, home) in
            [(here, to, &there, &back), (over_there, from, &back, &there)]
        {
            socket.set_read_timeout(Some(LOOK))?;
            let writer = socket.try_clone()?;
            let (lane, stopping, heard) = (out.clone(), stop.clone(), home.clone());
            let answers = peer == from;
            threads.push(thread::spawn(move || {
                if answers {
                    // Where it is not let through, there is nothing to wait for.
                    let heard = || heard.arrived_since(0) > 0;
                    let _ = wait_until("the client's first", FIRST, heard);
                }
                write(&writer, peer, pace, &lane, &stopping);
            }));
            let (lane, stopping) = (home.clone(), stop.clone());
            threads.push(thread::spawn(move || read(&socket, &lane, &stopping)));
        }
        Ok(Self { there, back, stop, threads })
    }

    /// From now on only the server sends.
    pub fn mute_client(&self) {
        self.there.muted.store(true, Ordering::Relaxed);
    }

    /// Claims that datagrams sent from now on arrive, both ways.
    #[track_caller]
    pub fn assert_runs(&self) {
        for (name, lane) in self.lanes() {
            let now = lane.sent();
            let arrive = || lane.arrived_since(now) >= MANY;
            if let Err(error) = wait_until("datagrams", PATIENCE, arrive) {
                panic!("{name}: {error}: {}", self.summary());
            }
        }
    }

    /// Claims that nothing that is sent from now on arrives, either way.
    #[track_caller]
    pub fn assert_stopped(&self) {
        let lanes = self.lanes().into_iter().map(|(name, lane)| (name, lane, lane.sent()));
        for (name, lane, now) in lanes.collect::<Vec<_>>() {
            let from = now + UNDER_WAY;
            wait_until("datagrams to be sent", PATIENCE, || lane.sent() >= from + MANY)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let arrived = lane.arrived_since(from);
            assert_eq!(arrived, 0, "{name}: arrived although stopped: {}", self.summary());
        }
    }

    /// Datagrams that have arrived so far, there and back.
    pub fn arrived(&self) -> [u64; 2] {
        [&self.there, &self.back].map(|lane| lane.arrived_since(0))
    }

    /// Ends it, once what was sent has arrived or is lost, and reports on all of it, there and
    /// back.
    pub fn finish(mut self) -> [LaneReport; 2] {
        self.stop.writers.store(true, Ordering::Relaxed);
        // What is under way arrives within a moment, or never.
        let settled = || [&self.there, &self.back].iter().all(|lane| lane.report().lost == 0);
        let _ = wait_until("the last datagrams", Duration::from_secs(1), settled);
        self.end();
        [&self.there, &self.back].map(|lane| lane.report())
    }

    fn end(&mut self) {
        self.stop.writers.store(true, Ordering::Relaxed);
        self.stop.readers.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic in it has been reported on its own.
            let _ = thread.join();
        }
    }

    /// The directions in which something is sent.
    fn lanes(&self) -> Vec<(&'static str, &Lane)> {
        let lanes = [("there", &*self.there), ("back", &*self.back)];
        lanes.into_iter().filter(|(_, lane)| !lane.muted.load(Ordering::Relaxed)).collect()
    }

    fn summary(&self) -> String {
        format!("there {}, back {}", self.there.report(), self.back.report())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.end();
    }
}

impl Lane {
    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    fn arrived_since(&self, number: u64) -> u64 {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.iter().filter(|&&it| it >= number).count() as u64
    }

    fn report(&self) -> LaneReport {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = arrived.iter().min().map_or(0, |first| self.sent() - first);
        LaneReport { sent, lost: sent.saturating_sub(arrived.len() as u64) }
    }
}

fn write(socket: &UdpSocket, peer: SocketAddr, pace: Duration, lane: &Lane, stop: &Stop) {
    let mut next = Instant::now();
    while !stop.writers.load(Ordering::Relaxed) && !lane.muted.load(Ordering::Relaxed) {
        let number = lane.sent.fetch_add(1, Ordering::Relaxed);
        // What an ICMP error said of an earlier one: the next is sent all the same.
        let _ = socket.send_to(&number.to_be_bytes(), peer);
        next += pace;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

fn read(socket: &UdpSocket, lane: &Lane, stop: &Stop) {
    let mut number = [0; 8];
    while !stop.readers.load(Ordering::Relaxed) {
        if let Ok((8, _)) = socket.recv_from(&mut number) {
            let mut arrived = lane.arrived.lock().unwrap_or_else(PoisonError::into_inner);
            arrived.push(u64::from_be_bytes(number));
        }
    }
}

impl fmt::Display for LaneReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} lost", self.lost, self.sent)
    }
}
