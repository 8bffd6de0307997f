//! Security groups, as tests write them.

use std::ops::RangeInclusive;

use anyhow::Result;
use proto::v1 as pb;
use proto::v1::rule::{Direction, Ethertype, Remote};

use crate::scene::{READY, Scene};
use crate::segment::Guest;

/// A rule of a security group, built up: `Allow::ingress().tcp(443).peer("10.0.0.0/8")`.
#[derive(Clone, Debug)]
pub struct Allow(pb::Rule);

impl Allow {
    /// What peers begin, over IPv4.
    pub fn ingress() -> Self {
        Self::new(Direction::Ingress)
    }

    /// What the port begins, over IPv4.
    pub fn egress() -> Self {
        Self::new(Direction::Egress)
    }

    fn new(direction: Direction) -> Self {
        let mut rule = pb::Rule::default();
        rule.set_direction(direction);
        rule.set_ethertype(Ethertype::Ipv4);
        Self(rule)
    }

    /// Over IPv6.
    #[must_use]
    pub fn v6(mut self) -> Self {
        self.0.set_ethertype(Ethertype::Ipv6);
        self
    }

    /// To this TCP port.
    #[must_use]
    pub fn tcp(self, port: u16) -> Self {
        self.ports("tcp", port..=port)
    }

    /// To this UDP port.
    #[must_use]
    pub fn udp(self, port: u16) -> Self {
        self.ports("udp", port..=port)
    }

    /// To these ports of `protocol`.
    #[must_use]
    pub fn ports(mut self, protocol: &str, ports: RangeInclusive<u16>) -> Self {
        self.0.protocol = protocol.to_owned();
        self.0.port_min = Some((*ports.start()).into());
        self.0.port_max = Some((*ports.end()).into());
        self
    }

    /// ICMP or ICMPv6, as the IP version is, of any type.
    #[must_use]
    pub fn ping(mut self) -> Self {
        let v6 = self.0.ethertype() == Ethertype::Ipv6;
        self.0.protocol = if v6 { "icmpv6" } else { "icmp" }.to_owned();
        self
    }

    /// ICMP or ICMPv6 of this type and code.
    #[must_use]
    pub fn icmp(self, kind: u8, code: u8) -> Self {
        let Self(rule) = self.ping();
        Self(pb::Rule { icmp_type: Some(kind.into()), icmp_code: Some(code.into()), ..rule })
    }

    /// With peers in this prefix only.
    #[must_use]
    pub fn peer(self, prefix: &str) -> Self {
        self.remote(Remote::RemoteIpPrefix(prefix.to_owned()))
    }

    /// With members of this group only.
    #[must_use]
    pub fn group(self, group: &pb::SecurityGroup) -> Self {
        self.remote(Remote::RemoteGroupId(group.id.clone()))
    }

    /// With addresses of this address group only.
    #[must_use]
    pub fn address_group(self, group: &pb::AddressGroup) -> Self {
        self.remote(Remote::RemoteAddressGroupId(group.id.clone()))
    }

    fn remote(mut self, remote: Remote) -> Self {
        self.0.remote = Some(remote);
        self
    }

    /// Reported in the controller's log.
    #[must_use]
    pub fn logged(mut self) -> Self {
        self.0.log = true;
        self
    }

    /// The rule.
    pub fn rule(self) -> pb::Rule {
        self.0
    }
}

impl Scene {
    /// Makes a stateful security group.
    ///
    /// # Errors
    ///
    /// When the controller refuses it.
    pub fn group(
        &self,
        name: &str,
        allows: impl IntoIterator<Item = Allow>,
    ) -> Result<pb::SecurityGroup> {
        self.make_group(name, true, allows)
    }

    /// Makes a stateless security group.
    ///
    /// # Errors
    ///
    /// When the controller refuses it.
    pub fn stateless_group(
        &self,
        name: &str,
        allows: impl IntoIterator<Item = Allow>,
    ) -> Result<pb::SecurityGroup> {
        self.make_group(name, false, allows)
    }

    fn make_group(
        &self,
        name: &str,
        stateful: bool,
        allows: impl IntoIterator<Item = Allow>,
    ) -> Result<pb::SecurityGroup> {
        let group = pb::SecurityGroup {
            name: name.to_owned(),
            project_id: self.project().to_owned(),
            stateful: Some(stateful),
            rules: allows.into_iter().map(Allow::rule).collect(),
            ..Default::default()
        };
        let request = pb::CreateSecurityGroupRequest { security_group: Some(group) };
        Ok(self.api.create_security_group(request)?)
    }

    /// Adds a rule to a group and waits until every host has it; answers the rule's id.
    ///
    /// # Errors
    ///
    /// When the controller refuses it, or a host is late.
    pub fn allow(&self, group: &pb::SecurityGroup, allow: Allow) -> Result<String> {
        let request = pb::AddRulesRequest {
            security_group_id: group.id.clone(),
            rules: vec![allow.rule()],
            etag: String::new(),
        };
        let group = self.api.add_rules(request)?;
        self.api.wait(group.revision, READY)?;
        Ok(group.rules.last().map(|rule| rule.id.clone()).unwrap_or_default())
    }

    /// Takes a rule out of a group and waits until no host has it.
    ///
    /// # Errors
    ///
    /// When the controller refuses it, or a host is late.
    pub fn revoke(&self, group: &pb::SecurityGroup, rule: &str) -> Result<()> {
        let request = pb::RemoveRulesRequest {
            security_group_id: group.id.clone(),
            rule_ids: vec![rule.to_owned()],
            etag: String::new(),
        };
        let revision = self.api.remove_rules(request)?.revision;
        Ok(self.api.wait(revision, READY)?)
    }

    /// Puts a guest's port into these groups and no others, and waits until every host knows.
    ///
    /// # Errors
    ///
    /// When the controller refuses it, or a host is late.
    pub fn put_in(&self, guest: &Guest, groups: &[&pb::SecurityGroup]) -> Result<()> {
        let security_group_ids = groups.iter().map(|group| group.id.clone()).collect();
        let port = pb::Port { security_group_ids, ..Default::default() };
        let port = self.update_port(&guest.port.id, &["security_group_ids"], port)?;
        Ok(self.api.wait(port.revision, READY)?)
    }

    /// The project's default group.
    ///
    /// # Errors
    ///
    /// When the controller does not answer.
    pub fn default_group(&self) -> Result<pb::SecurityGroup> {
        let project_id = self.project().to_owned();
        let request = pb::ListSecurityGroupsRequest {
            project_id,
            name: "default".to_owned(),
            ..Default::default()
        };
        let groups = self.api.list_security_groups(request)?.security_groups;
        groups.into_iter().next().ok_or_else(|| anyhow::anyhow!("no default group"))
    }

    /// Lets everybody begin connections with every port of the project's default group, for tests
    /// of what stands before policy.
    ///
    /// # Errors
    ///
    /// When the controller refuses it, or a host is late.
    pub fn admit_everybody(&self) -> Result<()> {
        let group = self.default_group()?;
        self.allow(&group, Allow::ingress())?;
        self.allow(&group, Allow::ingress().v6())?;
        Ok(())
    }

    /// Makes an address group.
    ///
    /// # Errors
    ///
    /// When the controller refuses it.
    pub fn address_group(&self, name: &str, prefixes: &[&str]) -> Result<pb::AddressGroup> {
        let group = pb::AddressGroup {
            name: name.to_owned(),
            project_id: self.project().to_owned(),
            prefixes: prefixes.iter().map(|&prefix| prefix.to_owned()).collect(),
            ..Default::default()
        };
        let request = pb::CreateAddressGroupRequest { address_group: Some(group) };
        Ok(self.api.create_address_group(request)?)
    }

    /// Replaces the prefixes of an address group and waits until every host has them.
    ///
    /// # Errors
    ///
    /// When the controller refuses it, or a host is late.
    pub fn set_prefixes(&self, group: &pb::AddressGroup, prefixes: &[&str]) -> Result<()> {
        let prefixes = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
        let group = pb::AddressGroup { id: group.id.clone(), prefixes, ..Default::default() };
        let paths = vec!["prefixes".to_owned()];
        let request = pb::UpdateAddressGroupRequest {
            address_group: Some(group),
            update_mask: Some(prost_types::FieldMask { paths }),
        };
        let revision = self.api.update_address_group(request)?.revision;
        Ok(self.api.wait(revision, READY)?)
    }
}
