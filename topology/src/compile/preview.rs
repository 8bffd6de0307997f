//! What a flush would change, without changing it.

use std::collections::BTreeMap;
use std::sync::Arc;

use openflow::{Flow, Match};
use rustc_hash::FxHashMap;

use super::Compiler;
use crate::block::{Block, BlockFlow, BlockId};
use crate::key::Key;
use crate::model::HostId;

/// How many of a host's flows change.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FlowChanges {
    /// Flows that the host does not have yet.
    pub added: usize,
    /// Flows that have the same table, priority and match, and are otherwise others.
    pub changed: usize,
    /// Flows that it does not keep.
    pub removed: usize,
}

/// A block that a host has or gets.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Part {
    /// The host has it and keeps it.
    Kept(BlockId),
    /// The host has not had it.
    Gained(BlockId),
    /// The host has had it.
    Lost(BlockId),
}

/// The fragments of a block that are to be compiled, as they would be.
type Fragments = BTreeMap<Key, Vec<Flow>>;

impl Compiler {
    /// What the next [`Compiler::flush`] would change on the hosts where it would change
    /// anything.
    ///
    /// It compiles what the flush would, once; blocks that many hosts share are compared once for
    /// all hosts that have the same of those that change.
    pub fn preview(&self) -> BTreeMap<HostId, FlowChanges> {
        let fragments: FxHashMap<BlockId, Fragments> =
            self.dirty.fragments.keys().map(|&block| (block, self.fragments(block))).collect();
        let mut shared = FxHashMap::default();
        let mut changes = BTreeMap::new();
        for (host, parts) in self.parts() {
            let (common, own): (Vec<_>, Vec<_>) =
                parts.into_iter().partition(|part| part.block().kind().is_shared());
            // Shared and local blocks have no flow in common.
            let own = self.compare(&own, &fragments);
            let common = match shared.get(&common) {
                Some(common) => *common,
                None => {
                    let changes = self.compare(&common, &fragments);
                    shared.insert(common, changes);
                    changes
                }
            };
            let all = FlowChanges {
                added: own.added + common.added,
                changed: own.changed + common.changed,
                removed: own.removed + common.removed,
            };
            if all != FlowChanges::default() {
                changes.insert(host, all);
            }
        }
        changes
    }

    /// What the marked members of `block` give rise to; nothing when nothing gives rise to the
    /// block.
    fn fragments(&self, block: BlockId) -> Fragments {
        let exists = self.inputs.has_block(block);
        let members = self.dirty.fragments.get(&block).into_iter().flatten();
        let compile = |&member| {
            (member, if exists { self.inputs.compile(block, member) } else { Vec::new() })
        };
        members.map(compile).collect()
    }

    /// The blocks of each host that may not be as they were, or not its own any more.
    fn parts(&self) -> BTreeMap<HostId, Vec<Part>> {
        let mut parts: BTreeMap<HostId, Vec<Part>> = BTreeMap::new();
        for &(host, block) in &self.dirty.subscriptions {
            let part =
                match (self.is_subscribed(host, block), self.inputs.host_has_block(host, block)) {
                    (true, true) if self.dirty.fragments.contains_key(&block) => Part::Kept(block),
                    (false, true) => Part::Gained(block),
                    (true, false) => Part::Lost(block),
                    (true, true) | (false, false) => continue,
                };
            parts.entry(host).or_default().push(part);
        }
        for &block in self.dirty.fragments.keys() {
            for host in self.subscribers(block) {
                if !self.dirty.subscriptions.contains(&(host, block)) {
                    parts.entry(host).or_default().push(Part::Kept(block));
                }
            }
        }
        for parts in parts.values_mut() {
            parts.sort_unstable_by_key(|part| part.block());
        }
        parts
    }

    /// What a host's flows in some blocks come to.
    fn compare(&self, parts: &[Part], fragments: &FxHashMap<BlockId, Fragments>) -> FlowChanges {
        let mut flows = Flows::default();
        let none = Fragments::new();
        for part in parts {
            let block = self.blocks.get(&part.block());
            let fresh = fragments.get(&part.block()).unwrap_or(&none);
            let old = block.into_iter().flat_map(Block::fragments);
            match part {
                Part::Kept(_) => {
                    flows.old(old.filter(|(member, _)| fresh.contains_key(member)));
                    flows.new.extend(fresh.values().flatten().map(|flow| (flow.identity(), flow)));
                }
                Part::Gained(_) => {
                    let stay = old.filter(|(member, _)| !fresh.contains_key(member));
                    let stay = stay.flat_map(|(_, flows)| flows).map(|flow| &flow.flow);
                    let all = stay.chain(fresh.values().flatten());
                    flows.new.extend(all.map(|flow| (flow.identity(), flow)));
                }
                Part::Lost(_) => flows.old(old),
            }
        }
        flows.changes()
    }
}

/// Flows before and after, by what tells them apart in a switch.
#[derive(Default)]
struct Flows<'a> {
    old: FxHashMap<(u8, u16, &'a Match), &'a Flow>,
    new: FxHashMap<(u8, u16, &'a Match), &'a Flow>,
}

impl<'a> Flows<'a> {
    fn old(&mut self, fragments: impl Iterator<Item = (Key, &'a [Arc<BlockFlow>])>) {
        let flows = fragments.flat_map(|(_, flows)| flows);
        self.old.extend(flows.map(|flow| (flow.flow.identity(), &flow.flow)));
    }

    fn changes(&self) -> FlowChanges {
        let kept = self.new.iter().filter_map(|(id, new)| Some((self.old.get(id)?, new)));
        let (same, changed) =
            kept.fold(
                (0, 0),
                |(same, changed), (old, new)| {
                    if old == new { (same + 1, changed) } else { (same, changed + 1) }
                },
            );
        FlowChanges {
            added: self.new.len() - same - changed,
            changed,
            removed: self.old.len() - same - changed,
        }
    }
}

impl Part {
    fn block(&self) -> BlockId {
        match *self {
            Self::Kept(block) | Self::Gained(block) | Self::Lost(block) => block,
        }
    }
}
