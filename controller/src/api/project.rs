//! `ProjectService`.

use std::sync::Arc;

use proto::v1 as pb;
use proto::v1::project_service_server::ProjectService;
use tonic::{Request, Response, Status};
use topology::intent::{
    CreateProject, Etag as _, UpdateProject, create_project, delete_project, update_project,
};
use topology::key::{Key, Kind};
use topology::model::{Model, Project, ProjectId};
use uuid::Uuid;

use super::Api;
use super::fields::Fields;
use super::mask::Mask;
use super::naming::{NAMING, expected_etag, naming, naming_update, timestamp};
use super::resource::{Filter, HostName, Resource};

#[tonic::async_trait]
impl ProjectService for Api {
    async fn create_project(
        &self,
        request: Request<pb::CreateProjectRequest>,
    ) -> Result<Response<pb::Project>, Status> {
        let request = create(request.into_inner())?;
        self.write(Project::FIELD, move |context| create_project(context, request)).await
    }

    async fn get_project(
        &self,
        request: Request<pb::GetProjectRequest>,
    ) -> Result<Response<pb::Project>, Status> {
        self.get::<Project>(&request.get_ref().id).await
    }

    async fn list_projects(
        &self,
        request: Request<pb::ListProjectsRequest>,
    ) -> Result<Response<pb::ListProjectsResponse>, Status> {
        let pb::ListProjectsRequest { page_size, page_token, name } = request.into_inner();
        let page = (page_size, page_token);
        let list = self.list(page, Wanted { name }, Fields::of("")).await;
        list.map(|(projects, next_page_token)| {
            Response::new(pb::ListProjectsResponse { projects, next_page_token })
        })
    }

    async fn update_project(
        &self,
        request: Request<pb::UpdateProjectRequest>,
    ) -> Result<Response<pb::Project>, Status> {
        let request = update(request.into_inner())?;
        self.write(Project::FIELD, move |context| update_project(context, request)).await
    }

    async fn delete_project(
        &self,
        request: Request<pb::DeleteProjectRequest>,
    ) -> Result<Response<pb::DeleteProjectResponse>, Status> {
        let pb::DeleteProjectRequest { id, etag } = request.into_inner();
        let delete = self
            .delete(&id, etag, |context, id, etag| delete_project(context, ProjectId(id), etag));
        Ok(Response::new(pb::DeleteProjectResponse { revision: delete.await? }))
    }
}

pub(super) fn create(request: pb::CreateProjectRequest) -> Result<CreateProject, Status> {
    let mut fields = Fields::of(Project::FIELD);
    let project = fields.required(request.project);
    let request = CreateProject {
        id: ProjectId(fields.new_id(&project.id)),
        naming: naming(project.name, project.description, project.labels),
    };
    fields.finish()?;
    Ok(request)
}

pub(super) fn update(request: pb::UpdateProjectRequest) -> Result<UpdateProject, Status> {
    let mut fields = Fields::of(Project::FIELD);
    let project = fields.required(request.project);
    let mask = Mask::new(request.update_mask, &NAMING, &["id"], &mut fields);
    let request = UpdateProject {
        id: ProjectId(fields.uuid("id", &project.id)),
        etag: expected_etag(project.etag),
        naming: naming_update(&mask, project.name, project.description, project.labels),
    };
    fields.finish()?;
    Ok(request)
}

/// Which projects are listed.
#[derive(Hash)]
struct Wanted {
    name: String,
}

impl Filter<Project> for Wanted {
    fn matches(&self, project: &Project) -> bool {
        self.name.is_empty() || self.name == project.meta.name
    }
}

impl Resource for Project {
    const KIND: Kind = Kind::Project;
    type Answer = pb::Project;

    fn find(model: &Model, id: Uuid) -> Option<&Arc<Self>> {
        model.project(ProjectId(id))
    }

    fn key(&self) -> Key {
        self.meta.key
    }

    fn stored(&self, _: HostName<'_>) -> pb::Project {
        let meta = &self.meta;
        pb::Project {
            id: self.id.to_string(),
            key: meta.key.get(),
            name: meta.name.clone(),
            description: meta.description.clone(),
            labels: meta.labels.clone(),
            create_time: Some(timestamp(meta.created)),
            update_time: Some(timestamp(meta.updated)),
            etag: self.etag(),
            revision: meta.revision,
        }
    }
}
