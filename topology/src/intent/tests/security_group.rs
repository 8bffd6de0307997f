use super::*;
use crate::key::Kind;

fn create(world: &mut World, request: CreateSecurityGroup) -> Result<(), Rejection> {
    world.run(|context| create_security_group(context, request)).map(drop)
}

fn add(world: &mut World, rules: Vec<RuleRequest>) -> Result<(), Rejection> {
    let request = AddRules { id: SecurityGroupId(id(1)), etag: None, rules };
    world.run(|context| add_rules(context, request)).map(drop)
}

fn remove(world: &mut World, rules: &[u8]) -> Result<(), Rejection> {
    let rules = rules.iter().map(|rule| RuleId(id(*rule))).collect();
    let request = RemoveRules { id: SecurityGroupId(id(1)), etag: None, rules };
    world.run(|context| remove_rules(context, request)).map(drop)
}

fn update(
    world: &mut World,
    change: impl FnOnce(&mut UpdateSecurityGroup),
) -> Result<(), Rejection> {
    let mut request = group_update(1);
    change(&mut request);
    world.run(|context| update_security_group(context, request)).map(drop)
}

fn delete(world: &mut World, number: u8) -> Result<(), Rejection> {
    world.run(|context| delete_security_group(context, SecurityGroupId(id(number)), None))
}

fn fresh(request: RuleRequest) -> RuleRequest {
    let (RuleIdRequest::Chosen(id) | RuleIdRequest::Fresh(id)) = request.id;
    RuleRequest { id: RuleIdRequest::Fresh(id), ..request }
}

/// UUIDs and keys of the rules of group 1, the keys counted from the first after those of the
/// two default groups.
fn rules(world: &World) -> Vec<(String, u32)> {
    let rule = |rule: &crate::model::Rule| {
        let number = (0..=u8::MAX).find(|number| id(*number) == rule.id.0).unwrap();
        (format!("#{number}"), rule.key.get() - 8)
    };
    world.group(1).rules.iter().map(rule).collect()
}

#[test]
fn the_same_request_again_is_harmless_and_another_is_not() {
    let mut world = World::new();
    let request = group_request(1, vec![tcp(1, 80), fresh(tcp(2, 443))]);
    expect(create(&mut world, request.clone()), "ok");
    let before = world.revision;
    let again = group_request(1, vec![tcp(1, 80), fresh(tcp(9, 443))]);
    expect(create(&mut world, again), "ok");
    assert_eq!(world.revision, before);
    let other = [
        CreateSecurityGroup { stateful: Some(false), ..request.clone() },
        CreateSecurityGroup { project: ProjectId(id(2)), ..request.clone() },
        CreateSecurityGroup { naming: naming("other"), ..request.clone() },
        group_request(1, vec![tcp(1, 80)]),
        group_request(1, vec![tcp(1, 80), fresh(tcp(2, 444))]),
        group_request(1, vec![tcp(3, 80), fresh(tcp(2, 443))]),
        group_request(1, vec![RuleRequest { log: true, ..tcp(1, 80) }, fresh(tcp(2, 443))]),
    ];
    for request in other {
        expect(
            create(&mut world, request),
            "already exists: id: security group #1 exists and differs from what is asked",
        );
    }
    let request = CreateSecurityGroup { project: ProjectId(id(9)), ..group_request(2, vec![]) };
    expect(create(&mut world, request), "project_id: project #9 not found");
}

#[test]
fn rules_are_added_all_or_none() {
    let mut world = World::new();
    create(&mut world, group_request(1, vec![tcp(1, 80)])).unwrap();
    create(&mut world, group_request(2, vec![tcp(7, 80)])).unwrap();
    expect(add(&mut world, vec![tcp(2, 81), fresh(tcp(3, 82))]), "ok");
    let three = rules(&world);
    assert_eq!(three, [("#1".into(), 1), ("#2".into(), 3), ("#3".into(), 4)]);
    let before = world.revision;
    expect(add(&mut world, vec![tcp(2, 81), tcp(1, 80)]), "ok");
    assert_eq!(world.revision, before, "both are there");
    expect(
        add(&mut world, vec![tcp(4, 83), fresh(tcp(5, 81))]),
        "already exists: rules[1]: rule #2 allows the same",
    );
    let all = RuleRequest { protocol: Some(6), ..rule_request(4) };
    expect(add(&mut world, vec![all.clone()]), "ok");
    let range = RuleRequest {
        port_min: Some(0),
        port_max: Some(65535),
        remote: Remote::Prefix("0.0.0.0/0".parse().unwrap()),
        ..fresh(RuleRequest { ..all })
    };
    expect(add(&mut world, vec![range]), "already exists: rules[0]: rule #4 allows the same");
    for request in [tcp(1, 81), RuleRequest { log: true, ..tcp(1, 80) }, tcp(7, 90)] {
        let (RuleIdRequest::Chosen(id) | RuleIdRequest::Fresh(id)) = request.id;
        expect(
            add(&mut world, vec![request]),
            &describe(&Err::<(), _>(Rejection::AlreadyExists {
                holder: ResourceId::Rule(id),
                field: "rules[0].id".into(),
                description: format!("rule {id} exists and differs from what is asked"),
            })),
        );
    }
    expect(add(&mut world, vec![]), "invalid argument: rules: is required");
    assert_eq!(world.group(1).rules.len(), 4);
}

#[test]
fn rules_are_removed_all_or_none() {
    let mut world = World::new();
    create(&mut world, group_request(1, vec![tcp(1, 80), tcp(2, 81), tcp(3, 82)])).unwrap();
    create(&mut world, group_request(2, vec![tcp(7, 80)])).unwrap();
    expect(remove(&mut world, &[1, 7]), "rule_ids[1]: rule #7 not found");
    expect(remove(&mut world, &[1, 1]), "invalid argument: rule_ids[1]: #1 is there twice");
    expect(remove(&mut world, &[]), "invalid argument: rule_ids: is required");
    expect(remove(&mut world, &[3, 1]), "ok");
    assert_eq!(rules(&world), [("#2".into(), 2)]);
    assert!(world.model.rule(RuleId(id(1))).is_none());
    expect(add(&mut world, vec![tcp(1, 80)]), "ok");
    assert_eq!(rules(&world), [("#2".into(), 2), ("#1".into(), 5)], "a key is not used again");
    let found = world.model.rule_by_key(world.group(1).rules[1].key).unwrap();
    assert_eq!((found.0.id, found.1.id), (SecurityGroupId(id(1)), RuleId(id(1))));
}

#[test]
fn an_update_replaces_the_rules_and_keeps_those_that_are_meant() {
    let mut world = World::new();
    create(&mut world, group_request(1, vec![tcp(1, 80), tcp(2, 81), tcp(3, 82)])).unwrap();
    let replace = |world: &mut World, rules| {
        expect(update(world, |update| update.rules = Some(rules)), "ok");
        self::rules(world)
    };
    let same = vec![fresh(tcp(11, 80)), tcp(2, 81), fresh(tcp(13, 82))];
    let revision = world.revision;
    let kept = replace(&mut world, same);
    assert_eq!(kept, [("#1".into(), 1), ("#2".into(), 2), ("#3".into(), 3)]);
    assert_eq!(world.revision, revision, "nothing has changed");
    // Rule 1 allows another port from now on, so what it allowed is a new rule.
    let moved = replace(&mut world, vec![tcp(1, 90), fresh(tcp(4, 80)), fresh(tcp(9, 81))]);
    assert_eq!(moved, [("#1".into(), 1), ("#4".into(), 4), ("#2".into(), 2)]);
    assert!(replace(&mut world, vec![]).is_empty());
    let more = vec![fresh(tcp(5, 80)), tcp(6, 81)];
    assert_eq!(replace(&mut world, more), [("#5".into(), 5), ("#6".into(), 6)]);
}

#[test]
fn remotes_exist_and_are_of_the_same_project() {
    let mut world = World::new();
    let theirs =
        |number| CreateSecurityGroup { project: ProjectId(id(2)), ..group_request(number, vec![]) };
    create(&mut world, theirs(8)).unwrap();
    let addresses =
        CreateAddressGroup { project: ProjectId(id(2)), ..address_group_request(9, &[]) };
    world.run(|context| create_address_group(context, addresses)).unwrap();
    let group = |rule, remote| RuleRequest {
        remote: Remote::Group(SecurityGroupId(id(remote))),
        ..rule_request(rule)
    };
    let addresses = |rule, remote| RuleRequest {
        remote: Remote::AddressGroup(AddressGroupId(id(remote))),
        ..rule_request(rule)
    };
    let mut check = |rules, expected| {
        expect(create(&mut world, group_request(1, rules)), expected);
    };
    check(
        vec![group(1, 8), addresses(2, 9)],
        "invalid argument: rules[0].remote_group_id: #8 belongs to project #2: expected #1; \
         rules[1].remote_address_group_id: #9 belongs to project #2: expected #1",
    );
    check(vec![group(1, 7)], "rules[0].remote_group_id: security group #7 not found");
    check(vec![addresses(1, 7)], "rules[0].remote_address_group_id: address group #7 not found");
    check(vec![group(1, 1)], "ok");
}

#[test]
fn a_group_in_use_stays() {
    let mut world = World::with_subnets();
    let naming_1 = RuleRequest { remote: Remote::Group(SecurityGroupId(id(1))), ..rule_request(1) };
    create(&mut world, group_request(1, vec![naming_1.clone()])).unwrap();
    let other = RuleRequest { id: RuleIdRequest::Chosen(RuleId(id(2))), ..naming_1 };
    create(&mut world, group_request(2, vec![other])).unwrap();
    let port =
        CreatePort { security_groups: Some(vec![SecurityGroupId(id(1))]), ..port_request(1) };
    world.run(|context| create_port(context, port)).unwrap();
    expect(
        delete(&mut world, 1),
        "failed precondition: security group #1 is in use by port #1, rule #2",
    );
    expect(
        update(&mut world, |update| update.stateful = Some(Some(false))),
        "failed precondition: security group #1 is in use by port #1",
    );
    world.run(|context| delete_port(context, PortId(id(1)), None)).unwrap();
    expect(update(&mut world, |update| update.stateful = Some(Some(false))), "ok");
    expect(delete(&mut world, 2), "ok");
    expect(delete(&mut world, 1), "ok");
    expect(delete(&mut world, 1), "security group #1 not found");
}

#[test]
fn the_name_default_is_taken() {
    let mut world = World::new();
    let taken = "already exists: name: default is the name of the group that project #1 has";
    let named = CreateSecurityGroup { naming: naming("default"), ..group_request(1, vec![]) };
    expect(create(&mut world, named), taken);
    create(&mut world, group_request(1, vec![])).unwrap();
    expect(update(&mut world, |update| update.naming = renamed("default")), taken);
    expect(update(&mut world, |update| update.naming = renamed("web")), "ok");
    expect(
        update(&mut world, |update| update.project = Some(ProjectId(id(2)))),
        "invalid argument: project_id: cannot change",
    );
}

#[test]
fn a_request_is_for_the_version_that_the_client_has_seen() {
    let mut world = World::new();
    create(&mut world, group_request(1, vec![tcp(1, 80)])).unwrap();
    let etag = Some(world.group(1).etag());
    add(&mut world, vec![tcp(2, 81)]).unwrap();
    let (id, rules) = (SecurityGroupId(id(1)), vec![tcp(3, 82)]);
    let late = AddRules { id, etag: etag.clone(), rules };
    let late = world.run(|context| add_rules(context, late));
    assert!(matches!(late, Err(Rejection::Aborted { .. })), "{late:?}");
    let rules = vec![RuleId(self::id(1))];
    let late = RemoveRules { id, etag: etag.clone(), rules };
    let late = world.run(|context| remove_rules(context, late));
    assert!(matches!(late, Err(Rejection::Aborted { .. })), "{late:?}");
    let late = UpdateSecurityGroup { etag, ..group_update(1) };
    let late = world.run(|context| update_security_group(context, late));
    assert!(matches!(late, Err(Rejection::Aborted { .. })), "{late:?}");
}

#[test]
fn a_group_has_at_most_a_thousand_rules() {
    let mut world = World::new();
    let many = |range: std::ops::Range<u32>| -> Vec<_> {
        let rule = |port: u32| {
            let id = RuleId(Uuid::from_u128(u128::from(port)));
            RuleRequest { id: RuleIdRequest::Fresh(id), ..tcp(0, port) }
        };
        range.map(rule).collect()
    };
    expect(
        create(&mut world, group_request(1, many(0..1001))),
        "invalid argument: rules: 1001 rules: expected at most 1000",
    );
    expect(create(&mut world, group_request(1, many(0..1000))), "ok");
    expect(
        add(&mut world, many(1000..1001)),
        "exhausted: security_group/#1: security group #1 would have 1001 rules of 1000",
    );
    let next = world.model.free_key(Kind::Rule).unwrap();
    assert_eq!(next.get(), 1009);
}
