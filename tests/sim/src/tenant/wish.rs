use std::net::Ipv4Addr;

use controller::engine::Step;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use topology::intent::{
    AddRules, Context, CreateAddressGroup, CreateNetwork, CreatePort, CreateProject,
    CreateSecurityGroup, CreateSubnet, FixedIpRequest, Gateway, Naming, NamingUpdate, NetworkType,
    Plan, Rejection, RemoveRules, RuleIdRequest, RuleRequest, SegmentRequest, UpdateAddressGroup,
    UpdatePort, add_rules, create_address_group, create_network, create_port, create_project,
    create_security_group, create_subnet, delete_address_group, delete_network, delete_port,
    delete_security_group, delete_subnet, remove_rules, update_address_group, update_port,
};
use topology::model::{
    AddressGroupId, AllowedAddressPair, Direction, Ethertype, NetworkId, PortId, Remote, Resource,
    ResourceId, RuleId, SecurityGroupId, SubnetId,
};

use super::{Left, Tenant};

/// Something that a tenant asks for.
pub(super) struct Wish {
    pub(super) subject: ResourceId,
    pub(super) plan: Planned,
}

/// What the engine is asked to do.
type Planned = Box<dyn FnOnce(&Context<'_>) -> Result<Plan<Left>, Rejection> + Send>;

impl Wish {
    /// A request after which a resource is as the answer says.
    fn put<T: 'static>(
        subject: ResourceId,
        plan: impl FnOnce(&Context<'_>) -> Result<Plan<T>, Rejection> + Send + 'static,
        resource: fn(T) -> Resource,
    ) -> Self {
        let plan = Box::new(move |context: &Context<'_>| {
            let Plan { changes, answer } = plan(context)?;
            Ok(Plan { changes, answer: Some(resource(answer)) })
        });
        Self { subject, plan }
    }

    /// A request after which a resource is gone.
    fn delete(
        subject: ResourceId,
        plan: impl FnOnce(&Context<'_>) -> Result<Plan<()>, Rejection> + Send + 'static,
    ) -> Self {
        let plan = Box::new(move |context: &Context<'_>| {
            let Plan { changes, answer: () } = plan(context)?;
            Ok(Plan { changes, answer: None })
        });
        Self { subject, plan }
    }
}

/// The deletion of a port, as one of many changes.
pub(super) fn deletion_of(subject: ResourceId) -> Option<Step> {
    let ResourceId::Port(id) = subject else { return None };
    let plan = move |context: &Context<'_>| Ok(delete_port(context, id, None)?.changes);
    Some(Step { subject, plan: Box::new(plan) })
}

impl Tenant {
    pub(super) fn project(&self) -> Wish {
        let id = self.project;
        let naming = Naming { name: format!("tenant-{id}"), ..Naming::default() };
        let request = CreateProject { id, naming };
        let plan = |context: &Context<'_>| create_project(context, request);
        Wish::put(ResourceId::Project(id), plan, Resource::Project)
    }

    /// Anything: what there is little of is rather made, what there is much of rather deleted.
    pub(super) fn wish(&mut self) -> Wish {
        match self.random.below(20) {
            0..2 if self.networks.len() < self.size => self.new_network(),
            2..4 if self.subnets.len() < self.size => self.new_subnet(),
            4..9 if self.ports.len() < 3 * self.size => self.new_port(),
            9..11 if self.groups.len() < self.size => self.new_group(),
            11 if self.address_groups.len() < self.size => self.new_address_group(),
            12..15 => self.other_port().unwrap_or_else(|| self.new_port()),
            15 => self.other_rules().unwrap_or_else(|| self.new_group()),
            16 => self.other_prefixes().unwrap_or_else(|| self.new_address_group()),
            _ => self.deletion().unwrap_or_else(|| self.new_network()),
        }
    }

    fn new_network(&mut self) -> Wish {
        let id = NetworkId(self.random.uuid());
        self.networks.push(id);
        let physical = *self.random.pick(&["external", "storage"]).unwrap_or(&"external");
        let (network_type, physical) = match self.random.below(4) {
            0 => (NetworkType::Flat, physical),
            1 => (NetworkType::Vlan, physical),
            _ => (NetworkType::Vxlan, ""),
        };
        let segment = SegmentRequest {
            network_type: Some(network_type),
            physical_network: physical.into(),
            segmentation_id: 0,
        };
        let port_security = Some(self.random.percent(80));
        let (project, naming) = (self.project, Naming::default());
        let request =
            CreateNetwork { id, naming, project, segment, mtu: None, shared: false, port_security };
        let plan = |context: &Context<'_>| create_network(context, request);
        Wish::put(ResourceId::Network(id), plan, Resource::Network)
    }

    fn new_subnet(&mut self) -> Wish {
        let id = SubnetId(self.random.uuid());
        self.subnets.push(id);
        let network = self.some_network();
        let number = self.random.below(8) as u8;
        let cidr = match self.random.below(3) {
            0 => {
                let address = [0xfd00, 0, 0, u16::from(number), 0, 0, 0, 0].into();
                IpNet::V6(Ipv6Net::new_assert(address, 64))
            }
            _ => IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(10, 0, number, 0), 24)),
        };
        let request = CreateSubnet {
            id,
            naming: Naming::default(),
            project: None,
            network,
            cidr,
            gateway: Gateway::First,
            allocation_pools: Vec::new(),
            dns_nameservers: Vec::new(),
            host_routes: Vec::new(),
            dhcp: None,
        };
        let plan = |context: &Context<'_>| create_subnet(context, request);
        Wish::put(ResourceId::Subnet(id), plan, Resource::Subnet)
    }

    fn new_port(&mut self) -> Wish {
        let id = PortId(self.random.uuid());
        self.ports.push(id);
        let port_security = match self.random.below(10) {
            0 => Some(false),
            1..6 => Some(true),
            _ => None,
        };
        let is_secure = port_security == Some(true);
        let request = CreatePort {
            id,
            naming: Naming::default(),
            project: None,
            network: self.some_network(),
            mac: None,
            fixed_ips: Vec::new(),
            allowed_address_pairs: if is_secure { self.some_pairs() } else { Vec::new() },
            port_security,
            security_groups: (is_secure && self.random.percent(80)).then(|| self.some_groups()),
            admin_up: None,
            requested_host: String::new(),
        };
        let plan = |context: &Context<'_>| create_port(context, request);
        Wish::put(ResourceId::Port(id), plan, Resource::Port)
    }

    /// A port is changed.
    fn other_port(&mut self) -> Option<Wish> {
        let id = *self.random.pick(&self.ports)?;
        let mut request = UpdatePort {
            id,
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
        };
        match self.random.below(6) {
            0 => request.admin_up = Some(Some(self.random.percent(70))),
            1 => request.security_groups = Some(self.some_groups()),
            2 => request.allowed_address_pairs = Some(self.some_pairs()),
            3 => {
                let subnet = self.random.pick(&self.subnets).copied();
                request.fixed_ips = Some(vec![FixedIpRequest { subnet, ip: None }]);
            }
            4 => {
                request.allowed_address_pairs = Some(Vec::new());
                request.port_security = Some(Some(self.random.percent(60)));
            }
            _ => {
                let host = self.random.index(self.hosts.len());
                let asks = self.random.percent(30);
                let name = if asks { format!("host-{host}") } else { String::new() };
                request.requested_host = Some(name);
            }
        }
        let plan = |context: &Context<'_>| update_port(context, request);
        Some(Wish::put(ResourceId::Port(id), plan, Resource::Port))
    }

    fn new_group(&mut self) -> Wish {
        let id = SecurityGroupId(self.random.uuid());
        self.groups.push(id);
        let rules = (0..self.random.below(4)).map(|_| self.rule()).collect();
        let (project, naming) = (self.project, Naming::default());
        let stateful = Some(self.random.percent(90));
        let request = CreateSecurityGroup { id, naming, project, stateful, rules };
        let plan = |context: &Context<'_>| create_security_group(context, request);
        Wish::put(ResourceId::SecurityGroup(id), plan, Resource::SecurityGroup)
    }

    fn other_rules(&mut self) -> Option<Wish> {
        let id = *self.random.pick(&self.groups)?;
        let subject = ResourceId::SecurityGroup(id);
        if self.random.percent(60) {
            let rules = vec![self.rule()];
            let request = AddRules { id, etag: None, rules };
            let plan = |context: &Context<'_>| add_rules(context, request);
            return Some(Wish::put(subject, plan, Resource::SecurityGroup));
        }
        let chosen = self.random.number();
        let plan = move |context: &Context<'_>| {
            let group = context.model.security_group(id);
            let rules: Vec<_> =
                group.map(|group| group.rules.as_slice()).unwrap_or_default().into();
            let rules = match rules.len() {
                0 => Vec::new(),
                count => vec![rules[(chosen % count as u64) as usize].id],
            };
            remove_rules(context, RemoveRules { id, etag: None, rules })
        };
        Some(Wish::put(subject, plan, Resource::SecurityGroup))
    }

    fn rule(&mut self) -> RuleRequest {
        let ethertype = if self.random.percent(70) { Ethertype::Ipv4 } else { Ethertype::Ipv6 };
        let remote = match self.random.below(4) {
            0 => self.random.pick(&self.groups).map_or(Remote::Any, |&group| Remote::Group(group)),
            1 => {
                let group = self.random.pick(&self.address_groups);
                group.map_or(Remote::Any, |&group| Remote::AddressGroup(group))
            }
            _ => Remote::Any,
        };
        let port = self.random.within(1..=9) as u32 * 1000;
        let has_ports = self.random.percent(60);
        RuleRequest {
            id: RuleIdRequest::Fresh(RuleId(self.random.uuid())),
            description: String::new(),
            direction: Some(match self.random.percent(70) {
                true => Direction::Ingress,
                false => Direction::Egress,
            }),
            ethertype: Some(ethertype),
            protocol: has_ports.then_some(6),
            port_min: has_ports.then_some(port),
            port_max: has_ports.then(|| port + self.random.below(20) as u32),
            icmp_type: None,
            icmp_code: None,
            remote,
            log: self.random.percent(20),
        }
    }

    fn new_address_group(&mut self) -> Wish {
        let id = AddressGroupId(self.random.uuid());
        self.address_groups.push(id);
        let (project, naming, prefixes) = (self.project, Naming::default(), self.some_prefixes());
        let request = CreateAddressGroup { id, naming, project, prefixes };
        let plan = |context: &Context<'_>| create_address_group(context, request);
        Wish::put(ResourceId::AddressGroup(id), plan, Resource::AddressGroup)
    }

    fn other_prefixes(&mut self) -> Option<Wish> {
        let id = *self.random.pick(&self.address_groups)?;
        let request = UpdateAddressGroup {
            id,
            etag: None,
            naming: NamingUpdate::default(),
            prefixes: Some(self.some_prefixes()),
            project: None,
        };
        let plan = |context: &Context<'_>| update_address_group(context, request);
        Some(Wish::put(ResourceId::AddressGroup(id), plan, Resource::AddressGroup))
    }

    /// Something goes; what is in use is refused.
    fn deletion(&mut self) -> Option<Wish> {
        match self.random.below(10) {
            0..6 => {
                let place = self.some_place(self.ports.len())?;
                let id = self.ports.swap_remove(place);
                // Its VM goes, too, in most cases: before, after, or never.
                if self.random.percent(80)
                    && let Some(host) = self.hosts.iter().find(|host| host.has(id))
                {
                    host.unplug(id);
                }
                let plan = move |context: &Context<'_>| delete_port(context, id, None);
                Some(Wish::delete(ResourceId::Port(id), plan))
            }
            6 => {
                let id = *self.random.pick(&self.networks)?;
                let plan = move |context: &Context<'_>| delete_network(context, id, None);
                Some(Wish::delete(ResourceId::Network(id), plan))
            }
            7 => {
                let id = *self.random.pick(&self.subnets)?;
                let plan = move |context: &Context<'_>| delete_subnet(context, id, None);
                Some(Wish::delete(ResourceId::Subnet(id), plan))
            }
            8 => {
                let id = *self.random.pick(&self.groups)?;
                let plan = move |context: &Context<'_>| delete_security_group(context, id, None);
                Some(Wish::delete(ResourceId::SecurityGroup(id), plan))
            }
            _ => {
                let id = *self.random.pick(&self.address_groups)?;
                let plan = move |context: &Context<'_>| delete_address_group(context, id, None);
                Some(Wish::delete(ResourceId::AddressGroup(id), plan))
            }
        }
    }

    fn some_place(&mut self, count: usize) -> Option<usize> {
        (count > 0).then(|| self.random.index(count))
    }

    fn some_network(&mut self) -> NetworkId {
        self.random.pick(&self.networks).copied().unwrap_or(NetworkId(uuid::Uuid::nil()))
    }

    fn some_groups(&mut self) -> Vec<SecurityGroupId> {
        let chosen =
            (0..self.random.below(3)).filter_map(|_| self.random.pick(&self.groups).copied());
        let mut groups: Vec<_> = chosen.collect();
        groups.sort();
        groups.dedup();
        groups
    }

    fn some_pairs(&mut self) -> Vec<AllowedAddressPair> {
        let address = Ipv4Addr::new(10, 0, self.random.below(8) as u8, 200);
        let prefix = IpNet::V4(Ipv4Net::new_assert(address, 32));
        let pair = AllowedAddressPair { prefix, mac: None };
        if self.random.percent(20) { vec![pair] } else { Vec::new() }
    }

    fn some_prefixes(&mut self) -> Vec<IpNet> {
        let mut numbers: Vec<_> = (0..self.random.below(5)).map(|_| self.random.below(9)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let prefix = |number: u64| {
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(203, 0, number as u8, 0), 24))
        };
        numbers.into_iter().map(prefix).collect()
    }
}
