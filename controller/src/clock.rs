//! The two clocks: the only places where they are read.

use std::time::{Instant, SystemTime};

use topology::model::Timestamp;

/// The time by which deadlines are kept: the one that tokio's timers go by, so that a runtime whose
/// time is paused has one time for everything.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The time of day, as resources carry it.
pub(crate) fn time_of_day() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
