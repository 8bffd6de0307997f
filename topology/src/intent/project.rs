use std::sync::Arc;

use super::plan::{create, delete, existing, replace};
use super::{Context, Naming, NamingUpdate, Plan, Rejection, Violations};
use crate::key::Kind;
use crate::model::{Project, ProjectId, ResourceId};

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

/// Makes a project.
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
    Ok(create(Project { id, meta: context.new_meta(Kind::Project, naming)? }))
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

/// Deletes a project.
///
/// # Errors
///
/// `NotFound`, `Aborted`, `FailedPrecondition` while anything belongs to it.
pub fn delete_project(
    context: &Context<'_>,
    id: ProjectId,
    etag: Option<&str>,
) -> Result<Plan<()>, Rejection> {
    existing(ResourceId::Project(id), context.model.project(id), etag)?;
    let users: Vec<_> = context.model.owned_by(id).collect();
    delete(ResourceId::Project(id), &users)
}
