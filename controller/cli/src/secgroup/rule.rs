//! `weft secgroup rule`.

mod protocol;

use clap::{ArgGroup, Args, Subcommand};
use proto::v1 as pb;
use proto::v1::rule::{Direction, Ethertype, Remote};
use proto::v1::security_group_service_client::SecurityGroupServiceClient;

use self::protocol::Protocol;
use super::show;
use crate::failure::Failure;
use crate::group::{Group as _, Reference};
use crate::session::Session;

/// What to do with the rules of a security group.
#[derive(Debug, Subcommand)]
pub(crate) enum RuleCommand {
    /// Add a rule to a group
    ///
    /// What is not said matches anything: `--ingress` alone allows all IPv4 traffic
    /// that others begin.
    Add(Box<Add>),

    /// Delete rules of a group, all or none
    Delete {
        #[command(flatten)]
        group: Reference,

        /// Ids of the rules
        #[arg(required = true, value_name = "RULE")]
        rules: Vec<String>,
    },
}

/// A rule to add.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("direction").required(true)))]
#[command(group(ArgGroup::new("peer")))]
#[command(group(ArgGroup::new("version")))]
pub(crate) struct Add {
    #[command(flatten)]
    group: Reference,

    /// UUID to make it under; makes repeating the command harmless
    #[arg(long, value_name = "UUID")]
    id: Option<String>,

    /// What others begin
    #[arg(long, group = "direction")]
    ingress: bool,

    /// What the port itself begins
    #[arg(long, group = "direction")]
    egress: bool,

    #[command(flatten)]
    protocol: Protocol,

    /// IPv4 (that of the prefix or protocol when not given, and else IPv4)
    #[arg(long, group = "version")]
    ipv4: bool,

    /// IPv6
    #[arg(long, group = "version")]
    ipv6: bool,

    /// Peers in this prefix, or with this address
    #[arg(long, group = "peer", value_name = "PREFIX", conflicts_with = "egress")]
    from: Option<String>,

    /// Peers in this prefix, or with this address
    #[arg(long, group = "peer", value_name = "PREFIX", conflicts_with = "ingress")]
    to: Option<String>,

    /// Peers on the same network that have this security group: name or id
    #[arg(long, group = "peer", value_name = "GROUP", conflicts_with = "egress")]
    from_group: Option<String>,

    /// Peers on the same network that have this security group: name or id
    #[arg(long, group = "peer", value_name = "GROUP", conflicts_with = "ingress")]
    to_group: Option<String>,

    /// Peers with an address in this address group: name or id
    #[arg(long, group = "peer", value_name = "GROUP", conflicts_with = "egress")]
    from_address_group: Option<String>,

    /// Peers with an address in this address group: name or id
    #[arg(long, group = "peer", value_name = "GROUP", conflicts_with = "ingress")]
    to_address_group: Option<String>,

    /// Report the connections that it allows in weftd's log
    #[arg(long)]
    log: bool,

    /// Free text
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl RuleCommand {
    /// Does it.
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        let mut client = SecurityGroupServiceClient::new(session.channel.clone());
        let answer = match self {
            Self::Add(add) => {
                let group: pb::SecurityGroup = add.group.resolve(session).await?;
                let remote = add.remote(session, &group.project_id).await?;
                let rules = vec![pb::Rule { remote, ..add.rule() }];
                let security_group_id = group.id;
                let request =
                    pb::AddRulesRequest { security_group_id, rules, ..Default::default() };
                client.add_rules(request).await?
            }
            Self::Delete { group, rules } => {
                let request = pb::RemoveRulesRequest {
                    security_group_id: group.resolve::<pb::SecurityGroup>(session).await?.id,
                    rule_ids: rules,
                    ..Default::default()
                };
                client.remove_rules(request).await?
            }
        };
        show::print(session, &answer.into_inner()).await
    }
}

impl Add {
    /// The peer, whose name is looked for in the group's project.
    async fn remote(
        &self,
        session: &Session<'_>,
        project_id: &str,
    ) -> Result<Option<Remote>, Failure> {
        let project_id = project_id.to_owned();
        if let Some(name) = self.from_group.as_ref().or(self.to_group.as_ref()) {
            let filter = pb::SecurityGroup::listed(project_id, String::new());
            let group = session.resolve_among::<pb::SecurityGroup>(name, filter).await?;
            return Ok(Some(Remote::RemoteGroupId(group.id)));
        }
        if let Some(name) = self.from_address_group.as_ref().or(self.to_address_group.as_ref()) {
            let filter = pb::AddressGroup::listed(project_id, String::new());
            let group = session.resolve_among::<pb::AddressGroup>(name, filter).await?;
            return Ok(Some(Remote::RemoteAddressGroupId(group.id)));
        }
        let prefix = self.from.as_ref().or(self.to.as_ref());
        Ok(prefix.map(|prefix| Remote::RemoteIpPrefix(prefix.clone())))
    }

    /// All but the peer.
    fn rule(self) -> pb::Rule {
        let direction = if self.egress { Direction::Egress } else { Direction::Ingress };
        let ethertype = match (self.ipv4, self.ipv6) {
            (true, _) => Ethertype::Ipv4,
            (_, true) => Ethertype::Ipv6,
            (false, false) => Ethertype::Unspecified,
        };
        let Protocol { name, ports, icmp } = self.protocol;
        pb::Rule {
            id: self.id.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            direction: direction.into(),
            ethertype: ethertype.into(),
            protocol: name,
            port_min: ports.first,
            port_max: ports.last,
            icmp_type: icmp.icmp_type,
            icmp_code: icmp.code,
            log: self.log,
            ..Default::default()
        }
    }
}
