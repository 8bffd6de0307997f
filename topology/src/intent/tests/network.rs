use super::*;
use crate::model::{Segment, VlanId, Vni};

fn segment(network_type: NetworkType, physical_network: &str, id: u32) -> SegmentRequest {
    let physical_network = physical_network.to_owned();
    SegmentRequest { network_type: Some(network_type), physical_network, segmentation_id: id }
}

fn create(world: &mut World, number: u8, segment: SegmentRequest) -> Result<(), Rejection> {
    let request = CreateNetwork { segment, ..network_request(number) };
    world.run(|context| create_network(context, request)).map(drop)
}

#[track_caller]
fn check(segment: SegmentRequest, expected: &str) {
    expect(create(&mut World::new(), 9, segment), expected);
}

use NetworkType::{Flat, Vlan, Vxlan};

#[test]
fn each_type_has_its_fields() {
    check(segment(Flat, "external", 0), "ok");
    check(segment(Vlan, "external", 4094), "ok");
    check(segment(Vxlan, "", 16_777_215), "ok");
    check(SegmentRequest::default(), "invalid argument: type: is required: FLAT, VLAN or VXLAN");
    check(
        segment(Flat, "", 7),
        "invalid argument: physical_network: is required for FLAT networks; \
         segmentation_id: 7: a FLAT network has no segmentation id",
    );
    check(
        segment(Vlan, "external", 4095),
        "invalid argument: segmentation_id: VLAN 4095 is out of range: expected 1 to 4094",
    );
    check(
        segment(Vxlan, "external", 16_777_216),
        "invalid argument: physical_network: \"external\": a VXLAN network has no physical \
         network; segmentation_id: VNI 16777216 is out of range: expected 1 to 16777215",
    );
    check(
        segment(Flat, "a:b", 0),
        "invalid argument: physical_network: \"a:b\": commas, colons and white space are not \
         allowed",
    );
    check(
        segment(Flat, &"p".repeat(65), 0),
        "invalid argument: physical_network: 65 bytes: expected at most 64",
    );
}

#[test]
fn a_physical_network_must_be_mapped() {
    check(
        segment(Vlan, "nowhere", 0),
        "failed precondition: no host maps physical network nowhere; hosts map external",
    );
    let mut world = World::default();
    world.run(|context| create_project(context, project_request(1))).unwrap();
    expect(
        create(&mut world, 9, segment(Flat, "nowhere", 0)),
        "failed precondition: no host maps physical network nowhere; no host maps any",
    );
}

#[test]
fn segments_are_unique() {
    let mut world = World::new();
    create(&mut world, 10, segment(Flat, "external", 0)).unwrap();
    create(&mut world, 11, segment(Vlan, "external", 100)).unwrap();
    create(&mut world, 12, segment(Vxlan, "", 100)).unwrap();
    expect(
        create(&mut world, 13, segment(Flat, "external", 0)),
        "already exists: physical_network: the FLAT network of external is taken by network #10",
    );
    expect(
        create(&mut world, 13, segment(Vlan, "external", 100)),
        "already exists: segmentation_id: VLAN 100 of external is taken by network #11",
    );
    expect(
        create(&mut world, 13, segment(Vxlan, "", 100)),
        "already exists: segmentation_id: VNI 100 is taken by network #12",
    );
}

#[test]
fn segments_are_chosen_from_the_range_until_it_is_used_up() {
    let mut world = World::new();
    let vlan = |id| VlanId::try_from(id).unwrap();
    let vni = |id| Vni::try_from(id).unwrap();
    world.settings.vlans = vlan(10)..=vlan(12);
    world.settings.vnis = vni(70)..=vni(72);
    create(&mut world, 20, segment(Vlan, "external", 11)).unwrap();
    create(&mut world, 21, segment(Vlan, "external", 0)).unwrap();
    create(&mut world, 22, segment(Vlan, "external", 0)).unwrap();
    let chosen = |number| match world.network(number).segment {
        Segment::Vlan { vlan, .. } => vlan.get(),
        _ => 0,
    };
    assert_eq!((chosen(21), chosen(22)), (10, 12));
    expect(
        create(&mut world, 23, segment(Vlan, "external", 0)),
        "exhausted: vlans/external: VLANs 10 to 12 of external are all in use",
    );

    create(&mut world, 30, segment(Vxlan, "", 71)).unwrap();
    create(&mut world, 31, segment(Vxlan, "", 0)).unwrap();
    create(&mut world, 32, segment(Vxlan, "", 0)).unwrap();
    let mut chosen: Vec<_> = [30, 31, 32]
        .map(|number| match world.network(number).segment {
            Segment::Vxlan { vni } => vni.get(),
            _ => 0,
        })
        .to_vec();
    chosen.sort_unstable();
    assert_eq!(chosen, [70, 71, 72]);
    expect(
        create(&mut world, 33, segment(Vxlan, "", 0)),
        "exhausted: vnis: VNIs 70 to 72 are all in use",
    );
}

#[test]
fn the_mtu_is_what_the_underlay_leaves() {
    let mtu = |world: &mut World, segment, mtu| {
        let request = CreateNetwork { segment, mtu, ..network_request(9) };
        world.run(|context| create_network(context, request)).map(|network| network.mtu)
    };
    let mut ipv6 = World::new();
    ipv6.settings = Settings { underlay_mtu: 9000, underlay_ipv6: true, ..Settings::default() };
    assert_eq!(mtu(&mut World::new(), segment(Vlan, "external", 0), None), Ok(1500));
    assert_eq!(mtu(&mut World::new(), segment(Vxlan, "", 0), None), Ok(1450));
    assert_eq!(mtu(&mut ipv6, segment(Vxlan, "", 0), None), Ok(8930));
    assert_eq!(mtu(&mut World::new(), segment(Vxlan, "", 0), Some(68)), Ok(68));
    for (asked, wrong) in [(67, "67"), (1451, "1451"), (u32::MAX, "4294967295")] {
        expect(
            mtu(&mut World::new(), segment(Vxlan, "", 0), Some(asked)),
            &format!("invalid argument: mtu: {wrong}: expected 68 to 1450"),
        );
    }
    let mut world = World::with_subnets();
    let update = UpdateNetwork { mtu: Some(Some(1279)), ..network_update(1) };
    expect(
        world.run(|context| update_network(context, update)),
        "invalid argument: mtu: 1279: expected 1280 to 1450",
    );
    let update = UpdateNetwork { mtu: Some(Some(1280)), ..network_update(1) };
    assert_eq!(world.run(|context| update_network(context, update)).unwrap().mtu, 1280);
    let update = UpdateNetwork { mtu: Some(None), ..network_update(1) };
    assert_eq!(world.run(|context| update_network(context, update)).unwrap().mtu, 1450);
}

#[test]
fn everything_wrong_is_named_at_once() {
    let request = CreateNetwork {
        naming: naming("\u{7}"),
        segment: segment(Vlan, "", 5000),
        mtu: Some(1),
        ..network_request(9)
    };
    let Err(Rejection::InvalidArgument { violations }) =
        World::new().run(|context| create_network(context, request))
    else {
        panic!("an invalid argument was taken")
    };
    let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["name", "physical_network", "segmentation_id", "mtu"]);
}

#[test]
fn the_project_must_exist() {
    let request = CreateNetwork { project: ProjectId(id(77)), ..network_request(9) };
    expect(
        World::new().run(|context| create_network(context, request)),
        "project_id: project #77 not found",
    );
}

#[test]
fn a_repeated_request_answers_the_network_unless_it_differs() {
    let mut world = World::with_network();
    let same = [
        network_request(1),
        CreateNetwork { mtu: Some(1450), ..network_request(1) },
        CreateNetwork { port_security: Some(true), ..network_request(1) },
        CreateNetwork { segment: segment(Vxlan, "", 1), ..network_request(1) },
    ];
    let before = world.revision;
    for request in same {
        expect(world.run(|context| create_network(context, request)), "ok");
    }
    assert_eq!(world.revision, before);
    let other = [
        CreateNetwork { mtu: Some(1400), ..network_request(1) },
        CreateNetwork { shared: true, ..network_request(1) },
        CreateNetwork { port_security: Some(false), ..network_request(1) },
        CreateNetwork { project: ProjectId(id(2)), ..network_request(1) },
        CreateNetwork { segment: segment(Vxlan, "", 2), ..network_request(1) },
        CreateNetwork { segment: segment(Flat, "external", 0), ..network_request(1) },
    ];
    for request in other {
        expect(
            world.run(|context| create_network(context, request)),
            "already exists: id: network #1 exists and differs from what is asked",
        );
    }
}

#[test]
fn what_carries_a_network_cannot_change() {
    let mut world = World::with_network();
    let update = UpdateNetwork {
        project: Some(ProjectId(id(1))),
        network_type: Some(Some(Vxlan)),
        physical_network: Some(String::new()),
        segmentation_id: Some(1),
        ..network_update(1)
    };
    expect(world.run(|context| update_network(context, update)), "ok");
    let update = UpdateNetwork {
        project: Some(ProjectId(id(2))),
        network_type: Some(Some(Flat)),
        physical_network: Some("external".into()),
        segmentation_id: Some(0),
        ..network_update(1)
    };
    expect(
        world.run(|context| update_network(context, update)),
        "invalid argument: project_id: cannot change; type: cannot change; \
         physical_network: cannot change; segmentation_id: cannot change",
    );
}

#[test]
fn a_network_stays_shared_while_guests_are_on_it() {
    let mut world = World::with_network();
    let share = |shared| UpdateNetwork { shared: Some(shared), ..network_update(1) };
    let guest = || CreatePort { project: Some(ProjectId(id(2))), ..port_request(5) };
    expect(
        world.run(|context| create_port(context, guest())),
        "failed precondition: network #1 belongs to another project and is not shared",
    );
    world.run(|context| update_network(context, share(true))).unwrap();
    world.run(|context| create_port(context, guest())).unwrap();
    expect(
        world.run(|context| update_network(context, share(false))),
        "failed precondition: port #5 belongs to project #2",
    );
    world.run(|context| delete_port(context, PortId(id(5)), None)).unwrap();
    expect(world.run(|context| update_network(context, share(false))), "ok");
}

#[test]
fn a_network_with_ports_or_subnets_stays() {
    let mut world = World::with_subnets();
    for number in 1..=7 {
        world.run(|context| create_port(context, port_request(number))).unwrap();
    }
    let delete = |context: &Context<'_>| delete_network(context, NetworkId(id(1)), None);
    expect(
        world.run(delete),
        "failed precondition: network #1 is in use by port #1, port #2, port #3, port #4, \
         port #5 and 4 more",
    );
    for number in 1..=7 {
        world.run(|context| delete_port(context, PortId(id(number)), None)).unwrap();
    }
    expect(world.run(delete), "failed precondition: network #1 is in use by subnet #1, subnet #2");
    for number in [1, 2] {
        world.run(|context| delete_subnet(context, SubnetId(id(number)), None)).unwrap();
    }
    expect(world.run(delete), "ok");
    assert_eq!(in_model(&world), []);
}
