//! How many flows security groups come to on a host, by what they are for, and what one member more
//! changes there.
//!
//! `topology/tests/work.rs` holds the same cases to their bounds.

#[path = "common/fleet.rs"]
#[expect(dead_code, reason = "its ports are put on hosts in another way here")]
mod fleet;
#[path = "common/report.rs"]
mod report;
#[path = "common/samples.rs"]
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use openflow::PortNo;
use serde_json::json;
use topology::block::{BlockId, Delta};
use topology::compile::Compiler;
use topology::cookie::{BlockKind, Cookie};
use topology::facts::HostFacts;
use topology::key::Key;
use topology::model::{
    Change, Direction, Ethertype, HostId, Port, PortRange, Profile, ProfileId, ProjectId, Remote,
    Resource, Rule, RuleId, SecurityGroup, SecurityGroupId, Traffic,
};
use topology::pipeline::Table;
use uuid::Uuid;

use fleet::{Size, host_id, meta, port_id, port_number};
use report::{Report, Row};
use samples::{Samples, ms, us};

/// Looked up for ARP, too, whether or not there are groups.
const ADDRESSES: [u8; 2] = [Table::Addresses.number(), Table::AddressesIpv6.number()];

/// Ports of one group that has itself as remote, some of them on the host that is looked at.
struct Case {
    ports: u32,
    here: u32,
    rules: Vec<Traffic>,
}

fn main() -> io::Result<()> {
    let changes = if Report::is_wanted() { 1_000 } else { 3 };
    let mut report = Report::new("policy");
    let (mut flows, mut members) = (Vec::new(), Vec::new());
    for case in [few_rules(), many_rules()] {
        let mut whole = Samples::default();
        let mut compiler = whole.time(|| case.compiler());
        flows.push(case.flows(&compiler));
        members.push(case.members(&mut compiler, changes, whole.median()));
    }
    report.table("Flows of policy on a host", flows);
    report.table(&format!("One member more, elsewhere, {changes} times"), members);
    report.write()
}

/// Ten rules, as of a small service.
fn few_rules() -> Case {
    let any = |direction, ethertype| Traffic::any(direction, ethertype);
    let own = |ethertype| Traffic { remote: own(), ..any(Direction::Ingress, ethertype) };
    let office = Remote::Prefix("198.51.100.0/24".parse().expect("a prefix"));
    let rules = vec![
        any(Direction::Egress, Ethertype::Ipv4),
        any(Direction::Egress, Ethertype::Ipv6),
        own(Ethertype::Ipv4),
        own(Ethertype::Ipv6),
        tcp(22, 22, office),
        tcp(80, 80, Remote::Any),
        tcp(443, 443, Remote::Any),
        Traffic { protocol: Some(17), ..tcp(53, 53, Remote::Any) },
        Traffic { protocol: Some(1), ports: None, ..tcp(0, 0, Remote::Any) },
        tcp(8000, 8999, office),
    ];
    Case { ports: 1_000, here: 50, rules }
}

/// Two hundred rules, no two of which can be united.
fn many_rules() -> Case {
    let rule = |number: u16| {
        let first = 2_000 + number * 8;
        tcp(first, first + 3 * (number % 2), own())
    };
    Case { ports: 100, here: 20, rules: (0..200).map(rule).collect() }
}

impl Case {
    fn compiler(&self) -> Compiler {
        let size = Size::of_three(0, 1);
        let mut model = size.model();
        let groups = BTreeSet::from([group_id()]);
        let profile = Key::NONE.next().next();
        let profile = Profile { id: ProfileId::of(profile), meta: meta(2, "profile"), groups };
        model.apply(&Change::Put(Resource::SecurityGroup(self.group().into())));
        model.apply(&Change::Put(Resource::Profile(profile.into())));
        for number in 1..=self.ports {
            model.apply(&Change::Put(Resource::Port(self.port(number).into())));
        }
        let mut facts: BTreeMap<HostId, HostFacts> = size.facts();
        for number in 1..=self.ports {
            let host = facts.entry(self.host_of(number)).or_default();
            host.ports.insert(port_id(number), port_number(number));
        }
        for facts in facts.values_mut() {
            facts.vxlan_port = Some(PortNo(1));
        }
        Compiler::full(&model, facts.iter().map(|(&host, facts)| (host, facts)))
    }

    fn host_of(&self, number: u32) -> HostId {
        host_id(if number <= self.here { 1 } else { 2 })
    }

    fn port(&self, number: u32) -> Port {
        let port = Size::of_three(0, 1).port(number, Some(self.host_of(number)));
        Port { security_groups: BTreeSet::from([group_id()]), ..port }
    }

    fn group(&self) -> SecurityGroup {
        let rule = |(number, &allows): (u32, &Traffic)| Rule {
            id: RuleId(Uuid::from_u128(number.into())),
            key: Key::new(number).expect("there are few"),
            description: String::new(),
            allows,
            log: false,
        };
        SecurityGroup {
            id: group_id(),
            meta: meta(1, "group"),
            project: ProjectId(Uuid::from_u128(1)),
            stateful: true,
            default: false,
            rules: (1..).zip(&self.rules).map(rule).collect(),
        }
    }

    fn flows(&self, compiler: &Compiler) -> Row {
        let mut counts = BTreeMap::<_, usize>::new();
        let policy = |table: u8| {
            (Table::Egress.number()..Table::ForwardLocal.number()).contains(&table)
                || (Table::Ingress.number()..Table::Output.number()).contains(&table)
                || (table >= Table::Profile.number() && !ADDRESSES.contains(&table))
        };
        for flow in compiler.desired(host_id(1)).filter(|flow| policy(flow.flow.table)) {
            let kind = Cookie(flow.flow.cookie).kind().map(|kind| kind as u8);
            *counts.entry(kind).or_default() += 1;
        }
        let of = |kind: BlockKind| counts.get(&Some(kind as u8)).copied().unwrap_or_default();
        vec![
            ("ports", json!(self.ports)),
            ("here", json!(self.here)),
            ("rules", json!(self.rules.len())),
            ("of groups", json!(of(BlockKind::GroupMembers))),
            ("flows of rules", json!(of(BlockKind::Profile))),
            ("of ports here", json!(of(BlockKind::HostPort))),
            ("of every host", json!(of(BlockKind::HostBase))),
            ("all", json!(counts.values().sum::<usize>())),
        ]
    }

    /// The flow-mods for the host that is looked at when a port elsewhere joins the group.
    fn members(&self, compiler: &mut Compiler, changes: u32, whole: Duration) -> Row {
        let (mut times, mut flow_mods) = (Samples::default(), 0);
        for number in (self.ports + 1..).take(changes as usize) {
            let before = versions(compiler);
            let change = Change::Put(Resource::Port(self.port(number).into()));
            times.time(|| {
                compiler.apply(&change);
                compiler.flush()
            });
            flow_mods = before
                .into_iter()
                .filter_map(|(block, version)| compiler.block(block)?.since(version))
                .map(|deltas| deltas.map(Delta::len).sum::<usize>())
                .sum();
        }
        vec![
            ("ports", json!(self.ports)),
            ("rules", json!(self.rules.len())),
            ("flow-mods for the host", json!(flow_mods)),
            ("median µs to compile", json!(us(times.median()))),
            ("ms to compile everything", json!(ms(whole))),
        ]
    }
}

fn versions(compiler: &Compiler) -> Vec<(BlockId, u64)> {
    let blocks = compiler.blocks_of(host_id(1));
    blocks.filter_map(|id| Some((id, compiler.block(id)?.version()))).collect()
}

fn own() -> Remote {
    Remote::Group(group_id())
}

fn group_id() -> SecurityGroupId {
    SecurityGroupId(Uuid::from_u128(1))
}

/// TCP over IPv4 to ports of a member.
fn tcp(first: u16, last: u16, remote: Remote) -> Traffic {
    Traffic {
        protocol: Some(6),
        ports: Some(PortRange { first, last }),
        remote,
        ..Traffic::any(Direction::Ingress, Ethertype::Ipv4)
    }
}
