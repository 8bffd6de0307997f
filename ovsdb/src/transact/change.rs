//! The operations that change rows.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::operation::{OperationKind, encode_conditions, encode_row};
use super::{Condition, Operation};
use crate::value::{Datum, UuidName};

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
        Operation::new(OperationKind::Insert, Some(insert.table), members)
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
        Operation::new(OperationKind::Update, Some(update.table), members)
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
        Operation::new(OperationKind::Mutate, Some(mutate.table), members)
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
        Operation::new(OperationKind::Delete, Some(delete.table), members)
    }
}
