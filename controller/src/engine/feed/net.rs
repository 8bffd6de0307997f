use std::sync::Arc;

use openflow::FlowId;
use rustc_hash::FxHashMap;
use topology::block::{BlockFlow, Delta};

/// What changes of flows come to.
#[derive(Default)]
pub(super) struct Net {
    put: FxHashMap<FlowId, Arc<BlockFlow>>,
    removed: FxHashMap<FlowId, Arc<BlockFlow>>,
}

impl Net {
    /// What one block's deltas come to, oldest first.
    pub(super) fn of_block<'a>(deltas: impl IntoIterator<Item = &'a Delta>) -> Self {
        let mut net = Self::default();
        for delta in deltas {
            for flow in &delta.removed {
                let id = flow.flow.id();
                net.put.remove(&id);
                net.removed.insert(id, flow.clone());
            }
            for flow in &delta.put {
                let id = flow.flow.id();
                net.removed.remove(&id);
                net.put.insert(id, flow.clone());
            }
        }
        net
    }

    /// All flows of a block.
    pub(super) fn whole<'a>(flows: impl IntoIterator<Item = &'a Arc<BlockFlow>>) -> Self {
        let put = flows.into_iter().map(|flow| (flow.flow.id(), flow.clone())).collect();
        Self { put, removed: FxHashMap::default() }
    }

    /// Adds what another block's changes come to. A flow that one block loses and another has, such
    /// as that of a port number that has changed hands, is put and not removed.
    pub(super) fn add_block(&mut self, other: Self) {
        self.put.extend(other.put);
        self.removed.extend(other.removed);
    }

    /// True when a flow of this identity is put or removed.
    pub(super) fn concerns(&self, flow: &FlowId) -> bool {
        self.put.contains_key(flow) || self.removed.contains_key(flow)
    }

    /// Flows to put that no other block has.
    pub(super) fn add(&mut self, flows: Vec<Arc<BlockFlow>>) {
        self.put.extend(flows.into_iter().map(|flow| (flow.flow.id(), flow)));
    }

    /// How many flows there are to put.
    pub(super) fn len(&self) -> usize {
        self.put.len()
    }

    /// The flows to put and those to remove.
    pub(super) fn into_flows(self) -> (Vec<Arc<BlockFlow>>, Vec<Arc<BlockFlow>>) {
        let Self { put, mut removed } = self;
        removed.retain(|id, _| !put.contains_key(id));
        (put.into_values().collect(), removed.into_values().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(cookie: u64, port: u32) -> Arc<BlockFlow> {
        let flow = format!("table=0,in_port={port} actions=drop").parse().unwrap();
        Arc::new(BlockFlow::new(openflow::Flow { cookie, ..flow }, false))
    }

    #[test]
    fn what_two_blocks_exchange_is_put_whichever_comes_first() {
        let [a, b] = [(1, [5, 6]), (2, [6, 5])].map(|(cookie, [old, new])| Delta {
            put: vec![flow(cookie, new)],
            removed: vec![flow(cookie, old)],
        });
        for order in [[&a, &b], [&b, &a]] {
            let mut net = Net::default();
            order.into_iter().for_each(|delta| net.add_block(Net::of_block([delta])));
            let (mut put, removed) = net.into_flows();
            put.sort_by_key(|flow| flow.flow.cookie);
            assert_eq!((put, removed), (vec![flow(1, 6), flow(2, 5)], vec![]));
        }
    }

    #[test]
    fn what_one_block_puts_and_removes_is_removed_and_the_other_way_round() {
        let put = |port| Delta { put: vec![flow(1, port)], removed: vec![] };
        let removed = |port| Delta { put: vec![], removed: vec![flow(1, port)] };
        let (added, gone) = Net::of_block(&[put(5), removed(5)]).into_flows();
        assert_eq!((added, gone), (vec![], vec![flow(1, 5)]));
        let (added, gone) = Net::of_block(&[removed(5), put(5)]).into_flows();
        assert_eq!((added, gone), (vec![flow(1, 5)], vec![]));
    }
}
