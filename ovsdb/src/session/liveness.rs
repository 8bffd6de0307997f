use std::time::{Duration, Instant};

use super::SessionError;

/// Notices that the peer has gone: silence leads to a probe, and more silence to the end.
#[derive(Debug)]
pub(super) struct Liveness {
    interval: Option<Duration>,
    began: Instant,
    /// Ages at which the peer is probed in any case, as far as they are still to come.
    early: &'static [Duration],
    /// When the peer was last heard, or probed if that was later.
    since: Instant,
    is_probed: bool,
}

impl Liveness {
    pub(super) fn new(
        interval: Option<Duration>,
        early: &'static [Duration],
        now: Instant,
    ) -> Self {
        Self { interval, began: now, early, since: now, is_probed: false }
    }

    /// The peer sent something.
    pub(super) fn heard(&mut self, now: Instant) {
        self.since = now;
        self.is_probed = false;
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let early = self.early.first().map(|age| self.began + *age);
        self.silence_deadline().into_iter().chain(early).min()
    }

    fn silence_deadline(&self) -> Option<Instant> {
        self.interval.map(|interval| self.since + interval)
    }

    /// Whether to probe the peer now.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<bool, SessionError> {
        let passed = self.early.iter().take_while(|age| now >= self.began + **age).count();
        self.early = &self.early[passed..];
        match (self.interval, self.silence_deadline()) {
            (Some(interval), Some(deadline)) if now >= deadline => {
                if self.is_probed {
                    return Err(SessionError::Silent(interval * 2));
                }
                self.since = now;
                self.is_probed = true;
                Ok(true)
            }
            _ => Ok(passed > 0),
        }
    }
}
