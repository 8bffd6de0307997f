use std::sync::Arc;

use super::default_group::create_default_group;
use super::plan::{create, delete, existing, replace};
use super::{Context, Naming, NamingUpdate, Plan, Rejection, Violations};
use crate::key::Kind;
use crate::model::{Change, Project, ProjectId, ResourceId};

/// A request for a new project.
#[derive(Clone, Debug)]
pub struct CreateProject {
    /// Chosen by the client.
    pub id: ProjectId,
    /// Name, description, labels.
    pub naming: Naming,
}

/// A request to change a project.
#[derive(Clone, Debug)]
pub struct UpdateProject {
    /// Which one.
    pub id: ProjectId,
    /// The version that the client has seen; `None` for any.
    pub etag: Option<String>,
    /// Name, description, labels.
    pub naming: NamingUpdate,
}

/// Makes a project, and its default security group.
///
/// # Errors
///
/// `InvalidArgument`, `AlreadyExists`, `ResourceExhausted` (keys).
pub fn create_project(
    context: &Context<'_>,
    request: CreateProject,
) -> Result<Plan<Arc<Project>>, Rejection> {
    let mut violations = Violations::new();
    request.naming.check(&mut violations);
    violations.finish()?;
    let CreateProject { id, naming } = request;
    if let Some(existing) = context.model.project(id) {
        if naming.is_of(&existing.meta) {
            return Ok(Plan::unchanged(existing.clone()));
        }
        return Err(Rejection::different(ResourceId::Project(id)));
    }
    let mut plan = create(Project { id, meta: context.new_meta(Kind::Project, naming)? });
    plan.changes.extend(create_default_group(context, id)?.changes);
    Ok(plan)
}

/// Changes a project.
///
/// # Errors
///
/// `InvalidArgument`, `NotFound`, `Aborted`.
pub fn update_project(
    context: &Context<'_>,
    request: UpdateProject,
) -> Result<Plan<Arc<Project>>, Rejection> {
    let mut violations = Violations::new();
    request.naming.check(&mut violations);
    violations.finish()?;
    let UpdateProject { id, etag, naming } = request;
    let found = context.model.project(id);
    let old = existing(ResourceId::Project(id), found, etag.as_deref())?;
    let mut new = Project::clone(old);
    naming.apply(&mut new.meta);
    Ok(replace(context, old, new))
}

/// Deletes a project, and its default security group.
///
/// # Errors
///
/// `NotFound`, `Aborted`, `FailedPrecondition` while anything else belongs to it.
pub fn delete_project(
    context: &Context<'_>,
    id: ProjectId,
    etag: Option<&str>,
) -> Result<Plan<()>, Rejection> {
    existing(ResourceId::Project(id), context.model.project(id), etag)?;
    let group = context.model.default_group(id);
    let group = group.map(|group| ResourceId::SecurityGroup(group.id));
    let users: Vec<_> = context.model.owned_by(id).filter(|owned| Some(*owned) != group).collect();
    let mut plan = delete(ResourceId::Project(id), &users)?;
    plan.changes.extend(group.map(Change::Delete));
    Ok(plan)
}
