//! Tables: their counters, and what they can do.

use std::fmt;

use super::group::ACTIONS;
use crate::message::{FeatureId, FlowKind, OxmId, TableFeature, TableFeatures, TableStats};
use crate::text::HexBytes;

/// Writes tables' counters; the ones that are like the one before them together.
pub(super) fn stats(f: &mut fmt::Formatter<'_>, tables: &[TableStats]) -> fmt::Result {
    let counters = |it: &TableStats| (it.active_count, it.lookup_count, it.matched_count);
    for (at, alike) in tables.chunk_by(|a, b| counters(a) == counters(b)).enumerate() {
        let (first, same) = (alike[0], &alike[1..]);
        f.write_str(if at == 0 { "\n" } else { "\n\n" })?;
        let TableStats { table, active_count, lookup_count, matched_count } = first;
        write!(f, "  table {table}:\n    active={active_count}, lookup={lookup_count}")?;
        write!(f, ", matched={matched_count}")?;
        match same {
            [] => {}
            [one] => write!(f, "\n\n  table {}: ditto", one.table)?,
            [first, .., last] => write!(f, "\n\n  tables {}...{}: ditto", first.table, last.table)?,
        }
    }
    Ok(())
}

/// Writes what a table can do, after a line end: a line for each property.
pub(super) fn features(f: &mut fmt::Formatter<'_>, features: &TableFeatures) -> fmt::Result {
    write!(f, "\n  table {}", features.table)?;
    if !features.name.as_bytes().is_empty() {
        write!(f, " (\"{}\")", features.name.text().escape_debug())?;
    }
    f.write_str(":")?;
    let (matched, written) = (features.metadata_match, features.metadata_write);
    write!(f, "\n    metadata: match={matched:#x} write={written:#x}")?;
    if features.config != 0 {
        write!(f, "\n    config={:#x}", features.config)?;
    }
    write!(f, "\n    max_entries={}", features.max_entries)?;
    for property in &features.properties {
        f.write_str("\n    ")?;
        match property {
            TableFeature::Instructions(flows, ids) => {
                write!(f, "{}instructions:", Of(*flows))?;
                names(f, ids, INSTRUCTIONS)?;
            }
            TableFeature::NextTables(flows, tables) => {
                write!(f, "{}next tables:", Of(*flows))?;
                ranges(f, tables)?;
            }
            TableFeature::WriteActions(flows, ids) => {
                write!(f, "{}actions to write:", Of(*flows))?;
                names(f, ids, ACTIONS)?;
            }
            TableFeature::ApplyActions(flows, ids) => {
                write!(f, "{}actions to apply:", Of(*flows))?;
                names(f, ids, ACTIONS)?;
            }
            TableFeature::Match(ids) => {
                f.write_str("fields to match:")?;
                fields(f, ids)?;
            }
            TableFeature::Wildcards(ids) => {
                f.write_str("fields to leave out:")?;
                fields(f, ids)?;
            }
            TableFeature::WriteSetField(flows, ids) => {
                write!(f, "{}fields to set in written actions:", Of(*flows))?;
                fields(f, ids)?;
            }
            TableFeature::ApplySetField(flows, ids) => {
                write!(f, "{}fields to set in applied actions:", Of(*flows))?;
                fields(f, ids)?;
            }
            TableFeature::Unknown(bytes) => write!(f, "raw({})", HexBytes(bytes))?,
        }
    }
    Ok(())
}

/// Names what is said of the table-miss flow only.
struct Of(FlowKind);

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 == FlowKind::TableMiss { "table miss: " } else { "" })
    }
}

/// `OFPIT_*`, with their names.
const INSTRUCTIONS: &[(u8, &str)] = &[
    (1, "goto_table"),
    (2, "write_metadata"),
    (3, "write_actions"),
    (4, "apply_actions"),
    (5, "clear_actions"),
    (6, "meter"),
];

/// Writes types by their names, or their numbers and what belongs to them.
fn names(f: &mut fmt::Formatter<'_>, ids: &[FeatureId], known: &[(u8, &str)]) -> fmt::Result {
    for id in ids {
        match known.iter().find(|(kind, _)| u16::from(*kind) == id.kind) {
            Some((_, name)) => write!(f, " {name}")?,
            None => write!(f, " {}", id.kind)?,
        }
        if !id.data.is_empty() {
            write!(f, "({})", HexBytes(&id.data))?;
        }
    }
    Ok(())
}

/// Writes numbers, those that follow upon each other as `1-253`.
fn ranges(f: &mut fmt::Formatter<'_>, numbers: &[u8]) -> fmt::Result {
    let consecutive = |a: &u8, b: &u8| a.checked_add(1) == Some(*b);
    for run in numbers.chunk_by(consecutive) {
        match run {
            [one] => write!(f, " {one}")?,
            [first, .., last] => write!(f, " {first}-{last}")?,
            [] => {}
        }
    }
    Ok(())
}

/// Writes fields by their names, those that can be masked with a star.
fn fields(f: &mut fmt::Formatter<'_>, ids: &[OxmId]) -> fmt::Result {
    for id in ids {
        match id.field.spec() {
            Some(spec) => write!(f, " {}", spec.name)?,
            None => write!(f, " {:?}", id.field)?,
        }
        f.write_str(if id.has_mask { "*" } else { "" })?;
    }
    Ok(())
}
