//! Tables and lists of fields for people: plain text, without colours.

use comfy_table::{ContentArrangement, Table, presets};
use prost::{Message, Name};
use prost_reflect::{DynamicMessage, Kind, ReflectMessage as _, Value};

use crate::print::json;

/// A table with a line of headings.
pub(crate) fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = plain();
    table.set_header(columns.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(or_dash(cell))));
    }
    trimmed(&mut table)
}

/// Every field of a message, one to a line.
pub(crate) fn fields<M: Message + Name>(message: &M) -> String {
    fields_but(message, "")
}

/// Every field of a message but the one of this name, one to a line.
pub(crate) fn fields_but<M: Message + Name>(message: &M, hidden: &str) -> String {
    let message = json::dynamic(message);
    let mut table = plain();
    for field in message.descriptor().fields().filter(|field| field.name() != hidden) {
        let lines = if json::is_unset(&message, &field) {
            Vec::new()
        } else {
            lines(&field.kind(), &message.get_field(&field))
        };
        let mut label = field.name();
        for line in or_one_dash(lines) {
            table.add_row([label, &printable(&line)]);
            label = "";
        }
    }
    trimmed(&mut table)
}

/// `text` without control characters: names come from others, and must not move
/// the cursor of who lists them.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// The time to the second; what is finer than that only fills the line.
pub(crate) fn seconds(time: Option<prost_types::Timestamp>) -> String {
    time.map(|time| prost_types::Timestamp { nanos: 0, ..time }.to_string()).unwrap_or_default()
}

/// A field's value: one line, or one for each element that has parts.
fn lines(kind: &Kind, value: &Value) -> Vec<String> {
    match value {
        Value::List(values) if kind.as_message().is_some() => {
            values.iter().map(|value| line(kind, value)).collect()
        }
        value => Vec::from([line(kind, value)]),
    }
}

fn line(kind: &Kind, value: &Value) -> String {
    match value {
        Value::EnumNumber(number) => json::enum_name(kind, *number),
        Value::String(text) => text.clone(),
        Value::Message(message) => json::time(message).unwrap_or_else(|| parts(message)),
        Value::List(values) => join(values.iter().map(|value| line(kind, value))),
        Value::Map(values) => {
            let (kind, values) = json::entries(kind, values);
            join(values.into_iter().map(|(key, value)| format!("{key}={}", line(&kind, value))))
        }
        value => value.to_string(),
    }
}

/// A message within a field: `name=value` for each field that is not empty.
fn parts(message: &DynamicMessage) -> String {
    let descriptor = message.descriptor();
    let fields = descriptor.fields().filter(|field| !json::is_unset(message, field));
    let parts =
        fields.map(|field| (field.name().to_owned(), field.kind(), message.get_field(&field)));
    let parts = parts.map(|(name, kind, value)| (name, line(&kind, &value)));
    join(
        parts.filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={value}")),
    )
}

fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn or_one_dash(mut lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines.iter_mut().filter(|line| line.is_empty()).for_each(|line| line.push('-'));
    lines
}

/// A table without lines, as wide as its content: ids must stay whole, so that
/// they can be copied.
fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// The table without the padding left of the first column and right of the last.
fn trimmed(table: &mut Table) -> String {
    table.discover_columns();
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}
