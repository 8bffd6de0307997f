use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use uuid::Uuid;

use super::Replica;
use super::field::{ColumnError, How};
use crate::schema::Column;
use crate::value::Datum;

/// The rows of one table, by UUID.
///
/// Copied on write: a clone shares everything with the original, and a change to either copies
/// the index of rows (not the rows) the first time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rows<R> {
    rows: Arc<BTreeMap<Uuid, Arc<R>>>,
}

impl<R> Rows<R> {
    /// The row `uuid`.
    pub fn get(&self, uuid: Uuid) -> Option<&R> {
        self.rows.get(&uuid).map(Arc::as_ref)
    }

    /// All rows, ordered by UUID.
    pub fn iter(&self) -> impl Iterator<Item = (Uuid, &R)> {
        self.rows.iter().map(|(&uuid, row)| (uuid, row.as_ref()))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Those of the rows `uuids` that exist, ordered by UUID.
    pub fn resolve<'a>(
        &'a self,
        uuids: &'a BTreeSet<Uuid>,
    ) -> impl Iterator<Item = (Uuid, &'a R)> + 'a {
        uuids.iter().filter_map(|&uuid| self.get(uuid).map(|row| (uuid, row)))
    }

    /// Adds or replaces a row, and returns the one replaced.
    pub fn insert(&mut self, uuid: Uuid, row: R) -> Option<Arc<R>> {
        Arc::make_mut(&mut self.rows).insert(uuid, Arc::new(row))
    }

    /// Removes a row, and returns it.
    pub fn remove(&mut self, uuid: Uuid) -> Option<Arc<R>> {
        Arc::make_mut(&mut self.rows).remove(&uuid)
    }

    /// The row `uuid`, to be changed; a copy of it if it is shared.
    pub(crate) fn get_mut(&mut self, uuid: Uuid) -> Option<&mut R>
    where
        R: Clone,
    {
        if !self.rows.contains_key(&uuid) {
            return None;
        }
        Arc::make_mut(&mut self.rows).get_mut(&uuid).map(Arc::make_mut)
    }

    /// Those that differ: in one of the two only, or with other content.
    pub(super) fn differing(&self, older: &Self) -> Vec<Uuid>
    where
        R: Eq,
    {
        if Arc::ptr_eq(&self.rows, &older.rows) {
            return Vec::new();
        }
        let same = |a: &Arc<R>, b: &Arc<R>| Arc::ptr_eq(a, b) || a == b;
        let changed = self
            .rows
            .iter()
            .filter(|(uuid, row)| older.rows.get(uuid).is_none_or(|old| !same(old, row)))
            .map(|(&uuid, _)| uuid);
        let removed = older.rows.keys().copied().filter(|uuid| !self.rows.contains_key(uuid));
        changed.chain(removed).collect()
    }
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self { rows: Arc::default() }
    }
}

impl<R> FromIterator<(Uuid, R)> for Rows<R> {
    fn from_iter<I: IntoIterator<Item = (Uuid, R)>>(rows: I) -> Self {
        let rows = rows.into_iter().map(|(uuid, row)| (uuid, Arc::new(row)));
        Self { rows: Arc::new(rows.collect()) }
    }
}

/// A row of a table that the replica has.
pub(crate) trait Row: Clone + Default {
    const COLUMNS: &'static [Column];

    /// The table in `replica`.
    fn rows(replica: &mut Replica) -> &mut Rows<Self>;

    /// Changes one column.
    fn change(&mut self, column: &str, datum: Datum, how: How) -> Result<(), ColumnError>;

    /// Bytes that the fields hold outside the struct, roughly.
    fn heap_size(&self) -> usize;

    /// Bytes that the row takes, roughly.
    fn size(&self) -> usize {
        mem::size_of::<Uuid>() + mem::size_of::<Self>() + self.heap_size()
    }
}
