use std::hash::Hash;
use std::sync::Arc;

use prost::Message;
use tonic::{Response, Status};
use topology::intent::{Context, Plan, Rejection};
use topology::key::{Key, Kind};
use topology::model::{HostId, Meta, Model, ProjectId, ResourceId};
use uuid::Uuid;

use super::fields::Fields;
use super::naming::expected_etag;
use super::page::{Page, RESOURCES};
use super::{Api, status};
use crate::engine::View;

/// Says how a host is called, as far as it exists.
pub(super) type HostName<'a> = &'a dyn Fn(HostId) -> Option<String>;

/// A resource, as its service has it: what the standard methods need to know.
pub(super) trait Resource: Send + Sync + Sized + 'static {
    /// What sort of resource it is.
    const KIND: Kind;
    /// The field of requests that holds one.
    const FIELD: &'static str = Self::KIND.name();
    /// What clients see of it.
    type Answer: Message + 'static;

    /// The one with this UUID.
    fn find(model: &Model, id: Uuid) -> Option<&Arc<Self>>;

    /// Its key, by which listings are sorted.
    fn key(&self) -> Key;

    /// What clients see of what is stored of it; `host_name` says how a host is called.
    fn stored(&self, host_name: HostName<'_>) -> Self::Answer;

    /// What clients see of it: by default what is stored.
    fn answer(&self, view: &View<'_>) -> Self::Answer {
        self.stored(&|id| view.model.host(id).map(|host| host.meta.name.clone()))
    }

    /// What a write of it answers: by default what was written.
    fn written(&self, view: &View<'_>) -> Self::Answer {
        self.answer(view)
    }
}

/// Which resources a listing has. Its hash is part of page tokens.
pub(super) trait Filter<R: Resource>: Hash + Send + 'static {
    /// Whether a resource is listed.
    fn matches(&self, resource: &R) -> bool;

    /// All that can match, and perhaps others, by ascending key from `first` on.
    fn candidates<'a>(
        &self,
        model: &'a Model,
        first: Key,
    ) -> Box<dyn Iterator<Item = &'a Arc<R>> + 'a> {
        let all = model.from_key(R::KIND, first);
        Box::new(all.filter_map(|id| R::find(model, id.uuid())))
    }
}

/// Resources of one project or of any, and of one name or of any.
#[derive(Hash)]
pub(super) struct OfProject {
    project: Option<ProjectId>,
    name: String,
}

impl OfProject {
    /// As a request for a listing says it: any, where it says nothing.
    pub(super) fn new(project_id: &str, name: String, fields: &mut Fields) -> Self {
        Self { project: fields.optional_uuid("project_id", project_id).map(ProjectId), name }
    }

    /// Whether a resource of `project` is one of them.
    pub(super) fn has(&self, project: ProjectId, meta: &Meta) -> bool {
        self.project.is_none_or(|wanted| wanted == project)
            && (self.name.is_empty() || self.name == meta.name)
    }
}

impl Api {
    /// Commits a change of a resource, and answers it; `prefix` is the field of the request that
    /// holds it.
    pub(super) async fn write<R: Resource>(
        &self,
        prefix: &'static str,
        plan: impl FnOnce(&Context<'_>) -> Result<Plan<Arc<R>>, Rejection> + Send + 'static,
    ) -> Result<Response<R::Answer>, Status> {
        let answer = |view: &View<'_>, resource: Arc<R>| resource.written(view);
        let committed = self.engine.write_then(plan, answer).await;
        Ok(Response::new(committed.map_err(status::refused(prefix))?.answer))
    }

    /// Answers the resource with this UUID.
    pub(super) async fn get<R: Resource>(&self, id: &str) -> Result<Response<R::Answer>, Status> {
        let id = parse_id(id)?;
        let read = move |view: &View<'_>| R::find(view.model, id).map(|found| found.answer(view));
        let found = self.engine.read(read).await.map_err(status::stopped)?;
        let unknown = || status::unknown(ResourceId::new(R::KIND, id));
        Ok(Response::new(found.ok_or_else(unknown)?))
    }

    /// Answers a page of the resources that match, and the token of the next; `fields` are those
    /// of the filter.
    pub(super) async fn list<R: Resource>(
        &self,
        (page_size, page_token): (i32, String),
        filter: impl Filter<R>,
        mut fields: Fields,
    ) -> Result<(Vec<R::Answer>, String), Status> {
        let hashed = (R::FIELD, &filter);
        let page = Page::new(RESOURCES, page_size, &page_token, hashed, &mut fields);
        fields.finish()?;
        let read = move |view: &View<'_>| {
            let all = filter.candidates(view.model, page.first_key());
            let found = all.filter(|resource| filter.matches(resource));
            page.cut(found.map(|resource| (resource.key().get().into(), resource.answer(view))))
        };
        self.engine.read(read).await.map_err(status::stopped)
    }

    /// Deletes the resource with this UUID, and answers the revision of the commit.
    pub(super) async fn delete(
        &self,
        id: &str,
        etag: String,
        plan: impl FnOnce(&Context<'_>, Uuid, Option<&str>) -> Result<Plan<()>, Rejection>
        + Send
        + 'static,
    ) -> Result<u64, Status> {
        let (id, etag) = (parse_id(id)?, expected_etag(etag));
        let delete = self.engine.write(move |context| plan(context, id, etag.as_deref()));
        Ok(delete.await.map_err(status::refused(""))?.revision)
    }
}

/// The UUID of the resource that a request is about.
pub(super) fn parse_id(id: &str) -> Result<Uuid, Status> {
    let mut fields = Fields::of("");
    let id = fields.uuid("id", id);
    fields.finish()?;
    Ok(id)
}
