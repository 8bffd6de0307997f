use std::collections::BTreeSet;
use std::sync::Arc;

use openflow::MacAddr;

use super::addressing::{FixedIpRequest, Owner, choose, resolve};
use super::mac::{check_mac, free_mac};
use super::membership::{check_groups, default_groups, groups_of, profile_changes};
use super::meta::check_text;
use super::plan::{create, delete, existing, replace};
use super::prefix::check_prefix;
use super::{Context, MAX_NAME, Naming, NamingUpdate, Plan, Rejection, Violations};
use crate::key::Kind;
use crate::model::{
    AllowedAddressPair, HostId, Network, NetworkId, Port, PortId, ProjectId, ResourceId,
    SecurityGroupId,
};

/// Most addresses of a port.
pub const MAX_FIXED_IPS: usize = 64;
/// Most allowed address pairs of a port.
pub const MAX_ADDRESS_PAIRS: usize = 256;

/// A request for a new port.
#[derive(Clone, Debug)]
pub struct CreatePort {
    /// Chosen by the client.
    pub id: PortId,
    /// Name, description, labels.
    pub naming: Naming,
    /// The owner: the network's when `None`; another only on a shared network.
    pub project: Option<ProjectId>,
    /// The network it is on.
    pub network: NetworkId,
    /// A unicast address, unique on the network; generated from the port's key when `None`.
    pub mac: Option<MacAddr>,
    /// At most [`MAX_FIXED_IPS`]; when empty, one address of the first IPv4 subnet with a free
    /// one, and one of the first such IPv6 subnet.
    pub fixed_ips: Vec<FixedIpRequest>,
    /// At most [`MAX_ADDRESS_PAIRS`]; none without port security.
    pub allowed_address_pairs: Vec<AllowedAddressPair>,
    /// The network's default when `None`.
    pub port_security: Option<bool>,
    /// At most [`MAX_SECURITY_GROUPS`](super::MAX_SECURITY_GROUPS) of its project, all stateful
    /// or all stateless, none without port security; with it, when `None`, the default group.
    pub security_groups: Option<Vec<SecurityGroupId>>,
    /// True when `None`.
    pub admin_up: Option<bool>,
    /// The name or UUID of the only host that may claim it, which need not exist yet; any when
    /// empty.
    pub requested_host: String,
}

/// A request to change a port; `None` leaves a field as it is.
#[derive(Clone, Debug)]
pub struct UpdatePort {
    /// Which one.
    pub id: PortId,
    /// The version that the client has seen; `None` for any.
    pub etag: Option<String>,
    /// Name, description, labels.
    pub naming: NamingUpdate,
    /// As in [`CreatePort`].
    pub mac: Option<Option<MacAddr>>,
    /// The addresses it has from now on; none when empty. Of a subnet without an address it
    /// keeps what it has.
    pub fixed_ips: Option<Vec<FixedIpRequest>>,
    /// As in [`CreatePort`].
    pub allowed_address_pairs: Option<Vec<AllowedAddressPair>>,
    /// As in [`CreatePort`].
    pub port_security: Option<Option<bool>>,
    /// Those that it has from now on: none when empty. When `None`, a port that loses port
    /// security leaves its groups, and one that gets it joins the default group.
    pub security_groups: Option<Vec<SecurityGroupId>>,
    /// As in [`CreatePort`].
    pub admin_up: Option<Option<bool>>,
    /// As in [`CreatePort`]; a port that is bound to another host is so no more.
    pub requested_host: Option<String>,
    /// Cannot change: must be what it is.
    pub project: Option<ProjectId>,
    /// Cannot change: must be what it is.
    pub network: Option<NetworkId>,
}

/// Makes a port.
///
/// # Errors
///
/// `InvalidArgument`; `NotFound` (network, project, subnet, security group); `FailedPrecondition` when the network
/// is another project's and not shared; `AlreadyExists` for a MAC or IP address that is taken;
/// `ResourceExhausted` (keys, addresses, remotes).
pub fn create_port(
    context: &Context<'_>,
    request: CreatePort,
) -> Result<Plan<Arc<Port>>, Rejection> {
    let mut violations = Violations::new();
    request.naming.check(&mut violations);
    check_own_mac(request.mac, &mut violations);
    check_fixed_ips(&request.fixed_ips, &mut violations);
    check_pairs(&request.allowed_address_pairs, &mut violations);
    let groups = request.security_groups.as_deref();
    check_groups(groups.unwrap_or_default(), &mut violations);
    check_text("requested_host", &request.requested_host, MAX_NAME, &mut violations);
    violations.finish()?;
    let requested_host = host_name(context, &request.requested_host);
    let admin_up = request.admin_up.unwrap_or(true);

    let network = context
        .model
        .network(request.network)
        .ok_or_else(|| Rejection::unknown_in("network_id", ResourceId::Network(request.network)))?;
    let project = request.project.unwrap_or(network.project);
    if let Some(existing) = context.model.port(request.id) {
        let fixed_ips = request.fixed_ips.iter().zip(&existing.fixed_ips);
        let same = request.naming.is_of(&existing.meta)
            && project == existing.project
            && network.id == existing.network
            && request.mac.is_none_or(|mac| mac == existing.mac)
            && (request.fixed_ips.is_empty()
                || request.fixed_ips.len() == existing.fixed_ips.len())
            && fixed_ips.into_iter().all(|(asked, fixed)| asked.is(fixed))
            && request.allowed_address_pairs == existing.allowed_address_pairs
            && request.port_security.is_none_or(|on| on == existing.port_security)
            && groups.is_none_or(|groups| {
                groups.iter().copied().collect::<BTreeSet<_>>() == existing.security_groups
            })
            && admin_up == existing.admin_up
            && requested_host == existing.requested_host;
        if same {
            return Ok(Plan::unchanged(existing.clone()));
        }
        return Err(Rejection::different(ResourceId::Port(request.id)));
    }
    may_use(context, network, project)?;
    let port_security = request.port_security.unwrap_or(network.port_security);
    check_security(port_security, &request.allowed_address_pairs, groups.unwrap_or_default())?;
    let security_groups = match groups {
        None => default_groups(context, project, port_security),
        Some(groups) => groups_of(context, project, groups)?,
    };
    let fixed_ips = if request.fixed_ips.is_empty() {
        choose(context, network.id)?
    } else {
        let owner = Owner { network: network.id, port: request.id, held: &[] };
        resolve(context, owner, &request.fixed_ips)?
    };
    let meta = context.new_meta(Kind::Port, request.naming)?;
    let mac = match request.mac {
        Some(mac) => unused_mac(context, network.id, request.id, mac)?,
        None => free_mac(context, network.id, request.id, meta.key)?,
    };
    let port = Port {
        id: request.id,
        meta,
        project,
        network: network.id,
        mac,
        fixed_ips,
        allowed_address_pairs: request.allowed_address_pairs,
        port_security,
        security_groups,
        admin_up,
        requested_host,
        bound_host: None,
    };
    Ok(profile_changes(context, None, Some(&port))?.around(create(port)))
}

/// Changes a port.
///
/// # Errors
///
/// `InvalidArgument`, also for another project or network; `NotFound` (also of a subnet or
/// security group); `Aborted`; `AlreadyExists` for a MAC or IP address that is taken; `ResourceExhausted`
/// (keys, addresses, remotes).
pub fn update_port(
    context: &Context<'_>,
    request: UpdatePort,
) -> Result<Plan<Arc<Port>>, Rejection> {
    let id = ResourceId::Port(request.id);
    let old = existing(id, context.model.port(request.id), request.etag.as_deref())?;
    let mut violations = Violations::new();
    request.naming.check(&mut violations);
    check_own_mac(request.mac.flatten(), &mut violations);
    check_fixed_ips(request.fixed_ips.as_deref().unwrap_or_default(), &mut violations);
    check_pairs(request.allowed_address_pairs.as_deref().unwrap_or_default(), &mut violations);
    check_groups(request.security_groups.as_deref().unwrap_or_default(), &mut violations);
    let requested_host = request.requested_host.as_deref();
    check_text("requested_host", requested_host.unwrap_or_default(), MAX_NAME, &mut violations);
    if request.project.is_some_and(|project| project != old.project) {
        violations.add("project_id", "cannot change");
    }
    if request.network.is_some_and(|network| network != old.network) {
        violations.add("network_id", "cannot change");
    }
    violations.finish()?;

    let mut new = Port::clone(old);
    if let Some(pairs) = request.allowed_address_pairs {
        new.allowed_address_pairs = pairs;
    }
    if let Some(port_security) = request.port_security {
        let default = context.model.network(old.network).is_none_or(|n| n.port_security);
        new.port_security = port_security.unwrap_or(default);
    }
    let groups = request.security_groups.as_deref();
    check_security(new.port_security, &new.allowed_address_pairs, groups.unwrap_or_default())?;
    match groups {
        Some(groups) => new.security_groups = groups_of(context, old.project, groups)?,
        None if new.port_security != old.port_security => {
            new.security_groups = default_groups(context, old.project, new.port_security);
        }
        None => {}
    }
    if let Some(fixed_ips) = &request.fixed_ips {
        new.fixed_ips = resolve(context, Owner::of(old), fixed_ips)?;
    }
    match request.mac {
        Some(Some(mac)) => new.mac = unused_mac(context, old.network, old.id, mac)?,
        Some(None) => new.mac = free_mac(context, old.network, old.id, old.meta.key)?,
        None => {}
    }
    if let Some(admin_up) = request.admin_up {
        new.admin_up = admin_up.unwrap_or(true);
    }
    if let Some(requested_host) = requested_host {
        new.requested_host = host_name(context, requested_host);
        new.bound_host = old.bound_host.filter(|host| may_bind(context, &new, *host));
    }
    request.naming.apply(&mut new.meta);
    let profiles = profile_changes(context, Some(old), Some(&new))?;
    Ok(profiles.around(replace(context, old, new)))
}

/// Deletes a port, also one that is bound.
///
/// # Errors
///
/// `NotFound`, `Aborted`.
pub fn delete_port(
    context: &Context<'_>,
    id: PortId,
    etag: Option<&str>,
) -> Result<Plan<()>, Rejection> {
    let old = existing(ResourceId::Port(id), context.model.port(id), etag)?;
    Ok(profile_changes(context, Some(old), None)?.around(delete(ResourceId::Port(id), &[])?))
}

fn check_own_mac(mac: Option<MacAddr>, violations: &mut Violations) {
    if let Some(wrong) = mac.and_then(check_mac) {
        violations.add("mac_address", wrong);
    }
}

fn check_fixed_ips(fixed_ips: &[FixedIpRequest], violations: &mut Violations) {
    if fixed_ips.len() > MAX_FIXED_IPS {
        let count = fixed_ips.len();
        violations
            .add("fixed_ips", format_args!("{count} addresses: expected at most {MAX_FIXED_IPS}"));
    }
}

fn check_pairs(pairs: &[AllowedAddressPair], violations: &mut Violations) {
    if pairs.len() > MAX_ADDRESS_PAIRS {
        let count = pairs.len();
        violations.add(
            "allowed_address_pairs",
            format_args!("{count} pairs: expected at most {MAX_ADDRESS_PAIRS}"),
        );
        return;
    }
    for (index, pair) in pairs.iter().enumerate() {
        let field = format!("allowed_address_pairs[{index}]");
        if let Some(wrong) = check_prefix(pair.prefix) {
            violations.add(format!("{field}.ip_prefix"), wrong);
        }
        if let Some(wrong) = pair.mac.and_then(check_mac) {
            violations.add(format!("{field}.mac_address"), wrong);
        }
        if pairs[..index].contains(pair) {
            violations.add(field, "is there twice");
        }
    }
}

fn check_security(
    port_security: bool,
    pairs: &[AllowedAddressPair],
    groups: &[SecurityGroupId],
) -> Result<(), Rejection> {
    let mut violations = Violations::new();
    if !port_security && !pairs.is_empty() {
        violations.add(
            "allowed_address_pairs",
            "without port security every address is allowed: expected none",
        );
    }
    if !port_security && !groups.is_empty() {
        violations.add(
            "security_group_ids",
            "without port security all traffic is allowed: expected none",
        );
    }
    violations.finish()
}

fn may_use(context: &Context<'_>, network: &Network, project: ProjectId) -> Result<(), Rejection> {
    if context.model.project(project).is_none() {
        return Err(Rejection::unknown_in("project_id", ResourceId::Project(project)));
    }
    if network.project == project || network.shared {
        return Ok(());
    }
    Err(Rejection::obstacle(
        "NOT_SHARED",
        format!("network/{}", network.id),
        format!("network {} belongs to another project and is not shared", network.id),
    ))
}

fn unused_mac(
    context: &Context<'_>,
    network: NetworkId,
    port: PortId,
    mac: MacAddr,
) -> Result<MacAddr, Rejection> {
    match context.model.port_by_mac(network, mac).filter(|holder| *holder != port) {
        None => Ok(mac),
        Some(holder) => Err(Rejection::AlreadyExists {
            holder: ResourceId::Port(holder),
            field: "mac_address".to_owned(),
            description: format!("{mac} is taken by port {holder}"),
        }),
    }
}

/// The name of the host that is asked for by name or UUID.
fn host_name(context: &Context<'_>, host: &str) -> Option<String> {
    if host.is_empty() {
        return None;
    }
    let by_id = || context.model.host(HostId(host.parse().ok()?));
    match context.model.host_by_name(host).or_else(by_id) {
        Some(host) => Some(host.meta.name.clone()),
        None => Some(host.to_owned()),
    }
}

/// Whether a host is the one that the port requests, or any is.
fn may_bind(context: &Context<'_>, port: &Port, host: HostId) -> bool {
    let Some(requested) = &port.requested_host else { return true };
    context.model.host(host).is_some_and(|host| host.meta.name == *requested)
}
