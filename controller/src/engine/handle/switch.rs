//! What the sessions with switches ask of the engine, and others of them.

use std::sync::Arc;

use openflow::message::FlowStats;
use tokio::sync::{oneshot, watch};
use topology::block::{BlockFlow, BlockId};
use topology::model::HostId;

use super::super::core::Command;
use super::super::drift::Comparison;
use super::super::feed::{HandOver, Receipt, SessionId, Snapshot};
use super::super::fleet::Observation;
use super::super::guard::{Stay, Surplus};
use super::super::refused::RefusedFlows;
use super::{Engine, Stopped};

/// A switch session's place in the fleet.
#[derive(Debug)]
pub struct Attachment {
    /// The host whose `br-int` the switch is.
    pub host: HostId,
    /// The session's number.
    pub session: SessionId,
    /// Ticks when there is something to fetch with [`Engine::next`]; closed when another session
    /// of the same switch has taken over.
    pub wake: watch::Receiver<u64>,
}

/// What other parts ask of a switch session.
#[derive(Debug)]
pub enum SwitchRequest {
    /// Read flows from the switch.
    Installed {
        /// Which.
        which: Which,
        /// Takes the answer.
        reply: oneshot::Sender<Vec<FlowStats>>,
    },
}

/// Which of a switch's flows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Which {
    /// All of them, also those that are not ours.
    All,
    /// Those of one block.
    Block(BlockId),
}

impl Engine {
    /// All flows that the host should have; `None` when the session was replaced.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn snapshot(
        &self,
        host: HostId,
        session: SessionId,
    ) -> Result<Option<Snapshot>, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Snapshot { host, session, reply }).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// What changed since the last hand-over, once that was confirmed; `None` when nothing did. A
    /// snapshot need not be confirmed, only to have been compared: what changes overtakes it.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn next(
        &self,
        host: HostId,
        session: SessionId,
    ) -> Result<Option<HandOver>, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Next { host, session, reply }).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// The switch has confirmed this.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn confirm(
        &self,
        host: HostId,
        session: SessionId,
        receipt: Receipt,
    ) -> Result<(), Stopped> {
        self.send(Command::Confirm { host, session, receipt }).await
    }

    /// All flows that the host should have, once its switch has confirmed every one of them;
    /// `None` while something is on its way or waits for [`Engine::next`], and when the session was
    /// replaced.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn settled(
        &self,
        host: HostId,
        session: SessionId,
    ) -> Result<Option<Vec<Arc<BlockFlow>>>, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Settled { host, session, reply }).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// The switch was compared with what it should have.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn compared(
        &self,
        host: HostId,
        session: SessionId,
        comparison: Comparison,
    ) -> Result<(), Stopped> {
        let observation = Observation::Compared(comparison);
        self.send(Command::Observed { host, session, observation }).await
    }

    /// What of a switch's surplus stays, by what is known of the host and of the others. It is held
    /// from here on.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn judge(&self, host: HostId, surplus: Surplus) -> Result<Stay, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Judge { host, surplus, reply }).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// So many flows are there of those that are held.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn held(&self, host: HostId, session: SessionId, flows: u64) -> Result<(), Stopped> {
        let observation = Observation::Held(flows);
        self.send(Command::Observed { host, session, observation }).await
    }

    /// These are all flows that the switch should have and does not take.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn refused(
        &self,
        host: HostId,
        session: SessionId,
        refused: RefusedFlows,
    ) -> Result<(), Stopped> {
        let observation = Observation::Refused(refused);
        self.send(Command::Observed { host, session, observation }).await
    }

    /// So many settings of the switch that others had changed were put right.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn settings_healed(
        &self,
        host: HostId,
        session: SessionId,
        count: u64,
    ) -> Result<(), Stopped> {
        let observation = Observation::SettingsHealed(count);
        self.send(Command::Observed { host, session, observation }).await
    }

    /// The session is over.
    pub async fn detach(&self, host: HostId, session: SessionId) {
        // Nobody to tell when the engine has ended.
        let _ = self.send(Command::Detach { host, session }).await;
    }
}
