use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::{
    AddressGroup, AddressGroupId, Model, Port, PortId, Profile, ProfileId, ProjectId, Rule, RuleId,
    SecurityGroup, SecurityGroupId,
};
use crate::key::{Key, Kind};

/// Security groups, address groups and profiles, and who is in and who names which.
///
/// Holds in whatever order resources come: a port or a rule may come before the group it names.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    pub(super) security_groups: BTreeMap<SecurityGroupId, Arc<SecurityGroup>>,
    pub(super) address_groups: BTreeMap<AddressGroupId, Arc<AddressGroup>>,
    pub(super) profiles: BTreeMap<ProfileId, Arc<Profile>>,
    default_groups: BTreeMap<ProjectId, SecurityGroupId>,
    rules: FxHashMap<RuleId, SecurityGroupId>,
    profile_by_groups: BTreeMap<BTreeSet<SecurityGroupId>, ProfileId>,
    profiles_by_group: BTreeSet<(SecurityGroupId, ProfileId)>,
    /// Ports with port security, by their set of groups.
    ports_by_groups: BTreeMap<BTreeSet<SecurityGroupId>, BTreeSet<PortId>>,
    members: BTreeSet<(SecurityGroupId, PortId)>,
    /// Remote group of a rule → the rule's own group.
    groups_by_remote: BTreeSet<(SecurityGroupId, SecurityGroupId)>,
    /// Remote address group of a rule → the rule's group.
    groups_by_addresses: BTreeSet<(AddressGroupId, SecurityGroupId)>,
}

impl Policy {
    pub(super) fn insert_group(&mut self, group: &Arc<SecurityGroup>) {
        if group.default {
            self.default_groups.insert(group.project, group.id);
        }
        for rule in &group.rules {
            self.rules.insert(rule.id, group.id);
            let remote = rule.allows.remote;
            self.groups_by_remote.extend(remote.group().map(|remote| (remote, group.id)));
            self.groups_by_addresses
                .extend(remote.address_group().map(|remote| (remote, group.id)));
        }
        self.security_groups.insert(group.id, group.clone());
    }

    pub(super) fn remove_group(&mut self, group: &SecurityGroup) {
        if group.default {
            self.default_groups.remove(&group.project);
        }
        for rule in &group.rules {
            self.rules.remove(&rule.id);
            if let Some(remote) = rule.allows.remote.group() {
                self.groups_by_remote.remove(&(remote, group.id));
            }
            if let Some(remote) = rule.allows.remote.address_group() {
                self.groups_by_addresses.remove(&(remote, group.id));
            }
        }
        self.security_groups.remove(&group.id);
    }

    pub(super) fn insert_profile(&mut self, profile: &Arc<Profile>) {
        self.profile_by_groups.insert(profile.groups.clone(), profile.id);
        self.profiles_by_group.extend(profile.groups.iter().map(|&group| (group, profile.id)));
        self.profiles.insert(profile.id, profile.clone());
    }

    pub(super) fn remove_profile(&mut self, profile: &Profile) {
        // Another with the same set may have come already.
        if self.profile_by_groups.get(&profile.groups) == Some(&profile.id) {
            self.profile_by_groups.remove(&profile.groups);
        }
        for &group in &profile.groups {
            self.profiles_by_group.remove(&(group, profile.id));
        }
        self.profiles.remove(&profile.id);
    }

    pub(super) fn insert_port(&mut self, port: &Port) {
        self.members.extend(port.security_groups.iter().map(|&group| (group, port.id)));
        if port.port_security {
            match self.ports_by_groups.get_mut(&port.security_groups) {
                Some(ports) => drop(ports.insert(port.id)),
                None => {
                    let ports = BTreeSet::from([port.id]);
                    self.ports_by_groups.insert(port.security_groups.clone(), ports);
                }
            }
        }
    }

    pub(super) fn remove_port(&mut self, port: &Port) {
        for &group in &port.security_groups {
            self.members.remove(&(group, port.id));
        }
        if let Some(ports) = self.ports_by_groups.get_mut(&port.security_groups) {
            ports.remove(&port.id);
            if ports.is_empty() {
                self.ports_by_groups.remove(&port.security_groups);
            }
        }
    }
}

impl Model {
    /// The security group with this id.
    pub fn security_group(&self, id: SecurityGroupId) -> Option<&Arc<SecurityGroup>> {
        self.policy.security_groups.get(&id)
    }

    /// The address group with this id.
    pub fn address_group(&self, id: AddressGroupId) -> Option<&Arc<AddressGroup>> {
        self.policy.address_groups.get(&id)
    }

    /// The profile with this id.
    pub fn profile(&self, id: ProfileId) -> Option<&Arc<Profile>> {
        self.policy.profiles.get(&id)
    }

    /// All security groups, by id.
    pub fn security_groups(&self) -> &BTreeMap<SecurityGroupId, Arc<SecurityGroup>> {
        &self.policy.security_groups
    }

    /// All address groups, by id.
    pub fn address_groups(&self) -> &BTreeMap<AddressGroupId, Arc<AddressGroup>> {
        &self.policy.address_groups
    }

    /// All profiles, by id, which is by key.
    pub fn profiles(&self) -> &BTreeMap<ProfileId, Arc<Profile>> {
        &self.policy.profiles
    }

    /// The security group with this key.
    pub fn security_group_by_key(&self, key: Key) -> Option<&Arc<SecurityGroup>> {
        self.security_group(SecurityGroupId(self.by_key(Kind::SecurityGroup, key)?.uuid()))
    }

    /// The address group with this key.
    pub fn address_group_by_key(&self, key: Key) -> Option<&Arc<AddressGroup>> {
        self.address_group(AddressGroupId(self.by_key(Kind::AddressGroup, key)?.uuid()))
    }

    /// The profile with this key.
    pub fn profile_by_key(&self, key: Key) -> Option<&Arc<Profile>> {
        self.profile(ProfileId(self.by_key(Kind::Profile, key)?.uuid()))
    }

    /// The rule with this id, and the group that it is part of.
    pub fn rule(&self, id: RuleId) -> Option<(&Arc<SecurityGroup>, &Rule)> {
        let group = self.security_group(*self.policy.rules.get(&id)?)?;
        Some((group, group.rules.iter().find(|rule| rule.id == id)?))
    }

    /// The rule with this key, and the group that it is part of.
    pub fn rule_by_key(&self, key: Key) -> Option<(&Arc<SecurityGroup>, &Rule)> {
        self.rule(RuleId(self.by_key(Kind::Rule, key)?.uuid()))
    }

    /// The group that every project has.
    pub fn default_group(&self, project: ProjectId) -> Option<&Arc<SecurityGroup>> {
        self.security_group(*self.policy.default_groups.get(&project)?)
    }

    /// The profile of this set of groups, if a port has it.
    pub fn profile_of_groups(&self, groups: &BTreeSet<SecurityGroupId>) -> Option<&Arc<Profile>> {
        self.profile(*self.policy.profile_by_groups.get(groups)?)
    }

    /// The profile that a port is judged by; `None` without port security.
    pub fn profile_of(&self, port: &Port) -> Option<&Arc<Profile>> {
        self.profile_of_groups(&port.security_groups).filter(|_| port.port_security)
    }

    /// The ports that are judged by a profile.
    pub fn ports_of_profile(&self, profile: &Profile) -> impl Iterator<Item = &Arc<Port>> + '_ {
        let ports = self.policy.ports_by_groups.get(&profile.groups);
        ports.into_iter().flatten().filter_map(|&id| self.port(id))
    }

    /// The profiles that contain a group.
    pub fn profiles_with(
        &self,
        group: SecurityGroupId,
    ) -> impl Iterator<Item = &Arc<Profile>> + '_ {
        let all = (group, ProfileId(Uuid::nil()))..=(group, ProfileId(Uuid::max()));
        self.policy.profiles_by_group.range(all).filter_map(|&(_, id)| self.profile(id))
    }

    /// The ports in a group.
    pub fn members_of(&self, group: SecurityGroupId) -> impl Iterator<Item = &Arc<Port>> + '_ {
        let all = (group, PortId(Uuid::nil()))..=(group, PortId(Uuid::max()));
        self.policy.members.range(all).filter_map(|&(_, id)| self.port(id))
    }

    /// The groups, perhaps itself, with a rule whose remote is this group.
    pub fn groups_naming(
        &self,
        remote: SecurityGroupId,
    ) -> impl Iterator<Item = &Arc<SecurityGroup>> + '_ {
        let all = (remote, SecurityGroupId(Uuid::nil()))..=(remote, SecurityGroupId(Uuid::max()));
        self.policy.groups_by_remote.range(all).filter_map(|&(_, id)| self.security_group(id))
    }

    /// The groups with a rule whose remote is this address group.
    pub fn groups_naming_addresses(
        &self,
        remote: AddressGroupId,
    ) -> impl Iterator<Item = &Arc<SecurityGroup>> + '_ {
        let all = (remote, SecurityGroupId(Uuid::nil()))..=(remote, SecurityGroupId(Uuid::max()));
        self.policy.groups_by_addresses.range(all).filter_map(|&(_, id)| self.security_group(id))
    }
}
