//! The compiler: from the model and the hosts' facts to blocks of flows.
//!
//! The unit of compilation is the fragment: a block and one member of it. A change marks the
//! fragments that depend on what changed, [`Compiler::flush`] compiles those anew, each by a pure
//! function of the model and the facts, and compares them with what they were. The result is
//! what compiling everything would give, at a cost that does not grow with the network.

mod address;
mod classify;
mod emit;
mod flood;
mod forward;
mod fragment;
mod guard;
mod index;
mod output;
mod parts;
mod policy;
mod presuppose;
mod preview;
mod respond;
mod tally;
mod track;
mod trial;
mod vtep;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use openflow::PortNo;
use rustc_hash::FxHashMap;

use crate::block::{Block, BlockFlow, BlockId};
use crate::facts::{DistinctFacts, HostFacts};
use crate::key::Key;
use crate::model::{Change, Host, HostId, Model, Port, PortId, Profile, Remote, Resource};
use crate::zone::Zones;
pub(crate) use forward::is_floating;
pub(crate) use guard::allowed_source;
use index::Index;
pub(crate) use index::class_of;
pub(crate) use policy::{PortPrefix, member_pairs};
pub use preview::FlowChanges;
pub use tally::{Loss, Losses, Tally};
pub use trial::Undo;

/// Compiles the model to blocks, and says which host has which.
#[derive(Debug, Default)]
pub struct Compiler {
    inputs: Inputs,
    dirty: Dirty,
    blocks: FxHashMap<BlockId, Block>,
    subscriptions: BTreeSet<(HostId, BlockId)>,
    /// The highest version that any block has had.
    version: u64,
}

/// Everything that flows are a function of.
#[derive(Debug, Default)]
struct Inputs {
    model: Model,
    facts: FxHashMap<HostId, DistinctFacts>,
    zones: Zones,
    index: Index,
}

/// What has to be looked at again.
#[derive(Debug, Default)]
struct Dirty {
    fragments: BTreeMap<BlockId, BTreeSet<Key>>,
    subscriptions: BTreeSet<(HostId, BlockId)>,
    /// [`Work::reported`].
    reported: usize,
}

/// What a [`Compiler::flush`] changed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Outcome {
    /// Blocks that are new or have a new version, in order.
    pub changed: Vec<BlockId>,
    /// What has become of these blocks and of those that are no more.
    pub resized: BTreeMap<BlockId, Resize>,
    /// Hosts that need a block from now on.
    pub subscribed: Vec<(HostId, BlockId)>,
    /// Hosts that do not need a block any more.
    pub unsubscribed: Vec<(HostId, BlockId)>,
    /// What it took.
    pub work: Work,
}

/// How many flows a block has had, has and has lost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Resize {
    /// Flows before.
    pub before: usize,
    /// Flows after.
    pub after: usize,
    /// Of those before, the flows that have no successor of the same table, priority and match.
    pub removed: usize,
}

/// How much was done: what a change costs, whatever machine it is done on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Work {
    /// Fragments compiled.
    pub fragments: usize,
    /// Flows compiled.
    pub flows: usize,
    /// Ports looked at in what hosts have reported.
    pub reported: usize,
}

impl Outcome {
    /// The hosts and the blocks of theirs that have changed, came or went.
    pub fn concerned(&self, compiler: &Compiler) -> BTreeSet<(HostId, BlockId)> {
        let came_or_went = self.unsubscribed.iter().chain(&self.subscribed);
        let mut concerned: BTreeSet<_> = came_or_went.copied().collect();
        for &block in &self.changed {
            concerned.extend(compiler.subscribers(block).map(|host| (host, block)));
        }
        concerned
    }
}

impl Compiler {
    /// A compiler of an empty model.
    pub fn new() -> Self {
        Self::default()
    }

    /// A compiler of an empty model that gives ports these conntrack zones.
    pub fn with_zones(zones: Zones) -> Self {
        Self { inputs: Inputs { zones, ..Inputs::default() }, ..Self::default() }
    }

    /// Compiles everything: what any sequence of changes that leads to this model and these
    /// facts comes to.
    pub fn full<'a>(
        model: &Model,
        facts: impl IntoIterator<Item = (HostId, &'a HostFacts)>,
    ) -> Self {
        let mut compiler = Self::new();
        for resource in model.resources() {
            compiler.apply(&Change::Put(resource));
        }
        for (host, facts) in facts {
            compiler.set_facts(host, facts.clone());
        }
        compiler.flush();
        compiler
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.inputs.model
    }

    /// Takes one step of the model; blocks follow with the next [`Compiler::flush`]. Returns what
    /// stood there before.
    pub fn apply(&mut self, change: &Change) -> Option<Resource> {
        let old = self.inputs.model.apply(change);
        let new = match change {
            Change::Put(resource) => Some(resource),
            Change::Delete(_) | Change::NextKey(..) => None,
        };
        if old.as_ref() != new {
            self.track(old.as_ref(), new);
        }
        old
    }

    /// What `host` last reported, as far as it is in use: a port number that two things claim is
    /// the first's: the tunnel's, then an uplink's, then a port's, each in order.
    pub fn facts(&self, host: HostId) -> Option<&HostFacts> {
        self.inputs.facts.get(&host).map(|facts| &**facts)
    }

    /// True when `port` has no flows where `number` is its OpenFlow port number, because that
    /// leaves no conntrack zone for it.
    pub fn lacks_zone(&self, port: &Port, number: PortNo) -> bool {
        self.inputs.zones.of(number).is_none() && self.inputs.port_policy(port, number).is_none()
    }

    /// The conntrack zones that ports have.
    pub fn zones(&self) -> Zones {
        self.inputs.zones
    }

    /// `host` reports `facts`; blocks follow with the next [`Compiler::flush`]. They are
    /// forgotten when the host is deleted from the model.
    pub fn set_facts(&mut self, host: HostId, facts: HostFacts) {
        self.track_facts(host, Some(DistinctFacts::of(facts)));
    }

    /// `host` reports that `port` has `number`, or has none any more, and that all else is as it
    /// was: what [`Compiler::set_facts`] would come to, without a look at its other ports. Nothing
    /// happens when the host has not reported all of them before.
    pub fn set_port(&mut self, host: HostId, port: PortId, number: Option<PortNo>) {
        let Some(facts) = self.inputs.facts.get_mut(&host) else { return };
        let renumbered = facts.set_port(port, number);
        self.dirty.reported += 1;
        for (port, number) in renumbered {
            self.track_number(host, port, number);
        }
    }

    /// Brings blocks and subscriptions up to date with model and facts.
    pub fn flush(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        let dirty = std::mem::take(&mut self.dirty);
        outcome.work.reported = dirty.reported;
        for (id, members) in dirty.fragments {
            if !self.inputs.has_block(id) {
                if let Some(block) = self.blocks.remove(&id) {
                    let flows = block.len();
                    let resize = Resize { before: flows, after: 0, removed: flows };
                    outcome.resized.insert(id, resize);
                }
                continue;
            }
            let mut fragments = Vec::with_capacity(members.len());
            for member in members {
                let flows = self.inputs.compile(id, member);
                outcome.work.fragments += 1;
                outcome.work.flows += flows.len();
                fragments.push((member, flows));
            }
            let version = self.version + 1;
            let new = !self.blocks.contains_key(&id);
            let block = self.blocks.entry(id).or_insert_with(|| Block::new(id.kind(), version));
            let before = block.len();
            let removed = block.replace(fragments, version);
            if removed.is_some() || new {
                self.version = version;
                outcome.changed.push(id);
                let removed = removed.unwrap_or_default();
                outcome.resized.insert(id, Resize { before, after: block.len(), removed });
            }
        }
        for (host, block) in dirty.subscriptions {
            let wanted = self.inputs.host_has_block(host, block);
            if wanted && self.subscriptions.insert((host, block)) {
                outcome.subscribed.push((host, block));
            } else if !wanted && self.subscriptions.remove(&(host, block)) {
                outcome.unsubscribed.push((host, block));
            }
        }
        outcome
    }

    /// A block; `None` when nothing gives rise to it.
    pub fn block(&self, id: BlockId) -> Option<&Block> {
        self.blocks.get(&id)
    }

    /// The blocks that `host` should have, in order.
    pub fn blocks_of(&self, host: HostId) -> impl Iterator<Item = BlockId> + '_ {
        let from = (host, BlockId::Vteps);
        let own = self.subscriptions.range(from..).take_while(move |(other, _)| *other == host);
        own.map(|&(_, block)| block)
    }

    /// True when `host` should have `block`.
    pub fn is_subscribed(&self, host: HostId, block: BlockId) -> bool {
        self.subscriptions.contains(&(host, block))
    }

    /// The hosts that should have `block`.
    pub fn subscribers(&self, block: BlockId) -> impl Iterator<Item = HostId> + '_ {
        let candidates: Vec<HostId> = match block {
            BlockId::Vteps => self.inputs.model.hosts().keys().copied().collect(),
            BlockId::Network(key) => {
                let network = self.inputs.model.network_by_key(key);
                let hosts = network.map(|network| self.inputs.index.hosts_of(network.id));
                hosts.into_iter().flatten().collect()
            }
            BlockId::Profile(key) => {
                let profile = self.inputs.model.profile_by_key(key);
                profile.map(|profile| self.inputs.serving(profile)).unwrap_or_default()
            }
            BlockId::GroupMembers(_) | BlockId::AddressGroup(_) => {
                let profiles = self.inputs.naming(block);
                let hosts = profiles.flat_map(|profile| self.inputs.serving(profile));
                hosts.collect::<BTreeSet<_>>().into_iter().collect()
            }
            BlockId::HostBase(host)
            | BlockId::HostNetwork { host, .. }
            | BlockId::HostPort { host, .. } => {
                self.inputs.model.host_by_key(host).map(|host| host.id).into_iter().collect()
            }
        };
        candidates.into_iter().filter(move |&host| self.is_subscribed(host, block))
    }

    /// Every flow that `host` should have.
    pub fn desired(&self, host: HostId) -> impl Iterator<Item = &Arc<BlockFlow>> + '_ {
        self.blocks_of(host).filter_map(|id| self.blocks.get(&id)).flat_map(Block::flows)
    }
}

impl Inputs {
    /// The host that has the key `host`, and what it reported.
    fn local(&self, host: Key) -> Option<(&Host, &HostFacts)> {
        let host = self.model.host_by_key(host)?;
        Some((host, &**self.facts.get(&host.id)?))
    }

    /// The remote that a block has the addresses of.
    fn remote(&self, block: BlockId) -> Option<Remote> {
        match block {
            BlockId::GroupMembers(key) => {
                Some(Remote::Group(self.model.security_group_by_key(key)?.id))
            }
            BlockId::AddressGroup(key) => {
                Some(Remote::AddressGroup(self.model.address_group_by_key(key)?.id))
            }
            _ => None,
        }
    }

    /// The profiles that look peers up in a block.
    fn naming(&self, block: BlockId) -> impl Iterator<Item = &Profile> + '_ {
        let remote = self.remote(block).into_iter();
        let profiles = remote.flat_map(|remote| self.index.policy.profiles_naming(remote));
        profiles.filter_map(|profile| self.model.profile(profile)).map(|profile| &**profile)
    }

    /// The hosts that serve a port of a profile.
    fn serving(&self, profile: &Profile) -> Vec<HostId> {
        self.index.policy.hosts_of(&profile.groups).collect()
    }

    /// True when something gives rise to `block`.
    fn has_block(&self, block: BlockId) -> bool {
        match block {
            BlockId::Vteps => true,
            BlockId::Network(network) => self.model.network_by_key(network).is_some(),
            BlockId::Profile(profile) => self.model.profile_by_key(profile).is_some(),
            BlockId::GroupMembers(_) | BlockId::AddressGroup(_) => {
                self.remote(block).is_some_and(|remote| self.index.policy.is_named(remote))
            }
            BlockId::HostBase(host) => self.local(host).is_some(),
            BlockId::HostNetwork { host, network } => {
                match (self.local(host), self.model.network_by_key(network)) {
                    (Some((host, _)), Some(network)) => self.index.is_member(network.id, host.id),
                    _ => false,
                }
            }
            BlockId::HostPort { host, port } => {
                match (self.local(host), self.model.port_by_key(port)) {
                    (Some((host, facts)), Some(port)) => {
                        port.serving_host() == Some(host.id)
                            && facts.ports.contains_key(&port.id)
                            && self.model.network(port.network).is_some()
                    }
                    _ => false,
                }
            }
        }
    }

    /// True when `host` should have `block`.
    fn host_has_block(&self, host: HostId, block: BlockId) -> bool {
        let Some(own) = self.model.host(host).map(|host| host.meta.key) else { return false };
        self.has_block(block)
            && match block {
                BlockId::Vteps => true,
                BlockId::Network(network) => self
                    .model
                    .network_by_key(network)
                    .is_some_and(|net| self.index.is_member(net.id, host)),
                BlockId::Profile(profile) => self
                    .model
                    .profile_by_key(profile)
                    .is_some_and(|profile| self.index.policy.serves(&profile.groups, host)),
                BlockId::GroupMembers(_) | BlockId::AddressGroup(_) => self
                    .naming(block)
                    .any(|profile| self.index.policy.serves(&profile.groups, host)),
                BlockId::HostBase(host)
                | BlockId::HostNetwork { host, .. }
                | BlockId::HostPort { host, .. } => host == own,
            }
    }
}

#[cfg(test)]
pub(crate) mod tests;
