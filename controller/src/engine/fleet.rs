mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use tokio::sync::{mpsc, oneshot, watch};
use topology::block::BlockId;
use topology::compile::Compiler;
use topology::model::{HostId, Timestamp};

use super::dispute::Dispute;
use super::drift::{Comparison, Drift};
use super::feed::{Feed, Receipt, SessionId};
use super::guard::{Guard, Removal, RemovalLimit, Stay, Surplus};
use super::handle::{Attachment, SwitchRequest};
use super::identity::ConnectionId;
use super::refused::RefusedFlows;
use super::view::HostState;

pub(super) use place::target_ip;

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
    /// So many of the flows are there that are held.
    Held(u64),
}

/// What is known of one host's connections.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) feed: Feed,
    pub(super) requests: Option<mpsc::Sender<SwitchRequest>>,
    pub(super) last_seen: Option<Timestamp>,
    pub(super) connected: Option<Timestamp>,
    /// The switch that is attached: its datapath id, and where it is.
    switch: Option<(u64, IpAddr)>,
    pub(super) flow_mods_sent: u64,
    pub(super) foreign: u64,
    pub(super) drift: Drift,
    pub(super) refused: RefusedFlows,
    pub(super) guard: Guard,
    /// The OVSDB connection that speaks for the host, or did last.
    ovsdb: Option<Ovsdb>,
    wake: Option<watch::Sender<u64>>,
}

/// An OVSDB connection that speaks for a host.
#[derive(Debug)]
pub(super) struct Ovsdb {
    pub(super) connection: ConnectionId,
    pub(super) peer: IpAddr,
    /// Further addresses that the host says are its own.
    pub(super) management_ips: BTreeSet<IpAddr>,
    /// What it says of its tunnel address, when that is another's.
    pub(super) tunnel_ip: Option<Dispute>,
    pub(super) is_connected: bool,
}

/// A switch that waits for its place.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) peer: IpAddr,
    pub(super) requests: mpsc::Sender<SwitchRequest>,
    pub(super) reply: oneshot::Sender<Attachment>,
    /// Tells why it has none, when that is because of where it comes from.
    pub(super) disputed: watch::Sender<Option<Dispute>>,
}

impl Record {
    pub(super) fn state(&self) -> HostState {
        if !self.feed.is_attached() || !self.has_ovsdb() {
            HostState::Offline
        } else if self.feed.is_synced() {
            HostState::Ready
        } else {
            HostState::Syncing
        }
    }

    fn is_connected(&self) -> bool {
        self.feed.is_attached() || self.has_ovsdb()
    }

    fn has_ovsdb(&self) -> bool {
        self.ovsdb.as_ref().is_some_and(|ovsdb| ovsdb.is_connected)
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

    /// `host` has said something on this OVSDB connection.
    pub(super) fn ovsdb_heard(&mut self, host: HostId, ovsdb: Ovsdb, now: Timestamp) {
        self.heard(host, now).ovsdb = Some(ovsdb);
    }

    /// True for the connection that spoke for `host` last and is still there.
    pub(super) fn speaks_for(&self, connection: ConnectionId, host: HostId) -> bool {
        let ovsdb = self.records.get(&host).and_then(|record| record.ovsdb.as_ref());
        ovsdb.is_some_and(|ovsdb| ovsdb.connection == connection && ovsdb.is_connected)
    }

    /// An OVSDB connection that spoke for `host` is over; returns the hosts that have none now.
    /// Where it came from is remembered: the host's switch may be back first.
    pub(super) fn ovsdb_gone(
        &mut self,
        host: Option<HostId>,
        connection: ConnectionId,
        now: Timestamp,
    ) -> Vec<HostId> {
        let mut gone = Vec::new();
        for (&id, record) in &mut self.records {
            let Some(ovsdb) = &mut record.ovsdb else { continue };
            if host == Some(id) || ovsdb.connection == connection {
                ovsdb.is_connected = false;
                record.last_seen = Some(now);
                gone.push(id);
            }
        }
        gone
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
        if let Some(foreign) = receipt.foreign {
            record.foreign = foreign;
            record.drift.synchronised();
        }
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
            Observation::Held(flows) => {
                record.guard.found(flows);
                record.feed.set_held(record.guard.hold().is_some());
            }
            Observation::SettingsHealed(count) => record.drift.settings_healed(count, now),
        }
    }

    /// What stays of a host's surplus.
    pub(super) fn judge(
        &mut self,
        host: HostId,
        surplus: Surplus,
        limit: RemovalLimit,
        now: Timestamp,
    ) -> Stay {
        let others = self.records.iter().filter(|(other, _)| **other != host);
        let others = others.map(|(_, record)| record.guard.first());
        let others = others.fold(Removal::default(), |sum, removal| sum + removal);
        let record = self.heard(host, now);
        let stay = record.guard.judge(surplus, others, limit, now);
        record.feed.set_held(stay != Stay::Nothing);
        stay
    }

    /// The commit that followed `before` does not take these flows from a host.
    pub(super) fn hold(&mut self, host: HostId, removal: Removal, before: u64, now: Timestamp) {
        let record = self.records.entry(host).or_default();
        record.guard.hold_change(removal, now);
        record.feed.hold(before);
        record.wake();
    }

    /// What a host was not to lose may go, by a new comparison; false when nothing is held.
    pub(super) fn release(&mut self, host: HostId) -> bool {
        let Some(record) = self.records.get_mut(&host) else { return false };
        let was_held = record.guard.release();
        if was_held {
            record.feed.compare();
            record.wake();
        }
        was_held
    }

    /// A session is over.
    pub(super) fn detach(&mut self, host: HostId, session: SessionId, revision: u64) {
        let Some(record) = self.records.get_mut(&host) else { return };
        if record.feed.detach(session, revision) {
            record.hang_up();
            (record.connected, record.switch) = (None, None);
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
