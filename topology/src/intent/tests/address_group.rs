use super::*;

fn create(world: &mut World, request: CreateAddressGroup) -> Result<(), Rejection> {
    world.run(|context| create_address_group(context, request)).map(drop)
}

#[test]
fn prefixes_are_of_either_family_and_different() {
    let mut world = World::new();
    let mut check = |prefixes: &[&str], expected| {
        expect(create(&mut world, address_group_request(1, prefixes)), expected);
    };
    check(
        &["10.0.0.1/24", "10.1.0.0/16", "10.1.0.0/16", "2001:db8::1/64"],
        "invalid argument: prefixes[0]: 10.0.0.1/24 has host bits: expected 10.0.0.0/24; \
         prefixes[2]: 10.1.0.0/16 is there twice; \
         prefixes[3]: 2001:db8::1/64 has host bits: expected 2001:db8::/64",
    );
    check(&["10.1.0.0/16", "10.1.1.0/24", "2001:db8::1/128"], "ok");
    check(&["2001:db8::1/128", "10.1.1.0/24", "10.1.0.0/16"], "ok");
    check(
        &["10.1.0.0/16"],
        "already exists: id: address group #1 exists and differs from what is asked",
    );
    let mut many = address_group_request(2, &[]);
    many.prefixes =
        (0..10_001_u32).map(|n| std::net::IpAddr::from(n.to_be_bytes()).into()).collect();
    expect(
        create(&mut world, many.clone()),
        "invalid argument: prefixes: 10001 prefixes: expected at most 10000",
    );
    many.prefixes.pop();
    expect(create(&mut world, many), "ok");
    let strange = CreateAddressGroup { project: ProjectId(id(9)), ..address_group_request(3, &[]) };
    expect(create(&mut world, strange), "project_id: project #9 not found");
}

#[test]
fn updates_replace_the_prefixes() {
    let mut world = World::new();
    create(&mut world, address_group_request(1, &["10.1.0.0/16"])).unwrap();
    let etag = world.model.address_group(AddressGroupId(id(1))).unwrap().etag();
    let mut update = |change: &dyn Fn(&mut UpdateAddressGroup)| {
        let mut request = address_group_update(1);
        change(&mut request);
        world.run(|context| update_address_group(context, request))
    };
    let group = update(&|update| update.prefixes = Some(vec!["::/0".parse().unwrap()])).unwrap();
    assert_eq!(group.prefixes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["::/0"]);
    expect(
        update(&|update| update.prefixes = Some(vec!["::1/0".parse().unwrap()])),
        "invalid argument: prefixes[0]: ::1/0 has host bits: expected ::/0",
    );
    expect(
        update(&|update| update.project = Some(ProjectId(id(2)))),
        "invalid argument: project_id: cannot change",
    );
    let late = update(&|update| update.etag = Some(etag.clone()));
    assert!(matches!(late, Err(Rejection::Aborted { .. })), "{late:?}");
}

#[test]
fn one_that_a_rule_names_stays() {
    let mut world = World::new();
    create(&mut world, address_group_request(5, &[])).unwrap();
    let rule =
        RuleRequest { remote: Remote::AddressGroup(AddressGroupId(id(5))), ..rule_request(1) };
    let group = group_request(1, vec![rule]);
    world.run(|context| create_security_group(context, group)).unwrap();
    let delete = |context: &Context<'_>| delete_address_group(context, AddressGroupId(id(5)), None);
    expect(world.run(delete), "failed precondition: address group #5 is in use by rule #1");
    let group = SecurityGroupId(id(1));
    world.run(|context| delete_security_group(context, group, None)).unwrap();
    expect(world.run(delete), "ok");
    expect(world.run(delete), "address group #5 not found");
}
