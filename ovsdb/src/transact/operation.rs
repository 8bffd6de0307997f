use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::Condition;
use crate::value::Datum;

/// One operation of a transaction: RFC 7047 §5.2. Made from [`Insert`](super::Insert),
/// [`Update`](super::Update) and so on.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    kind: OperationKind,
    json: Value,
}

impl Operation {
    /// What it is; decides what its result looks like.
    pub(super) fn kind(&self) -> OperationKind {
        self.kind
    }

    /// As the server is told.
    pub(super) fn json(&self) -> &Value {
        &self.json
    }

    /// An operation on `table`, whose other members are `members`, an object.
    pub(super) fn new(kind: OperationKind, table: Option<String>, members: Value) -> Self {
        let mut json = Map::new();
        json.insert("op".to_owned(), kind.name().into());
        json.extend(table.map(|table| ("table".to_owned(), table.into())));
        if let Value::Object(members) = members {
            json.extend(members);
        }
        Self { kind, json: json.into() }
    }
}

/// The operations of RFC 7047 §5.2 that are used here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OperationKind {
    Insert,
    Select,
    Update,
    Mutate,
    Delete,
    Wait,
    Commit,
    Abort,
    Comment,
}

impl OperationKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Select => "select",
            Self::Update => "update",
            Self::Mutate => "mutate",
            Self::Delete => "delete",
            Self::Wait => "wait",
            Self::Commit => "commit",
            Self::Abort => "abort",
            Self::Comment => "comment",
        }
    }
}

impl fmt::Display for Operation {
    /// The name and the table, such as `insert into Bridge`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        match self.json.get("table").and_then(Value::as_str) {
            Some(table) => write!(f, " {table}"),
            None => Ok(()),
        }
    }
}

pub(super) fn encode_row(row: &BTreeMap<String, Datum>) -> Value {
    row.iter().map(|(column, value)| (column.clone(), value.encode())).collect()
}

pub(super) fn encode_conditions(conditions: &[Condition]) -> Value {
    conditions.iter().map(Condition::encode).collect()
}
