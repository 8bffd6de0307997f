//! Which columns a server has: RFC 7047 §3.2, as far as a replica needs it.
//!
//! Columns come and go with the version of Open vSwitch. [`select`] compares what the replica
//! knows with what a server's schema has, and gives the columns to ask for.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::DATABASE;
use crate::value::{AtomicType, excerpt};

/// The type of a column: `<type>`, without its constraints.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ColumnType {
    /// Exactly one atom.
    Scalar(AtomicType),
    /// At most one atom.
    Optional(AtomicType),
    /// Several atoms.
    Set(AtomicType),
    /// Several pairs of a key and a value.
    Map(AtomicType, AtomicType),
}

impl ColumnType {
    /// Reads `<type>`; `None` when it is malformed.
    pub fn parse(json: &Value) -> Option<Self> {
        let base = |json: &Value| -> Option<AtomicType> {
            AtomicType::from_name(json.as_str().or_else(|| json.get("type")?.as_str())?)
        };
        if let Some(name) = json.as_str() {
            return AtomicType::from_name(name).map(Self::Scalar);
        }
        let key = base(json.get("key")?)?;
        if let Some(value) = json.get("value") {
            return Some(Self::Map(key, base(value)?));
        }
        let bound = |name: &str| json.get(name).map_or(Some(1), Value::as_u64);
        Some(match (bound("min"), bound("max")) {
            (Some(1), Some(1)) => Self::Scalar(key),
            (Some(0), Some(1)) => Self::Optional(key),
            _ => Self::Set(key),
        })
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(atom) => write!(f, "{}", atom.name()),
            Self::Optional(atom) => write!(f, "optional {}", atom.name()),
            Self::Set(atom) => write!(f, "set of {}", atom.name()),
            Self::Map(key, value) => write!(f, "map of {} to {}", key.name(), value.name()),
        }
    }
}

/// A column that the replica knows.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// The type that it must have.
    pub column_type: ColumnType,
    /// Whether a server may lack it. Older ones may lack what is merely read.
    pub presence: Presence,
}

/// Whether a server must have a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presence {
    /// Nothing works without it.
    Required,
    /// It keeps its default where the server does not have it.
    Optional,
}

/// The columns of `wanted`'s tables that the server with this schema (the result of `get_schema`)
/// has. A table that is not there is left out when none of its columns is required.
///
/// # Errors
/// When the schema is malformed, is another database's, lacks a required column, or has one with
/// another type.
pub fn select(
    schema: &RawValue,
    wanted: &[(&'static str, &'static [Column])],
) -> Result<BTreeMap<&'static str, Vec<&'static str>>, SchemaError> {
    let database: DatabaseSchema = serde_json::from_str(schema.get())?;
    if database.name != DATABASE {
        return Err(SchemaError::Database(excerpt(&database.name)));
    }
    let mut selected = BTreeMap::new();
    for &(table, columns) in wanted {
        let mut present = Vec::new();
        for column in columns {
            let found = database.tables.get(table).and_then(|table| table.columns.get(column.name));
            match found {
                Some(found) => {
                    check_type(table, column, &found.column_type)?;
                    present.push(column.name);
                }
                None if column.presence == Presence::Optional => {}
                None => return Err(SchemaError::Missing { table, column: column.name }),
            }
        }
        if !present.is_empty() {
            selected.insert(table, present);
        }
    }
    Ok(selected)
}

fn check_type(table: &'static str, column: &Column, found: &Value) -> Result<(), SchemaError> {
    if ColumnType::parse(found) == Some(column.column_type) {
        return Ok(());
    }
    Err(SchemaError::Type {
        table,
        column: column.name,
        expected: column.column_type,
        found: excerpt(&found.to_string()),
    })
}

/// A server whose database is not one that the replica can follow.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Not a `<database-schema>`.
    #[error("malformed schema: {0}")]
    Json(#[from] serde_json::Error),
    /// Another database's schema; with its name.
    #[error("schema of database {0:?}, expected {DATABASE}")]
    Database(String),
    /// A column is missing.
    #[error("the server's schema has no column {table}.{column}")]
    Missing {
        /// Its table.
        table: &'static str,
        /// Its name.
        column: &'static str,
    },
    /// A column has another type.
    #[error("column {table}.{column}: expected {expected}, found type {found}")]
    Type {
        /// Its table.
        table: &'static str,
        /// Its name.
        column: &'static str,
        /// What it should be.
        expected: ColumnType,
        /// What it is: JSON.
        found: String,
    },
}

#[derive(Deserialize)]
struct DatabaseSchema {
    name: String,
    tables: BTreeMap<String, TableSchema>,
}

#[derive(Deserialize)]
struct TableSchema {
    columns: BTreeMap<String, ColumnSchema>,
}

#[derive(Deserialize)]
struct ColumnSchema {
    #[serde(rename = "type")]
    column_type: Value,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: &[Column] = &[
        Column {
            name: "name",
            column_type: ColumnType::Scalar(AtomicType::String),
            presence: Presence::Required,
        },
        Column {
            name: "mtu",
            column_type: ColumnType::Optional(AtomicType::Integer),
            presence: Presence::Optional,
        },
    ];

    fn select_from(schema: &Value) -> Result<BTreeMap<&str, Vec<&str>>, String> {
        let schema = RawValue::from_string(schema.to_string()).unwrap();
        select(&schema, &[("Interface", COLUMNS)]).map_err(|error| error.to_string())
    }

    fn with_columns(columns: Value) -> Value {
        json!({"name": DATABASE, "version": "8.3.1", "tables": {"Interface": {"columns": columns}}})
    }

    #[test]
    fn types_as_schemas_write_them() {
        use AtomicType::{Integer, String, Uuid};
        let cases = [
            (json!("string"), Some(ColumnType::Scalar(String))),
            (json!({"key": "integer"}), Some(ColumnType::Scalar(Integer))),
            (json!({"key": {"type": "integer"}, "min": 0}), Some(ColumnType::Optional(Integer))),
            (
                json!({"key": {"type": "uuid", "refTable": "Port"}, "max": "unlimited"}),
                Some(ColumnType::Set(Uuid)),
            ),
            (json!({"key": "string", "min": 0, "max": 2}), Some(ColumnType::Set(String))),
            (
                json!({"key": "integer", "value": {"type": "uuid"}, "min": 0, "max": "unlimited"}),
                Some(ColumnType::Map(Integer, Uuid)),
            ),
            (json!("text"), None),
            (json!({"min": 0}), None),
            (json!({"key": "string", "value": 5}), None),
            (json!(null), None),
        ];
        for (json, expected) in cases {
            assert_eq!(ColumnType::parse(&json), expected, "{json}");
        }
    }

    #[test]
    fn optional_columns_may_be_missing() {
        let schema = with_columns(json!({"name": {"type": "string"}, "new": {"type": "real"}}));
        assert_eq!(select_from(&schema).unwrap(), BTreeMap::from([("Interface", vec!["name"])]));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let cases = [
            (with_columns(json!({})), "the server's schema has no column Interface.name"),
            (
                with_columns(json!({"name": {"type": {"key": "string", "min": 0}}})),
                "column Interface.name: expected string, found type {\"key\":\"string\",\"min\":0}",
            ),
            (
                with_columns(json!({"name": {"type": "string"}, "mtu": {"type": "integer"}})),
                "column Interface.mtu: expected optional integer, found type \"integer\"",
            ),
            (
                json!({"name": "OVN_Southbound", "tables": {}}),
                "schema of database \"OVN_Southbound\", expected Open_vSwitch",
            ),
            (
                json!({"name": DATABASE}),
                "malformed schema: missing field `tables` at line 1 column 23",
            ),
        ];
        for (schema, message) in cases {
            assert_eq!(select_from(&schema).unwrap_err(), message);
        }
    }
}
