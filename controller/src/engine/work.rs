use tokio::sync::mpsc;

use super::core::{Command, Core};
use crate::store::StoreError;

/// Commands that are taken together and share one commit.
const BATCH: usize = 256;

/// What the engine does: to be run, on a thread of its own or as a task.
pub struct Work {
    core: Core,
    queue: mpsc::Receiver<Command>,
}

impl Work {
    pub(super) fn new(core: Core, queue: mpsc::Receiver<Command>) -> Self {
        Self { core, queue }
    }

    /// Works until every handle is gone.
    ///
    /// # Errors
    ///
    /// When the store fails. What it would say after that could not be trusted.
    pub fn run_blocking(mut self) -> Result<(), StoreError> {
        let mut commands = Vec::with_capacity(BATCH);
        while self.queue.blocking_recv_many(&mut commands, BATCH) > 0 {
            self.core.carry_out(commands.drain(..))?;
        }
        Ok(())
    }

    /// The same as a task. Dropping it is what a crash is for the engine: what waits is gone, and
    /// nothing else.
    ///
    /// # Errors
    ///
    /// As those of [`Work::run_blocking`].
    pub async fn run(mut self) -> Result<(), StoreError> {
        let mut commands = Vec::with_capacity(BATCH);
        while self.queue.recv_many(&mut commands, BATCH).await > 0 {
            self.core.carry_out(commands.drain(..))?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("waiting", &self.queue.len()).finish_non_exhaustive()
    }
}
