use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use openflow::message::{FlowMod, FlowModCommand, Message};
use openflow::{Flow, Match};
use topology::block::{BlockFlow, BlockId};
use topology::cookie::Cookie;

use super::reconcile::Difference;
use crate::engine::Update;

/// Flow-mods of one bundle, where they can be divided among several.
pub(super) const BUNDLE: usize = 2048;

/// One flow-mod to send.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// All flows of a block go.
    Clear(BlockId),
    /// A flow is added, or replaces the one of its identity.
    Put(Arc<BlockFlow>),
    /// This flow goes, unless its place was taken by one of another block.
    Remove(Box<Flow>),
}

/// The flow-mods by which a switch gets from one state to another, in the order in which no packet
/// meets a half-made path: what is new from the last table to the first, then what goes from the
/// first to the last. Within a table a flow never stands without those of higher priority that make
/// an exception of it: a spoofed packet, say, of which the exception is that it is dropped. So what
/// is in the way of a packet that must not pass is there first and goes last.
#[derive(Debug, Default)]
pub struct Script {
    steps: Vec<Step>,
    /// A block is cleared and filled again: that must be one bundle.
    whole: bool,
}

impl Script {
    /// What a read back found to be different.
    pub fn from_difference(difference: Difference) -> Self {
        let put = difference.put.into_iter().map(|put| put.flow).collect();
        Self::ordered(vec![], put, difference.removed)
    }

    /// What has changed since the last hand-over; beside it these flows go.
    pub(super) fn from_update(update: Update, mut removed: Vec<Flow>) -> Self {
        removed.extend(update.removed.iter().map(|flow| flow.flow.clone()));
        let mut cleared = update.cleared;
        cleared.extend(update.left);
        Self::ordered(cleared, update.put, removed)
    }

    /// These steps, in this order.
    pub(super) fn of_steps(steps: Vec<Step>) -> Self {
        Self { steps, whole: false }
    }

    /// These flows, and nothing else.
    pub(super) fn putting(flows: Vec<Arc<BlockFlow>>) -> Self {
        Self::ordered(vec![], flows, vec![])
    }

    pub(super) fn ordered(
        cleared: Vec<BlockId>,
        mut put: Vec<Arc<BlockFlow>>,
        mut removed: Vec<Flow>,
    ) -> Self {
        put.sort_by_key(|flow| Reverse(place(&flow.flow)));
        removed.sort_by_key(place);
        let whole = !cleared.is_empty();
        let steps = cleared.into_iter().map(Step::Clear);
        let steps = steps.chain(put.into_iter().map(Step::Put));
        Self {
            steps: steps.chain(removed.into_iter().map(|flow| Step::Remove(flow.into()))).collect(),
            whole,
        }
    }

    /// Number of flow-mods.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// True when there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps, in order.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter()
    }

    /// The steps, of a script that is one bundle.
    pub(super) fn bundle(&self) -> &[Step] {
        &self.steps
    }

    /// The steps, divided into what goes into one bundle each.
    pub(super) fn bundles(&self) -> impl Iterator<Item = &[Step]> {
        let size = if self.whole { self.steps.len() } else { BUNDLE };
        self.steps.chunks(size.max(1))
    }
}

/// Where a flow stands: what is put is put by falling places, what goes goes by rising ones.
pub(super) fn place(flow: &Flow) -> (u8, u16) {
    (flow.table, flow.priority)
}

impl Step {
    /// The message, for a step that is sent on its own.
    pub(super) fn message(&self) -> Message {
        Message::FlowMod(match self {
            Self::Put(flow) => FlowMod::add(flow.flow.clone()),
            Self::Clear(block) => {
                let (cookie, cookie_mask) = block.cookie_and_mask();
                let table = FlowMod::ALL_TABLES;
                let flow = Flow { table, cookie, matching: Match::new(), ..Flow::default() };
                FlowMod { cookie_mask, ..FlowMod::new(FlowModCommand::Delete, flow) }
            }
            Self::Remove(flow) => {
                let delete = FlowMod::delete_strict(flow.id());
                let flow = Flow { cookie: flow.cookie, ..delete.flow };
                FlowMod { cookie_mask: Cookie::OWNER_MASK, ..FlowMod::new(delete.command, flow) }
            }
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(flow) => write!(f, "{}", flow.flow),
            Self::Remove(flow) => write!(f, "removal of {flow}"),
            Self::Clear(block) => write!(f, "removal of {block:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(table: u8, priority: u16) -> Flow {
        Flow { table, priority, cookie: 0x1000_0001_0000_0001, ..Flow::default() }
    }

    fn put(table: u8, priority: u16) -> Arc<BlockFlow> {
        Arc::new(BlockFlow::new(flow(table, priority), false))
    }

    /// What each step does, where.
    fn order(script: &Script) -> Vec<(char, u8, u16)> {
        let step = |step: &Step| match step {
            Step::Clear(_) => ('c', 0, 0),
            Step::Put(flow) => ('+', flow.flow.table, flow.flow.priority),
            Step::Remove(flow) => ('-', flow.table, flow.priority),
        };
        script.steps().map(step).collect()
    }

    #[test]
    fn a_path_is_made_from_its_end_and_taken_away_from_its_beginning() {
        let came = vec![put(0, 100), put(10, 100), put(90, 100), put(10, 200), put(101, 0)];
        let gone = vec![flow(90, 100), flow(0, 100), flow(10, 200), flow(10, 100)];
        let expected = [
            ('+', 101, 0),
            ('+', 90, 100),
            // What drops comes before what it is an exception of, and stays after it.
            ('+', 10, 200),
            ('+', 10, 100),
            ('+', 0, 100),
            ('-', 0, 100),
            ('-', 10, 100),
            ('-', 10, 200),
            ('-', 90, 100),
        ];
        assert_eq!(order(&Script::ordered(vec![], came, gone)), expected);
    }

    #[test]
    fn a_long_difference_is_divided_in_its_order_and_what_is_cleared_is_not() {
        let flows = || (0..=254).flat_map(|table| (0..20).map(move |it| put(table, it)));
        let script = Script::ordered(vec![], flows().collect(), vec![]);
        let bundles: Vec<_> = script.bundles().collect();
        assert_eq!(bundles.len(), 3);
        assert!(bundles.iter().all(|bundle| bundle.len() <= BUNDLE));
        let tables = script.steps().map(|step| match step {
            Step::Put(flow) => flow.flow.table,
            _ => 255,
        });
        assert!(tables.is_sorted_by(|a, b| a >= b));
        let block = BlockId::Profile(topology::key::Key::new(1).expect("1 is a key"));
        let script = Script::ordered(vec![block], flows().collect(), vec![]);
        assert_eq!(script.bundles().count(), 1);
    }
}
