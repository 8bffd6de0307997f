//! Which fragments depend on security groups: their rules, their members, their profiles.

use std::collections::BTreeSet;
use std::sync::Arc;

use ipnet::IpNet;

use crate::block::BlockId;
use crate::compile::index::TouchedRules;
use crate::compile::policy::member_pairs;
use crate::compile::{Compiler, Inputs};
use crate::key::Key;
use crate::model::{
    AddressGroup, HostId, NetworkId, Port, Profile, ProfileId, Remote, Rule, SecurityGroup,
    SecurityGroupId,
};

impl Inputs {
    /// The block of the members of a remote.
    pub(in crate::compile) fn remote_block(&self, remote: Remote) -> Option<BlockId> {
        match remote {
            Remote::Any | Remote::Prefix(_) => None,
            Remote::Group(id) => self.members_block(id),
            Remote::AddressGroup(id) => {
                Some(BlockId::AddressGroup(self.model.address_group(id)?.meta.key))
            }
        }
    }

    /// The block of the members of a group.
    pub(in crate::compile) fn members_block(&self, group: SecurityGroupId) -> Option<BlockId> {
        Some(BlockId::GroupMembers(self.model.security_group(group)?.meta.key))
    }

    /// The hosts that serve a port of a profile.
    pub(in crate::compile) fn hosts_of_profile(
        &self,
        profile: ProfileId,
    ) -> impl Iterator<Item = HostId> + '_ {
        let profile = self.model.profile(profile);
        profile.into_iter().flat_map(|profile| self.index.policy.hosts_of(&profile.groups))
    }
}

impl Compiler {
    pub(super) fn track_group(&mut self, old: Option<&SecurityGroup>, new: Option<&SecurityGroup>) {
        let Some(group) = old.or(new).map(|group| group.id) else { return };
        let profiles: Vec<(ProfileId, Key)> = self
            .inputs
            .model
            .profiles_with(group)
            .map(|profile| (profile.id, profile.meta.key))
            .collect();
        let kind = |group: &SecurityGroup| (group.meta.key, group.stateful);
        if old.map(kind) != new.map(kind) {
            for &(profile, key) in &profiles {
                self.mark_profile(profile, key);
            }
            let members: Vec<_> = self.inputs.model.members_of(group).cloned().collect();
            for port in members {
                self.mark_served_port(&port);
            }
        }
        let [gone, come] = changed_rules(old, new);
        for (profile, key) in profiles {
            for rule in &gone {
                let touched = self.inputs.index.policy.remove_rule(profile, rule);
                self.mark_rules((profile, key), rule, touched);
            }
            for rule in &come {
                let touched = self.inputs.index.policy.add_rule(profile, rule);
                self.mark_rules((profile, key), rule, touched);
            }
        }
        if old.map(|group| group.meta.key) != new.map(|group| group.meta.key) {
            let keys = [old, new].into_iter().flatten().map(|group| group.meta.key);
            let blocks: Vec<BlockId> = keys.map(BlockId::GroupMembers).collect();
            self.mark_identity(Remote::Group(group), &blocks);
        }
    }

    pub(super) fn track_address_group(
        &mut self,
        old: Option<&AddressGroup>,
        new: Option<&AddressGroup>,
    ) {
        let key_and_prefixes = |group: &AddressGroup| (group.meta.key, group.prefixes.clone());
        if old.map(key_and_prefixes) == new.map(key_and_prefixes) {
            return;
        }
        let Some(group) = old.or(new).map(|group| group.id) else { return };
        let keys = [old, new].map(|group| group.map(|group| group.meta.key));
        for key in keys.into_iter().flatten() {
            self.dirty.mark(BlockId::AddressGroup(key), Key::NONE);
        }
        if keys[0] != keys[1] {
            let blocks: Vec<BlockId> =
                keys.into_iter().flatten().map(BlockId::AddressGroup).collect();
            self.mark_identity(Remote::AddressGroup(group), &blocks);
        }
    }

    pub(super) fn track_profile(&mut self, old: Option<&Profile>, new: Option<&Profile>) {
        let key_and_groups = |profile: &Profile| (profile.meta.key, profile.groups.clone());
        if old.map(key_and_groups) == new.map(key_and_groups) {
            return;
        }
        for profile in [old, new].into_iter().flatten() {
            let ports: Vec<_> = self.inputs.model.ports_of_profile(profile).cloned().collect();
            for port in ports {
                self.mark_served_port(&port);
            }
            let groups = profile.groups.iter();
            let blocks = groups.filter_map(|&group| self.inputs.members_block(group));
            for block in blocks.collect::<Vec<_>>() {
                self.dirty.mark(block, profile.meta.key);
            }
        }
        if let Some(old) = old {
            self.mark_profile(old.id, old.meta.key);
            self.mark_profile_hosts(old);
            for rule in self.rules_of(old) {
                let touched = self.inputs.index.policy.remove_rule(old.id, &rule);
                self.mark_rules((old.id, old.meta.key), &rule, touched);
            }
        }
        if let Some(new) = new {
            for rule in self.rules_of(new) {
                let touched = self.inputs.index.policy.add_rule(new.id, &rule);
                self.mark_rules((new.id, new.meta.key), &rule, touched);
            }
            self.mark_profile(new.id, new.meta.key);
            self.mark_profile_hosts(new);
        }
    }

    /// The part of a port's change that is about its groups.
    pub(super) fn track_port_policy(&mut self, old: Option<&Port>, new: Option<&Port>) {
        let judged = |port: &Port| {
            let host = port.serving_host().filter(|_| port.port_security)?;
            Some((port.security_groups.clone(), host))
        };
        let [before, after] = [old, new].map(|port| port.and_then(judged));
        if before != after {
            if let Some((groups, host)) = before
                && self.inputs.index.policy.unserve(&groups, host)
            {
                self.mark_profile_host(&groups, host);
            }
            if let Some((groups, host)) = after
                && self.inputs.index.policy.serve(&groups, host)
            {
                self.mark_profile_host(&groups, host);
            }
        }
        let [before, after] = [old, new].map(|port| port.map(memberships).unwrap_or_default());
        if before == after {
            return;
        }
        let touched: BTreeSet<_> = before.union(&after).map(|(address, _)| *address).collect();
        self.mark_addresses(&touched);
        for (address, port) in before.difference(&after) {
            self.inputs.index.policy.remove_member(*address, *port);
            self.mark_network_port(address.1, *port);
        }
        for (address, port) in after.difference(&before) {
            self.inputs.index.policy.add_member(*address, *port);
            self.mark_network_port(address.1, *port);
        }
        self.mark_addresses(&touched);
    }

    /// The fragments of whoever the addresses are members' by.
    fn mark_addresses(&mut self, addresses: &BTreeSet<(SecurityGroupId, NetworkId, IpNet)>) {
        for &address in addresses {
            if let Some(first) = self.inputs.index.policy.first_member(address) {
                self.mark_network_port(address.1, first);
            }
        }
    }

    /// A rule came into a profile, or left it.
    fn mark_rules(&mut self, (profile, key): (ProfileId, Key), rule: &Rule, touched: TouchedRules) {
        for fragment in touched.fragments {
            self.dirty.mark(BlockId::Profile(key), fragment);
        }
        if touched.remotes {
            self.dirty.mark(BlockId::Profile(key), Key::NONE);
            self.mark_remote(rule.allows.remote);
            let hosts: Vec<HostId> = self.inputs.hosts_of_profile(profile).collect();
            if let Some(block) = self.inputs.remote_block(rule.allows.remote) {
                self.dirty.subscriptions.extend(hosts.into_iter().map(|host| (host, block)));
            }
        }
    }

    /// A remote is named by more profiles than before, or by fewer: perhaps by the first, or none
    /// any more.
    fn mark_remote(&mut self, remote: Remote) {
        let Some(block) = self.inputs.remote_block(remote) else { return };
        let is_there = self.blocks.contains_key(&block);
        if is_there && self.inputs.index.policy.is_named(remote) {
            return;
        }
        self.dirty.mark(block, Key::NONE);
        let Some(group) = remote.group() else { return };
        if self.inputs.index.policy.is_named(remote) {
            for profile in self.inputs.model.profiles_with(group) {
                self.dirty.mark(block, profile.meta.key);
            }
        }
        let has_pairs = |port: &&Arc<Port>| !port.allowed_address_pairs.is_empty();
        let ports = self.inputs.model.members_of(group).filter(has_pairs);
        for port in ports.cloned().collect::<Vec<_>>() {
            self.mark_network_port(port.network, port.meta.key);
        }
    }

    /// A remote is there for the first time, or gone, or has another key.
    fn mark_identity(&mut self, remote: Remote, blocks: &[BlockId]) {
        let profiles: Vec<ProfileId> = self.inputs.index.policy.profiles_naming(remote).collect();
        let group = remote.group();
        let members = group.into_iter().flat_map(|group| self.inputs.model.profiles_with(group));
        let members: Vec<Key> =
            members.map(|profile| profile.meta.key).chain([Key::NONE]).collect();
        for &block in blocks {
            for &member in &members {
                self.dirty.mark(block, member);
            }
        }
        for profile in profiles {
            let Some(key) = self.inputs.model.profile(profile).map(|profile| profile.meta.key)
            else {
                continue;
            };
            self.mark_profile(profile, key);
            let hosts: Vec<HostId> = self.inputs.hosts_of_profile(profile).collect();
            for &block in blocks {
                self.dirty.subscriptions.extend(hosts.iter().map(|&host| (host, block)));
            }
        }
    }

    /// Everything in a profile's block.
    fn mark_profile(&mut self, profile: ProfileId, key: Key) {
        self.dirty.mark(BlockId::Profile(key), Key::NONE);
        for fragment in self.inputs.index.policy.fragments_of(profile) {
            self.dirty.mark(BlockId::Profile(key), fragment);
        }
    }

    /// A profile is new, or gone, on every host that serves a port of it.
    fn mark_profile_hosts(&mut self, profile: &Profile) {
        let hosts: Vec<HostId> = self.inputs.index.policy.hosts_of(&profile.groups).collect();
        for host in hosts {
            self.mark_profile_blocks(profile, host);
        }
    }

    /// A host serves its first port with these groups, or has lost its last.
    fn mark_profile_host(&mut self, groups: &BTreeSet<SecurityGroupId>, host: HostId) {
        if let Some(profile) = self.inputs.model.profile_of_groups(groups).cloned() {
            self.mark_profile_blocks(&profile, host);
        }
    }

    fn mark_profile_blocks(&mut self, profile: &Profile, host: HostId) {
        let remotes = self.inputs.index.policy.remotes_of(profile.id);
        let remotes = remotes.filter_map(|(_, _, remote)| self.inputs.remote_block(remote));
        let blocks = remotes.chain([BlockId::Profile(profile.meta.key)]);
        self.dirty.subscriptions.extend(blocks.map(|block| (host, block)));
    }

    /// All flows of a port, on its host and on others.
    fn mark_served_port(&mut self, port: &Port) {
        if let Some(host) = port.serving_host() {
            self.mark_port(port.network, host, port.meta.key);
        }
    }

    /// The rules of a profile's groups, as far as there are those.
    fn rules_of(&self, profile: &Profile) -> Vec<Rule> {
        let groups = profile.groups.iter();
        let groups = groups.filter_map(|&group| self.inputs.model.security_group(group));
        groups.flat_map(|group| group.rules.iter().cloned()).collect()
    }
}

/// The rules of a group that are gone, and those that are new; one that allows something else, or
/// is logged now, is both.
fn changed_rules(old: Option<&SecurityGroup>, new: Option<&SecurityGroup>) -> [Vec<Rule>; 2] {
    let rules = |group: Option<&SecurityGroup>| {
        group.into_iter().flat_map(|group| group.rules.iter().cloned()).collect::<Vec<_>>()
    };
    let [old, new] = [rules(old), rules(new)];
    let content = |rule: &Rule| (rule.key, rule.allows, rule.log);
    let [before, after] =
        [&old, &new].map(|rules| rules.iter().map(content).collect::<BTreeSet<_>>());
    let without = |rules: Vec<Rule>, others: BTreeSet<_>| {
        rules.into_iter().filter(|rule| !others.contains(&content(rule))).collect()
    };
    [without(old, after), without(new, before)]
}

/// The allowed address pairs that a served port has in its groups.
fn memberships(port: &Port) -> BTreeSet<((SecurityGroupId, NetworkId, IpNet), Key)> {
    if port.serving_host().is_none() {
        return BTreeSet::new();
    }
    let addresses = member_pairs(port);
    let of_group = |&group| {
        addresses.iter().map(move |&address| ((group, port.network, address), port.meta.key))
    };
    port.security_groups.iter().flat_map(of_group).collect()
}
