use std::cmp::Reverse;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use openflow::Flow;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use topology::block::{BlockFlow, BlockId};
use topology::cookie::Cookie;

use super::reconcile::{Difference, Put};
use super::script::{Script, Step, place};
use crate::engine::Update;

/// What a switch has to get and to lose to be as it should, on its way in parts. Between them
/// changes that came later overtake it.
///
/// The parts go in the order of a [`Script`]. What a later change puts or removes is taken out, so
/// that nothing comes back that was removed, and nothing old takes the place of something newer.
#[derive(Debug, Default)]
pub(super) struct Bulk {
    /// In order.
    slots: Vec<Slot>,
    /// The first that may not be empty.
    next: usize,
    /// How many have not been taken.
    left: usize,
    /// Hash of a flow's identity → the last slot for a flow with this hash.
    by_identity: FxHashMap<u64, usize>,
    /// Kind and owner in cookies → what has not been taken.
    blocks: FxHashMap<u64, Outstanding>,
    /// Blocks that nothing has been left of since that was asked last.
    completed: Vec<BlockId>,
}

#[derive(Debug)]
struct Slot {
    /// `None` when it was taken.
    entry: Option<Entry>,
    /// The slot before this one for a flow with the same hash.
    other: Option<usize>,
}

#[derive(Debug)]
struct Entry {
    step: Step,
    /// The cookie of the flow that a put takes the place of.
    replaces: Option<u64>,
}

/// What of one block has not been taken.
#[derive(Debug, Default)]
struct Outstanding {
    /// The block, where it is one that the switch should have.
    block: Option<BlockId>,
    steps: usize,
    /// Those that put a flow in the place of another.
    altering: usize,
}

/// What goes with a change that overtakes.
#[derive(Debug, Default)]
pub(super) struct Overtaking {
    /// Flows without which the change is of no use, to be put before it.
    pub(super) along: Vec<Arc<BlockFlow>>,
    /// Flows that would have been replaced, to be removed with it.
    pub(super) removed: Vec<Flow>,
}

impl Bulk {
    /// The way from what a switch has to what it should have, which is `blocks`.
    pub(super) fn new(difference: Difference, blocks: &[BlockId]) -> Self {
        let Difference { mut put, mut removed, .. } = difference;
        put.sort_by_key(|put| Reverse(place(&put.flow.flow)));
        removed.sort_by_key(place);
        let mut bulk = Self::default();
        for &block in blocks {
            let outstanding = Outstanding { block: Some(block), ..Outstanding::default() };
            bulk.blocks.insert(block.cookie_and_mask().0, outstanding);
        }
        bulk.slots.reserve_exact(put.len() + removed.len());
        bulk.by_identity.reserve(put.len() + removed.len());
        for Put { flow, replaces } in put {
            bulk.push(Step::Put(flow), replaces);
        }
        for flow in removed {
            bulk.push(Step::Remove(flow.into()), None);
        }
        bulk.blocks.retain(|_, outstanding| {
            if outstanding.steps == 0 {
                bulk.completed.extend(outstanding.block);
            }
            outstanding.steps > 0
        });
        bulk
    }

    fn push(&mut self, step: Step, replaces: Option<u64>) {
        let Some(flow) = flow_of(&step) else { return };
        let other = self.by_identity.insert(hash(flow), self.slots.len());
        let entry = Entry { step, replaces };
        for owner in entry.owners() {
            let outstanding = self.blocks.entry(owner).or_default();
            outstanding.steps += 1;
            outstanding.altering += usize::from(replaces.is_some());
        }
        self.slots.push(Slot { entry: Some(entry), other });
        self.left += 1;
    }

    /// True when nothing is left to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// Takes the next part, of at most so many flow-mods.
    pub(super) fn part(&mut self, limit: usize) -> Script {
        let mut steps = Vec::new();
        while steps.len() < limit && self.next < self.slots.len() {
            steps.extend(self.take(self.next).map(|entry| entry.step));
            self.next += 1;
        }
        Script::of_steps(steps)
    }

    /// True when `update` has to wait for the next part: it concerns a block of which a flow that
    /// the switch has is still to be replaced. Where one flow leads on to another, both are replaced
    /// in the order of the parts, or packets that had a way would lose it for a moment.
    pub(super) fn precedes(&self, update: &Update) -> bool {
        update.changed.union(&update.presupposed).any(|block| {
            let outstanding = self.blocks.get(&block.cookie_and_mask().0);
            outstanding.is_some_and(|outstanding| outstanding.altering > 0)
        })
    }

    /// Takes out what `update` makes superfluous, and what has to go with it.
    pub(super) fn overtake(&mut self, update: &Update) -> Overtaking {
        let mut overtaking = Overtaking::default();
        if self.is_empty() {
            return overtaking;
        }
        // Flows that are there and are neither put nor removed any more in the place of others.
        let mut displaced = Vec::new();
        let whole = update.cleared.iter().chain(&update.left).copied();
        for entry in self.take_blocks(&owners(whole), |_| true) {
            displaced.extend(entry.displaced(None));
        }
        for flow in &update.put {
            self.take_flow(&flow.flow);
        }
        for flow in &update.removed {
            if let Some(entry) = self.take_flow(&flow.flow) {
                displaced.extend(entry.displaced(Some(owner(flow.flow.cookie))));
            }
        }
        if !displaced.is_empty() {
            let put: FxHashSet<_> = update.put.iter().map(|flow| flow.flow.identity()).collect();
            displaced.retain(|flow| !put.contains(&flow.identity()));
        }
        overtaking.removed = displaced;
        let presupposed = owners(update.presupposed.iter().copied());
        let along = self.take_blocks(&presupposed, |entry| matches!(entry.step, Step::Put(_)));
        overtaking.along.extend(along.into_iter().filter_map(|entry| match entry.step {
            Step::Put(flow) => Some(flow),
            Step::Remove(_) | Step::Clear(_) => None,
        }));
        overtaking
    }

    /// The blocks that nothing has been left of since this was asked last. The switch has all of
    /// them when it has carried out what was taken.
    pub(super) fn take_completed(&mut self) -> Vec<BlockId> {
        std::mem::take(&mut self.completed)
    }

    /// Takes the step that puts or removes a flow of this identity.
    fn take_flow(&mut self, flow: &Flow) -> Option<Entry> {
        let first = self.by_identity.get(&hash(flow)).copied();
        let mut chain = std::iter::successors(first, |&at| self.slots[at].other);
        let is_it =
            |entry: &Entry| flow_of(&entry.step).is_some_and(|it| it.identity() == flow.identity());
        let at = chain.find(|&at| self.slots[at].entry.as_ref().is_some_and(is_it))?;
        self.take(at)
    }

    /// Takes the steps of some blocks, by kind and owner, that `which` says.
    fn take_blocks(&mut self, owners: &FxHashSet<u64>, which: fn(&Entry) -> bool) -> Vec<Entry> {
        let steps = |owner: &u64| self.blocks.get(owner).map_or(0, |outstanding| outstanding.steps);
        if owners.iter().map(steps).sum::<usize>() == 0 {
            return Vec::new();
        }
        let is_theirs = |entry: &Entry| {
            flow_of(&entry.step).is_some_and(|flow| owners.contains(&owner(flow.cookie)))
        };
        let wanted = |at: &usize| {
            let entry = self.slots[*at].entry.as_ref();
            entry.is_some_and(|entry| is_theirs(entry) && which(entry))
        };
        let taken: Vec<_> = (self.next..self.slots.len()).filter(wanted).collect();
        taken.into_iter().filter_map(|at| self.take(at)).collect()
    }

    fn take(&mut self, index: usize) -> Option<Entry> {
        let entry = self.slots[index].entry.take()?;
        self.left -= 1;
        for owner in entry.owners() {
            let Some(outstanding) = self.blocks.get_mut(&owner) else { continue };
            outstanding.steps -= 1;
            outstanding.altering -= usize::from(entry.replaces.is_some());
            if outstanding.steps == 0 {
                self.completed.extend(outstanding.block);
                self.blocks.remove(&owner);
            }
        }
        Some(entry)
    }
}

impl Entry {
    /// The block of the flow, and that of the flow in its place: neither is as it should be before.
    fn owners(&self) -> impl Iterator<Item = u64> + use<> {
        let own = flow_of(&self.step).map(|flow| owner(flow.cookie));
        let replaced = self.replaces.map(owner).filter(|replaced| Some(*replaced) != own);
        own.into_iter().chain(replaced)
    }

    /// The flow that the step would have replaced, to be removed now that the step is not taken;
    /// not when it is of the block `already`, which sees to that itself, nor when it is not ours.
    fn displaced(self, already: Option<u64>) -> Option<Flow> {
        let cookie = self.replaces.filter(|cookie| Cookie(*cookie).is_ours())?;
        let Step::Put(flow) = self.step else { return None };
        let already = already.unwrap_or(owner(flow.flow.cookie));
        (owner(cookie) != already).then(|| Flow { cookie, ..flow.flow.clone() })
    }
}

/// Kind and owner of a cookie: which block, on one switch.
fn owner(cookie: u64) -> u64 {
    cookie & Cookie::OWNER_MASK
}

fn owners(blocks: impl Iterator<Item = BlockId>) -> FxHashSet<u64> {
    blocks.map(|block| block.cookie_and_mask().0).collect()
}

/// The flow that a step puts or removes.
fn flow_of(step: &Step) -> Option<&Flow> {
    match step {
        Step::Put(flow) => Some(&flow.flow),
        Step::Remove(flow) => Some(flow),
        Step::Clear(_) => None,
    }
}

fn hash(flow: &Flow) -> u64 {
    let mut hasher = FxHasher::default();
    flow.identity().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
