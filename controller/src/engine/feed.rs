mod net;
mod ways;

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use topology::block::{Block, BlockFlow, BlockId};
use topology::compile::Compiler;
use topology::model::HostId;

use net::Net;
use ways::{PART, Ways};

/// Which of a host's switch sessions: they are numbered from 1 for the life of this `weftd`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId(pub u64);

/// On which of two lanes flows go to a switch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lane {
    /// What a snapshot has and the switch has not, in parts.
    Bulk,
    /// What has changed since, between the parts.
    Live,
}

/// A receipt to be signed: the session that confirms it and the store revision that the
/// flows handed out with it bring its lane to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ticket {
    /// The session it was handed to.
    pub session: SessionId,
    /// The lane.
    pub lane: Lane,
    /// The revision.
    pub revision: u64,
}

/// What a switch has confirmed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Receipt {
    /// A hand-over of which it has everything now.
    pub ticket: Option<Ticket>,
    /// Blocks of the snapshot of which it has everything now; others are to follow.
    pub blocks: Vec<BlockId>,
    /// Flow-mods that it took.
    pub flow_mods: u64,
    /// Flows that are not ours and stay, where it was asked for them.
    pub foreign: Option<u64>,
}

/// All flows that a host should have.
#[derive(Debug)]
pub struct Snapshot {
    /// The blocks.
    pub blocks: Vec<BlockId>,
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
    /// Blocks that the host has no use for any more: all of their flows go.
    pub left: Vec<BlockId>,
    /// The blocks that this changes.
    pub changed: BTreeSet<BlockId>,
    /// The blocks without which some of this is of no use: [`Compiler::presupposed`].
    pub presupposed: BTreeSet<BlockId>,
    /// To be confirmed when the switch has them.
    pub ticket: Ticket,
}

/// What a session is handed when something has changed.
#[derive(Debug)]
pub enum HandOver {
    /// What has changed since the last.
    Update(Box<Update>),
    /// Nothing but that the switch is to be compared with a snapshot: what stays on it is decided
    /// anew.
    Compare,
}

/// How far one host's switch is: which version of each block it was handed, and what it has
/// confirmed. Memory is a few words per block, whatever the number of flows.
///
/// A snapshot comes first, on the bulk lane. Until it is confirmed it is known of each of its
/// blocks whether the switch has that; what changes since goes on the live lane, one hand-over at a
/// time.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    session: Option<SessionId>,
    handed: FxHashMap<BlockId, u64>,
    /// The snapshot that is on its way, and its blocks that are not confirmed.
    bulk: Option<(Ticket, BTreeSet<BlockId>)>,
    /// What has changed since the last hand-over.
    pending: BTreeSet<BlockId>,
    /// What of blocks that were handed out is to follow.
    ways: Ways,
    /// The last hand-over had none of that, because something else had changed.
    ways_wait: bool,
    /// The hand-over that is on its way on the live lane.
    in_flight: Option<(Ticket, BTreeSet<BlockId>)>,
    synced: bool,
    /// A snapshot has to come before anything else.
    compare: bool,
    /// The switch keeps flows that it should not have: it gets what it lacks, and is not further
    /// than it was.
    is_held: bool,
    /// The revision that the live lane has brought the switch to, while it is not idle.
    followed: u64,
    /// The revision that the switch has confirmed everything of, while a snapshot is on its way,
    /// something is held or no session is attached.
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

    /// True once the first snapshot was confirmed.
    pub(crate) fn is_synced(&self) -> bool {
        self.synced
    }

    /// The revision that the switch has confirmed everything of, when the store is at `current`.
    ///
    /// What live changes have brought does not count while something of the snapshot is missing.
    pub(crate) fn realized(&self, current: u64) -> u64 {
        let is_current = self.synced && self.bulk.is_none() && !self.is_held;
        if is_current { self.followed(current) } else { self.realized }
    }

    /// What the commit that followed `before` takes away stays on the switch.
    pub(crate) fn hold(&mut self, before: u64) {
        self.realized = self.realized(before);
        self.is_held = true;
        self.compare();
    }

    /// Whether something stays on the switch.
    pub(crate) fn set_held(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// The switch is to be compared with all it should have.
    pub(crate) fn compare(&mut self) {
        self.compare = self.is_attached();
    }

    /// The revision that the live lane has brought the switch to.
    fn followed(&self, current: u64) -> u64 {
        if self.has_followed() { current } else { self.followed }
    }

    /// True when nothing of the live lane is waiting to be handed out or confirmed.
    fn has_followed(&self) -> bool {
        self.pending.is_empty() && self.in_flight.is_none() && self.ways.is_empty()
    }

    /// True when the switch has confirmed the newest version of `block`, whatever else it lacks.
    pub(crate) fn has_confirmed(&self, block: BlockId) -> bool {
        let on_its_way = |hand_over: &Option<(Ticket, BTreeSet<BlockId>)>| {
            hand_over.as_ref().is_some_and(|(_, blocks)| blocks.contains(&block))
        };
        self.handed.contains_key(&block)
            && !on_its_way(&self.bulk)
            && !on_its_way(&self.in_flight)
            && !self.pending.contains(&block)
            && !self.ways.contains(block)
    }

    /// A block of the host's was changed, gained or lost by the commit that followed `before`.
    pub(crate) fn mark(&mut self, block: BlockId, before: u64) {
        if self.is_attached() {
            self.followed = self.followed(before);
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
        let ticket = Ticket { session: self.session?, lane: Lane::Bulk, revision };
        self.realized = self.realized(revision);
        let blocks = || compiler.blocks_of(host).filter_map(|id| Some((id, compiler.block(id)?)));
        let unconfirmed =
            blocks().map(|(id, _)| id).filter(|id| !self.has_confirmed(*id)).collect();
        self.bulk = Some((ticket, unconfirmed));
        self.handed = blocks().map(|(id, block)| (id, block.version())).collect();
        self.pending.clear();
        (self.in_flight, self.compare) = (None, false);
        self.ways = Ways::default();
        let flows = blocks().flat_map(|(_, block)| block.flows()).cloned().collect();
        Some(Snapshot { blocks: blocks().map(|(id, _)| id).collect(), flows, ticket })
    }

    /// Everything the host should have, once the switch has confirmed all of it: what it has else
    /// was not told it by us. `None` while something is on its way or waits to be handed out.
    pub(crate) fn settled(&self, compiler: &Compiler, host: HostId) -> Option<Vec<Arc<BlockFlow>>> {
        self.has_everything().then(|| compiler.desired(host).cloned().collect())
    }

    /// True when the switch has confirmed everything that it should have.
    pub(crate) fn has_everything(&self) -> bool {
        self.synced && self.is_idle() && !self.compare
    }

    /// What changed since the last hand-over, or since the snapshot, which need not be confirmed;
    /// `None` while another change is not, or when nothing did.
    pub(crate) fn next(
        &mut self,
        compiler: &Compiler,
        host: HostId,
        revision: u64,
    ) -> Option<HandOver> {
        let ticket = Ticket { session: self.session?, lane: Lane::Live, revision };
        if self.compare {
            return Some(HandOver::Compare);
        }
        let has_begun = self.synced || self.bulk.is_some();
        let has_any = !self.pending.is_empty() || !self.ways.is_empty();
        if self.in_flight.is_some() || !has_begun || !has_any {
            return None;
        }
        let mut changed = std::mem::take(&mut self.pending);
        // In turns, so that neither holds up the other.
        let ways_may_wait = !self.ways.is_empty() && !changed.is_empty() && !self.ways_wait;
        let mut net = Net::default();
        let (mut cleared, mut left) = (Vec::new(), Vec::new());
        for &id in &changed {
            let block = compiler.block(id).filter(|_| compiler.is_subscribed(host, id));
            let Some(block) = block else {
                left.extend(self.handed.remove(&id).map(|_| id));
                self.ways.forget(id);
                continue;
            };
            net.add_block(self.changes(id, block, &mut cleared));
        }
        self.ways_wait = ways_may_wait;
        if !ways_may_wait {
            let (flows, blocks) = self.ways.take(PART.saturating_sub(net.len()).max(PART / 4));
            net.add(flows);
            changed.extend(blocks);
        }
        let (put, removed) = net.into_flows();
        let mut presupposed: BTreeSet<_> =
            changed.iter().flat_map(|&block| compiler.presupposed(block)).collect();
        presupposed.retain(|block| self.handed.contains_key(block));
        self.in_flight = Some((ticket, changed.clone()));
        let update = Update { put, removed, cleared, left, changed, presupposed, ticket };
        Some(HandOver::Update(Box::new(update)))
    }

    /// What of a block has changed since it was handed out, which it is now. Of one that has
    /// forgotten its journal, and is `cleared`, that is everything, and of a new one everything but
    /// the ways that follow.
    fn changes(&mut self, id: BlockId, block: &Block, cleared: &mut Vec<BlockId>) -> Net {
        let Some(version) = self.handed.insert(id, block.version()) else {
            return Net::whole(&self.ways.divide(id, block));
        };
        let Some(deltas) = block.since(version) else {
            cleared.push(id);
            self.ways.forget(id);
            return Net::whole(block.flows());
        };
        let changes = Net::of_block(deltas);
        self.ways.superseded(id, &changes);
        changes
    }

    /// The switch of `session` has confirmed this.
    pub(crate) fn confirm(&mut self, session: SessionId, receipt: &Receipt) {
        if !self.is(session) {
            return;
        }
        if let Some((_, blocks)) = &mut self.bulk {
            for block in &receipt.blocks {
                blocks.remove(block);
            }
        }
        let Some(ticket) = receipt.ticket else { return };
        let is_it = |hand_over: &Option<(Ticket, _)>| {
            hand_over.as_ref().is_some_and(|(on_its_way, _)| *on_its_way == ticket)
        };
        if is_it(&self.bulk) {
            self.bulk = None;
            self.synced = true;
        }
        if is_it(&self.in_flight) {
            self.in_flight = None;
            // While more is to follow, the switch is not as that revision has it.
            if self.ways.is_empty() {
                self.followed = ticket.revision;
            }
        }
    }

    /// True when nothing is waiting to be handed out or confirmed.
    pub(crate) fn is_idle(&self) -> bool {
        self.has_followed() && self.bulk.is_none()
    }
}

#[cfg(test)]
mod tests;
