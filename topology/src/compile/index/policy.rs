//! What of security groups is asked for often: who serves which profile, the rules of a profile
//! by what they allow, who names whom, and whose an address is in a group.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use rustc_hash::FxHashMap;

use super::remove_from_set;
use crate::compile::policy::ClassRule;
use crate::key::Key;
use crate::model::{
    Direction, Ethertype, HostId, NetworkId, ProfileId, Remote, Rule, SecurityGroupId, Traffic,
};

type Groups = BTreeSet<SecurityGroupId>;

/// The part of the index that is about security groups.
#[derive(Debug, Default)]
pub(in crate::compile) struct PolicyIndex {
    /// Set of groups → hosts that serve a port with it → how many ports.
    served: FxHashMap<Groups, BTreeMap<HostId, usize>>,
    profiles: FxHashMap<ProfileId, ProfileRules>,
    /// Remote → profiles with a rule that names it.
    naming: FxHashMap<Remote, BTreeSet<ProfileId>>,
    /// Allowed address pair of members of a group on a network → the served ports that have it.
    members: FxHashMap<(SecurityGroupId, NetworkId, IpNet), BTreeSet<Key>>,
}

/// The rules of a profile's groups.
#[derive(Debug, Default)]
struct ProfileRules {
    /// By what they allow but for the ports.
    classes: BTreeMap<Traffic, BTreeMap<Key, ClassRule>>,
    /// The class of each fragment: that of the rule with its key, the first of the class.
    by_first: FxHashMap<Key, Traffic>,
    /// Sets that peers are looked up in → how many classes name them.
    remotes: BTreeMap<(Direction, Ethertype, Remote), usize>,
}

/// What a rule that comes or goes touches in a profile.
#[derive(Debug, Default)]
pub(in crate::compile) struct TouchedRules {
    /// The fragments of its class, before and after.
    pub(in crate::compile) fragments: BTreeSet<Key>,
    /// Whether there are other remotes than before.
    pub(in crate::compile) remotes: bool,
}

impl PolicyIndex {
    /// One more port with these groups is served by `host`. True when it is the first.
    pub(in crate::compile) fn serve(&mut self, groups: &Groups, host: HostId) -> bool {
        let hosts = self.served.entry(groups.clone()).or_default();
        let count = hosts.entry(host).or_default();
        *count += 1;
        *count == 1
    }

    /// One port fewer. True when it was the last.
    pub(in crate::compile) fn unserve(&mut self, groups: &Groups, host: HostId) -> bool {
        let Some(hosts) = self.served.get_mut(groups) else { return false };
        let Some(count) = hosts.get_mut(&host) else { return false };
        *count -= 1;
        let last = *count == 0;
        if last {
            hosts.remove(&host);
            if hosts.is_empty() {
                self.served.remove(groups);
            }
        }
        last
    }

    /// The hosts that serve a port with these groups.
    pub(in crate::compile) fn hosts_of(
        &self,
        groups: &Groups,
    ) -> impl Iterator<Item = HostId> + use<'_> {
        self.served.get(groups).into_iter().flat_map(|hosts| hosts.keys().copied())
    }

    /// True when `host` serves a port with these groups.
    pub(in crate::compile) fn serves(&self, groups: &Groups, host: HostId) -> bool {
        self.served.get(groups).is_some_and(|hosts| hosts.contains_key(&host))
    }

    /// A group of the profile has a rule.
    pub(in crate::compile) fn add_rule(&mut self, profile: ProfileId, rule: &Rule) -> TouchedRules {
        let class = class_of(rule);
        let rules = self.profiles.entry(profile).or_default();
        let mut touched = TouchedRules::default();
        let members = rules.classes.entry(class).or_default();
        let is_new = members.is_empty();
        let before = members.keys().next().copied();
        let entry =
            ClassRule { key: rule.key, ports: rule.allows.canonical().ports, log: rule.log };
        members.insert(rule.key, entry);
        let after = members.keys().next().copied();
        rules.change_first(class, before, after, &mut touched);
        if is_new && is_set(class.remote) {
            let count = rules.remotes.entry(remote_of(class)).or_default();
            *count += 1;
            touched.remotes = *count == 1;
            self.naming.entry(class.remote).or_default().insert(profile);
        }
        touched
    }

    /// It has the rule no more.
    pub(in crate::compile) fn remove_rule(
        &mut self,
        profile: ProfileId,
        rule: &Rule,
    ) -> TouchedRules {
        let class = class_of(rule);
        let mut touched = TouchedRules::default();
        let Some(rules) = self.profiles.get_mut(&profile) else { return touched };
        let Some(members) = rules.classes.get_mut(&class) else { return touched };
        let before = members.keys().next().copied();
        members.remove(&rule.key);
        let after = members.keys().next().copied();
        rules.change_first(class, before, after, &mut touched);
        if after.is_none() {
            rules.classes.remove(&class);
            if is_set(class.remote) {
                touched.remotes = rules.remove_remote(class);
                if touched.remotes && !rules.names(class.remote) {
                    remove_from_set(&mut self.naming, &class.remote, &profile);
                }
            }
        }
        if rules.classes.is_empty() {
            self.profiles.remove(&profile);
        }
        touched
    }

    /// The fragments of a profile.
    pub(in crate::compile) fn fragments_of(
        &self,
        profile: ProfileId,
    ) -> impl Iterator<Item = Key> + '_ {
        self.profiles.get(&profile).into_iter().flat_map(|rules| rules.by_first.keys().copied())
    }

    /// What a fragment of a profile is about, and the rules that it stands for.
    pub(in crate::compile) fn class(
        &self,
        profile: ProfileId,
        first: Key,
    ) -> Option<(Traffic, Vec<ClassRule>)> {
        let rules = self.profiles.get(&profile)?;
        let class = *rules.by_first.get(&first)?;
        Some((class, rules.classes.get(&class)?.values().copied().collect()))
    }

    /// The sets that a profile's rules look peers up in.
    pub(in crate::compile) fn remotes_of(
        &self,
        profile: ProfileId,
    ) -> impl Iterator<Item = (Direction, Ethertype, Remote)> + '_ {
        self.profiles.get(&profile).into_iter().flat_map(|rules| rules.remotes.keys().copied())
    }

    /// The profiles with a rule that names `remote`.
    pub(in crate::compile) fn profiles_naming(
        &self,
        remote: Remote,
    ) -> impl Iterator<Item = ProfileId> + '_ {
        self.naming.get(&remote).into_iter().flatten().copied()
    }

    /// True when a profile has a rule that names `remote`.
    pub(in crate::compile) fn is_named(&self, remote: Remote) -> bool {
        self.naming.contains_key(&remote)
    }

    /// A served port in a group has this allowed address pair on a network.
    pub(in crate::compile) fn add_member(
        &mut self,
        address: (SecurityGroupId, NetworkId, IpNet),
        port: Key,
    ) {
        self.members.entry(address).or_default().insert(port);
    }

    /// It has it no more.
    pub(in crate::compile) fn remove_member(
        &mut self,
        address: (SecurityGroupId, NetworkId, IpNet),
        port: Key,
    ) {
        remove_from_set(&mut self.members, &address, &port);
    }

    /// The port that an allowed address pair is a member's by: of those that have it the one with the lowest
    /// key.
    pub(in crate::compile) fn first_member(
        &self,
        address: (SecurityGroupId, NetworkId, IpNet),
    ) -> Option<Key> {
        self.members.get(&address).and_then(BTreeSet::first).copied()
    }
}

impl ProfileRules {
    /// The first rule of a class, whose key its fragment has, is another or the same.
    fn change_first(
        &mut self,
        class: Traffic,
        before: Option<Key>,
        after: Option<Key>,
        touched: &mut TouchedRules,
    ) {
        if before != after {
            before.map(|before| self.by_first.remove(&before));
            after.map(|after| self.by_first.insert(after, class));
        }
        touched.fragments.extend(before.into_iter().chain(after));
    }

    /// One class fewer names its remote. True when it was the last in that direction.
    fn remove_remote(&mut self, class: Traffic) -> bool {
        let Some(count) = self.remotes.get_mut(&remote_of(class)) else { return false };
        *count -= 1;
        let last = *count == 0;
        if last {
            self.remotes.remove(&remote_of(class));
        }
        last
    }

    fn names(&self, remote: Remote) -> bool {
        self.remotes.keys().any(|(_, _, other)| *other == remote)
    }
}

/// What a rule allows but for the ports, which the rules of a class have together.
pub(crate) fn class_of(rule: &Rule) -> Traffic {
    Traffic { ports: None, ..rule.allows.canonical() }
}

const fn remote_of(class: Traffic) -> (Direction, Ethertype, Remote) {
    (class.direction, class.ethertype, class.remote)
}

/// True for a remote that peers are looked up in.
const fn is_set(remote: Remote) -> bool {
    matches!(remote, Remote::Group(_) | Remote::AddressGroup(_))
}
