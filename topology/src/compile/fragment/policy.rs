use std::collections::BTreeSet;

use openflow::PortNo;

use crate::compile::Inputs;
use crate::compile::emit::Emit;
use crate::compile::policy::{self, Judge, PortPolicy};
use crate::key::Key;
use crate::model::{
    Direction, Ethertype, Network, Port, Profile, Remote, SecurityGroup, SecurityGroupId,
};

impl Inputs {
    /// What `member` gives rise to in a profile: a class of rules, or, of no rule, the look-ups of
    /// peers.
    pub(super) fn profile(&self, emit: &mut Emit, profile: &Profile, member: Key) -> Option<()> {
        let stateful = self.is_stateful(&profile.groups);
        let judge = Judge { profile: profile.meta.key, stateful };
        if member != Key::NONE {
            let (class, rules) = self.index.policy.class(profile.id, member)?;
            policy::class(emit, &self.model, judge, class, &rules);
            return Some(());
        }
        for direction in [Direction::Egress, Direction::Ingress] {
            for ethertype in [Ethertype::Ipv4, Ethertype::Ipv6] {
                let remotes = self.index.policy.remotes_of(profile.id);
                let remotes = remotes.filter(|&(d, e, _)| (d, e) == (direction, ethertype));
                let remotes = remotes.map(|(_, _, remote)| remote);
                policy::remotes(emit, &self.model, judge, (direction, ethertype), remotes);
            }
        }
        Some(())
    }

    /// The ports of a profile as members of a group.
    pub(super) fn members(&self, emit: &mut Emit, group: &SecurityGroup, profile: &Profile) {
        if profile.groups.contains(&group.id) {
            policy::members(emit, group.meta.key, profile.meta.key);
        }
    }

    /// A port's allowed address pairs in those of its groups that a rule names, but for pairs that an earlier member has too.
    pub(super) fn member_pairs(&self, emit: &mut Emit, network: &Network, port: &Port) {
        let is_named = |group: &&_| self.index.policy.is_named(Remote::Group(**group));
        let groups = port.security_groups.iter().filter(is_named);
        for group in groups.filter_map(|&group| self.model.security_group(group)) {
            for prefix in policy::member_pairs(port) {
                let first = self.index.policy.first_member((group.id, network.id, prefix));
                if first == Some(port.meta.key) {
                    let [group, network] = [group.meta.key, network.meta.key];
                    policy::member_pair(emit, group, network, port.meta.key, prefix);
                }
            }
        }
    }

    /// By what a port is judged; `None` where there is no conntrack zone for its number: then it
    /// gets no flows at all.
    pub(in crate::compile) fn port_policy(
        &self,
        port: &Port,
        number: PortNo,
    ) -> Option<PortPolicy> {
        if !port.port_security {
            return Some(PortPolicy::Off);
        }
        let profile = self.model.profile_of(port)?.meta.key;
        if !self.is_stateful(&port.security_groups) {
            return Some(PortPolicy::Stateless { profile });
        }
        Some(PortPolicy::Stateful { profile, zone: self.zones.of(number)? })
    }

    /// Whether connections are followed: always, but for ports all of whose groups say not.
    fn is_stateful(&self, groups: &BTreeSet<SecurityGroupId>) -> bool {
        let stateless =
            |group| self.model.security_group(group).is_some_and(|group| !group.stateful);
        groups.is_empty() || !groups.iter().all(|&group| stateless(group))
    }
}
