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
/// first to the last.
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
        put.sort_by_key(|flow| std::cmp::Reverse(flow.flow.table));
        removed.sort_by_key(|flow| flow.table);
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

    /// The steps, divided into what goes into one bundle each.
    pub(super) fn bundles(&self) -> impl Iterator<Item = &[Step]> {
        let size = if self.whole { self.steps.len() } else { BUNDLE };
        self.steps.chunks(size.max(1))
    }
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
