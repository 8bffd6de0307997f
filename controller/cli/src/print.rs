//! Answers, as tables for people and as JSON for programs.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use crate::args::Format;
use crate::failure::Failure;
use crate::print::json::Json;
use crate::resource::Resource;

pub(crate) mod json;
pub(crate) mod text;

/// Prints answers in the chosen format.
pub(crate) struct Printer<'a> {
    format: Format,
    out: &'a mut dyn Write,
}

impl<'a> Printer<'a> {
    /// A printer to `out`.
    pub(crate) fn new(format: Format, out: &'a mut dyn Write) -> Self {
        Self { format, out }
    }

    /// Whether programs are to read what is printed.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints one message, every field of it.
    pub(crate) fn one<M: prost::Message + prost::Name>(
        &mut self,
        message: &M,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(&Json::new(message)),
            Format::Table => self.line(&text::fields(message)),
        }
    }

    /// Prints one message for people, all fields but one, and that one as a table.
    pub(crate) fn one_and_table<M: prost::Message + prost::Name>(
        &mut self,
        message: &M,
        field: &str,
        columns: &[&str],
        rows: impl Iterator<Item = Vec<String>>,
    ) -> Result<(), Failure> {
        self.line(&text::fields_but(message, field))?;
        self.line("")?;
        self.line(&text::table(columns, rows))
    }

    /// Prints resources: in JSON an array of them, for people a table.
    pub(crate) fn table<R: Resource>(
        &mut self,
        resources: &[R],
        names: &Names,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.array(resources),
            Format::Table => {
                let rows = resources.iter().map(|resource| resource.row(names));
                self.line(&text::table(R::COLUMNS, rows))
            }
        }
    }

    /// Prints messages as a JSON array.
    pub(crate) fn array<M: prost::Message + prost::Name>(
        &mut self,
        messages: &[M],
    ) -> Result<(), Failure> {
        self.json(&messages.iter().map(Json::new).collect::<Vec<_>>())
    }

    /// Prints a message as JSON on a line of its own, for a stream of them.
    pub(crate) fn json_line<M: prost::Message + prost::Name>(
        &mut self,
        message: &M,
    ) -> Result<(), Failure> {
        serde_json::to_writer(&mut *self.out, &Json::new(message))?;
        self.line("")
    }

    /// Says what has been deleted.
    pub(crate) fn deleted(&mut self, deleted: &[Deleted]) -> Result<(), Failure> {
        if self.is_json() {
            return self.json(&deleted);
        }
        for Deleted { kind, id, name, revision } in deleted {
            let kind = kind.replace('_', " ");
            let named = if name.is_empty() { String::new() } else { format!(" {name}") };
            let line = format!("{kind}{named} ({id}) deleted, revision {revision}");
            self.line(&text::printable(&line))?;
        }
        Ok(())
    }

    /// Prints a line of text.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{line}")?)
    }

    fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer_pretty(&mut *self.out, value)?;
        self.line("")
    }
}

/// The names of objects, to show in place of their UUIDs.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Adds the names of `resources`.
    pub(crate) fn extend<R: Resource>(&mut self, resources: &[R]) {
        let named = resources.iter().map(Resource::common);
        self.0.extend(named.map(|common| (common.id.clone(), common.name.clone())));
    }

    /// The object's name, or its UUID if it has none.
    pub(crate) fn of(&self, id: &str) -> String {
        match self.0.get(id) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => id.to_owned(),
        }
    }
}

/// A resource that is gone.
#[derive(Serialize)]
pub(crate) struct Deleted {
    kind: &'static str,
    id: String,
    name: String,
    revision: u64,
}

impl Deleted {
    /// `resource`, deleted at `revision`.
    pub(crate) fn new<R: Resource>(resource: &R, revision: u64) -> Self {
        let common = resource.common();
        Self { kind: R::KIND, id: common.id.clone(), name: common.name.clone(), revision }
    }
}

#[cfg(test)]
mod tests;
