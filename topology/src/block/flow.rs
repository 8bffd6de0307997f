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
    /// What is at hand of a flow that goes to many switches. Most go to one, and pay for no more
    /// than a pointer.
    shared: Option<Box<Shared>>,
}

#[derive(Debug, Eq, PartialEq)]
struct Shared {
    /// [`BlockFlow::identity_hash_of`] the flow.
    hash: u64,
    /// [`BlockFlow::frame`].
    frame: Bytes,
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
        let shared = shared.then(|| {
            let hash = Self::identity_hash_of(&flow);
            // Copied to a buffer of its own size: the flow stays as long as the object it is for.
            let frame = Bytes::copy_from_slice(&encode(&flow, xid(hash)));
            Box::new(Shared { hash, frame })
        });
        Self { flow, shared }
    }

    /// A hash of what tells a flow from every other in a switch ([`Flow::identity`]): of flows
    /// that many switches have it is worth having at hand. The same in every run.
    pub fn identity_hash_of(flow: &Flow) -> u64 {
        let mut hasher = FxHasher::default();
        flow.identity().hash(&mut hasher);
        hasher.finish()
    }

    /// [`BlockFlow::identity_hash_of`] this flow.
    pub fn identity_hash(&self) -> u64 {
        match &self.shared {
            Some(shared) => shared.hash,
            None => Self::identity_hash_of(&self.flow),
        }
    }

    /// The whole bundle-add message that adds the flow or replaces the one of its identity, as
    /// part of the bundle [`BlockFlow::BUNDLE_ID`] with [`BundleFlags::ATOMIC_ORDERED`]. Its xid
    /// is [`BlockFlow::xid`].
    pub fn frame(&self) -> Bytes {
        match &self.shared {
            Some(shared) => shared.frame.clone(),
            None => encode(&self.flow, self.xid()),
        }
    }

    /// The frame's xid, which an error about the flow carries: derived from the flow, so that the
    /// frame is the same for every switch.
    pub fn xid(&self) -> u32 {
        xid(self.identity_hash())
    }
}

fn encode(flow: &Flow, xid: u32) -> Bytes {
    let flags = BundleFlags::ATOMIC_ORDERED;
    bundled_flow_frame(FlowModCommand::Add, flow, BlockFlow::BUNDLE_ID, flags, xid)
        .expect("compile functions divide long lists into flows that fit a message")
}

fn xid(identity_hash: u64) -> u32 {
    (identity_hash as u32 & BlockFlow::LAST_XID).max(1)
}
