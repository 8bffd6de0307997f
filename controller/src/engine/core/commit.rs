//! From what is staged to what hosts are told.

use std::collections::BTreeSet;

use topology::compile::Losses;
use topology::model::{Change, Model, Resource, ResourceId};
use tracing::warn;

use super::Core;
use crate::store::StoreError;

impl Core {
    /// Makes what is staged durable, then compiles it, wakes the hosts concerned, and answers.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        let before = self.revision;
        if !self.batch.is_empty() {
            self.store.commit(self.staged, self.now(), &self.batch)?;
            self.revision = self.staged;
            self.signals.revision.send_replace(self.revision);
            if self.batch.iter().any(|(_, change)| concerns_host(change)) {
                self.publish_targets();
            }
            self.batch.clear();
        }
        self.publish(before);
        for datapath_id in std::mem::take(&mut self.reported) {
            self.place(datapath_id);
        }
        for reply in std::mem::take(&mut self.replies) {
            reply(&self.view());
        }
        Ok(())
    }

    /// Compiles what is not, and tells the hosts concerned what has changed since `before`.
    pub(super) fn publish(&mut self, before: u64) {
        self.compile();
        for (host, removal) in std::mem::take(&mut self.held) {
            let now = self.now();
            self.fleet.hold(host, removal, before, now);
        }
        let concerned = std::mem::take(&mut self.concerned);
        self.fleet.mark(&concerned, before);
        if self.revision != before || !concerned.is_empty() {
            self.tick();
        }
    }

    /// Compiles what has changed in the model; answers what that takes away from hosts. They are
    /// told with the commit.
    pub(super) fn compile(&mut self) -> Losses {
        let outcome = self.compiler.flush();
        let concerned = outcome.concerned(&self.compiler);
        let losses = self.tally.follow(&outcome, &concerned, &self.compiler);
        match self.concerned.is_empty() {
            true => self.concerned = concerned,
            false => self.concerned.extend(concerned),
        }
        losses
    }

    /// Compiles what has changed by one revision, and by nothing else. What it takes away stays
    /// where that is too much.
    pub(super) fn weigh(&mut self, revision: u64) {
        let mut losses = self.compile();
        // Of a host that is deleted nothing could be released.
        losses.hosts.retain(|host, _| self.compiler.model().host(*host).is_some());
        for (host, removal) in self.removal_limit.held(losses) {
            let name = self.compiler.model().host(host).map_or("", |host| &host.meta.name);
            let (flows, of) = (removal.flows, removal.of);
            warn!(
                host = name,
                revision,
                flows,
                of,
                "a change would take these flows from the host: they stay until `weft host release`"
            );
            let held = self.held.entry(host).or_default();
            *held = *held + removal;
        }
    }
}

/// True when these changes, which come as one, may take many flows from a host: not when they only
/// make what is new, nor when they delete a single port. Who deletes a network port by port means
/// each of them.
pub(super) fn may_take_much(changes: &[Change], model: &Model) -> bool {
    let mut ports = BTreeSet::new();
    let is_other = changes.iter().any(|change| match change {
        Change::Put(resource) => model.resource(resource.id()).is_some(),
        Change::Delete(ResourceId::Port(port)) => {
            ports.insert(*port);
            false
        }
        Change::Delete(ResourceId::Profile(_)) | Change::NextKey(..) => false,
        Change::Delete(_) => true,
    });
    is_other || ports.len() > 1
}

fn concerns_host(change: &Change) -> bool {
    matches!(change, Change::Put(Resource::Host(_)) | Change::Delete(ResourceId::Host(_)))
}
