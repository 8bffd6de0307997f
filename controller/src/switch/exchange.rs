use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use openflow::message::{
    BundleControl, BundleControlType, BundleFlags, CtFlushZone, ErrorCode, ErrorMessage, FlowStats,
    FlowStatsRequest, Message, MultipartReplyBody, MultipartRequestBody, bundle_add_frame,
};
use openflow::session::{Event, Session};
use rustc_hash::FxHashMap;
use topology::block::BlockFlow;
use tracing::{debug, warn};

use super::connection::{Connection, ConnectionError};
use super::patience::Patience;
use super::script::{BUNDLE, Script, Step};
use crate::engine::Which;

/// Flows that a switch may have: several times what the largest host needs, and a few hundred
/// megabytes while they are compared.
pub(super) const MAX_FLOWS: usize = 1 << 20;

/// Bytes in which a switch may tell its flows, whatever else comes meanwhile counted in.
pub(super) const MAX_READ_BACK_BYTES: u64 = 256 << 20;

/// Bytes of errors that are kept while an exchange lasts.
pub(super) const MAX_ERROR_BYTES: usize = 4 << 20;

/// The xid of what a bundle holds beside the frames of blocks' flows, which have others.
const REMOVAL_XID: u32 = 0;

const _: () = assert!(
    BlockFlow::LAST_XID < *Session::OWN_XIDS.start(),
    "an error's xid tells whether it is about a flow of a bundle or about a request"
);

impl Connection {
    /// The flows that the switch has, with their counters.
    ///
    /// # Errors
    ///
    /// See [`Connection::tell_flows`].
    pub async fn read_back(&mut self, which: Which) -> Result<Vec<FlowStats>, ConnectionError> {
        let mut flows = Vec::new();
        self.tell_flows(which, |stats| flows.push(stats)).await?;
        Ok(flows)
    }

    /// Has `take` look at the flows that the switch has, with their counters, as they come.
    ///
    /// # Errors
    ///
    /// When the connection ends, the switch refuses to tell, has more than a million flows, or
    /// takes too long.
    pub async fn tell_flows(
        &mut self,
        which: Which,
        mut take: impl FnMut(FlowStats),
    ) -> Result<(), ConnectionError> {
        let (cookie, cookie_mask) = match which {
            Which::All => (0, 0),
            Which::Block(block) => block.cookie_and_mask(),
        };
        let request = FlowStatsRequest { cookie, cookie_mask, ..FlowStatsRequest::default() };
        let body = MultipartRequestBody::Flow(request);
        let sent = self.send(&Message::MultipartRequest(body.into()))?;
        let limit = self.received() + MAX_READ_BACK_BYTES;
        let mut patience = Patience::new("flow statistics");
        let mut told = 0;
        loop {
            if self.received() > limit {
                return Err(ConnectionError::TooManyBytes);
            }
            match self.next_of(&patience).await? {
                Event::Part { xid, body, last } if xid == sent => {
                    patience.part_came();
                    if let MultipartReplyBody::Flow(part) = body {
                        told += part.len();
                        part.into_iter().for_each(&mut take);
                    }
                    if told > MAX_FLOWS {
                        return Err(ConnectionError::TooManyFlows);
                    }
                    if last {
                        return Ok(());
                    }
                }
                Event::Error { xid, error } if xid == sent => {
                    return Err(ConnectionError::Refused { what: "flow statistics", error });
                }
                _ => {}
            }
        }
    }

    /// Sends a script, bundle by bundle, and waits until the switch has carried it out; answers
    /// what it refused.
    ///
    /// # Errors
    ///
    /// When the connection ends, or a flow-mod does not fit a message.
    pub async fn carry_out(&mut self, script: &Script) -> Result<Vec<Refused>, ConnectionError> {
        let mut refused = Vec::new();
        for bundle in script.bundles() {
            if let Some((xid, error)) = self.send_bundle(bundle).await? {
                let step =
                    bundle.iter().find(|step| matches!(step, Step::Put(flow) if flow.xid() == xid));
                let (error, flow_mods) = (error.code, bundle.len());
                debug!(%error, step = %Named(step), flow_mods, "the switch refused a bundle");
                // One bad message drops the whole bundle: the good ones go one by one.
                refused.extend(self.send_singly(bundle).await?);
            }
        }
        Ok(refused)
    }

    /// Sends a script, each flow-mod on its own, and waits until the switch has dealt with it;
    /// answers what it refused.
    ///
    /// # Errors
    ///
    /// When the connection ends, or a flow-mod does not fit a message.
    pub(super) async fn try_out(
        &mut self,
        script: &Script,
    ) -> Result<Vec<Refused>, ConnectionError> {
        let mut refused = Vec::new();
        for steps in script.bundles() {
            refused.extend(self.send_singly(steps).await?);
        }
        Ok(refused)
    }

    /// Lets the switch forget every connection in these conntrack zones, and waits until it has.
    ///
    /// # Errors
    ///
    /// When the connection ends.
    pub(super) async fn flush(&mut self, zones: &BTreeSet<u16>) -> Result<(), ConnectionError> {
        if zones.is_empty() {
            return Ok(());
        }
        for &zone in zones {
            self.send(&Message::CtFlushZone(CtFlushZone { zone }))?;
        }
        for (_, error) in self.barrier().await? {
            warn!(error = %error.code, "the switch refused to flush a conntrack zone");
        }
        Ok(())
    }

    /// Sends the steps as one atomic bundle, and waits for the barrier behind it.
    async fn send_bundle(
        &mut self,
        steps: &[Step],
    ) -> Result<Option<(u32, ErrorMessage)>, ConnectionError> {
        let control = |kind| Message::BundleControl(BundleControl::new(BlockFlow::BUNDLE_ID, kind));
        self.send(&control(BundleControlType::OpenRequest))?;
        for step in steps {
            self.send_encoded(step.bundled()?);
        }
        self.send(&control(BundleControlType::CommitRequest))?;
        // The first error says what was wrong, those behind it only that the bundle is gone.
        let errors = self.barrier().await?;
        Ok(errors.into_iter().next())
    }

    /// Sends the steps each on its own; answers those that the switch refused.
    async fn send_singly(&mut self, steps: &[Step]) -> Result<Vec<Refused>, ConnectionError> {
        let mut refused = Vec::new();
        for steps in steps.chunks(BUNDLE) {
            let mut sent = FxHashMap::default();
            for step in steps {
                sent.insert(self.send(&step.message())?, step);
            }
            for (xid, error) in self.barrier().await? {
                match sent.remove(&xid) {
                    Some(step) => refused.push(Refused { step: step.clone(), error: error.code }),
                    None => warn!(error = %error.code, "the switch refused something"),
                }
            }
        }
        Ok(refused)
    }

    /// Waits until the switch has dealt with everything; answers the errors meanwhile.
    pub(super) async fn barrier(&mut self) -> Result<Vec<(u32, ErrorMessage)>, ConnectionError> {
        let sent = self.send(&Message::BarrierRequest)?;
        let patience = Patience::whole("a barrier");
        let (mut errors, mut bytes) = (Vec::new(), 0);
        loop {
            match self.next_of(&patience).await? {
                Event::Reply { xid, .. } if xid == sent => return Ok(errors),
                Event::Error { xid, error } => {
                    bytes += size_of_val(&error) + error.data.len();
                    if bytes > MAX_ERROR_BYTES {
                        return Err(ConnectionError::TooManyErrors);
                    }
                    errors.push((xid, error));
                }
                _ => {}
            }
        }
    }
}

impl Step {
    /// The message by which the step becomes part of the open bundle.
    fn bundled(&self) -> Result<Bytes, ConnectionError> {
        let (id, flags) = (BlockFlow::BUNDLE_ID, BundleFlags::ATOMIC_ORDERED);
        Ok(match self {
            Self::Put(flow) => flow.frame(),
            Self::Clear(_) | Self::Remove(_) => {
                bundle_add_frame(&self.message().to_bytes(REMOVAL_XID)?, id, flags, REMOVAL_XID)?
            }
        })
    }
}

/// A flow-mod that a switch has refused.
#[derive(Clone, Debug)]
pub struct Refused {
    pub(super) step: Step,
    pub(super) error: ErrorCode,
}

/// A step that was refused, as far as the switch's error leads back to it.
struct Named<'a>(Option<&'a Step>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(step) => step.fmt(f),
            None => f.write_str("(unknown)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::documented::{bytes, check, number};

    #[test]
    fn the_limits_are_documented() {
        let limits = [
            ("flows in a read-back", number(MAX_FLOWS)),
            ("bytes of a read-back", bytes(MAX_READ_BACK_BYTES as usize)),
            ("bytes of errors in one exchange", bytes(MAX_ERROR_BYTES)),
        ];
        check("OpenFlow", &limits);
    }
}
