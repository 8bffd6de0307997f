use std::time::{Duration, Instant};

/// Between the end of a comparison and the next, at least; a longer comparison is followed by a
/// pause as long as itself.
const PAUSE: Duration = Duration::from_secs(1);

/// Before a comparison that nothing gives rise to is a pause so many times as long as the last one
/// had waited for its turn and taken: a quarter of the time at most, however many flows, or switches,
/// there are.
const REST: u32 = 3;

/// When a switch is to be compared with what it should have.
#[derive(Debug)]
pub(super) struct Rechecks {
    /// Between comparisons that nothing gives rise to; `None` when the switch tells of changes.
    interval: Option<Duration>,
    disturbed: bool,
    ended: Instant,
    pause: Duration,
    /// How long it took until the last one had been read back in its turn.
    took: Duration,
}

impl Rechecks {
    /// After a first comparison, at `now`.
    pub(super) fn new(interval: Option<Duration>, now: Instant) -> Self {
        let (pause, took) = (Duration::ZERO, Duration::ZERO);
        Self { interval, disturbed: false, ended: now, pause, took }
    }

    /// Somebody else has changed something.
    pub(super) fn disturbed(&mut self) {
        self.disturbed = true;
    }

    /// When the next comparison is due: soon after a disturbance, however many more follow it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match (self.disturbed, self.interval) {
            (true, _) => Some(self.ended + self.pause),
            (false, interval) => Some(self.ended + interval?.max(REST * self.took)),
        }
    }

    /// A comparison has been waiting for its turn since `asked`, and has read everything at `now`.
    pub(super) fn read_back(&mut self, asked: Instant, now: Instant) {
        self.took = now - asked;
    }

    /// A comparison that began at `begun` ends at `now`, with everything put right.
    pub(super) fn compared(&mut self, begun: Instant, now: Instant) {
        self.disturbed = false;
        self.ended = now;
        self.pause = PAUSE.max(now - begun);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn after(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_first_change_is_looked_at_at_once_and_those_that_follow_together() {
        let start = Instant::now();
        let mut rechecks = Rechecks::new(None, start);
        assert_eq!(rechecks.deadline(), None);
        rechecks.disturbed();
        assert_eq!(rechecks.deadline(), Some(start));
        rechecks.compared(start, start + after(10));
        assert_eq!(rechecks.deadline(), None);
        rechecks.disturbed();
        rechecks.disturbed();
        assert_eq!(rechecks.deadline(), Some(start + after(1010)));
        // What takes long does not take more than half of the time.
        rechecks.compared(start, start + after(3000));
        rechecks.disturbed();
        assert_eq!(rechecks.deadline(), Some(start + after(6000)));
    }

    #[test]
    fn a_switch_that_tells_nothing_is_looked_at_from_time_to_time() {
        let start = Instant::now();
        let mut rechecks = Rechecks::new(Some(after(3_000)), start);
        assert_eq!(rechecks.deadline(), Some(start + after(3_000)));
        rechecks.read_back(start + after(3_000), start + after(3_900));
        rechecks.compared(start + after(3_000), start + after(9_000));
        assert_eq!(rechecks.deadline(), Some(start + after(12_000)));
        // What takes long to read, or has waited long for its turn, is read less often.
        rechecks.read_back(start + after(12_000), start + after(14_000));
        rechecks.compared(start + after(13_500), start + after(14_100));
        assert_eq!(rechecks.deadline(), Some(start + after(20_100)));
    }
}
