use std::sync::Arc;

use openflow::Flow;
use openflow::message::FlowStats;
use rustc_hash::FxHashMap;
use topology::block::BlockFlow;
use topology::cookie::Cookie;

/// What a switch needs to have exactly the flows it should, and no other of ours.
#[derive(Debug, Default)]
pub struct Difference {
    /// Flows that are missing or differ.
    pub put: Vec<Arc<BlockFlow>>,
    /// Flows with a cookie of ours that should not be there.
    pub removed: Vec<Flow>,
    /// Flows with a cookie that is none of ours. They stay.
    pub foreign: Vec<Flow>,
}

/// Compares what a switch has with what it should have.
pub fn difference(desired: &[Arc<BlockFlow>], installed: &[FlowStats]) -> Difference {
    let mut difference = Difference::default();
    let mut missing: FxHashMap<_, _> =
        desired.iter().map(|wanted| (wanted.flow.identity(), wanted)).collect();
    for FlowStats { flow, .. } in installed {
        match missing.remove(&flow.identity()) {
            Some(wanted) if wanted.flow == *flow => {}
            Some(wanted) => difference.put.push(wanted.clone()),
            None if Cookie(flow.cookie).is_ours() => difference.removed.push(flow.clone()),
            None => difference.foreign.push(flow.clone()),
        }
    }
    difference.put.extend(missing.into_values().cloned());
    difference
}
