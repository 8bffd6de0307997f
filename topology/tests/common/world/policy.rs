//! The part of a random model that is about security groups.

use std::collections::BTreeSet;
use std::sync::Arc;

use topology::key::{Key, Kind};
use topology::model::{
    AddressGroup, Change, Direction, Ethertype, Icmp, Port, PortRange, Profile, ProfileId, Remote,
    Resource, ResourceId, Rule, RuleId, SecurityGroup, SecurityGroupId, Traffic,
};
use uuid::Uuid;

use super::super::history::{PortSpec, ProtocolSpec, RemoteSpec, RuleSpec};
use super::super::universe::{
    GROUPS, PEER_PREFIXES, PROJECT, address_group_id, group_id, peer_prefix,
};
use super::World;

impl World {
    /// The group that allows everything, which nothing changes.
    pub(super) fn open_group(&mut self, changes: &mut Vec<Change>) {
        let any = |direction| {
            [Ethertype::Ipv4, Ethertype::Ipv6].map(|version| Traffic::any(direction, version))
        };
        let allowed = [any(Direction::Egress), any(Direction::Ingress)].concat();
        self.put_group(0, allowed.into_iter().map(|allows| (allows, false)), changes);
    }

    pub(super) fn group(&mut self, group: u8, rules: &[RuleSpec], changes: &mut Vec<Change>) {
        if group != 0 {
            let rules: Vec<_> = rules.iter().filter_map(|rule| self.traffic(rule)).collect();
            self.put_group(group, rules.into_iter(), changes);
        }
    }

    pub(super) fn add_rule(&mut self, group: u8, rule: &RuleSpec, changes: &mut Vec<Change>) {
        let Some(old) = self.model.security_group(group_id(group)).cloned() else { return };
        if group != 0 {
            let old = old.rules.iter().map(|rule| (rule.allows, rule.log));
            let rules: Vec<_> = old.chain(self.traffic(rule)).collect();
            self.put_group(group, rules.into_iter(), changes);
        }
    }

    pub(super) fn remove_rule(&mut self, group: u8, rule: u8, changes: &mut Vec<Change>) {
        let Some(old) = self.model.security_group(group_id(group)).cloned() else { return };
        if group != 0 && !old.rules.is_empty() {
            let gone = usize::from(rule) % old.rules.len();
            let rules = old.rules.iter().enumerate().filter(|(number, _)| *number != gone);
            let rules = rules.map(|(_, rule)| (rule.allows, rule.log));
            self.put_group(group, rules, changes);
        }
    }

    pub(super) fn remove_group(&mut self, group: u8, changes: &mut Vec<Change>) {
        let id = group_id(group);
        if group == 0 {
            return;
        }
        for mut port in self.ports(|port| port.security_groups.contains(&id)) {
            port.security_groups.remove(&id);
            self.put_port(port, changes);
        }
        self.forget_remote(Remote::Group(id), changes);
        self.delete(ResourceId::SecurityGroup(id), changes);
    }

    pub(super) fn address_group(&mut self, group: u8, prefixes: u16, changes: &mut Vec<Change>) {
        let id = address_group_id(group);
        let old = self.model.address_group(id).map(|group| group.meta.clone());
        let meta =
            old.unwrap_or_else(|| self.meta(Kind::AddressGroup, &format!("addresses-{group}")));
        let chosen = (0..PEER_PREFIXES).filter(|prefix| prefixes & 1 << prefix != 0);
        let prefixes = chosen.map(peer_prefix).collect();
        let group = AddressGroup { id, meta, project: PROJECT, prefixes };
        self.put(Resource::AddressGroup(Arc::new(group)), changes);
    }

    pub(super) fn remove_address_group(&mut self, group: u8, changes: &mut Vec<Change>) {
        let id = address_group_id(group);
        self.forget_remote(Remote::AddressGroup(id), changes);
        self.delete(ResourceId::AddressGroup(id), changes);
    }

    /// The groups that a port gets, of those that there are: stateful ones, or the stateless one.
    pub(super) fn groups_of(&self, spec: &PortSpec) -> BTreeSet<SecurityGroupId> {
        let wished = (0..GROUPS).filter(|group| spec.security && spec.groups & 1 << group != 0);
        let groups = wished.filter_map(|group| self.model.security_group(group_id(group)));
        let groups: Vec<_> = groups.collect();
        let stateful = groups.first().is_none_or(|first| first.stateful);
        groups.iter().filter(|group| group.stateful == stateful).map(|group| group.id).collect()
    }

    /// Puts the profile that a port needs, if there is none yet.
    pub(super) fn profile(&mut self, port: &Port, changes: &mut Vec<Change>) {
        if !port.port_security || self.model.profile_of(port).is_some() {
            return;
        }
        let meta = self.meta(Kind::Profile, "");
        let groups = port.security_groups.clone();
        let profile = Profile { id: ProfileId::of(meta.key), meta, groups };
        self.put(Resource::Profile(Arc::new(profile)), changes);
    }

    /// Deletes the profiles that no port has any more.
    pub(super) fn drop_profiles(&mut self, changes: &mut Vec<Change>) {
        let profiles = self.model.profiles().values();
        let unused =
            profiles.filter(|profile| self.model.ports_of_profile(profile).next().is_none());
        let unused: Vec<ProfileId> = unused.map(|profile| profile.id).collect();
        for profile in unused {
            self.delete(ResourceId::Profile(profile), changes);
        }
    }

    /// Puts a group with these rules, of which those that it has already keep their identity.
    fn put_group(
        &mut self,
        group: u8,
        rules: impl Iterator<Item = (Traffic, bool)>,
        changes: &mut Vec<Change>,
    ) {
        let id = group_id(group);
        let old = self.model.security_group(id).cloned();
        let meta = old.as_ref().map(|old| old.meta.clone());
        let meta =
            meta.unwrap_or_else(|| self.meta(Kind::SecurityGroup, &format!("group-{group}")));
        let mut group = SecurityGroup {
            id,
            meta,
            project: PROJECT,
            stateful: group + 1 != GROUPS,
            default: false,
            rules: Vec::new(),
        };
        for (allows, log) in rules {
            if group.rules.iter().any(|rule| rule.allows.canonical() == allows.canonical()) {
                continue;
            }
            let same = old.iter().flat_map(|old| &old.rules).find(|rule| rule.allows == allows);
            let (id, key) = same.map(|rule| (rule.id, rule.key)).unwrap_or_else(|| {
                let key = self.key(Kind::Rule);
                (RuleId(Uuid::from_u128(0x7000 + u128::from(key.get()))), key)
            });
            group.rules.push(Rule { id, key, description: String::new(), allows, log });
        }
        self.put(Resource::SecurityGroup(Arc::new(group)), changes);
    }

    /// Deletes the rules that name a remote.
    fn forget_remote(&mut self, remote: Remote, changes: &mut Vec<Change>) {
        for group in 0..GROUPS {
            let Some(old) = self.model.security_group(group_id(group)).cloned() else { continue };
            if old.rules.iter().any(|rule| rule.allows.remote == remote) {
                let kept = old.rules.iter().filter(|rule| rule.allows.remote != remote);
                let kept = kept.map(|rule| (rule.allows, rule.log));
                self.put_group(group, kept, changes);
            }
        }
    }

    /// What a rule allows, and whether it is logged; `None` when it names what does not exist, or
    /// a prefix of the other IP version.
    fn traffic(&self, spec: &RuleSpec) -> Option<(Traffic, bool)> {
        let ethertype = if spec.v6 { Ethertype::Ipv6 } else { Ethertype::Ipv4 };
        let direction = if spec.ingress { Direction::Ingress } else { Direction::Egress };
        let (protocol, ports, icmp) = match &spec.protocol {
            ProtocolSpec::Any => (None, None, None),
            ProtocolSpec::Ports(number, ports) => {
                let range = ports.map(|(first, last)| PortRange { first, last });
                (Some(*number), range, None)
            }
            ProtocolSpec::Icmp(icmp) => {
                let icmp = icmp.map(|(icmp_type, code)| Icmp { icmp_type, code });
                (Some(if spec.v6 { 58 } else { 1 }), None, icmp)
            }
            ProtocolSpec::Number(number) => (Some(*number), None, None),
        };
        let remote = match spec.remote {
            RemoteSpec::Any => Remote::Any,
            RemoteSpec::Prefix(number) => {
                let prefix = peer_prefix(number);
                Some(Remote::Prefix(prefix)).filter(|_| Ethertype::of(prefix) == ethertype)?
            }
            RemoteSpec::Group(group) => {
                Remote::Group(self.model.security_group(group_id(group))?.id)
            }
            RemoteSpec::AddressGroup(group) => {
                Remote::AddressGroup(self.model.address_group(address_group_id(group))?.id)
            }
        };
        let traffic = Traffic { direction, ethertype, protocol, ports, icmp, remote };
        Some((traffic, spec.log))
    }

    fn key(&mut self, kind: Kind) -> Key {
        self.meta(kind, "").key
    }
}
