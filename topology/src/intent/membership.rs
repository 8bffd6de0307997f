//! Which security groups a port has, and the profiles that come and go with them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::rules::{MAX_REMOTES, remotes, too_many_remotes};
use super::{Context, Naming, Plan, Rejection, Violations};
use crate::key::Kind;
use crate::model::{
    Change, Port, Profile, ProfileId, ProjectId, Resource, ResourceId, SecurityGroupId,
};

/// Most security groups of a port.
pub const MAX_SECURITY_GROUPS: usize = 16;

/// Adds what is wrong with a list of groups, whatever the state of the system.
pub(super) fn check_groups(groups: &[SecurityGroupId], violations: &mut Violations) {
    if groups.len() > MAX_SECURITY_GROUPS {
        let count = groups.len();
        violations.add(
            FIELD,
            format_args!("{count} security groups: expected at most {MAX_SECURITY_GROUPS}"),
        );
        return;
    }
    for (index, group) in groups.iter().enumerate() {
        if groups[..index].contains(group) {
            violations.add(format!("{FIELD}[{index}]"), format_args!("{group} is there twice"));
        }
    }
}

/// The set of the groups that a port with port security asks for, if a port of the project can
/// have them.
pub(super) fn groups_of(
    context: &Context<'_>,
    project: ProjectId,
    groups: &[SecurityGroupId],
) -> Result<BTreeSet<SecurityGroupId>, Rejection> {
    let mut violations = Violations::new();
    let mut found = Vec::with_capacity(groups.len());
    for (index, id) in groups.iter().enumerate() {
        let field = format!("{FIELD}[{index}]");
        let Some(group) = context.model.security_group(*id) else {
            return Err(Rejection::unknown_in(field, ResourceId::SecurityGroup(*id)));
        };
        if group.project != project {
            let other = group.project;
            violations
                .add(field, format_args!("{id} belongs to project {other}: expected {project}"));
        }
        found.push(group);
    }
    let stateful = found.iter().find(|group| group.stateful);
    let stateless = found.iter().find(|group| !group.stateful);
    if let (Some(stateful), Some(stateless)) = (stateful, stateless) {
        let (stateful, stateless) = (stateful.id, stateless.id);
        violations.add(
            FIELD,
            format_args!(
                "{stateful} is stateful and {stateless} is not: expected one or the other"
            ),
        );
    }
    violations.finish()?;
    let set: BTreeSet<_> = groups.iter().copied().collect();
    let all: BTreeSet<_> = found.iter().flat_map(|group| remotes(&group.rules)).collect();
    if all.len() > MAX_REMOTES {
        return Err(too_many_remotes(all.len(), &set));
    }
    Ok(set)
}

/// The groups of a port that asks for none: its project's default group with port security.
pub(super) fn default_groups(
    context: &Context<'_>,
    project: ProjectId,
    port_security: bool,
) -> BTreeSet<SecurityGroupId> {
    let group = context.model.default_group(project).filter(|_| port_security);
    group.map(|group| group.id).into_iter().collect()
}

/// What changes of the profiles when a port changes.
#[derive(Debug, Default)]
pub(super) struct ProfileChanges {
    /// The profile that the port is the first of, before the port has it.
    pub(super) before: Vec<Change>,
    /// The profile that the port was the last of, after the port has left it.
    pub(super) after: Vec<Change>,
}

impl ProfileChanges {
    /// They go along with the port's own change.
    pub(super) fn around<T>(self, port: Plan<T>) -> Plan<T> {
        let changes = self.before.into_iter().chain(port.changes).chain(self.after).collect();
        Plan { changes, answer: port.answer }
    }
}

/// The profiles that come and go when `old` becomes `new`.
pub(super) fn profile_changes(
    context: &Context<'_>,
    old: Option<&Port>,
    new: Option<&Port>,
) -> Result<ProfileChanges, Rejection> {
    let set = |port: &Port| port.port_security.then(|| port.security_groups.clone());
    let [left, joined] = [old, new].map(|port| port.and_then(set));
    let mut changes = ProfileChanges::default();
    if left == joined {
        return Ok(changes);
    }
    if let Some(groups) = joined
        && context.model.profile_of_groups(&groups).is_none()
    {
        let meta = context.new_meta(Kind::Profile, Naming::default())?;
        let key = meta.key;
        let profile = Profile { id: ProfileId::of(key), meta, groups };
        changes.before.push(Change::Put(Resource::Profile(Arc::new(profile))));
        changes.before.push(Change::NextKey(Kind::Profile, key.next()));
    }
    if let Some(profile) = left.and_then(|groups| context.model.profile_of_groups(&groups))
        && context.model.ports_of_profile(profile).nth(1).is_none()
    {
        changes.after.push(Change::Delete(ResourceId::Profile(profile.id)));
    }
    Ok(changes)
}

/// The request's field.
const FIELD: &str = "security_group_ids";
