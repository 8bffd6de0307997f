//! A security group for people: its rules in words that one can read down a column.

use proto::v1 as pb;
use proto::v1::rule::{Direction, Ethertype, Remote};

use crate::failure::Failure;
use crate::print::Names;
use crate::resource::Resource as _;
use crate::session::Session;

/// Prints a group, for people with its rules as a table.
pub(super) async fn print(
    session: &mut Session<'_>,
    group: &pb::SecurityGroup,
) -> Result<(), Failure> {
    if session.printer.is_json() {
        return session.printer.one(group);
    }
    let mut kinds = Vec::new();
    for rule in &group.rules {
        match rule.remote {
            Some(Remote::RemoteGroupId(_)) => kinds.push(pb::SecurityGroup::KIND),
            Some(Remote::RemoteAddressGroupId(_)) => kinds.push(pb::AddressGroup::KIND),
            Some(Remote::RemoteIpPrefix(_)) | None => {}
        }
    }
    let names = session.names(&kinds).await?;
    let rows = group.rules.iter().map(|rule| row(rule, &names));
    session.printer.one_and_table(group, "rules", COLUMNS, rows)
}

/// Headings of [`row`].
const COLUMNS: &[&str] = &["RULE", "DIRECTION", "IP", "TRAFFIC", "PEER", "LOG", "DESCRIPTION"];

fn row(rule: &pb::Rule, names: &Names) -> Vec<String> {
    let direction = match rule.direction() {
        Direction::Egress => "egress",
        Direction::Ingress => "ingress",
        Direction::Unspecified => "",
    };
    let version = match rule.ethertype() {
        Ethertype::Ipv4 => "v4",
        Ethertype::Ipv6 => "v6",
        Ethertype::Unspecified => "",
    };
    let peer = match &rule.remote {
        None => "any".to_owned(),
        Some(Remote::RemoteIpPrefix(prefix)) => prefix.clone(),
        Some(Remote::RemoteGroupId(id)) => format!("group {}", names.of(id)),
        Some(Remote::RemoteAddressGroupId(id)) => format!("address group {}", names.of(id)),
    };
    let log = if rule.log { "yes" } else { "" };
    vec![
        rule.id.clone(),
        direction.to_owned(),
        version.to_owned(),
        traffic(rule),
        peer,
        log.to_owned(),
        rule.description.clone(),
    ]
}

/// Protocol, and ports or type and code: `tcp 80-443`, `icmp 8/0`, `any`.
fn traffic(rule: &pb::Rule) -> String {
    let protocol = match rule.protocol.as_str() {
        "" => "any".to_owned(),
        number if number.starts_with(|c: char| c.is_ascii_digit()) => format!("protocol {number}"),
        name => name.to_owned(),
    };
    match (rule.port_min, rule.port_max, rule.icmp_type, rule.icmp_code) {
        (Some(first), Some(last), ..) if first != last => format!("{protocol} {first}-{last}"),
        (Some(port), ..) => format!("{protocol} {port}"),
        (None, _, Some(icmp_type), Some(code)) => format!("{protocol} {icmp_type}/{code}"),
        (None, _, Some(icmp_type), None) => format!("{protocol} {icmp_type}"),
        (None, _, None, _) => protocol,
    }
}
