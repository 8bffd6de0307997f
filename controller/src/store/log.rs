//! The change log: what each revision changed, for clients that follow from a revision.
//!
//! It is written with the commit itself, so it has exactly what was committed. Readers work on
//! snapshots of the file: they neither block the writer nor are blocked by it, and whoever reads
//! slowly costs nothing but the position that it remembers.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, Table, TableDefinition,
};
use thiserror::Error;
use topology::key::Kind;
use topology::model::{Change, HostId, Resource, ResourceId, Timestamp};
use uuid::Uuid;

use super::{HEADER, RESOURCES, StoreError, kind_number, kind_of, row};

/// (revision, number within it) → (when, kind, UUID, the resource in JSON; empty when deleted).
const CHANGES: TableDefinition<'_, (u64, u32), Value> = TableDefinition::new("changes");
type Value = (u64, u8, u128, &'static [u8]);

/// In the header: the log has the changes of all revisions after this one, …
const START: &str = "log_start";
/// … up to this one.
const END: &str = "log_end";

/// Changes that are looked at for one [`Chunk`].
const CHUNK: usize = 256;
/// Bytes of JSON after which a [`Chunk`] ends.
const CHUNK_BYTES: usize = 1 << 18;

/// How much of the past is kept: whichever is less.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retention {
    /// Changes. The last revision is kept whatever it has.
    pub changes: u64,
    /// How old they may get.
    pub age: Duration,
}

impl Default for Retention {
    /// 100,000 changes, a week.
    fn default() -> Self {
        Self { changes: 100_000, age: Duration::from_secs(7 * 24 * 3600) }
    }
}

/// Reads the log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ChangeLog {
    database: Arc<Database>,
}

/// The change to be read next.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Position {
    revision: u64,
    number: u32,
}

/// Some changes, in order.
#[derive(Debug)]
pub struct Chunk {
    /// The revisions, without gap; each with what was asked for.
    pub revisions: Vec<Revision>,
    /// Where to go on.
    pub next: Position,
    /// Names of the hosts that ports in the chunk are bound to.
    pub hosts: BTreeMap<HostId, String>,
}

/// What a revision changed, or a part of it.
#[derive(Debug, Eq, PartialEq)]
pub struct Revision {
    /// The revision.
    pub revision: u64,
    /// The changes: each resource at most once, `NextKey` never.
    pub changes: Vec<Change>,
    /// Whether the rest of the revision is here.
    pub complete: bool,
}

/// Why a position cannot be read from.
#[derive(Debug, Error)]
pub enum ReadError {
    /// What comes next is not kept any more.
    #[error("changes up to revision {oldest} are not kept any more")]
    Compacted {
        /// The lowest revision that can be followed from.
        oldest: u64,
    },
    /// The store is not that far.
    #[error("the store is at revision {newest}")]
    NotReached {
        /// The newest revision.
        newest: u64,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Position {
    /// What comes after `revision`.
    pub fn after(revision: u64) -> Self {
        Self { revision: revision.saturating_add(1), number: 0 }
    }

    /// The newest revision all of which is before the position.
    pub fn passed(self) -> u64 {
        self.revision.saturating_sub(1)
    }
}

impl ChangeLog {
    pub(super) fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    /// Some of the changes at and after `position`; with those of resources of `kinds` only.
    /// Nothing when there are none yet.
    ///
    /// # Errors
    ///
    /// See [`ReadError`].
    pub fn read(&self, position: Position, kinds: &BTreeSet<Kind>) -> Result<Chunk, ReadError> {
        let transaction = self.database.begin_read().map_err(StoreError::from)?;
        let header = transaction.open_table(HEADER).map_err(StoreError::from)?;
        let [start, newest] = [START, "revision"].map(|name| {
            let value = header.get(name).map_err(StoreError::from)?;
            Ok::<u64, StoreError>(value.map_or(0, |value| value.value()))
        });
        let (start, newest) = (start?, newest?);
        if position.revision <= start {
            return Err(ReadError::Compacted { oldest: start });
        }
        if position.passed() > newest {
            return Err(ReadError::NotReached { newest });
        }
        let log = transaction.open_table(CHANGES).map_err(StoreError::from)?;
        let mut chunk = read_chunk(&log, position, Position::after(newest), kinds)?;
        let resources = transaction.open_table(RESOURCES).map_err(StoreError::from)?;
        chunk.hosts = host_names(&resources, &chunk.revisions)?;
        Ok(chunk)
    }
}

fn read_chunk(
    log: &impl ReadableTable<(u64, u32), Value>,
    position: Position,
    end: Position,
    kinds: &BTreeSet<Kind>,
) -> Result<Chunk, StoreError> {
    let mut chunk = Chunk { revisions: Vec::new(), next: end, hosts: BTreeMap::new() };
    let mut bytes = 0;
    let first = (position.revision, position.number);
    for (looked_at, entry) in log.range(first..)?.enumerate() {
        let (key, value) = entry?;
        let (revision, number) = key.value();
        if looked_at == CHUNK || bytes > CHUNK_BYTES {
            chunk.next = Position { revision, number };
            break;
        }
        if chunk.revisions.last().is_none_or(|last| last.revision != revision) {
            chunk.revisions.push(Revision { revision, changes: Vec::new(), complete: true });
        }
        let (_, kind, id, json) = value.value();
        let known = kind_of(kind).filter(|kind| kinds.contains(kind));
        let (Some(kind), Some(last)) = (known, chunk.revisions.last_mut()) else { continue };
        bytes += json.len();
        last.changes.push(decode(kind, Uuid::from_u128(id), json)?);
    }
    if let Some(last) = chunk.revisions.last_mut() {
        last.complete = last.revision != chunk.next.revision;
    }
    Ok(chunk)
}

fn decode(kind: Kind, id: Uuid, json: &[u8]) -> Result<Change, StoreError> {
    if json.is_empty() {
        return Ok(Change::Delete(ResourceId::new(kind, id)));
    }
    let resource = serde_json::from_slice(json);
    resource.map(Change::Put).map_err(|error| StoreError::Resource {
        kind: kind_number(kind),
        id,
        error,
    })
}

fn host_names(
    resources: &impl ReadableTable<(u8, u128), &'static [u8]>,
    revisions: &[Revision],
) -> Result<BTreeMap<HostId, String>, StoreError> {
    let changes = revisions.iter().flat_map(|revision| &revision.changes);
    let hosts: BTreeSet<HostId> = changes
        .filter_map(|change| match change {
            Change::Put(Resource::Port(port)) => port.bound_host,
            _ => None,
        })
        .collect();
    let mut names = BTreeMap::new();
    for id in hosts {
        let host = ResourceId::Host(id);
        let Some(json) = resources.get(row(host))? else { continue };
        if let Change::Put(resource) = decode(host.kind(), host.uuid(), json.value())? {
            names.insert(id, resource.meta().name.clone());
        }
    }
    Ok(names)
}

/// The log within a transaction that writes.
pub(super) struct Writer<'t> {
    changes: Table<'t, (u64, u32), Value>,
}

impl<'t> Writer<'t> {
    /// Opens the log of a store at `revision`. If the last commit was by a version that keeps no
    /// log, what is in it has a gap: it is begun anew.
    pub(super) fn open(
        transaction: &'t redb::WriteTransaction,
        header: &mut Table<'_, &'static str, u64>,
    ) -> Result<Self, StoreError> {
        let mut changes = transaction.open_table(CHANGES)?;
        let read = |name| Ok::<_, StoreError>(header.get(name)?.map_or(0, |value| value.value()));
        let revision = read("revision")?;
        if read(END)? != revision {
            changes.retain(|_, _| false)?;
            header.insert(START, revision)?;
            header.insert(END, revision)?;
        }
        Ok(Self { changes })
    }

    /// Adds what a commit at the time `now` changed; `json` has the resources that it puts. Of
    /// several changes of a resource at a revision the last counts.
    pub(super) fn append(
        &mut self,
        now: Timestamp,
        changes: &[(u64, Change)],
        json: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        let mut told = HashSet::new();
        let mut last = Vec::with_capacity(changes.len());
        for ((revision, change), json) in changes.iter().zip(json).rev() {
            let id = match change {
                Change::Put(resource) => resource.id(),
                Change::Delete(id) => *id,
                Change::NextKey(..) => continue,
            };
            if told.insert((*revision, id)) {
                last.push((*revision, row(id), json));
            }
        }
        let mut next = Position { revision: 0, number: 0 };
        for (revision, (kind, id), json) in last.into_iter().rev() {
            if next.revision != revision {
                next = Position { revision, number: 0 };
            }
            self.changes.insert((revision, next.number), (now.0, kind, id, json.as_slice()))?;
            next.number += 1;
        }
        Ok(())
    }

    /// Forgets the oldest revisions, as far as they are too many or too old, and notes that the
    /// log goes up to `revision`.
    pub(super) fn compact(
        &mut self,
        header: &mut Table<'_, &'static str, u64>,
        retention: Retention,
        now: Timestamp,
        revision: u64,
    ) -> Result<(), StoreError> {
        let age = u64::try_from(retention.age.as_micros()).unwrap_or(u64::MAX);
        let oldest = now.0.saturating_sub(age);
        while let Some((key, time)) = self.first()? {
            let is_over = self.changes.len()? > retention.changes || time < oldest;
            if !is_over || key == revision {
                break;
            }
            self.changes.retain_in((key, 0)..=(key, u32::MAX), |_, _| false)?;
            header.insert(START, key)?;
        }
        header.insert(END, revision)?;
        Ok(())
    }

    /// The oldest revision, and when it was committed.
    fn first(&self) -> Result<Option<(u64, u64)>, StoreError> {
        let first = self.changes.first()?;
        Ok(first.map(|(key, value)| (key.value().0, value.value().0)))
    }
}

#[cfg(test)]
mod tests;
