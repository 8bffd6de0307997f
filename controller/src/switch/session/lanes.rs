//! The two lanes of a session: what a switch lacks, in parts, and between them what has changed
//! since.

use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use topology::block::BlockId;
use tracing::debug;

use super::super::bulk::Bulk;
use super::super::reconcile::Difference;
use super::super::script::Script;
use super::super::zones::Flushes;
use super::{Session, SessionEnd};
use crate::clock;
use crate::engine::{Comparison, Receipt, Stopped, Ticket, Update};
use crate::offload::offload;

/// How long a switch may keep others from being brought to what they should have. It is brought
/// there all the same if it takes longer.
const TURN: Duration = Duration::from_secs(10);

/// What is sent in parts.
pub(super) struct Underway {
    bulk: Bulk,
    /// The next part: the switch has it, and waits for the word to carry it out.
    staged: Option<Part>,
    purpose: Purpose,
    /// When the comparison began that it came of.
    begun: Instant,
    _turn: Turn,
}

/// A part of what is underway.
struct Part {
    script: Script,
    flushes: Flushes,
    /// Blocks that nothing is left of behind this part.
    blocks: Vec<BlockId>,
}

/// What the parts are for, and what is said when all of them are there.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The switch is brought to a snapshot. So many flows that are not ours stay.
    Snapshot { ticket: Ticket, foreign: u64 },
    /// What others have changed is put right.
    Heal(Comparison),
}

/// A switch's turn. It is over when this is dropped, and after a time in any case.
pub(super) struct Turn {
    _over: oneshot::Sender<()>,
}

impl Turn {
    pub(super) fn new(permit: OwnedSemaphorePermit) -> Self {
        let (over, is_over) = oneshot::channel();
        tokio::spawn(async move {
            // Either way the permit is returned.
            let _ = tokio::time::timeout(TURN, is_over).await;
            drop(permit);
        });
        Self { _over: over }
    }
}

impl Underway {
    fn is_through(&self) -> bool {
        self.bulk.is_empty() && self.staged.is_none()
    }
}

impl Session {
    /// Begins to send what differs. The switch should have `blocks`, as far as the engine waits for
    /// them.
    pub(super) async fn begin(
        &mut self,
        difference: Difference,
        blocks: Vec<BlockId>,
        purpose: Purpose,
        (begun, turn): (Instant, Turn),
    ) -> Result<(), SessionEnd> {
        let bulk = offload(move || Bulk::new(difference, &blocks)).await;
        let mut bulk = bulk.map_err(|_| Stopped)?;
        let blocks = bulk.take_completed();
        self.underway = Some(Underway { bulk, staged: None, purpose, begun, _turn: turn });
        self.arrived(None, blocks, 0).await
    }

    /// Has the next part carried out, and stages the one behind it meanwhile.
    pub(super) async fn send_part(&mut self) -> Result<(), SessionEnd> {
        let part = match self.take_staged() {
            Some(part) => part,
            None => {
                let Some(part) = self.take_part() else { return Ok(()) };
                self.connection.stage(part.script.bundle())?;
                part
            }
        };
        let next = self.take_part();
        self.commit(part, next).await
    }

    /// Has carried out what is staged, so that nothing is on its way.
    pub(super) async fn settle(&mut self) -> Result<(), SessionEnd> {
        match self.take_staged() {
            Some(part) => self.commit(part, None).await,
            None => Ok(()),
        }
    }

    fn take_staged(&mut self) -> Option<Part> {
        self.underway.as_mut()?.staged.take()
    }

    /// Takes the next part out of what is underway.
    fn take_part(&mut self) -> Option<Part> {
        let bulk = &mut self.underway.as_mut()?.bulk;
        let script = bulk.part(self.policy.part.get());
        let blocks = bulk.take_completed();
        let flushes = self.zones.follow(&script);
        (!script.is_empty()).then_some(Part { script, flushes, blocks })
    }

    /// Has a part carried out that is staged, while `next` is being staged.
    async fn commit(&mut self, part: Part, next: Option<Part>) -> Result<(), SessionEnd> {
        let Part { script, flushes, blocks } = part;
        let behind = next.as_ref().map(|next| next.script.bundle());
        let refused = self.connection.commit(script.bundle(), &flushes, behind).await?;
        if let Some(underway) = &mut self.underway {
            underway.staged = next;
        }
        self.carried_out(&script, refused).await?;
        self.arrived(None, blocks, script.len()).await
    }

    /// Sends what has changed, before the parts that are left.
    pub(super) async fn send_update(&mut self, mut update: Update) -> Result<(), SessionEnd> {
        self.again |= self.held.restrict(&mut update);
        while self.underway.as_ref().is_some_and(|underway| underway.bulk.precedes(&update)) {
            self.send_part().await?;
        }
        self.settle().await?;
        let ticket = update.ticket;
        let overtaking = self.underway.as_mut().map(|underway| underway.bulk.overtake(&update));
        let overtaking = overtaking.unwrap_or_default();
        let along = Script::putting(overtaking.along);
        let script = Script::from_update(update, overtaking.removed);
        let (flow_mods, revision) = (script.len(), ticket.revision);
        debug!(flow_mods, along = along.len(), revision, "sending changes");
        self.carry_out(&along).await?;
        self.carry_out(&script).await?;
        let blocks = self.underway.as_mut().map(|underway| underway.bulk.take_completed());
        self.arrived(Some(ticket), blocks.unwrap_or_default(), along.len() + flow_mods).await
    }

    /// The switch has all that was sent: tells the engine, and whether nothing is left.
    async fn arrived(
        &mut self,
        ticket: Option<Ticket>,
        blocks: Vec<BlockId>,
        flow_mods: usize,
    ) -> Result<(), SessionEnd> {
        let (host, session) = (self.place.host, self.place.session);
        let receipt = Receipt { ticket, blocks, flow_mods: flow_mods as u64, foreign: None };
        if receipt != Receipt::default() {
            self.engine.confirm(host, session, receipt).await?;
        }
        let Some(through) = self.underway.take_if(|underway| underway.is_through()) else {
            return Ok(());
        };
        self.rechecks.compared(through.begun, clock::now());
        match through.purpose {
            Purpose::Snapshot { ticket, foreign } => {
                let (ticket, foreign) = (Some(ticket), Some(foreign));
                let receipt = Receipt { ticket, foreign, ..Receipt::default() };
                self.engine.confirm(host, session, receipt).await?;
            }
            Purpose::Heal(comparison) => self.engine.compared(host, session, comparison).await?,
        }
        Ok(())
    }
}
