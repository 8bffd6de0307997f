//! `ChangeService`.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{Stream, unfold};
use proto::v1 as pb;
use proto::v1::change_service_server::ChangeService;
use proto::v1::wait_response::LateHost;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use topology::model::HostId;

use super::fields::Fields;
use super::{Api, status};
use crate::engine::{Stopped, View};

/// How long to wait when the client does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest that is waited.
const MAX_TIMEOUT: Duration = Duration::from_secs(600);

#[tonic::async_trait]
impl ChangeService for Api {
    type WaitStream = Pin<Box<dyn Stream<Item = Result<pb::WaitResponse, Status>> + Send>>;

    async fn wait(
        &self,
        request: Request<pb::WaitRequest>,
    ) -> Result<Response<Self::WaitStream>, Status> {
        let pb::WaitRequest { revision, timeout } = request.into_inner();
        let mut fields = Fields::of("");
        let timeout = match timeout.map(Duration::try_from) {
            None => DEFAULT_TIMEOUT,
            Some(Ok(timeout)) if !timeout.is_zero() => timeout.min(MAX_TIMEOUT),
            Some(_) => {
                fields.wrong("timeout", "is not more than zero");
                DEFAULT_TIMEOUT
            }
        };
        let newest = self.engine.read(|view| view.revision).await.map_err(status::stopped)?;
        if revision > newest {
            fields.wrong(
                "revision",
                format_args!("{revision} has not been reached: the newest is {newest}"),
            );
        }
        fields.finish()?;
        let wait = Wait {
            api: self.clone(),
            revision: if revision == 0 { newest } else { revision },
            deadline: Instant::now() + timeout,
            progress: self.engine.progress(),
            told: None,
        };
        Ok(Response::new(Box::pin(unfold(State::Waiting(wait), State::next))))
    }
}

/// How far a client's wait is.
enum State {
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
    /// The late hosts of the response before.
    told: Option<BTreeSet<HostId>>,
}

impl State {
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
    /// Waits until other hosts are late than before, none is, or time is up; says whether it is.
    async fn response(&mut self) -> Result<(pb::WaitResponse, bool), Status> {
        loop {
            self.progress.borrow_and_update();
            let revision = self.revision;
            let read = self.api.engine.read(move |view| late_hosts(view, revision)).await;
            let late_hosts = read.map_err(status::stopped)?;
            let late: BTreeSet<_> = late_hosts.iter().map(|(id, _)| *id).collect();
            let late_hosts = late_hosts.into_iter().map(|(_, host)| host).collect();
            let response = pb::WaitResponse { revision, done: late.is_empty(), late_hosts };
            if response.done || self.told.as_ref() != Some(&late) {
                self.told = Some(late);
                return Ok((response, false));
            }
            tokio::select! {
                changed = self.progress.changed() => {
                    changed.map_err(|_| status::stopped(Stopped))?;
                }
                () = tokio::time::sleep_until(self.deadline) => return Ok((response, true)),
                () = self.api.stopping.cancelled() => return Err(status::stopped(Stopped)),
            }
        }
    }
}

fn late_hosts(view: &View<'_>, revision: u64) -> Vec<(HostId, LateHost)> {
    let hosts = view.late_hosts(revision).into_iter().filter_map(|id| view.model.host(id));
    let late = hosts.map(|host| {
        let status = view.host_status(host.id);
        let late = LateHost {
            host_id: host.id.to_string(),
            name: host.meta.name.clone(),
            state: super::host::state(status.state).into(),
            realized_revision: status.realized_revision,
        };
        (host.id, late)
    });
    late.collect()
}
