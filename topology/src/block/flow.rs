use std::hash::{Hash, Hasher};

use bytes::Bytes;
use openflow::Flow;
use openflow::message::{BundleFlags, FlowModCommand, bundled_flow_frame};
use rustc_hash::FxHasher;

/// A flow of a block.
#[derive(Debug, Eq, PartialEq)]
pub struct BlockFlow {
    /// The flow.
    pub flow: Flow,
    /// Encoded already, where the flow goes to many switches.
    shared: Option<Bytes>,
}

impl BlockFlow {
    /// The bundle that the frames are part of.
    pub const BUNDLE_ID: u32 = 1;

    /// The highest of the xids that frames have, the lowest being 1: none of
    /// [`openflow::session::Session::OWN_XIDS`].
    pub const LAST_XID: u32 = 0x7fff_ffff;

    /// A flow that goes to one switch, or, when `shared`, to many: such a flow is encoded now,
    /// once for all of them. The frame of another is made when it is asked for, and not kept.
    pub fn new(flow: Flow, shared: bool) -> Self {
        // Copied to a buffer of its own size: the flow stays as long as the object it is for.
        let shared = shared.then(|| Bytes::copy_from_slice(&encode(&flow)));
        Self { flow, shared }
    }

    /// The whole bundle-add message that adds the flow or replaces the one of its identity, as
    /// part of the bundle [`BlockFlow::BUNDLE_ID`] with [`BundleFlags::ATOMIC_ORDERED`]. Its xid
    /// is [`BlockFlow::xid`].
    pub fn frame(&self) -> Bytes {
        self.shared.clone().unwrap_or_else(|| encode(&self.flow))
    }

    /// The frame's xid, which an error about the flow carries: derived from the flow, so that the
    /// frame is the same for every switch.
    pub fn xid(&self) -> u32 {
        xid(&self.flow)
    }
}

fn encode(flow: &Flow) -> Bytes {
    let flags = BundleFlags::ATOMIC_ORDERED;
    bundled_flow_frame(FlowModCommand::Add, flow, BlockFlow::BUNDLE_ID, flags, xid(flow))
        .expect("compile functions divide long lists into flows that fit a message")
}

fn xid(flow: &Flow) -> u32 {
    let mut hasher = FxHasher::default();
    flow.table.hash(&mut hasher);
    flow.priority.hash(&mut hasher);
    flow.matching.hash(&mut hasher);
    (hasher.finish() as u32 & BlockFlow::LAST_XID).max(1)
}
