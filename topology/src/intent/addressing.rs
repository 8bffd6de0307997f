use std::net::IpAddr;
use std::sync::Arc;

use super::layout::stations;
use super::{Context, Rejection, Violations};
use crate::model::{
    AddressRange, FixedIp, NetworkId, Port, PortId, ResourceId, Subnet, SubnetId, successor,
};

/// An address that a port asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FixedIpRequest {
    /// The subnet: the one that contains `ip` when `None`.
    pub subnet: Option<SubnetId>,
    /// The address: a free one of the subnet when `None`.
    pub ip: Option<IpAddr>,
}

impl FixedIpRequest {
    /// Whether `fixed` is what was asked for.
    pub(super) fn is(&self, fixed: &FixedIp) -> bool {
        self.subnet.is_none_or(|subnet| subnet == fixed.subnet)
            && self.ip.is_none_or(|ip| ip == fixed.ip)
    }
}

/// Whose addresses are chosen.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) network: NetworkId,
    pub(super) port: PortId,
    /// What it has already.
    pub(super) held: &'a [FixedIp],
}

impl<'a> Owner<'a> {
    /// A port that exists.
    pub(super) fn of(port: &'a Port) -> Self {
        Self { network: port.network, port: port.id, held: &port.fixed_ips }
    }
}

/// One address of the network's first IPv4 subnet with a free one, and one of its first such
/// IPv6 subnet, in the order of creation.
pub(super) fn choose(context: &Context<'_>, network: NetworkId) -> Result<Vec<FixedIp>, Rejection> {
    let mut subnets: Vec<_> = context.model.subnets_of(network).collect();
    subnets.sort_by_key(|subnet| subnet.meta.key);
    let (v4, v6): (Vec<_>, Vec<_>) =
        subnets.into_iter().partition(|subnet| subnet.cidr.addr().is_ipv4());
    let mut chosen = Vec::new();
    for family in [v4, v6] {
        let mut free = family.iter().filter_map(|subnet| {
            let ip = free_address(context, subnet, &[])?;
            Some(FixedIp { subnet: subnet.id, ip })
        });
        match (free.next(), family.as_slice()) {
            (Some(fixed), _) => chosen.push(fixed),
            (None, []) => {}
            (None, subnets) => return Err(exhausted(subnets)),
        }
    }
    Ok(chosen)
}

/// The addresses that were asked for, in that order.
///
/// Where only a subnet is asked for, the port keeps what it has of it.
pub(super) fn resolve(
    context: &Context<'_>,
    owner: Owner<'_>,
    requests: &[FixedIpRequest],
) -> Result<Vec<FixedIp>, Rejection> {
    let mut violations = Violations::new();
    let mut subnets = Vec::with_capacity(requests.len());
    for (index, request) in requests.iter().enumerate() {
        subnets.extend(subnet_of(context, owner, index, request, &mut violations)?);
    }
    violations.finish()?;
    let wanted: Vec<_> = subnets.into_iter().zip(requests.iter().map(|r| r.ip)).collect();

    let mut taken = check_explicit(&wanted)?;
    for (index, (subnet, ip)) in wanted.iter().enumerate() {
        let holder = ip.and_then(|ip| context.model.port_by_address(subnet.id, ip));
        if let (Some(ip), Some(holder)) = (ip, holder.filter(|holder| *holder != owner.port)) {
            return Err(Rejection::AlreadyExists {
                holder: ResourceId::Port(holder),
                field: format!("fixed_ips[{index}].ip_address"),
                description: format!("{ip} is taken by port {holder}"),
            });
        }
    }
    let mut resolved = Vec::with_capacity(wanted.len());
    for (subnet, ip) in wanted {
        let id = subnet.id;
        let held = owner.held.iter().filter(|fixed| fixed.subnet == id && !taken.contains(fixed));
        let ip = match (ip, held.map(|fixed| fixed.ip).next()) {
            (Some(ip), _) | (None, Some(ip)) => ip,
            (None, None) => {
                free_address(context, subnet, &taken).ok_or_else(|| exhausted(&[subnet]))?
            }
        };
        let fixed = FixedIp { subnet: id, ip };
        taken.push(fixed);
        resolved.push(fixed);
    }
    Ok(resolved)
}

/// The subnet of a request; a violation when it has none on the port's network.
fn subnet_of<'a>(
    context: &Context<'a>,
    owner: Owner<'_>,
    index: usize,
    request: &FixedIpRequest,
    violations: &mut Violations,
) -> Result<Option<&'a Arc<Subnet>>, Rejection> {
    let network = owner.network;
    match (request.subnet, request.ip) {
        (Some(id), _) => {
            let field = format!("fixed_ips[{index}].subnet_id");
            let Some(subnet) = context.model.subnet(id) else {
                return Err(Rejection::unknown_in(field, ResourceId::Subnet(id)));
            };
            if subnet.network != network {
                let other = subnet.network;
                violations.add(
                    field,
                    format_args!("{id} is a subnet of network {other}: expected {network}"),
                );
            }
            Ok(Some(subnet))
        }
        (None, Some(ip)) => {
            let found = context.model.subnets_of(network).find(|s| s.cidr.contains(&ip));
            if found.is_none() {
                let field = format!("fixed_ips[{index}].ip_address");
                violations
                    .add(field, format_args!("{ip}: no subnet of network {network} contains it"));
            }
            Ok(found)
        }
        (None, None) => {
            violations.add(
                format!("fixed_ips[{index}]"),
                "is empty: expected a subnet, an address or both",
            );
            Ok(None)
        }
    }
}

/// The addresses that were asked for by number, if stations can have them.
///
/// Indexes in violations are those of the requests.
fn check_explicit(wanted: &[(&Arc<Subnet>, Option<IpAddr>)]) -> Result<Vec<FixedIp>, Rejection> {
    let mut violations = Violations::new();
    let mut explicit = Vec::new();
    for (index, (subnet, ip)) in wanted.iter().enumerate() {
        let Some(ip) = *ip else { continue };
        let all = stations(subnet.cidr);
        let fixed = FixedIp { subnet: subnet.id, ip };
        let field = format!("fixed_ips[{index}].ip_address");
        if !all.contains(ip) {
            violations.add(field, format_args!("{ip}: expected {} to {}", all.start, all.end));
        } else if explicit.contains(&fixed) {
            violations.add(field, format_args!("{ip} is there twice"));
        } else {
            explicit.push(fixed);
        }
    }
    violations.finish()?;
    Ok(explicit)
}

/// The lowest address of the subnet's pools that no port has and that is not in `taken`.
fn free_address(context: &Context<'_>, subnet: &Subnet, taken: &[FixedIp]) -> Option<IpAddr> {
    subnet.allocation_pools.iter().find_map(|&AddressRange { mut start, end }| {
        loop {
            let ip = context.model.first_free_address(subnet.id, AddressRange { start, end })?;
            if !taken.contains(&FixedIp { subnet: subnet.id, ip }) {
                return Some(ip);
            }
            start = successor(ip)?;
        }
    })
}

fn exhausted(subnets: &[&Arc<Subnet>]) -> Rejection {
    let ids = subnets.iter().map(|subnet| format!("{} ({})", subnet.id, subnet.cidr));
    let ids = ids.collect::<Vec<_>>().join(", ");
    Rejection::ResourceExhausted {
        subject: subnets.first().map(|subnet| format!("subnet/{}", subnet.id)).unwrap_or_default(),
        description: format!("no address is free in the allocation pools of subnet {ids}"),
    }
}
