use proto::v1 as pb;
use proto::v1::rule;
use topology::intent::{RuleIdRequest, RuleRequest};
use topology::model::{
    AddressGroupId, Direction, Ethertype, Remote, Rule, RuleId, SecurityGroupId,
};
use uuid::Uuid;

use super::fields::Fields;

/// IP protocols that have a name, and their numbers.
const PROTOCOLS: [(&str, u8); 5] =
    [("icmp", 1), ("tcp", 6), ("udp", 17), ("icmpv6", 58), ("sctp", 132)];

/// The rules of a request's field `rules`.
pub(super) fn rules(rules: Vec<pb::Rule>, fields: &mut Fields) -> Vec<RuleRequest> {
    let rules = rules.into_iter().enumerate();
    rules.map(|(index, rule)| parse(rule, &format!("rules[{index}]"), fields)).collect()
}

/// What clients see of a rule.
pub(super) fn rule(rule: &Rule) -> pb::Rule {
    let allows = &rule.allows;
    let direction = match allows.direction {
        Direction::Egress => rule::Direction::Egress,
        Direction::Ingress => rule::Direction::Ingress,
    };
    let ethertype = match allows.ethertype {
        Ethertype::Ipv4 => rule::Ethertype::Ipv4,
        Ethertype::Ipv6 => rule::Ethertype::Ipv6,
    };
    let remote = match allows.remote {
        Remote::Any => None,
        Remote::Prefix(prefix) => Some(rule::Remote::RemoteIpPrefix(prefix.to_string())),
        Remote::Group(group) => Some(rule::Remote::RemoteGroupId(group.to_string())),
        Remote::AddressGroup(group) => Some(rule::Remote::RemoteAddressGroupId(group.to_string())),
    };
    pb::Rule {
        id: rule.id.to_string(),
        key: rule.key.get(),
        description: rule.description.clone(),
        direction: direction.into(),
        ethertype: ethertype.into(),
        protocol: allows.protocol.map(protocol_name).unwrap_or_default(),
        port_min: allows.ports.map(|ports| ports.first.into()),
        port_max: allows.ports.map(|ports| ports.last.into()),
        icmp_type: allows.icmp.map(|icmp| icmp.icmp_type.into()),
        icmp_code: allows.icmp.and_then(|icmp| icmp.code).map(u32::from),
        remote,
        log: rule.log,
    }
}

fn parse(rule: pb::Rule, field: &str, fields: &mut Fields) -> RuleRequest {
    let id = if rule.id.is_empty() {
        RuleIdRequest::Fresh(RuleId(Uuid::new_v4()))
    } else {
        RuleIdRequest::Chosen(RuleId(fields.uuid(format_args!("{field}.id"), &rule.id)))
    };
    let direction = match rule::Direction::try_from(rule.direction) {
        Ok(rule::Direction::Egress) => Some(Direction::Egress),
        Ok(rule::Direction::Ingress) => Some(Direction::Ingress),
        Ok(rule::Direction::Unspecified) => None,
        Err(_) => {
            let wrong = format_args!("{} is no direction", rule.direction);
            fields.wrong(format_args!("{field}.direction"), wrong);
            None
        }
    };
    let ethertype = match rule::Ethertype::try_from(rule.ethertype) {
        Ok(rule::Ethertype::Ipv4) => Some(Ethertype::Ipv4),
        Ok(rule::Ethertype::Ipv6) => Some(Ethertype::Ipv6),
        Ok(rule::Ethertype::Unspecified) => None,
        Err(_) => {
            let wrong = format_args!("{} is no ethertype", rule.ethertype);
            fields.wrong(format_args!("{field}.ethertype"), wrong);
            None
        }
    };
    RuleRequest {
        id,
        description: rule.description,
        direction,
        ethertype,
        protocol: protocol(&rule.protocol, field, fields),
        port_min: rule.port_min,
        port_max: rule.port_max,
        icmp_type: rule.icmp_type,
        icmp_code: rule.icmp_code,
        remote: remote(rule.remote, field, fields),
        log: rule.log,
    }
}

fn remote(remote: Option<rule::Remote>, field: &str, fields: &mut Fields) -> Remote {
    match remote {
        None => Remote::Any,
        Some(rule::Remote::RemoteIpPrefix(prefix)) => {
            let field = format_args!("{field}.remote_ip_prefix");
            Remote::Prefix(fields.prefix_or_address(field, &prefix))
        }
        Some(rule::Remote::RemoteGroupId(id)) => {
            let id = fields.uuid(format_args!("{field}.remote_group_id"), &id);
            Remote::Group(SecurityGroupId(id))
        }
        Some(rule::Remote::RemoteAddressGroupId(id)) => {
            let id = fields.uuid(format_args!("{field}.remote_address_group_id"), &id);
            Remote::AddressGroup(AddressGroupId(id))
        }
    }
}

fn protocol(text: &str, field: &str, fields: &mut Fields) -> Option<u8> {
    if text.is_empty() || text == "any" {
        return None;
    }
    let named = PROTOCOLS.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    let number = named.or_else(|| text.parse().ok());
    if number.is_none() {
        let names = PROTOCOLS.map(|(name, _)| name).join(", ");
        let wrong = format_args!("{text:?} is no protocol: expected any, {names} or 0 to 255");
        fields.wrong(format_args!("{field}.protocol"), wrong);
    }
    number
}

fn protocol_name(number: u8) -> String {
    let named = PROTOCOLS.iter().find(|(_, known)| *known == number);
    named.map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
}
