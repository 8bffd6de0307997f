//! Networks, subnets and ports that cannot be are refused by name.

use super::*;

#[test]
fn ids_that_are_unknown_or_none_are_named() {
    let world = World::new(&[]);
    let id = || NOBODY.to_owned();
    world.refuses(|api| api.get_project(pb::GetProjectRequest { id: id() }), NotFound, "", NOBODY);
    world.refuses(|api| api.get_network(pb::GetNetworkRequest { id: id() }), NotFound, "", NOBODY);
    world.refuses(|api| api.get_subnet(pb::GetSubnetRequest { id: id() }), NotFound, "", NOBODY);
    world.refuses(|api| api.get_port(pb::GetPortRequest { id: id() }), NotFound, "", NOBODY);
    world.refuses(|api| api.get_host(pb::GetHostRequest { id: id() }), NotFound, "", NOBODY);
    let delete = pb::DeletePortRequest { id: id(), etag: String::new() };
    world.refuses(|api| api.delete_port(delete), NotFound, "", NOBODY);
    let ghost = pb::Port { id: id(), name: "ghost".to_owned(), ..Default::default() };
    world.refuses(|api| update_port(api, ghost, &["name"]), NotFound, "", NOBODY);

    world.refuses_network(vxlan(NOBODY), NotFound, "network.project_id", NOBODY);
    world.refuses_subnet(subnet(NOBODY, "10.1.0.0/24"), NotFound, "subnet.network_id", NOBODY);
    world.refuses_port(port(NOBODY), NotFound, "port.network_id", NOBODY);
    let fixed_ip = pb::port::FixedIp { subnet_id: id(), ip_address: String::new() };
    let stray = pb::Port { fixed_ips: vec![fixed_ip], ..world.own_port() };
    world.refuses_port(stray, NotFound, "port.fixed_ips[0].subnet_id", NOBODY);

    let malformed = pb::GetPortRequest { id: "port-1".to_owned() };
    world.refuses(|api| api.get_port(malformed), InvalidArgument, "id", "port-1");
    let named = pb::Port { id: "port-1".to_owned(), ..world.own_port() };
    world.refuses_port(named, InvalidArgument, "port.id", "port-1");
    let nothing = refusal(world.api.create_port(pb::CreatePortRequest::default()));
    assert_eq!((nothing.code, nothing.subjects[0].as_str()), (InvalidArgument, "port"));
}

#[test]
fn segments_are_checked_and_run_out() {
    let world = World::new(&["--vni-range", "100-101"]);
    let project = &world.project.id;
    let vni = |segmentation_id| pb::Network { segmentation_id, ..world.own_vxlan() };
    let id = "network.segmentation_id";
    world.refuses_network(vni(16_777_216), InvalidArgument, id, "16777216");
    world.refuses_network(vni(7), AlreadyExists, id, "VNI 7 is taken");
    for vlan in [4095, 70_000] {
        let network = provider(project, Type::Vlan, vlan);
        world.refuses_network(network, InvalidArgument, id, &vlan.to_string());
    }
    world.refuses_network(provider(project, Type::Flat, 5), InvalidArgument, id, "FLAT");
    let mapped = "physical_network/external";
    for (kind, vlan) in [(Type::Vlan, 5), (Type::Vlan, 0), (Type::Flat, 0)] {
        let network = provider(project, kind, vlan);
        world.refuses_network(network, FailedPrecondition, mapped, "no host maps");
    }
    let physical = "network.physical_network";
    let nowhere =
        pb::Network { physical_network: String::new(), ..provider(project, Type::Vlan, 5) };
    world.refuses_network(nowhere, InvalidArgument, physical, "required");
    let somewhere = pb::Network { physical_network: "external".to_owned(), ..world.own_vxlan() };
    world.refuses_network(somewhere, InvalidArgument, physical, "VXLAN");
    let mut typeless = world.own_vxlan();
    typeless.r#type = 0;
    world.refuses_network(typeless, InvalidArgument, "network.type", "FLAT, VLAN or VXLAN");
    for mtu in [67, 1451, 70_000] {
        let network = pb::Network { mtu, ..world.own_vxlan() };
        world.refuses_network(network, InvalidArgument, "network.mtu", &mtu.to_string());
    }
    // The range has two.
    let two = [(); 2].map(|()| create_network(&world.api, world.own_vxlan()).unwrap());
    let mut vnis = two.map(|network| network.segmentation_id);
    vnis.sort_unstable();
    assert_eq!(vnis, [100, 101]);
    world.refuses_network(world.own_vxlan(), ResourceExhausted, "vnis", "100 to 101");
}

#[test]
fn subnets_are_checked() {
    let world = World::new(&[]);
    let existing = format!("subnet/{}", world.subnet.id);
    for cidr in ["10.0.0.0/29", "10.0.0.0/16", "10.0.0.4/30"] {
        world.refuses_subnet(world.own_subnet(cidr), FailedPrecondition, &existing, "overlaps");
    }
    let wrong = [
        "",
        "10.0.1.0",
        "10.0.1.0/33",
        "10.0.1.1/24",
        "10.0.0.256/24",
        "nonsense/24",
        "127.0.0.0/8",
        "224.0.0.0/8",
        "169.254.0.0/16",
        "0.0.0.0/8",
        "fe80::/64",
        "ff00::/32",
        "10.0.0.0/7",
        "fd00::/31",
        "fd00::1/64",
    ];
    for cidr in wrong {
        world.refuses_subnet(world.own_subnet(cidr), InvalidArgument, "subnet.cidr", cidr);
    }
    let gateway = |gateway_ip: &str| pb::Subnet {
        gateway_ip: gateway_ip.to_owned(),
        ..world.own_subnet("10.0.1.0/24")
    };
    for outside in ["10.0.2.1", "10.0.1.0", "10.0.1.255", "fd00::1", "nonsense"] {
        let subnet = gateway(outside);
        world.refuses_subnet(subnet, InvalidArgument, "subnet.gateway_ip", outside);
    }
    let pool = |start: &str, end: &str| {
        let (start, end) = (start.to_owned(), end.to_owned());
        let allocation_pools = vec![pb::subnet::AllocationPool { start, end }];
        pb::Subnet { allocation_pools, ..world.own_subnet("10.0.1.0/24") }
    };
    for (start, end) in
        [("10.0.1.9", "10.0.1.8"), ("10.0.1.9", "10.0.2.8"), ("10.0.1.1", "10.0.1.9")]
    {
        let before = world.everything();
        let refusal = refusal(create_subnet(&world.api, pool(start, end)));
        assert_eq!(refusal.code, InvalidArgument, "{refusal:?}");
        assert!(refusal.subjects[0].starts_with("subnet.allocation_pools[0]"), "{refusal:?}");
        assert_eq!(world.everything(), before);
    }
}

#[test]
fn ports_are_checked_and_addresses_run_out() {
    let world = World::new(&[]);
    let with_ip = |address: &str| pb::Port { fixed_ips: vec![fixed(address)], ..world.own_port() };
    let ip = "port.fixed_ips[0].ip_address";
    for address in ["10.0.0.9", "192.0.2.1", "fd00::1", "10.0.0.0", "10.0.0.7", "nonsense"] {
        world.refuses_port(with_ip(address), InvalidArgument, ip, address);
    }
    let taken = &world.port.fixed_ips[0].ip_address;
    world.refuses_port(with_ip(taken), AlreadyExists, ip, taken);

    let with_mac = |mac: &str| pb::Port { mac_address: mac.to_owned(), ..world.own_port() };
    let field = "port.mac_address";
    for mac in [
        "nonsense",
        "fa:16:3e:00:00",
        "01:00:5e:00:00:01",
        "ff:ff:ff:ff:ff:ff",
        "00:00:00:00:00:00",
    ] {
        world.refuses_port(with_mac(mac), InvalidArgument, field, mac);
    }
    let taken = &world.port.mac_address;
    world.refuses_port(with_mac(taken), AlreadyExists, field, taken);

    let with_pair = |prefix: &str, mac: &str| pb::Port {
        allowed_address_pairs: vec![allowed(prefix, mac)],
        ..world.own_port()
    };
    let field = "port.allowed_address_pairs[0]";
    let prefix = format!("{field}.ip_prefix");
    for wrong in ["", "nonsense", "10.0.0.1/33", "10.0.0.1/24"] {
        world.refuses_port(with_pair(wrong, ""), InvalidArgument, &prefix, wrong);
    }
    let mac = format!("{field}.mac_address");
    world.refuses_port(with_pair("10.0.0.3", "nonsense"), InvalidArgument, &mac, "nonsense");

    // 10.0.0.0/29 has six stations; one is the gateway and one is taken.
    for _ in 0..4 {
        create_port(&world.api, world.own_port()).unwrap();
    }
    let subnet = format!("subnet/{}", world.subnet.id);
    world.refuses_port(world.own_port(), ResourceExhausted, &subnet, "10.0.0.0/29");
    let delete = pb::DeletePortRequest { id: world.port.id.clone(), etag: String::new() };
    world.api.delete_port(delete).unwrap();
    create_port(&world.api, world.own_port()).unwrap();
}

#[test]
fn what_is_in_use_stays() {
    let world = World::new(&[]);
    let project = pb::DeleteProjectRequest { id: world.project.id.clone(), etag: String::new() };
    let subject = format!("project/{}", world.project.id);
    let user = world.network.id.as_str();
    world.refuses(|api| api.delete_project(project), FailedPrecondition, &subject, user);
    let network = pb::DeleteNetworkRequest { id: world.network.id.clone(), etag: String::new() };
    let subject = format!("network/{}", world.network.id);
    let user = world.port.id.as_str();
    world.refuses(|api| api.delete_network(network), FailedPrecondition, &subject, user);
    let subnet = pb::DeleteSubnetRequest { id: world.subnet.id.clone(), etag: String::new() };
    let subject = format!("subnet/{}", world.subnet.id);
    world.refuses(|api| api.delete_subnet(subnet), FailedPrecondition, &subject, user);
}

fn provider(project_id: &str, kind: Type, segmentation_id: u32) -> pb::Network {
    let physical_network = "external".to_owned();
    let mut network = pb::Network { physical_network, segmentation_id, ..vxlan(project_id) };
    network.set_type(kind);
    network
}
