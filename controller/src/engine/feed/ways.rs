use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use topology::block::{Block, BlockFlow, BlockId};
use topology::cookie::Cookie;
use topology::key::Key;

use super::net::Net;

/// Flows of one hand-over, where it has ways to ports that could as well come later.
pub(super) const PART: usize = 256;

/// The ways to the ports of networks that a host has only just got, as far as they were not handed
/// out. They follow in parts, port by port, the youngest first: what was made together is likely to
/// talk to each other. So the first port of a network does not wait for the ways to all others, nor
/// does what changes meanwhile.
///
/// Only networks are divided. Before a host has a network no port of it is there whose traffic
/// could miss a way; a group's members, on the other hand, may be what a port of the host is
/// changed over to.
#[derive(Debug, Default)]
pub(super) struct Ways(BTreeMap<BlockId, Vec<Arc<BlockFlow>>>);

impl Ways {
    /// Keeps the ways of a block that the host has got; answers its other flows.
    pub(super) fn divide(&mut self, id: BlockId, block: &Block) -> Vec<Arc<BlockFlow>> {
        let is_network = matches!(id, BlockId::Network(_));
        let is_way =
            |flow: &&Arc<BlockFlow>| is_network && Cookie(flow.flow.cookie).member() != Key::NONE;
        let (ways, others): (Vec<_>, Vec<_>) = block.flows().partition(is_way);
        if !ways.is_empty() {
            self.0.insert(id, ways.into_iter().cloned().collect());
        }
        others.into_iter().cloned().collect()
    }

    /// True when ways of this block are kept.
    pub(super) fn contains(&self, block: BlockId) -> bool {
        self.0.contains_key(&block)
    }

    /// True when none are kept.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing of this block is to follow any more.
    pub(super) fn forget(&mut self, block: BlockId) {
        self.0.remove(&block);
    }

    /// `changes` of this block are handed out: what they concern does not follow.
    pub(super) fn superseded(&mut self, block: BlockId, changes: &Net) {
        let Some(ways) = self.0.get_mut(&block) else { return };
        ways.retain(|flow| !changes.concerns(&flow.flow.id()));
        if ways.is_empty() {
            self.forget(block);
        }
    }

    /// Takes at most so many of the flows that are kept; answers the blocks they are of, too.
    pub(super) fn take(&mut self, limit: usize) -> (Vec<Arc<BlockFlow>>, BTreeSet<BlockId>) {
        let (mut flows, mut blocks) = (Vec::new(), BTreeSet::new());
        while flows.len() < limit {
            let Some(mut first) = self.0.first_entry() else { break };
            blocks.insert(*first.key());
            let ways = first.get_mut();
            // They are in the order of their ports' keys.
            let left = ways.len().saturating_sub(limit - flows.len());
            flows.extend(ways.drain(left..));
            if ways.is_empty() {
                first.remove();
            }
        }
        (flows, blocks)
    }
}

#[cfg(test)]
mod tests;
