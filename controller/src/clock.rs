//! The only place where the clock is read.

use std::time::SystemTime;

use topology::model::Timestamp;

/// The time of day, as resources carry it.
pub(crate) fn time_of_day() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
