use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Options;
use super::error::{RowError, UpdateError};
use crate::replica::{
    Bridge, ColumnError, Controller, CtZone, Datapath, FlowTable, How, Interface, Manager,
    OpenVSwitch, Port, Replica, Row, Table,
};
use crate::value::{Datum, excerpt, parse_uuid};

/// A replica that is kept up to date, within limits of its size.
#[derive(Debug)]
pub(super) struct Mirror {
    replica: Replica,
    /// Bytes that the rows take, roughly.
    size: usize,
    max_size: usize,
    max_rows: usize,
}

/// How updates are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Notation {
    /// `<table-updates>` of RFC 7047 §4.1.6: rows as they were and as they are.
    OldAndNew,
    /// `<table-updates2>` of `ovsdb-server(7)`: new rows without the columns that have their
    /// defaults, and the differences of changed ones.
    Differences,
}

/// What happened to a row.
enum RowChange {
    Inserted(Map<String, Value>),
    /// All columns, as they are now.
    Replaced(Map<String, Value>),
    /// The difference of those that changed.
    Modified(Map<String, Value>),
    Deleted,
}

impl Mirror {
    pub(super) fn new(replica: Replica, options: &Options) -> Self {
        let &Options { max_replica: max_size, max_rows, .. } = options;
        let mut mirror = Self { replica, size: 0, max_size, max_rows };
        mirror.size = Table::ALL.iter().map(|&table| mirror.table_size(table)).sum();
        mirror
    }

    pub(super) fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Applies the updates of one message. After an error some of them may have been applied, and
    /// the replica is of no more use.
    pub(super) fn apply(
        &mut self,
        updates: &RawValue,
        notation: Notation,
    ) -> Result<(), UpdateError> {
        let tables: BTreeMap<String, BTreeMap<String, &RawValue>> =
            serde_json::from_str(updates.get())?;
        for (name, rows) in &tables {
            let table = Table::ALL.iter().copied().find(|table| table.name() == name);
            let table = table.ok_or_else(|| UpdateError::Table(excerpt(name)))?;
            for (key, change) in rows {
                let uuid = parse_uuid(key).ok_or_else(|| UpdateError::Uuid {
                    table: table.name(),
                    found: excerpt(key),
                })?;
                // One row at a time is parsed, so that memory beyond the message is that of a row.
                RowChange::parse(change, notation)
                    .and_then(|change| self.apply_to_table(table, uuid, change))
                    .map_err(|source| UpdateError::Row { table, uuid, source })?;
                if self.size > self.max_size {
                    return Err(UpdateError::TooLarge { limit: self.max_size });
                }
                if self.replica.row_count() > self.max_rows {
                    return Err(UpdateError::TooManyRows { limit: self.max_rows });
                }
            }
        }
        Ok(())
    }

    fn apply_to_table(
        &mut self,
        table: Table,
        uuid: Uuid,
        change: RowChange,
    ) -> Result<(), RowError> {
        match table {
            Table::OpenVSwitch => self.apply_to_row::<OpenVSwitch>(uuid, change),
            Table::Bridge => self.apply_to_row::<Bridge>(uuid, change),
            Table::Port => self.apply_to_row::<Port>(uuid, change),
            Table::Interface => self.apply_to_row::<Interface>(uuid, change),
            Table::Controller => self.apply_to_row::<Controller>(uuid, change),
            Table::Manager => self.apply_to_row::<Manager>(uuid, change),
            Table::Datapath => self.apply_to_row::<Datapath>(uuid, change),
            Table::CtZone => self.apply_to_row::<CtZone>(uuid, change),
            Table::FlowTable => self.apply_to_row::<FlowTable>(uuid, change),
        }
    }

    fn apply_to_row<R: Row>(&mut self, uuid: Uuid, change: RowChange) -> Result<(), RowError> {
        let rows = R::rows(&mut self.replica);
        let old_size = rows.get(uuid).map(Row::size);
        match (change, old_size) {
            (RowChange::Inserted(_), Some(_)) => return Err(RowError::Exists),
            (RowChange::Inserted(columns), None) | (RowChange::Replaced(columns), Some(_)) => {
                let mut row = R::default();
                change_columns(&mut row, &columns, How::Replace)?;
                self.size += row.size();
                rows.insert(uuid, row);
            }
            (RowChange::Modified(columns), Some(_)) => {
                let row = rows.get_mut(uuid).ok_or(RowError::Absent)?;
                change_columns(row, &columns, How::Difference)?;
                self.size += row.size();
            }
            (RowChange::Deleted, Some(_)) => {
                rows.remove(uuid);
            }
            (_, None) => return Err(RowError::Absent),
        }
        self.size -= old_size.unwrap_or(0);
        Ok(())
    }

    fn table_size(&mut self, table: Table) -> usize {
        fn sum<R: Row>(replica: &mut Replica) -> usize {
            R::rows(replica).iter().map(|(_, row)| row.size()).sum()
        }
        match table {
            Table::OpenVSwitch => sum::<OpenVSwitch>(&mut self.replica),
            Table::Bridge => sum::<Bridge>(&mut self.replica),
            Table::Port => sum::<Port>(&mut self.replica),
            Table::Interface => sum::<Interface>(&mut self.replica),
            Table::Controller => sum::<Controller>(&mut self.replica),
            Table::Manager => sum::<Manager>(&mut self.replica),
            Table::Datapath => sum::<Datapath>(&mut self.replica),
            Table::CtZone => sum::<CtZone>(&mut self.replica),
            Table::FlowTable => sum::<FlowTable>(&mut self.replica),
        }
    }
}

impl RowChange {
    fn parse(json: &RawValue, notation: Notation) -> Result<Self, RowError> {
        Ok(match notation {
            Notation::OldAndNew => match serde_json::from_str(json.get())? {
                RowUpdate { old: None, new: Some(new) } => Self::Inserted(new),
                RowUpdate { old: Some(_), new: Some(new) } => Self::Replaced(new),
                RowUpdate { old: Some(_), new: None } => Self::Deleted,
                RowUpdate { old: None, new: None } => return Err(RowError::Empty),
            },
            Notation::Differences => match serde_json::from_str(json.get())? {
                RowUpdate2::Initial(columns) | RowUpdate2::Insert(columns) => {
                    Self::Inserted(columns)
                }
                RowUpdate2::Modify(columns) => Self::Modified(columns),
                RowUpdate2::Delete(_) => Self::Deleted,
            },
        })
    }
}

fn change_columns<R: Row>(
    row: &mut R,
    columns: &Map<String, Value>,
    how: How,
) -> Result<(), RowError> {
    for (column, value) in columns {
        Datum::decode(value)
            .map_err(ColumnError::from)
            .and_then(|datum| row.change(column, datum, how))
            .map_err(|source| RowError::Column { column: excerpt(column), source })?;
    }
    Ok(())
}

/// `<row-update>`: RFC 7047 §4.1.5.
#[derive(Deserialize)]
struct RowUpdate {
    old: Option<IgnoredAny>,
    new: Option<Map<String, Value>>,
}

/// `<row-update2>`: `ovsdb-server(7)`.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RowUpdate2 {
    Initial(Map<String, Value>),
    Insert(Map<String, Value>),
    Modify(Map<String, Value>),
    Delete(IgnoredAny),
}
