//! Every rule of the requests, a table for each.

mod address_group;
mod default_group;
mod host;
mod membership;
mod network;
mod port;
mod project;
mod rule;
mod security_group;
mod sequences;
mod subnet;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use uuid::Uuid;

use super::*;
use crate::model::{
    AddressGroupId, Direction, Host, HostId, Network, NetworkId, Port, PortId, ProjectId, Remote,
    Resource, ResourceId, RuleId, SecurityGroup, SecurityGroupId, Subnet, SubnetId,
};

/// A model, and requests to it one after the other.
#[derive(Clone, Default)]
struct World {
    model: Model,
    settings: Settings,
    revision: u64,
}

impl World {
    /// Two projects (1, 2) and a host (1) that maps `external`.
    fn new() -> Self {
        let mut world = Self::default();
        for project in [1, 2] {
            world.run(|context| create_project(context, project_request(project))).unwrap();
        }
        let host = world.run(|context| create_host(context, host_request(1))).unwrap();
        let mut host = Host::clone(&host);
        host.bridge_mappings.insert("external".into(), "br-ex".into());
        world.model.apply(&Change::Put(Resource::Host(host.into())));
        world
    }

    /// One with a VXLAN network (1), of project 1.
    fn with_network() -> Self {
        let mut world = Self::new();
        world.run(|context| create_network(context, network_request(1))).unwrap();
        world
    }

    /// One with subnets 10.0.0.0/24 (1) and 2001:db8::/64 (2) on the network, too.
    fn with_subnets() -> Self {
        let mut world = Self::with_network();
        world.run(|context| create_subnet(context, subnet_request(1, "10.0.0.0/24"))).unwrap();
        world.run(|context| create_subnet(context, subnet_request(2, "2001:db8::/64"))).unwrap();
        world
    }

    /// Plans a request and applies it.
    fn run<T>(
        &mut self,
        request: impl FnOnce(&Context<'_>) -> Result<Plan<T>, Rejection>,
    ) -> Result<T, Rejection> {
        let plan = self.plan(request)?;
        self.revision += u64::from(!plan.changes.is_empty());
        for change in &plan.changes {
            self.model.apply(change);
        }
        Ok(plan.answer)
    }

    fn plan<T>(
        &self,
        request: impl FnOnce(&Context<'_>) -> Result<Plan<T>, Rejection>,
    ) -> Result<Plan<T>, Rejection> {
        let revision = self.revision + 1;
        let (model, settings) = (&self.model, &self.settings);
        request(&Context { model, settings, revision, now: Timestamp(revision) })
    }

    fn network(&self, number: u8) -> &Network {
        self.model.network(NetworkId(id(number))).unwrap()
    }

    fn subnet(&self, number: u8) -> &Subnet {
        self.model.subnet(SubnetId(id(number))).unwrap()
    }

    fn port(&self, number: u8) -> &Port {
        self.model.port(PortId(id(number))).unwrap()
    }

    fn group(&self, number: u8) -> &SecurityGroup {
        self.model.security_group(SecurityGroupId(id(number))).unwrap()
    }

    /// The default group of a project.
    fn default_group(&self, project: u8) -> &SecurityGroup {
        self.model.default_group(ProjectId(id(project))).unwrap()
    }

    fn host(&self, number: u8) -> &Host {
        self.model.host(HostId(id(number))).unwrap()
    }

    /// Binds a port to a host, as the host's report does.
    fn bind(&mut self, port: u8, host: Option<u8>) {
        let mut port = self.port(port).clone();
        port.bound_host = host.map(|host| HostId(id(host)));
        self.model.apply(&Change::Put(Resource::Port(port.into())));
    }
}

/// The name of the code, and the message, with UUIDs as the numbers they were made of and those
/// of default groups as their project's.
fn describe<T>(result: &Result<T, Rejection>) -> String {
    let Err(rejection) = result else { return "ok".to_owned() };
    let code = match rejection {
        Rejection::InvalidArgument { .. } => "",
        Rejection::NotFound { field: Some(field), .. } => &format!("{field}: "),
        Rejection::NotFound { field: None, .. } | Rejection::FailedPrecondition { .. } => "",
        Rejection::AlreadyExists { field, .. } => &format!("already exists: {field}: "),
        Rejection::ResourceExhausted { subject, .. } => &format!("exhausted: {subject}: "),
        Rejection::Aborted { .. } => "aborted: ",
    };
    let mut text = format!("{code}{rejection}");
    for number in 0..=u8::MAX {
        text = text.replace(&id(number).to_string(), &format!("#{number}"));
    }
    for number in [1, 2] {
        let default = Uuid::new_v5(&id(number), b"default").to_string();
        text = text.replace(&default, &format!("#default-{number}"));
    }
    text
}

/// The request is refused for this reason, or `ok`; when refused it changed nothing by its type.
#[track_caller]
fn expect<T>(result: Result<T, Rejection>, expected: &str) {
    assert_eq!(describe(&result), expected);
}

fn id(number: u8) -> Uuid {
    Uuid::from_u128(0x7e57_0000_0000_4000_8000_0000_0000_0000 | u128::from(number))
}

fn naming(name: &str) -> Naming {
    Naming { name: name.to_owned(), description: String::new(), labels: BTreeMap::new() }
}

fn project_request(number: u8) -> CreateProject {
    CreateProject { id: ProjectId(id(number)), naming: naming("project") }
}

fn host_request(number: u8) -> CreateHost {
    CreateHost {
        id: HostId(id(number)),
        naming: naming(&format!("host-{number}")),
        ovsdb_target: Some(SocketAddr::from(([192, 0, 2, number], 6640))),
    }
}

fn network_request(number: u8) -> CreateNetwork {
    CreateNetwork {
        id: NetworkId(id(number)),
        naming: naming("network"),
        project: ProjectId(id(1)),
        segment: SegmentRequest { network_type: Some(NetworkType::Vxlan), ..Default::default() },
        mtu: None,
        shared: false,
        port_security: None,
    }
}

/// On network 1.
fn subnet_request(number: u8, cidr: &str) -> CreateSubnet {
    CreateSubnet {
        id: SubnetId(id(number)),
        naming: naming("subnet"),
        project: None,
        network: NetworkId(id(1)),
        cidr: cidr.parse().unwrap(),
        gateway: Gateway::First,
        allocation_pools: vec![],
        dns_nameservers: vec![],
        host_routes: vec![],
        dhcp: None,
    }
}

/// On network 1.
fn port_request(number: u8) -> CreatePort {
    CreatePort {
        id: PortId(id(number)),
        naming: naming("port"),
        project: None,
        network: NetworkId(id(1)),
        mac: None,
        fixed_ips: vec![],
        allowed_address_pairs: vec![],
        port_security: None,
        security_groups: None,
        admin_up: None,
        requested_host: String::new(),
    }
}

/// Of project 1.
fn group_request(number: u8, rules: Vec<RuleRequest>) -> CreateSecurityGroup {
    CreateSecurityGroup {
        id: SecurityGroupId(id(number)),
        naming: naming("group"),
        project: ProjectId(id(1)),
        stateful: None,
        rules,
    }
}

/// Of project 1.
fn address_group_request(number: u8, prefixes: &[&str]) -> CreateAddressGroup {
    CreateAddressGroup {
        id: AddressGroupId(id(number)),
        naming: naming("addresses"),
        project: ProjectId(id(1)),
        prefixes: prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect(),
    }
}

/// All IPv4 traffic that others begin.
fn rule_request(number: u8) -> RuleRequest {
    RuleRequest {
        id: RuleIdRequest::Chosen(RuleId(id(number))),
        description: String::new(),
        direction: Some(Direction::Ingress),
        ethertype: None,
        protocol: None,
        port_min: None,
        port_max: None,
        icmp_type: None,
        icmp_code: None,
        remote: Remote::Any,
        log: false,
    }
}

/// TCP to one port.
fn tcp(number: u8, port: u32) -> RuleRequest {
    RuleRequest { protocol: Some(6), port_min: Some(port), ..rule_request(number) }
}

fn network_update(number: u8) -> UpdateNetwork {
    UpdateNetwork {
        id: NetworkId(id(number)),
        etag: None,
        naming: NamingUpdate::default(),
        mtu: None,
        shared: None,
        port_security: None,
        project: None,
        network_type: None,
        physical_network: None,
        segmentation_id: None,
    }
}

fn subnet_update(number: u8) -> UpdateSubnet {
    UpdateSubnet {
        id: SubnetId(id(number)),
        etag: None,
        naming: NamingUpdate::default(),
        gateway: None,
        allocation_pools: None,
        dns_nameservers: None,
        host_routes: None,
        dhcp: None,
        project: None,
        network: None,
        cidr: None,
    }
}

fn port_update(number: u8) -> UpdatePort {
    UpdatePort {
        id: PortId(id(number)),
        etag: None,
        naming: NamingUpdate::default(),
        mac: None,
        fixed_ips: None,
        allowed_address_pairs: None,
        port_security: None,
        security_groups: None,
        admin_up: None,
        requested_host: None,
        project: None,
        network: None,
    }
}

fn group_update(number: u8) -> UpdateSecurityGroup {
    UpdateSecurityGroup {
        id: SecurityGroupId(id(number)),
        etag: None,
        naming: NamingUpdate::default(),
        stateful: None,
        rules: None,
        project: None,
    }
}

fn address_group_update(number: u8) -> UpdateAddressGroup {
    UpdateAddressGroup {
        id: AddressGroupId(id(number)),
        etag: None,
        naming: NamingUpdate::default(),
        prefixes: None,
        project: None,
    }
}

fn host_update(number: u8) -> UpdateHost {
    UpdateHost {
        id: HostId(id(number)),
        etag: None,
        naming: NamingUpdate::default(),
        ovsdb_target: None,
    }
}

fn renamed(name: &str) -> NamingUpdate {
    NamingUpdate { name: Some(name.to_owned()), ..NamingUpdate::default() }
}

fn in_model(world: &World) -> Vec<ResourceId> {
    let networks = world.model.networks().keys().map(|&id| ResourceId::Network(id));
    let subnets = world.model.subnets().keys().map(|&id| ResourceId::Subnet(id));
    let ports = world.model.ports().keys().map(|&id| ResourceId::Port(id));
    networks.chain(subnets).chain(ports).collect()
}
