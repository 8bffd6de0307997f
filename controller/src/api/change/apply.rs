//! `ChangeService.Apply`.

use std::collections::HashMap;

use proto::v1 as pb;
use proto::v1::apply_request::change::Change as Any;
use proto::v1::apply_response::HostPlan;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use topology::intent::{
    Context, Violations, add_rules, create_address_group, create_host, create_network, create_port,
    create_project, create_security_group, create_subnet, delete_address_group, delete_host,
    delete_network, delete_port, delete_project, delete_security_group, delete_subnet,
    remove_rules, update_address_group, update_host, update_network, update_port, update_project,
    update_security_group, update_subnet,
};
use topology::model::{
    AddressGroupId, HostId, NetworkId, PortId, ProjectId, ResourceId, SecurityGroupId, SubnetId,
};

use super::resource;
use crate::api::naming::expected_etag;
use crate::api::resource::parse_id;
use crate::api::{
    Api, address_group, host, network, port, project, security_group, status, subnet,
};
use crate::engine::{ApplyError, Step, View};

/// Most changes of one request.
const MAX_CHANGES: usize = 10_000;

/// Commits what is asked for, or says what it would come to.
pub(super) async fn apply(
    api: &Api,
    request: pb::ApplyRequest,
) -> Result<pb::ApplyResponse, Status> {
    let pb::ApplyRequest { changes, validate_only, base_revision } = request;
    let (names, steps): (Vec<_>, Vec<_>) = parse(changes)?.into_iter().unzip();
    let subjects: Vec<_> = steps.iter().map(|step: &Step| step.subject).collect();
    for (subject, name) in subjects.iter().zip(&names) {
        if let (ResourceId::Host(id), "delete_host") = (*subject, name.1) {
            let refusal = host::may_be_deleted(api, id).await;
            refusal.map_err(|refusal| status::within(&path(*name), &refusal))?;
        }
    }
    let base = Some(base_revision).filter(|revision| *revision != 0);
    let refused = |error| refused(&names, error);
    if validate_only {
        let read = move |view: &View<'_>| (view.revision, answers(view, &subjects));
        let ((revision, resources), plan) =
            api.engine.preview(steps, base, read).await.map_err(refused)?;
        let plan = plan.into_iter().map(|host| HostPlan {
            host_id: host.id.to_string(),
            name: host.name,
            flows_added: host.flows.added as u64,
            flows_changed: host.flows.changed as u64,
            flows_removed: host.flows.removed as u64,
        });
        return Ok(pb::ApplyResponse { revision, resources, plan: plan.collect() });
    }
    let read = move |view: &View<'_>| answers(view, &subjects);
    let committed = api.engine.apply(steps, base, read).await.map_err(refused)?;
    let (revision, resources) = (committed.revision, committed.answer);
    Ok(pb::ApplyResponse { revision, resources, plan: Vec::new() })
}

/// The resources as they are; without value for one that is not there.
fn answers(view: &View<'_>, subjects: &[ResourceId]) -> Vec<pb::Resource> {
    subjects.iter().map(|id| resource::answer(view, *id)).collect()
}

/// The number of a change in the request, and what it is.
type Name = (usize, &'static str);

fn path((index, name): Name) -> String {
    format!("changes[{index}].{name}")
}

/// What each change asks for, or everything that is wrong with any of them.
fn parse(changes: Vec<pb::apply_request::Change>) -> Result<Vec<(Name, Step)>, Status> {
    let mut violations = Violations::new();
    if changes.len() > MAX_CHANGES {
        let count = changes.len();
        violations.add("changes", format_args!("{count} changes: expected at most {MAX_CHANGES}"));
    }
    let mut steps = Vec::with_capacity(changes.len());
    for (index, change) in changes.into_iter().enumerate() {
        let Some(change) = change.change else {
            violations.add(format!("changes[{index}]"), "says nothing that this version knows");
            continue;
        };
        let (name, parsed) = step(change);
        match parsed {
            Ok(step) => steps.push(((index, name), step)),
            Err(status) => {
                let details = status.get_error_details();
                let wrong = details.bad_request().map(|wrong| wrong.field_violations.clone());
                for wrong in wrong.unwrap_or_default() {
                    let field = status::path(&path((index, name)), &wrong.field);
                    violations.add(field, wrong.description);
                }
            }
        }
    }
    violations.finish().map_err(|rejection| status::rejected("", rejection))?;
    Ok(steps)
}

/// What a change is called, and what it asks for. The functions that plan them are called as the
/// fields of the request.
fn step(change: Any) -> (&'static str, Result<Step, Status>) {
    macro_rules! written {
        ($plan:ident, $parsed:expr, $kind:ident) => {{
            let step = $parsed.map(|request| Step {
                subject: ResourceId::$kind(request.id),
                plan: Box::new(move |context: &Context<'_>| Ok($plan(context, request)?.changes)),
            });
            (stringify!($plan), step)
        }};
    }
    macro_rules! deleted {
        ($plan:ident, $request:ident, $kind:ident($id:ident)) => {{
            let step = parse_id(&$request.id).map($id).map(|id| Step {
                subject: ResourceId::$kind(id),
                plan: Box::new(move |context: &Context<'_>| {
                    let etag = expected_etag($request.etag);
                    Ok($plan(context, id, etag.as_deref())?.changes)
                }),
            });
            (stringify!($plan), step)
        }};
    }
    match change {
        Any::CreateProject(it) => written!(create_project, project::create(it), Project),
        Any::UpdateProject(it) => written!(update_project, project::update(it), Project),
        Any::DeleteProject(it) => deleted!(delete_project, it, Project(ProjectId)),
        Any::CreateNetwork(it) => written!(create_network, network::create(it), Network),
        Any::UpdateNetwork(it) => written!(update_network, network::update(it), Network),
        Any::DeleteNetwork(it) => deleted!(delete_network, it, Network(NetworkId)),
        Any::CreateSubnet(it) => written!(create_subnet, subnet::create(it), Subnet),
        Any::UpdateSubnet(it) => written!(update_subnet, subnet::update(it), Subnet),
        Any::DeleteSubnet(it) => deleted!(delete_subnet, it, Subnet(SubnetId)),
        Any::CreatePort(it) => written!(create_port, port::create(it), Port),
        Any::UpdatePort(it) => written!(update_port, port::update(it), Port),
        Any::DeletePort(it) => deleted!(delete_port, it, Port(PortId)),
        Any::CreateHost(it) => written!(create_host, host::create(it), Host),
        Any::UpdateHost(it) => written!(update_host, host::update(it), Host),
        Any::DeleteHost(it) => deleted!(delete_host, it, Host(HostId)),
        Any::CreateSecurityGroup(it) => {
            written!(create_security_group, security_group::create(it), SecurityGroup)
        }
        Any::UpdateSecurityGroup(it) => {
            written!(update_security_group, security_group::update(it), SecurityGroup)
        }
        Any::DeleteSecurityGroup(it) => {
            deleted!(delete_security_group, it, SecurityGroup(SecurityGroupId))
        }
        Any::CreateAddressGroup(it) => {
            written!(create_address_group, address_group::create(it), AddressGroup)
        }
        Any::UpdateAddressGroup(it) => {
            written!(update_address_group, address_group::update(it), AddressGroup)
        }
        Any::DeleteAddressGroup(it) => {
            deleted!(delete_address_group, it, AddressGroup(AddressGroupId))
        }
        Any::AddRules(it) => written!(add_rules, security_group::add(it), SecurityGroup),
        Any::RemoveRules(it) => written!(remove_rules, security_group::remove(it), SecurityGroup),
    }
}

fn refused(names: &[Name], error: ApplyError) -> Status {
    match error {
        ApplyError::Rejected { index, rejection } => {
            let name = names.get(index).copied().unwrap_or_default();
            status::within(&path(name), &status::rejected(prefix(name.1), rejection))
        }
        ApplyError::Moved { expected, found } => {
            let message =
                format!("the store is at revision {found}, the request expects {expected}");
            let metadata = [("expected", expected), ("found", found)];
            let metadata: HashMap<_, _> =
                metadata.map(|(name, revision)| (name.to_owned(), revision.to_string())).into();
            let details =
                ErrorDetails::with_error_info("REVISION_MISMATCH", status::DOMAIN, metadata);
            Status::with_error_details(Code::Aborted, message, details)
        }
        ApplyError::Stopped(stop) => status::stopped(stop),
    }
}

/// The field of a request that holds the resource.
fn prefix(name: &'static str) -> &'static str {
    name.strip_prefix("create_").or(name.strip_prefix("update_")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::MAX_CHANGES;
    use crate::limits::documented::{check, number};

    #[test]
    fn the_limit_is_documented() {
        check("gRPC", &[("changes of one `Apply`", number(MAX_CHANGES))]);
    }
}
