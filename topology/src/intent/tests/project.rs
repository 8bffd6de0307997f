use super::*;

#[track_caller]
fn check(naming: Naming, expected: &str) {
    let request = CreateProject { id: ProjectId(id(9)), naming };
    expect(World::new().run(|context| create_project(context, request)), expected);
}

#[test]
fn names_and_labels_have_limits() {
    let named = |name: &str| naming(name);
    let labelled = |name: &str, value: &str| Naming {
        labels: BTreeMap::from([(name.to_owned(), value.to_owned())]),
        ..Naming::default()
    };
    check(named(""), "ok");
    check(named(&"ü".repeat(127)), "ok");
    check(named(&"ü".repeat(128)), "invalid argument: name: 256 bytes: expected at most 255");
    check(named("a\nb"), r#"invalid argument: name: "a\nb" has control characters"#);
    check(Naming { description: "two\n\tlines".into(), ..Naming::default() }, "ok");
    check(
        Naming { description: "x".repeat(4097), ..Naming::default() },
        "invalid argument: description: 4097 bytes: expected at most 4096",
    );
    check(labelled("tier", ""), "ok");
    check(labelled("", "x"), "invalid argument: labels: a label has an empty name");
    check(
        labelled(&"n".repeat(64), &"v".repeat(256)),
        &format!(
            "invalid argument: labels: 64 bytes: expected at most 63; \
             labels[\"{}\"]: 256 bytes: expected at most 255",
            "n".repeat(64)
        ),
    );
    let labels = (0..65).map(|n| (n.to_string(), String::new())).collect();
    check(
        Naming { labels, ..Naming::default() },
        "invalid argument: labels: 65 labels: expected at most 64",
    );
}

#[test]
fn the_same_request_again_is_harmless_and_another_is_not() {
    let mut world = World::new();
    let first = world.run(|context| create_project(context, project_request(9))).unwrap();
    let again = world.plan(|context| create_project(context, project_request(9))).unwrap();
    assert_eq!((again.changes.len(), &again.answer), (0, &first));
    let other = CreateProject { naming: naming("other"), ..project_request(9) };
    expect(
        world.run(|context| create_project(context, other)),
        "already exists: id: project #9 exists and differs from what is asked",
    );
}

#[test]
fn keys_count_up_and_are_not_used_again_at_once() {
    let mut world = World::new();
    let first = world.run(|context| create_project(context, project_request(9))).unwrap();
    world.run(|context| delete_project(context, first.id, None)).unwrap();
    let second = world.run(|context| create_project(context, project_request(10))).unwrap();
    assert_eq!(second.meta.key, first.meta.key.next());
}

#[test]
fn an_update_is_for_the_version_that_the_client_has_seen() {
    let mut world = World::new();
    let id = ProjectId(id(1));
    let seen = world.model.project(id).unwrap().etag();
    let update = |name: &str, etag: &str| UpdateProject {
        id,
        etag: Some(etag.to_owned()),
        naming: renamed(name),
    };
    let before = world.revision;
    expect(world.run(|context| update_project(context, update("project", &seen))), "ok");
    assert_eq!(world.revision, before, "it has that name already");
    expect(world.run(|context| update_project(context, update("new", &seen))), "ok");
    let meta = &world.model.project(id).unwrap().meta;
    assert_eq!((meta.revision, meta.updated), (world.revision, Timestamp(world.revision)));
    let late = world.run(|context| update_project(context, update("newer", &seen)));
    assert!(matches!(late, Err(Rejection::Aborted { .. })), "{late:?}");
    let late = world.run(|context| delete_project(context, id, Some(&seen)));
    assert!(matches!(late, Err(Rejection::Aborted { .. })), "{late:?}");
}

#[test]
fn a_project_with_resources_stays() {
    let mut world = World::with_subnets();
    let delete =
        |number| move |context: &Context<'_>| delete_project(context, ProjectId(id(number)), None);
    expect(
        world.run(delete(1)),
        "failed precondition: project #1 is in use by network #1, subnet #1, subnet #2",
    );
    expect(world.run(delete(2)), "ok");
    expect(world.run(delete(2)), "project #2 not found");
}
