use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Operation;
use super::operation::OperationKind;
use crate::value::{Atom, Datum, ValueError, excerpt};

/// What one operation of a transaction did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OpResult {
    /// The row that was inserted.
    Inserted(Uuid),
    /// How many rows were updated, mutated or deleted.
    Count(u64),
    /// The rows that were selected.
    Rows(Vec<SelectedRow>),
    /// Nothing to tell: `wait`, `commit`, `comment`.
    Done,
}

/// Columns of a row that was selected.
pub type SelectedRow = BTreeMap<String, Datum>;

/// A transaction that changed nothing, or whose outcome is unknown ([`TransactError::Closed`]).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransactError {
    /// An operation failed.
    #[error("operation {index} ({operation}): {error}{}", in_brackets(.details))]
    Operation {
        /// Its place in the transaction, from 0.
        index: usize,
        /// Its name and table.
        operation: String,
        /// What the server calls the error, such as `constraint violation`.
        error: String,
        /// The server's explanation, if it gives one.
        details: Option<String>,
    },
    /// Every operation went well, but the outcome as a whole broke a constraint.
    #[error("commit: {error}{}", in_brackets(.details))]
    Commit {
        /// What the server calls the error, such as `referential integrity violation`.
        error: String,
        /// The server's explanation, if it gives one.
        details: Option<String>,
    },
    /// The request was refused as a whole; with the server's error, JSON.
    #[error("transaction refused: {0}")]
    Refused(String),
    /// The connection ended before the reply. The transaction may have been carried out or not.
    #[error("connection closed before the reply")]
    Closed,
}

/// A reply that is no result of the transaction it is for.
#[derive(Debug, thiserror::Error)]
pub enum MalformedResult {
    /// Not an array of objects and nulls.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Fewer or more results than operations, with no error among them.
    #[error("{results} results for {operations} operations")]
    Length {
        /// How many came.
        results: usize,
        /// How many were due.
        operations: usize,
    },
    /// The result of one operation is not what it should be.
    #[error("result {index}: {source}")]
    Result {
        /// The operation's place in the transaction, from 0.
        index: usize,
        /// What is wrong.
        source: ValueError,
    },
}

/// Reads the result of a `transact` request: one result for each operation; or results up to the
/// operation that failed, its error, and nulls; or all results and the error of the commit.
pub(crate) fn decode_results(
    results: &RawValue,
    operations: &[Operation],
) -> Result<Result<Vec<OpResult>, TransactError>, MalformedResult> {
    let results: Vec<Option<Map<String, Value>>> = serde_json::from_str(results.get())?;
    let failed = results.iter().enumerate().find_map(|(index, result)| {
        let failure = result.as_ref().filter(|result| result.contains_key("error"))?;
        Some((index, failure.clone()))
    });
    if let Some((index, failure)) = failed {
        let ServerError { error, details } = serde_json::from_value(Value::Object(failure))?;
        return match operations.get(index) {
            Some(operation) => {
                let operation = operation.to_string();
                Ok(Err(TransactError::Operation { index, operation, error, details }))
            }
            None if index == operations.len() => Ok(Err(TransactError::Commit { error, details })),
            None => Err(length(&results, operations)),
        };
    }
    if results.len() != operations.len() {
        return Err(length(&results, operations));
    }
    let decoded = results.iter().zip(operations).enumerate().map(|(index, (result, operation))| {
        let result = result.as_ref().map_or(Value::Null, |result| Value::Object(result.clone()));
        decode_result(&result, operation.kind())
            .map_err(|source| MalformedResult::Result { index, source })
    });
    decoded.collect::<Result<_, _>>().map(Ok)
}

fn decode_result(result: &Value, kind: OperationKind) -> Result<OpResult, ValueError> {
    if !result.is_object() {
        return Err(ValueError::new("an object", result));
    }
    match kind {
        OperationKind::Insert => {
            let uuid = result.get("uuid").unwrap_or(&Value::Null);
            match Atom::decode(uuid).map_err(|error| error.within("uuid"))? {
                Atom::Uuid(uuid) => Ok(OpResult::Inserted(uuid)),
                _ => Err(ValueError::new("a UUID", uuid).within("uuid")),
            }
        }
        OperationKind::Update | OperationKind::Mutate | OperationKind::Delete => {
            let count = result.get("count").unwrap_or(&Value::Null);
            let error = || ValueError::new("a count of rows", count).within("count");
            count.as_u64().map(OpResult::Count).ok_or_else(error)
        }
        OperationKind::Select => {
            let rows = result.get("rows").unwrap_or(&Value::Null);
            decode_rows(rows).map(OpResult::Rows).map_err(|error| error.within("rows"))
        }
        OperationKind::Wait
        | OperationKind::Commit
        | OperationKind::Abort
        | OperationKind::Comment => Ok(OpResult::Done),
    }
}

fn decode_rows(rows: &Value) -> Result<Vec<SelectedRow>, ValueError> {
    let rows = rows.as_array().ok_or_else(|| ValueError::new("an array of rows", rows))?;
    let decode_row = |row: &Value| -> Result<SelectedRow, ValueError> {
        let columns = row.as_object().ok_or_else(|| ValueError::new("a row", row))?;
        let decode = |(column, value): (&String, &Value)| match Datum::decode(value) {
            Ok(datum) => Ok((column.clone(), datum)),
            Err(error) => Err(error.within(excerpt(column))),
        };
        columns.iter().map(decode).collect()
    };
    let decode = |(index, row)| decode_row(row).map_err(|error| error.within(index));
    rows.iter().enumerate().map(decode).collect()
}

/// `<error>`: RFC 7047 §3.1.
#[derive(Deserialize)]
struct ServerError {
    error: String,
    details: Option<String>,
}

fn length(results: &[Option<Map<String, Value>>], operations: &[Operation]) -> MalformedResult {
    MalformedResult::Length { results: results.len(), operations: operations.len() }
}

fn in_brackets(details: &Option<String>) -> String {
    details.as_ref().map_or_else(String::new, |details| format!(" ({details})"))
}
