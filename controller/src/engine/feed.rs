use std::collections::BTreeSet;
use std::sync::Arc;

use openflow::FlowId;
use rustc_hash::FxHashMap;
use topology::block::{BlockFlow, BlockId, Delta};
use topology::compile::Compiler;
use topology::model::HostId;

/// Which of a host's switch sessions: they are numbered from 1 for the life of this `weftd`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId(pub u64);

/// A receipt to be signed: the session that confirms it and the store revision that the
/// flows handed out with it bring the host to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ticket {
    /// The session it was handed to.
    pub session: SessionId,
    /// The revision.
    pub revision: u64,
}

/// All flows that a host should have.
#[derive(Debug)]
pub struct Snapshot {
    /// The flows, block by block.
    pub flows: Vec<Arc<BlockFlow>>,
    /// To be confirmed when the switch has them.
    pub ticket: Ticket,
}

/// What has changed since the last hand-over.
#[derive(Debug)]
pub struct Update {
    /// Flows to add or replace.
    pub put: Vec<Arc<BlockFlow>>,
    /// Flows to remove, unless they were replaced by another block's.
    pub removed: Vec<Arc<BlockFlow>>,
    /// Blocks all of whose flows go before any is put: some of these flows are put again.
    pub cleared: Vec<BlockId>,
    /// Blocks that the host had no use for until now.
    pub gained: Vec<BlockId>,
    /// Blocks that the host has no use for any more: all of their flows go.
    pub left: Vec<BlockId>,
    /// To be confirmed when the switch has them.
    pub ticket: Ticket,
}

/// How far one host's switch is: which version of each block it was handed, and what it has
/// confirmed. Memory is a few words per block, whatever the number of flows.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    session: Option<SessionId>,
    handed: FxHashMap<BlockId, u64>,
    pending: BTreeSet<BlockId>,
    in_flight: Option<(Ticket, BTreeSet<BlockId>)>,
    synced: bool,
    realized: u64,
}

impl Feed {
    /// A new session takes over; nothing is known of what the switch has.
    pub(crate) fn attach(&mut self, session: SessionId) {
        *self = Self { session: Some(session), realized: self.realized, ..Self::default() };
    }

    /// The session is gone; one that was replaced before is ignored.
    pub(crate) fn detach(&mut self, session: SessionId, current: u64) -> bool {
        let attached = self.is(session);
        if attached {
            *self = Self { realized: self.realized(current), ..Self::default() };
        }
        attached
    }

    /// True while a session is attached.
    pub(crate) fn is_attached(&self) -> bool {
        self.session.is_some()
    }

    /// True when this session is the attached one.
    pub(crate) fn is(&self, session: SessionId) -> bool {
        self.session == Some(session)
    }

    /// True once the first hand-over was confirmed.
    pub(crate) fn is_synced(&self) -> bool {
        self.synced
    }

    /// The revision that the switch has confirmed everything of, when the store is at `current`.
    pub(crate) fn realized(&self, current: u64) -> u64 {
        if self.synced && self.is_idle() { current } else { self.realized }
    }

    /// True when the switch has confirmed the newest version of `block`.
    pub(crate) fn has_confirmed(&self, block: BlockId) -> bool {
        let in_flight = self.in_flight.as_ref().is_some_and(|(_, blocks)| blocks.contains(&block));
        self.synced && !in_flight && !self.pending.contains(&block)
    }

    /// A block of the host's was changed, gained or lost by the commit that followed `before`.
    pub(crate) fn mark(&mut self, block: BlockId, before: u64) {
        if self.is_attached() {
            self.realized = self.realized(before);
            self.pending.insert(block);
        }
    }

    /// Everything the host should have; from here on [`Feed::next`] says what changes.
    pub(crate) fn snapshot(
        &mut self,
        compiler: &Compiler,
        host: HostId,
        revision: u64,
    ) -> Option<Snapshot> {
        let ticket = Ticket { session: self.session?, revision };
        let blocks = || compiler.blocks_of(host).filter_map(|id| Some((id, compiler.block(id)?)));
        self.handed = blocks().map(|(id, block)| (id, block.version())).collect();
        self.pending.clear();
        self.in_flight = Some((ticket, blocks().map(|(id, _)| id).collect()));
        let flows = blocks().flat_map(|(_, block)| block.flows()).cloned().collect();
        Some(Snapshot { flows, ticket })
    }

    /// Everything the host should have, once the switch has confirmed all of it: what it has else
    /// was not told it by us. `None` while something is on its way or waits to be handed out.
    pub(crate) fn settled(&self, compiler: &Compiler, host: HostId) -> Option<Vec<Arc<BlockFlow>>> {
        let settled = self.synced && self.is_idle();
        settled.then(|| compiler.desired(host).cloned().collect())
    }

    /// What changed since the last hand-over; `None` while that one is not confirmed, or when
    /// nothing did.
    pub(crate) fn next(
        &mut self,
        compiler: &Compiler,
        host: HostId,
        revision: u64,
    ) -> Option<Update> {
        let ticket = Ticket { session: self.session?, revision };
        if self.in_flight.is_some() || !self.synced || self.pending.is_empty() {
            return None;
        }
        let pending = std::mem::take(&mut self.pending);
        let mut net = Net::default();
        let (mut cleared, mut gained, mut left) = (Vec::new(), Vec::new(), Vec::new());
        for &id in &pending {
            let block = compiler.block(id).filter(|_| compiler.is_subscribed(host, id));
            let Some(block) = block else {
                left.extend(self.handed.remove(&id).map(|_| id));
                continue;
            };
            let journal = match self.handed.insert(id, block.version()) {
                None => {
                    gained.push(id);
                    None
                }
                Some(version) => {
                    let journal = block.since(version);
                    cleared.extend(journal.is_none().then_some(id));
                    journal
                }
            };
            match journal {
                Some(deltas) => deltas.for_each(|delta| net.add(delta)),
                None => net.put.extend(block.flows().map(|flow| (flow.flow.id(), flow.clone()))),
            }
        }
        let put = net.put.into_values().collect();
        let removed = net.removed.into_values().collect();
        let update = Update { put, removed, cleared, gained, left, ticket };
        self.in_flight = Some((ticket, pending));
        Some(update)
    }

    /// The switch has confirmed what was handed out with `ticket`.
    pub(crate) fn confirm(&mut self, ticket: Ticket) {
        if self.in_flight.as_ref().is_some_and(|(in_flight, _)| *in_flight == ticket) {
            self.in_flight = None;
            self.synced = true;
            self.realized = ticket.revision;
        }
    }

    /// True when nothing is waiting to be handed out or confirmed.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.in_flight.is_none()
    }
}

/// What a sequence of deltas comes to.
#[derive(Default)]
struct Net {
    put: FxHashMap<FlowId, Arc<BlockFlow>>,
    removed: FxHashMap<FlowId, Arc<BlockFlow>>,
}

impl Net {
    fn add(&mut self, delta: &Delta) {
        for flow in &delta.removed {
            let id = flow.flow.id();
            self.put.remove(&id);
            self.removed.insert(id, flow.clone());
        }
        for flow in &delta.put {
            let id = flow.flow.id();
            self.removed.remove(&id);
            self.put.insert(id, flow.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use topology::facts::HostFacts;
    use topology::key::Key;
    use topology::model::{Change, Host, Meta, Resource, Timestamp};
    use uuid::Uuid;

    use super::*;

    const HOST: HostId = HostId(Uuid::from_u128(1));
    const SESSION: SessionId = SessionId(1);

    /// A host on its own whose tunnel address changes: its flows do too.
    struct Scene {
        compiler: Compiler,
        feed: Feed,
        revision: u64,
    }

    impl Scene {
        fn new() -> Self {
            let mut scene = Self { compiler: Compiler::new(), feed: Feed::default(), revision: 0 };
            scene.change(1);
            scene.compiler.set_facts(HOST, HostFacts::default());
            scene.compiler.flush();
            scene.feed.attach(SESSION);
            scene
        }

        fn change(&mut self, address: u8) {
            let host = Host {
                id: HOST,
                meta: Meta {
                    key: Key::new(1).unwrap(),
                    name: "a".into(),
                    description: String::new(),
                    labels: BTreeMap::new(),
                    created: Timestamp(0),
                    updated: Timestamp(0),
                    revision: self.revision + 1,
                },
                system_id: None,
                tunnel_ip: Some([192, 0, 2, address].into()),
                bridge_mappings: BTreeMap::new(),
                datapath_id: None,
                ovs_version: String::new(),
                ovsdb_target: None,
            };
            self.compiler.apply(&Change::Put(Resource::Host(Arc::new(host))));
            for block in self.compiler.flush().changed {
                self.feed.mark(block, self.revision);
            }
            self.revision += 1;
        }

        fn snapshot(&mut self) -> Snapshot {
            self.feed.snapshot(&self.compiler, HOST, self.revision).unwrap()
        }

        fn next(&mut self) -> Option<Update> {
            self.feed.next(&self.compiler, HOST, self.revision)
        }
    }

    #[test]
    fn a_revision_is_realised_when_it_is_confirmed_and_not_before() {
        let mut scene = Scene::new();
        let first = scene.snapshot().ticket;
        assert_eq!(scene.feed.realized(scene.revision), 0);
        scene.feed.confirm(first);
        assert_eq!(scene.feed.realized(scene.revision), 1);
        assert_eq!(scene.feed.realized(7), 7, "revisions that do not concern the host");

        let settled = |scene: &Scene| scene.feed.settled(&scene.compiler, HOST);
        assert_eq!(settled(&scene).unwrap().len(), scene.compiler.desired(HOST).count());
        scene.change(2);
        assert!(settled(&scene).is_none());
        assert_eq!(scene.feed.realized(scene.revision), 1);
        let second = scene.next().unwrap().ticket;
        assert_eq!(scene.feed.realized(scene.revision), 1);
        assert!(settled(&scene).is_none());
        scene.feed.confirm(second);
        assert_eq!(scene.feed.realized(scene.revision), 2);
    }

    #[test]
    fn one_hand_over_is_on_its_way_at_a_time_and_the_next_is_the_net_change() {
        let mut scene = Scene::new();
        let first = scene.snapshot();
        let ticket = first.ticket;
        scene.change(2);
        scene.change(3);
        assert!(scene.next().is_none(), "the first is not confirmed");
        scene.feed.confirm(ticket);
        let update = scene.next().unwrap();
        let put: Vec<_> = update.put.iter().map(|flow| flow.flow.to_string()).collect();
        assert!(put.iter().any(|flow| flow.contains("192.0.2.3")), "{put:?}");
        assert!(!put.iter().any(|flow| flow.contains("192.0.2.2")), "{put:?}");
        scene.feed.confirm(update.ticket);
        assert!(scene.next().is_none());
    }

    #[test]
    fn a_change_that_was_taken_back_leaves_the_flows_as_they_were() {
        let mut scene = Scene::new();
        let ticket = scene.snapshot().ticket;
        scene.feed.confirm(ticket);
        scene.change(2);
        scene.change(1);
        let update = scene.next().unwrap();
        let wanted: Vec<_> = scene.compiler.desired(HOST).map(|flow| flow.flow.clone()).collect();
        assert!(update.put.iter().all(|flow| wanted.contains(&flow.flow)));
        assert!(
            update.removed.iter().all(|flow| !wanted.iter().any(|it| it.id() == flow.flow.id()))
        );
    }

    #[test]
    fn a_session_that_was_replaced_gets_nothing() {
        let mut scene = Scene::new();
        let ticket = scene.snapshot().ticket;
        scene.feed.attach(SessionId(2));
        scene.feed.confirm(ticket);
        assert!(!scene.feed.is_synced());
        assert!(!scene.feed.detach(SESSION, scene.revision));
        assert!(scene.feed.detach(SessionId(2), scene.revision));
        assert!(scene.feed.snapshot(&scene.compiler, HOST, 1).is_none());
    }
}
