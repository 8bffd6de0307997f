//! `ChangeService.Watch`.
//!
//! A watch is pulled: nothing is read for a client before it has taken what was read before. So a
//! client that reads slowly, or not at all, costs the position that it is at; when what comes
//! next is not kept any more, its watch ends.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::unfold;
use prost::Message as _;
use proto::v1 as pb;
use proto::v1::watch_response::change::{Change as PbChange, Deleted};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use topology::key::Kind;
use topology::model::{Change, Host, HostId, Model, Resource};
use tracing::error;

use super::{Responses, resource};
use crate::api::fields::Fields;
use crate::api::{Api, status};
use crate::clock;
use crate::engine::Stopped;
use crate::store::{Chunk, Position, ReadError};

/// How often a client whose kinds do not change is told how far the store is.
const REMINDER: Duration = Duration::from_secs(10);
/// Bytes after which a response of a snapshot ends.
const MAX_BYTES: usize = 1 << 18;

/// The responses to `request`.
pub(super) async fn watch(
    api: &Api,
    request: pb::WatchRequest,
) -> Result<Responses<pb::WatchResponse>, Status> {
    let kinds = Arc::new(kinds(&request.kinds)?);
    let permit = api.watches.clone().try_acquire_owned().map_err(|_| {
        Status::resource_exhausted("too many clients watch already: try again later")
    })?;
    let revision = api.engine.revision();
    let (snapshot, from) = match request.from_revision {
        0 => {
            let wanted = kinds.clone();
            let taken = api.engine.read(move |view| {
                (Snapshot::take(view.model, view.revision, &wanted), view.revision)
            });
            let (snapshot, revision) = taken.await.map_err(status::stopped)?;
            (Some(snapshot), revision)
        }
        from => (None, from),
    };
    let watch = Watch {
        api: api.clone(),
        kinds,
        revision,
        snapshot,
        position: Position::after(from),
        ready: VecDeque::new(),
        told: from,
        is_open: false,
        reminder: clock::now() + REMINDER,
        _permit: permit,
    };
    Ok(Box::pin(unfold(Some(watch), |watch| async {
        let mut watch = watch?;
        match watch.next().await {
            Ok(response) => Some((Ok(response), Some(watch))),
            Err(status) => Some((Err(status), None)),
        }
    })))
}

struct Watch {
    api: Api,
    kinds: Arc<BTreeSet<Kind>>,
    /// The store's.
    revision: watch::Receiver<u64>,
    /// What is left of it.
    snapshot: Option<Snapshot>,
    position: Position,
    /// Responses that have not been taken.
    ready: VecDeque<pb::WatchResponse>,
    /// The last complete revision in a response.
    told: u64,
    /// The last response was not complete.
    is_open: bool,
    /// When the client is to hear that nothing happens.
    reminder: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Watch {
    async fn next(&mut self) -> Result<pb::WatchResponse, Status> {
        let response = self.response().await?;
        self.is_open = !response.complete;
        if response.complete {
            self.told = response.revision;
        }
        self.reminder = clock::now() + REMINDER;
        Ok(response)
    }

    async fn response(&mut self) -> Result<pb::WatchResponse, Status> {
        if let Some(snapshot) = &mut self.snapshot {
            let response = snapshot.next();
            if response.complete {
                self.snapshot = None;
            }
            return Ok(response);
        }
        loop {
            if let Some(response) = self.ready.pop_front() {
                return Ok(response);
            }
            self.revision.borrow_and_update();
            let chunk = self.read().await?;
            let got_on = self.position != chunk.next;
            self.position = chunk.next;
            self.take(chunk);
            if got_on {
                continue;
            }
            let is_behind = self.told < self.position.passed();
            tokio::select! {
                changed = self.revision.changed() => {
                    changed.map_err(|_| status::stopped(Stopped))?;
                }
                () = tokio::time::sleep_until(self.reminder.into()), if is_behind => {
                    return Ok(complete(self.position.passed()));
                }
                () = self.api.stopping.cancelled() => return Err(status::stopped(Stopped)),
            }
        }
    }

    async fn read(&self) -> Result<Chunk, Status> {
        let (log, position) = (self.api.engine.change_log().clone(), self.position);
        let kinds = self.kinds.clone();
        let read = tokio::task::spawn_blocking(move || log.read(position, &kinds)).await;
        let read = read.map_err(|_| status::stopped(Stopped))?;
        read.map_err(|error| unreadable(self.position.passed(), error))
    }

    /// Makes responses of a chunk; none of what has nothing to tell.
    fn take(&mut self, chunk: Chunk) {
        let mut is_open = self.is_open;
        for revision in chunk.revisions {
            let changes = revision.changes.iter();
            let changes = changes.filter_map(|change| told(change, &chunk.hosts));
            let changes: Vec<_> = changes.collect();
            let (revision, complete) = (revision.revision, revision.complete);
            if !changes.is_empty() || (is_open && complete) {
                let snapshot = false;
                self.ready.push_back(pb::WatchResponse { revision, changes, complete, snapshot });
                is_open = !complete;
            }
        }
    }
}

/// Everything there is at one revision.
struct Snapshot {
    revision: u64,
    resources: std::vec::IntoIter<Resource>,
    hosts: BTreeMap<HostId, Arc<Host>>,
}

impl Snapshot {
    /// The resources are shared with the model: what it costs is to count them.
    fn take(model: &Model, revision: u64, kinds: &BTreeSet<Kind>) -> Self {
        let kinds = resource::KINDS.into_iter().filter(|(_, kind)| kinds.contains(kind));
        let ids = kinds.flat_map(|(_, kind)| model.from_key(kind, topology::key::Key::NONE));
        let resources: Vec<_> = ids.filter_map(|id| model.resource(id)).collect();
        Self { revision, resources: resources.into_iter(), hosts: model.hosts().clone() }
    }

    fn next(&mut self) -> pb::WatchResponse {
        let mut changes = Vec::new();
        let mut bytes = 0;
        while bytes < MAX_BYTES
            && let Some(resource) = self.resources.next()
        {
            let name = |id| self.hosts.get(&id).map(|host| host.meta.name.clone());
            if let Some(put) = resource::stored(&resource, &name) {
                bytes += put.encoded_len();
                changes.push(change(PbChange::Put(put)));
            }
        }
        let complete = self.resources.as_slice().is_empty();
        pb::WatchResponse { revision: self.revision, changes, complete, snapshot: true }
    }
}

/// The kinds that are asked for.
fn kinds(asked: &[i32]) -> Result<BTreeSet<Kind>, Status> {
    if asked.is_empty() {
        return Ok(resource::KINDS.into_iter().map(|(_, kind)| kind).collect());
    }
    let mut fields = Fields::of("");
    let mut kinds = BTreeSet::new();
    for (index, number) in asked.iter().enumerate() {
        match resource::KINDS.into_iter().find(|(known, _)| *known as i32 == *number) {
            Some((_, kind)) => drop(kinds.insert(kind)),
            None => {
                fields.wrong(format_args!("kinds[{index}]"), format_args!("{number} is no kind"))
            }
        }
    }
    fields.finish()?;
    Ok(kinds)
}

fn told(
    committed: &Change,
    hosts: &BTreeMap<HostId, String>,
) -> Option<pb::watch_response::Change> {
    Some(change(match committed {
        Change::Put(put) => PbChange::Put(resource::stored(put, &|id| hosts.get(&id).cloned())?),
        Change::Delete(id) => {
            let kind = resource::kind(id.kind())?.into();
            PbChange::Deleted(Deleted { kind, id: id.uuid().to_string() })
        }
        Change::NextKey(..) => return None,
    }))
}

fn change(change: PbChange) -> pb::watch_response::Change {
    pb::watch_response::Change { change: Some(change) }
}

/// Nothing is missing up to this revision.
fn complete(revision: u64) -> pb::WatchResponse {
    pb::WatchResponse { revision, complete: true, ..Default::default() }
}

/// Why the watch of a client that has everything up to `revision` ends.
fn unreadable(revision: u64, error: ReadError) -> Status {
    let (reason, bound, limit, message) = match error {
        ReadError::Compacted { oldest } => (
            "REVISION_COMPACTED",
            "oldest_revision",
            oldest,
            format!(
                "what came after revision {revision} is not kept any more: watch from {oldest} \
                 or later, or from 0 for all there is"
            ),
        ),
        ReadError::NotReached { newest } => (
            "REVISION_NOT_REACHED",
            "newest_revision",
            newest,
            format!("revision {revision} has not been reached: the newest is {newest}"),
        ),
        ReadError::Store(error) => {
            error!(%error, revision, "the change log cannot be read");
            return Status::internal("the change log cannot be read");
        }
    };
    let metadata = HashMap::from([(bound.to_owned(), limit.to_string())]);
    let details = ErrorDetails::with_error_info(reason, status::DOMAIN, metadata);
    Status::with_error_details(Code::OutOfRange, message, details)
}
