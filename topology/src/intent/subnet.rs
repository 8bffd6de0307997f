use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::layout::{check_pools, default_pools, stations};
use super::network::SMALLEST_IPV6_MTU;
use super::plan::{create, delete, existing, replace};
use super::prefix::{check_cidr, check_prefix};
use super::{Context, Gateway, Naming, NamingUpdate, Plan, Rejection, Violations};
use crate::key::Kind;
use crate::model::{
    AddressRange, HostRoute, Network, NetworkId, ProjectId, ResourceId, Subnet, SubnetId,
};

/// A request for a new subnet.
#[derive(Clone, Debug)]
pub struct CreateSubnet {
    /// Chosen by the client.
    pub id: SubnetId,
    /// Name, description, labels.
    pub naming: Naming,
    /// The owner: the network's, also when `None`.
    pub project: Option<ProjectId>,
    /// The network it is on.
    pub network: NetworkId,
    /// The prefix, without host bits: IPv4 /8 to /32, IPv6 /32 to /128; not unspecified,
    /// loopback, link-local, multicast or reserved.
    pub cidr: IpNet,
    /// The router.
    pub gateway: Gateway,
    /// Where addresses are allocated from; everything but the gateway when empty. At most 64.
    pub allocation_pools: Vec<AddressRange>,
    /// Name servers, of the subnet's family; at most 16.
    pub dns_nameservers: Vec<IpAddr>,
    /// Routes, of the subnet's family; at most 64.
    pub host_routes: Vec<HostRoute>,
    /// Whether addresses are served by DHCP; true when `None`.
    pub dhcp: Option<bool>,
}

/// A request to change a subnet; `None` leaves a field as it is.
#[derive(Clone, Debug)]
pub struct UpdateSubnet {
    /// Which one.
    pub id: SubnetId,
    /// The version that the client has seen; `None` for any.
    pub etag: Option<String>,
    /// Name, description, labels.
    pub naming: NamingUpdate,
    /// As in [`CreateSubnet`]; not an address that a port has.
    pub gateway: Option<Gateway>,
    /// As in [`CreateSubnet`]; addresses that ports have stay theirs.
    pub allocation_pools: Option<Vec<AddressRange>>,
    /// As in [`CreateSubnet`].
    pub dns_nameservers: Option<Vec<IpAddr>>,
    /// As in [`CreateSubnet`].
    pub host_routes: Option<Vec<HostRoute>>,
    /// As in [`CreateSubnet`].
    pub dhcp: Option<Option<bool>>,
    /// Cannot change: must be what it is.
    pub project: Option<ProjectId>,
    /// Cannot change: must be what it is.
    pub network: Option<NetworkId>,
    /// Cannot change: must be what it is.
    pub cidr: Option<IpNet>,
}

/// Makes a subnet.
///
/// # Errors
///
/// `InvalidArgument`; `NotFound` (network, project); `FailedPrecondition` when it overlaps another
/// subnet of the network, or is of IPv6 and the network's MTU is too small for that;
/// `AlreadyExists`; `ResourceExhausted` (keys).
pub fn create_subnet(
    context: &Context<'_>,
    request: CreateSubnet,
) -> Result<Plan<Arc<Subnet>>, Rejection> {
    let CreateSubnet { id, naming, cidr, .. } = request;
    let mut violations = Violations::new();
    naming.check(&mut violations);
    check_cidr(cidr, &mut violations);
    violations.finish()?;
    let gateway = request.gateway.resolve(cidr);
    let mut layout = Layout {
        gateway,
        allocation_pools: request.allocation_pools,
        dns_nameservers: request.dns_nameservers,
        host_routes: request.host_routes,
    };
    let pools_are_chosen = layout.allocation_pools.is_empty();
    let mut violations = Violations::new();
    layout.complete(cidr, &mut violations);
    violations.finish()?;
    let Layout { allocation_pools, dns_nameservers, host_routes, .. } = layout;
    let dhcp = request.dhcp.unwrap_or(true);

    if let Some(existing) = context.model.subnet(id) {
        let same = naming.is_of(&existing.meta)
            && request.project.is_none_or(|project| project == existing.project)
            && request.network == existing.network
            && cidr == existing.cidr
            && gateway == existing.gateway
            && (pools_are_chosen || allocation_pools == existing.allocation_pools)
            && dns_nameservers == existing.dns_nameservers
            && host_routes == existing.host_routes
            && dhcp == existing.dhcp;
        if same {
            return Ok(Plan::unchanged(existing.clone()));
        }
        return Err(Rejection::different(ResourceId::Subnet(id)));
    }
    let network = network_of(context, &request.network, request.project)?;
    fits(context, network, cidr)?;
    let meta = context.new_meta(Kind::Subnet, naming)?;
    Ok(create(Subnet {
        id,
        meta,
        project: network.project,
        network: network.id,
        cidr,
        gateway,
        allocation_pools,
        dns_nameservers,
        host_routes,
        dhcp,
    }))
}

/// Changes a subnet.
///
/// # Errors
///
/// `InvalidArgument`, also for another project, network or prefix; `NotFound`; `Aborted`;
/// `FailedPrecondition` when a port has the new gateway's address.
pub fn update_subnet(
    context: &Context<'_>,
    request: UpdateSubnet,
) -> Result<Plan<Arc<Subnet>>, Rejection> {
    let id = ResourceId::Subnet(request.id);
    let old = existing(id, context.model.subnet(request.id), request.etag.as_deref())?;
    let mut violations = Violations::new();
    request.naming.check(&mut violations);
    let same = [
        ("project_id", request.project.is_none_or(|project| project == old.project)),
        ("network_id", request.network.is_none_or(|network| network == old.network)),
        ("cidr", request.cidr.is_none_or(|cidr| cidr == old.cidr)),
    ];
    for (field, _) in same.into_iter().filter(|(_, same)| !same) {
        violations.add(field, "cannot change");
    }

    let mut new = Subnet::clone(old);
    let mut layout = Layout {
        gateway: request.gateway.map_or(old.gateway, |gateway| gateway.resolve(old.cidr)),
        allocation_pools: request.allocation_pools.unwrap_or(new.allocation_pools),
        dns_nameservers: request.dns_nameservers.unwrap_or(new.dns_nameservers),
        host_routes: request.host_routes.unwrap_or(new.host_routes),
    };
    layout.complete(old.cidr, &mut violations);
    violations.finish()?;
    if layout.gateway != old.gateway {
        has_no_port(context, old, layout.gateway)?;
    }
    new.gateway = layout.gateway;
    new.allocation_pools = layout.allocation_pools;
    new.dns_nameservers = layout.dns_nameservers;
    new.host_routes = layout.host_routes;
    new.dhcp = request.dhcp.map_or(old.dhcp, |dhcp| dhcp.unwrap_or(true));
    request.naming.apply(&mut new.meta);
    Ok(replace(context, old, new))
}

/// Deletes a subnet.
///
/// # Errors
///
/// `NotFound`, `Aborted`, `FailedPrecondition` while a port has an address of it.
pub fn delete_subnet(
    context: &Context<'_>,
    id: SubnetId,
    etag: Option<&str>,
) -> Result<Plan<()>, Rejection> {
    let old = existing(ResourceId::Subnet(id), context.model.subnet(id), etag)?;
    let used = context.model.addresses_from(id, old.cidr.network());
    let mut ports: Vec<_> = used.map(|(_, port)| ResourceId::Port(port)).collect();
    ports.sort_unstable();
    ports.dedup();
    delete(ResourceId::Subnet(id), &ports)
}

/// What a client can change of a subnet, and what of it depends on its other parts.
struct Layout {
    gateway: Option<IpAddr>,
    allocation_pools: Vec<AddressRange>,
    dns_nameservers: Vec<IpAddr>,
    host_routes: Vec<HostRoute>,
}

impl Layout {
    /// Adds what is wrong, and chooses the pools if there are none.
    fn complete(&mut self, cidr: IpNet, violations: &mut Violations) {
        let all = stations(cidr);
        if let Some(gateway) = self.gateway.filter(|ip| !all.contains(*ip)) {
            violations.add(
                "gateway_ip",
                format_args!("{gateway}: expected {} to {}", all.start, all.end),
            );
        }
        if self.allocation_pools.is_empty() {
            self.allocation_pools = default_pools(cidr, self.gateway);
        } else if is_short("allocation_pools", &self.allocation_pools, MAX_POOLS, violations) {
            check_pools(cidr, self.gateway, &mut self.allocation_pools, violations);
        }
        if is_short("dns_nameservers", &self.dns_nameservers, MAX_NAMESERVERS, violations) {
            self.check_nameservers(cidr, violations);
        }
        if is_short("host_routes", &self.host_routes, MAX_ROUTES, violations) {
            self.check_routes(cidr, violations);
        }
    }

    fn check_nameservers(&self, cidr: IpNet, violations: &mut Violations) {
        for (index, server) in self.dns_nameservers.iter().enumerate() {
            let field = format!("dns_nameservers[{index}]");
            if server.is_ipv4() != cidr.addr().is_ipv4() {
                violations.add(field, format_args!("{server}: expected the family of {cidr}"));
            } else if server.is_unspecified() || server.is_multicast() {
                violations.add(field, format_args!("{server} is no station's address"));
            } else if self.dns_nameservers[..index].contains(server) {
                violations.add(field, format_args!("{server} is there twice"));
            }
        }
    }

    fn check_routes(&self, cidr: IpNet, violations: &mut Violations) {
        let is_ipv4 = cidr.addr().is_ipv4();
        for (index, HostRoute { destination, nexthop }) in self.host_routes.iter().enumerate() {
            let field = format!("host_routes[{index}].destination");
            if destination.addr().is_ipv4() != is_ipv4 {
                violations.add(field, format_args!("{destination}: expected the family of {cidr}"));
            } else if let Some(wrong) = check_prefix(*destination) {
                violations.add(field, wrong);
            }
            let field = format!("host_routes[{index}].nexthop");
            if nexthop.is_ipv4() != is_ipv4 {
                violations.add(field, format_args!("{nexthop}: expected the family of {cidr}"));
            } else if nexthop.is_unspecified() || nexthop.is_multicast() {
                violations.add(field, format_args!("{nexthop} is no router's address"));
            }
        }
    }
}

/// Whether a list is no longer than allowed; only then it is worth looking at.
fn is_short<T>(field: &str, list: &[T], max: usize, violations: &mut Violations) -> bool {
    if list.len() > max {
        violations.add(field, format_args!("{} entries: expected at most {max}", list.len()));
    }
    list.len() <= max
}

fn network_of<'a>(
    context: &Context<'a>,
    id: &NetworkId,
    project: Option<ProjectId>,
) -> Result<&'a Arc<Network>, Rejection> {
    let network = context
        .model
        .network(*id)
        .ok_or_else(|| Rejection::unknown_in("network_id", ResourceId::Network(*id)))?;
    match project {
        Some(project) if context.model.project(project).is_none() => {
            Err(Rejection::unknown_in("project_id", ResourceId::Project(project)))
        }
        Some(project) if project != network.project => {
            let mut violations = Violations::new();
            violations.add(
                "project_id",
                format_args!("{project}: expected the network's project {}", network.project),
            );
            violations.finish().map(|()| network)
        }
        _ => Ok(network),
    }
}

/// Refuses a prefix that overlaps another of the network, or is of IPv6 where that cannot work.
fn fits(context: &Context<'_>, network: &Network, cidr: IpNet) -> Result<(), Rejection> {
    for other in context.model.subnets_of(network.id) {
        if other.cidr.contains(&cidr) || cidr.contains(&other.cidr) {
            return Err(Rejection::obstacle(
                "SUBNET_OVERLAPS",
                format!("subnet/{}", other.id),
                format!("{cidr} overlaps {} of subnet {}", other.cidr, other.id),
            ));
        }
    }
    if matches!(cidr, IpNet::V6(_)) && network.mtu < SMALLEST_IPV6_MTU {
        return Err(Rejection::obstacle(
            "MTU_TOO_SMALL",
            format!("network/{}", network.id),
            format!("the network's MTU is {}, IPv6 needs {SMALLEST_IPV6_MTU}", network.mtu),
        ));
    }
    Ok(())
}

fn has_no_port(
    context: &Context<'_>,
    subnet: &Subnet,
    gateway: Option<IpAddr>,
) -> Result<(), Rejection> {
    let holder = gateway.and_then(|gateway| context.model.port_by_address(subnet.id, gateway));
    let (Some(gateway), Some(port)) = (gateway, holder) else { return Ok(()) };
    Err(Rejection::obstacle(
        "IN_USE",
        format!("port/{port}"),
        format!("port {port} has the address {gateway}"),
    ))
}

/// Most allocation pools of a subnet.
const MAX_POOLS: usize = 64;
/// Most name servers of a subnet.
const MAX_NAMESERVERS: usize = 16;
/// Most routes of a subnet.
const MAX_ROUTES: usize = 64;
