//! The embedded store: one file, crash-safe, no server.
//!
//! A commit is durable when [`Store::commit`] returns (redb's two-phase copy-on-write b-tree and
//! one `fsync`); what it contained is then there after any crash, whole. Resources are kept as
//! JSON under (kind, UUID): readable without Weft, and open to new fields.

mod log;

use std::path::Path;
use std::sync::Arc;

pub use log::{ChangeLog, Chunk, Position, ReadError, Retention, Revision};
use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use thiserror::Error;
use topology::key::{Key, Kind};
use topology::model::{Change, Resource, ResourceId, Timestamp};

/// (kind, UUID) → the resource in JSON.
const RESOURCES: TableDefinition<'_, (u8, u128), &[u8]> = TableDefinition::new("resources");
/// Kind → where key allocation stopped.
const NEXT_KEYS: TableDefinition<'_, u8, u32> = TableDefinition::new("next_keys");
/// `format`, `revision`, and how far the change log reaches.
const HEADER: TableDefinition<'_, &str, u64> = TableDefinition::new("header");

/// The layout of the tables above; a store with another one is refused.
const FORMAT: u64 = 1;

/// Bytes of the file that are kept in memory: what a commit touches. All of it is read at the start
/// only; the model has it from then on.
const CACHE: usize = 32 << 20;

/// Where the tenant model lives between runs.
#[derive(Debug)]
pub struct Store {
    database: Arc<Database>,
    retention: Retention,
}

/// Everything in the store.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The revision of the last commit, 0 when there was none.
    pub revision: u64,
    /// What an empty model becomes the stored one by.
    pub changes: Vec<Change>,
}

impl Store {
    /// Opens the store in `directory`, which is made when it is not there; of its past it keeps
    /// what `retention` says.
    ///
    /// # Errors
    ///
    /// When the directory or file cannot be made or read, another process has it open, or its
    /// format is another version's.
    pub fn open(directory: &Path, retention: Retention) -> Result<Self, StoreError> {
        std::fs::create_dir_all(directory).map_err(|error| StoreError::Directory {
            path: directory.display().to_string(),
            error,
        })?;
        let database = Self::builder().create(directory.join("weft.redb"))?;
        Self::with_database(database, retention)
    }

    /// Opens a store that is kept by `backend` instead of in a file.
    ///
    /// # Errors
    ///
    /// As those of [`Store::open`].
    pub fn with_backend(
        backend: impl StorageBackend,
        retention: Retention,
    ) -> Result<Self, StoreError> {
        Self::with_database(Self::builder().create_with_backend(backend)?, retention)
    }

    fn builder() -> redb::Builder {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE);
        builder
    }

    fn with_database(database: Database, retention: Retention) -> Result<Self, StoreError> {
        let transaction = database.begin_write()?;
        {
            transaction.open_table(RESOURCES)?;
            transaction.open_table(NEXT_KEYS)?;
            let mut header = transaction.open_table(HEADER)?;
            let found = header.get("format")?.map(|format| format.value());
            match found {
                None => drop(header.insert("format", FORMAT)?),
                Some(FORMAT) => {}
                Some(found) => return Err(StoreError::Format { found }),
            }
            log::Writer::open(&transaction, &mut header)?;
        }
        transaction.commit()?;
        Ok(Self { database: Arc::new(database), retention })
    }

    /// What reads the past while the store is written.
    pub fn change_log(&self) -> ChangeLog {
        ChangeLog::new(self.database.clone())
    }

    /// Reads everything.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or holds what this version does not understand.
    pub fn load(&self) -> Result<Snapshot, StoreError> {
        let transaction = self.database.begin_read()?;
        let revision =
            transaction.open_table(HEADER)?.get("revision")?.map_or(0, |value| value.value());
        let mut changes = Vec::new();
        for entry in transaction.open_table(NEXT_KEYS)?.iter()? {
            let (kind, key) = entry?;
            let (kind, key) = (kind.value(), key.value());
            let next = kind_of(kind).zip(Key::new(key));
            let (kind, key) = next.ok_or(StoreError::NextKey { kind, key })?;
            changes.push(Change::NextKey(kind, key));
        }
        for entry in transaction.open_table(RESOURCES)?.iter()? {
            let (id, json) = entry?;
            let resource: Resource =
                serde_json::from_slice(json.value()).map_err(|error| StoreError::Resource {
                    kind: id.value().0,
                    id: uuid::Uuid::from_u128(id.value().1),
                    error,
                })?;
            changes.push(Change::Put(resource));
        }
        Ok(Snapshot { revision, changes })
    }

    /// Makes changes durable, all or none, each with the revision that it belongs to; `revision`,
    /// the last of these, is the store's from then on.
    ///
    /// # Errors
    ///
    /// When the file cannot be written. What is in the store is then unknown until it is opened
    /// again: the caller must not go on.
    pub fn commit(
        &mut self,
        revision: u64,
        now: Timestamp,
        changes: &[(u64, Change)],
    ) -> Result<(), StoreError> {
        let json: Vec<_> =
            changes.iter().map(|(_, change)| json(change)).collect::<Result<_, _>>()?;
        let transaction = self.database.begin_write()?;
        {
            let mut resources = transaction.open_table(RESOURCES)?;
            let mut next_keys = transaction.open_table(NEXT_KEYS)?;
            for ((_, change), json) in changes.iter().zip(&json) {
                match change {
                    Change::Put(resource) => {
                        resources.insert(row(resource.id()), json.as_slice())?;
                    }
                    Change::Delete(id) => drop(resources.remove(row(*id))?),
                    Change::NextKey(kind, key) => {
                        next_keys.insert(kind_number(*kind), key.get())?;
                    }
                }
            }
            let mut header = transaction.open_table(HEADER)?;
            let mut log = log::Writer::open(&transaction, &mut header)?;
            log.append(now, changes, &json)?;
            log.compact(&mut header, self.retention, now, revision)?;
            header.insert("revision", revision)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// What is stored of a resource; empty when the change puts none.
fn json(change: &Change) -> Result<Vec<u8>, StoreError> {
    match change {
        Change::Put(resource) => serde_json::to_vec(resource).map_err(StoreError::Encode),
        Change::Delete(_) | Change::NextKey(..) => Ok(Vec::new()),
    }
}

fn row(id: ResourceId) -> (u8, u128) {
    (kind_number(id.kind()), id.uuid().as_u128())
}

/// The number of a kind in the file. Never changed, never used again for another kind.
fn kind_number(kind: Kind) -> u8 {
    match kind {
        Kind::Project => 1,
        Kind::Network => 2,
        Kind::Subnet => 3,
        Kind::Port => 4,
        Kind::Host => 5,
        Kind::SecurityGroup => 6,
        Kind::AddressGroup => 7,
        Kind::Profile => 8,
        Kind::Rule => 9,
    }
}

fn kind_of(number: u8) -> Option<Kind> {
    Kind::ALL.into_iter().find(|&kind| kind_number(kind) == number)
}

/// Why the store could not be opened, read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The directory cannot be made.
    #[error("cannot make the data directory {path}")]
    Directory {
        /// Which.
        path: String,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The database says no.
    #[error(transparent)]
    Database(#[from] Box<redb::Error>),
    /// Written by another version.
    #[error("the store has format {found}, this weftd reads and writes format {FORMAT}")]
    Format {
        /// The format of the file.
        found: u64,
    },
    /// A resource that cannot be read.
    #[error("resource {id} of kind {kind} cannot be read")]
    Resource {
        /// The number of its kind.
        kind: u8,
        /// Its UUID.
        id: uuid::Uuid,
        /// Why.
        #[source]
        error: serde_json::Error,
    },
    /// A key counter that cannot be read.
    #[error("the next key of kind {kind} is {key}: expected a known kind and 24 bits")]
    NextKey {
        /// The number of its kind.
        kind: u8,
        /// What is stored.
        key: u32,
    },
    /// A resource that cannot be written as JSON.
    #[error("cannot encode a resource")]
    Encode(#[source] serde_json::Error),
}

macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        }
    )*};
}

from_redb!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use topology::model::{Meta, Project, ProjectId, Timestamp};

    use super::*;

    fn project(number: u128) -> Resource {
        Resource::Project(Arc::new(Project {
            id: ProjectId(uuid::Uuid::from_u128(number)),
            meta: Meta {
                key: Key::new(7).unwrap(),
                name: format!("project {number}"),
                description: String::new(),
                labels: BTreeMap::from([("tier".into(), "gold".into())]),
                created: Timestamp(1),
                updated: Timestamp(2),
                revision: 3,
            },
        }))
    }

    fn open(directory: &Path) -> Result<Store, StoreError> {
        Store::open(directory, Retention::default())
    }

    #[test]
    fn what_was_committed_is_there_after_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let next = Change::NextKey(Kind::Project, Key::new(9).unwrap());
        let mut store = open(directory.path()).unwrap();
        let changes = [Change::Put(project(1)), Change::Put(project(2)), next.clone()];
        store.commit(1, Timestamp(0), &changes.map(|change| (1, change))).unwrap();
        store.commit(2, Timestamp(0), &[(2, Change::Delete(project(1).id()))]).unwrap();
        drop(store);
        let snapshot = open(directory.path()).unwrap().load().unwrap();
        assert_eq!(snapshot.revision, 2);
        assert_eq!(snapshot.changes, [next, Change::Put(project(2))]);
    }

    #[test]
    fn a_store_that_is_open_elsewhere_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let _store = open(directory.path()).unwrap();
        assert!(matches!(open(directory.path()), Err(StoreError::Database(_))));
    }

    #[test]
    fn an_unknown_format_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path()).unwrap();
        let transaction = store.database.begin_write().unwrap();
        transaction.open_table(HEADER).unwrap().insert("format", FORMAT + 1).unwrap();
        transaction.commit().unwrap();
        drop(store);
        let error = open(directory.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the store has format 2, this weftd reads and writes format 1"
        );
    }
}
