use std::collections::VecDeque;
use std::sync::Arc;

use super::BlockFlow;

/// A change of a block from one version to the next.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    /// Flows that are new, or changed under the same table, priority and match.
    pub put: Vec<Arc<BlockFlow>>,
    /// Flows that are gone.
    pub removed: Vec<Arc<BlockFlow>>,
}

impl Delta {
    /// True when nothing changes.
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.removed.is_empty()
    }

    /// How many flows change.
    pub fn len(&self) -> usize {
        self.put.len() + self.removed.len()
    }
}

/// The latest deltas of a block.
#[derive(Debug)]
pub(super) struct Journal {
    /// The version that the oldest delta starts from.
    start: u64,
    /// The version that each delta leads to.
    deltas: VecDeque<(u64, Delta)>,
    /// Flows in all deltas.
    flows: usize,
}

impl Journal {
    /// Replaying more changes than this is no cheaper than comparing a small block.
    const MIN_FLOWS: usize = 256;

    pub(super) fn new(version: u64) -> Self {
        Self { start: version, deltas: VecDeque::new(), flows: 0 }
    }

    pub(super) fn version(&self) -> u64 {
        self.deltas.back().map_or(self.start, |(version, _)| *version)
    }

    /// Adds a change to a block that now has `len` flows. The journal forgets the oldest changes
    /// when it holds more flows than the block itself. What a block begins with is no change.
    pub(super) fn push(&mut self, version: u64, delta: impl FnOnce() -> Delta, len: usize) {
        if version == self.start {
            return;
        }
        let delta = delta();
        self.flows += delta.len();
        self.deltas.push_back((version, delta));
        while self.flows > len.max(Self::MIN_FLOWS) {
            let Some((version, delta)) = self.deltas.pop_front() else { break };
            self.flows -= delta.len();
            self.start = version;
        }
    }

    pub(super) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Delta> + '_> {
        let known = version == self.start || self.deltas.iter().any(|(known, _)| *known == version);
        let later = move |(known, _): &&(u64, Delta)| *known > version;
        known.then(|| self.deltas.iter().filter(later).map(|(_, delta)| delta))
    }
}
