use std::net::IpAddr;

use openflow::MacAddr;

use super::*;
use crate::model::AllowedAddressPair;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

fn at(subnet: Option<u8>, address: &str) -> FixedIpRequest {
    let subnet = subnet.map(|subnet| SubnetId(id(subnet)));
    FixedIpRequest { subnet, ip: Some(address).filter(|a| !a.is_empty()).map(ip) }
}

fn pair(prefix: &str, mac: Option<MacAddr>) -> AllowedAddressPair {
    AllowedAddressPair { prefix: prefix.parse().unwrap(), mac }
}

fn create(world: &mut World, request: CreatePort) -> Result<(), Rejection> {
    world.run(|context| create_port(context, request)).map(drop)
}

#[track_caller]
fn check(change: impl FnOnce(&mut CreatePort), expected: &str) {
    let mut world = World::with_subnets();
    create(&mut world, CreatePort { mac: Some(mac(1)), ..port_request(1) }).unwrap();
    let mut request = port_request(9);
    change(&mut request);
    expect(create(&mut world, request), expected);
}

fn addresses(world: &World, port: u8) -> Vec<String> {
    world.port(port).fixed_ips.iter().map(|fixed| fixed.ip.to_string()).collect()
}

#[test]
fn macs_are_of_stations_and_unique_on_the_network() {
    check(|request| request.mac = Some(mac(2)), "ok");
    check(
        |request| request.mac = Some(mac(1)),
        "already exists: mac_address: 02:00:00:00:00:01 is taken by port #1",
    );
    check(
        |request| request.mac = Some(MacAddr::BROADCAST),
        "invalid argument: \
         mac_address: ff:ff:ff:ff:ff:ff is multicast: expected a unicast address",
    );
    check(
        |request| request.mac = Some(MacAddr::ZERO),
        "invalid argument: mac_address: 00:00:00:00:00:00 is no station's address",
    );
}

#[test]
fn a_generated_mac_is_the_key_or_the_next_that_is_free() {
    let mut world = World::with_network();
    let taken = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 2]);
    create(&mut world, CreatePort { mac: Some(taken), ..port_request(1) }).unwrap();
    create(&mut world, port_request(2)).unwrap();
    assert_eq!(world.port(2).meta.key.get(), 2);
    assert_eq!(world.port(2).mac.to_string(), "fa:16:3e:00:00:03");
    create(&mut world, port_request(3)).unwrap();
    assert_eq!(world.port(3).mac.to_string(), "fa:16:3e:00:00:04");
    let update = UpdatePort { mac: Some(None), ..port_update(3) };
    world.run(|context| update_port(context, update)).unwrap();
    assert_eq!(world.port(3).mac.to_string(), "fa:16:3e:00:00:04", "it would be 3, but for port 2");
}

#[test]
fn addresses_are_chosen_from_the_first_subnet_of_each_family_with_a_free_one() {
    let mut world = World::with_network();
    create(&mut world, port_request(1)).unwrap();
    assert!(addresses(&world, 1).is_empty(), "the network has no subnet yet");
    for (number, cidr) in [(9, "10.0.0.0/30"), (1, "10.0.1.0/30"), (5, "2001:db8::/64")] {
        world.run(|context| create_subnet(context, subnet_request(number, cidr))).unwrap();
    }
    for number in [2, 3] {
        create(&mut world, port_request(number)).unwrap();
    }
    assert_eq!(addresses(&world, 2), ["10.0.0.2", "2001:db8::2"]);
    assert_eq!(addresses(&world, 3), ["10.0.1.2", "2001:db8::3"]);
    expect(
        create(&mut world, port_request(4)),
        "exhausted: subnet/#9: no address is free in the allocation pools of subnet \
         #9 (10.0.0.0/30), #1 (10.0.1.0/30)",
    );
    world.run(|context| delete_port(context, PortId(id(2)), None)).unwrap();
    create(&mut world, port_request(4)).unwrap();
    assert_eq!(addresses(&world, 4), ["10.0.0.2", "2001:db8::2"]);
}

#[test]
fn addresses_can_be_asked_for() {
    let mut world = World::with_subnets();
    let fixed_ips = vec![
        at(Some(1), ""),
        at(None, "10.0.0.2"),
        at(None, "2001:db8::7"),
        at(Some(1), "10.0.0.1"),
        at(Some(1), ""),
    ];
    create(&mut world, CreatePort { fixed_ips, ..port_request(9) }).unwrap();
    assert_eq!(
        addresses(&world, 9),
        ["10.0.0.3", "10.0.0.2", "2001:db8::7", "10.0.0.1", "10.0.0.4"],
        "also the gateway's, which is never chosen"
    );
}

#[test]
fn addresses_are_of_subnets_of_the_network_and_free() {
    let ips = |fixed_ips: Vec<FixedIpRequest>, expected: &str| {
        check(|request| request.fixed_ips = fixed_ips, expected);
    };
    ips(
        vec![at(None, ""), at(None, "10.9.0.1")],
        "invalid argument: fixed_ips[0]: is empty: expected a subnet, an address or both; \
         fixed_ips[1].ip_address: 10.9.0.1: no subnet of network #1 contains it",
    );
    ips(vec![at(Some(77), "")], "fixed_ips[0].subnet_id: subnet #77 not found");
    ips(
        vec![
            at(Some(1), "10.0.1.5"),
            at(Some(1), "10.0.0.0"),
            at(None, "10.0.0.255"),
            at(Some(1), "2001:db8::5"),
            at(None, "2001:db8::"),
        ],
        "invalid argument: \
         fixed_ips[0].ip_address: 10.0.1.5: expected 10.0.0.1 to 10.0.0.254; \
         fixed_ips[1].ip_address: 10.0.0.0: expected 10.0.0.1 to 10.0.0.254; \
         fixed_ips[2].ip_address: 10.0.0.255: expected 10.0.0.1 to 10.0.0.254; \
         fixed_ips[3].ip_address: 2001:db8::5: expected 10.0.0.1 to 10.0.0.254; \
         fixed_ips[4].ip_address: 2001:db8::: expected 2001:db8::1 to \
         2001:db8::ffff:ffff:ffff:ffff",
    );
    ips(
        vec![at(None, "10.0.0.9"), at(Some(1), "10.0.0.9")],
        "invalid argument: fixed_ips[1].ip_address: 10.0.0.9 is there twice",
    );
    ips(
        vec![at(Some(1), ""), at(None, "10.0.0.2")],
        "already exists: fixed_ips[1].ip_address: 10.0.0.2 is taken by port #1",
    );
    ips(
        vec![at(Some(1), ""); 65],
        "invalid argument: fixed_ips: 65 addresses: expected at most 64",
    );
    let mut world = World::with_subnets();
    world.run(|context| create_network(context, network_request(2))).unwrap();
    let request = CreatePort {
        network: NetworkId(id(2)),
        fixed_ips: vec![at(Some(1), "")],
        ..port_request(9)
    };
    expect(
        create(&mut world, request),
        "invalid argument: fixed_ips[0].subnet_id: #1 is a subnet of network #1: expected #2",
    );
}

#[test]
fn address_pairs_are_prefixes_and_macs_of_stations() {
    check(
        |request| {
            request.allowed_address_pairs =
                vec![pair("0.0.0.0/0", None), pair("10.0.0.9/32", Some(mac(7)))];
        },
        "ok",
    );
    check(
        |request| {
            request.allowed_address_pairs = vec![
                pair("10.0.0.9/24", Some(MacAddr::BROADCAST)),
                pair("::/0", None),
                pair("::/0", None),
            ];
        },
        "invalid argument: \
         allowed_address_pairs[0].ip_prefix: 10.0.0.9/24 has host bits: expected 10.0.0.0/24; \
         allowed_address_pairs[0].mac_address: ff:ff:ff:ff:ff:ff is multicast: expected a \
         unicast address; \
         allowed_address_pairs[2]: is there twice",
    );
    check(
        |request| request.allowed_address_pairs = vec![pair("::/0", None); 257],
        "invalid argument: allowed_address_pairs: 257 pairs: expected at most 256",
    );
    check(
        |request| {
            request.allowed_address_pairs = vec![pair("::/0", None)];
            request.port_security = Some(false);
        },
        "invalid argument: allowed_address_pairs: without port security every address is \
         allowed: expected none",
    );
}

#[test]
fn network_and_project_must_exist() {
    check(|request| request.network = NetworkId(id(77)), "network_id: network #77 not found");
    check(|request| request.project = Some(ProjectId(id(77))), "project_id: project #77 not found");
}

#[test]
fn port_security_is_the_networks_unless_said() {
    let mut world = World::with_network();
    create(&mut world, port_request(1)).unwrap();
    let update = UpdateNetwork { port_security: Some(Some(false)), ..network_update(1) };
    world.run(|context| update_network(context, update)).unwrap();
    create(&mut world, port_request(2)).unwrap();
    create(&mut world, CreatePort { port_security: Some(true), ..port_request(3) }).unwrap();
    let on = [1, 2, 3].map(|number| world.port(number).port_security);
    assert_eq!(on, [true, false, true]);
}

#[test]
fn a_repeated_request_answers_the_port_unless_it_differs() {
    let mut world = World::with_subnets();
    create(&mut world, port_request(1)).unwrap();
    world.bind(1, Some(1));
    let before = world.revision;
    expect(create(&mut world, port_request(1)), "ok");
    let fixed_ips = vec![at(Some(1), ""), at(None, "2001:db8::2")];
    let said = CreatePort {
        fixed_ips,
        mac: Some("fa:16:3e:00:00:01".parse().unwrap()),
        admin_up: Some(true),
        project: Some(ProjectId(id(1))),
        ..port_request(1)
    };
    expect(create(&mut world, said), "ok");
    assert_eq!(world.revision, before);
    let other = [
        CreatePort { mac: Some(mac(9)), ..port_request(1) },
        CreatePort { admin_up: Some(false), ..port_request(1) },
        CreatePort { fixed_ips: vec![at(Some(1), "")], ..port_request(1) },
        CreatePort { requested_host: "host-1".into(), ..port_request(1) },
        CreatePort { allowed_address_pairs: vec![pair("::/0", None)], ..port_request(1) },
    ];
    for request in other {
        expect(
            create(&mut world, request),
            "already exists: id: port #1 exists and differs from what is asked",
        );
    }
}

#[test]
fn updates_change_what_they_name() {
    let mut world = World::with_subnets();
    for number in [1, 2] {
        create(&mut world, port_request(number)).unwrap();
    }
    let etag = world.port(1).etag();
    world.bind(1, Some(1));
    let mut update = |change: &dyn Fn(&mut UpdatePort), expected| {
        let mut update = port_update(1);
        change(&mut update);
        let result = world.run(|context| update_port(context, update));
        expect(result, expected);
        addresses(&world, 1)
    };
    update(&|update| update.etag = Some(etag.clone()), "ok");
    let kept = update(&|u| u.fixed_ips = Some(vec![at(Some(2), ""), at(Some(1), "")]), "ok");
    assert_eq!(kept, ["2001:db8::2", "10.0.0.2"], "what it has of a subnet it keeps");
    let more = update(&|u| u.fixed_ips = Some(vec![at(Some(1), ""), at(Some(1), "")]), "ok");
    assert_eq!(more, ["10.0.0.2", "10.0.0.4"]);
    update(
        &|u| u.fixed_ips = Some(vec![at(None, "10.0.0.3")]),
        "already exists: fixed_ips[0].ip_address: 10.0.0.3 is taken by port #2",
    );
    assert!(update(&|u| u.fixed_ips = Some(vec![]), "ok").is_empty());
    update(
        &|u| u.mac = Some(Some("fa:16:3e:00:00:02".parse().unwrap())),
        "already exists: mac_address: fa:16:3e:00:00:02 is taken by port #2",
    );
    update(&|u| u.allowed_address_pairs = Some(vec![pair("10.0.0.9/32", None)]), "ok");
    update(
        &|u| u.port_security = Some(Some(false)),
        "invalid argument: allowed_address_pairs: without port security every address is \
         allowed: expected none",
    );
    update(
        &|u| {
            u.port_security = Some(Some(false));
            u.allowed_address_pairs = Some(vec![]);
        },
        "ok",
    );
    update(&|u| u.port_security = Some(None), "ok");
    update(&|u| u.admin_up = Some(Some(false)), "ok");
    update(
        &|u| {
            u.project = Some(ProjectId(id(2)));
            u.network = Some(NetworkId(id(2)));
        },
        "invalid argument: project_id: cannot change; network_id: cannot change",
    );
    assert!(!world.port(1).admin_up && world.port(1).port_security);
    assert_eq!(world.port(1).bound_host, Some(HostId(id(1))));
    let late = UpdatePort { etag: Some(etag), ..port_update(1) };
    let late = world.run(|context| update_port(context, late));
    assert!(matches!(late, Err(Rejection::Aborted { .. })), "{late:?}");
}

#[test]
fn a_port_is_bound_to_no_host_but_the_one_it_requests() {
    let mut world = World::with_network();
    create(&mut world, port_request(1)).unwrap();
    world.bind(1, Some(1));
    let mut request = |host: &str| {
        let requested_host = Some(host.to_owned());
        let update = UpdatePort { requested_host, ..port_update(1) };
        let port = world.run(|context| update_port(context, update)).unwrap();
        (port.requested_host.clone(), port.bound_host)
    };
    let host = HostId(id(1));
    assert_eq!(request(&id(1).to_string()), (Some("host-1".into()), Some(host)));
    assert_eq!(request(""), (None, Some(host)));
    assert_eq!(request("not-there-yet"), (Some("not-there-yet".into()), None));
}

#[test]
fn a_bound_port_can_be_deleted() {
    let mut world = World::with_subnets();
    create(&mut world, port_request(1)).unwrap();
    world.bind(1, Some(1));
    let delete = |context: &Context<'_>| delete_port(context, PortId(id(1)), None);
    expect(world.run(delete), "ok");
    expect(world.run(delete), "port #1 not found");
}
