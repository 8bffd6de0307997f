//! Whatever is asked in whatever order, the model stays sound.

mod policy;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use openflow::MacAddr;
use proptest::prelude::*;

use super::*;
use crate::intent::layout::stations;
use crate::key::Kind;
use crate::model::{AddressRange, AllowedAddressPair};

/// Requests about few things, so that they meet.
#[derive(Clone, Debug)]
enum Request {
    Network {
        number: u8,
        segment: u8,
        id: u32,
        project: u8,
        shared: bool,
    },
    Subnet {
        number: u8,
        network: u8,
        cidr: u8,
        gateway: u8,
        pool: Option<(u8, u8)>,
    },
    Port {
        number: u8,
        network: u8,
        project: u8,
        mac: Option<u8>,
        ips: Vec<(Option<u8>, Option<u8>)>,
        secure: bool,
    },
    MoveSubnet {
        number: u8,
        gateway: u8,
        pool: Option<(u8, u8)>,
    },
    MovePort {
        number: u8,
        mac: Option<u8>,
        ips: Vec<(Option<u8>, Option<u8>)>,
    },
    Bind {
        number: u8,
        host: bool,
    },
    Unshare {
        number: u8,
    },
    DeleteNetwork(u8),
    DeleteSubnet(u8),
    DeletePort(u8),
    Policy(policy::Request),
}

fn request() -> impl Strategy<Value = Request> {
    let network = (0..4_u8, 0..4_u8, 0..4_u32, 1..4_u8, any::<bool>());
    let subnet = (0..6_u8, 0..4_u8, 0..6_u8, 0..10_u8, pool());
    let port = (0..16_u8, 0..4_u8, 1..4_u8, prop::option::of(0..8_u8), ips(), any::<bool>());
    prop_oneof![
        2 => network.prop_map(|(number, segment, id, project, shared)| {
            Request::Network { number, segment, id, project, shared }
        }),
        2 => subnet.prop_map(|(number, network, cidr, gateway, pool)| {
            Request::Subnet { number, network, cidr, gateway, pool }
        }),
        6 => port.prop_map(|(number, network, project, mac, ips, secure)| {
            Request::Port { number, network, project, mac, ips, secure }
        }),
        1 => (0..6_u8, 0..10_u8, pool())
            .prop_map(|(number, gateway, pool)| Request::MoveSubnet { number, gateway, pool }),
        2 => (0..16_u8, prop::option::of(0..8_u8), ips())
            .prop_map(|(number, mac, ips)| Request::MovePort { number, mac, ips }),
        1 => (0..16_u8, any::<bool>()).prop_map(|(number, host)| Request::Bind { number, host }),
        1 => (0..4_u8).prop_map(|number| Request::Unshare { number }),
        1 => (0..4_u8).prop_map(Request::DeleteNetwork),
        1 => (0..6_u8).prop_map(Request::DeleteSubnet),
        1 => (0..16_u8).prop_map(Request::DeletePort),
        8 => policy::request().prop_map(Request::Policy),
    ]
}

fn pool() -> impl Strategy<Value = Option<(u8, u8)>> {
    prop::option::of((0..10_u8, 0..10_u8))
}

fn ips() -> impl Strategy<Value = Vec<(Option<u8>, Option<u8>)>> {
    prop::collection::vec((prop::option::of(0..6_u8), prop::option::of(0..10_u8)), 0..3)
}

fn ip(last: u8) -> IpAddr {
    if last < 5 {
        [10, 0, 0, last].into()
    } else {
        [0x2001_u16, 0xdb8, 0, 0, 0, 0, 0, u16::from(last - 5)].into()
    }
}

fn cidr(number: u8) -> IpNet {
    let cidrs = ["10.0.0.0/29", "10.0.0.0/30", "10.0.0.4/31", "2001:db8::/64", "2001:db8::/126"];
    cidrs.get(usize::from(number)).unwrap_or(&"127.0.0.0/8").parse().unwrap()
}

fn mac(number: u8) -> MacAddr {
    // Those that are generated for the first ports, too, and one that is of no station.
    if number == 7 {
        MacAddr::BROADCAST
    } else {
        MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, number + 1])
    }
}

fn gateway(number: u8) -> Gateway {
    match number {
        8 => Gateway::First,
        9 => Gateway::Absent,
        number => Gateway::At(ip(number)),
    }
}

fn pools(pool: Option<(u8, u8)>) -> Vec<AddressRange> {
    pool.iter().map(|&(start, end)| AddressRange { start: ip(start), end: ip(end) }).collect()
}

fn fixed(ips: Vec<(Option<u8>, Option<u8>)>) -> Vec<FixedIpRequest> {
    let fixed = |(subnet, address): (Option<u8>, Option<u8>)| FixedIpRequest {
        subnet: subnet.map(|subnet| SubnetId(id(subnet))),
        ip: address.map(ip),
    };
    ips.into_iter().map(fixed).collect()
}

fn ask(world: &mut World, request: Request) -> Result<(), Rejection> {
    match request {
        Request::Network { number, segment, id: segmentation_id, project, shared } => {
            let (network_type, physical_network) = match segment {
                0 => (NetworkType::Flat, "external"),
                1 => (NetworkType::Vlan, "external"),
                _ => (NetworkType::Vxlan, ""),
            };
            let segment = SegmentRequest {
                network_type: Some(network_type),
                physical_network: physical_network.to_owned(),
                segmentation_id,
            };
            let project = ProjectId(id(project));
            let request = CreateNetwork { segment, project, shared, ..network_request(number) };
            world.run(|context| create_network(context, request)).map(drop)
        }
        Request::Subnet { number, network, cidr: prefix, gateway: at, pool } => {
            let request = CreateSubnet {
                network: NetworkId(id(network)),
                gateway: gateway(at),
                allocation_pools: pools(pool),
                ..subnet_request(number, &cidr(prefix).to_string())
            };
            world.run(|context| create_subnet(context, request)).map(drop)
        }
        Request::Port { number, network, project, mac: address, ips, secure } => {
            let pairs = vec![AllowedAddressPair { prefix: cidr(0), mac: None }];
            let pairs = if secure { pairs } else { vec![] };
            let request = CreatePort {
                network: NetworkId(id(network)),
                project: Some(ProjectId(id(project))).filter(|_| project < 3),
                mac: address.map(mac),
                fixed_ips: fixed(ips),
                allowed_address_pairs: pairs,
                port_security: Some(secure),
                ..port_request(number)
            };
            world.run(|context| create_port(context, request)).map(drop)
        }
        Request::MoveSubnet { number, gateway: at, pool } => {
            let request = UpdateSubnet {
                gateway: Some(gateway(at)),
                allocation_pools: Some(pools(pool)),
                ..subnet_update(number)
            };
            world.run(|context| update_subnet(context, request)).map(drop)
        }
        Request::MovePort { number, mac: address, ips } => {
            let request = UpdatePort {
                mac: Some(address.map(mac)),
                fixed_ips: Some(fixed(ips)),
                ..port_update(number)
            };
            world.run(|context| update_port(context, request)).map(drop)
        }
        Request::Bind { number, host } => {
            if world.model.port(PortId(id(number))).is_some() {
                world.bind(number, host.then_some(1));
            }
            Ok(())
        }
        Request::Unshare { number } => {
            let request = UpdateNetwork { shared: Some(false), ..network_update(number) };
            world.run(|context| update_network(context, request)).map(drop)
        }
        Request::DeleteNetwork(number) => {
            world.run(|context| delete_network(context, NetworkId(id(number)), None))
        }
        Request::DeleteSubnet(number) => {
            world.run(|context| delete_subnet(context, SubnetId(id(number)), None))
        }
        Request::DeletePort(number) => {
            world.run(|context| delete_port(context, PortId(id(number)), None))
        }
        Request::Policy(request) => policy::ask(world, request),
    }
}

/// True the first time that a value is seen.
fn is_new<T: Ord>(seen: &mut BTreeSet<T>, value: T) -> bool {
    seen.insert(value)
}

fn check_model(model: &Model) {
    let mut keys = BTreeSet::new();
    let mut segments = BTreeSet::new();
    for network in model.networks().values() {
        assert!(is_new(&mut keys, (Kind::Network, network.meta.key)));
        assert!(is_new(&mut segments, format!("{:?}", network.segment)), "{network:?}");
        assert!(model.project(network.project).is_some());
    }
    for subnet in model.subnets().values() {
        assert!(is_new(&mut keys, (Kind::Subnet, subnet.meta.key)));
        assert_eq!(subnet.project, model.network(subnet.network).unwrap().project);
        for other in model.subnets_of(subnet.network).filter(|other| other.id != subnet.id) {
            assert!(!subnet.cidr.contains(&other.cidr), "{subnet:?} {other:?}");
        }
        for pool in &subnet.allocation_pools {
            let all = stations(subnet.cidr);
            assert!(all.contains(pool.start) && all.contains(pool.end), "{subnet:?}");
            assert!(pool.start <= pool.end, "{subnet:?}");
            assert!(!subnet.gateway.is_some_and(|gateway| pool.contains(gateway)), "{subnet:?}");
        }
        let pools = &subnet.allocation_pools;
        assert!(pools.windows(2).all(|pair| pair[0].end < pair[1].start), "{subnet:?}");
    }
    let (mut macs, mut ips) = (BTreeSet::new(), BTreeSet::new());
    for port in model.ports().values() {
        assert!(is_new(&mut keys, (Kind::Port, port.meta.key)));
        assert!(is_new(&mut macs, (port.network, port.mac.octets())), "{port:?}");
        assert!(!port.mac.is_multicast());
        let network = model.network(port.network).unwrap();
        assert!(port.project == network.project || network.shared, "{port:?}");
        for fixed in &port.fixed_ips {
            assert!(is_new(&mut ips, (fixed.subnet, fixed.ip)), "{port:?}");
            let subnet = model.subnet(fixed.subnet).unwrap();
            assert_eq!(subnet.network, port.network);
            assert!(stations(subnet.cidr).contains(fixed.ip), "{port:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_requests_leave_the_model_sound(requests in prop::collection::vec(request(), 1..60)) {
        let mut world = World::new();
        for request in requests {
            let before = in_model(&world);
            let refused = ask(&mut world, request).is_err();
            if refused {
                prop_assert_eq!(&before, &in_model(&world));
            }
            check_model(&world.model);
            policy::check(&world.model);
        }
    }
}

/// The requests above are not so wild that all are refused.
#[test]
fn most_requests_have_a_chance() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut world = World::new();
    let (mut accepted, mut most_ports, mut most_profiles) = (0, 0, 0);
    for _ in 0..2000 {
        let request = request().new_tree(&mut runner).unwrap().current();
        accepted += u32::from(ask(&mut world, request).is_ok());
        most_ports = most_ports.max(world.model.ports().len());
        most_profiles = most_profiles.max(world.model.profiles().len());
    }
    assert!(accepted > 400, "{accepted} of 2000");
    assert!(most_ports >= 4, "{most_ports}");
    assert!(most_profiles >= 3, "{most_profiles}");
}
