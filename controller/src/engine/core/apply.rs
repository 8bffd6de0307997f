//! Many changes as one: all or nothing, at one revision.

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;
use tokio::sync::oneshot;
use topology::compile::{FlowChanges, Undo};
use topology::intent::{Context, Rejection};
use topology::model::{Change, HostId, Resource, ResourceId};

use super::super::handle::{Committed, Engine, Stopped};
use super::super::view::View;
use super::{Command, Core, commit, put_port};

/// One of many changes: a request about one resource.
pub struct Step {
    /// Which resource it is about.
    pub subject: ResourceId,
    /// Checks it against the state that the steps before it lead to.
    pub plan: StepPlan,
}

/// Answers what a step comes to, or why it is not allowed.
pub type StepPlan = Box<dyn FnOnce(&Context<'_>) -> Result<Vec<Change>, Rejection> + Send>;

/// What would change on a host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostPlan {
    /// Which host.
    pub id: HostId,
    /// Its name.
    pub name: String,
    /// How many flows.
    pub flows: FlowChanges,
}

/// Why many changes did not happen; none has.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// One of them is not allowed, after those before it.
    #[error("change {index}: {rejection}")]
    Rejected {
        /// Which, from 0.
        index: usize,
        /// Why.
        #[source]
        rejection: Rejection,
    },
    /// The store is not where the changes are meant for.
    #[error("the store is at revision {found}, the request expects {expected}")]
    Moved {
        /// Where it should be.
        expected: u64,
        /// Where it is.
        found: u64,
    },
    /// The engine has ended.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Engine {
    /// Checks and commits many changes at one revision, all or none, provided that the store is
    /// at `base_revision`; answers what `read` sees once they are durable.
    ///
    /// # Errors
    ///
    /// See [`ApplyError`]; nothing has changed then.
    pub async fn apply<T: Send + 'static>(
        &self,
        steps: Vec<Step>,
        base_revision: Option<u64>,
        read: impl FnOnce(&View<'_>) -> T + Send + 'static,
    ) -> Result<Committed<T>, ApplyError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Write(Box::new(move |core| {
            match core.stage_all(steps, base_revision) {
                Ok(revision) => core.when_durable(move |view| {
                    drop(reply.send(Ok(Committed { answer: read(view), revision })));
                }),
                Err(error) => drop(reply.send(Err(error))),
            }
        })))
        .await?;
        answer.await.map_err(|_| Stopped)?
    }

    /// What [`Engine::apply`] would come to: the answer of `read`, which sees the state that the
    /// changes lead to, and what would change on the hosts. Nothing changes.
    ///
    /// # Errors
    ///
    /// See [`ApplyError`].
    pub async fn preview<T: Send + 'static>(
        &self,
        steps: Vec<Step>,
        base_revision: Option<u64>,
        read: impl FnOnce(&View<'_>) -> T + Send + 'static,
    ) -> Result<(T, Vec<HostPlan>), ApplyError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Preview(Box::new(move |core| {
            drop(reply.send(core.preview(steps, base_revision, read)));
        })))
        .await?;
        answer.await.map_err(|_| Stopped)?
    }
}

/// Changes that were tried, in order, and what takes each back.
#[derive(Default)]
struct Tried {
    changes: Vec<Change>,
    undo: Vec<Undo>,
}

impl Core {
    /// Takes all steps, or none; they are committed with the batch. Answers their revision.
    fn stage_all(
        &mut self,
        steps: Vec<Step>,
        base_revision: Option<u64>,
    ) -> Result<u64, ApplyError> {
        let revision = self.staged + 1;
        self.compile();
        let Tried { changes, .. } = self.try_all(steps, base_revision, revision)?;
        if changes.is_empty() {
            return Ok(self.staged);
        }
        for change in &changes {
            self.forget_if_host(change);
        }
        self.staged = revision;
        if commit::may_take_much(&changes, self.compiler.model()) {
            self.weigh(revision);
        }
        self.batch.extend(changes.into_iter().map(|change| (revision, change)));
        Ok(revision)
    }

    fn preview<T>(
        &mut self,
        steps: Vec<Step>,
        base_revision: Option<u64>,
        read: impl FnOnce(&View<'_>) -> T,
    ) -> Result<(T, Vec<HostPlan>), ApplyError> {
        let tried = self.try_all(steps, base_revision, self.staged + 1)?;
        let answer = read(&self.view());
        let changes = self.compiler.preview();
        self.take_back(tried);
        let plan = changes.into_iter().filter_map(|(id, flows)| {
            let name = self.compiler.model().host(id)?.meta.name.clone();
            Some(HostPlan { id, name, flows })
        });
        Ok((answer, plan.collect()))
    }

    /// Applies the steps to the model, and binds the ports that they make or change.
    fn try_all(
        &mut self,
        steps: Vec<Step>,
        base_revision: Option<u64>,
        revision: u64,
    ) -> Result<Tried, ApplyError> {
        let found = self.staged;
        if let Some(expected) = base_revision.filter(|expected| *expected != found) {
            return Err(ApplyError::Moved { expected, found });
        }
        let mut tried = Tried::default();
        for (index, step) in steps.into_iter().enumerate() {
            match (step.plan)(&self.context(revision)) {
                Ok(changes) => self.attempt(changes, &mut tried),
                Err(rejection) => {
                    self.take_back(tried);
                    return Err(ApplyError::Rejected { index, rejection });
                }
            }
        }
        let ports: BTreeSet<_> = tried.changes.iter().filter_map(put_port).collect();
        let bound = ports.into_iter().filter_map(|port| {
            let mut port = self.bound(port)?;
            port.meta.revision = revision;
            Some(Change::Put(Resource::Port(port.into())))
        });
        let bound = bound.collect();
        self.attempt(bound, &mut tried);
        Ok(tried)
    }

    fn attempt(&mut self, changes: Vec<Change>, tried: &mut Tried) {
        tried.undo.extend(changes.iter().map(|change| self.compiler.try_apply(change)));
        tried.changes.extend(changes);
    }

    fn take_back(&mut self, tried: Tried) {
        for undo in tried.undo.into_iter().rev() {
            self.compiler.take_back(undo);
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("subject", &self.subject).finish_non_exhaustive()
    }
}
