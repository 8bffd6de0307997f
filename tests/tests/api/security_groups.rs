//! Security groups and address groups: what cannot be is refused, and all of it survives a crash.

use proto::v1::rule::{Direction, Remote};

use super::*;

fn tcp(port_min: u32) -> pb::Rule {
    let protocol = "tcp".to_owned();
    let rule = pb::Rule { protocol, port_min: Some(port_min), ..Default::default() };
    pb::Rule { direction: Direction::Ingress.into(), ..rule }
}

fn from_prefix(prefix: &str) -> pb::Rule {
    pb::Rule { remote: Some(Remote::RemoteIpPrefix(prefix.to_owned())), ..tcp(80) }
}

fn from_group(id: &str) -> pb::Rule {
    pb::Rule { remote: Some(Remote::RemoteGroupId(id.to_owned())), ..tcp(80) }
}

fn from_addresses(id: &str) -> pb::Rule {
    pb::Rule { remote: Some(Remote::RemoteAddressGroupId(id.to_owned())), ..tcp(80) }
}

fn create(api: &Api, group: pb::SecurityGroup) -> Result<pb::SecurityGroup, Status> {
    api.create_security_group(pb::CreateSecurityGroupRequest { security_group: Some(group) })
}

fn group(world: &World, rules: Vec<pb::Rule>) -> pb::SecurityGroup {
    pb::SecurityGroup { project_id: world.project.id.clone(), rules, ..Default::default() }
}

fn add(group: &pb::SecurityGroup, rules: Vec<pb::Rule>) -> pb::AddRulesRequest {
    let security_group_id = group.id.clone();
    pb::AddRulesRequest { security_group_id, rules, ..Default::default() }
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let world = World::new(&[]);
    let web = create(&world.api, group(&world, vec![tcp(80)])).unwrap();
    let other = pb::Project { name: "other".to_owned(), ..Default::default() };
    let other = pb::CreateProjectRequest { project: Some(other) };
    let other = world.api.create_project(other).unwrap();
    let theirs = pb::SecurityGroup { project_id: other.id, ..Default::default() };
    let theirs = create(&world.api, theirs).unwrap();
    let icmp = |protocol: &str, icmp_type, icmp_code| {
        let protocol = protocol.to_owned();
        pb::Rule { protocol, port_min: None, icmp_type, icmp_code, ..tcp(0) }
    };
    let mut v6 = icmp("icmp", None, None);
    v6.set_ethertype(pb::rule::Ethertype::Ipv6);
    let mut v4 = from_prefix("2001:db8::/32");
    v4.set_ethertype(pb::rule::Ethertype::Ipv4);
    let cases = [
        (pb::Rule { direction: 0, ..tcp(80) }, InvalidArgument, "direction", "is required"),
        (pb::Rule { protocol: String::new(), ..tcp(80) }, InvalidArgument, "port_min", "only TCP"),
        (pb::Rule { port_max: Some(79), ..tcp(80) }, InvalidArgument, "port_max", "80 (port_min)"),
        (tcp(65_536), InvalidArgument, "port_min", "65536: expected 0 to 65535"),
        (icmp("tcp", Some(8), None), InvalidArgument, "icmp_type", "only ICMP"),
        (icmp("icmp", Some(256), None), InvalidArgument, "icmp_type", "expected 0 to 255"),
        (icmp("icmp", None, Some(0)), InvalidArgument, "icmp_type", "with icmp_code"),
        (v6, InvalidArgument, "protocol", "expected ICMPv6"),
        (v4, InvalidArgument, "remote_ip_prefix", "expected a prefix of IPv4"),
        (from_prefix("10.0.0.1/8"), InvalidArgument, "remote_ip_prefix", "has host bits"),
        (from_group(&theirs.id), InvalidArgument, "remote_group_id", "belongs to project"),
        (from_group(NOBODY), NotFound, "remote_group_id", NOBODY),
        (from_addresses(NOBODY), NotFound, "remote_address_group_id", NOBODY),
    ];
    for (rule, code, field, says) in cases {
        let rules = vec![tcp(443), rule];
        let field = format!("rules[1].{field}");
        let added = add(&web, rules.clone());
        world.refuses(|api| api.add_rules(added), code, &field, says);
        let asked = group(&world, rules);
        let field = format!("security_group.{field}");
        world.refuses(|api| create(api, asked), code, &field, says);
    }
    let equal = add(&web, vec![tcp(80)]);
    world.refuses(|api| api.add_rules(equal), AlreadyExists, "rules[0]", &web.rules[0].id);
}

#[test]
fn groups_in_use_and_default_groups_stay() {
    let world = World::new(&[]);
    let web = create(&world.api, group(&world, vec![])).unwrap();
    let naming = create(&world.api, group(&world, vec![from_group(&web.id)])).unwrap();
    let delete = |id: &str| pb::DeleteSecurityGroupRequest { id: id.to_owned(), etag: "".into() };
    let subject = format!("security_group/{}", web.id);
    world.refuses(
        |api| api.delete_security_group(delete(&web.id)),
        FailedPrecondition,
        &subject,
        &naming.rules[0].id,
    );
    let asked = pb::Port { security_group_ids: vec![naming.id.clone()], ..world.own_port() };
    let port = create_port(&world.api, asked).unwrap();
    let subject = format!("security_group/{}", naming.id);
    world.refuses(
        |api| api.delete_security_group(delete(&naming.id)),
        FailedPrecondition,
        &subject,
        &port.id,
    );
    let default = &world.port.security_group_ids[0];
    let subject = format!("security_group/{default}");
    world.refuses(
        |api| api.delete_security_group(delete(default)),
        FailedPrecondition,
        &subject,
        "default",
    );
    let stateless = pb::SecurityGroup { stateful: Some(false), ..group(&world, vec![]) };
    let stateless = create(&world.api, stateless).unwrap();
    let mixed = vec![naming.id, stateless.id];
    world.refuses_port(
        pb::Port { security_group_ids: mixed, ..world.own_port() },
        InvalidArgument,
        "port.security_group_ids",
        "is stateful",
    );
}

#[test]
fn everything_is_there_after_a_crash() {
    let mut daemon = Daemon::start(&[]).unwrap();
    let api = daemon.api().unwrap();
    let project = pb::Project { name: "acme".to_owned(), ..Default::default() };
    let project = api.create_project(pb::CreateProjectRequest { project: Some(project) }).unwrap();
    let network = create_network(&api, vxlan(&project.id)).unwrap();
    let prefixes = vec!["10.0.0.0/8".to_owned(), "2001:db8::/32".to_owned()];
    let project_id = || project.id.clone();
    let offices = pb::AddressGroup { project_id: project_id(), prefixes, ..Default::default() };
    let offices = pb::CreateAddressGroupRequest { address_group: Some(offices) };
    let offices = api.create_address_group(offices).unwrap();
    let rules = vec![tcp(22), from_addresses(&offices.id)];
    let web = pb::SecurityGroup { project_id: project_id(), rules, ..Default::default() };
    let web = create(&api, web).unwrap();
    let asked = pb::Port { security_group_ids: vec![web.id.clone()], ..port(&network.id) };
    create_port(&api, asked).unwrap();
    create_port(&api, port(&network.id)).unwrap();
    let remove = pb::RemoveRulesRequest {
        security_group_id: web.id.clone(),
        rule_ids: vec![web.rules[0].id.clone()],
        ..Default::default()
    };
    api.remove_rules(remove).unwrap();
    let before = Everything::of(&api);

    daemon.kill().unwrap();
    daemon.start_again().unwrap();
    let api = daemon.api().unwrap();
    assert_eq!(Everything::of(&api), before);
    let more = api.add_rules(add(&web, vec![tcp(22)])).unwrap();
    assert!(more.rules[1].key > web.rules[1].key, "{more:?}");
}
