use std::sync::Arc;

use ipnet::IpNet;

use super::plan::{create, delete, existing, replace};
use super::segment::segmentation_id;
use super::{
    Context, Naming, NamingUpdate, NetworkType, Obstacle, Plan, Rejection, SegmentRequest,
    Violations,
};
use crate::key::Kind;
use crate::model::{Network, NetworkId, ProjectId, ResourceId, Segment};

/// A request for a new network.
#[derive(Clone, Debug)]
pub struct CreateNetwork {
    /// Chosen by the client.
    pub id: NetworkId,
    /// Name, description, labels.
    pub naming: Naming,
    /// The owner.
    pub project: ProjectId,
    /// How it is carried between hosts.
    pub segment: SegmentRequest,
    /// Largest IP packet in bytes; `None` for as large as its type allows.
    pub mtu: Option<u32>,
    /// Whether other projects may put ports on it.
    pub shared: bool,
    /// Default for its ports; true when `None`.
    pub port_security: Option<bool>,
}

/// A request to change a network; `None` leaves a field as it is.
#[derive(Clone, Debug)]
pub struct UpdateNetwork {
    /// Which one.
    pub id: NetworkId,
    /// The version that the client has seen; `None` for any.
    pub etag: Option<String>,
    /// Name, description, labels.
    pub naming: NamingUpdate,
    /// As in [`CreateNetwork`].
    pub mtu: Option<Option<u32>>,
    /// As in [`CreateNetwork`]; not false while other projects have ports on it.
    pub shared: Option<bool>,
    /// As in [`CreateNetwork`]; for ports made from now on.
    pub port_security: Option<Option<bool>>,
    /// Cannot change: must be what it is.
    pub project: Option<ProjectId>,
    /// Cannot change: must be what it is.
    pub network_type: Option<Option<NetworkType>>,
    /// Cannot change: must be what it is.
    pub physical_network: Option<String>,
    /// Cannot change: must be what it is.
    pub segmentation_id: Option<u32>,
}

/// Makes a network.
///
/// # Errors
///
/// `InvalidArgument`; `NotFound` (project); `FailedPrecondition` for a physical network that no
/// host maps; `AlreadyExists` for a VLAN, VNI or FLAT network that is taken; `ResourceExhausted`
/// (keys, VLANs, VNIs).
pub fn create_network(
    context: &Context<'_>,
    request: CreateNetwork,
) -> Result<Plan<Arc<Network>>, Rejection> {
    let CreateNetwork { id, naming, project, segment, mtu, shared, port_security } = request;
    let mut violations = Violations::new();
    naming.check(&mut violations);
    segment.check(&mut violations);
    let largest = largest_mtu(context, segment.network_type);
    let mtu_or_largest = checked_mtu(mtu, largest, SMALLEST_MTU, &mut violations);
    violations.finish()?;
    let port_security = port_security.unwrap_or(true);

    if let Some(existing) = context.model.network(id) {
        let same = naming.is_of(&existing.meta)
            && project == existing.project
            && segment.is(&existing.segment)
            && mtu.is_none_or(|mtu| mtu == existing.mtu.into())
            && shared == existing.shared
            && port_security == existing.port_security;
        if same {
            return Ok(Plan::unchanged(existing.clone()));
        }
        return Err(Rejection::different(ResourceId::Network(id)));
    }
    if context.model.project(project).is_none() {
        return Err(Rejection::unknown_in("project_id", ResourceId::Project(project)));
    }
    let meta = context.new_meta(Kind::Network, naming)?;
    let segment = segment.allocate(context, meta.key)?;
    let mtu = mtu_or_largest;
    Ok(create(Network { id, meta, project, segment, mtu, shared, port_security }))
}

/// Changes a network.
///
/// # Errors
///
/// `InvalidArgument`, also for another project, type, physical network or segmentation id;
/// `NotFound`; `Aborted`; `FailedPrecondition` when other projects' ports are on what is to be
/// shared no more.
pub fn update_network(
    context: &Context<'_>,
    request: UpdateNetwork,
) -> Result<Plan<Arc<Network>>, Rejection> {
    let id = ResourceId::Network(request.id);
    let found = context.model.network(request.id);
    let old = existing(id, found, request.etag.as_deref())?;
    let mut violations = Violations::new();
    request.naming.check(&mut violations);
    check_immutable(&request, old, &mut violations);

    let mut new = Network::clone(old);
    if let Some(mtu) = request.mtu {
        let largest = largest_mtu(context, Some(NetworkType::of(&old.segment)));
        let mut subnets = context.model.subnets_of(old.id);
        let has_ipv6 = subnets.any(|subnet| matches!(subnet.cidr, IpNet::V6(_)));
        let smallest = if has_ipv6 { SMALLEST_IPV6_MTU } else { SMALLEST_MTU };
        new.mtu = checked_mtu(mtu, largest, smallest, &mut violations);
    }
    violations.finish()?;
    new.shared = request.shared.unwrap_or(old.shared);
    if old.shared && !new.shared {
        has_no_guests(context, old)?;
    }
    if let Some(port_security) = request.port_security {
        new.port_security = port_security.unwrap_or(true);
    }
    request.naming.apply(&mut new.meta);
    Ok(replace(context, old, new))
}

/// Deletes a network.
///
/// # Errors
///
/// `NotFound`, `Aborted`, `FailedPrecondition` while it has ports or subnets.
pub fn delete_network(
    context: &Context<'_>,
    id: NetworkId,
    etag: Option<&str>,
) -> Result<Plan<()>, Rejection> {
    existing(ResourceId::Network(id), context.model.network(id), etag)?;
    let ports = context.model.ports_of(id).map(|port| ResourceId::Port(port.id));
    let subnets = context.model.subnets_of(id).map(|subnet| ResourceId::Subnet(subnet.id));
    delete(ResourceId::Network(id), &ports.chain(subnets).collect::<Vec<_>>())
}

fn largest_mtu(context: &Context<'_>, network_type: Option<NetworkType>) -> u16 {
    let settings = context.settings;
    match network_type {
        Some(NetworkType::Vxlan) => settings.underlay_mtu.saturating_sub(settings.vxlan_overhead()),
        Some(NetworkType::Flat | NetworkType::Vlan) | None => settings.underlay_mtu,
    }
}

fn checked_mtu(mtu: Option<u32>, largest: u16, smallest: u16, violations: &mut Violations) -> u16 {
    let Some(mtu) = mtu else { return largest };
    match u16::try_from(mtu) {
        Ok(mtu) if (smallest..=largest).contains(&mtu) => mtu,
        _ => {
            violations.add("mtu", format_args!("{mtu}: expected {smallest} to {largest}"));
            largest
        }
    }
}

fn check_immutable(request: &UpdateNetwork, old: &Network, violations: &mut Violations) {
    let mut check = |field: &str, same: bool| {
        if !same {
            violations.add(field, "cannot change");
        }
    };
    let segment: &Segment = &old.segment;
    check("project_id", request.project.is_none_or(|project| project == old.project));
    check("type", request.network_type.is_none_or(|kind| kind == Some(NetworkType::of(segment))));
    let physical_network = segment.physical_network().unwrap_or_default();
    let asked = request.physical_network.as_deref();
    check("physical_network", asked.is_none_or(|asked| asked == physical_network));
    let asked = request.segmentation_id;
    check("segmentation_id", asked.is_none_or(|asked| asked == segmentation_id(segment)));
}

fn has_no_guests(context: &Context<'_>, network: &Network) -> Result<(), Rejection> {
    let guests = context.model.ports_of(network.id).filter(|port| port.project != network.project);
    let obstacles: Vec<_> = guests
        .take(SHOWN)
        .map(|port| Obstacle {
            kind: "IN_USE",
            subject: format!("port/{}", port.id),
            description: format!("port {} belongs to project {}", port.id, port.project),
        })
        .collect();
    if obstacles.is_empty() {
        return Ok(());
    }
    Err(Rejection::FailedPrecondition { obstacles })
}

/// The smallest packet that every IPv4 link carries (RFC 791 §3.2).
const SMALLEST_MTU: u16 = 68;
/// The smallest packet that every IPv6 link carries (RFC 8200 §5).
pub(super) const SMALLEST_IPV6_MTU: u16 = 1280;
/// How many of the ports in the way are named.
const SHOWN: usize = 5;
