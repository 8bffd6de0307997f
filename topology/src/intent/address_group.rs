use std::collections::BTreeSet;
use std::sync::Arc;

use ipnet::IpNet;

use super::plan::{create, delete, existing, replace};
use super::prefix::check_prefix;
use super::{Context, Naming, NamingUpdate, Plan, Rejection, Violations};
use crate::key::Kind;
use crate::model::{AddressGroup, AddressGroupId, ProjectId, ResourceId, Rule};

/// Most prefixes of an address group.
pub const MAX_PREFIXES: usize = 10_000;

/// A request for a new address group.
#[derive(Clone, Debug)]
pub struct CreateAddressGroup {
    /// Chosen by the client.
    pub id: AddressGroupId,
    /// Name, description, labels.
    pub naming: Naming,
    /// The owner.
    pub project: ProjectId,
    /// At most [`MAX_PREFIXES`] of either family, without host bits, none twice.
    pub prefixes: Vec<IpNet>,
}

/// A request to change an address group; `None` leaves a field as it is.
#[derive(Clone, Debug)]
pub struct UpdateAddressGroup {
    /// Which one.
    pub id: AddressGroupId,
    /// The version that the client has seen; `None` for any.
    pub etag: Option<String>,
    /// Name, description, labels.
    pub naming: NamingUpdate,
    /// As in [`CreateAddressGroup`]; replaces all of them.
    pub prefixes: Option<Vec<IpNet>>,
    /// Cannot change: must be what it is.
    pub project: Option<ProjectId>,
}

/// Makes an address group.
///
/// # Errors
///
/// `InvalidArgument`, `NotFound` (project), `AlreadyExists`, `ResourceExhausted` (keys).
pub fn create_address_group(
    context: &Context<'_>,
    request: CreateAddressGroup,
) -> Result<Plan<Arc<AddressGroup>>, Rejection> {
    let CreateAddressGroup { id, naming, project, prefixes } = request;
    let mut violations = Violations::new();
    naming.check(&mut violations);
    let prefixes = checked(&prefixes, &mut violations);
    violations.finish()?;
    if let Some(existing) = context.model.address_group(id) {
        let same = naming.is_of(&existing.meta)
            && project == existing.project
            && prefixes == existing.prefixes;
        if same {
            return Ok(Plan::unchanged(existing.clone()));
        }
        return Err(Rejection::different(ResourceId::AddressGroup(id)));
    }
    if context.model.project(project).is_none() {
        return Err(Rejection::unknown_in("project_id", ResourceId::Project(project)));
    }
    let meta = context.new_meta(Kind::AddressGroup, naming)?;
    Ok(create(AddressGroup { id, meta, project, prefixes }))
}

/// Changes an address group.
///
/// # Errors
///
/// `InvalidArgument`, also for another project; `NotFound`; `Aborted`.
pub fn update_address_group(
    context: &Context<'_>,
    request: UpdateAddressGroup,
) -> Result<Plan<Arc<AddressGroup>>, Rejection> {
    let id = ResourceId::AddressGroup(request.id);
    let old = existing(id, context.model.address_group(request.id), request.etag.as_deref())?;
    let mut violations = Violations::new();
    request.naming.check(&mut violations);
    if request.project.is_some_and(|project| project != old.project) {
        violations.add("project_id", "cannot change");
    }
    let mut new = AddressGroup::clone(old);
    if let Some(prefixes) = &request.prefixes {
        new.prefixes = checked(prefixes, &mut violations);
    }
    violations.finish()?;
    request.naming.apply(&mut new.meta);
    Ok(replace(context, old, new))
}

/// Deletes an address group.
///
/// # Errors
///
/// `NotFound`, `Aborted`, `FailedPrecondition` while a rule names it.
pub fn delete_address_group(
    context: &Context<'_>,
    id: AddressGroupId,
    etag: Option<&str>,
) -> Result<Plan<()>, Rejection> {
    existing(ResourceId::AddressGroup(id), context.model.address_group(id), etag)?;
    let naming = |rule: &&Rule| rule.allows.remote.address_group() == Some(id);
    let groups = context.model.groups_naming_addresses(id);
    let rules = groups.flat_map(|group| group.rules.iter().filter(naming));
    let users: Vec<_> = rules.map(|rule| ResourceId::Rule(rule.id)).collect();
    delete(ResourceId::AddressGroup(id), &users)
}

/// The set of the prefixes; adds what is wrong with them.
fn checked(prefixes: &[IpNet], violations: &mut Violations) -> BTreeSet<IpNet> {
    if prefixes.len() > MAX_PREFIXES {
        let count = prefixes.len();
        violations
            .add("prefixes", format_args!("{count} prefixes: expected at most {MAX_PREFIXES}"));
        return BTreeSet::new();
    }
    let mut all = BTreeSet::new();
    for (index, prefix) in prefixes.iter().enumerate() {
        let field = || format!("prefixes[{index}]");
        if let Some(wrong) = check_prefix(*prefix) {
            violations.add(field(), wrong);
        } else if !all.insert(*prefix) {
            violations.add(field(), format_args!("{prefix} is there twice"));
        }
    }
    all
}
