use std::time::Duration;

use uuid::Uuid;

use crate::jsonrpc::{FrameError, MessageError};
use crate::replica::{ColumnError, Table};
use crate::schema::SchemaError;
use crate::transact::MalformedResult;

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The byte stream is not a sequence of messages within the limits.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A message is not JSON-RPC.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The server's database is not one that can be followed.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The server refused what the session cannot do without.
    #[error("{method} refused: {error}")]
    Refused {
        /// The request.
        method: &'static str,
        /// The server's error, JSON.
        error: String,
    },
    /// An update of the replica is malformed, or does not fit the replica.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// A reply to a transaction is malformed.
    #[error("reply to transact: {0}")]
    Transact(#[from] MalformedResult),
    /// A reply to something that was not asked; with its id, JSON.
    #[error("reply to a request that was never sent: id {0}")]
    UnexpectedReply(String),
    /// An update that no monitor of this session gives rise to; with its method.
    #[error("{0} without such a monitor")]
    UnexpectedUpdate(String),
    /// The server ended the monitor, because the database went away or was converted.
    #[error("the server canceled the monitor")]
    MonitorCanceled,
    /// The server did not answer a probe.
    #[error("nothing heard for {0:?}, a probe included")]
    Silent(Duration),
    /// The replica was not complete in time.
    #[error("no complete replica after {0:?}")]
    Setup(Duration),
    /// A message was begun and not finished in time.
    #[error("a message was not whole within {0:?}")]
    Undelivered(Duration),
    /// The server sends requests and does not read the answers.
    #[error("more than {limit} bytes of answers left unread")]
    UnreadAnswers {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// An update that cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Its outer structure is not what the method has.
    #[error("malformed update: {0}")]
    Json(#[from] serde_json::Error),
    /// An update of another monitor; with its id, JSON.
    #[error("update of a monitor that is not ours: {0}")]
    Monitor(String),
    /// A table that was not asked for.
    #[error("update of a table that was not asked for: {0:?}")]
    Table(String),
    /// A key that is no UUID.
    #[error("update of {table}: expected a UUID, found {found:?}")]
    Uuid {
        /// The table, or what should be a transaction id.
        table: &'static str,
        /// The key.
        found: String,
    },
    /// A row cannot be changed as told.
    #[error("update of {table} {uuid}: {source}")]
    Row {
        /// The row's table.
        table: Table,
        /// The row.
        uuid: Uuid,
        /// What is wrong.
        source: RowError,
    },
    /// The replica would have too many rows.
    #[error("replica of more than {limit} rows")]
    TooManyRows {
        /// The limit.
        limit: usize,
    },
    /// The replica would become too large.
    #[error("replica of more than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// What is wrong with the update of a row.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// Not an object with the members of a row update.
    #[error("malformed: {0}")]
    Json(#[from] serde_json::Error),
    /// It says neither what the row was nor what it is.
    #[error("neither `old` nor `new`")]
    Empty,
    /// The row is new, but there is one with its UUID.
    #[error("inserted, but exists")]
    Exists,
    /// The row is changed or gone, but there is none.
    #[error("changed or deleted, but does not exist")]
    Absent,
    /// A column cannot be changed as told.
    #[error("column {column:?}: {source}")]
    Column {
        /// The column.
        column: String,
        /// What is wrong.
        source: ColumnError,
    },
}
