use std::collections::BTreeSet;

use openflow::Flow;
use rustc_hash::{FxHashMap, FxHashSet};
use topology::block::{BlockFlow, BlockId};
use topology::cookie::{BlockKind, Cookie};

use super::bundles::Refused;
use super::reconcile::{Difference, Put};
use super::script::{Script, Step};
use crate::engine::{Stay, Update};

/// Flows of ours that a switch should not have and keeps until they are released.
///
/// Of each a hash and the cookie: what is held is found in what the switch tells, and is left by
/// what is put in its place.
#[derive(Debug, Default)]
pub(super) struct Held(FxHashMap<u64, u64>);

impl Held {
    /// Takes out of a comparison what stays.
    pub(super) fn take(difference: &mut Difference, stay: Stay) -> Self {
        let mut held = Self::default();
        match stay {
            Stay::Nothing => {}
            Stay::Orphaned => held.add(&std::mem::take(&mut difference.orphaned)),
            Stay::Everything => held.add(&difference.spare(|_| true)),
        }
        held
    }

    /// Takes out of a later comparison what is held. True when the switch does not have all of it
    /// any more.
    pub(super) fn find(&mut self, difference: &mut Difference) -> bool {
        let before = self.0.len();
        if before == 0 {
            return false;
        }
        let found = difference.spare(|flow| self.has(flow));
        self.0.clear();
        self.add(&found);
        self.0.len() < before
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes account of what the switch has carried out but for `refused`. True when that has put
    /// something in the place of a flow that is held, or has removed one.
    pub(super) fn follow(&mut self, script: &Script, refused: &[Refused]) -> bool {
        let before = self.0.len();
        if before == 0 {
            return false;
        }
        let refused = refused.iter().filter_map(|refused| match &refused.step {
            Step::Put(flow) => Some(flow.identity_hash()),
            Step::Remove(_) | Step::Clear(_) => None,
        });
        let refused: FxHashSet<_> = refused.collect();
        for step in script.steps() {
            match step {
                // What it was to take the place of is still there.
                Step::Put(flow) if refused.contains(&flow.identity_hash()) => {}
                Step::Put(flow) => drop(self.0.remove(&flow.identity_hash())),
                Step::Remove(flow) if self.has(flow) => {
                    self.0.remove(&BlockFlow::identity_hash_of(flow));
                }
                Step::Remove(_) => {}
                Step::Clear(block) => self.0.retain(|_, cookie| !is_of(*cookie, *block)),
            }
        }
        self.0.len() < before
    }

    /// Changes `update` such that what is held stays, and that nobody meets what was another's: what
    /// is held of a port goes when another has its place on the switch. A block of which something
    /// is held is neither cleared nor left; true when there is one: then the switch has to be
    /// compared.
    pub(super) fn restrict(&self, update: &mut Update) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let is_free = |block: &BlockId| !self.0.values().any(|cookie| is_of(*cookie, *block));
        let before = update.cleared.len() + update.left.len();
        update.cleared.retain(is_free);
        update.left.retain(is_free);
        let has_to_be_compared = update.cleared.len() + update.left.len() < before;
        let host = update.changed.iter().find_map(|block| match block {
            BlockId::HostPort { host, .. } => Some(*host),
            _ => None,
        });
        let displaced = update.put.iter().filter_map(|flow| {
            let held = *self.0.get(&flow.identity_hash())?;
            displaced_port(held, flow.flow.cookie)
        });
        let displaced: BTreeSet<_> = displaced.map(Cookie::owner).collect();
        if let Some(host) = host {
            update.left.extend(displaced.into_iter().map(|port| BlockId::HostPort { host, port }));
        }
        has_to_be_compared
    }

    fn has(&self, flow: &Flow) -> bool {
        let held = self.0.get(&BlockFlow::identity_hash_of(flow));
        held.is_some_and(|cookie| owner(*cookie) == owner(flow.cookie))
    }

    fn add(&mut self, flows: &[Flow]) {
        let flows = flows.iter().map(|flow| (BlockFlow::identity_hash_of(flow), flow.cookie));
        self.0.extend(flows);
    }
}

/// Takes out of a comparison what is left of ports in whose place another is put: an OpenFlow port
/// number, say, that has changed hands. Whatever stays, that goes.
pub(super) fn take_displaced(difference: &mut Difference) -> Vec<Flow> {
    let displaced = difference
        .put
        .iter()
        .filter_map(|Put { flow, replaces }| displaced_port((*replaces)?, flow.flow.cookie));
    let displaced: FxHashSet<_> = displaced.collect();
    match displaced.is_empty() {
        true => Vec::new(),
        false => difference.spare(|flow| displaced.contains(&Cookie(owner(flow.cookie)))),
    }
}

/// Kind and owner of the cookie `old`, when that is a port's and `new` is not the same port's.
fn displaced_port(old: u64, new: u64) -> Option<Cookie> {
    let is_ports = Cookie(old).kind() == Some(BlockKind::HostPort);
    (is_ports && owner(old) != owner(new)).then_some(Cookie(owner(old)))
}

fn owner(cookie: u64) -> u64 {
    cookie & Cookie::OWNER_MASK
}

fn is_of(cookie: u64, block: BlockId) -> bool {
    let (of_block, mask) = block.cookie_and_mask();
    cookie & mask == of_block
}

#[cfg(test)]
mod tests;
