//! `SecurityGroupService`.

use std::sync::Arc;

use proto::v1 as pb;
use proto::v1::security_group_service_server::SecurityGroupService;
use tonic::{Request, Response, Status};
use topology::intent::{
    AddRules, CreateSecurityGroup, Etag as _, RemoveRules, UpdateSecurityGroup, add_rules,
    create_security_group, delete_security_group, remove_rules, update_security_group,
};
use topology::key::{Key, Kind};
use topology::model::{Model, ProjectId, RuleId, SecurityGroup, SecurityGroupId};
use uuid::Uuid;

use super::Api;
use super::fields::Fields;
use super::mask::Mask;
use super::naming::{expected_etag, naming, naming_update, timestamp};
use super::resource::{Filter, HostName, OfProject, Resource};
use super::rule::{rule, rules};

/// What an update can name.
const CHANGEABLE: [&str; 5] = ["name", "description", "labels", "stateful", "rules"];
/// What must be what it is when an update names it.
const FIXED: [&str; 2] = ["id", "project_id"];

#[tonic::async_trait]
impl SecurityGroupService for Api {
    async fn create_security_group(
        &self,
        request: Request<pb::CreateSecurityGroupRequest>,
    ) -> Result<Response<pb::SecurityGroup>, Status> {
        let request = create(request.into_inner())?;
        self.write(SecurityGroup::FIELD, move |context| create_security_group(context, request))
            .await
    }

    async fn get_security_group(
        &self,
        request: Request<pb::GetSecurityGroupRequest>,
    ) -> Result<Response<pb::SecurityGroup>, Status> {
        self.get::<SecurityGroup>(&request.get_ref().id).await
    }

    async fn list_security_groups(
        &self,
        request: Request<pb::ListSecurityGroupsRequest>,
    ) -> Result<Response<pb::ListSecurityGroupsResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::of("");
        let filter = OfProject::new(&request.project_id, request.name, &mut fields);
        let page = (request.page_size, request.page_token);
        let list = self.list::<SecurityGroup>(page, filter, fields).await;
        list.map(|(security_groups, next_page_token)| {
            Response::new(pb::ListSecurityGroupsResponse { security_groups, next_page_token })
        })
    }

    async fn update_security_group(
        &self,
        request: Request<pb::UpdateSecurityGroupRequest>,
    ) -> Result<Response<pb::SecurityGroup>, Status> {
        let request = update(request.into_inner())?;
        self.write(SecurityGroup::FIELD, move |context| update_security_group(context, request))
            .await
    }

    async fn delete_security_group(
        &self,
        request: Request<pb::DeleteSecurityGroupRequest>,
    ) -> Result<Response<pb::DeleteSecurityGroupResponse>, Status> {
        let pb::DeleteSecurityGroupRequest { id, etag } = request.into_inner();
        let delete = self.delete(&id, etag, |context, id, etag| {
            delete_security_group(context, SecurityGroupId(id), etag)
        });
        Ok(Response::new(pb::DeleteSecurityGroupResponse { revision: delete.await? }))
    }

    async fn add_rules(
        &self,
        request: Request<pb::AddRulesRequest>,
    ) -> Result<Response<pb::SecurityGroup>, Status> {
        let request = add(request.into_inner())?;
        self.write("", move |context| add_rules(context, request)).await
    }

    async fn remove_rules(
        &self,
        request: Request<pb::RemoveRulesRequest>,
    ) -> Result<Response<pb::SecurityGroup>, Status> {
        let request = remove(request.into_inner())?;
        self.write("", move |context| remove_rules(context, request)).await
    }
}

pub(super) fn create(
    request: pb::CreateSecurityGroupRequest,
) -> Result<CreateSecurityGroup, Status> {
    let mut fields = Fields::of(SecurityGroup::FIELD);
    let group = fields.required(request.security_group);
    let request = CreateSecurityGroup {
        id: SecurityGroupId(fields.new_id(&group.id)),
        project: ProjectId(fields.uuid("project_id", &group.project_id)),
        stateful: group.stateful,
        rules: rules(group.rules, &mut fields),
        naming: naming(group.name, group.description, group.labels),
    };
    fields.finish()?;
    Ok(request)
}

pub(super) fn update(
    request: pb::UpdateSecurityGroupRequest,
) -> Result<UpdateSecurityGroup, Status> {
    let pb::UpdateSecurityGroupRequest { security_group, update_mask } = request;
    let mut fields = Fields::of(SecurityGroup::FIELD);
    let group = fields.required(security_group);
    let mask = Mask::new(update_mask, &CHANGEABLE, &FIXED, &mut fields);
    let request = UpdateSecurityGroup {
        id: SecurityGroupId(fields.uuid("id", &group.id)),
        stateful: mask.replaces("stateful", group.stateful.is_some()).then_some(group.stateful),
        rules: mask
            .replaces("rules", !group.rules.is_empty())
            .then(|| rules(group.rules, &mut fields)),
        project: mask
            .compares("project_id", !group.project_id.is_empty())
            .then(|| ProjectId(fields.uuid("project_id", &group.project_id))),
        etag: expected_etag(group.etag),
        naming: naming_update(&mask, group.name, group.description, group.labels),
    };
    fields.finish()?;
    Ok(request)
}

pub(super) fn add(request: pb::AddRulesRequest) -> Result<AddRules, Status> {
    let mut fields = Fields::of("");
    let request = AddRules {
        id: SecurityGroupId(fields.uuid("security_group_id", &request.security_group_id)),
        etag: expected_etag(request.etag),
        rules: rules(request.rules, &mut fields),
    };
    fields.finish()?;
    Ok(request)
}

pub(super) fn remove(request: pb::RemoveRulesRequest) -> Result<RemoveRules, Status> {
    let mut fields = Fields::of("");
    let id = SecurityGroupId(fields.uuid("security_group_id", &request.security_group_id));
    let rule_ids = request.rule_ids.iter().enumerate();
    let rule_ids =
        rule_ids.map(|(index, id)| RuleId(fields.uuid(format_args!("rule_ids[{index}]"), id)));
    let rules = rule_ids.collect();
    fields.finish()?;
    let request = RemoveRules { id, etag: expected_etag(request.etag), rules };
    Ok(request)
}

impl Filter<SecurityGroup> for OfProject {
    fn matches(&self, group: &SecurityGroup) -> bool {
        self.has(group.project, &group.meta)
    }
}

impl Resource for SecurityGroup {
    const KIND: Kind = Kind::SecurityGroup;
    type Answer = pb::SecurityGroup;

    fn find(model: &Model, id: Uuid) -> Option<&Arc<Self>> {
        model.security_group(SecurityGroupId(id))
    }

    fn key(&self) -> Key {
        self.meta.key
    }

    fn stored(&self, _: HostName<'_>) -> pb::SecurityGroup {
        let meta = &self.meta;
        pb::SecurityGroup {
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
            stateful: Some(self.stateful),
            rules: self.rules.iter().map(rule).collect(),
            is_default: self.default,
        }
    }
}
