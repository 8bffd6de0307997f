//! How many flows hosts should have, and how many they lose.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::{Compiler, Outcome, Resize};
use crate::block::{Block, BlockId};
use crate::model::HostId;

/// How many flows each host should have: followed flush by flush, at a cost that depends on what
/// changes and not on what there is.
#[derive(Debug, Default)]
pub struct Tally {
    hosts: FxHashMap<HostId, usize>,
    all: usize,
}

/// Flows that go.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Loss {
    /// How many go: those whose block the host has no use for any more, and those that have no
    /// successor of the same table, priority and match in their block.
    pub flows: usize,
    /// How many there were.
    pub of: usize,
}

/// What a flush takes away.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Losses {
    /// From the hosts that lose something.
    pub hosts: BTreeMap<HostId, Loss>,
    /// How many flows all hosts had, counted for each.
    pub of: usize,
}

impl Tally {
    /// How many flows `host` should have.
    pub fn of(&self, host: HostId) -> usize {
        self.hosts.get(&host).copied().unwrap_or_default()
    }

    /// How many all hosts should have, counted for each.
    pub fn all(&self) -> usize {
        self.all
    }

    /// Takes account of a flush that has had this outcome, and concerned these blocks of these
    /// hosts: [`Outcome::concerned`].
    pub fn follow(
        &mut self,
        outcome: &Outcome,
        concerned: &BTreeSet<(HostId, BlockId)>,
        compiler: &Compiler,
    ) -> Losses {
        let gained: BTreeSet<_> = outcome.subscribed.iter().collect();
        let lost: BTreeSet<_> = outcome.unsubscribed.iter().collect();
        let mut changes: BTreeMap<HostId, Resize> = BTreeMap::new();
        for of_host in concerned {
            let &(host, block) = of_host;
            let resize = outcome.resized.get(&block).copied();
            let Resize { before, after, removed } = resize.unwrap_or_else(|| {
                let flows = compiler.block(block).map_or(0, Block::len);
                Resize { before: flows, after: flows, removed: 0 }
            });
            let change = changes.entry(host).or_default();
            if !gained.contains(of_host) {
                change.before += before;
            }
            if lost.contains(of_host) {
                change.removed += before;
            } else {
                change.after += after;
                change.removed += if gained.contains(of_host) { 0 } else { removed };
            }
        }
        self.take(&changes)
    }

    /// Takes account of what has become of hosts' flows.
    fn take(&mut self, changes: &BTreeMap<HostId, Resize>) -> Losses {
        let mut losses = Losses { hosts: BTreeMap::new(), of: self.all };
        for (&host, &Resize { before, after, removed }) in changes {
            let flows = self.of(host);
            if removed > 0 {
                losses.hosts.insert(host, Loss { flows: removed, of: flows });
            }
            self.all = self.all + after - before;
            match flows + after - before {
                0 => drop(self.hosts.remove(&host)),
                flows => drop(self.hosts.insert(host, flows)),
            }
        }
        losses
    }
}
