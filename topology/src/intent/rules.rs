//! Which rules a security group has after a request.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Rejection, RuleIdRequest, RuleRequest, Violations};
use crate::key::{Key, Kind};
use crate::model::{
    Change, ProjectId, Remote, ResourceId, Rule, RuleId, SecurityGroup, SecurityGroupId, Traffic,
};

/// Most rules of a security group.
pub const MAX_RULES: usize = 1000;
/// Most different remote groups and remote address groups in all the rules of a port.
pub const MAX_REMOTES: usize = 256;

/// The group whose rules a request is about; it need not exist yet.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) group: SecurityGroupId,
    pub(super) project: ProjectId,
    pub(super) rules: &'a [Rule],
}

impl<'a> Owner<'a> {
    /// A group that exists.
    pub(super) fn of(group: &'a SecurityGroup) -> Self {
        Self { group: group.id, project: group.project, rules: &group.rules }
    }
}

/// What each rule allows; refuses the request if anything is wrong with a rule, or was before.
pub(super) fn check_rules(
    requests: &[RuleRequest],
    mut violations: Violations,
) -> Result<Vec<Traffic>, Rejection> {
    let count = requests.len();
    let requests = if count > MAX_RULES {
        violations.add("rules", format_args!("{count} rules: expected at most {MAX_RULES}"));
        &[]
    } else {
        requests
    };
    let mut all = Vec::with_capacity(requests.len());
    let mut seen = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (index, request) in requests.iter().enumerate() {
        let field = format!("rules[{index}]");
        if let RuleIdRequest::Chosen(id) = request.id
            && !ids.insert(id)
        {
            violations.add(format!("{field}.id"), format_args!("{id} is there twice"));
        }
        match request.traffic() {
            Ok(traffic) => {
                if let Some(first) = seen.insert(traffic.canonical(), index) {
                    violations.add(field, format_args!("allows the same as rules[{first}]"));
                }
                all.push(traffic);
            }
            Err(wrong) => violations.add_within(&field, wrong),
        }
    }
    violations.finish()?;
    Ok(all)
}

/// The rules that were asked for, in that order; of the group's present rules, those that are
/// meant keep their identity.
pub(super) fn replaced(
    context: &Context<'_>,
    owner: Owner<'_>,
    requests: &[RuleRequest],
    traffic: &[Traffic],
) -> Result<Vec<Rule>, Rejection> {
    check_remotes(context, owner, requests)?;
    let chosen: BTreeSet<RuleId> = requests.iter().filter_map(chosen_id).collect();
    let equal: BTreeMap<Traffic, &Rule> = owner
        .rules
        .iter()
        .filter(|rule| !chosen.contains(&rule.id))
        .map(|rule| (rule.allows.canonical(), rule))
        .collect();
    let mut keys = context.model.free_keys(Kind::Rule);
    let mut rules = Vec::with_capacity(requests.len());
    for (index, (request, &allows)) in requests.iter().zip(traffic).enumerate() {
        let meant = match request.id {
            RuleIdRequest::Chosen(id) => owner.rules.iter().find(|rule| rule.id == id),
            RuleIdRequest::Fresh(_) => equal.get(&allows.canonical()).copied(),
        };
        let (id, key) = match meant {
            Some(rule) => (rule.id, rule.key),
            None => (unused_id(context, request, index)?, next(&mut keys)?),
        };
        let RuleRequest { description, log, .. } = request;
        rules.push(Rule { id, key, description: description.clone(), allows, log: *log });
    }
    Ok(rules)
}

/// The group's rules and after them the ones that were asked for and are not there yet.
pub(super) fn added(
    context: &Context<'_>,
    owner: Owner<'_>,
    requests: &[RuleRequest],
    traffic: &[Traffic],
) -> Result<Vec<Rule>, Rejection> {
    check_remotes(context, owner, requests)?;
    let ids: BTreeMap<RuleId, &Rule> = owner.rules.iter().map(|rule| (rule.id, rule)).collect();
    let present: BTreeMap<Traffic, RuleId> =
        owner.rules.iter().map(|rule| (rule.allows.canonical(), rule.id)).collect();
    let mut keys = context.model.free_keys(Kind::Rule);
    let mut rules = owner.rules.to_vec();
    for (index, (request, &allows)) in requests.iter().zip(traffic).enumerate() {
        if let Some(rule) = chosen_id(request).and_then(|id| ids.get(&id)) {
            if rule.allows == allows && request.is(rule) {
                continue;
            }
            return Err(taken_id(rule.id, index));
        }
        if let Some(&equal) = present.get(&allows.canonical()) {
            return Err(Rejection::AlreadyExists {
                holder: ResourceId::Rule(equal),
                field: format!("rules[{index}]"),
                description: format!("rule {equal} allows the same"),
            });
        }
        let (id, key) = (unused_id(context, request, index)?, next(&mut keys)?);
        let RuleRequest { description, log, .. } = request;
        rules.push(Rule { id, key, description: description.clone(), allows, log: *log });
    }
    if rules.len() > MAX_RULES {
        let (group, count) = (owner.group, rules.len());
        return Err(Rejection::ResourceExhausted {
            subject: format!("security_group/{group}"),
            description: format!("security group {group} would have {count} rules of {MAX_RULES}"),
        });
    }
    Ok(rules)
}

/// The change by which the keys of rules that are new in `rules` are taken.
pub(super) fn take_keys(old: &[Rule], rules: &[Rule]) -> Option<Change> {
    let known: BTreeSet<Key> = old.iter().map(|rule| rule.key).collect();
    let mut new = rules.iter().map(|rule| rule.key).filter(|key| !known.contains(key));
    // Given out in this order.
    new.next_back().map(|last| Change::NextKey(Kind::Rule, last.next()))
}

/// Refuses rules with which a port of the group would have too many remotes.
pub(super) fn check_spread(
    context: &Context<'_>,
    owner: Owner<'_>,
    rules: &[Rule],
) -> Result<(), Rejection> {
    let [before, after] = [owner.rules, rules].map(|rules| remotes(rules).collect::<BTreeSet<_>>());
    if after.is_subset(&before) {
        return Ok(());
    }
    let group = owner.group;
    let profiles = context.model.profiles_with(group).map(|profile| profile.groups.clone());
    for groups in profiles.chain([BTreeSet::from([group])]) {
        let others = groups.iter().filter(|other| **other != group);
        let others = others.filter_map(|other| context.model.security_group(*other));
        let mut all = after.clone();
        all.extend(others.flat_map(|other| remotes(&other.rules)));
        if all.len() > MAX_REMOTES {
            return Err(too_many_remotes(all.len(), &groups));
        }
    }
    Ok(())
}

/// The groups and address groups that rules name.
pub(super) fn remotes(rules: &[Rule]) -> impl Iterator<Item = Remote> + '_ {
    let remotes = rules.iter().map(|rule| rule.allows.remote);
    remotes.filter(|remote| matches!(remote, Remote::Group(_) | Remote::AddressGroup(_)))
}

/// A port with these groups would have too many.
pub(super) fn too_many_remotes(count: usize, groups: &BTreeSet<SecurityGroupId>) -> Rejection {
    let groups: Vec<_> = groups.iter().map(ToString::to_string).collect();
    let groups = groups.join(", ");
    Rejection::ResourceExhausted {
        subject: "remotes".to_owned(),
        description: format!(
            "the rules of security groups {groups} name {count} remote groups and remote address \
             groups: expected at most {MAX_REMOTES}"
        ),
    }
}

/// Refuses groups that do not exist or are another project's.
fn check_remotes(
    context: &Context<'_>,
    owner: Owner<'_>,
    requests: &[RuleRequest],
) -> Result<(), Rejection> {
    let mut violations = Violations::new();
    for (index, request) in requests.iter().enumerate() {
        let (field, id, project) = match request.remote {
            Remote::Any | Remote::Prefix(_) => continue,
            // A new group may name itself.
            Remote::Group(id) if id == owner.group => continue,
            Remote::Group(id) => {
                let project = context.model.security_group(id).map(|group| group.project);
                ("remote_group_id", ResourceId::SecurityGroup(id), project)
            }
            Remote::AddressGroup(id) => {
                let project = context.model.address_group(id).map(|group| group.project);
                ("remote_address_group_id", ResourceId::AddressGroup(id), project)
            }
        };
        let field = format!("rules[{index}].{field}");
        match project {
            None => return Err(Rejection::unknown_in(field, id)),
            Some(project) if project != owner.project => violations.add(
                field,
                format_args!(
                    "{} belongs to project {project}: expected {}",
                    id.uuid(),
                    owner.project
                ),
            ),
            Some(_) => {}
        }
    }
    violations.finish()
}

fn chosen_id(request: &RuleRequest) -> Option<RuleId> {
    match request.id {
        RuleIdRequest::Chosen(id) => Some(id),
        RuleIdRequest::Fresh(_) => None,
    }
}

/// The UUID of a new rule, which no rule of any group has.
fn unused_id(
    context: &Context<'_>,
    request: &RuleRequest,
    index: usize,
) -> Result<RuleId, Rejection> {
    let (RuleIdRequest::Chosen(id) | RuleIdRequest::Fresh(id)) = request.id;
    match context.model.rule(id) {
        None => Ok(id),
        Some(_) => Err(taken_id(id, index)),
    }
}

fn taken_id(id: RuleId, index: usize) -> Rejection {
    Rejection::AlreadyExists {
        holder: ResourceId::Rule(id),
        field: format!("rules[{index}].id"),
        description: format!("rule {id} exists and differs from what is asked"),
    }
}

fn next(keys: &mut impl Iterator<Item = Key>) -> Result<Key, Rejection> {
    keys.next().ok_or_else(no_key)
}

/// No rule can be made any more.
pub(super) fn no_key() -> Rejection {
    Rejection::ResourceExhausted {
        subject: "keys/rule".to_owned(),
        description: "every rule key is in use".to_owned(),
    }
}
