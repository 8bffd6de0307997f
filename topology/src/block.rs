//! Blocks: the units in which flows are compiled, versioned and handed to switches.
//!
//! A block is the set of flows that one thing gives rise to: a network, a port on its host. A
//! switch's state is known as (block, version) pairs, and brought forward by replaying a block's
//! journal from the version that it has.

mod flow;
mod journal;

use std::collections::BTreeMap;
use std::sync::Arc;

use openflow::Flow;
use rustc_hash::{FxHashMap, FxHashSet};

pub use flow::BlockFlow;
pub use journal::Delta;
use journal::Journal;

use crate::cookie::{BlockKind, Cookie};
use crate::key::Key;

/// Which block.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum BlockId {
    /// The tunnel endpoints of all hosts; the same on every host.
    Vteps,
    /// A network; the same on every host.
    Network(Key),
    /// A policy profile: the rules of a set of security groups; the same on every host.
    Profile(Key),
    /// The members of a security group; the same on every host.
    GroupMembers(Key),
    /// The prefixes of an address group; the same on every host.
    AddressGroup(Key),
    /// What a host needs whatever is on it.
    HostBase(Key),
    /// A network on one host.
    HostNetwork {
        /// The host.
        host: Key,
        /// The network.
        network: Key,
    },
    /// A port on the host that serves it.
    HostPort {
        /// The host.
        host: Key,
        /// The port.
        port: Key,
    },
}

impl BlockId {
    /// The sort of block.
    pub const fn kind(self) -> BlockKind {
        match self {
            Self::Vteps => BlockKind::Vteps,
            Self::Network(_) => BlockKind::Network,
            Self::Profile(_) => BlockKind::Profile,
            Self::GroupMembers(_) => BlockKind::GroupMembers,
            Self::AddressGroup(_) => BlockKind::AddressGroup,
            Self::HostBase(_) => BlockKind::HostBase,
            Self::HostNetwork { .. } => BlockKind::HostNetwork,
            Self::HostPort { .. } => BlockKind::HostPort,
        }
    }

    /// The owner in the cookies of the block's flows.
    pub const fn owner(self) -> Key {
        match self {
            Self::Vteps => Key::NONE,
            Self::Network(key)
            | Self::Profile(key)
            | Self::GroupMembers(key)
            | Self::AddressGroup(key)
            | Self::HostBase(key)
            | Self::HostNetwork { network: key, .. }
            | Self::HostPort { port: key, .. } => key,
        }
    }

    /// The cookie and mask that select exactly this block's flows on a host that has the block.
    pub const fn cookie_and_mask(self) -> (u64, u64) {
        let kind = (self.kind() as u64) << 56;
        (kind | (self.owner().get() as u64) << 32, Cookie::OWNER_MASK)
    }
}

/// The flows of one block, with a version and the recent past.
#[derive(Debug)]
pub struct Block {
    shared: bool,
    fragments: BTreeMap<Key, Box<[Arc<BlockFlow>]>>,
    flows: usize,
    journal: Journal,
}

impl Block {
    /// An empty block, at `version`.
    pub(crate) fn new(kind: BlockKind, version: u64) -> Self {
        let shared = kind.is_shared();
        Self { shared, fragments: BTreeMap::new(), flows: 0, journal: Journal::new(version) }
    }

    /// Changes whenever a flow of the block does; never the same twice for one block, even when
    /// the block goes and comes back.
    pub fn version(&self) -> u64 {
        self.journal.version()
    }

    /// The flows, in the order of the members that give rise to them.
    pub fn flows(&self) -> impl Iterator<Item = &Arc<BlockFlow>> + '_ {
        self.fragments.values().flat_map(|flows| flows.iter())
    }

    /// The members and the flows that each gives rise to.
    pub(crate) fn fragments(&self) -> impl Iterator<Item = (Key, &[Arc<BlockFlow>])> + '_ {
        self.fragments.iter().map(|(&member, flows)| (member, &**flows))
    }

    /// How many flows there are.
    pub fn len(&self) -> usize {
        self.flows
    }

    /// True when there is no flow.
    pub fn is_empty(&self) -> bool {
        self.flows == 0
    }

    /// What changed since `version`, oldest first; nothing when that is the present version.
    /// `None` when the journal does not reach back so far: then the whole block has to be compared.
    pub fn since(&self, version: u64) -> Option<impl Iterator<Item = &Delta> + '_> {
        self.journal.since(version)
    }

    /// Replaces the flows of some members and, when anything differs, makes `version` the block's
    /// version. Returns how many flows are gone; `None` when nothing differs.
    pub(crate) fn replace(
        &mut self,
        members: Vec<(Key, Vec<Flow>)>,
        version: u64,
    ) -> Option<usize> {
        let mut net = Net::default();
        for (member, flows) in members {
            let old = self.fragments.remove(&member).unwrap_or_default();
            self.flows -= old.len();
            let flows = net.replace(&old, flows, self.shared);
            self.flows += flows.len();
            if !flows.is_empty() {
                self.fragments.insert(member, flows);
            }
        }
        if net.is_empty() {
            return None;
        }
        let mut removed = 0;
        let delta = || {
            let delta = net.into_delta();
            removed = delta.removed.len();
            delta
        };
        self.journal.push(version, delta, self.flows);
        Some(removed)
    }
}

/// What replacing several members comes to: a flow that one member loses and another gains is
/// put, not removed.
#[derive(Default)]
struct Net {
    put: Vec<Arc<BlockFlow>>,
    removed: Vec<Arc<BlockFlow>>,
}

impl Net {
    /// The new flows of one member, the old ones reused where they are equal.
    fn replace(
        &mut self,
        old: &[Arc<BlockFlow>],
        new: Vec<Flow>,
        shared: bool,
    ) -> Box<[Arc<BlockFlow>]> {
        let predecessors = self.predecessors(old, &new);
        let flows = new.into_iter().zip(predecessors).map(|(flow, old)| match old {
            Some(same) if same.flow == flow => same.clone(),
            _ => {
                let flow = Arc::new(BlockFlow::new(flow, shared));
                self.put.push(flow.clone());
                flow
            }
        });
        flows.collect()
    }

    /// For each new flow the old one of its identity; old ones without a successor are removed.
    fn predecessors<'a>(
        &mut self,
        old: &'a [Arc<BlockFlow>],
        new: &[Flow],
    ) -> Vec<Option<&'a Arc<BlockFlow>>> {
        let mut old: FxHashMap<_, _> = old.iter().map(|old| (old.flow.identity(), old)).collect();
        let predecessors = new.iter().map(|flow| old.remove(&flow.identity())).collect();
        self.removed.extend(old.into_values().cloned());
        predecessors
    }

    fn is_empty(&self) -> bool {
        self.put.is_empty() && self.removed.is_empty()
    }

    fn into_delta(mut self) -> Delta {
        if !self.removed.is_empty() {
            let put: FxHashSet<_> = self.put.iter().map(|flow| flow.flow.identity()).collect();
            self.removed.retain(|flow| !put.contains(&flow.flow.identity()));
        }
        Delta { put: sorted(self.put), removed: sorted(self.removed) }
    }
}

/// In an order that depends on nothing but the flows, each once.
fn sorted(mut flows: Vec<Arc<BlockFlow>>) -> Vec<Arc<BlockFlow>> {
    flows.sort_by(|a, b| {
        let order = |flow: &BlockFlow| (flow.flow.table, std::cmp::Reverse(flow.flow.priority));
        order(a)
            .cmp(&order(b))
            .then_with(|| a.flow.matching.as_oxm_bytes().cmp(b.flow.matching.as_oxm_bytes()))
    });
    flows.dedup_by(|a, b| a.flow.identity() == b.flow.identity());
    flows
}

#[cfg(test)]
mod tests;
