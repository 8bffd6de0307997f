//! What tables can do.
//!
//! As `ovs-ofctl` prints it, which tells what is the same in the table before only once. Types of
//! actions and instructions that have no name, which it leaves out, are told as numbers behind the
//! others, and unknown properties behind all.

use std::fmt;

use super::field_list::FieldList;
use super::group::ACTIONS;
use crate::Field;
use crate::message::{FeatureId, FlowKind, OxmId, TableFeature, TableFeatures};
use crate::text::{Hex, HexBytes};

/// Writes what tables can do, those together that can do the same as the one before.
pub(super) fn all(f: &mut fmt::Formatter<'_>, tables: &[TableFeatures]) -> fmt::Result {
    let mut before: Option<Summary<'_>> = None;
    let mut ditto: Option<(u8, u8)> = None;
    // An empty line, but not at the beginning nor behind a single line.
    let mut gap = "";
    for table in tables {
        let this = Summary::of(table);
        let same = before.as_ref().is_some_and(|before| before.same(&this));
        if same && table.name.as_bytes().is_empty() {
            let first = ditto.map_or(table.table, |(first, _)| first);
            ditto = Some((first, table.table));
        } else {
            if let Some(tables) = ditto.take() {
                write_ditto(f, gap, tables)?;
                gap = "\n";
            }
            f.write_str(gap)?;
            this.write(f, before.as_ref(), same)?;
            gap = if same { "" } else { "\n" };
        }
        before = Some(this);
    }
    ditto.map_or(Ok(()), |tables| write_ditto(f, gap, tables))
}

/// Writes which tables are like the one that was written before.
fn write_ditto(f: &mut fmt::Formatter<'_>, gap: &str, (first, last): (u8, u8)) -> fmt::Result {
    if first == last {
        write!(f, "{gap}\n  table {first}: ditto")
    } else {
        write!(f, "{gap}\n  tables {first}...{last}: ditto")
    }
}

/// A table's properties, sorted by what they are about.
struct Summary<'a> {
    table: &'a TableFeatures,
    regular: Flows<'a>,
    table_miss: Flows<'a>,
    /// Fields that can be matched, …
    matched: Vec<Field>,
    /// … those of them that can be masked, …
    masked: Vec<Field>,
    /// … and those that need not be matched.
    wildcards: Vec<Field>,
}

/// What flows can do.
#[derive(Clone, Default, Eq, PartialEq)]
struct Flows<'a> {
    next: Vec<u8>,
    instructions: Vec<&'a FeatureId>,
    write: Actions<'a>,
    apply: Actions<'a>,
}

/// What actions can do.
#[derive(Clone, Default, Eq, PartialEq)]
struct Actions<'a> {
    kinds: Vec<&'a FeatureId>,
    set_fields: Vec<Field>,
}

impl<'a> Summary<'a> {
    fn of(table: &'a TableFeatures) -> Self {
        let mut regular = Flows::default();
        let (mut matched, mut masked, mut wildcards) = (Vec::new(), Vec::new(), Vec::new());
        for property in &table.properties {
            match property {
                TableFeature::Match(fields) => {
                    matched = sorted(fields.iter().map(|id| id.field));
                    masked = sorted(fields.iter().filter(|id| id.has_mask).map(|id| id.field));
                }
                TableFeature::Wildcards(fields) => {
                    wildcards = sorted(fields.iter().map(|id| id.field));
                }
                _ => regular.take(property, FlowKind::Regular),
            }
        }
        // What is not told of the table-miss flow is as for others.
        let mut table_miss = regular.clone();
        for property in &table.properties {
            table_miss.take(property, FlowKind::TableMiss);
        }
        Self { table, regular, table_miss, matched, masked, wildcards }
    }

    /// Whether `next` can do the same.
    fn same(&self, next: &Self) -> bool {
        let plain = |it: &Self| {
            let TableFeatures { metadata_match, metadata_write, config, max_entries, .. } =
                *it.table;
            (metadata_match, metadata_write, config, max_entries)
        };
        plain(self) == plain(next)
            && self.same_flows(next)
            && self.matched == next.matched
            && self.unknown().eq(next.unknown())
    }

    fn same_flows(&self, next: &Self) -> bool {
        let tables = (self.table.table, next.table.table);
        self.regular.same(&next.regular, tables) && self.table_miss.same(&next.table_miss, tables)
    }

    fn unknown(&self) -> impl Iterator<Item = &'a [u8]> {
        self.table.properties.iter().filter_map(|property| match property {
            TableFeature::Unknown(bytes) => Some(&bytes[..]),
            _ => None,
        })
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, before: Option<&Self>, same: bool) -> fmt::Result {
        write!(f, "\n  table {}", self.table.table)?;
        if !self.table.name.as_bytes().is_empty() {
            write!(f, " (\"{}\")", self.table.name.text().escape_debug())?;
        }
        if same {
            return f.write_str(": ditto");
        }
        f.write_str(":")?;
        let TableFeatures { metadata_match, metadata_write, config, max_entries, .. } = *self.table;
        if metadata_match != 0 || metadata_write != 0 {
            let (matched, written) = (Hex(metadata_match.into()), Hex(metadata_write.into()));
            write!(f, "\n    metadata: match={matched} write={written}")?;
        }
        if config != 0 {
            write!(f, "\n    config={config:#x}")?;
        }
        if max_entries != 0 {
            write!(f, "\n    max_entries={max_entries}")?;
        }
        self.write_flows(f, before)?;
        self.write_matching(f, before)?;
        self.unknown().try_for_each(|bytes| write!(f, "\n    raw({})", HexBytes(bytes)))
    }

    fn write_flows(&self, f: &mut fmt::Formatter<'_>, before: Option<&Self>) -> fmt::Result {
        let (regular, miss) = (before.map(|it| &it.regular), before.map(|it| &it.table_miss));
        let nothing = self.regular == Flows::default();
        if before.is_some_and(|before| before.same_flows(self)) {
            return f.write_str(if nothing { "" } else { "\n    (same instructions)" });
        }
        if self.regular != self.table_miss {
            f.write_str("\n    instructions (other than table miss):")?;
            self.regular.write(f, regular)?;
            f.write_str("\n    instructions (table miss):")?;
            self.table_miss.write(f, miss)
        } else if nothing {
            Ok(())
        } else {
            f.write_str("\n    instructions (table miss and others):")?;
            self.regular.write(f, regular)
        }
    }

    fn write_matching(&self, f: &mut fmt::Formatter<'_>, before: Option<&Self>) -> fmt::Result {
        if self.matched.is_empty() {
            return Ok(());
        }
        if before.is_some_and(|before| before.matched == self.matched) {
            return f.write_str("\n    (same matching)");
        }
        f.write_str("\n    matching:")?;
        for (title, masked, optional) in [
            ("arbitrary mask", true, true),
            ("exact match or wildcard", false, true),
            ("must exact match", false, false),
        ] {
            // What can be masked need not be matched.
            let is_masked = |field: &Field| self.masked.binary_search(field).is_ok();
            let is_optional =
                |field: &Field| is_masked(field) || self.wildcards.binary_search(field).is_ok();
            let wanted =
                |field: &&Field| is_masked(field) == masked && is_optional(field) == optional;
            let fields: Vec<Field> = self.matched.iter().filter(wanted).copied().collect();
            if !fields.is_empty() {
                write!(f, "\n      {title}:{}", FieldList(&fields))?;
            }
        }
        Ok(())
    }
}

impl<'a> Flows<'a> {
    /// Notes what `property` says of flows of this kind.
    fn take(&mut self, property: &'a TableFeature, flows: FlowKind) {
        match property {
            TableFeature::Instructions(of, ids) if *of == flows => {
                self.instructions = in_order(ids, INSTRUCTIONS);
            }
            TableFeature::NextTables(of, tables) if *of == flows => {
                self.next.clone_from(tables);
                self.next.sort_unstable();
                self.next.dedup();
            }
            TableFeature::WriteActions(of, ids) if *of == flows => {
                self.write.kinds = in_order(ids, ACTIONS);
            }
            TableFeature::ApplyActions(of, ids) if *of == flows => {
                self.apply.kinds = in_order(ids, ACTIONS);
            }
            TableFeature::WriteSetField(of, ids) if *of == flows => {
                self.write.set_fields = sorted(ids.iter().map(|id: &OxmId| id.field));
            }
            TableFeature::ApplySetField(of, ids) if *of == flows => {
                self.apply.set_fields = sorted(ids.iter().map(|id: &OxmId| id.field));
            }
            _ => {}
        }
    }

    /// Whether flows of the tables `of` can do the same; they need not be able to go on to their
    /// own table, which no flow can.
    fn same(&self, other: &Self, of: (u8, u8)) -> bool {
        let same_next = if of.0.checked_add(1) == Some(of.1) && !other.next.contains(&of.1) {
            self.next.iter().filter(|table| **table != of.1).eq(&other.next)
        } else {
            self.next == other.next
        };
        let rest = |it: &Self| Self { next: Vec::new(), ..it.clone() };
        same_next && rest(self) == rest(other)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, before: Option<&Self>) -> fmt::Result {
        if !self.next.is_empty() {
            f.write_str("\n      next tables: ")?;
            let consecutive = |a: &u8, b: &u8| a.checked_add(1) == Some(*b);
            for (at, run) in self.next.chunk_by(consecutive).enumerate() {
                f.write_str(if at == 0 { "" } else { "," })?;
                match run {
                    [first, .., last] => write!(f, "{first}-{last}")?,
                    _ => write!(f, "{}", run[0])?,
                }
            }
        }
        if !self.instructions.is_empty() {
            if before.is_some_and(|before| before.instructions == self.instructions) {
                f.write_str("\n      (same instructions)")?;
            } else {
                write!(f, "\n      instructions:{}", Names(&self.instructions, INSTRUCTIONS))?;
            }
        }
        let same = |it: &Self| it.write == self.write && it.apply == self.apply;
        if before.is_some_and(same) && !self.write.set_fields.is_empty() {
            f.write_str("\n      (same actions)")
        } else if self.write != self.apply {
            f.write_str("\n      Write-Actions features:")?;
            self.write.write(f)?;
            f.write_str("\n      Apply-Actions features:")?;
            self.apply.write(f)
        } else if self.write == Actions::default() {
            Ok(())
        } else {
            f.write_str("\n      Write-Actions and Apply-Actions features:")?;
            self.write.write(f)
        }
    }
}

impl Actions<'_> {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.kinds.is_empty() {
            write!(f, "\n        actions:{}", Names(&self.kinds, ACTIONS))?;
        }
        if !self.set_fields.is_empty() {
            write!(f, "\n        supported on Set-Field:{}", FieldList(&self.set_fields))?;
        }
        Ok(())
    }
}

/// `OFPIT_*` with their names, in the order in which `ovs-ofctl` prints them.
const INSTRUCTIONS: &[(u8, &str)] = &[
    (6, "meter"),
    (4, "apply_actions"),
    (5, "clear_actions"),
    (3, "write_actions"),
    (2, "write_metadata"),
    (1, "goto_table"),
];

/// Each once, those that have a name in the order of `known`, others behind them.
fn in_order<'a>(ids: &'a [FeatureId], known: &[(u8, &str)]) -> Vec<&'a FeatureId> {
    let place = |id: &&FeatureId| {
        let place = known.iter().position(|(kind, _)| u16::from(*kind) == id.kind);
        (place.unwrap_or(known.len()), id.kind)
    };
    let mut ids: Vec<&FeatureId> = ids.iter().collect();
    ids.sort_by_key(place);
    ids.dedup();
    ids
}

fn sorted(fields: impl Iterator<Item = Field>) -> Vec<Field> {
    let mut fields: Vec<Field> = fields.collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

/// Types by their names, or by their numbers and what belongs to them, a space before each.
struct Names<'a>(&'a [&'a FeatureId], &'static [(u8, &'static str)]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|id| {
            match self.1.iter().find(|(kind, _)| u16::from(*kind) == id.kind) {
                Some((_, name)) => write!(f, " {name}")?,
                None => write!(f, " {}", id.kind)?,
            }
            match &id.data[..] {
                [] => Ok(()),
                data => write!(f, "({})", HexBytes(data)),
            }
        })
    }
}
