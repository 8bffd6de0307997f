//! The operations that look at rows, and those that are about the transaction itself.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::operation::{OperationKind, encode_conditions, encode_row};
use super::{Condition, Operation};
use crate::value::Datum;

/// Reads the rows that meet all conditions; all rows if there is none.
#[derive(Clone, Debug)]
#[must_use]
pub struct Select {
    table: String,
    conditions: Vec<Condition>,
    columns: Vec<String>,
}

impl Select {
    /// From `table`.
    pub fn from(table: impl AsRef<str>) -> Self {
        Self { table: table.as_ref().to_owned(), conditions: Vec::new(), columns: Vec::new() }
    }

    /// Adds a condition.
    pub fn filter(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Adds a column to read; without this, all are read, `_uuid` and `_version` included.
    pub fn column(mut self, column: &str) -> Self {
        self.columns.push(column.to_owned());
        self
    }
}

impl From<Select> for Operation {
    fn from(select: Select) -> Self {
        let mut members = json!({"where": encode_conditions(&select.conditions)});
        if !select.columns.is_empty() {
            members["columns"] = select.columns.into();
        }
        Operation::new(OperationKind::Select, Some(select.table), members)
    }
}

/// Holds the transaction until rows are, or are not, as given. With no time to wait, the
/// transaction fails at once where they are not: a check that nobody else changed them.
#[derive(Clone, Debug)]
#[must_use]
pub struct Wait {
    table: String,
    conditions: Vec<Condition>,
    until: Until,
    columns: Vec<String>,
    rows: Vec<BTreeMap<String, Datum>>,
    timeout: Option<Duration>,
}

impl Wait {
    /// Looks at `columns` of rows of `table`; without a time limit.
    pub fn table<'a>(
        table: impl AsRef<str>,
        columns: impl IntoIterator<Item = &'a str>,
        until: Until,
    ) -> Self {
        Self {
            table: table.as_ref().to_owned(),
            conditions: Vec::new(),
            until,
            columns: columns.into_iter().map(str::to_owned).collect(),
            rows: Vec::new(),
            timeout: None,
        }
    }

    /// Adds a condition on the rows to look at.
    pub fn filter(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Adds a row to compare with.
    pub fn row(mut self, row: impl IntoIterator<Item = (&'static str, Datum)>) -> Self {
        self.rows.push(row.into_iter().map(|(column, value)| (column.to_owned(), value)).collect());
        self
    }

    /// Fails the transaction after `timeout`, in whole milliseconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl From<Wait> for Operation {
    fn from(wait: Wait) -> Self {
        let until = match wait.until {
            Until::Equal => "==",
            Until::NotEqual => "!=",
        };
        let mut members = json!({
            "where": encode_conditions(&wait.conditions),
            "columns": wait.columns,
            "until": until,
            "rows": wait.rows.iter().map(encode_row).collect::<Vec<_>>(),
        });
        if let Some(timeout) = wait.timeout {
            let milliseconds = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
            members["timeout"] = milliseconds.into();
        }
        Operation::new(OperationKind::Wait, Some(wait.table), members)
    }
}

/// What a [`Wait`] waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Until {
    /// The rows are exactly those given.
    Equal,
    /// They are not.
    NotEqual,
}

/// Puts a note into the server's log of changes.
#[derive(Clone, Debug)]
#[must_use]
pub struct Comment(pub String);

impl From<Comment> for Operation {
    fn from(comment: Comment) -> Self {
        Operation::new(OperationKind::Comment, None, json!({"comment": comment.0}))
    }
}

/// Asks that the reply come only when the changes are on disk, if `durable`.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Commit {
    /// Whether to wait for the disk.
    pub durable: bool,
}

impl From<Commit> for Operation {
    fn from(commit: Commit) -> Self {
        Operation::new(OperationKind::Commit, None, json!({"durable": commit.durable}))
    }
}

/// Makes the transaction fail: a rehearsal, with the results of the operations before it lost.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Abort;

impl From<Abort> for Operation {
    fn from(_: Abort) -> Self {
        Operation::new(OperationKind::Abort, None, json!({}))
    }
}
