//! The API of the daemon as a client finds it: bad requests are refused by name and change
//! nothing, good ones can be repeated, lists page, and reflection and health answer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "api/security_groups.rs"]
mod security_groups;

use std::fmt::Debug;

use prost::Message as _;
use prost_types::{FieldMask, FileDescriptorProto};
use proto::v1 as pb;
use proto::v1::network::Type;
use tests::{Api, Daemon, allowed, fixed, refusal};
use tonic::Code::{
    Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted,
};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

/// No resource has this id.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// A daemon with a project, a VXLAN network (VNI 7), a subnet 10.0.0.0/29 and a port of it.
struct World {
    api: Api,
    project: pb::Project,
    network: pb::Network,
    subnet: pb::Subnet,
    port: pb::Port,
    _daemon: Daemon,
}

/// Everything there is, for comparing.
#[derive(Debug, PartialEq)]
struct Everything {
    projects: Vec<pb::Project>,
    networks: Vec<pb::Network>,
    subnets: Vec<pb::Subnet>,
    ports: Vec<pb::Port>,
    security_groups: Vec<pb::SecurityGroup>,
    address_groups: Vec<pb::AddressGroup>,
    hosts: Vec<pb::Host>,
}

impl Everything {
    fn of(api: &Api) -> Self {
        Self {
            projects: api.list_projects(Default::default()).unwrap().projects,
            networks: api.list_networks(Default::default()).unwrap().networks,
            subnets: api.list_subnets(Default::default()).unwrap().subnets,
            ports: api.list_ports(Default::default()).unwrap().ports,
            security_groups: api.list_security_groups(Default::default()).unwrap().security_groups,
            address_groups: api.list_address_groups(Default::default()).unwrap().address_groups,
            hosts: api.list_hosts(Default::default()).unwrap().hosts,
        }
    }
}

impl World {
    fn new(args: &[&str]) -> Self {
        let daemon = Daemon::start(args).unwrap();
        let api = daemon.api().unwrap();
        let project = pb::Project { name: "acme".to_owned(), ..Default::default() };
        let project =
            api.create_project(pb::CreateProjectRequest { project: Some(project) }).unwrap();
        let network = pb::Network { segmentation_id: 7, ..vxlan(&project.id) };
        let network = create_network(&api, network).unwrap();
        let subnet = create_subnet(&api, subnet(&network.id, "10.0.0.0/29")).unwrap();
        let port = create_port(&api, port(&network.id)).unwrap();
        Self { api, project, network, subnet, port, _daemon: daemon }
    }

    fn everything(&self) -> Everything {
        Everything::of(&self.api)
    }

    /// Claims that `request` is refused with `code`, that the details name `subject` (nothing
    /// when empty) and the text `says` why, and that nothing has changed.
    #[track_caller]
    fn refuses<T: Debug>(
        &self,
        request: impl FnOnce(&Api) -> Result<T, Status>,
        code: Code,
        subject: &str,
        says: &str,
    ) {
        let before = self.everything();
        let refusal = refusal(request(&self.api));
        assert_eq!(refusal.code, code, "{refusal:?}");
        let subjects: Vec<_> = [subject].into_iter().filter(|it| !it.is_empty()).collect();
        assert_eq!(refusal.subjects, subjects, "{refusal:?}");
        assert!(refusal.text.contains(says), "{refusal:?} should say {says:?}");
        assert_eq!(self.everything(), before, "a refused request changes nothing");
    }

    #[track_caller]
    fn refuses_network(&self, network: pb::Network, code: Code, subject: &str, says: &str) {
        self.refuses(|api| create_network(api, network), code, subject, says);
    }

    #[track_caller]
    fn refuses_subnet(&self, subnet: pb::Subnet, code: Code, subject: &str, says: &str) {
        self.refuses(|api| create_subnet(api, subnet), code, subject, says);
    }

    #[track_caller]
    fn refuses_port(&self, port: pb::Port, code: Code, subject: &str, says: &str) {
        self.refuses(|api| create_port(api, port), code, subject, says);
    }

    fn own_vxlan(&self) -> pb::Network {
        vxlan(&self.project.id)
    }

    fn own_subnet(&self, cidr: &str) -> pb::Subnet {
        subnet(&self.network.id, cidr)
    }

    fn own_port(&self) -> pb::Port {
        port(&self.network.id)
    }
}

fn vxlan(project_id: &str) -> pb::Network {
    let mut network = pb::Network { project_id: project_id.to_owned(), ..Default::default() };
    network.set_type(Type::Vxlan);
    network
}

fn provider(project_id: &str, kind: Type, segmentation_id: u32) -> pb::Network {
    let physical_network = "external".to_owned();
    let mut network = pb::Network { physical_network, segmentation_id, ..vxlan(project_id) };
    network.set_type(kind);
    network
}

fn subnet(network_id: &str, cidr: &str) -> pb::Subnet {
    pb::Subnet { network_id: network_id.to_owned(), cidr: cidr.to_owned(), ..Default::default() }
}

fn port(network_id: &str) -> pb::Port {
    pb::Port { network_id: network_id.to_owned(), ..Default::default() }
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() })
}

fn create_network(api: &Api, network: pb::Network) -> Result<pb::Network, Status> {
    api.create_network(pb::CreateNetworkRequest { network: Some(network) })
}

fn create_subnet(api: &Api, subnet: pb::Subnet) -> Result<pb::Subnet, Status> {
    api.create_subnet(pb::CreateSubnetRequest { subnet: Some(subnet) })
}

fn create_port(api: &Api, port: pb::Port) -> Result<pb::Port, Status> {
    api.create_port(pb::CreatePortRequest { port: Some(port), ..Default::default() })
}

fn update_port(api: &Api, port: pb::Port, paths: &[&str]) -> Result<pb::Port, Status> {
    api.update_port(pb::UpdatePortRequest { port: Some(port), update_mask: mask(paths) })
}

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

#[test]
fn requests_can_be_repeated_and_races_are_told() {
    let world = World::new(&[]);
    // The same again is the same port; another with its id is refused.
    let id = uuid::Uuid::new_v4().to_string();
    let request = pb::Port { id, name: "web".to_owned(), ..world.own_port() };
    let made = create_port(&world.api, request.clone()).unwrap();
    let everything = world.everything();
    assert_eq!(create_port(&world.api, request.clone()).unwrap(), made);
    assert_eq!(world.everything(), everything);
    let other = pb::Port { name: "db".to_owned(), ..request };
    world.refuses_port(other, AlreadyExists, "port.id", &made.id);

    // An update by who has seen the latest; then the same by who has not.
    let rename = |name: &str, etag: &str| pb::Port {
        id: made.id.clone(),
        name: name.to_owned(),
        etag: etag.to_owned(),
        ..Default::default()
    };
    let renamed = update_port(&world.api, rename("web-1", &made.etag), &["name"]).unwrap();
    assert_eq!((renamed.name.as_str(), renamed.revision > made.revision), ("web-1", true));
    let late = rename("web-2", &made.etag);
    world.refuses(|api| update_port(api, late, &["name"]), Aborted, "", &made.etag);
    let delete = pb::DeletePortRequest { id: made.id.clone(), etag: made.etag.clone() };
    world.refuses(|api| api.delete_port(delete), Aborted, "", &made.etag);

    // Masks that name no field of a port, or one that cannot change.
    for path in ["colour", "key", "status", "mac_adress"] {
        let request = rename("web-3", "");
        let masked = |api: &Api| update_port(api, request, &[path]);
        world.refuses(masked, InvalidArgument, "update_mask", path);
    }
    let elsewhere = pb::Port { network_id: NOBODY.to_owned(), ..rename("", "") };
    let moved = |api: &Api| update_port(api, elsewhere, &["network_id"]);
    world.refuses(moved, InvalidArgument, "port.network_id", "cannot change");
}

#[test]
fn lists_page_and_filter() {
    let world = World::new(&[]);
    let wide = create_subnet(&world.api, world.own_subnet("10.1.0.0/16")).unwrap();
    let mut made = vec![world.port.id.clone()];
    for number in 1..25 {
        let fixed_ip = pb::port::FixedIp { subnet_id: wide.id.clone(), ..Default::default() };
        let port = pb::Port { fixed_ips: vec![fixed_ip], ..world.own_port() };
        let port = pb::Port { name: format!("port-{}", number % 5), ..port };
        made.push(create_port(&world.api, port).unwrap().id);
    }
    let mut found = Vec::new();
    let mut request = pb::ListPortsRequest { page_size: 7, ..Default::default() };
    let mut sizes = Vec::new();
    loop {
        let page = world.api.list_ports(request.clone()).unwrap();
        sizes.push(page.ports.len());
        found.extend(page.ports.into_iter().map(|port| port.id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!((found, sizes), (made, vec![7, 7, 7, 4]));
    let named = pb::ListPortsRequest { name: "port-3".to_owned(), ..Default::default() };
    assert_eq!(world.api.list_ports(named).unwrap().ports.len(), 5);

    let negative = pb::ListPortsRequest { page_size: -1, ..Default::default() };
    world.refuses(|api| api.list_ports(negative), InvalidArgument, "page_size", "-1");
    let token = pb::ListPortsRequest { page_token: "nonsense".to_owned(), ..Default::default() };
    world.refuses(|api| api.list_ports(token), InvalidArgument, "page_token", "");
    // A token goes with the list that it came from.
    let other = pb::ListPortsRequest { name: "port-1".to_owned(), ..request };
    world.refuses(|api| api.list_ports(other), InvalidArgument, "page_token", "");
}

#[test]
fn messages_larger_than_allowed_are_refused() {
    let world = World::new(&[]);
    let long = pb::Port { description: "x".repeat(4097), ..world.own_port() };
    world.refuses_port(long, InvalidArgument, "port.description", "4097");
    let huge = pb::Port { description: "x".repeat(16 << 20), ..world.own_port() };
    let before = world.everything();
    let refused = refusal(create_port(&world.api, huge));
    assert!(matches!(refused.code, Code::OutOfRange | ResourceExhausted), "{refused:?}");
    assert_eq!(world.everything(), before);
    create_port(&world.api, world.own_port()).unwrap();
}

#[test]
fn health_and_reflection_answer() {
    let world = World::new(&[]);
    for service in ["", "weft.v1.PortService"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let health =
            world.api.call(async |channel| HealthClient::new(channel).check(request).await);
        assert_eq!(health.unwrap().status(), ServingStatus::Serving, "{service:?}");
    }
    let Some(MessageResponse::ListServicesResponse(list)) =
        reflect(&world.api, MessageRequest::ListServices(String::new()))
    else {
        panic!("no list of services");
    };
    let mut services: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    services.retain(|name| name.starts_with("weft."));
    services.sort();
    let kinds = "AddressGroup Change Flow Host Network Port Project SecurityGroup Subnet";
    let expected = kinds.split(' ').map(|kind| format!("weft.v1.{kind}Service"));
    assert_eq!(services, expected.collect::<Vec<_>>());

    let symbol = MessageRequest::FileContainingSymbol("weft.v1.Port".to_owned());
    let Some(MessageResponse::FileDescriptorResponse(files)) = reflect(&world.api, symbol) else {
        panic!("no descriptor");
    };
    let files = files.file_descriptor_proto.iter();
    let files: Vec<_> = files.map(|file| FileDescriptorProto::decode(&file[..]).unwrap()).collect();
    let port = files.iter().flat_map(|file| &file.message_type).find(|it| it.name() == "Port");
    assert!(port.unwrap().field.iter().any(|field| field.name() == "mac_address"));
}

/// Asks the reflection service one question.
fn reflect(api: &Api, question: MessageRequest) -> Option<MessageResponse> {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let answers = api.call(async |channel| {
        let mut client = ServerReflectionClient::new(channel);
        client.server_reflection_info(tokio_stream::once(request)).await
    });
    let mut answers = answers.unwrap();
    let answer: Result<Option<ServerReflectionResponse>, Status> = api.block_on(answers.message());
    answer.unwrap()?.message_response
}
