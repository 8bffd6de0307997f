pub(super) mod apply;
mod commit;
pub(super) mod host;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use topology::block::{BlockFlow, BlockId};
use topology::compile::{Compiler, Tally};
use topology::intent::{Context, Plan, Rejection, Settings, adopt_project};
use topology::model::{Change, HostId, Port, PortId, Resource, ResourceId, Timestamp};
use topology::zone::Zones;
use tracing::{error, info};

use self::host::HostCommand;
use super::binding::Claims;
use super::drift::RowsByTable;
use super::feed::{HandOver, Receipt, SessionId, Snapshot};
use super::fleet::{Fleet, Observation};
use super::guard::{Removal, RemovalLimit, Stay, Surplus};
use super::handle::Committed;
use super::identity::Identities;
use super::view::View;
use crate::store::{Store, StoreError};

/// What can be asked of the engine.
pub(super) enum Command {
    Write(Box<dyn FnOnce(&mut Core) + Send>),
    /// Tries changes on the state as of the last commit, and takes them back.
    Preview(Box<dyn FnOnce(&mut Core) + Send>),
    Read(Box<dyn FnOnce(&View<'_>) + Send>),
    Host(HostCommand),
    Snapshot {
        host: HostId,
        session: SessionId,
        reply: oneshot::Sender<Option<Snapshot>>,
    },
    Next {
        host: HostId,
        session: SessionId,
        reply: oneshot::Sender<Option<HandOver>>,
    },
    Confirm {
        host: HostId,
        session: SessionId,
        receipt: Receipt,
    },
    /// The flows that the switch should have now, if it has confirmed all that it was told to
    /// have and nothing has changed since.
    Settled {
        host: HostId,
        session: SessionId,
        reply: oneshot::Sender<Option<Vec<Arc<BlockFlow>>>>,
    },
    Judge {
        host: HostId,
        surplus: Surplus,
        reply: oneshot::Sender<Stay>,
    },
    Release {
        host: HostId,
        reply: oneshot::Sender<bool>,
    },
    Observed {
        host: HostId,
        session: SessionId,
        observation: Observation,
    },
    /// What others have changed in a host's database.
    RowsCompared {
        host: HostId,
        found: RowsByTable,
        healed: bool,
    },
    Detach {
        host: HostId,
        session: SessionId,
    },
}

/// What is to be answered when what it is about is durable.
type Reply = Box<dyn FnOnce(&View<'_>) + Send>;

/// Tells the time of day.
pub(super) type TimeOfDay = Box<dyn Fn() -> Timestamp + Send>;

/// What others are told without having asked.
pub(super) struct Signals {
    /// Ticks whenever somebody may have got further.
    pub(super) progress: watch::Sender<u64>,
    /// The revision of the last commit.
    pub(super) revision: watch::Sender<u64>,
    /// Where hosts listen that are to be dialled.
    pub(super) targets: watch::Sender<BTreeMap<HostId, String>>,
}

/// The engine's state and its loop.
pub(super) struct Core {
    store: Store,
    settings: Settings,
    compiler: Compiler,
    revision: u64,
    claims: Claims,
    identities: Identities,
    fleet: Fleet,
    removal_limit: RemovalLimit,
    /// How many flows hosts should have, as of what is compiled.
    tally: Tally,
    /// The blocks of hosts that were compiled anew and are not told yet.
    concerned: BTreeSet<(HostId, BlockId)>,
    /// What changes that are not told yet do not take away.
    held: BTreeMap<HostId, Removal>,
    /// Datapath ids that hosts reported since the last commit.
    reported: Vec<u64>,
    signals: Signals,
    /// What is to be committed, with the revision that it belongs to.
    batch: Vec<(u64, Change)>,
    staged: u64,
    replies: Vec<Reply>,
    time_of_day: TimeOfDay,
}

impl Core {
    pub(super) fn load(
        store: Store,
        settings: Settings,
        zones: Zones,
        removal_limit: RemovalLimit,
        signals: Signals,
        time_of_day: TimeOfDay,
    ) -> Result<Self, StoreError> {
        let snapshot = store.load()?;
        let mut core = Self {
            store,
            settings,
            compiler: Compiler::with_zones(zones),
            revision: snapshot.revision,
            claims: Claims::default(),
            identities: Identities::default(),
            fleet: Fleet::default(),
            removal_limit,
            tally: Tally::default(),
            concerned: BTreeSet::new(),
            held: BTreeMap::new(),
            reported: Vec::new(),
            signals,
            batch: Vec::new(),
            staged: snapshot.revision,
            replies: Vec::new(),
            time_of_day,
        };
        for change in &snapshot.changes {
            core.compiler.apply(change);
        }
        core.signals.revision.send_replace(snapshot.revision);
        core.publish(snapshot.revision);
        core.publish_targets();
        core.adopt_projects()?;
        let model = core.compiler.model();
        info!(
            revision = core.revision,
            networks = model.networks().len(),
            ports = model.ports().len(),
            hosts = model.hosts().len(),
            "store loaded"
        );
        Ok(core)
    }

    /// Gives projects that an earlier version stored what every project has now.
    fn adopt_projects(&mut self) -> Result<(), StoreError> {
        let projects: Vec<_> = self.compiler.model().projects().keys().copied().collect();
        for project in projects {
            match self.stage(|context| adopt_project(context, project)) {
                Ok(_) => {}
                Err(rejection) => error!(%project, %rejection, "no default security group"),
            }
        }
        if self.staged > self.revision {
            info!("projects of an earlier version have a default security group now");
        }
        self.commit()
    }

    /// Carries out commands that have come together.
    pub(super) fn carry_out(
        &mut self,
        commands: impl IntoIterator<Item = Command>,
    ) -> Result<(), StoreError> {
        for command in commands {
            // Whoever looks sees only what is durable.
            if !matches!(command, Command::Write(_)) {
                self.commit()?;
            }
            self.handle(command);
        }
        self.commit()
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Write(act) | Command::Preview(act) => act(self),
            Command::Read(read) => read(&self.view()),
            Command::Host(command) => self.handle_host(command),
            Command::Snapshot { host, session, reply } => {
                let feed = self.fleet.feed(host, session);
                let snapshot =
                    feed.and_then(|feed| feed.snapshot(&self.compiler, host, self.revision));
                drop(reply.send(snapshot));
            }
            Command::Next { host, session, reply } => {
                let feed = self.fleet.feed(host, session);
                let update = feed.and_then(|feed| feed.next(&self.compiler, host, self.revision));
                drop(reply.send(update));
            }
            Command::Confirm { host, session, receipt } => {
                self.fleet.confirm(host, session, &receipt, self.now());
                self.tick();
            }
            Command::Settled { host, session, reply } => {
                let feed = self.fleet.feed(host, session);
                let flows = feed.and_then(|feed| feed.settled(&self.compiler, host));
                drop(reply.send(flows));
            }
            Command::Judge { host, surplus, reply } => {
                let (limit, now) = (self.removal_limit, self.now());
                let _ = reply.send(self.fleet.judge(host, surplus, limit, now));
                self.tick();
            }
            Command::Release { host, reply } => {
                let _ = reply.send(self.fleet.release(host));
                self.tick();
            }
            Command::Observed { host, session, observation } => {
                self.fleet.observed(host, session, observation, self.now());
                self.tick();
            }
            Command::RowsCompared { host, found, healed } => {
                let now = self.now();
                self.fleet.heard(host, now).drift.rows_compared(found, healed, now);
                self.tick();
            }
            Command::Detach { host, session } => {
                self.fleet.detach(host, session, self.revision);
                self.fleet.forget_if_gone(host, &self.compiler);
                self.tick();
            }
        }
    }

    /// Checks a plan and applies it to the model; it is committed with the batch.
    pub(super) fn stage<T>(
        &mut self,
        plan: impl FnOnce(&Context<'_>) -> Result<Plan<T>, Rejection>,
    ) -> Result<Committed<T>, Rejection> {
        let revision = self.staged + 1;
        let context = self.context(revision);
        let Plan { changes, answer } = plan(&context)?;
        if changes.is_empty() {
            return Ok(Committed { answer, revision: self.staged });
        }
        self.staged = revision;
        let ports: Vec<_> = changes.iter().filter_map(put_port).collect();
        let is_weighed = commit::may_take_much(&changes, self.compiler.model());
        if is_weighed {
            self.compile();
        }
        self.apply(changes);
        self.bind(ports);
        if is_weighed {
            self.weigh(revision);
        }
        Ok(Committed { answer, revision })
    }

    /// Calls `reply` when everything staged so far is durable, with the state as it is then.
    pub(super) fn when_durable(&mut self, reply: impl FnOnce(&View<'_>) + Send + 'static) {
        self.replies.push(Box::new(reply));
    }

    fn context(&self, revision: u64) -> Context<'_> {
        Context {
            model: self.compiler.model(),
            settings: &self.settings,
            revision,
            now: self.now(),
        }
    }

    fn apply(&mut self, changes: Vec<Change>) {
        for change in &changes {
            self.compiler.apply(change);
            self.forget_if_host(change);
        }
        self.batch.extend(changes.into_iter().map(|change| (self.staged, change)));
    }

    /// Of a host that is deleted nothing is claimed or held any more.
    fn forget_if_host(&mut self, change: &Change) {
        if let Change::Delete(ResourceId::Host(host)) = change {
            self.claims.forget(*host);
            self.held.remove(host);
            self.fleet.release(*host);
        }
    }

    /// Binds each of `ports` to the host that has the best claim to it.
    fn bind(&mut self, ports: impl IntoIterator<Item = PortId>) {
        for id in ports {
            let Some(mut port) = self.bound(id) else { continue };
            if self.staged == self.revision {
                self.staged += 1;
            }
            port.meta.revision = self.staged;
            self.apply(vec![Change::Put(Resource::Port(port.into()))]);
        }
    }

    /// The port as bound to the host that has the best claim to it; `None` when it is.
    fn bound(&self, id: PortId) -> Option<Port> {
        let model = self.compiler.model();
        let port = model.port(id)?;
        let bound_host = self.claims.resolve(model, port);
        if bound_host == port.bound_host {
            return None;
        }
        info!(port = %id, from = ?port.bound_host, to = ?bound_host, "port bound");
        Some(Port { bound_host, ..Port::clone(port) })
    }

    fn place(&mut self, datapath_id: u64) {
        self.fleet.place(datapath_id, &self.compiler, self.revision, self.now());
        self.tick();
    }

    fn view(&self) -> View<'_> {
        View {
            model: self.compiler.model(),
            compiler: &self.compiler,
            revision: self.revision,
            fleet: &self.fleet,
            identities: &self.identities,
            claims: &self.claims,
        }
    }

    /// Lets it be known where hosts listen that are to be dialled.
    fn publish_targets(&self) {
        let hosts = self.compiler.model().hosts().values();
        let targets = hosts.filter_map(|host| Some((host.id, host.ovsdb_target.clone()?)));
        let targets = targets.collect();
        self.signals.targets.send_if_modified(|known| {
            let changed = *known != targets;
            *known = targets;
            changed
        });
    }

    fn now(&self) -> Timestamp {
        (self.time_of_day)()
    }

    fn tick(&self) {
        self.signals.progress.send_modify(|ticks| *ticks += 1);
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write(_) => "Write",
            Self::Preview(_) => "Preview",
            Self::Read(_) => "Read",
            Self::Host(_) => "Host",
            Self::Snapshot { .. } => "Snapshot",
            Self::Next { .. } => "Next",
            Self::Confirm { .. } => "Confirm",
            Self::Settled { .. } => "Settled",
            Self::Judge { .. } => "Judge",
            Self::Release { .. } => "Release",
            Self::Observed { .. } => "Observed",
            Self::RowsCompared { .. } => "RowsCompared",
            Self::Detach { .. } => "Detach",
        })
    }
}

fn put_port(change: &Change) -> Option<PortId> {
    match change {
        Change::Put(Resource::Port(port)) => Some(port.id),
        _ => None,
    }
}
