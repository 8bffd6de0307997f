use std::hash::{Hash, Hasher};

use bytes::Bytes;
use openflow::Flow;
use openflow::message::{BundleFlags, FlowModCommand, bundled_flow_frame};
use rustc_hash::FxHasher;

/// A flow of a block, encoded once for all switches that get it.
#[derive(Debug, Eq, PartialEq)]
pub struct BlockFlow {
    /// The flow.
    pub flow: Flow,
    /// The whole bundle-add message that adds the flow or replaces the one of its identity, as
    /// part of the bundle [`BlockFlow::BUNDLE_ID`] with [`BundleFlags::ATOMIC_ORDERED`]. Its xid
    /// is [`BlockFlow::xid`].
    pub frame: Bytes,
}

impl BlockFlow {
    /// The bundle that the frames are part of.
    pub const BUNDLE_ID: u32 = 1;

    /// The first of the xids that frames have; a session that numbers its own messages below it
    /// tells them apart.
    pub const FIRST_XID: u32 = 0x8000_0000;

    /// Encodes `flow`.
    pub(crate) fn new(flow: Flow) -> Self {
        let flags = BundleFlags::ATOMIC_ORDERED;
        let frame =
            bundled_flow_frame(FlowModCommand::Add, &flow, Self::BUNDLE_ID, flags, xid(&flow))
                .expect("compile functions divide long lists into flows that fit a message");
        Self { flow, frame }
    }

    /// The frame's xid, which an error about the flow carries: derived from the flow, so that the
    /// frame is the same on every controller.
    pub fn xid(&self) -> u32 {
        xid(&self.flow)
    }
}

fn xid(flow: &Flow) -> u32 {
    let mut hasher = FxHasher::default();
    flow.table.hash(&mut hasher);
    flow.priority.hash(&mut hasher);
    flow.matching.hash(&mut hasher);
    BlockFlow::FIRST_XID | hasher.finish() as u32
}
