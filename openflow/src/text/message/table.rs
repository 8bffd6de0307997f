//! Counters of tables.

use std::fmt;

use crate::message::TableStats;

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
