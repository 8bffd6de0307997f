use std::sync::Arc;
use std::time::{Duration, Instant};

use openflow::FlowId;
use openflow::message::ErrorCode;
use rustc_hash::FxHashMap;
use topology::block::BlockFlow;
use topology::cookie::Cookie;
use tracing::warn;

use super::bundles::Refused;
use super::reconcile::Difference;
use super::script::{Script, Step};
use crate::engine::{RefusedFlow, RefusedFlows};

/// Until refused flows are tried again for the first time, or when something has changed.
const FIRST: Duration = Duration::from_secs(1);
/// And at most, when nothing changes.
const LAST: Duration = Duration::from_secs(60);

/// Refusals that are named in the log each time.
const NAMED: usize = 10;

/// Flows that a switch should have and does not take.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    flows: FxHashMap<FlowId, (Arc<BlockFlow>, ErrorCode)>,
    retry: Option<Instant>,
    delay: Duration,
}

impl Refusals {
    /// Takes account of a script of changes that the switch has carried out but for `refused`.
    /// True when the flows are not the same as before, or their reasons.
    pub(super) fn follow(&mut self, script: &Script, refused: Vec<Refused>, now: Instant) -> bool {
        if self.flows.is_empty() && refused.is_empty() {
            return false;
        }
        let before = self.flows.len();
        let mut frees = false;
        for step in script.steps() {
            match step {
                Step::Put(flow) => drop(self.flows.remove(&flow.flow.id())),
                Step::Remove(flow) => {
                    frees = true;
                    self.flows.remove(&flow.id());
                }
                Step::Clear(block) => {
                    frees = true;
                    let (cookie, mask) = block.cookie_and_mask();
                    self.flows.retain(|_, (flow, _)| flow.flow.cookie & mask != cookie);
                }
            }
        }
        let changed = self.flows.len() != before || !refused.is_empty();
        self.add(refused, true);
        // A place that has become free may be for one of them.
        if changed || frees {
            self.delay = FIRST;
            let soon = now + FIRST;
            self.retry = Some(self.retry.map_or(soon, |retry| retry.min(soon)));
        }
        self.rest_if_empty();
        changed
    }

    /// Forgets all of them; true when there were any.
    pub(super) fn forget(&mut self) -> bool {
        let were_there = !self.flows.is_empty();
        self.flows.clear();
        self.rest_if_empty();
        were_there
    }

    /// When they are to be tried again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.retry
    }

    /// All of them, to be tried again.
    pub(super) fn script(&self) -> Script {
        Script::putting(self.flows.values().map(|(flow, _)| flow.clone()).collect())
    }

    /// Takes account of them having been tried again. True when the switch has taken some.
    pub(super) fn tried(&mut self, refused: Vec<Refused>, now: Instant) -> bool {
        let before = self.flows.len();
        self.flows.clear();
        self.add(refused, false);
        let progress = self.flows.len() < before;
        self.delay = if progress { FIRST } else { LAST.min(self.delay * 2) };
        self.retry = Some(now + self.delay);
        self.rest_if_empty();
        progress
    }

    /// Leaves out of a difference what is missing because the switch does not take it.
    pub(super) fn discount(&self, difference: &mut Difference) {
        if self.flows.is_empty() {
            return;
        }
        let mut missing = Vec::new();
        difference.put.retain(|put| {
            let flow = &put.flow.flow;
            let refused = self.flows.contains_key(&flow.id());
            missing.extend(refused.then_some(flow.table));
            !refused
        });
        for table in missing {
            difference.discount(table);
        }
    }

    /// What the engine is to know of them.
    pub(super) fn told(&self) -> RefusedFlows {
        let flow = |(flow, error): &(Arc<BlockFlow>, ErrorCode)| RefusedFlow {
            cookie: Cookie(flow.flow.cookie),
            table: flow.flow.table,
            reason: error.to_string(),
        };
        let mut listed: Vec<_> = self.flows.values().map(flow).collect();
        listed.sort_by_key(|flow| (flow.table, flow.cookie));
        listed.truncate(RefusedFlows::LISTED);
        RefusedFlows { listed, count: self.flows.len() as u64 }
    }

    fn add(&mut self, refused: Vec<Refused>, log: bool) {
        let count = refused.len();
        for (at, Refused { step, error }) in refused.into_iter().enumerate() {
            if log && at < NAMED {
                warn!(%error, %step, "the switch refused a flow");
            }
            // A removal that is refused shows at the next read-back.
            if let Step::Put(flow) = step {
                self.flows.insert(flow.flow.id(), (flow, error));
            }
        }
        if log && count > NAMED {
            warn!(count, "flow-mods were refused in all");
        }
    }

    fn rest_if_empty(&mut self) {
        if self.flows.is_empty() {
            self.retry = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reconcile::tests::wanted;
    use super::*;

    const FULL: ErrorCode = ErrorCode { kind: 5, code: 1, experimenter: 0 };

    fn refuse(flows: &[Arc<BlockFlow>]) -> Vec<Refused> {
        let refused =
            |flow: &Arc<BlockFlow>| Refused { step: Step::Put(flow.clone()), error: FULL };
        flows.iter().map(refused).collect()
    }

    #[test]
    fn what_is_refused_is_tried_again_ever_more_seldom_until_it_is_taken() {
        let (flows, mut refusals) = (wanted(), Refusals::default());
        let mut now = Instant::now();
        assert!(!refusals.follow(&Script::putting(flows.clone()), vec![], now));
        assert_eq!(refusals.deadline(), None);
        assert!(refusals.follow(&Script::putting(flows.clone()), refuse(&flows[..3]), now));
        assert_eq!(refusals.told().count, 3);
        assert_eq!(refusals.told().listed[0].reason, FULL.to_string());
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(refusals.deadline(), Some(now + Duration::from_secs(seconds)));
            now += Duration::from_secs(seconds);
            assert_eq!(refusals.script().len(), 3);
            assert!(!refusals.tried(refuse(&flows[..3]), now));
        }
        // One is taken: then soon the next may be.
        now += LAST;
        assert!(refusals.tried(refuse(&flows[..2]), now));
        assert_eq!(refusals.deadline(), Some(now + FIRST));
        assert!(refusals.tried(vec![], now));
        assert_eq!((refusals.deadline(), refusals.told()), (None, RefusedFlows::default()));
    }

    #[test]
    fn what_is_not_wanted_any_more_is_forgotten_and_makes_room() {
        let (flows, mut refusals) = (wanted(), Refusals::default());
        let now = Instant::now();
        refusals.follow(&Script::putting(flows.clone()), refuse(&flows[..2]), now);
        assert!(refusals.forget() && !refusals.forget());
        assert_eq!(refusals.deadline(), None);
        refusals.follow(&Script::putting(flows.clone()), refuse(&flows[..2]), now);
        refusals.tried(refuse(&flows[..2]), now);
        let removed = vec![flows[0].flow.clone(), flows[3].flow.clone()];
        let later = now + Duration::from_millis(500);
        assert!(refusals.follow(&Script::ordered(vec![], vec![], removed), vec![], later));
        assert_eq!((refusals.told().count, refusals.deadline()), (1, Some(later + FIRST)));
        // Other changes leave it alone.
        assert!(!refusals.follow(&Script::putting(flows[4..].to_vec()), vec![], later));
        // It is not missing because of others.
        let mut difference = Difference::missing(flows[1..3].to_vec());
        refusals.discount(&mut difference);
        assert_eq!(difference.put, Difference::missing(flows[2..3].to_vec()).put);
        assert!(refusals.follow(&Script::putting(flows.clone()), vec![], later));
        assert_eq!(refusals.deadline(), None);
    }
}
