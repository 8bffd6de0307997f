use super::*;

#[test]
fn targets_are_an_address_and_a_port() {
    for good in ["tcp:192.0.2.1:6640", "tcp:[2001:db8::1]:6640"] {
        assert_eq!(parse_ovsdb_target(good).map(|a| format!("tcp:{a}")), Ok(good.to_owned()));
    }
    for bad in [
        "",
        "192.0.2.1:6640",
        "ssl:192.0.2.1:6640",
        "tcp:host:6640",
        "tcp:192.0.2.1",
        "tcp:192.0.2.1:0",
        "tcp:0.0.0.0:6640",
        "tcp:192.0.2.1:66400",
        "tcp:2001:db8::1:6640",
    ] {
        let error = parse_ovsdb_target(bad).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{bad:?}: expected tcp:IP:PORT")));
    }
}

#[test]
fn names_and_targets_are_unique() {
    let mut world = World::new();
    let same_name = CreateHost { naming: naming("host-1"), ..host_request(2) };
    expect(
        world.run(|context| create_host(context, same_name)),
        "already exists: name: host-1 is taken by host #1",
    );
    let target = host_request(1).ovsdb_target;
    let same_target = CreateHost { ovsdb_target: target, ..host_request(2) };
    expect(
        world.run(|context| create_host(context, same_target)),
        "already exists: ovsdb_target: tcp:192.0.2.1:6640 is taken by host #1",
    );
    let empty = CreateHost { naming: naming(""), ovsdb_target: None, ..host_request(2) };
    expect(
        world.run(|context| create_host(context, empty)),
        "invalid argument: name: is required; \
         ovsdb_target: is required: a host that dials in needs not be added",
    );
    expect(world.run(|context| create_host(context, host_request(2))), "ok");
    let update = UpdateHost { naming: renamed("host-1"), ..host_update(2) };
    expect(
        world.run(|context| update_host(context, update)),
        "already exists: name: host-1 is taken by host #1",
    );
    let update = UpdateHost { ovsdb_target: Some(target), ..host_update(2) };
    expect(
        world.run(|context| update_host(context, update)),
        "already exists: ovsdb_target: tcp:192.0.2.1:6640 is taken by host #1",
    );
    let update = UpdateHost { ovsdb_target: Some(None), ..host_update(2) };
    expect(
        world.run(|context| update_host(context, update)),
        "invalid argument: ovsdb_target: is required for a host that has not dialed in",
    );
}

#[test]
fn a_repeated_request_is_harmless_also_after_the_host_reported() {
    let mut world = World::new();
    let before = world.host(1).etag();
    let mut reported = world.host(1).clone();
    reported.system_id = Some("a-system".into());
    world.model.apply(&Change::Put(Resource::Host(reported.into())));
    assert_eq!(world.host(1).etag(), before);
    expect(world.run(|context| create_host(context, host_request(1))), "ok");
    let other = CreateHost { ovsdb_target: host_request(3).ovsdb_target, ..host_request(1) };
    expect(
        world.run(|context| create_host(context, other)),
        "already exists: id: host #1 exists and differs from what is asked",
    );
}

#[test]
fn ports_follow_the_host_that_they_request_to_its_new_name() {
    let mut world = World::with_network();
    for (number, requested) in [(1, "host-1"), (2, "elsewhere")] {
        let requested_host = requested.to_owned();
        let request = CreatePort { requested_host, ..port_request(number) };
        world.run(|context| create_port(context, request)).unwrap();
    }
    let update = UpdateHost { naming: renamed("renamed"), ..host_update(1) };
    world.run(|context| update_host(context, update)).unwrap();
    assert_eq!(world.port(1).requested_host.as_deref(), Some("renamed"));
    assert_eq!(world.port(1).meta.revision, world.revision);
    assert_eq!(world.port(2).requested_host.as_deref(), Some("elsewhere"));
}

#[test]
fn a_host_with_ports_stays() {
    let mut world = World::with_network();
    world.run(|context| create_port(context, port_request(1))).unwrap();
    world.bind(1, Some(1));
    let delete = |context: &Context<'_>| delete_host(context, HostId(id(1)), None);
    expect(world.run(delete), "failed precondition: host #1 is in use by port #1");
    world.bind(1, None);
    expect(world.run(delete), "ok");
    expect(world.run(delete), "host #1 not found");
}
