//! Flow tables of simulated switches: what is kept of a flow once for all switches that have it.

use std::hash::{Hash, Hasher};

use anyhow::{Context as _, Result, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use openflow::Flow;
use openflow::message::{
    BundleAdd, FlowMod, FlowModCommand, FlowStats, Message, MultipartReply, MultipartReplyBody,
};
use rustc_hash::{FxHashMap, FxHasher};

/// A flow of the catalogue.
type Number = u32;

/// Every flow that any switch was ever given, each once, as the switch would tell it.
///
/// Frames are recognised by their bytes, by a hash of 64 bits, so that a flow that hundreds of
/// switches get is decoded for the first of them only.
#[derive(Default)]
pub(crate) struct Catalogue {
    by_frame: FxHashMap<u64, Number>,
    flows: Vec<Known>,
}

struct Known {
    identity: u64,
    cookie: u64,
    /// `struct ofp_flow_stats`.
    told: Box<[u8]>,
}

/// One message of a bundle.
pub(crate) enum Step {
    Add(Number),
    /// Strictly, when an identity is given; else whatever has the cookie.
    Delete {
        identity: Option<u64>,
        cookie: u64,
        mask: u64,
    },
}

/// The flows of one switch: identities, and which flow of the catalogue each is.
#[derive(Default)]
pub(crate) struct Table {
    flows: FxHashMap<u64, Number>,
}

impl Catalogue {
    /// What a whole bundle-add message adds to the bundle.
    pub(crate) fn step(&mut self, frame: &[u8]) -> Result<Step> {
        let body = frame.get(HEADER..).context("a frame has a header")?;
        let hash = hash(body);
        if let Some(&number) = self.by_frame.get(&hash) {
            return Ok(Step::Add(number));
        }
        let (_, message) = Message::interpret(frame)?;
        let Message::BundleAdd(BundleAdd { message, .. }) = message else {
            anyhow::bail!("expected a bundle-add message, got {message:?}");
        };
        let (_, message) = Message::interpret(&message)?;
        let Message::FlowMod(flow_mod) = message else {
            anyhow::bail!("a bundle holds {message:?}");
        };
        let step = self.flow_mod(flow_mod)?;
        if let Step::Add(number) = step {
            self.by_frame.insert(hash, number);
        }
        Ok(step)
    }

    fn flow_mod(&mut self, flow_mod: FlowMod) -> Result<Step> {
        let FlowMod { command, flow, cookie_mask: mask, .. } = flow_mod;
        let cookie = flow.cookie;
        Ok(match command {
            FlowModCommand::Add => Step::Add(self.add(flow)?),
            FlowModCommand::DeleteStrict => {
                Step::Delete { identity: Some(hash(&flow.identity())), cookie, mask }
            }
            FlowModCommand::Delete => Step::Delete { identity: None, cookie, mask },
            other => anyhow::bail!("weftd sends no {other:?}"),
        })
    }

    fn add(&mut self, flow: Flow) -> Result<Number> {
        let (identity, cookie) = (hash(&flow.identity()), flow.cookie);
        let stats =
            FlowStats { flow, duration_sec: 1, duration_nsec: 0, packet_count: 0, byte_count: 0 };
        let body = MultipartReplyBody::Flow(vec![stats]);
        let reply = Message::MultipartReply(MultipartReply { more: false, body }).to_bytes(0)?;
        let number = Number::try_from(self.flows.len())?;
        self.flows.push(Known { identity, cookie, told: reply[MULTIPART_HEADER..].into() });
        Ok(number)
    }
}

impl Table {
    /// Executes a bundle.
    pub(crate) fn execute(&mut self, catalogue: &Catalogue, steps: &[Step]) {
        for step in steps {
            match *step {
                Step::Add(number) => {
                    self.flows.insert(catalogue.flows[number as usize].identity, number);
                }
                Step::Delete { identity, cookie, mask } => {
                    let goes = |number: Number| {
                        (catalogue.flows[number as usize].cookie ^ cookie) & mask == 0
                    };
                    match identity {
                        Some(identity) => {
                            if self.flows.get(&identity).is_some_and(|number| goes(*number)) {
                                self.flows.remove(&identity);
                            }
                        }
                        None => self.flows.retain(|_, number| !goes(*number)),
                    }
                }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.flows.len()
    }

    /// The answer to a request for all flows, in parts of up to 64 KiB as Open vSwitch has them.
    pub(crate) fn tell(&self, catalogue: &Catalogue, xid: u32, out: &mut Vec<Bytes>) -> Result<()> {
        let mut part = BytesMut::new();
        for number in self.flows.values() {
            let told = &catalogue.flows[*number as usize].told;
            if MULTIPART_HEADER + part.len() + told.len() > usize::from(u16::MAX) {
                out.push(multipart(xid, true, &part.split())?);
            }
            part.extend_from_slice(told);
        }
        out.push(multipart(xid, false, &part)?);
        Ok(())
    }
}

/// A part of flow statistics: OpenFlow 1.3.5 §7.3.5.
fn multipart(xid: u32, more: bool, flows: &[u8]) -> Result<Bytes> {
    let body = MultipartReplyBody::Flow(Vec::new());
    let mut frame = BytesMut::with_capacity(MULTIPART_HEADER + flows.len());
    Message::MultipartReply(MultipartReply { more, body }).encode(xid, &mut frame)?;
    ensure!(frame.len() == MULTIPART_HEADER, "a part without flows is its header");
    frame.put_slice(flows);
    let length = u16::try_from(frame.len())?;
    frame[2..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame.freeze())
}

fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Bytes of `struct ofp_header`.
const HEADER: usize = 8;
/// Bytes of `struct ofp_multipart_reply`.
const MULTIPART_HEADER: usize = 16;
