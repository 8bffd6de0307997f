use std::collections::BTreeSet;

use super::*;

/// Ports 1 to 3 of project 1, without groups of their own; groups 1 to 4, of which 4 is
/// stateless; group 8 is of project 2.
fn world() -> World {
    let mut world = World::with_subnets();
    for number in [1, 2, 3, 4, 8] {
        let request = CreateSecurityGroup {
            project: ProjectId(id(if number == 8 { 2 } else { 1 })),
            stateful: Some(number != 4),
            ..group_request(number, vec![])
        };
        world.run(|context| create_security_group(context, request)).unwrap();
    }
    for number in [1, 2, 3] {
        world.run(|context| create_port(context, port_request(number))).unwrap();
    }
    world
}

fn groups(numbers: &[u8]) -> Vec<SecurityGroupId> {
    numbers.iter().map(|number| SecurityGroupId(id(*number))).collect()
}

fn create(
    world: &mut World,
    groups: impl Into<Option<Vec<SecurityGroupId>>>,
) -> Result<(), Rejection> {
    let request = CreatePort { security_groups: groups.into(), ..port_request(9) };
    world.run(|context| create_port(context, request)).map(drop)
}

fn join(world: &mut World, port: u8, groups: Vec<SecurityGroupId>) -> Result<(), Rejection> {
    let request = UpdatePort { security_groups: Some(groups), ..port_update(port) };
    world.run(|context| update_port(context, request)).map(drop)
}

fn secure(world: &mut World, port: u8, on: bool) -> Result<(), Rejection> {
    let request = UpdatePort { port_security: Some(Some(on)), ..port_update(port) };
    world.run(|context| update_port(context, request)).map(drop)
}

/// The key of a port's profile.
fn profile(world: &World, port: u8) -> Option<u32> {
    world.model.profile_of(world.port(port)).map(|profile| profile.meta.key.get())
}

#[test]
fn a_port_has_the_groups_it_asks_for_or_the_default() {
    let mut world = world();
    let default = world.default_group(1).id;
    assert_eq!(world.port(1).security_groups, [default].into());
    expect(create(&mut world, groups(&[1, 2])), "ok");
    assert_eq!(world.port(9).security_groups, groups(&[1, 2]).into_iter().collect());
    let before = world.revision;
    expect(create(&mut world, groups(&[2, 1])), "ok");
    expect(create(&mut world, None), "ok");
    assert_eq!(world.revision, before, "the same request again");
    for other in [groups(&[1]), vec![]] {
        expect(
            create(&mut world, other),
            "already exists: id: port #9 exists and differs from what is asked",
        );
    }
    expect(join(&mut world, 9, vec![]), "ok");
    assert!(world.port(9).security_groups.is_empty());
}

#[test]
fn a_port_may_be_made_in_no_group_at_all() {
    let mut world = world();
    expect(create(&mut world, vec![]), "ok");
    assert!(world.port(9).security_groups.is_empty());
    assert!(profile(&world, 9).is_some());
    let before = world.revision;
    expect(create(&mut world, vec![]), "ok");
    assert_eq!(world.revision, before, "the same request again");
}

#[test]
fn groups_that_a_port_cannot_have_are_refused() {
    let mut world = world();
    let many = (0..17).map(|number| SecurityGroupId(id(number))).collect();
    for (asked, expected) in [
        (
            groups(&[1, 8]),
            "invalid argument: security_group_ids[1]: #8 belongs to project #2: expected #1",
        ),
        (groups(&[1, 7]), "security_group_ids[1]: security group #7 not found"),
        (groups(&[1, 2, 1]), "invalid argument: security_group_ids[2]: #1 is there twice"),
        (
            groups(&[1, 4]),
            "invalid argument: security_group_ids: #1 is stateful and #4 is not: \
             expected one or the other",
        ),
        (many, "invalid argument: security_group_ids: 17 security groups: expected at most 16"),
    ] {
        expect(create(&mut world, asked.clone()), expected);
        expect(join(&mut world, 1, asked), expected);
    }
}

#[test]
fn groups_come_and_go_with_port_security() {
    let mut world = world();
    expect(secure(&mut world, 1, false), "ok");
    assert!(world.port(1).security_groups.is_empty());
    expect(
        join(&mut world, 1, groups(&[1])),
        "invalid argument: security_group_ids: without port security all traffic is allowed: \
         expected none",
    );
    expect(secure(&mut world, 1, true), "ok");
    assert_eq!(world.port(1).security_groups, [world.default_group(1).id].into());
    let both = UpdatePort {
        port_security: Some(Some(true)),
        security_groups: Some(groups(&[3])),
        ..port_update(1)
    };
    expect(world.run(|context| update_port(context, both)), "ok");
    assert_eq!(world.port(1).security_groups, groups(&[3]).into_iter().collect());
    let request = CreatePort { port_security: Some(false), ..port_request(9) };
    let asked = CreatePort { security_groups: Some(groups(&[1])), ..request.clone() };
    expect(
        world.run(|context| create_port(context, asked)),
        "invalid argument: security_group_ids: without port security all traffic is allowed: \
         expected none",
    );
    expect(world.run(|context| create_port(context, request)), "ok");
    assert!(world.port(9).security_groups.is_empty());
}

#[test]
fn ports_with_the_same_groups_share_a_profile_that_goes_with_the_last() {
    let mut world = world();
    let profiles = |world: &World| [1, 2, 3].map(|port| profile(world, port));
    assert_eq!(profiles(&world), [Some(1); 3]);
    join(&mut world, 1, groups(&[1, 2])).unwrap();
    join(&mut world, 2, groups(&[2, 1])).unwrap();
    assert_eq!(profiles(&world), [Some(2), Some(2), Some(1)]);
    join(&mut world, 3, vec![]).unwrap();
    assert_eq!(profiles(&world), [Some(2), Some(2), Some(3)], "the empty set has one, too");
    assert_eq!(world.model.profiles().len(), 2, "nobody has the default group alone");
    secure(&mut world, 3, false).unwrap();
    assert_eq!(profiles(&world), [Some(2), Some(2), None]);
    world.run(|context| delete_port(context, PortId(id(1)), None)).unwrap();
    assert_eq!(world.model.profiles().len(), 1);
    world.run(|context| delete_port(context, PortId(id(2)), None)).unwrap();
    assert!(world.model.profiles().is_empty());
    secure(&mut world, 3, true).unwrap();
    assert_eq!(profile(&world, 3), Some(4), "a key is not used again");
}

#[test]
fn a_port_has_at_most_256_different_remotes() {
    let mut world = world();
    let naming = |world: &mut World, group: u8, remotes: std::ops::Range<u32>| {
        let mut rules = Vec::new();
        for number in remotes {
            let remote = Uuid::from_u128(u128::from(number));
            let request =
                CreateAddressGroup { id: AddressGroupId(remote), ..address_group_request(0, &[]) };
            world.run(|context| create_address_group(context, request)).unwrap();
            rules.push(RuleRequest {
                id: RuleIdRequest::Fresh(RuleId(Uuid::from_u128(rule_number(group, number)))),
                remote: Remote::AddressGroup(AddressGroupId(remote)),
                ..rule_request(0)
            });
        }
        let request = AddRules { id: SecurityGroupId(id(group)), etag: None, rules };
        world.run(|context| add_rules(context, request)).map(drop)
    };
    expect(naming(&mut world, 1, 0..256), "ok");
    expect(naming(&mut world, 2, 0..256), "ok");
    expect(join(&mut world, 1, groups(&[1, 2])), "ok");
    let too_many = "exhausted: remotes: the rules of security groups #1, #2 name 257 remote \
                    groups and remote address groups: expected at most 256";
    expect(naming(&mut world, 2, 256..257), too_many);
    expect(naming(&mut world, 3, 256..257), "ok");
    let too_many = "exhausted: remotes: the rules of security groups #1, #3 name 257 remote \
                    groups and remote address groups: expected at most 256";
    expect(join(&mut world, 2, groups(&[3, 1])), too_many);
    expect(join(&mut world, 2, groups(&[3])), "ok");
    let set: BTreeSet<_> = world.model.members_of(SecurityGroupId(id(1))).map(|p| p.id).collect();
    assert_eq!(set, [PortId(id(1))].into());
}

fn rule_number(group: u8, remote: u32) -> u128 {
    u128::from(group) << 32 | u128::from(remote)
}
