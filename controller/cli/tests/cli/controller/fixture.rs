//! What the controller has.

use std::sync::Arc;

use proto::v1 as pb;

use super::{Controller, id};

impl Controller {
    /// A project, networks of which two share a name, subnets, ports, security groups, an
    /// address group and a host.
    pub(crate) fn new() -> Self {
        let network = |n, name: &str| pb::Network {
            id: id(n),
            name: name.to_owned(),
            project_id: id(1),
            etag: format!("etag-{n}"),
            labels: [("tier".to_owned(), "front".to_owned())].into(),
            ..Default::default()
        };
        let subnet = |n, network, name: &str| pb::Subnet {
            id: id(n),
            name: name.to_owned(),
            network_id: id(network),
            ..Default::default()
        };
        let port = |n, name: &str, status: pb::port::Status| pb::Port {
            id: id(n),
            name: name.to_owned(),
            network_id: id(2),
            project_id: id(1),
            status: status.into(),
            ..Default::default()
        };
        let group = |n, project, name: &str, rules| pb::SecurityGroup {
            id: id(n),
            name: name.to_owned(),
            project_id: id(project),
            stateful: Some(true),
            rules,
            ..Default::default()
        };
        Self {
            projects: vec![pb::Project {
                id: id(1),
                name: "acme".to_owned(),
                ..Default::default()
            }],
            networks: vec![network(2, "web"), network(3, "twin"), network(4, "twin")],
            subnets: vec![subnet(5, 2, "v4"), subnet(6, 3, "v4"), subnet(7, 2, "v6")],
            ports: vec![
                port(8, "web-1", pb::port::Status::Active),
                port(9, "web-2", pb::port::Status::Building),
            ],
            security_groups: vec![
                group(11, 1, "default", vec![]),
                group(12, 90, "default", vec![]),
                group(13, 1, "web", web_rules()),
            ],
            address_groups: vec![pb::AddressGroup {
                id: id(14),
                name: "offices".to_owned(),
                project_id: id(1),
                etag: "etag-14".to_owned(),
                prefixes: vec!["10.0.0.0/8".to_owned(), "192.0.2.1/32".to_owned()],
                ..Default::default()
            }],
            // A host that dialed in is named after its system id.
            hosts: vec![pb::Host { id: id(10), name: id(99), ..Default::default() }],
            flows: Vec::new(),
            progress: Vec::new(),
            changes: Vec::new(),
            refusal: None,
            granted: 0,
            asked: Arc::default(),
        }
    }
}

/// What the group `web` allows.
fn web_rules() -> Vec<pb::Rule> {
    use pb::rule::{Direction, Ethertype, Remote};

    let rule = |n, direction: Direction, protocol: &str| pb::Rule {
        id: id(n),
        direction: direction.into(),
        ethertype: Ethertype::Ipv4.into(),
        protocol: protocol.to_owned(),
        ..Default::default()
    };
    let ports =
        |rule, first, last| pb::Rule { port_min: Some(first), port_max: Some(last), ..rule };
    let with = |rule, remote| pb::Rule { remote: Some(remote), ..rule };
    let web = ports(rule(20, Direction::Ingress, "tcp"), 80, 443);
    let db = ports(rule(21, Direction::Egress, "tcp"), 5432, 5432);
    let ping = pb::Rule { icmp_type: Some(128), ..rule(22, Direction::Ingress, "icmpv6") };
    let ping = pb::Rule { ethertype: Ethertype::Ipv6.into(), icmp_code: Some(0), ..ping };
    vec![
        with(web, Remote::RemoteIpPrefix("0.0.0.0/0".to_owned())),
        with(db, Remote::RemoteGroupId(id(11))),
        pb::Rule { log: true, description: "pings".to_owned(), ..ping },
        with(rule(23, Direction::Egress, "47"), Remote::RemoteAddressGroupId(id(14))),
        rule(24, Direction::Egress, ""),
    ]
}
