mod net;

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use topology::block::{BlockFlow, BlockId};
use topology::compile::Compiler;
use topology::model::HostId;

use net::Net;

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
            net.add_block(match journal {
                Some(deltas) => Net::of_block(deltas),
                None => Net::whole(block.flows()),
            });
        }
        let (put, removed) = net.into_flows();
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

#[cfg(test)]
mod tests;
