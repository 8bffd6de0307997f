//! `ChangeService.Wait`.

use std::time::{Duration, Instant};

use futures_util::stream::unfold;
use proto::v1 as pb;
use proto::v1::host::State;
use proto::v1::wait_response::LateHost;
use tokio::sync::watch;
use tonic::Status;

use super::Responses;
use crate::api::fields::Fields;
use crate::api::{Api, host, status};
use crate::clock;
use crate::engine::{Stopped, View};

/// How long to wait when the client does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest that is waited.
const MAX_TIMEOUT: Duration = Duration::from_secs(600);

/// The least time between two looks at so many hosts: when they confirm one after the other, few
/// looks suffice. Fewer hosts are looked at again the sooner.
const PACE: Duration = Duration::from_millis(10);
const PACED_HOSTS: usize = 1_000;

/// The responses to `request`.
pub(super) async fn wait(
    api: &Api,
    request: pb::WaitRequest,
) -> Result<Responses<pb::WaitResponse>, Status> {
    let pb::WaitRequest { revision, timeout } = request;
    let mut fields = Fields::of("");
    let timeout = match timeout.map(Duration::try_from) {
        None => DEFAULT_TIMEOUT,
        Some(Ok(timeout)) if !timeout.is_zero() => timeout.min(MAX_TIMEOUT),
        Some(_) => {
            fields.wrong("timeout", "is not more than zero");
            DEFAULT_TIMEOUT
        }
    };
    let newest = api.engine.read(|view| view.revision).await.map_err(status::stopped)?;
    if revision > newest {
        fields.wrong(
            "revision",
            format_args!("{revision} has not been reached: the newest is {newest}"),
        );
    }
    fields.finish()?;
    let wait = Wait {
        api: api.clone(),
        revision: if revision == 0 { newest } else { revision },
        deadline: clock::now() + timeout,
        progress: api.engine.progress(),
        told: None,
    };
    Ok(Box::pin(unfold(Stage::Waiting(wait), Stage::next)))
}

/// How far a client's wait is.
enum Stage {
    /// Some host may be late.
    Waiting(Wait),
    /// The late hosts were named; that time is up is still to be said, of this revision.
    TimedOut(u64),
    /// All is said.
    Over,
}

struct Wait {
    api: Api,
    revision: u64,
    deadline: Instant,
    progress: watch::Receiver<u64>,
    /// The response before.
    told: Option<pb::WaitResponse>,
}

impl Stage {
    /// The next response, and what comes after it.
    async fn next(self) -> Option<(Result<pb::WaitResponse, Status>, Self)> {
        match self {
            Self::Waiting(mut wait) => match wait.response().await {
                Ok((response, false)) if response.done => Some((Ok(response), Self::Over)),
                Ok((response, false)) => Some((Ok(response), Self::Waiting(wait))),
                Ok((response, true)) => Some((Ok(response), Self::TimedOut(wait.revision))),
                Err(status) => Some((Err(status), Self::Over)),
            },
            Self::TimedOut(revision) => {
                let message = format!("not every host has confirmed revision {revision}");
                Some((Err(Status::deadline_exceeded(message)), Self::Over))
            }
            Self::Over => None,
        }
    }
}

impl Wait {
    /// Waits until a host has got further, or time is up; says whether it is.
    async fn response(&mut self) -> Result<(pb::WaitResponse, bool), Status> {
        loop {
            self.progress.borrow_and_update();
            let revision = self.revision;
            let look = move |view: &View<'_>| (progress(view, revision), view.model.hosts().len());
            let (response, hosts) = self.api.engine.read(look).await.map_err(status::stopped)?;
            if response.done || self.told.as_ref() != Some(&response) {
                self.told = Some(response.clone());
                return Ok((response, false));
            }
            let looked = clock::now();
            let changed = async {
                let changed = self.progress.changed().await;
                if let Some(pace) = pace(hosts) {
                    tokio::time::sleep_until((looked + pace).into()).await;
                }
                changed
            };
            tokio::select! {
                changed = changed => changed.map_err(|_| status::stopped(Stopped))?,
                () = tokio::time::sleep_until(self.deadline.into()) => return Ok((response, true)),
                () = self.api.stopping.cancelled() => return Err(status::stopped(Stopped)),
            }
        }
    }
}

/// How long after so many hosts were looked at they are looked at again, in whole milliseconds, as
/// timers have them; `None` when it may be at once.
fn pace(hosts: usize) -> Option<Duration> {
    let milliseconds = PACE.as_millis() as usize * hosts.min(PACED_HOSTS) / PACED_HOSTS;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds as u64))
}

fn progress(view: &View<'_>, revision: u64) -> pb::WaitResponse {
    let mut response = pb::WaitResponse { revision, ..Default::default() };
    for late in view.unconfirmed(revision) {
        let status = view.host_status(late.id);
        let host = LateHost {
            host_id: late.id.to_string(),
            name: late.meta.name.clone(),
            state: host::state(status.state).into(),
            realized_revision: status.realized_revision,
        };
        match (host.state(), status.hold) {
            (State::Offline, _) => response.offline_hosts.push(host),
            (State::Ready, Some(_)) if view.lacks_nothing(late.id) => {
                response.held_hosts.push(host);
            }
            _ => response.late_hosts.push(host),
        }
    }
    response.done = response.late_hosts.is_empty();
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::documented::{check, seconds};

    #[test]
    fn the_limit_is_documented() {
        check("gRPC", &[("time that `Wait` waits", seconds(MAX_TIMEOUT))]);
    }

    #[test]
    fn few_hosts_are_looked_at_again_at_once_and_many_after_a_time() {
        let milliseconds = [0, 3, 99, 100, 250, 1_000, 100_000].map(pace);
        let expected = [0, 0, 0, 1, 2, 10, 10].map(Duration::from_millis);
        assert_eq!(milliseconds.map(Option::unwrap_or_default), expected);
    }
}
