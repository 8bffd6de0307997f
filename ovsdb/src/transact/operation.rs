use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Condition;
use crate::value::{Datum, UuidName};

/// One operation of a transaction: RFC 7047 §5.2. Made from [`Insert`], [`Update`] and so on.
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

    fn new(kind: OperationKind, table: Option<String>, members: Value) -> Self {
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

/// Inserts a row. Columns that are not set get their defaults.
#[derive(Clone, Debug)]
#[must_use]
pub struct Insert {
    table: String,
    row: BTreeMap<String, Datum>,
    name: Option<UuidName>,
}

impl Insert {
    /// Into `table`.
    pub fn into(table: impl AsRef<str>) -> Self {
        Self { table: table.as_ref().to_owned(), row: BTreeMap::new(), name: None }
    }

    /// Gives `column` a value.
    pub fn set(mut self, column: &str, value: impl Into<Datum>) -> Self {
        self.row.insert(column.to_owned(), value.into());
        self
    }

    /// Names the row, so that other operations of the transaction can refer to it.
    pub fn named(mut self, name: UuidName) -> Self {
        self.name = Some(name);
        self
    }

    /// Names the row unless it has a name; returns the name too.
    pub(super) fn named_or(mut self, name: UuidName) -> (Self, UuidName) {
        let name = self.name.get_or_insert(name).clone();
        (self, name)
    }
}

impl From<Insert> for Operation {
    fn from(insert: Insert) -> Self {
        let mut members = json!({"row": encode_row(&insert.row)});
        if let Some(name) = insert.name {
            members["uuid-name"] = name.as_str().into();
        }
        Self::new(OperationKind::Insert, Some(insert.table), members)
    }
}

/// Sets columns of the rows that meet all conditions; of all rows if there is none.
#[derive(Clone, Debug)]
#[must_use]
pub struct Update {
    table: String,
    conditions: Vec<Condition>,
    row: BTreeMap<String, Datum>,
}

impl Update {
    /// In `table`.
    pub fn table(table: impl AsRef<str>) -> Self {
        Self { table: table.as_ref().to_owned(), conditions: Vec::new(), row: BTreeMap::new() }
    }

    /// Adds a condition.
    pub fn filter(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Gives `column` a value.
    pub fn set(mut self, column: &str, value: impl Into<Datum>) -> Self {
        self.row.insert(column.to_owned(), value.into());
        self
    }
}

impl From<Update> for Operation {
    fn from(update: Update) -> Self {
        let members =
            json!({"where": encode_conditions(&update.conditions), "row": encode_row(&update.row)});
        Self::new(OperationKind::Update, Some(update.table), members)
    }
}

/// Changes columns of the rows that meet all conditions, based on their values; of all rows if
/// there is no condition.
#[derive(Clone, Debug)]
#[must_use]
pub struct Mutate {
    table: String,
    conditions: Vec<Condition>,
    mutations: Vec<Value>,
}

impl Mutate {
    /// In `table`.
    pub fn table(table: impl AsRef<str>) -> Self {
        Self { table: table.as_ref().to_owned(), conditions: Vec::new(), mutations: Vec::new() }
    }

    /// Adds a condition.
    pub fn filter(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Changes `column` by `mutator` and `value`.
    pub fn mutation(mut self, column: &str, mutator: Mutator, value: impl Into<Datum>) -> Self {
        self.mutations.push(json!([column, mutator.symbol(), value.into().encode()]));
        self
    }

    /// Adds elements to a set, or pairs to a map; a key that is there keeps its value.
    pub fn insert(self, column: &str, value: impl Into<Datum>) -> Self {
        self.mutation(column, Mutator::Insert, value)
    }

    /// Removes elements from a set; from a map the pairs in a map, or the keys in a set.
    pub fn delete(self, column: &str, value: impl Into<Datum>) -> Self {
        self.mutation(column, Mutator::Delete, value)
    }

    /// Gives keys of a map values, whatever they had; other keys stay.
    pub fn put(self, column: &str, pairs: BTreeMap<String, String>) -> Self {
        let keys = Datum::set(pairs.keys().map(String::as_str));
        self.delete(column, keys).insert(column, pairs)
    }
}

impl From<Mutate> for Operation {
    fn from(mutate: Mutate) -> Self {
        let conditions = encode_conditions(&mutate.conditions);
        let members = json!({"where": conditions, "mutations": mutate.mutations});
        Self::new(OperationKind::Mutate, Some(mutate.table), members)
    }
}

/// How a mutation changes a column: `<mutator>`, RFC 7047 §5.1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mutator {
    /// `+=`
    Add,
    /// `-=`
    Subtract,
    /// `*=`
    Multiply,
    /// `/=`
    Divide,
    /// `%=`, integers only.
    Remainder,
    /// `insert`, into a set or map.
    Insert,
    /// `delete`, from a set or map.
    Delete,
}

impl Mutator {
    fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+=",
            Self::Subtract => "-=",
            Self::Multiply => "*=",
            Self::Divide => "/=",
            Self::Remainder => "%=",
            Self::Insert => "insert",
            Self::Delete => "delete",
        }
    }
}

/// Deletes the rows that meet all conditions; all rows if there is none.
#[derive(Clone, Debug)]
#[must_use]
pub struct Delete {
    table: String,
    conditions: Vec<Condition>,
}

impl Delete {
    /// From `table`.
    pub fn from(table: impl AsRef<str>) -> Self {
        Self { table: table.as_ref().to_owned(), conditions: Vec::new() }
    }

    /// Adds a condition.
    pub fn filter(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }
}

impl From<Delete> for Operation {
    fn from(delete: Delete) -> Self {
        let members = json!({"where": encode_conditions(&delete.conditions)});
        Self::new(OperationKind::Delete, Some(delete.table), members)
    }
}

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
        Self::new(OperationKind::Select, Some(select.table), members)
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
        Self::new(OperationKind::Wait, Some(wait.table), members)
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
        Self::new(OperationKind::Comment, None, json!({"comment": comment.0}))
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
        Self::new(OperationKind::Commit, None, json!({"durable": commit.durable}))
    }
}

/// Makes the transaction fail: a rehearsal, with the results of the operations before it lost.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Abort;

impl From<Abort> for Operation {
    fn from(_: Abort) -> Self {
        Self::new(OperationKind::Abort, None, json!({}))
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

fn encode_row(row: &BTreeMap<String, Datum>) -> Value {
    row.iter().map(|(column, value)| (column.clone(), value.encode())).collect()
}

fn encode_conditions(conditions: &[Condition]) -> Value {
    conditions.iter().map(Condition::encode).collect()
}
