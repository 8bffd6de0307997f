//! A host's database as an operator sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use lab::Host;
use serde_json::{Deserializer, Value};

/// The tables that an operator and the controller write.
const TABLES: [&str; 9] = [
    "Open_vSwitch",
    "Bridge",
    "Port",
    "Interface",
    "Flow_Table",
    "Controller",
    "Manager",
    "Mirror",
    "QoS",
];

/// The schema of stock Open vSwitch.
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// Columns that are stored but ovs-vswitchd's to set.
const DAEMONS: [&str; 3] = ["datapath_version", "error", "ofport"];

/// What is stored at one moment, without what ovs-vswitchd tells of its own accord (statistics,
/// states).
#[derive(Debug)]
pub(crate) struct Database {
    /// By table and UUID.
    rows: BTreeMap<(String, String), Row>,
}

/// One row: its columns, as text in which references are names.
#[derive(Debug)]
struct Row {
    name: String,
    columns: BTreeMap<String, String>,
}

impl Database {
    /// Reads it by `ovs-vsctl list`.
    pub(crate) fn read(host: &Host) -> Self {
        let mut args = vec!["--format=json"];
        for table in TABLES {
            args.extend(["--", "list", table]);
        }
        args.remove(1);
        let text = host.vsctl(&args).unwrap();
        let ephemeral = ephemeral();
        let mut raw = BTreeMap::new();
        let listed = Deserializer::from_str(&text).into_iter::<Value>().map(Result::unwrap);
        for (table, rows) in TABLES.into_iter().zip(listed) {
            let headings: Vec<_> =
                array(&rows["headings"]).map(|it| it.as_str().unwrap()).collect();
            for row in array(&rows["data"]) {
                let columns = headings.iter().copied().zip(array(row));
                let columns: BTreeMap<&str, &Value> = columns.collect();
                let uuid = columns["_uuid"][1].as_str().unwrap().to_owned();
                let stored = columns.into_iter().filter(|(name, _)| !name.starts_with('_'));
                let stored = stored.filter(|(name, _)| !ephemeral.contains(&(table, *name)));
                let stored: BTreeMap<_, _> =
                    stored.map(|(name, value)| (name.to_owned(), value.clone())).collect();
                raw.insert((table.to_owned(), uuid), stored);
            }
        }
        let names: BTreeMap<_, _> =
            raw.iter().map(|((_, uuid), columns)| (uuid.clone(), name(columns))).collect();
        let row = |((table, uuid), columns): ((String, String), BTreeMap<String, Value>)| {
            let text = |(column, value)| (column, show(&value, &names));
            let name = names[&uuid].clone();
            ((table, uuid), Row { name, columns: columns.into_iter().map(text).collect() })
        };
        Self { rows: raw.into_iter().map(row).collect() }
    }

    /// What has become of the rows that are here: columns that differ and rows that are gone.
    /// Further rows in `later` do not count.
    pub(crate) fn changes(&self, later: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        for (id, row) in &self.rows {
            let what = format!("{} {}", id.0, row.name);
            let Some(now) = later.rows.get(id) else {
                changes.push(format!("{what} is gone"));
                continue;
            };
            for (column, before) in &row.columns {
                let now = &now.columns[column];
                if now != before {
                    changes.push(format!("{what}: {column}: {before} -> {now}"));
                }
            }
        }
        changes
    }

    /// The names of rows that `later` has and this has not: `TABLE NAME`.
    pub(crate) fn added(&self, later: &Self) -> BTreeSet<String> {
        let new = later.rows.iter().filter(|(id, _)| !self.rows.contains_key(*id));
        new.map(|((table, _), row)| format!("{table} {}", row.name)).collect()
    }

    /// The rows that say they are the controller's, by `TABLE NAME`, as far as they are not
    /// ovs-vswitchd's to fill.
    pub(crate) fn own(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let own = self.rows.iter().filter(|(_, row)| {
            row.columns.get("external_ids").is_some_and(|ids| ids.contains("owner=weft"))
        });
        let settings = |row: &Row| {
            let columns = row.columns.clone().into_iter();
            columns.filter(|(column, _)| !DAEMONS.contains(&column.as_str())).collect()
        };
        own.map(|((table, _), row)| (format!("{table} {}", row.name), settings(row))).collect()
    }

    /// A column of the row with that name; empty when there is no such row.
    pub(crate) fn get(&self, table: &str, name: &str, column: &str) -> &str {
        let mut rows = self.rows.iter().filter(|((of, _), row)| of == table && row.name == name);
        rows.next().map_or("", |(_, row)| &row.columns[column])
    }
}

/// The columns that a database keeps in memory only.
fn ephemeral() -> BTreeSet<(&'static str, &'static str)> {
    let schema: Value = serde_json::from_str(&fs::read_to_string(SCHEMA).unwrap()).unwrap();
    let schema: &'static Value = Box::leak(Box::new(schema));
    let columns = |table| schema["tables"][table]["columns"].as_object().unwrap();
    let ephemeral = |table| {
        let columns = columns(table).iter().filter(|(_, column)| column["ephemeral"] == true);
        columns.map(move |(name, _)| (table, name.as_str()))
    };
    TABLES.into_iter().flat_map(ephemeral).collect()
}

/// What a row is called: most have a name, controllers and managers a target.
fn name(columns: &BTreeMap<String, Value>) -> String {
    let name = ["name", "target"].iter().find_map(|column| columns.get(*column)?.as_str());
    name.unwrap_or(".").to_owned()
}

/// A value as `ovs-vsctl` would print it, with names for references.
fn show(value: &Value, names: &BTreeMap<String, String>) -> String {
    let all = |values: &Value| {
        let mut texts: Vec<_> = array(values).map(|value| show(value, names)).collect();
        texts.sort();
        texts.join(", ")
    };
    match (value[0].as_str(), value) {
        (Some("set"), _) => format!("[{}]", all(&value[1])),
        (Some("map"), _) => {
            let pair =
                |pair: &Value| format!("{}={}", show(&pair[0], names), show(&pair[1], names));
            let mut pairs: Vec<_> = array(&value[1]).map(pair).collect();
            pairs.sort();
            format!("{{{}}}", pairs.join(", "))
        }
        (Some("uuid"), _) => {
            let uuid = value[1].as_str().unwrap();
            names.get(uuid).map_or(uuid, String::as_str).to_owned()
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
