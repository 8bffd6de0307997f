//! `ProjectService`.

use proto::v1 as pb;
use proto::v1::project_service_server::ProjectService;
use tonic::{Request, Response, Status};
use topology::intent::{
    CreateProject, Etag as _, UpdateProject, create_project, delete_project, update_project,
};
use topology::key::Kind;
use topology::model::{Project, ProjectId, ResourceId};

use super::fields::Fields;
use super::mask::Mask;
use super::naming::{NAMING, expected_etag, naming, naming_update, timestamp};
use super::page::{Page, RESOURCES};
use super::{Api, status};

const RESOURCE: &str = "project";

#[tonic::async_trait]
impl ProjectService for Api {
    async fn create_project(
        &self,
        request: Request<pb::CreateProjectRequest>,
    ) -> Result<Response<pb::Project>, Status> {
        let mut fields = Fields::of(RESOURCE);
        let project = fields.required(request.into_inner().project);
        let request = CreateProject {
            id: ProjectId(fields.new_id(&project.id)),
            naming: naming(project.name, project.description, project.labels),
        };
        fields.finish()?;
        let committed = self.engine.write(move |context| create_project(context, request)).await;
        let project = committed.map_err(status::refused(RESOURCE))?.answer;
        Ok(Response::new(answer(&project)))
    }

    async fn get_project(
        &self,
        request: Request<pb::GetProjectRequest>,
    ) -> Result<Response<pb::Project>, Status> {
        let mut fields = Fields::of("");
        let id = ProjectId(fields.uuid("id", &request.get_ref().id));
        fields.finish()?;
        let found = self.engine.read(move |view| view.model.project(id).cloned()).await;
        let project = found
            .map_err(status::stopped)?
            .ok_or_else(|| status::unknown(ResourceId::Project(id)))?;
        Ok(Response::new(answer(&project)))
    }

    async fn list_projects(
        &self,
        request: Request<pb::ListProjectsRequest>,
    ) -> Result<Response<pb::ListProjectsResponse>, Status> {
        let pb::ListProjectsRequest { page_size, page_token, name } = request.into_inner();
        let mut fields = Fields::of("");
        let page = Page::new(RESOURCES, page_size, &page_token, (RESOURCE, &name), &mut fields);
        fields.finish()?;
        let list = self.engine.read(move |view| {
            let ids = view.model.from_key(Kind::Project, page.first_key());
            let projects = ids.filter_map(|id| view.model.project(ProjectId(id.uuid())));
            let matching = projects.filter(|project| name.is_empty() || project.meta.name == name);
            page.cut(matching.map(|project| (project.meta.key.get().into(), answer(project))))
        });
        let (projects, next_page_token) = list.await.map_err(status::stopped)?;
        Ok(Response::new(pb::ListProjectsResponse { projects, next_page_token }))
    }

    async fn update_project(
        &self,
        request: Request<pb::UpdateProjectRequest>,
    ) -> Result<Response<pb::Project>, Status> {
        let pb::UpdateProjectRequest { project, update_mask } = request.into_inner();
        let mut fields = Fields::of(RESOURCE);
        let project = fields.required(project);
        let mask = Mask::new(update_mask, &NAMING, &["id"], &mut fields);
        let request = UpdateProject {
            id: ProjectId(fields.uuid("id", &project.id)),
            etag: expected_etag(project.etag),
            naming: naming_update(&mask, project.name, project.description, project.labels),
        };
        fields.finish()?;
        let committed = self.engine.write(move |context| update_project(context, request)).await;
        let project = committed.map_err(status::refused(RESOURCE))?.answer;
        Ok(Response::new(answer(&project)))
    }

    async fn delete_project(
        &self,
        request: Request<pb::DeleteProjectRequest>,
    ) -> Result<Response<pb::DeleteProjectResponse>, Status> {
        let pb::DeleteProjectRequest { id, etag } = request.into_inner();
        let mut fields = Fields::of("");
        let id = ProjectId(fields.uuid("id", &id));
        fields.finish()?;
        let etag = expected_etag(etag);
        let delete = self.engine.write(move |context| delete_project(context, id, etag.as_deref()));
        let committed = delete.await.map_err(status::refused(""))?;
        Ok(Response::new(pb::DeleteProjectResponse { revision: committed.revision }))
    }
}

fn answer(project: &Project) -> pb::Project {
    let meta = &project.meta;
    pb::Project {
        id: project.id.to_string(),
        key: meta.key.get(),
        name: meta.name.clone(),
        description: meta.description.clone(),
        labels: meta.labels.clone(),
        create_time: Some(timestamp(meta.created)),
        update_time: Some(timestamp(meta.updated)),
        etag: project.etag(),
        revision: meta.revision,
    }
}
