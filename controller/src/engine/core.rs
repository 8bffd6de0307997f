use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::SystemTime;

use tokio::sync::{mpsc, oneshot, watch};
use topology::compile::Compiler;
use topology::intent::{Context, Plan, Rejection, Settings};
use topology::model::{Change, HostId, PortId, Resource, ResourceId, Timestamp};
use tracing::{error, info};

use super::binding::Claims;
use super::feed::{Feed, SessionId, Snapshot, Ticket, Update};
use super::handle::{Attachment, Committed, SwitchRequest};
use super::report::HostReport;
use super::view::{HostState, View};
use crate::store::{Store, StoreError};

/// Commands that are taken together and share one commit.
const BATCH: usize = 256;

/// What can be asked of the engine.
pub(super) enum Command {
    Write(Box<dyn FnOnce(&mut Core) + Send>),
    Read(Box<dyn FnOnce(&View<'_>) + Send>),
    Report {
        target: Option<String>,
        report: Box<HostReport>,
        reply: oneshot::Sender<Option<HostId>>,
    },
    OvsdbConnected {
        host: HostId,
        connected: bool,
    },
    Attach {
        datapath_id: u64,
        requests: mpsc::Sender<SwitchRequest>,
        reply: oneshot::Sender<Attachment>,
    },
    Snapshot {
        host: HostId,
        session: SessionId,
        reply: oneshot::Sender<Option<Snapshot>>,
    },
    Next {
        host: HostId,
        session: SessionId,
        reply: oneshot::Sender<Option<Update>>,
    },
    Confirm {
        host: HostId,
        ticket: Ticket,
        flow_mods: u64,
        foreign: Option<u64>,
    },
    Detach {
        host: HostId,
        session: SessionId,
    },
}

/// What is known of a host's connections; nothing of it is stored.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) feed: Feed,
    pub(super) requests: Option<mpsc::Sender<SwitchRequest>>,
    pub(super) last_seen: Option<Timestamp>,
    pub(super) connected: Option<Timestamp>,
    pub(super) flow_mods_sent: u64,
    pub(super) foreign: u64,
    /// Connections, not a flag: a host that reconnects may have two for a moment.
    ovsdb_connections: usize,
    wake: Option<watch::Sender<u64>>,
}

impl Record {
    pub(super) fn state(&self) -> HostState {
        if !self.feed.is_attached() || self.ovsdb_connections == 0 {
            HostState::Offline
        } else if self.feed.is_synced() {
            HostState::Ready
        } else {
            HostState::Syncing
        }
    }

    fn wake(&self) {
        if let Some(wake) = &self.wake {
            wake.send_modify(|ticks| *ticks += 1);
        }
    }
}

/// The engine's state and its loop.
pub(super) struct Core {
    store: Store,
    settings: Settings,
    compiler: Compiler,
    revision: u64,
    claims: Claims,
    records: BTreeMap<HostId, Record>,
    /// Switches of which nobody knows the host yet, by datapath id.
    waiting: BTreeMap<u64, Vec<Waiting>>,
    /// Datapath ids that hosts reported since the last commit.
    reported: Vec<u64>,
    sessions: u64,
    progress: watch::Sender<u64>,
    targets: watch::Sender<BTreeMap<HostId, String>>,
    batch: Vec<Change>,
    staged: u64,
    replies: Vec<Box<dyn FnOnce() + Send>>,
}

/// A switch that waits for its host to be known.
struct Waiting {
    requests: mpsc::Sender<SwitchRequest>,
    reply: oneshot::Sender<Attachment>,
}

impl Core {
    pub(super) fn load(
        store: Store,
        settings: Settings,
        progress: watch::Sender<u64>,
        targets: watch::Sender<BTreeMap<HostId, String>>,
    ) -> Result<Self, StoreError> {
        let snapshot = store.load()?;
        let mut core = Self {
            store,
            settings,
            compiler: Compiler::new(),
            revision: snapshot.revision,
            claims: Claims::default(),
            records: BTreeMap::new(),
            waiting: BTreeMap::new(),
            reported: Vec::new(),
            sessions: 0,
            progress,
            targets,
            batch: Vec::new(),
            staged: snapshot.revision,
            replies: Vec::new(),
        };
        for change in &snapshot.changes {
            core.compiler.apply(change);
        }
        core.publish(snapshot.revision);
        core.publish_targets();
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

    /// Works until every handle is gone, or the store fails.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Command>) -> Result<(), StoreError> {
        let mut commands = Vec::with_capacity(BATCH);
        while queue.blocking_recv_many(&mut commands, BATCH) > 0 {
            for command in commands.drain(..) {
                // Whoever looks sees only what is durable.
                if !matches!(command, Command::Write(_)) {
                    self.commit()?;
                }
                self.handle(command);
            }
            self.commit()?;
        }
        Ok(())
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Write(write) => write(self),
            Command::Read(read) => read(&self.view()),
            Command::Report { target, report, reply } => self.report(target, &report, reply),
            Command::OvsdbConnected { host, connected } => {
                let record = self.records.entry(host).or_default();
                record.last_seen = Some(now());
                record.ovsdb_connections = match connected {
                    true => record.ovsdb_connections + 1,
                    false => record.ovsdb_connections.saturating_sub(1),
                };
                self.tick();
            }
            Command::Attach { datapath_id, requests, reply } => {
                let waiting = self.waiting.entry(datapath_id).or_default();
                waiting.retain(|waiting| !waiting.reply.is_closed());
                waiting.push(Waiting { requests, reply });
                self.place_waiting(datapath_id);
            }
            Command::Snapshot { host, session, reply } => {
                let feed = self.feed(host, session);
                drop(reply.send(feed.and_then(|(feed, compiler, revision)| {
                    feed.snapshot(compiler, host, revision)
                })));
            }
            Command::Next { host, session, reply } => {
                let feed = self.feed(host, session);
                drop(reply.send(
                    feed.and_then(|(feed, compiler, revision)| feed.next(compiler, host, revision)),
                ));
            }
            Command::Confirm { host, ticket, flow_mods, foreign } => {
                let record = self.records.entry(host).or_default();
                record.feed.confirm(ticket);
                record.flow_mods_sent += flow_mods;
                record.foreign = foreign.unwrap_or(record.foreign);
                record.last_seen = Some(now());
                if !record.feed.is_idle() {
                    record.wake();
                }
                self.tick();
            }
            Command::Detach { host, session } => {
                let record = self.records.entry(host).or_default();
                if record.feed.detach(session, self.revision) {
                    (record.wake, record.requests, record.connected) = (None, None, None);
                }
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
        self.apply(changes);
        self.bind(ports);
        Ok(Committed { answer, revision })
    }

    /// Calls `reply` when everything staged so far is durable.
    pub(super) fn when_durable(&mut self, reply: impl FnOnce() + Send + 'static) {
        self.replies.push(Box::new(reply));
    }

    fn context(&self, revision: u64) -> Context<'_> {
        Context { model: self.compiler.model(), settings: &self.settings, revision, now: now() }
    }

    fn apply(&mut self, changes: Vec<Change>) {
        for change in &changes {
            self.compiler.apply(change);
            if let Change::Delete(ResourceId::Host(host)) = change {
                self.claims.forget(*host);
            }
        }
        self.batch.extend(changes);
    }

    /// Binds each of `ports` to the host that has the best claim to it.
    fn bind(&mut self, ports: impl IntoIterator<Item = PortId>) {
        for id in ports {
            let model = self.compiler.model();
            let Some(port) = model.port(id) else { continue };
            let bound_host = self.claims.resolve(model, port);
            if bound_host == port.bound_host {
                continue;
            }
            let mut port = topology::model::Port::clone(port);
            info!(port = %id, from = ?port.bound_host, to = ?bound_host, "port bound");
            if self.staged == self.revision {
                self.staged += 1;
            }
            port.bound_host = bound_host;
            port.meta.revision = self.staged;
            self.apply(vec![Change::Put(Resource::Port(port.into()))]);
        }
    }

    fn report(
        &mut self,
        target: Option<String>,
        report: &HostReport,
        reply: oneshot::Sender<Option<HostId>>,
    ) {
        let context = self.context(self.staged + 1);
        let Some(Plan { changes, answer: host }) = report.plan(&context, target.as_deref()) else {
            error!(system_id = report.system_id, "no key is left for a new host");
            let _ = reply.send(None);
            return;
        };
        if !changes.is_empty() {
            self.staged += 1;
            self.apply(changes);
        }
        self.compiler.set_facts(host, report.facts());
        self.reported.extend(report.datapath_id);
        let ports = report.interfaces.keys().copied().collect();
        let changed = self.claims.report(self.compiler.model(), host, ports);
        self.bind(changed);
        self.records.entry(host).or_default().last_seen = Some(now());
        self.when_durable(move || {
            let _ = reply.send(Some(host));
        });
    }

    /// Makes what is staged durable, then compiles, wakes the hosts concerned, and answers.
    fn commit(&mut self) -> Result<(), StoreError> {
        let before = self.revision;
        if !self.batch.is_empty() {
            self.store.commit(self.staged, &self.batch)?;
            self.revision = self.staged;
            if self.batch.iter().any(concerns_host) {
                self.publish_targets();
            }
            self.batch.clear();
        }
        self.publish(before);
        for datapath_id in std::mem::take(&mut self.reported) {
            self.place_waiting(datapath_id);
        }
        for reply in self.replies.drain(..) {
            reply();
        }
        Ok(())
    }

    fn publish(&mut self, before: u64) {
        let outcome = self.compiler.flush();
        let mut concerned: BTreeSet<_> = outcome.unsubscribed.into_iter().collect();
        concerned.extend(outcome.subscribed);
        for block in outcome.changed {
            concerned.extend(self.compiler.subscribers(block).map(|host| (host, block)));
        }
        for &(host, block) in &concerned {
            self.records.entry(host).or_default().feed.mark(block, before);
        }
        for host in concerned.iter().map(|&(host, _)| host).collect::<BTreeSet<_>>() {
            self.records[&host].wake();
        }
        if self.revision != before || !concerned.is_empty() {
            self.tick();
        }
    }

    /// Gives the switches that wait with this datapath id their place, if their host is known and
    /// has reported.
    fn place_waiting(&mut self, datapath_id: u64) {
        let mut hosts = self.compiler.model().hosts().values();
        let host = hosts.find(|host| host.datapath_id == Some(datapath_id)).map(|host| host.id);
        let host = host.filter(|host| self.compiler.facts(*host).is_some());
        if let Some(host) = host {
            for waiting in self.waiting.remove(&datapath_id).unwrap_or_default() {
                self.place(host, waiting);
            }
        }
    }

    fn place(&mut self, host: HostId, waiting: Waiting) {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        let (wake, woken) = watch::channel(0);
        let record = self.records.entry(host).or_default();
        record.feed.attach(session);
        record.requests = Some(waiting.requests);
        record.connected = Some(now());
        record.wake = Some(wake);
        if waiting.reply.send(Attachment { host, session, wake: woken }).is_err() {
            record.feed.detach(session, self.revision);
        }
        self.tick();
    }

    fn feed(&mut self, host: HostId, session: SessionId) -> Option<(&mut Feed, &Compiler, u64)> {
        let feed = &mut self.records.get_mut(&host)?.feed;
        feed.is(session).then_some((feed, &self.compiler, self.revision))
    }

    fn view(&self) -> View<'_> {
        View {
            model: self.compiler.model(),
            compiler: &self.compiler,
            revision: self.revision,
            records: &self.records,
        }
    }

    /// Lets it be known where hosts listen that are to be dialled.
    fn publish_targets(&self) {
        let hosts = self.compiler.model().hosts().values();
        let targets = hosts.filter_map(|host| Some((host.id, host.ovsdb_target.clone()?)));
        let targets = targets.collect();
        self.targets.send_if_modified(|known| {
            let changed = *known != targets;
            *known = targets;
            changed
        });
    }

    fn tick(&self) {
        self.progress.send_modify(|ticks| *ticks += 1);
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write(_) => "Write",
            Self::Read(_) => "Read",
            Self::Report { .. } => "Report",
            Self::OvsdbConnected { .. } => "OvsdbConnected",
            Self::Attach { .. } => "Attach",
            Self::Snapshot { .. } => "Snapshot",
            Self::Next { .. } => "Next",
            Self::Confirm { .. } => "Confirm",
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

fn concerns_host(change: &Change) -> bool {
    matches!(change, Change::Put(Resource::Host(_)) | Change::Delete(ResourceId::Host(_)))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
