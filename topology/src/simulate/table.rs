use std::sync::Arc;

use openflow::{Field, Flow, FlowId, Oxm};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::Packet;

/// One flow table: the flows by which bits they ask for, and of those by what they must be.
///
/// A look-up costs one hash per distinct mask, not per flow, which is how Open vSwitch does it
/// too (tuple space search).
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// By descending highest priority.
    tuples: Vec<Tuple>,
}

/// What a look-up found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The flow of the highest priority.
    pub(super) flow: Arc<Flow>,
    /// Another of the same priority that does otherwise: which of the two a switch takes is not
    /// defined.
    pub(super) rival: Option<Arc<Flow>>,
}

/// The flows that ask for the same bits of the same fields.
#[derive(Clone, Debug)]
struct Tuple {
    mask: SmallVec<[(Field, u128); 6]>,
    /// By the values of the masked fields; each by descending priority.
    flows: FxHashMap<SmallVec<[u128; 6]>, Vec<Arc<Flow>>>,
    highest: u16,
}

impl Table {
    /// Adds a flow, in place of the one with the same priority and match, which is returned.
    pub(super) fn add(&mut self, flow: Arc<Flow>) -> Option<Arc<Flow>> {
        let mask = mask(&flow);
        let at = self.tuples.iter().position(|tuple| tuple.mask == mask).unwrap_or_else(|| {
            self.tuples.push(Tuple { mask, flows: FxHashMap::default(), highest: 0 });
            self.tuples.len() - 1
        });
        let tuple = &mut self.tuples[at];
        let rises = flow.priority > tuple.highest;
        tuple.highest = tuple.highest.max(flow.priority);
        let flows = tuple.flows.entry(values(&flow)).or_default();
        let old = match flows.binary_search_by(|other| flow.priority.cmp(&other.priority)) {
            Ok(place) => Some(std::mem::replace(&mut flows[place], flow)),
            Err(place) => {
                flows.insert(place, flow);
                None
            }
        };
        if rises {
            self.sort();
        }
        old
    }

    /// Removes the flow with this identity.
    pub(super) fn remove(&mut self, id: &FlowId) -> Option<Arc<Flow>> {
        let wanted = Flow { matching: id.matching.clone(), ..Flow::default() };
        let mask = mask(&wanted);
        let at = self.tuples.iter().position(|tuple| tuple.mask == mask)?;
        let tuple = &mut self.tuples[at];
        let values = values(&wanted);
        let flows = tuple.flows.get_mut(&values)?;
        let place = flows.iter().position(|flow| flow.priority == id.priority)?;
        let old = flows.remove(place);
        if flows.is_empty() {
            tuple.flows.remove(&values);
        }
        if tuple.flows.is_empty() {
            self.tuples.remove(at);
        } else if old.priority == tuple.highest {
            let firsts = tuple.flows.values().filter_map(|flows| flows.first());
            tuple.highest = firsts.map(|flow| flow.priority).max().unwrap_or(0);
            self.sort();
        }
        Some(old)
    }

    /// The flow that a packet takes.
    pub(super) fn find(&self, packet: &Packet) -> Option<Found> {
        let mut best: Option<Found> = None;
        for tuple in &self.tuples {
            if best.as_ref().is_some_and(|best| best.flow.priority > tuple.highest) {
                break;
            }
            let values: SmallVec<[u128; 6]> =
                tuple.mask.iter().map(|&(field, mask)| packet.field(field) & mask).collect();
            let Some(flow) = tuple.flows.get(&values).and_then(|flows| flows.first()) else {
                continue;
            };
            match &mut best {
                Some(best) if best.flow.priority > flow.priority => {}
                Some(best) if best.flow.priority == flow.priority => {
                    if best.flow.instructions != flow.instructions {
                        best.rival = Some(flow.clone());
                    }
                }
                _ => best = Some(Found { flow: flow.clone(), rival: None }),
            }
        }
        best
    }

    /// All flows, in no particular order.
    pub(super) fn flows(&self) -> impl Iterator<Item = &Arc<Flow>> {
        self.tuples.iter().flat_map(|tuple| tuple.flows.values().flatten())
    }

    fn sort(&mut self) {
        self.tuples.sort_by_key(|tuple| std::cmp::Reverse(tuple.highest));
    }
}

fn mask(flow: &Flow) -> SmallVec<[(Field, u128); 6]> {
    flow.matching.fields().map(|Oxm { field, mask, .. }| (field, mask)).collect()
}

fn values(flow: &Flow) -> SmallVec<[u128; 6]> {
    flow.matching.fields().map(|oxm| oxm.value).collect()
}

#[cfg(test)]
mod tests {
    use openflow::Match;

    use super::*;

    fn flow(priority: u16, matching: Match) -> Arc<Flow> {
        Arc::new(Flow { priority, matching, ..Flow::default() })
    }

    fn reg(number: u8, value: u32) -> Match {
        Match::new().with(Field::reg(number), value)
    }

    #[test]
    fn the_highest_priority_wins_over_all_masks() {
        let mut table = Table::default();
        table.add(flow(0, Match::new()));
        table.add(flow(10, reg(0, 1)));
        table.add(flow(20, Match::new().with_masked(Field::REG1, 0x10u32, 0xf0u32)));
        let found = |r0: u32, r1: u32| {
            let packet = Packet::new().with(Field::REG0, r0).with(Field::REG1, r1);
            table.find(&packet).map(|found| found.flow.priority)
        };
        assert_eq!(found(0, 0), Some(0));
        assert_eq!(found(1, 0), Some(10));
        assert_eq!(found(1, 0x1f), Some(20));
        assert_eq!(found(0, 0x2f), Some(0));
    }

    #[test]
    fn a_rival_that_does_otherwise_is_seen() {
        let mut table = Table::default();
        table.add(flow(10, reg(0, 1)));
        table.add(flow(10, reg(1, 1)));
        let goes_on = vec![openflow::Instruction::GotoTable(1)];
        let other = Flow { instructions: goes_on, ..(*flow(10, reg(2, 1))).clone() };
        table.add(Arc::new(other));
        let one = Packet::new().with(Field::REG0, 1u32);
        let same = one.clone().with(Field::REG1, 1u32);
        assert!(table.find(&one).unwrap().rival.is_none());
        assert!(table.find(&same).unwrap().rival.is_none());
        assert!(table.find(&one.with(Field::REG2, 1u32)).unwrap().rival.is_some());
    }

    #[test]
    fn same_identity_replaces_and_removal_uncovers() {
        let mut table = Table::default();
        let low = flow(1, reg(0, 1));
        let high = flow(9, reg(0, 1));
        assert_eq!(table.add(low.clone()), None);
        assert_eq!(table.add(high.clone()), None);
        assert_eq!(table.add(high.clone()), Some(high.clone()));
        let packet = Packet::new().with(Field::REG0, 1u32);
        assert_eq!(table.find(&packet).unwrap().flow, high);
        assert_eq!(table.remove(&high.id()), Some(high.clone()));
        assert_eq!(table.find(&packet).unwrap().flow, low);
        assert_eq!(table.remove(&high.id()), None);
        assert_eq!(table.remove(&low.id()), Some(low));
        assert!(table.find(&packet).is_none());
        assert_eq!(table.flows().count(), 0);
    }
}
