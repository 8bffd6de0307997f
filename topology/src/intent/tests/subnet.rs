use super::*;
use crate::model::{AddressRange, HostRoute};

fn range(start: &str, end: &str) -> AddressRange {
    AddressRange { start: start.parse().unwrap(), end: end.parse().unwrap() }
}

fn create(world: &mut World, request: CreateSubnet) -> Result<(), Rejection> {
    world.run(|context| create_subnet(context, request)).map(drop)
}

#[track_caller]
fn check_cidr(cidr: &str, expected: &str) {
    expect(create(&mut World::with_network(), subnet_request(9, cidr)), expected);
}

#[track_caller]
fn check(cidr: &str, change: impl FnOnce(&mut CreateSubnet), expected: &str) {
    let mut request = subnet_request(9, cidr);
    change(&mut request);
    expect(create(&mut World::with_network(), request), expected);
}

/// Gateway and pools that the server chooses.
#[track_caller]
fn check_layout(cidr: &str, gateway: Gateway, expected: &str) {
    let mut world = World::with_network();
    create(&mut world, CreateSubnet { gateway, ..subnet_request(9, cidr) }).unwrap();
    let subnet = world.subnet(9);
    let gateway = subnet.gateway.map_or("none".to_owned(), |gateway| gateway.to_string());
    let pools = subnet.allocation_pools.iter().map(|p| format!(" {}-{}", p.start, p.end));
    assert_eq!(gateway + &pools.collect::<String>(), expected);
}

#[test]
fn prefixes_that_stations_can_have() {
    check_cidr("10.0.0.0/8", "ok");
    check_cidr("192.0.2.7/32", "ok");
    check_cidr("2001:db8::/32", "ok");
    check_cidr("fd00::/64", "ok");
    check_cidr(
        "10.0.0.5/24",
        "invalid argument: cidr: 10.0.0.5/24 has host bits: expected 10.0.0.0/24",
    );
    check_cidr("0.0.0.0/0", "invalid argument: cidr: 0.0.0.0/0: expected /8 to /32");
    check_cidr("2000::/16", "invalid argument: cidr: 2000::/16: expected /32 to /128");
    check_cidr("::1/128", "invalid argument: cidr: ::1/128 overlaps ::1/128: loopback");
    for (cidr, reserved) in [
        ("0.0.0.0/8", "0.0.0.0/8: unspecified"),
        ("127.0.0.0/24", "127.0.0.0/8: loopback"),
        ("169.254.1.0/24", "169.254.0.0/16: link-local"),
        ("169.0.0.0/8", "169.254.0.0/16: link-local"),
        ("239.1.0.0/16", "224.0.0.0/4: multicast"),
        ("255.255.255.0/24", "240.0.0.0/4: reserved"),
        ("fe80::/64", "fe80::/10: link-local"),
        ("ff02::/64", "ff00::/8: multicast"),
        ("::ffff:10.0.0.0/112", "::ffff:0.0.0.0/96: IPv4-mapped"),
    ] {
        let cidr: ipnet::IpNet = cidr.parse().unwrap();
        check_cidr(
            &cidr.to_string(),
            &format!("invalid argument: cidr: {cidr} overlaps {reserved}"),
        );
    }
}

#[test]
fn subnets_of_a_network_do_not_overlap() {
    let mut world = World::with_subnets();
    for cidr in ["10.0.0.0/24", "10.0.0.128/25", "10.0.0.0/16"] {
        expect(
            create(&mut world, subnet_request(9, cidr)),
            &format!("failed precondition: {cidr} overlaps 10.0.0.0/24 of subnet #1"),
        );
    }
    expect(create(&mut world, subnet_request(9, "10.0.1.0/24")), "ok");
    world.run(|context| create_network(context, network_request(2))).unwrap();
    let elsewhere = CreateSubnet { network: NetworkId(id(2)), ..subnet_request(10, "10.0.0.0/24") };
    expect(create(&mut world, elsewhere), "ok");
}

#[test]
fn the_gateway_is_the_first_address_and_the_pools_are_the_rest() {
    let at = |ip: &str| Gateway::At(ip.parse().unwrap());
    check_layout("10.0.0.0/24", Gateway::First, "10.0.0.1 10.0.0.2-10.0.0.254");
    check_layout("10.0.0.0/24", Gateway::Absent, "none 10.0.0.1-10.0.0.254");
    check_layout("10.0.0.0/24", at("10.0.0.9"), "10.0.0.9 10.0.0.1-10.0.0.8 10.0.0.10-10.0.0.254");
    check_layout("10.0.0.0/24", at("10.0.0.254"), "10.0.0.254 10.0.0.1-10.0.0.253");
    check_layout("10.0.0.0/30", Gateway::First, "10.0.0.1 10.0.0.2-10.0.0.2");
    check_layout("10.0.0.0/31", Gateway::First, "10.0.0.0 10.0.0.1-10.0.0.1");
    check_layout("10.0.0.0/32", Gateway::First, "none 10.0.0.0-10.0.0.0");
    check_layout("10.0.0.0/32", at("10.0.0.0"), "10.0.0.0");
    check_layout(
        "2001:db8::/64",
        Gateway::First,
        "2001:db8::1 2001:db8::2-2001:db8::ffff:ffff:ffff:ffff",
    );
    check_layout("2001:db8::/127", Gateway::First, "2001:db8:: 2001:db8::1-2001:db8::1");
    check_layout("2001:db8::/128", Gateway::First, "none 2001:db8::-2001:db8::");
}

#[test]
fn gateways_are_stations_of_the_subnet() {
    for wrong in ["10.0.0.0", "10.0.0.255", "10.0.1.1", "2001:db8::1"] {
        check(
            "10.0.0.0/24",
            |request| request.gateway = Gateway::At(wrong.parse().unwrap()),
            &format!("invalid argument: gateway_ip: {wrong}: expected 10.0.0.1 to 10.0.0.254"),
        );
    }
}

#[test]
fn pools_are_of_the_subnet_and_disjoint() {
    let pools = |pools: &[(&str, &str)], expected| {
        let pools = pools.iter().map(|(start, end)| range(start, end)).collect();
        check("10.0.0.0/24", |request| request.allocation_pools = pools, expected);
    };
    pools(&[("10.0.0.100", "10.0.0.120"), ("10.0.0.2", "10.0.0.99")], "ok");
    pools(
        &[("10.0.0.2", "10.0.0.255")],
        "invalid argument: allocation_pools[0].end: 10.0.0.255: expected 10.0.0.1 to 10.0.0.254",
    );
    pools(
        &[("2001:db8::1", "10.0.0.9")],
        "invalid argument: \
         allocation_pools[0].start: 2001:db8::1: expected 10.0.0.1 to 10.0.0.254; \
         allocation_pools[0]: 2001:db8::1 is above 10.0.0.9",
    );
    pools(
        &[("10.0.0.9", "10.0.0.5")],
        "invalid argument: allocation_pools[0]: 10.0.0.9 is above 10.0.0.5",
    );
    pools(
        &[("10.0.0.1", "10.0.0.5")],
        "invalid argument: \
         allocation_pools[0]: 10.0.0.1 to 10.0.0.5 contains the gateway 10.0.0.1",
    );
    pools(
        &[("10.0.0.5", "10.0.0.9"), ("10.0.0.9", "10.0.0.20")],
        "invalid argument: \
         allocation_pools[1]: 10.0.0.9 to 10.0.0.20 overlaps 10.0.0.5 to 10.0.0.9",
    );
    check(
        "10.0.0.0/24",
        |request| request.allocation_pools = vec![range("10.0.0.5", "10.0.0.5"); 65],
        "invalid argument: allocation_pools: 65 entries: expected at most 64",
    );
}

#[test]
fn name_servers_and_routes_are_of_the_subnets_family() {
    check(
        "10.0.0.0/24",
        |request| {
            let servers = ["10.0.0.9", "2001:db8::1", "224.0.0.1", "10.0.0.9"];
            request.dns_nameservers = servers.map(|server| server.parse().unwrap()).to_vec();
        },
        "invalid argument: \
         dns_nameservers[1]: 2001:db8::1: expected the family of 10.0.0.0/24; \
         dns_nameservers[2]: 224.0.0.1 is no station's address; \
         dns_nameservers[3]: 10.0.0.9 is there twice",
    );
    let route = |destination: &str, nexthop: &str| HostRoute {
        destination: destination.parse().unwrap(),
        nexthop: nexthop.parse().unwrap(),
    };
    check(
        "10.0.0.0/24",
        |request| {
            request.host_routes = vec![
                route("0.0.0.0/0", "10.0.0.7"),
                route("10.1.0.1/16", "0.0.0.0"),
                route("2001:db8::/64", "2001:db8::1"),
            ];
        },
        "invalid argument: \
         host_routes[1].destination: 10.1.0.1/16 has host bits: expected 10.1.0.0/16; \
         host_routes[1].nexthop: 0.0.0.0 is no router's address; \
         host_routes[2].destination: 2001:db8::/64: expected the family of 10.0.0.0/24; \
         host_routes[2].nexthop: 2001:db8::1: expected the family of 10.0.0.0/24",
    );
}

#[test]
fn network_and_project_must_fit() {
    check(
        "10.0.0.0/24",
        |request| request.network = NetworkId(id(77)),
        "network_id: network #77 not found",
    );
    check(
        "10.0.0.0/24",
        |request| request.project = Some(ProjectId(id(77))),
        "project_id: project #77 not found",
    );
    check(
        "10.0.0.0/24",
        |request| request.project = Some(ProjectId(id(2))),
        "invalid argument: project_id: #2: expected the network's project #1",
    );
    let mut world = World::with_network();
    let update = UpdateNetwork { mtu: Some(Some(1000)), ..network_update(1) };
    world.run(|context| update_network(context, update)).unwrap();
    expect(
        create(&mut world, subnet_request(9, "2001:db8::/64")),
        "failed precondition: the network's MTU is 1000, IPv6 needs 1280",
    );
}

#[test]
fn a_repeated_request_answers_the_subnet_unless_it_differs() {
    let mut world = World::with_subnets();
    let before = world.revision;
    expect(create(&mut world, subnet_request(1, "10.0.0.0/24")), "ok");
    let said = CreateSubnet {
        gateway: Gateway::At("10.0.0.1".parse().unwrap()),
        allocation_pools: vec![range("10.0.0.2", "10.0.0.254")],
        dhcp: Some(true),
        ..subnet_request(1, "10.0.0.0/24")
    };
    expect(create(&mut world, said), "ok");
    assert_eq!(world.revision, before);
    let other = [
        subnet_request(1, "10.0.0.0/25"),
        CreateSubnet { gateway: Gateway::Absent, ..subnet_request(1, "10.0.0.0/24") },
        CreateSubnet { dhcp: Some(false), ..subnet_request(1, "10.0.0.0/24") },
    ];
    for request in other {
        expect(
            create(&mut world, request),
            "already exists: id: subnet #1 exists and differs from what is asked",
        );
    }
}

#[test]
fn updates_keep_the_subnet_whole() {
    let mut world = World::with_subnets();
    world.run(|context| create_port(context, port_request(1))).unwrap();
    let mut check = |change: fn(&mut UpdateSubnet), expected| {
        let mut update = subnet_update(1);
        change(&mut update);
        expect(world.run(|context| update_subnet(context, update)), expected);
    };
    check(
        |update| update.gateway = Some(Gateway::At("10.0.0.9".parse().unwrap())),
        "invalid argument: \
         allocation_pools[0]: 10.0.0.2 to 10.0.0.254 contains the gateway 10.0.0.9",
    );
    check(
        |update| {
            update.gateway = Some(Gateway::At("10.0.0.2".parse().unwrap()));
            update.allocation_pools = Some(vec![]);
        },
        "failed precondition: port #1 has the address 10.0.0.2",
    );
    check(
        |update| {
            update.project = Some(ProjectId(id(2)));
            update.network = Some(NetworkId(id(2)));
            update.cidr = Some("10.0.0.0/25".parse().unwrap());
        },
        "invalid argument: project_id: cannot change; network_id: cannot change; \
         cidr: cannot change",
    );
    check(|update| update.gateway = Some(Gateway::Absent), "ok");
    check(|update| update.gateway = Some(Gateway::First), "ok");
    check(|update| update.allocation_pools = Some(vec![range("10.0.0.50", "10.0.0.60")]), "ok");
    assert_eq!(world.port(1).fixed_ips[0].ip.to_string(), "10.0.0.2");
    let next = world.run(|context| create_port(context, port_request(2))).unwrap();
    assert_eq!(next.fixed_ips[0].ip.to_string(), "10.0.0.50");
}

#[test]
fn a_subnet_with_addresses_in_use_stays() {
    let mut world = World::with_subnets();
    world.run(|context| create_port(context, port_request(1))).unwrap();
    let delete = |context: &Context<'_>| delete_subnet(context, SubnetId(id(1)), None);
    expect(world.run(delete), "failed precondition: subnet #1 is in use by port #1");
    world.run(|context| delete_port(context, PortId(id(1)), None)).unwrap();
    expect(world.run(delete), "ok");
    expect(world.run(delete), "subnet #1 not found");
}
