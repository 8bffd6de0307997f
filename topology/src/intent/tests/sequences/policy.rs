//! Requests about security groups and address groups, and what must hold of them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::*;
use crate::key::Kind;

/// A rule: its UUID if it is chosen, its TCP port, who the remote is.
type RuleSketch = (bool, u8, u8, u8);

#[derive(Clone, Debug)]
pub(super) enum Request {
    Group { number: u8, project: u8, stateful: bool, rules: Vec<RuleSketch> },
    AddressGroup { number: u8, project: u8, prefixes: Vec<u8> },
    AddRules { group: u8, rules: Vec<RuleSketch> },
    RemoveRules { group: u8, indexes: Vec<u8> },
    ReplaceRules { group: u8, rules: Vec<RuleSketch> },
    Stateful { group: u8, stateful: bool },
    Join { port: u8, groups: Vec<u8> },
    Secure { port: u8, on: bool },
    DeleteGroup(u8),
    DeleteAddressGroup(u8),
    CreateProject(u8),
    DeleteProject(u8),
    Adopt(u8),
}

pub(super) fn request() -> impl Strategy<Value = Request> {
    let group = (0..6_u8, 1..4_u8, prop::bool::weighted(0.8), rules());
    let addresses = (0..3_u8, 1..4_u8, prop::collection::vec(0..4_u8, 0..3));
    let groups = prop::collection::vec(0..8_u8, 0..4);
    prop_oneof![
        3 => group.prop_map(|(number, project, stateful, rules)| {
            Request::Group { number, project, stateful, rules }
        }),
        1 => addresses.prop_map(|(number, project, prefixes)| {
            Request::AddressGroup { number, project, prefixes }
        }),
        2 => (0..7_u8, rules()).prop_map(|(group, rules)| Request::AddRules { group, rules }),
        1 => (0..7_u8, prop::collection::vec(0..5_u8, 1..3))
            .prop_map(|(group, indexes)| Request::RemoveRules { group, indexes }),
        1 => (0..7_u8, rules()).prop_map(|(group, rules)| Request::ReplaceRules { group, rules }),
        1 => (0..6_u8, any::<bool>())
            .prop_map(|(group, stateful)| Request::Stateful { group, stateful }),
        4 => (0..16_u8, groups).prop_map(|(port, groups)| Request::Join { port, groups }),
        1 => (0..16_u8, any::<bool>()).prop_map(|(port, on)| Request::Secure { port, on }),
        1 => (0..7_u8).prop_map(Request::DeleteGroup),
        1 => (0..3_u8).prop_map(Request::DeleteAddressGroup),
        1 => (1..4_u8).prop_map(Request::CreateProject),
        1 => (1..4_u8).prop_map(Request::DeleteProject),
        1 => (1..4_u8).prop_map(Request::Adopt),
    ]
}

fn rules() -> impl Strategy<Value = Vec<RuleSketch>> {
    prop::collection::vec((any::<bool>(), 0..12_u8, 0..3_u8, 0..12_u8), 0..4)
}

/// The groups 0 to 5 that requests make, and the default ones of projects 1 and 2.
fn group(number: u8) -> SecurityGroupId {
    match number {
        6 | 7 => SecurityGroupId(Uuid::new_v5(&id(number - 5), b"default")),
        number => SecurityGroupId(id(number)),
    }
}

fn rule((chosen, number, port, remote): RuleSketch) -> RuleRequest {
    let id = RuleId(id(number));
    RuleRequest {
        id: if chosen { RuleIdRequest::Chosen(id) } else { RuleIdRequest::Fresh(id) },
        remote: match remote {
            0..6 => Remote::Group(group(remote)),
            6..9 => Remote::AddressGroup(AddressGroupId(self::id(remote - 6))),
            9 => Remote::Prefix("0.0.0.0/0".parse().unwrap()),
            _ => Remote::Any,
        },
        ..tcp(number, port.into())
    }
}

fn prefix(number: u8) -> ipnet::IpNet {
    let prefixes = ["10.0.0.0/8", "10.0.0.0/16", "2001:db8::/64", "10.0.0.1/8"];
    prefixes[usize::from(number)].parse().unwrap()
}

pub(super) fn ask(world: &mut World, request: Request) -> Result<(), Rejection> {
    match request {
        Request::Group { number, project, stateful, rules } => {
            let request = CreateSecurityGroup {
                project: ProjectId(id(project)),
                stateful: Some(stateful),
                ..group_request(number, rules.into_iter().map(rule).collect())
            };
            world.run(|context| create_security_group(context, request)).map(drop)
        }
        Request::AddressGroup { number, project, prefixes } => {
            let request = CreateAddressGroup {
                project: ProjectId(id(project)),
                prefixes: prefixes.into_iter().map(prefix).collect(),
                ..address_group_request(number, &[])
            };
            world.run(|context| create_address_group(context, request)).map(drop)
        }
        Request::AddRules { group, rules } => {
            let rules = rules.into_iter().map(rule).collect();
            let request = AddRules { id: self::group(group), etag: None, rules };
            world.run(|context| add_rules(context, request)).map(drop)
        }
        Request::RemoveRules { group, indexes } => {
            let id = self::group(group);
            let found = world.model.security_group(id);
            let present = found.map(|group| group.rules.as_slice()).unwrap_or_default();
            let rule = |index: &u8| present.get(usize::from(*index)).map(|rule| rule.id);
            let rules = indexes.iter().filter_map(rule).collect();
            world
                .run(|context| remove_rules(context, RemoveRules { id, etag: None, rules }))
                .map(drop)
        }
        Request::ReplaceRules { group, rules } => {
            let request = UpdateSecurityGroup {
                id: self::group(group),
                rules: Some(rules.into_iter().map(rule).collect()),
                ..group_update(group)
            };
            world.run(|context| update_security_group(context, request)).map(drop)
        }
        Request::Stateful { group, stateful } => {
            let stateful = Some(Some(stateful));
            let request = UpdateSecurityGroup { stateful, ..group_update(group) };
            world.run(|context| update_security_group(context, request)).map(drop)
        }
        Request::Join { port, groups } => {
            let security_groups = Some(groups.into_iter().map(group).collect());
            let request = UpdatePort { security_groups, ..port_update(port) };
            world.run(|context| update_port(context, request)).map(drop)
        }
        Request::Secure { port, on } => {
            let request = UpdatePort {
                port_security: Some(Some(on)),
                allowed_address_pairs: Some(vec![]),
                ..port_update(port)
            };
            world.run(|context| update_port(context, request)).map(drop)
        }
        Request::DeleteGroup(number) => {
            world.run(|context| delete_security_group(context, group(number), None))
        }
        Request::DeleteAddressGroup(number) => {
            world.run(|context| delete_address_group(context, AddressGroupId(id(number)), None))
        }
        Request::CreateProject(number) => {
            world.run(|context| create_project(context, project_request(number))).map(drop)
        }
        Request::DeleteProject(number) => {
            world.run(|context| delete_project(context, ProjectId(id(number)), None))
        }
        Request::Adopt(number) => {
            world.run(|context| adopt_project(context, ProjectId(id(number))))
        }
    }
}

/// Everything that holds of security groups, profiles and the ports that have them.
pub(super) fn check(model: &Model) {
    check_groups(model);
    check_profiles(model);
    check_indexes(model);
    for project in model.projects().keys() {
        let group = model.default_group(*project).unwrap();
        assert!(group.default && group.project == *project && group.meta.name == "default");
    }
}

fn check_groups(model: &Model) {
    let mut keys = BTreeSet::new();
    for group in model.address_groups().values() {
        assert!(keys.insert((Kind::AddressGroup, group.meta.key)));
        assert!(model.project(group.project).is_some());
    }
    for group in model.security_groups().values() {
        assert!(keys.insert((Kind::SecurityGroup, group.meta.key)));
        assert!(model.project(group.project).is_some());
        let mut traffic = BTreeSet::new();
        for rule in &group.rules {
            assert!(keys.insert((Kind::Rule, rule.key)), "{group:?}");
            assert!(traffic.insert(rule.allows.canonical()), "{group:?}");
            let (found, by_id) = model.rule(rule.id).unwrap();
            assert_eq!((found.id, by_id), (group.id, rule));
            assert_eq!(model.rule_by_key(rule.key).unwrap().1, rule);
            let project = match rule.allows.remote {
                Remote::Group(id) => model.security_group(id).unwrap().project,
                Remote::AddressGroup(id) => model.address_group(id).unwrap().project,
                Remote::Any | Remote::Prefix(_) => group.project,
            };
            assert_eq!(project, group.project, "{rule:?}");
        }
    }
}

fn check_profiles(model: &Model) {
    let mut sets = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for profile in model.profiles().values() {
        assert!(sets.insert(profile.groups.clone()), "{profile:?}");
        assert!(keys.insert(profile.meta.key));
        assert!(model.ports_of_profile(profile).next().is_some(), "{profile:?} has no port");
    }
    for port in model.ports().values() {
        let profile = model.profile_of(port);
        assert_eq!(profile.is_some(), port.port_security, "{port:?}");
        if let Some(profile) = profile {
            assert_eq!(profile.groups, port.security_groups);
            assert!(model.ports_of_profile(profile).any(|other| other.id == port.id));
        }
        assert!(port.port_security || port.security_groups.is_empty(), "{port:?}");
        let groups = port.security_groups.iter().map(|id| model.security_group(*id).unwrap());
        let kinds: BTreeSet<_> = groups.map(|group| (group.project, group.stateful)).collect();
        assert!(kinds.iter().all(|(project, _)| *project == port.project), "{port:?}");
        assert!(kinds.len() <= 1, "{port:?}");
    }
}

/// What is looked up is what a search finds.
fn check_indexes(model: &Model) {
    for &id in model.security_groups().keys() {
        let ports = model.ports().values().filter(|port| port.security_groups.contains(&id));
        assert!(model.members_of(id).eq(ports));
        let profiles = model.profiles().values().filter(|profile| profile.groups.contains(&id));
        assert!(model.profiles_with(id).eq(profiles));
        let naming = model
            .security_groups()
            .values()
            .filter(|group| group.rules.iter().any(|rule| rule.allows.remote == Remote::Group(id)));
        assert!(model.groups_naming(id).eq(naming));
    }
    for &id in model.address_groups().keys() {
        let naming = model.security_groups().values().filter(|group| {
            group.rules.iter().any(|rule| rule.allows.remote == Remote::AddressGroup(id))
        });
        assert!(model.groups_naming_addresses(id).eq(naming));
    }
    for profile in model.profiles().values() {
        let has = |port: &&std::sync::Arc<Port>| {
            port.port_security && port.security_groups == profile.groups
        };
        assert!(model.ports_of_profile(profile).eq(model.ports().values().filter(has)));
    }
}
