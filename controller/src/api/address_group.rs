//! `AddressGroupService`.

use std::sync::Arc;

use ipnet::IpNet;
use proto::v1 as pb;
use proto::v1::address_group_service_server::AddressGroupService;
use tonic::{Request, Response, Status};
use topology::intent::{
    CreateAddressGroup, Etag as _, UpdateAddressGroup, create_address_group, delete_address_group,
    update_address_group,
};
use topology::key::{Key, Kind};
use topology::model::{AddressGroup, AddressGroupId, Model, ProjectId};
use uuid::Uuid;

use super::Api;
use super::fields::Fields;
use super::mask::Mask;
use super::naming::{expected_etag, naming, naming_update, timestamp};
use super::resource::{Filter, HostName, OfProject, Resource};

/// What an update can name.
const CHANGEABLE: [&str; 4] = ["name", "description", "labels", "prefixes"];
/// What must be what it is when an update names it.
const FIXED: [&str; 2] = ["id", "project_id"];

#[tonic::async_trait]
impl AddressGroupService for Api {
    async fn create_address_group(
        &self,
        request: Request<pb::CreateAddressGroupRequest>,
    ) -> Result<Response<pb::AddressGroup>, Status> {
        let request = create(request.into_inner())?;
        self.write(AddressGroup::FIELD, move |context| create_address_group(context, request)).await
    }

    async fn get_address_group(
        &self,
        request: Request<pb::GetAddressGroupRequest>,
    ) -> Result<Response<pb::AddressGroup>, Status> {
        self.get::<AddressGroup>(&request.get_ref().id).await
    }

    async fn list_address_groups(
        &self,
        request: Request<pb::ListAddressGroupsRequest>,
    ) -> Result<Response<pb::ListAddressGroupsResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::of("");
        let filter = OfProject::new(&request.project_id, request.name, &mut fields);
        let page = (request.page_size, request.page_token);
        let list = self.list::<AddressGroup>(page, filter, fields).await;
        list.map(|(address_groups, next_page_token)| {
            Response::new(pb::ListAddressGroupsResponse { address_groups, next_page_token })
        })
    }

    async fn update_address_group(
        &self,
        request: Request<pb::UpdateAddressGroupRequest>,
    ) -> Result<Response<pb::AddressGroup>, Status> {
        let request = update(request.into_inner())?;
        self.write(AddressGroup::FIELD, move |context| update_address_group(context, request)).await
    }

    async fn delete_address_group(
        &self,
        request: Request<pb::DeleteAddressGroupRequest>,
    ) -> Result<Response<pb::DeleteAddressGroupResponse>, Status> {
        let pb::DeleteAddressGroupRequest { id, etag } = request.into_inner();
        let delete = self.delete(&id, etag, |context, id, etag| {
            delete_address_group(context, AddressGroupId(id), etag)
        });
        Ok(Response::new(pb::DeleteAddressGroupResponse { revision: delete.await? }))
    }
}

pub(super) fn create(request: pb::CreateAddressGroupRequest) -> Result<CreateAddressGroup, Status> {
    let mut fields = Fields::of(AddressGroup::FIELD);
    let group = fields.required(request.address_group);
    let request = CreateAddressGroup {
        id: AddressGroupId(fields.new_id(&group.id)),
        project: ProjectId(fields.uuid("project_id", &group.project_id)),
        prefixes: prefixes(&group.prefixes, &mut fields),
        naming: naming(group.name, group.description, group.labels),
    };
    fields.finish()?;
    Ok(request)
}

pub(super) fn update(request: pb::UpdateAddressGroupRequest) -> Result<UpdateAddressGroup, Status> {
    let pb::UpdateAddressGroupRequest { address_group, update_mask } = request;
    let mut fields = Fields::of(AddressGroup::FIELD);
    let group = fields.required(address_group);
    let mask = Mask::new(update_mask, &CHANGEABLE, &FIXED, &mut fields);
    let request = UpdateAddressGroup {
        id: AddressGroupId(fields.uuid("id", &group.id)),
        prefixes: mask
            .replaces("prefixes", !group.prefixes.is_empty())
            .then(|| prefixes(&group.prefixes, &mut fields)),
        project: mask
            .compares("project_id", !group.project_id.is_empty())
            .then(|| ProjectId(fields.uuid("project_id", &group.project_id))),
        etag: expected_etag(group.etag),
        naming: naming_update(&mask, group.name, group.description, group.labels),
    };
    fields.finish()?;
    Ok(request)
}

impl Filter<AddressGroup> for OfProject {
    fn matches(&self, group: &AddressGroup) -> bool {
        self.has(group.project, &group.meta)
    }
}

fn prefixes(prefixes: &[String], fields: &mut Fields) -> Vec<IpNet> {
    let prefix = |(index, prefix): (usize, &String)| {
        fields.prefix_or_address(format_args!("prefixes[{index}]"), prefix)
    };
    prefixes.iter().enumerate().map(prefix).collect()
}

impl Resource for AddressGroup {
    const KIND: Kind = Kind::AddressGroup;
    type Answer = pb::AddressGroup;

    fn find(model: &Model, id: Uuid) -> Option<&Arc<Self>> {
        model.address_group(AddressGroupId(id))
    }

    fn key(&self) -> Key {
        self.meta.key
    }

    fn stored(&self, _: HostName<'_>) -> pb::AddressGroup {
        let meta = &self.meta;
        pb::AddressGroup {
            id: self.id.to_string(),
            key: meta.key.get(),
            name: meta.name.clone(),
            description: meta.description.clone(),
            labels: meta.labels.clone(),
            create_time: Some(timestamp(meta.created)),
            update_time: Some(timestamp(meta.updated)),
            etag: self.etag(),
            revision: meta.revision,
            project_id: self.project.to_string(),
            prefixes: self.prefixes.iter().map(ToString::to_string).collect(),
        }
    }
}
