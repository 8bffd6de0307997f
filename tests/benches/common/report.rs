//! What a benchmark tells: tables for people, and the same as JSON.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value, json};

/// The tables of one benchmark, printed as they come and written to a file at the end.
pub(crate) struct Report {
    name: &'static str,
    tables: Vec<Value>,
}

/// One line of a table: columns by name, in order.
pub(crate) type Row = Vec<(&'static str, Value)>;

impl Report {
    /// A report that will be `bench/<name>.json` in Cargo's target directory.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, tables: Vec::new() }
    }

    /// True when Cargo runs this as a benchmark; as a test, it only has to work.
    pub(crate) fn is_wanted() -> bool {
        env::args().any(|argument| argument == "--bench")
    }

    /// Prints a table, in Markdown. All rows have the same columns.
    #[expect(clippy::print_stdout, reason = "what a benchmark is for")]
    pub(crate) fn table(&mut self, title: &str, rows: Vec<Row>) {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        for row in &rows {
            if table.header().is_none() {
                table.set_header(row.iter().map(|(column, _)| *column));
            }
            table.add_row(row.iter().map(|(_, value)| text(value)));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("\n{title}\n\n{table}");
        let objects = rows.into_iter().map(|row| {
            let columns = row.into_iter().map(|(column, value)| (column.to_owned(), value));
            Value::Object(columns.collect::<Map<_, _>>())
        });
        self.tables.push(json!({ "title": title, "rows": objects.collect::<Vec<_>>() }));
    }

    /// Writes the file.
    pub(crate) fn write(self) -> io::Result<()> {
        let path = directory().join(self.name).with_extension("json");
        fs::create_dir_all(directory())?;
        let report = json!({ "bench": self.name, "tables": self.tables });
        fs::write(path, format!("{report:#}\n"))
    }
}

/// `bench` in Cargo's target directory.
fn directory() -> PathBuf {
    let of_tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
    of_tests.parent().unwrap_or(of_tests).join("bench")
}

/// Numbers with as many digits as say something.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if !number.is_u64() && float < 10.0 => format!("{float:.2}"),
            Some(float) if !number.is_u64() && float < 100.0 => format!("{float:.1}"),
            Some(float) => format!("{float:.0}"),
            None => number.to_string(),
        },
        other => other.to_string(),
    }
}
