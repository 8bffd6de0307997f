use std::sync::Arc;

use super::default_group::DEFAULT;
use super::plan::{create, delete, existing, replace};
use super::rules::{Owner, added, check_rules, check_spread, replaced, take_keys};
use super::{Context, Naming, NamingUpdate, Plan, Rejection, RuleRequest, Violations};
use crate::key::Kind;
use crate::model::{
    Model, ProjectId, ResourceId, Rule, RuleId, SecurityGroup, SecurityGroupId, Traffic,
};

/// A request for a new security group.
#[derive(Clone, Debug)]
pub struct CreateSecurityGroup {
    /// Chosen by the client.
    pub id: SecurityGroupId,
    /// Name (not `default`, which is that of the group every project has), description, labels.
    pub naming: Naming,
    /// The owner.
    pub project: ProjectId,
    /// True when `None`.
    pub stateful: Option<bool>,
    /// All its rules, at most [`MAX_RULES`](super::MAX_RULES): without any, nothing is allowed.
    pub rules: Vec<RuleRequest>,
}

/// A request to change a security group; `None` leaves a field as it is.
#[derive(Clone, Debug)]
pub struct UpdateSecurityGroup {
    /// Which one.
    pub id: SecurityGroupId,
    /// The version that the client has seen; `None` for any.
    pub etag: Option<String>,
    /// Name (a default group keeps its own), description, labels.
    pub naming: NamingUpdate,
    /// As in [`CreateSecurityGroup`]; cannot change while a port has the group.
    pub stateful: Option<Option<bool>>,
    /// As in [`CreateSecurityGroup`]; replaces all of them.
    pub rules: Option<Vec<RuleRequest>>,
    /// Cannot change: must be what it is.
    pub project: Option<ProjectId>,
}

/// A request to add rules to a security group, all or none.
#[derive(Clone, Debug)]
pub struct AddRules {
    /// Which group.
    pub id: SecurityGroupId,
    /// The version that the client has seen; `None` for any.
    pub etag: Option<String>,
    /// The rules, at least one. One that is there already is harmless if it was named by its
    /// UUID.
    pub rules: Vec<RuleRequest>,
}

/// A request to remove rules from a security group, all or none.
#[derive(Clone, Debug)]
pub struct RemoveRules {
    /// Which group.
    pub id: SecurityGroupId,
    /// The version that the client has seen; `None` for any.
    pub etag: Option<String>,
    /// The rules, at least one.
    pub rules: Vec<RuleId>,
}

/// Makes a security group.
///
/// # Errors
///
/// `InvalidArgument`; `NotFound` (project, remote group, remote address group); `AlreadyExists`
/// (id, id of a rule, the name `default`); `ResourceExhausted` (keys, remotes).
pub fn create_security_group(
    context: &Context<'_>,
    request: CreateSecurityGroup,
) -> Result<Plan<Arc<SecurityGroup>>, Rejection> {
    let CreateSecurityGroup { id, naming, project, stateful, rules } = request;
    let mut violations = Violations::new();
    naming.check(&mut violations);
    let traffic = check_rules(&rules, violations)?;
    let stateful = stateful.unwrap_or(true);

    if let Some(existing) = context.model.security_group(id) {
        let is_rule = |((request, allows), rule): ((&RuleRequest, &Traffic), &Rule)| {
            rule.allows == *allows && request.is(rule)
        };
        let same = naming.is_of(&existing.meta)
            && project == existing.project
            && stateful == existing.stateful
            && rules.len() == existing.rules.len()
            && rules.iter().zip(&traffic).zip(&existing.rules).all(is_rule);
        if same {
            return Ok(Plan::unchanged(existing.clone()));
        }
        return Err(Rejection::different(ResourceId::SecurityGroup(id)));
    }
    if context.model.project(project).is_none() {
        return Err(Rejection::unknown_in("project_id", ResourceId::Project(project)));
    }
    if naming.name == DEFAULT {
        return Err(is_default_name(context.model, project));
    }
    let owner = Owner { group: id, project, rules: &[] };
    let rules = replaced(context, owner, &rules, &traffic)?;
    check_spread(context, owner, &rules)?;
    let meta = context.new_meta(Kind::SecurityGroup, naming)?;
    let keys = take_keys(&[], &rules);
    let mut plan = create(SecurityGroup { id, meta, project, stateful, default: false, rules });
    plan.changes.extend(keys);
    Ok(plan)
}

/// Changes a security group.
///
/// # Errors
///
/// `InvalidArgument`, also for another project or another name of a default group; `NotFound`
/// (also of a remote group or remote address group); `Aborted`; `AlreadyExists` (id of a rule,
/// the name `default`); `FailedPrecondition` when `stateful` changes while ports have the group;
/// `ResourceExhausted` (keys, remotes).
pub fn update_security_group(
    context: &Context<'_>,
    request: UpdateSecurityGroup,
) -> Result<Plan<Arc<SecurityGroup>>, Rejection> {
    let old = group(context, request.id, request.etag.as_deref())?;
    let mut violations = Violations::new();
    request.naming.check(&mut violations);
    let renamed = request.naming.name.as_ref().filter(|name| **name != old.meta.name);
    if old.default && renamed.is_some() {
        violations.add("name", "is that of the group which every project has: cannot change");
    }
    if request.project.is_some_and(|project| project != old.project) {
        violations.add("project_id", "cannot change");
    }
    let requests = request.rules.as_deref();
    let traffic = check_rules(requests.unwrap_or_default(), violations)?;
    if renamed.is_some_and(|name| name == DEFAULT) {
        return Err(is_default_name(context.model, old.project));
    }

    let mut new = SecurityGroup::clone(old);
    if let Some(stateful) = request.stateful {
        new.stateful = stateful.unwrap_or(true);
    }
    if new.stateful != old.stateful {
        has_no_ports(context.model, old)?;
    }
    if let Some(requests) = requests {
        new.rules = replaced(context, Owner::of(old), requests, &traffic)?;
    }
    request.naming.apply(&mut new.meta);
    with_rules(context, old, new)
}

/// Adds rules to a security group, after those that it has.
///
/// # Errors
///
/// `InvalidArgument`; `NotFound` (also of a remote group or remote address group); `Aborted`;
/// `AlreadyExists` (id of a rule, or what a rule allows); `ResourceExhausted` (keys, rules,
/// remotes).
pub fn add_rules(
    context: &Context<'_>,
    request: AddRules,
) -> Result<Plan<Arc<SecurityGroup>>, Rejection> {
    let AddRules { id, etag, rules } = request;
    let old = group(context, id, etag.as_deref())?;
    let mut violations = Violations::new();
    if rules.is_empty() {
        violations.add("rules", "is required");
    }
    let traffic = check_rules(&rules, violations)?;
    let rules = added(context, Owner::of(old), &rules, &traffic)?;
    with_rules(context, old, SecurityGroup { rules, ..SecurityGroup::clone(old) })
}

/// Removes rules from a security group.
///
/// # Errors
///
/// `InvalidArgument`; `NotFound`, also of a rule that is not one of the group's; `Aborted`.
pub fn remove_rules(
    context: &Context<'_>,
    request: RemoveRules,
) -> Result<Plan<Arc<SecurityGroup>>, Rejection> {
    let RemoveRules { id, etag, rules } = request;
    let old = group(context, id, etag.as_deref())?;
    let mut violations = Violations::new();
    if rules.is_empty() {
        violations.add("rule_ids", "is required");
    }
    let mut new = SecurityGroup::clone(old);
    for (index, id) in rules.iter().enumerate() {
        if rules[..index].contains(id) {
            violations.add(format!("rule_ids[{index}]"), format_args!("{id} is there twice"));
            continue;
        }
        let Some(at) = new.rules.iter().position(|rule| rule.id == *id) else {
            let field = format!("rule_ids[{index}]");
            return Err(Rejection::unknown_in(field, ResourceId::Rule(*id)));
        };
        new.rules.remove(at);
    }
    violations.finish()?;
    Ok(replace(context, old, new))
}

/// Deletes a security group with its rules.
///
/// # Errors
///
/// `NotFound`, `Aborted`, `FailedPrecondition` for a default group, and while a port has the
/// group or a rule of another one names it.
pub fn delete_security_group(
    context: &Context<'_>,
    id: SecurityGroupId,
    etag: Option<&str>,
) -> Result<Plan<()>, Rejection> {
    let old = group(context, id, etag)?;
    if old.default {
        return Err(Rejection::obstacle(
            "DEFAULT_GROUP",
            format!("security_group/{id}"),
            format!("security group {id} is the default of project {}", old.project),
        ));
    }
    let ports = context.model.members_of(id).map(|port| ResourceId::Port(port.id));
    let others = context.model.groups_naming(id).filter(|other| other.id != id);
    let naming = |rule: &&Rule| rule.allows.remote.group() == Some(id);
    let rules = others.flat_map(|other| other.rules.iter().filter(naming));
    let users: Vec<_> = ports.chain(rules.map(|rule| ResourceId::Rule(rule.id))).collect();
    delete(ResourceId::SecurityGroup(id), &users)
}

fn group<'a>(
    context: &Context<'a>,
    id: SecurityGroupId,
    etag: Option<&str>,
) -> Result<&'a Arc<SecurityGroup>, Rejection> {
    existing(ResourceId::SecurityGroup(id), context.model.security_group(id), etag)
}

/// `new`, which may have other rules than `old`, takes its place.
fn with_rules(
    context: &Context<'_>,
    old: &Arc<SecurityGroup>,
    new: SecurityGroup,
) -> Result<Plan<Arc<SecurityGroup>>, Rejection> {
    check_spread(context, Owner::of(old), &new.rules)?;
    let keys = take_keys(&old.rules, &new.rules);
    let mut plan = replace(context, old, new);
    plan.changes.extend(keys);
    Ok(plan)
}

fn has_no_ports(model: &Model, group: &SecurityGroup) -> Result<(), Rejection> {
    let ports: Vec<_> = model.members_of(group.id).map(|port| ResourceId::Port(port.id)).collect();
    if ports.is_empty() {
        return Ok(());
    }
    Err(Rejection::in_use(ResourceId::SecurityGroup(group.id), &ports))
}

fn is_default_name(model: &Model, project: ProjectId) -> Rejection {
    let holder = match model.default_group(project) {
        Some(group) => ResourceId::SecurityGroup(group.id),
        None => ResourceId::Project(project),
    };
    Rejection::AlreadyExists {
        holder,
        field: "name".to_owned(),
        description: format!("{DEFAULT} is the name of the group that project {project} has"),
    }
}
