//! The API of the daemon as a client finds it: bad requests are refused by name and change
//! nothing, good ones can be repeated, lists page, and reflection and health answer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "api/checks.rs"]
mod checks;
#[path = "api/security_groups.rs"]
mod security_groups;
#[path = "api/serving.rs"]
mod serving;

use std::fmt::Debug;

use prost_types::FieldMask;
use proto::v1 as pb;
use proto::v1::network::Type;
use tests::{Api, Daemon, allowed, fixed, refusal};
use tonic::Code::{
    Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted,
};
use tonic::{Code, Status};

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
