use std::collections::BTreeSet;
use std::fmt;
use std::mem::take;

use bytes::Bytes;
use openflow::message::{
    BundleControl, BundleControlType, BundleFlags, CtFlushZone, ErrorCode, ErrorMessage, Message,
    bundle_add_frame,
};
use openflow::session::Session;
use rustc_hash::{FxHashMap, FxHashSet};
use topology::block::BlockFlow;
use tracing::{debug, warn};

use super::connection::{Connection, ConnectionError};
use super::script::{BUNDLE, Script, Step};
use super::zones::Flushes;

/// The xid of what a bundle holds beside the frames of blocks' flows, which have others.
const REMOVAL_XID: u32 = 0;

const _: () = assert!(
    BlockFlow::LAST_XID < *Session::OWN_XIDS.start(),
    "an error's xid tells whether it is about a flow of a bundle or about a request"
);

/// A flow-mod that a switch has refused.
#[derive(Clone, Debug)]
pub struct Refused {
    pub(super) step: Step,
    pub(super) error: ErrorCode,
}

impl Connection {
    /// Sends a script, bundle by bundle, and waits until the switch has carried it out; answers
    /// what it refused.
    ///
    /// # Errors
    ///
    /// When the connection ends, or a flow-mod does not fit a message.
    pub async fn carry_out(&mut self, script: &Script) -> Result<Vec<Refused>, ConnectionError> {
        self.carry_out_between(script, Flushes::default()).await
    }

    /// The same, between flushes.
    pub(super) async fn carry_out_between(
        &mut self,
        script: &Script,
        flushes: Flushes,
    ) -> Result<Vec<Refused>, ConnectionError> {
        let mut refused = Vec::new();
        let mut bundles = script.bundles().peekable();
        if let Some(first) = bundles.peek() {
            self.stage(first)?;
        }
        let Flushes { mut gained, mut changed } = flushes;
        while let Some(bundle) = bundles.next() {
            let next = bundles.peek().copied();
            let changed = if next.is_none() { take(&mut changed) } else { BTreeSet::new() };
            let flushes = Flushes { gained: take(&mut gained), changed };
            refused.extend(self.commit(bundle, &flushes, next).await?);
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
        self.send_flushes(zones)?;
        tell_unflushed(self.barrier().await?);
        Ok(())
    }

    /// Sends the steps as one atomic bundle, which is of no effect before it is committed. It is the
    /// only one then.
    ///
    /// # Errors
    ///
    /// When a flow-mod does not fit a message.
    pub(super) fn stage(&mut self, steps: &[Step]) -> Result<(), ConnectionError> {
        self.control(BundleControlType::OpenRequest)?;
        for step in steps {
            self.send_encoded(step.bundled()?);
        }
        Ok(())
    }

    /// Has the staged bundle, which is of these steps, carried out between flushes, and waits until
    /// that has been done; answers what the switch refused of it.
    ///
    /// `next` is staged behind it: the switch takes that in while the answer to this is on its way,
    /// and carries nothing of it out. So it is never without work, and no step goes before one that
    /// was to go first, should that be refused with its bundle.
    ///
    /// # Errors
    ///
    /// When the connection ends, or a flow-mod does not fit a message.
    pub(super) async fn commit(
        &mut self,
        steps: &[Step],
        flushes: &Flushes,
        next: Option<&[Step]>,
    ) -> Result<Vec<Refused>, ConnectionError> {
        let mut flushing = self.send_flushes(&flushes.gained)?;
        self.control(BundleControlType::CommitRequest)?;
        flushing.extend(self.send_flushes(&flushes.changed)?);
        let barrier = self.send(&Message::BarrierRequest)?;
        if let Some(next) = next {
            self.stage(next)?;
        }
        let (of_flushes, errors): (Vec<_>, Vec<_>) =
            self.passed(barrier).await?.into_iter().partition(|(xid, _)| flushing.contains(xid));
        tell_unflushed(of_flushes);
        // The first error says what was wrong, those behind it only that the bundle is gone.
        let Some((xid, error)) = errors.into_iter().next() else { return Ok(Vec::new()) };
        let step = steps.iter().find(|step| matches!(step, Step::Put(flow) if flow.xid() == xid));
        let (error, flow_mods) = (error.code, steps.len());
        debug!(%error, step = %Named(step), flow_mods, "the switch refused a bundle");
        if next.is_some() {
            self.control(BundleControlType::DiscardRequest)?;
            // What was wrong with it will be wrong again.
            self.barrier().await?;
        }
        // One bad message drops the whole bundle: the good ones go one by one.
        let refused = self.send_singly(steps).await?;
        self.flush(&flushes.changed).await?;
        if let Some(next) = next {
            self.stage(next)?;
        }
        Ok(refused)
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

    fn control(&mut self, kind: BundleControlType) -> Result<u32, ConnectionError> {
        self.send(&Message::BundleControl(BundleControl::new(BlockFlow::BUNDLE_ID, kind)))
    }

    /// Queues flushes of conntrack zones, apart from what comes before and behind; answers their
    /// xids.
    fn send_flushes(&mut self, zones: &BTreeSet<u16>) -> Result<FxHashSet<u32>, ConnectionError> {
        if zones.is_empty() {
            return Ok(FxHashSet::default());
        }
        // Nobody waits for these barriers: they keep the order.
        self.send(&Message::BarrierRequest)?;
        let flush = |&zone| self.send(&Message::CtFlushZone(CtFlushZone { zone }));
        let sent = zones.iter().map(flush).collect::<Result<_, _>>()?;
        self.send(&Message::BarrierRequest)?;
        Ok(sent)
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

/// Tells the errors that flushes of conntrack zones were answered with.
fn tell_unflushed(errors: Vec<(u32, ErrorMessage)>) {
    for (_, error) in errors {
        warn!(error = %error.code, "the switch refused to flush a conntrack zone");
    }
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
mod tests;
