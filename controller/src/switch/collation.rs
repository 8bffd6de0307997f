use std::sync::Arc;

use openflow::Flow;
use openflow::message::FlowStats;
use rustc_hash::{FxHashMap, FxHashSet};
use topology::block::BlockFlow;
use topology::cookie::Cookie;

use super::reconcile::{Difference, Put};

/// Compares what a switch tells, flow by flow, with what it should have.
///
/// Nothing is kept of flows that are as they should be: a switch that has all of its flows costs
/// no more memory than it takes to tell which were told.
#[derive(Debug)]
pub struct Collation {
    desired: Vec<Arc<BlockFlow>>,
    /// Made when the first flow is told: a switch that has none needs none.
    wanted: Option<Wanted>,
    found: Difference,
}

/// What has not been told of what a switch should have.
#[derive(Debug)]
struct Wanted {
    /// Hash of a flow's identity → the flow, by its place.
    by_identity: FxHashMap<u64, usize>,
    /// Flows whose hash is another's, too, by their places.
    clashing: Vec<usize>,
    told: Vec<bool>,
    /// What their cookies are about.
    subjects: FxHashSet<u64>,
}

impl Collation {
    /// Of a switch that should have these flows.
    pub fn new(desired: Vec<Arc<BlockFlow>>) -> Self {
        Self { desired, wanted: None, found: Difference::default() }
    }

    /// The switch has this flow.
    pub fn tell(&mut self, stats: &FlowStats) {
        let wanted = self.wanted.get_or_insert_with(|| Wanted::of(&self.desired));
        let (flow, found) = (&stats.flow, &mut self.found);
        let is_ours = Cookie(flow.cookie).is_ours();
        found.ours += u64::from(is_ours);
        match wanted.take(flow, &self.desired) {
            Some(place) if self.desired[place].flow == *flow => {}
            Some(place) => {
                found.count(flow).altered += 1;
                let replaces = Some(flow.cookie);
                found.put.push(Put { flow: self.desired[place].clone(), replaces });
            }
            None if is_ours && !wanted.subjects.contains(&subject(flow)) => {
                found.orphaned.push(flow.clone());
            }
            None if is_ours => {
                found.count(flow).extra += 1;
                found.removed.push(flow.clone());
            }
            None => found.foreign.push(flow.clone()),
        }
    }

    /// The switch has told all of its flows.
    pub fn finish(self) -> Difference {
        let Self { desired, wanted, mut found } = self;
        let told = wanted.map(|wanted| wanted.told);
        for (place, flow) in desired.into_iter().enumerate() {
            if told.as_ref().is_none_or(|told| !told[place]) {
                found.count(&flow.flow).missing += 1;
                found.put.push(Put { flow, replaces: None });
            }
        }
        found
    }
}

impl Wanted {
    fn of(desired: &[Arc<BlockFlow>]) -> Self {
        let mut wanted = Self {
            by_identity: FxHashMap::default(),
            clashing: Vec::new(),
            told: vec![false; desired.len()],
            subjects: desired.iter().map(|flow| subject(&flow.flow)).collect(),
        };
        wanted.by_identity.reserve(desired.len());
        for (place, flow) in desired.iter().enumerate() {
            if let Some(other) = wanted.by_identity.insert(flow.identity_hash(), place) {
                wanted.clashing.push(other);
            }
        }
        wanted
    }

    /// The place of the flow that has this identity, when it is told for the first time.
    fn take(&mut self, flow: &Flow, desired: &[Arc<BlockFlow>]) -> Option<usize> {
        let first = self.by_identity.get(&BlockFlow::identity_hash_of(flow));
        let mut places = first.into_iter().chain(&self.clashing).copied();
        let place = places.find(|place| desired[*place].flow.identity() == flow.identity())?;
        let told = std::mem::replace(&mut self.told[place], true);
        (!told).then_some(place)
    }
}

fn subject(flow: &Flow) -> u64 {
    Cookie(flow.cookie).subject()
}

#[cfg(test)]
mod tests {
    use super::super::reconcile::tests::wanted;
    use super::*;

    #[test]
    fn flows_whose_hashes_are_the_same_are_told_apart() {
        let desired = wanted();
        let mut wanted = Wanted::of(&desired);
        wanted.by_identity.clear();
        wanted.clashing = (0..desired.len()).rev().collect();
        for (place, flow) in desired.iter().enumerate() {
            assert_eq!(wanted.take(&flow.flow, &desired), Some(place));
            assert_eq!(wanted.take(&flow.flow, &desired), None, "told twice");
        }
    }
}
