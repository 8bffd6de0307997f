//! The security group that every project has.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::membership::profile_changes;
use super::plan::{create, touch};
use super::rules::take_keys;
use super::{Context, Naming, Plan, Rejection};
use crate::key::Kind;
use crate::model::{
    Change, Direction, Ethertype, Port, ProjectId, Remote, Resource, ResourceId, Rule, RuleId,
    SecurityGroup, SecurityGroupId, Traffic,
};

/// Its name, which no other group of the project has.
pub(super) const DEFAULT: &str = "default";

/// The default group of a new project: all that its members send is allowed, and what they
/// receive from one another.
pub(super) fn create_default_group(
    context: &Context<'_>,
    project: ProjectId,
) -> Result<Plan<Arc<SecurityGroup>>, Rejection> {
    let model = context.model;
    let naming = Naming { name: DEFAULT.to_owned(), ..Naming::default() };
    let taken = |id| model.security_group(SecurityGroupId(id)).is_some();
    let id = SecurityGroupId(free_id(project.0, DEFAULT, taken));
    let members = Remote::Group(id);
    let allowed = [
        ("egress IPv4", Direction::Egress, Ethertype::Ipv4, Remote::Any),
        ("egress IPv6", Direction::Egress, Ethertype::Ipv6, Remote::Any),
        ("ingress IPv4", Direction::Ingress, Ethertype::Ipv4, members),
        ("ingress IPv6", Direction::Ingress, Ethertype::Ipv6, members),
    ];
    let mut rules = Vec::with_capacity(allowed.len());
    for ((name, direction, ethertype, remote), key) in
        allowed.into_iter().zip(model.free_keys(Kind::Rule))
    {
        let taken = |id| model.rule(RuleId(id)).is_some();
        let id = RuleId(free_id(id.0, name, taken));
        let allows = Traffic { remote, ..Traffic::any(direction, ethertype) };
        rules.push(Rule { id, key, description: String::new(), allows, log: false });
    }
    if rules.len() < allowed.len() {
        return Err(super::rules::no_key());
    }
    let meta = context.new_meta(Kind::SecurityGroup, naming)?;
    let keys = take_keys(&[], &rules);
    let group = SecurityGroup { id, meta, project, stateful: true, default: true, rules };
    let mut plan = create(group);
    plan.changes.extend(keys);
    Ok(plan)
}

/// Gives a default group to a project that an earlier version of Weft made, and puts its ports
/// that have port security into it: they had all been in no group, as there were none.
///
/// Changes nothing of a project that has a default group.
///
/// # Errors
///
/// `NotFound`, `ResourceExhausted` (keys).
pub fn adopt_project(context: &Context<'_>, project: ProjectId) -> Result<Plan<()>, Rejection> {
    let model = context.model;
    if model.project(project).is_none() {
        return Err(Rejection::unknown(ResourceId::Project(project)));
    }
    if model.default_group(project).is_some() {
        return Ok(Plan::unchanged(()));
    }
    let Plan { mut changes, answer: group } = create_default_group(context, project)?;
    let owned = model.owned_by(project).filter_map(|id| match id {
        ResourceId::Port(port) => model.port(port),
        _ => None,
    });
    let groups = BTreeSet::from([group.id]);
    let mut has_profile = false;
    for port in owned.filter(|port| port.port_security && port.security_groups.is_empty()) {
        let mut new = Port { security_groups: groups.clone(), ..Port::clone(port) };
        touch(context, &mut new);
        if !has_profile {
            changes.extend(profile_changes(context, None, Some(&new))?.before);
            has_profile = true;
        }
        changes.push(Change::Put(Resource::Port(Arc::new(new))));
    }
    Ok(Plan { changes, answer: () })
}

/// A UUID that is the same whenever it is made, and not taken.
fn free_id(namespace: Uuid, name: &str, taken: impl Fn(Uuid) -> bool) -> Uuid {
    let mut id = Uuid::new_v5(&namespace, name.as_bytes());
    while taken(id) {
        id = Uuid::new_v5(&id, name.as_bytes());
    }
    id
}
