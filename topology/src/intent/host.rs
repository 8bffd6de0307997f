use std::net::SocketAddr;
use std::sync::Arc;

use super::plan::{create, delete, existing, replace, touch};
use super::{Context, Naming, NamingUpdate, Plan, Rejection, Violations};
use crate::key::Kind;
use crate::model::{Change, Host, HostId, Port, Resource, ResourceId};

/// A request for a new host: one whose OVSDB server listens.
#[derive(Clone, Debug)]
pub struct CreateHost {
    /// Chosen by the client.
    pub id: HostId,
    /// Name (required, unique among hosts), description, labels.
    pub naming: Naming,
    /// Where its OVSDB server listens, unique among hosts.
    pub ovsdb_target: Option<SocketAddr>,
}

/// A request to change a host; `None` leaves a field as it is.
#[derive(Clone, Debug)]
pub struct UpdateHost {
    /// Which one.
    pub id: HostId,
    /// The version that the client has seen; `None` for any.
    pub etag: Option<String>,
    /// Name, description, labels. Ports that request the host by name follow it to its new one.
    pub naming: NamingUpdate,
    /// As in [`CreateHost`]; `None` only for a host that dials in itself.
    pub ovsdb_target: Option<Option<SocketAddr>>,
}

/// An OVSDB target is not of the form that Weft connects to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{target:?}: expected tcp:IP:PORT, as tcp:192.0.2.11:6640 or tcp:[2001:db8::1]:6640")]
pub struct OvsdbTargetError {
    /// What it was.
    pub target: String,
}

/// The address of an OVSDB target, `tcp:IP:PORT`.
///
/// # Errors
///
/// [`OvsdbTargetError`] for another scheme, a name in place of an address, or port 0.
pub fn parse_ovsdb_target(target: &str) -> Result<SocketAddr, OvsdbTargetError> {
    let address = target.strip_prefix("tcp:").and_then(|rest| rest.parse::<SocketAddr>().ok());
    address
        .filter(|address| address.port() != 0 && !address.ip().is_unspecified())
        .ok_or_else(|| OvsdbTargetError { target: target.to_owned() })
}

/// Adds a host.
///
/// # Errors
///
/// `InvalidArgument`, `AlreadyExists` (id, name, target), `ResourceExhausted` (keys, hosts).
pub fn create_host(
    context: &Context<'_>,
    request: CreateHost,
) -> Result<Plan<Arc<Host>>, Rejection> {
    let CreateHost { id, naming, ovsdb_target } = request;
    let mut violations = Violations::new();
    naming.check(&mut violations);
    check_not_empty(&naming.name, &mut violations);
    if ovsdb_target.is_none() {
        violations.add("ovsdb_target", "is required: a host that dials in needs not be added");
    }
    violations.finish()?;
    let ovsdb_target = ovsdb_target.map(target);

    if let Some(existing) = context.model.host(id) {
        if naming.is_of(&existing.meta) && ovsdb_target == existing.ovsdb_target {
            return Ok(Plan::unchanged(existing.clone()));
        }
        return Err(Rejection::different(ResourceId::Host(id)));
    }
    is_unique(context, id, &naming.name, ovsdb_target.as_deref())?;
    let known = context.model.hosts().len();
    if known >= context.settings.max_hosts {
        return Err(Rejection::ResourceExhausted {
            subject: "hosts".into(),
            description: format!("{known} hosts are known already, and no more are taken"),
        });
    }
    let meta = context.new_meta(Kind::Host, naming)?;
    Ok(create(Host { ovsdb_target, ..Host::new(id, meta) }))
}

/// Changes a host.
///
/// # Errors
///
/// `InvalidArgument`, `NotFound`, `Aborted`, `AlreadyExists` (name, target).
pub fn update_host(
    context: &Context<'_>,
    request: UpdateHost,
) -> Result<Plan<Arc<Host>>, Rejection> {
    let id = ResourceId::Host(request.id);
    let old = existing(id, context.model.host(request.id), request.etag.as_deref())?;
    let mut violations = Violations::new();
    request.naming.check(&mut violations);
    if let Some(name) = &request.naming.name {
        check_not_empty(name, &mut violations);
    }
    if request.ovsdb_target == Some(None) && old.system_id.is_none() {
        violations.add("ovsdb_target", "is required for a host that has not dialed in");
    }
    violations.finish()?;

    let mut new = Host::clone(old);
    request.naming.apply(&mut new.meta);
    if let Some(address) = request.ovsdb_target {
        new.ovsdb_target = address.map(target);
    }
    is_unique(context, new.id, &new.meta.name, new.ovsdb_target.as_deref())?;
    let mut plan = replace(context, old, new);
    if plan.answer.meta.name != old.meta.name {
        let ports = context.model.ports().values();
        let following = ports.filter(|port| port.requested_host.as_ref() == Some(&old.meta.name));
        plan.changes.extend(following.map(|port| {
            let mut port = Port::clone(port);
            port.requested_host = Some(plan.answer.meta.name.clone());
            touch(context, &mut port);
            Change::Put(Resource::Port(Arc::new(port)))
        }));
    }
    Ok(plan)
}

/// Forgets a host.
///
/// # Errors
///
/// `NotFound`, `Aborted`, `FailedPrecondition` while ports are bound to it.
pub fn delete_host(
    context: &Context<'_>,
    id: HostId,
    etag: Option<&str>,
) -> Result<Plan<()>, Rejection> {
    existing(ResourceId::Host(id), context.model.host(id), etag)?;
    let ports: Vec<_> = context.model.ports_on(id).map(|port| ResourceId::Port(port.id)).collect();
    delete(ResourceId::Host(id), &ports)
}

/// One spelling for each target, so that they can be compared.
fn target(address: SocketAddr) -> String {
    format!("tcp:{address}")
}

fn check_not_empty(name: &str, violations: &mut Violations) {
    if name.is_empty() {
        violations.add("name", "is required");
    }
}

fn is_unique(
    context: &Context<'_>,
    id: HostId,
    name: &str,
    target: Option<&str>,
) -> Result<(), Rejection> {
    let taken = |field: &str, holder: HostId, value: &str| Rejection::AlreadyExists {
        holder: ResourceId::Host(holder),
        field: field.to_owned(),
        description: format!("{value} is taken by host {holder}"),
    };
    if let Some(other) = context.model.host_by_name(name).filter(|host| host.id != id) {
        return Err(taken("name", other.id, name));
    }
    let Some(target) = target else { return Ok(()) };
    let mut hosts = context.model.hosts().values();
    match hosts.find(|host| host.id != id && host.ovsdb_target.as_deref() == Some(target)) {
        Some(other) => Err(taken("ovsdb_target", other.id, target)),
        None => Ok(()),
    }
}
