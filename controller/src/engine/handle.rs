mod host;
mod switch;

use std::collections::BTreeMap;
use std::path::Path;

use openflow::message::FlowStats;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use topology::intent::{Context, Plan, Rejection, Settings};
use topology::model::{HostId, Timestamp};
use topology::zone::Zones;

use super::core::{Command, Core, Signals};
use super::guard::RemovalLimit;
use super::view::View;
use super::work::Work;
use crate::clock;
use crate::store::{ChangeLog, Retention, Store, StoreError};

pub use host::{Attaching, Taken};
pub use switch::{Attachment, SwitchRequest, Which};

/// Commands that may wait for the engine; who sends more, waits.
const QUEUE: usize = 1024;

/// A handle to the engine. Cheap to clone; the engine ends when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Engine {
    commands: mpsc::Sender<Command>,
    progress: watch::Receiver<u64>,
    revision: watch::Receiver<u64>,
    targets: watch::Receiver<BTreeMap<HostId, String>>,
    log: ChangeLog,
}

/// A write that is durable.
#[derive(Clone, Copy, Debug)]
pub struct Committed<T> {
    /// What the plan answered.
    pub answer: T,
    /// The store revision that has it.
    pub revision: u64,
}

/// The engine has ended: the process is shutting down, or its store failed.
#[derive(Clone, Copy, Debug, Error)]
#[error("the controller is shutting down")]
pub struct Stopped;

/// Why the engine did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The store cannot be opened or read.
    #[error("cannot open the store in {path}")]
    Store {
        /// Its directory.
        path: String,
        /// Why.
        #[source]
        error: StoreError,
    },
    /// The system starts no thread.
    #[error("cannot start the engine's thread")]
    Thread(#[source] std::io::Error),
}

/// Why a write did not happen.
#[derive(Debug, Error)]
pub enum WriteError {
    /// It was not allowed; nothing has changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The engine has ended.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Engine {
    /// Loads the store in `directory`, compiles it, and starts the engine's thread. Ports get the
    /// conntrack zones that `zones` says; of what was committed, what `retention` says is kept for
    /// those who follow; what a change or a start would take from hosts beyond `removal_limit` is
    /// held.
    ///
    /// The second part of the answer resolves when the engine has ended, to the reason when it
    /// was not that all handles are gone.
    ///
    /// # Errors
    ///
    /// When the store cannot be opened or read, or the system starts no thread.
    pub fn start(
        directory: &Path,
        settings: Settings,
        zones: Zones,
        retention: Retention,
        removal_limit: RemovalLimit,
    ) -> Result<(Self, oneshot::Receiver<Result<(), StoreError>>), StartError> {
        let (ended, end) = oneshot::channel();
        let (engine, work) = Store::open(directory, retention)
            .and_then(|store| Self::load(store, settings, zones, removal_limit, clock::time_of_day))
            .map_err(|error| StartError::Store { path: directory.display().to_string(), error })?;
        std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || drop(ended.send(work.run_blocking())))
            .map_err(StartError::Thread)?;
        Ok((engine, end))
    }

    /// Loads `store` and compiles it. What the engine does is the second part of the answer, to be
    /// run by the caller.
    ///
    /// # Errors
    ///
    /// When the store cannot be read or written.
    pub fn load(
        store: Store,
        settings: Settings,
        zones: Zones,
        removal_limit: RemovalLimit,
        time_of_day: impl Fn() -> Timestamp + Send + 'static,
    ) -> Result<(Self, Work), StoreError> {
        let (commands, queue) = mpsc::channel(QUEUE);
        let signals = Signals {
            progress: watch::Sender::new(0),
            revision: watch::Sender::new(0),
            targets: watch::Sender::default(),
        };
        let (progress, revision, targets) = (
            signals.progress.subscribe(),
            signals.revision.subscribe(),
            signals.targets.subscribe(),
        );
        let log = store.change_log();
        let time_of_day = Box::new(time_of_day);
        let core = Core::load(store, settings, zones, removal_limit, signals, time_of_day)?;
        Ok((Self { commands, progress, revision, targets, log }, Work::new(core, queue)))
    }

    /// Checks and commits a change; answers when it is durable.
    ///
    /// # Errors
    ///
    /// What `plan` rejects, with nothing changed.
    pub async fn write<T: Send + 'static>(
        &self,
        plan: impl FnOnce(&Context<'_>) -> Result<Plan<T>, Rejection> + Send + 'static,
    ) -> Result<Committed<T>, WriteError> {
        self.write_then(plan, |_, answer| answer).await
    }

    /// Checks and commits a change, and looks at the state that it is part of.
    ///
    /// # Errors
    ///
    /// What `plan` rejects, with nothing changed.
    pub async fn write_then<T: Send + 'static, U: Send + 'static>(
        &self,
        plan: impl FnOnce(&Context<'_>) -> Result<Plan<T>, Rejection> + Send + 'static,
        read: impl FnOnce(&View<'_>, T) -> U + Send + 'static,
    ) -> Result<Committed<U>, WriteError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Write(Box::new(move |core| match core.stage(plan) {
            Ok(Committed { answer, revision }) => core.when_durable(move |view| {
                drop(reply.send(Ok(Committed { answer: read(view, answer), revision })));
            }),
            Err(rejection) => drop(reply.send(Err(rejection))),
        })))
        .await?;
        Ok(answer.await.map_err(|_| Stopped)??)
    }

    /// Looks at the state as of the last commit.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&View<'_>) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Read(Box::new(move |view| drop(reply.send(read(view)))))).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// Ticks whenever a revision was committed, confirmed by a host, or a host came or went.
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.progress.clone()
    }

    /// The revision of the last commit, as it changes.
    pub fn revision(&self) -> watch::Receiver<u64> {
        self.revision.clone()
    }

    /// What was committed, for those who follow.
    pub fn change_log(&self) -> &ChangeLog {
        &self.log
    }

    /// The hosts that are to be dialled, and where they listen.
    pub fn dial_targets(&self) -> watch::Receiver<BTreeMap<HostId, String>> {
        self.targets.clone()
    }

    /// Reads flows that a host's switch has now; `None` when no switch is connected.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn installed_flows(
        &self,
        host: HostId,
        which: Which,
    ) -> Result<Option<Vec<FlowStats>>, Stopped> {
        let Some(session) = self.read(move |view| view.requests(host)).await? else {
            return Ok(None);
        };
        let (reply, answer) = oneshot::channel();
        if session.send(SwitchRequest::Installed { which, reply }).await.is_err() {
            return Ok(None);
        }
        Ok(answer.await.ok())
    }

    /// Lets go what is held on a host; false when nothing is.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn release(&self, host: HostId) -> Result<bool, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Release { host, reply }).await?;
        answer.await.map_err(|_| Stopped)
    }

    pub(super) async fn send(&self, command: impl Into<Command>) -> Result<(), Stopped> {
        self.commands.send(command.into()).await.map_err(|_| Stopped)
    }
}
