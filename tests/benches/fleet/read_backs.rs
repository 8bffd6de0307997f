//! How many switches tell their flows at a time.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::time::sleep;

/// The read-backs of all switches of a fleet.
#[derive(Debug, Default)]
pub(crate) struct ReadBacks {
    /// How long a switch takes to tell its flows, beside what that costs.
    takes: Duration,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

/// A switch that has been asked and has not told everything yet.
pub(crate) struct UnderWay<'a>(&'a ReadBacks);

impl ReadBacks {
    /// Switches that take so long each.
    pub(crate) fn taking(takes: Duration) -> Self {
        Self { takes, ..Self::default() }
    }

    /// A switch has been asked; it may tell when this has come back.
    pub(super) async fn begin(&self) -> UnderWay<'_> {
        let under_way = UnderWay(self);
        self.most.fetch_max(1 + self.under_way.fetch_add(1, SeqCst), SeqCst);
        if !self.takes.is_zero() {
            sleep(self.takes).await;
        }
        under_way
    }

    /// The most that there were at a time since this was asked last.
    pub(crate) fn take_most(&self) -> usize {
        self.most.swap(0, SeqCst)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, SeqCst);
    }
}
