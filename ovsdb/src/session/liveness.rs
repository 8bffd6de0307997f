use std::time::{Duration, Instant};

use super::SessionError;

/// Notices that the peer has gone: silence leads to a probe, and more silence to the end.
#[derive(Debug)]
pub(super) struct Liveness {
    interval: Option<Duration>,
    /// When the peer was last heard, or probed if that was later.
    since: Instant,
    is_probed: bool,
}

impl Liveness {
    pub(super) fn new(interval: Option<Duration>, now: Instant) -> Self {
        Self { interval, since: now, is_probed: false }
    }

    /// The peer sent something.
    pub(super) fn heard(&mut self, now: Instant) {
        self.since = now;
        self.is_probed = false;
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.interval.map(|interval| self.since + interval)
    }

    /// Whether to probe the peer now.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<bool, SessionError> {
        match (self.interval, self.deadline()) {
            (Some(interval), Some(deadline)) if now >= deadline => {
                if self.is_probed {
                    return Err(SessionError::Silent(interval * 2));
                }
                self.since = now;
                self.is_probed = true;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
