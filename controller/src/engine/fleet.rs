use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::{mpsc, oneshot, watch};
use topology::block::BlockId;
use topology::compile::Compiler;
use topology::model::{HostId, Timestamp};

use super::drift::{Comparison, Drift};
use super::feed::{Feed, Receipt, SessionId};
use super::guard::{Guard, Removal, RemovalLimit};
use super::handle::{Attachment, SwitchRequest};
use super::refused::RefusedFlows;
use super::view::HostState;

/// The hosts' connections; nothing of it is stored.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    records: BTreeMap<HostId, Record>,
    /// Switches whose host is not known yet, or has not reported, by datapath id.
    waiting: BTreeMap<u64, Vec<Waiting>>,
    sessions: u64,
}

/// What a session has found out about its switch, beside what it was told to do there.
#[derive(Debug)]
pub(super) enum Observation {
    /// What others have changed.
    Compared(Comparison),
    /// So many settings that others had changed were put right.
    SettingsHealed(u64),
    /// The flows that the switch does not take, all of them.
    Refused(RefusedFlows),
}

/// What is known of one host's connections.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) feed: Feed,
    pub(super) requests: Option<mpsc::Sender<SwitchRequest>>,
    pub(super) last_seen: Option<Timestamp>,
    pub(super) connected: Option<Timestamp>,
    /// The switch that is attached.
    datapath_id: Option<u64>,
    pub(super) flow_mods_sent: u64,
    pub(super) foreign: u64,
    pub(super) drift: Drift,
    pub(super) refused: RefusedFlows,
    pub(super) guard: Guard,
    /// Connections, not a flag: a host that reconnects may have two for a moment.
    ovsdb_connections: usize,
    wake: Option<watch::Sender<u64>>,
}

/// A switch that waits for its place.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) requests: mpsc::Sender<SwitchRequest>,
    pub(super) reply: oneshot::Sender<Attachment>,
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

    fn is_connected(&self) -> bool {
        self.feed.is_attached() || self.ovsdb_connections > 0
    }

    /// Lets the switch's session notice that its place is gone; it detaches then.
    fn hang_up(&mut self) {
        (self.wake, self.requests) = (None, None);
    }

    fn wake(&self) {
        if let Some(wake) = &self.wake {
            wake.send_modify(|ticks| *ticks += 1);
        }
    }
}

impl Fleet {
    /// What is known of `host`.
    pub(super) fn get(&self, host: HostId) -> Option<&Record> {
        self.records.get(&host)
    }

    /// `host` was heard.
    pub(super) fn heard(&mut self, host: HostId, now: Timestamp) -> &mut Record {
        let record = self.records.entry(host).or_default();
        record.last_seen = Some(now);
        record
    }

    /// An OVSDB connection of `host` has come or gone.
    pub(super) fn ovsdb_connected(&mut self, host: HostId, connected: bool, now: Timestamp) {
        let record = self.heard(host, now);
        record.ovsdb_connections = match connected {
            true => record.ovsdb_connections + 1,
            false => record.ovsdb_connections.saturating_sub(1),
        };
    }

    /// A switch asks for its place.
    pub(super) fn wait(&mut self, datapath_id: u64, switch: Waiting) {
        // Those that have gone meanwhile, whatever they called themselves, leave nothing.
        self.waiting.retain(|_, waiting| {
            waiting.retain(|waiting| !waiting.reply.is_closed());
            !waiting.is_empty()
        });
        self.waiting.entry(datapath_id).or_default().push(switch);
    }

    /// Gives the switches that wait with this datapath id their place, if their host is known and
    /// its database has been read.
    pub(super) fn place(
        &mut self,
        datapath_id: u64,
        compiler: &Compiler,
        revision: u64,
        now: Timestamp,
    ) {
        let mut hosts = compiler.model().hosts().values();
        let host = hosts.find(|host| host.datapath_id == Some(datapath_id)).map(|host| host.id);
        let Some(host) = host.filter(|host| compiler.facts(*host).is_some()) else { return };
        // A host that was deleted and added again is another one; its switch knows nothing of it.
        for (&other, record) in &mut self.records {
            if other != host && record.datapath_id == Some(datapath_id) {
                record.hang_up();
            }
        }
        for waiting in self.waiting.remove(&datapath_id).unwrap_or_default() {
            self.sessions += 1;
            let session = SessionId(self.sessions);
            let (wake, woken) = watch::channel(0);
            let record = self.heard(host, now);
            record.feed.attach(session);
            record.requests = Some(waiting.requests);
            record.connected = Some(now);
            record.refused = RefusedFlows::default();
            record.datapath_id = Some(datapath_id);
            record.wake = Some(wake);
            let place = Attachment { host, session, wake: woken };
            if waiting.reply.send(place).is_err() {
                self.detach(host, session, revision);
            }
        }
    }

    /// The feed of a session that has not been replaced.
    pub(super) fn feed(&mut self, host: HostId, session: SessionId) -> Option<&mut Feed> {
        let record = self.records.get_mut(&host)?;
        record.feed.is(session).then_some(&mut record.feed)
    }

    /// A switch has confirmed something.
    pub(super) fn confirm(
        &mut self,
        host: HostId,
        session: SessionId,
        receipt: &Receipt,
        now: Timestamp,
    ) {
        let record = self.heard(host, now);
        record.feed.confirm(session, receipt);
        record.flow_mods_sent += receipt.flow_mods;
        record.foreign = receipt.foreign.unwrap_or(record.foreign);
    }

    /// A session has found something out.
    pub(super) fn observed(
        &mut self,
        host: HostId,
        session: SessionId,
        observation: Observation,
        now: Timestamp,
    ) {
        let Some(record) = self.records.get_mut(&host) else { return };
        if !record.feed.is(session) {
            return;
        }
        match observation {
            Observation::Compared(Comparison { found, healed, foreign }) => {
                record.drift.compared(found, healed, now);
                record.foreign = foreign;
            }
            Observation::Refused(refused) => record.refused = refused,
            Observation::SettingsHealed(count) => record.drift.settings_healed(count, now),
        }
    }

    /// Whether a host may lose these flows.
    pub(super) fn judge(
        &mut self,
        host: HostId,
        removal: Removal,
        limit: RemovalLimit,
        now: Timestamp,
    ) -> bool {
        let others = self.records.iter().filter(|(other, _)| **other != host);
        let others = others.map(|(_, record)| record.guard.first());
        let others = others.fold(Removal::default(), |sum, removal| sum + removal);
        self.heard(host, now).guard.judge(removal, others, limit, now)
    }

    /// What a host was not to lose may go; false when nothing is held.
    pub(super) fn release(&mut self, host: HostId) -> bool {
        self.records.get_mut(&host).is_some_and(|record| record.guard.release())
    }

    /// A session is over.
    pub(super) fn detach(&mut self, host: HostId, session: SessionId, revision: u64) {
        let Some(record) = self.records.get_mut(&host) else { return };
        if record.feed.detach(session, revision) {
            record.hang_up();
            (record.connected, record.datapath_id) = (None, None);
        }
    }

    /// These blocks of these hosts have changed by the commit that followed `before`.
    pub(super) fn mark(&mut self, concerned: &BTreeSet<(HostId, BlockId)>, before: u64) {
        let mut woken = None;
        for &(host, block) in concerned {
            let Some(record) = self.records.get_mut(&host) else { continue };
            record.feed.mark(block, before);
            if woken.replace(host) != Some(host) {
                record.wake();
            }
        }
    }

    /// Of a host that was deleted nothing is kept once it is disconnected; until then its record
    /// serves to take the flows off its switch.
    pub(super) fn forget_if_gone(&mut self, host: HostId, compiler: &Compiler) {
        let connected = self.records.get(&host).is_some_and(Record::is_connected);
        if !connected && compiler.model().host(host).is_none() {
            self.records.remove(&host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_that_nobody_knows_and_that_have_gone_are_forgotten() {
        let mut fleet = Fleet::default();
        let mut connect = |datapath_id| {
            let (requests, _) = mpsc::channel(1);
            let (reply, place) = oneshot::channel();
            fleet.wait(datapath_id, Waiting { requests, reply });
            place
        };
        let staying = connect(1);
        for datapath_id in 2..1000 {
            drop(connect(datapath_id));
        }
        let last = connect(1000);
        assert_eq!(fleet.waiting.keys().copied().collect::<Vec<_>>(), [1, 1000]);
        drop((staying, last));
    }
}
