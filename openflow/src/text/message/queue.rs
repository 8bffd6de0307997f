//! Queues: what they do, and their counters.

use std::fmt;

use super::parts::{Counter, Duration};
use crate::message::{PacketQueue, QueueConfig, QueueProperty, QueueStats, QueueStatsRequest};
use crate::text::HexBytes;

/// Writes the queues by their numbers; nothing, not even the port, when there are none.
pub(super) fn config(f: &mut fmt::Formatter<'_>, config: &QueueConfig) -> fmt::Result {
    let mut queues: Vec<&PacketQueue> = config.queues.iter().collect();
    queues.sort_by_key(|queue| queue.queue_id);
    if !queues.is_empty() {
        write!(f, " port={}", config.port)?;
    }
    for queue in queues {
        write!(f, "\nqueue {}:", queue.queue_id)?;
        for property in &queue.properties {
            match property {
                QueueProperty::MinRate(rate) => write!(f, " min_rate:{}", Rate(*rate))?,
                QueueProperty::MaxRate(rate) => write!(f, " max_rate:{}", Rate(*rate))?,
                QueueProperty::Unknown(bytes) => write!(f, " raw({})", HexBytes(bytes))?,
            }
        }
    }
    Ok(())
}

/// Tenths of a per cent.
struct Rate(u16);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 1000 {
            return f.write_str("(disabled)");
        }
        write!(f, "{}.{}%", self.0 / 10, self.0 % 10)
    }
}

/// A queue's number, or that all are meant.
struct QueueId(u32);

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == QueueStatsRequest::ALL { f.write_str("ALL") } else { write!(f, "{}", self.0) }
    }
}

/// Writes which queues are asked for.
pub(super) fn which(f: &mut fmt::Formatter<'_>, request: QueueStatsRequest) -> fmt::Result {
    write!(f, " port={} queue={}", request.port_no, QueueId(request.queue_id))
}

/// Writes the counters of a queue, after a line end.
pub(super) fn stats(f: &mut fmt::Formatter<'_>, stats: &QueueStats) -> fmt::Result {
    write!(f, "\n  port {} queue {}: ", stats.port_no, QueueId(stats.queue_id))?;
    write!(f, "bytes={}, pkts={}", Counter(stats.tx_bytes), Counter(stats.tx_packets))?;
    write!(f, ", errors={}, duration=", Counter(stats.tx_errors))?;
    match stats.duration_sec {
        u32::MAX => f.write_str("?"),
        seconds => write!(f, "{}", Duration(seconds, stats.duration_nsec)),
    }
}
