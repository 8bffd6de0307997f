use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Replica, Table};

/// Identity of a row.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RowId {
    /// Its table.
    pub table: Table,
    /// Its UUID in that table.
    pub uuid: Uuid,
}

/// The rows in which two replicas differ: inserted, changed or deleted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    rows: BTreeSet<RowId>,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows changed.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether a row changed.
    pub fn contains(&self, table: Table, uuid: Uuid) -> bool {
        self.rows.contains(&RowId { table, uuid })
    }

    /// The rows, ordered by table and UUID.
    pub fn iter(&self) -> impl Iterator<Item = RowId> + '_ {
        self.rows.iter().copied()
    }

    /// The changed rows of one table.
    pub fn of(&self, table: Table) -> impl Iterator<Item = Uuid> + '_ {
        let first = RowId { table, uuid: Uuid::nil() };
        let last = RowId { table, uuid: Uuid::max() };
        self.rows.range(first..=last).map(|row| row.uuid)
    }
}

impl Replica {
    /// The rows in which this replica differs from `older`.
    ///
    /// Exact whatever lies between the two, and whether or not they come from one connection:
    /// a row deleted and inserted again with the same content is no change. A table that did not
    /// change costs nothing, another one a look at each of its rows.
    pub fn changes_since(&self, older: &Self) -> Changes {
        let mut rows = BTreeSet::new();
        self.differing(older, |table, uuids| {
            rows.extend(uuids.into_iter().map(|uuid| RowId { table, uuid }));
        });
        Changes { rows }
    }
}
