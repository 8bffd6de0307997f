use std::sync::Arc;

use openflow::Flow;
use openflow::message::FlowStats;
use topology::block::BlockFlow;

use super::collation::Collation;
use crate::engine::{DriftByTable, TableDrift};

/// What a switch needs to have exactly the flows it should, and no other of ours.
#[derive(Debug, Default)]
pub struct Difference {
    /// Flows that are missing or differ.
    pub put: Vec<Put>,
    /// Flows of what the switch should have, which should not be there.
    pub removed: Vec<Flow>,
    /// Flows with a cookie of ours, of what the switch should have nothing of at all.
    pub orphaned: Vec<Flow>,
    /// Flows with a cookie that is none of ours.
    pub foreign: Vec<Flow>,
    /// How many of `put` and `removed` each table has, and why.
    pub tables: DriftByTable,
    /// Flows with a cookie of ours that are there.
    pub ours: u64,
}

/// A flow that is to be put.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Put {
    /// The flow.
    pub flow: Arc<BlockFlow>,
    /// The cookie of the flow that has its place.
    pub replaces: Option<u64>,
}

impl Difference {
    /// A switch that has nothing, and should have these flows.
    pub fn missing(flows: impl IntoIterator<Item = Arc<BlockFlow>>) -> Self {
        let put = flows.into_iter().map(|flow| Put { flow, replaces: None }).collect();
        Self { put, ..Self::default() }
    }

    /// True when the switch has what it should, and nothing else of ours.
    pub fn is_none(&self) -> bool {
        self.put.is_empty() && self.removed.is_empty() && self.orphaned.is_empty()
    }

    /// What is orphaned is to be removed, too.
    pub(super) fn remove_orphaned(&mut self) {
        let orphaned = std::mem::take(&mut self.orphaned);
        self.remove(orphaned);
    }

    /// Takes out flows that would be removed.
    pub(super) fn spare(&mut self, which: impl Fn(&Flow) -> bool) -> Vec<Flow> {
        let mut spared: Vec<_> = self.removed.extract_if(.., |flow| which(flow)).collect();
        for flow in &spared {
            let drift = self.count(flow);
            drift.extra = drift.extra.saturating_sub(1);
            if drift.flows() == 0 {
                self.tables.remove(&flow.table);
            }
        }
        spared.extend(self.orphaned.extract_if(.., |flow| which(flow)));
        spared
    }

    /// These flows are to be removed, too.
    pub(super) fn remove(&mut self, flows: Vec<Flow>) {
        for flow in flows {
            self.count(&flow).extra += 1;
            self.removed.push(flow);
        }
    }

    /// A flow of `table` that is missing does not count.
    pub(super) fn discount(&mut self, table: u8) {
        let Some(drift) = self.tables.get_mut(&table) else { return };
        drift.missing = drift.missing.saturating_sub(1);
        if drift.flows() == 0 {
            self.tables.remove(&table);
        }
    }

    pub(super) fn count(&mut self, flow: &Flow) -> &mut TableDrift {
        self.tables.entry(flow.table).or_default()
    }
}

/// Compares what a switch has with what it should have.
pub fn difference(desired: &[Arc<BlockFlow>], installed: &[FlowStats]) -> Difference {
    let mut collation = Collation::new(desired.to_vec());
    installed.iter().for_each(|stats| collation.tell(stats));
    collation.finish()
}

#[cfg(test)]
pub(super) mod tests {
    use topology::compile::Compiler;
    use topology::facts::HostFacts;
    use topology::model::{Change, Host, HostId, Resource};
    use uuid::Uuid;

    use super::*;
    use crate::fixture;

    /// What a host needs that nothing is on.
    pub(in super::super) fn wanted() -> Vec<Arc<BlockFlow>> {
        let host = Host::new(HostId(Uuid::from_u128(1)), fixture::meta(1, "a"));
        let (mut compiler, id) = (Compiler::new(), host.id);
        compiler.apply(&Change::Put(Resource::Host(host.into())));
        compiler.set_facts(id, HostFacts::default());
        compiler.flush();
        compiler.desired(id).cloned().collect()
    }

    fn installed(flows: impl IntoIterator<Item = Flow>) -> Vec<FlowStats> {
        let stats = |flow| FlowStats {
            flow,
            duration_sec: 1,
            duration_nsec: 0,
            packet_count: 7,
            byte_count: 700,
        };
        flows.into_iter().map(stats).collect()
    }

    #[test]
    fn what_differs_is_counted_by_table_and_by_how() {
        let wanted = wanted();
        let there = || wanted.iter().map(|flow| flow.flow.clone());
        assert!(difference(&wanted, &installed(there())).is_none());

        let (first, last) = (&wanted[0].flow, &wanted[wanted.len() - 1].flow);
        let altered = Flow { instructions: vec![], cookie: first.cookie ^ 0x100, ..first.clone() };
        let extra = Flow { priority: 12_345, ..last.clone() };
        let foreign = Flow { cookie: 7, priority: 12_346, ..first.clone() };
        let flows = there().skip(1).take(wanted.len() - 2).chain([altered, extra, foreign.clone()]);
        let found = difference(&wanted, &installed(flows));
        let put: Vec<_> =
            found.put.iter().map(|put| (put.flow.flow.clone(), put.replaces)).collect();
        assert_eq!(put, [(first.clone(), Some(first.cookie ^ 0x100)), (last.clone(), None)]);
        assert_eq!((found.removed.len(), found.foreign), (1, vec![foreign]));
        assert_eq!(found.tables[&first.table].altered, 1);
        let of_last = found.tables[&last.table];
        assert_eq!((of_last.missing, of_last.extra), (1, 1));

        // What belongs to nothing that should be there is told apart.
        let orphan = Flow { cookie: 0x1400_0fff_0000_0080, priority: 12_347, ..first.clone() };
        let mut found = difference(&wanted, &installed(there().chain([orphan.clone()])));
        assert_eq!((&found.orphaned, found.removed.len()), (&vec![orphan.clone()], 0));
        assert_eq!((found.ours, found.is_none()), (wanted.len() as u64 + 1, false));
        found.remove_orphaned();
        assert_eq!((found.removed, found.tables[&orphan.table].extra), (vec![orphan], 1));

        // A flow of others' in the place of one of ours has altered ours.
        let taken = Flow { cookie: 7, ..first.clone() };
        let found = difference(&wanted[..1], &installed([taken]));
        assert_eq!((found.tables[&first.table].altered, found.foreign.len()), (1, 0));
    }
}
