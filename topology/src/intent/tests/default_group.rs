use super::*;
use crate::model::{Ethertype, Project, Traffic};

#[test]
fn every_project_has_one_from_its_creation() {
    let world = World::new();
    let group = world.default_group(1);
    assert_eq!((group.meta.name.as_str(), group.stateful, group.default), ("default", true, true));
    let allowed: Vec<_> = group.rules.iter().map(|rule| rule.allows).collect();
    let from_members = |ethertype| Traffic {
        remote: Remote::Group(group.id),
        ..Traffic::any(Direction::Ingress, ethertype)
    };
    assert_eq!(
        allowed,
        [
            Traffic::any(Direction::Egress, Ethertype::Ipv4),
            Traffic::any(Direction::Egress, Ethertype::Ipv6),
            from_members(Ethertype::Ipv4),
            from_members(Ethertype::Ipv6),
        ]
    );
    assert_ne!(group.id, world.default_group(2).id);
}

#[test]
fn it_can_neither_be_deleted_nor_renamed_and_goes_with_its_project() {
    let mut world = World::new();
    let group = world.default_group(1).id;
    expect(
        world.run(|context| delete_security_group(context, group, None)),
        "failed precondition: security group #default-1 is the default of project #1",
    );
    let update = |naming| UpdateSecurityGroup { id: group, naming, ..group_update(0) };
    expect(
        world.run(|context| update_security_group(context, update(renamed("other")))),
        "invalid argument: name: is that of the group which every project has: cannot change",
    );
    expect(world.run(|context| update_security_group(context, update(renamed("default")))), "ok");
    let described = NamingUpdate { description: Some("ours".into()), ..NamingUpdate::default() };
    expect(world.run(|context| update_security_group(context, update(described))), "ok");
    let rules = vec![world.default_group(1).rules[0].id];
    let request = RemoveRules { id: group, etag: None, rules };
    expect(world.run(|context| remove_rules(context, request)), "ok");

    world.run(|context| delete_project(context, ProjectId(id(1)), None)).unwrap();
    assert!(world.model.security_group(group).is_none());
    assert!(world.model.default_group(ProjectId(id(1))).is_none());
}

#[test]
fn a_taken_uuid_is_left_to_who_has_it() {
    let mut world = World::new();
    let taken = Uuid::new_v5(&id(9), b"default");
    let squatter = CreateSecurityGroup { id: SecurityGroupId(taken), ..group_request(0, vec![]) };
    world.run(|context| create_security_group(context, squatter)).unwrap();
    world.run(|context| create_project(context, project_request(9))).unwrap();
    assert_ne!(world.default_group(9).id.0, taken);
    assert_eq!(world.model.security_group(SecurityGroupId(taken)).unwrap().project.0, id(1));
}

/// What an earlier version stored: project 3, on whose network there are ports 1 and 2 with port
/// security and 3 without.
fn before_groups() -> World {
    let mut world = World::new();
    world.run(|context| create_project(context, project_request(3))).unwrap();
    let network = CreateNetwork { project: ProjectId(id(3)), ..network_request(1) };
    world.run(|context| create_network(context, network)).unwrap();
    for number in [1, 2, 3] {
        let request = CreatePort { port_security: Some(number < 3), ..port_request(number) };
        world.run(|context| create_port(context, request)).unwrap();
    }
    let mut forget = Vec::new();
    for number in [1, 2, 3] {
        let port = Port { security_groups: [].into(), ..world.port(number).clone() };
        forget.push(Change::Put(Resource::Port(port.into())));
    }
    forget.extend(world.model.profiles().keys().map(|id| Change::Delete(ResourceId::Profile(*id))));
    forget.push(Change::Delete(ResourceId::SecurityGroup(world.default_group(3).id)));
    for change in &forget {
        world.model.apply(change);
    }
    world
}

#[test]
fn a_project_of_an_earlier_version_gets_one_and_its_ports_join_it() {
    let mut world = before_groups();
    let project = ProjectId(id(3));
    expect(world.run(|context| adopt_project(context, project)), "ok");
    let group = world.default_group(3).id;
    for number in [1, 2] {
        let port = world.port(number);
        assert_eq!(port.security_groups, [group].into());
        assert_eq!(port.meta.revision, world.revision);
        assert_eq!(world.model.profile_of(port).unwrap().groups, [group].into());
    }
    assert_eq!(world.model.profiles().len(), 1);
    assert!(world.port(3).security_groups.is_empty());

    let before = world.revision;
    expect(world.run(|context| adopt_project(context, project)), "ok");
    assert_eq!(world.revision, before, "once is enough");
    let unknown = world.run(|context| adopt_project(context, ProjectId(id(9))));
    expect(unknown, "project #9 not found");
}

#[test]
fn a_port_that_was_put_into_no_group_stays_so() {
    let mut world = World::with_network();
    let create = |context: &Context<'_>| create_port(context, port_request(1));
    world.run(create).unwrap();
    let none = UpdatePort { security_groups: Some(vec![]), ..port_update(1) };
    world.run(|context| update_port(context, none)).unwrap();
    let projects: Vec<Project> =
        world.model.projects().values().map(|project| Project::clone(project)).collect();
    for project in projects {
        world.run(|context| adopt_project(context, project.id)).unwrap();
    }
    assert!(world.port(1).security_groups.is_empty());
}
