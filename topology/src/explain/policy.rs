//! Explanations of flows that security groups give rise to.

use std::collections::BTreeSet;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use openflow::{Field, Match};

use super::{Story, rule};
use crate::compile::{PortPrefix, class_of, member_pairs};
use crate::key::{Key, Kind};
use crate::model::{
    Model, Port, PortRange, Profile, ResourceId, Rule, SecurityGroup, SecurityGroupId,
};
use crate::pipeline::{Detail, Register};

/// True for flows of a port that its security groups are the reason of.
pub(super) const fn is_judging(detail: Detail) -> bool {
    matches!(
        detail,
        Detail::Egress
            | Detail::EgressNew
            | Detail::EgressDenied
            | Detail::Ingress
            | Detail::IngressNew
            | Detail::IngressDenied
            | Detail::PortProfile
    )
}

impl<'a> Story<'a> {
    /// Names a profile by its groups, behind `what` of it is meant; answers it, if it still exists.
    fn name_profile(&mut self, what: &str, profile: Key) -> Option<&'a Profile> {
        let Some(found) = self.model.profile_by_key(profile) else {
            self.words.push(format!("profile {profile}, which does not exist"));
            return None;
        };
        let groups = groups_in_words(self.model, &found.groups);
        self.words.push(format!("{what}profile {profile} of {groups}"));
        self.owners.push(ResourceId::Profile(found.id));
        Some(found)
    }

    /// The groups by which a port is judged.
    pub(super) fn add_groups_of(&mut self, port: Key) {
        if let Some(port) = self.model.port_by_key(port) {
            self.words.push(groups_in_words(self.model, &port.security_groups));
        }
    }

    /// A profile, and of its rules those that a flow is there for.
    pub(super) fn add_profile(
        &mut self,
        profile: Key,
        member: Key,
        detail: Detail,
        matching: Option<&Match>,
    ) {
        let Some(found) = self.name_profile("", profile) else { return };
        if member == Key::NONE {
            self.owners.extend(found.groups.iter().map(|&group| ResourceId::SecurityGroup(group)));
            return;
        }
        let Some((_, first)) = self.model.rule_by_key(member) else {
            self.words.push(format!("rule {member}, which does not exist"));
            return;
        };
        let is_logged = matches!(detail, Detail::RuleLogged | Detail::PeerRuleLogged);
        let causes = rules_like(self.model, found, first).filter(|(_, rule)| {
            rule.log >= is_logged && matching.is_none_or(|flow| has_ports(flow, rule))
        });
        for (group, rule) in causes {
            let (key, words) = (rule.key, rule::in_words(self.model, rule));
            self.words.push(format!("rule {key} of {:?}: {words}", group.meta.name));
            self.owners.push(ResourceId::Rule(rule.id));
            let group = ResourceId::SecurityGroup(group.id);
            if !self.owners.contains(&group) {
                self.owners.push(group);
            }
        }
    }

    /// The profile whose ports are in a group.
    pub(super) fn add_peers(&mut self, profile: Key) {
        self.name_profile("ports of ", profile);
    }

    /// The ports that are in a group with the address pair in the match, or without a match the
    /// first of them.
    pub(super) fn add_member_pair(&mut self, first: Key, matching: Option<&Match>) {
        let group = matching.and_then(|matching| matching.field(Register::REMOTE.field));
        let group = group.map(|oxm| Key::truncated(oxm.value as u32));
        if let Some(group) = group {
            self.add(Kind::SecurityGroup, group);
        }
        let group = group.and_then(|group| self.model.security_group_by_key(group));
        let found = (group, self.model.port_by_key(first), matching.and_then(address));
        let (Some(group), Some(port), Some(pair)) = found else {
            return self.add(Kind::Port, first);
        };
        let network = port.network;
        let names_pair = |port: &&std::sync::Arc<Port>| {
            port.network == network
                && port.serving_host().is_some()
                && member_pairs(port).contains(&pair)
        };
        let members = self.model.members_of(group.id).filter(names_pair);
        let keys: BTreeSet<Key> = members.map(|port| port.meta.key).collect();
        for key in keys {
            self.add(Kind::Port, key);
        }
    }
}

fn groups_in_words(model: &Model, groups: &BTreeSet<SecurityGroupId>) -> String {
    let names = groups.iter().map(|&group| match model.security_group(group) {
        Some(group) => format!("{:?}", group.meta.name),
        None => format!("{group}, which does not exist"),
    });
    let names: Vec<String> = names.collect();
    match names.len() {
        0 => "no security group".into(),
        1 => format!("security group {}", names[0]),
        _ => format!("security groups {}", names.join(" and ")),
    }
}

/// The rules of a profile that allow the same as `like`, but for the ports.
fn rules_like<'a>(
    model: &'a Model,
    profile: &'a Profile,
    like: &Rule,
) -> impl Iterator<Item = (&'a SecurityGroup, &'a Rule)> + use<'a> {
    let wanted = class_of(like);
    let groups = profile.groups.iter().filter_map(|&group| model.security_group(group));
    let rules = groups.flat_map(|group| group.rules.iter().map(move |rule| (&**group, rule)));
    rules.filter(move |(_, rule)| class_of(rule) == wanted)
}

/// True when some port of the rule is one of those in the match.
fn has_ports(flow: &Match, rule: &Rule) -> bool {
    let fields = [Field::TCP_DST, Field::UDP_DST, Field::SCTP_DST, Field::CT_TP_DST];
    let asked = fields.into_iter().find_map(|field| flow.field(field));
    let Some(asked) = asked.filter(|_| rule.allows.icmp.is_none()) else { return true };
    let prefix = PortPrefix { value: asked.value as u16, mask: asked.mask as u16 };
    let PortRange { first, last } = rule.allows.ports.unwrap_or(PortRange::ALL);
    prefix.intersects((first, last))
}

/// The address that a flow of table peers asks for.
fn address(flow: &Match) -> Option<IpNet> {
    let words = Register::ADDRESS_WORDS.map(|field| flow.field(field));
    let words = words.map(|word| word.map_or((0, 0), |oxm| (oxm.value, oxm.mask)));
    if flow.field(Field::ETH_TYPE)?.value == 0x0800 {
        let (value, mask) = words[0];
        let length = (mask as u32).leading_ones() as u8;
        return Ipv4Net::new((value as u32).into(), length).ok().map(IpNet::V4);
    }
    let whole = |bits: [u128; 4]| bits.into_iter().fold(0, |whole, word| whole << 32 | word);
    let length = whole(words.map(|(_, mask)| mask)).leading_ones() as u8;
    Ipv6Net::new(whole(words.map(|(value, _)| value)).into(), length).ok().map(IpNet::V6)
}
