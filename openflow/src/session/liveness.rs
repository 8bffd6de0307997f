//! Echo requests and time-outs: OpenFlow 1.3.5 §7.5.2.

use std::time::{Duration, Instant};

use super::{Limits, ProtocolError};

/// Whether the peer is alive: what was heard when, and what is waited for.
#[derive(Debug)]
pub(super) struct Liveness {
    limits: Limits,
    heard: Instant,
    waiting: Waiting,
}

#[derive(Clone, Copy, Debug)]
enum Waiting {
    /// For the handshake, until then.
    Handshake(Instant),
    /// For a silence that is long enough.
    Silence,
    /// For any answer to an echo request, until then.
    Answer(Instant),
}

impl Liveness {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        let waiting = Waiting::Handshake(later(now, limits.handshake));
        Self { limits: *limits, heard: now, waiting }
    }

    /// Something came.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        if let Waiting::Answer(_) = self.waiting {
            self.waiting = Waiting::Silence;
        }
    }

    /// The handshake is done.
    pub(super) fn ready(&mut self, now: Instant) {
        self.heard = now;
        self.waiting = Waiting::Silence;
    }

    pub(super) fn deadline(&self) -> Instant {
        match self.waiting {
            Waiting::Handshake(until) | Waiting::Answer(until) => until,
            Waiting::Silence => later(self.heard, self.limits.idle),
        }
    }

    /// True when an echo request is due; it is taken to be sent at once.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<bool, ProtocolError> {
        if now < self.deadline() {
            return Ok(false);
        }
        match self.waiting {
            Waiting::Handshake(_) => {
                Err(ProtocolError::HandshakeTimeout { limit: self.limits.handshake })
            }
            Waiting::Answer(_) => {
                Err(ProtocolError::Silent { silence: now.saturating_duration_since(self.heard) })
            }
            Waiting::Silence => {
                self.waiting = Waiting::Answer(later(now, self.limits.probe));
                Ok(true)
            }
        }
    }
}

/// `start + by`; a time that cannot be told is as good as never, a year from `start`.
pub(super) fn later(start: Instant, by: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    start + by.min(YEAR)
}
