//! Transactions: RFC 7047 §4.1.3 and §5.2.
//!
//! ```
//! use ovsdb::replica::Table;
//! use ovsdb::transact::{Condition, Insert, Mutate, Transaction};
//!
//! let mut transaction = Transaction::new();
//! let interface = transaction.insert(Insert::into(Table::Interface).set("name", "vxlan0"));
//! let port = transaction
//!     .insert(Insert::into(Table::Port).set("name", "vxlan0").set("interfaces", interface));
//! transaction.push(
//!     Mutate::table(Table::Bridge).filter(Condition::equals("name", "br-int")).insert("ports", port),
//! );
//! assert_eq!(transaction.operations().len(), 3);
//! ```

mod change;
mod check;
mod condition;
mod operation;
mod result;

pub use change::{Delete, Insert, Mutate, Mutator, Update};
pub use check::{Abort, Comment, Commit, Select, Until, Wait};
pub use condition::{Condition, Function};
pub use operation::Operation;
pub use result::{MalformedResult, OpResult, SelectedRow, TransactError};

pub(crate) use result::decode_results;

use serde_json::{Value, json};

use crate::DATABASE;
use crate::value::UuidName;

/// Operations that are carried out all or none, in order.
#[derive(Clone, Debug, Default)]
#[must_use = "a transaction does nothing until it is sent"]
pub struct Transaction {
    operations: Vec<Operation>,
}

impl Transaction {
    /// A transaction without operations.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an operation.
    pub fn push(&mut self, operation: impl Into<Operation>) {
        self.operations.push(operation.into());
    }

    /// Adds an insertion, and returns the name by which other operations of this transaction can
    /// refer to the new row. Gives it a name if it has none.
    pub fn insert(&mut self, insert: Insert) -> UuidName {
        let (insert, name) = insert.named_or(UuidName::numbered(self.operations.len()));
        self.push(insert);
        name
    }

    /// The operations so far.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Whether there is no operation.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The parameters of the `transact` request.
    pub(crate) fn params(&self) -> Value {
        let operations = self.operations.iter().map(|operation| operation.json().clone());
        std::iter::once(json!(DATABASE)).chain(operations).collect()
    }
}

impl<O: Into<Operation>> FromIterator<O> for Transaction {
    fn from_iter<I: IntoIterator<Item = O>>(operations: I) -> Self {
        Self { operations: operations.into_iter().map(Into::into).collect() }
    }
}

impl<O: Into<Operation>> Extend<O> for Transaction {
    fn extend<I: IntoIterator<Item = O>>(&mut self, operations: I) {
        self.operations.extend(operations.into_iter().map(Into::into));
    }
}

impl<O: Into<Operation>> From<O> for Transaction {
    fn from(operation: O) -> Self {
        Self { operations: vec![operation.into()] }
    }
}

#[cfg(test)]
mod tests;
