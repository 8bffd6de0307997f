use std::collections::BTreeMap;

use ovsdb::replica::Table as DatabaseTable;
use topology::model::Timestamp;

/// How many of a table's flows are not as they should be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TableDrift {
    /// Flows that should be there and are not.
    pub missing: u64,
    /// Flows that are there, and do something else than they should or have another cookie.
    pub altered: u64,
    /// Flows with a cookie of ours that should not be there.
    pub extra: u64,
}

impl TableDrift {
    /// All of them.
    pub fn flows(self) -> u64 {
        self.missing + self.altered + self.extra
    }
}

/// Flows that are not as they should be, by the number of their table.
pub type DriftByTable = BTreeMap<u8, TableDrift>;

/// How many rows of ours in a host's database are not as they should be, by table.
pub type RowsByTable = BTreeMap<DatabaseTable, u64>;

/// What a comparison of a switch with what it was handed has come to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Comparison {
    /// What others have changed.
    pub found: DriftByTable,
    /// Whether it was put right; else it was left as it is.
    pub healed: bool,
    /// Flows that are not ours and stay.
    pub foreign: u64,
}

/// What others have changed on a host, in its switch and in its database, since this `weftd`
/// started, as far as it was noticed while they were connected.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Drift {
    /// Flows that were put right.
    pub healed: DriftByTable,
    /// Flows that were found at the last comparison, and left as they were.
    pub standing: DriftByTable,
    /// How often the switch's way with fragments, a port or a meter of ours was put right.
    pub settings_healed: u64,
    /// Rows that were put right in the host's database.
    pub rows_healed: RowsByTable,
    /// Rows that are not as they should be, and are left so.
    pub rows_standing: RowsByTable,
    /// When anything was found last.
    pub last_found: Option<Timestamp>,
}

impl Drift {
    pub(super) fn compared(&mut self, found: DriftByTable, healed: bool, now: Timestamp) {
        if !found.is_empty() {
            self.last_found = Some(now);
        }
        if !healed {
            self.standing = found;
            return;
        }
        self.standing.clear();
        for (table, found) in found {
            let healed = self.healed.entry(table).or_default();
            healed.missing += found.missing;
            healed.altered += found.altered;
            healed.extra += found.extra;
        }
    }

    /// The switch was brought to what it should have, whatever had been left before.
    pub(super) fn synchronised(&mut self) {
        self.standing.clear();
    }

    pub(super) fn rows_compared(&mut self, found: RowsByTable, healed: bool, now: Timestamp) {
        if !found.is_empty() {
            self.last_found = Some(now);
        }
        if !healed {
            self.rows_standing = found;
            return;
        }
        self.rows_standing.clear();
        for (table, rows) in found {
            *self.rows_healed.entry(table).or_default() += rows;
        }
    }

    pub(super) fn settings_healed(&mut self, count: u64, now: Timestamp) {
        self.settings_healed += count;
        self.last_found = Some(now);
    }

    /// All flows that were put right.
    pub fn flows_healed(&self) -> u64 {
        self.healed.values().map(|drift| drift.flows()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_healed_adds_up_and_what_stands_does_not() {
        let found = |missing, extra| {
            DriftByTable::from([(9, TableDrift { missing, extra, ..TableDrift::default() })])
        };
        let mut drift = Drift::default();
        drift.compared(found(2, 0), true, Timestamp(1));
        drift.compared(found(1, 4), true, Timestamp(2));
        drift.compared(DriftByTable::new(), true, Timestamp(3));
        assert_eq!((drift.flows_healed(), drift.healed), (7, found(3, 4)));
        assert_eq!(drift.last_found, Some(Timestamp(2)));

        let mut drift = Drift::default();
        drift.compared(found(2, 0), false, Timestamp(1));
        drift.compared(found(3, 1), false, Timestamp(2));
        assert_eq!((drift.standing.clone(), drift.flows_healed()), (found(3, 1), 0));
        drift.compared(DriftByTable::new(), false, Timestamp(3));
        assert_eq!(drift.standing, DriftByTable::new());
    }

    #[test]
    fn rows_are_counted_like_flows() {
        let found = |rows| RowsByTable::from([(DatabaseTable::Interface, rows)]);
        let mut drift = Drift::default();
        drift.rows_compared(found(2), true, Timestamp(1));
        drift.rows_compared(found(1), true, Timestamp(2));
        assert_eq!((&drift.rows_healed, drift.last_found), (&found(3), Some(Timestamp(2))));
        drift.rows_compared(found(1), false, Timestamp(3));
        drift.rows_compared(found(2), false, Timestamp(4));
        assert_eq!((&drift.rows_healed, &drift.rows_standing), (&found(3), &found(2)));
        drift.rows_compared(RowsByTable::new(), false, Timestamp(5));
        assert_eq!(
            (drift.rows_standing, drift.last_found),
            (RowsByTable::new(), Some(Timestamp(4)))
        );
    }
}
