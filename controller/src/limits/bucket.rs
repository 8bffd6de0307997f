use std::time::{Duration, Instant};

/// A rate with a burst: a bucket of tokens that fills at a steady pace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    as_of: Instant,
}

impl Bucket {
    /// A full bucket of `capacity` tokens that gains `per_second`.
    pub(crate) fn new(capacity: f64, per_second: f64, now: Instant) -> Self {
        Self { capacity, per_second, tokens: capacity, as_of: now }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.fill(now);
        let has = self.tokens >= 1.0;
        if has {
            self.tokens -= 1.0;
        }
        has
    }

    /// Takes `count` tokens, there or not; answers how long it takes until none is owed.
    pub(crate) fn spend(&mut self, count: u32, now: Instant) -> Duration {
        self.fill(now);
        self.tokens -= f64::from(count);
        Duration::try_from_secs_f64(-self.tokens / self.per_second).unwrap_or_default()
    }

    /// True when nothing was taken of late.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.tokens >= self.capacity
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.as_of).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.capacity);
        self.as_of = self.as_of.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut now = Instant::now();
        let mut bucket = Bucket::new(3.0, 2.0, now);
        assert_eq!((0..10).filter(|_| bucket.take(now)).count(), 3);
        now += SECOND;
        assert_eq!((0..10).filter(|_| bucket.take(now)).count(), 2);
        assert!(!bucket.is_full(now + SECOND));
        assert!(bucket.is_full(now + 2 * SECOND), "it holds no more than its capacity");
        assert_eq!((0..10).filter(|_| bucket.take(now + 60 * SECOND)).count(), 3);
    }

    #[test]
    fn what_is_owed_takes_its_time() {
        let now = Instant::now();
        let mut bucket = Bucket::new(10.0, 5.0, now);
        assert_eq!(bucket.spend(10, now), Duration::ZERO);
        assert_eq!(bucket.spend(5, now), SECOND);
        assert_eq!(bucket.spend(0, now + SECOND), Duration::ZERO);
    }
}
