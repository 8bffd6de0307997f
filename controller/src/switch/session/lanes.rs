//! The two lanes of a session: what a switch lacks, in parts, and between them what has changed
//! since.

use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use topology::block::BlockId;
use tracing::debug;

use super::super::bulk::Bulk;
use super::super::reconcile::Difference;
use super::super::script::{BUNDLE, Script};
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
    purpose: Purpose,
    /// When the comparison began that it came of.
    begun: Instant,
    _turn: Turn,
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
        let bulk = bulk.map_err(|_| Stopped)?;
        self.underway = Some(Underway { bulk, purpose, begun, _turn: turn });
        self.arrived(None, 0).await
    }

    /// Sends the next part.
    pub(super) async fn send_part(&mut self) -> Result<(), SessionEnd> {
        let Some(underway) = &mut self.underway else { return Ok(()) };
        let script = underway.bulk.part(BUNDLE);
        self.carry_out(&script).await?;
        self.arrived(None, script.len()).await
    }

    /// Sends what has changed, before the parts that are left.
    pub(super) async fn send_update(&mut self, mut update: Update) -> Result<(), SessionEnd> {
        self.again |= self.held.restrict(&mut update);
        while self.underway.as_ref().is_some_and(|underway| underway.bulk.precedes(&update)) {
            self.send_part().await?;
        }
        let ticket = update.ticket;
        let overtaking = self.underway.as_mut().map(|underway| underway.bulk.overtake(&update));
        let overtaking = overtaking.unwrap_or_default();
        let along = Script::putting(overtaking.along);
        let script = Script::from_update(update, overtaking.removed);
        let (flow_mods, revision) = (script.len(), ticket.revision);
        debug!(flow_mods, along = along.len(), revision, "sending changes");
        self.carry_out(&along).await?;
        self.carry_out(&script).await?;
        self.arrived(Some(ticket), along.len() + flow_mods).await
    }

    /// The switch has all that was sent: tells the engine, and whether nothing is left.
    async fn arrived(
        &mut self,
        ticket: Option<Ticket>,
        flow_mods: usize,
    ) -> Result<(), SessionEnd> {
        let (host, session) = (self.place.host, self.place.session);
        let blocks = self.underway.as_mut().map(|underway| underway.bulk.take_completed());
        let blocks = blocks.unwrap_or_default();
        let receipt = Receipt { ticket, blocks, flow_mods: flow_mods as u64, foreign: None };
        if receipt != Receipt::default() {
            self.engine.confirm(host, session, receipt).await?;
        }
        let Some(through) = self.underway.take_if(|underway| underway.bulk.is_empty()) else {
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
