use std::time::{Duration, Instant};

use openflow::session::Event;
use tokio::time::timeout_at;

use super::connection::{Connection, ConnectionError};
use crate::clock;

/// How long a switch may take for the first part of an answer, or for the next.
const PART: Duration = Duration::from_secs(60);

/// How long a switch may take for a whole answer, or to carry out a bundle.
const EXCHANGE: Duration = Duration::from_secs(300);

/// How long the answer to a request is waited for.
///
/// A switch that is gone is noticed sooner, by its silence; this is for one that answers echo
/// requests and nothing else, or without an end.
#[derive(Debug)]
pub(super) struct Patience {
    what: &'static str,
    begun: Instant,
    limit: Duration,
}

impl Patience {
    /// For an answer that comes in parts, or in one small one.
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, begun: clock::now(), limit: PART }
    }

    /// For an answer that comes when much has been done.
    pub(super) fn whole(what: &'static str) -> Self {
        Self { limit: EXCHANGE, ..Self::new(what) }
    }

    /// A part of the answer came: there is time for another.
    pub(super) fn part_came(&mut self) {
        self.limit = ((clock::now() - self.begun) + PART).min(EXCHANGE);
    }
}

impl Connection {
    /// As [`Connection::next`], while there is patience.
    pub(super) async fn next_of(&mut self, patience: &Patience) -> Result<Event, ConnectionError> {
        let &Patience { what, begun, limit: within } = patience;
        let event = timeout_at((begun + within).into(), self.next()).await;
        event.unwrap_or(Err(ConnectionError::Unanswered { what, within }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::documented::{check, seconds};

    #[test]
    fn the_limits_are_documented() {
        let limits = [
            ("time for the next part of an answer", seconds(PART)),
            ("time for a whole answer", seconds(EXCHANGE)),
        ];
        check("OpenFlow", &limits);
    }
}
