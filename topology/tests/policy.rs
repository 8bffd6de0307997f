//! What security groups allow, by the compiled flows and by a direct reading of the rules: random
//! conversations while groups, rules, members and ports change.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use openflow::{Field, MacAddr};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use topology::compile::Compiler;
use topology::cookie::Cookie;
use topology::key::Key;
use topology::model::{Direction, HostId, PortId};
use topology::pipeline::Detail;
use topology::simulate::{Connections, Fabric, Journey, Packet, Place, Switch, Transport};
use topology::zone::zone_of;

mod common {
    pub(crate) mod connected;
    pub(crate) mod history;
    pub(crate) mod ownership;
    pub(crate) mod place;
    pub(crate) mod reply;
    pub(crate) mod run;
    pub(crate) mod sane;
    pub(crate) mod talk;
    pub(crate) mod universe;
    pub(crate) mod verdict;
    pub(crate) mod world;
}

use common::connected::connected;
use common::history::{
    Interfaces, Op, PortSpec, ProtocolSpec, RemoteSpec, RuleSpec, SegmentKind, Sort, history,
    policy_op,
};
use common::ownership::may_send;
use common::place::serving;
use common::reply;
use common::run::cases;
use common::sane::check_sane;
use common::talk::{Speech, speech};
use common::universe::Tunnel;
use common::verdict::{Memory, Verdict};
use common::world::World;

/// A world and what happens in it, to security groups above all.
fn policed() -> impl Strategy<Value = Vec<Vec<Op>>> {
    let world = history(0..3, Sort { groups: true, mistakes: false });
    let policy = vec(vec(policy_op(), 1..4), 2..5);
    (world, policy).prop_map(|(world, policy)| [world, policy].concat())
}

/// What somebody says, or says again.
#[derive(Clone, Copy, Debug)]
enum Talk {
    /// One port speaks to another.
    Say(Speech),
    /// An earlier packet is answered by whom it was for.
    Answer(u8),
    /// An earlier packet is sent again.
    Repeat(u8),
    /// Whom an earlier packet was for sends an ICMP error about it.
    Complain(u8),
}

fn talk() -> impl Strategy<Value = Talk> {
    prop_oneof![
        5 => speech().prop_map(Talk::Say),
        4 => any::<u8>().prop_map(Talk::Answer),
        2 => any::<u8>().prop_map(Talk::Repeat),
        1 => any::<u8>().prop_map(Talk::Complain),
    ]
}

/// The most commits that there are in [`policed`].
const COMMITS: usize = 7;

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn flows_allow_what_rules_allow(
        (commits, talks) in (policed(), vec(vec(talk(), 30), COMMITS)),
    ) {
        Town::default().live(&commits, &talks)?;
    }
}

/// The property above would hold of a world in which nothing is ever said.
#[test]
fn conversations_are_of_every_sort() {
    let mut runner = TestRunner::deterministic();
    let mut tally = Tally::default();
    for _ in 0..24 {
        let strategy = (policed(), vec(vec(talk(), 30), COMMITS));
        let (commits, talks) = strategy.new_tree(&mut runner).unwrap().current();
        let mut town = Town::default();
        town.live(&commits, &talks).unwrap();
        tally.add(town.tally);
    }
    assert!(tally.passed > 300, "{tally:?}");
    assert!(tally.denied_sender > 100, "{tally:?}");
    assert!(tally.denied_receiver > 100, "{tally:?}");
    assert!(tally.invalid > 20, "{tally:?}");
    assert!(tally.replies > 50, "{tally:?}");
    assert!(tally.revoked > 2, "{tally:?}");
    assert!(tally.errors > 5, "{tally:?}");
}

/// Two hosts with a port each, on one overlay: the first in the group that allows everything, the
/// second in group 1.
fn two_ports() -> Vec<Op> {
    let mut ops = vec![
        Op::Network { network: 0, segment: SegmentKind::Vxlan },
        Op::Subnet { network: 0, subnet: 0 },
        Op::Group { group: 1, rules: Vec::new() },
    ];
    for host in 0..2 {
        ops.push(Op::Host { host, tunnel: Tunnel::V4, mappings: [false; 2] });
        let facts = Interfaces {
            numbering: host,
            crowded: false,
            tunnel_port: true,
            uplinks: [false; 2],
            missing: 0,
            left_over: 0,
        };
        ops.push(Op::Facts { host, facts });
        let spec = PortSpec {
            network: 0,
            mac: host,
            addresses: vec![(0, host)],
            pairs: Vec::new(),
            security: true,
            groups: 1 << host,
            admin_up: true,
            host: Some(host),
        };
        ops.push(Op::Port { port: host, spec });
    }
    ops
}

#[test]
fn a_connection_stops_with_its_rule_in_both_directions_and_goes_on_with_it() {
    let transport = Transport::Tcp { source: 40_000, destination: 80 };
    let hello = Speech { from: 0, to: 0, v6: false, addresses: (0, 0), transport };
    let both = [Talk::Repeat(0), Talk::Answer(0)];
    let rule = RuleSpec {
        ingress: true,
        v6: false,
        protocol: ProtocolSpec::Ports(6, Some((80, 81))),
        remote: RemoteSpec::Prefix(2),
        log: false,
    };
    let allow = || Op::AddRule { group: 1, rule: rule.clone() };
    let mut town = Town::default();
    let mut passed = |ops: Vec<Op>, talks: &[Talk]| {
        town.world.advance(&ops, false, &mut town.compiler);
        town.build();
        let before = town.said.len();
        talks.iter().for_each(|talk| town.hear(talk).unwrap());
        town.said[before..].iter().map(|said| said.passed).collect::<Vec<_>>()
    };
    assert_eq!(passed(two_ports(), &[Talk::Say(hello)]), [false]);
    assert_eq!(passed(vec![allow()], &both), [true, true]);
    assert_eq!(passed(vec![Op::RemoveRule { group: 1, rule: 0 }], &both), [false, false]);
    assert_eq!(passed(vec![allow()], &[Talk::Answer(0)]), [true]);
    assert_eq!(passed(vec![], &both), [true, true]);
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    passed: usize,
    denied_sender: usize,
    denied_receiver: usize,
    invalid: usize,
    /// Answers that passed.
    replies: usize,
    /// Packets denied that had passed earlier.
    revoked: usize,
    errors: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.denied_sender += other.denied_sender;
        self.denied_receiver += other.denied_receiver;
        self.invalid += other.invalid;
        self.replies += other.replies;
        self.revoked += other.revoked;
        self.errors += other.errors;
    }
}

/// A packet that somebody has sent to somebody.
#[derive(Clone, Debug)]
struct Said {
    from: PortId,
    to: PortId,
    packet: Packet,
    about: Option<Packet>,
    passed: bool,
}

/// A world, its switches, and what they and its inhabitants remember.
#[derive(Default)]
struct Town {
    world: World,
    compiler: Compiler,
    fabric: Fabric,
    connections: Connections,
    /// Where the connections of ports are.
    zones: BTreeMap<PortId, (HostId, u16)>,
    memory: Memory,
    said: Vec<Said>,
    tally: Tally,
}

impl Town {
    /// After every commit the same again as before, and answers to it, then some talk.
    fn live(&mut self, commits: &[Vec<Op>], talks: &[Vec<Talk>]) -> Result<(), TestCaseError> {
        for (number, ops) in commits.iter().enumerate() {
            self.world.advance(ops, number % 2 == 1, &mut self.compiler);
            self.build();
            for earlier in 0..self.said.len().min(40) as u8 {
                self.hear(&Talk::Repeat(earlier))?;
                self.hear(&Talk::Answer(earlier))?;
            }
            for talk in &talks[number] {
                self.hear(talk)?;
            }
        }
        Ok(())
    }

    /// Gives the switches their flows, and flushes the zones that change hands.
    fn build(&mut self) {
        let mut zones = BTreeMap::new();
        for (&host, facts) in &self.world.facts {
            let flows = self.compiler.desired(host).map(|flow| Arc::new(flow.flow.clone()));
            let flows: Vec<_> = flows.collect();
            for flow in &flows {
                if let Some(zone) = zone_of(flow) {
                    let port = self.world.model.port_by_key(Cookie(flow.cookie).owner());
                    zones.insert(port.unwrap().id, (host, zone));
                }
            }
            let switch = Switch::with_flows(flows).expect("a switch takes what is compiled");
            let vtep = self.world.model.host(host).and_then(|host| host.tunnel_ip);
            self.fabric.add(host, vtep, facts.clone(), switch);
        }
        for port in self.zones.keys().chain(zones.keys()) {
            let [before, after] = [self.zones.get(port), zones.get(port)];
            if before != after {
                self.memory.forget(*port);
                for (host, zone) in before.into_iter().chain(after) {
                    self.connections.of(*host).flush(*zone);
                }
            }
        }
        self.zones = zones;
    }

    fn hear(&mut self, talk: &Talk) -> Result<(), TestCaseError> {
        let earlier = |number: &u8| self.said.get(usize::from(*number) % self.said.len().max(1));
        let said = match talk {
            Talk::Say(speech) => self.say(*speech),
            Talk::Repeat(number) => earlier(number).cloned(),
            Talk::Answer(number) => earlier(number).and_then(answer),
            Talk::Complain(number) => earlier(number).and_then(complain),
        };
        let Some(said) = said else { return Ok(()) };
        let model = &self.world.model;
        let (Some(from), Some(to)) = (model.port(said.from), model.port(said.to)) else {
            return Ok(());
        };
        let (from, to) = (from.clone(), to.clone());
        let (Some(here), Some(there)) = (serving(&self.world, &from), serving(&self.world, &to))
        else {
            return Ok(());
        };
        // Ports may have other addresses by now.
        let addressed = MacAddr::from(said.packet.field(Field::ETH_DST) as u64) == to.mac;
        if from.network != to.network || !addressed {
            return Ok(());
        }
        let packet = said.packet.clone();
        let journey =
            self.fabric.send_from_port_with(&mut self.connections, here, from.id, packet.clone());
        let journey = journey.unwrap();
        check_sane(&journey)?;
        let network = self.world.model.network(from.network).unwrap();
        let reaches = connected(&self.world, network, here, there);
        let guarded = may_send(&from, &packet);
        let [first, second] = self.judge(&said, guarded, reaches);
        let passes = guarded && first == Some(Verdict::Pass) && second == Some(Verdict::Pass);
        let arrived = inside(&journey);
        let wanted = if passes { vec![(to.id, &packet)] } else { vec![] };
        prop_assert_eq!(arrived, wanted, "{:?} {:?}:\n{}", first, second, Told(&journey));
        for (verdict, port, denied) in
            [(first, &from, Detail::EgressDenied), (second, &to, Detail::IngressDenied)]
        {
            if verdict == Some(Verdict::Denied) {
                let reason = Cookie::new(denied, port.meta.key, Key::NONE).0;
                let dropped = journey.drops().any(|(_, dropped)| dropped.cookie == Some(reason));
                prop_assert!(dropped, "no drop by {}:\n{}", Cookie(reason), Told(&journey));
            }
        }
        self.count(talk, passes, [first, second]);
        self.said.push(Said { passed: passes, ..said });
        Ok(())
    }

    fn say(&self, speech: Speech) -> Option<Said> {
        let ports: Vec<_> = self.world.model.ports().values().collect();
        let from = ports.get(usize::from(speech.from) % ports.len().max(1))?;
        let neighbours = ports.iter().filter(|port| port.network == from.network);
        let neighbours: Vec<_> = neighbours.filter(|port| port.id != from.id).collect();
        let to = neighbours.get(usize::from(speech.to) % neighbours.len().max(1))?;
        let packet = speech.packet(from, to);
        Some(Said { from: from.id, to: to.id, packet, about: None, passed: false })
    }

    /// What becomes of a packet at its sender and, if it gets so far, at its receiver.
    fn judge(&mut self, said: &Said, guarded: bool, reaches: bool) -> [Option<Verdict>; 2] {
        let model = &self.world.model;
        let about = said.about.as_ref();
        let mut judge = |port: PortId, side| {
            let port = model.port(port).unwrap();
            self.memory.judge(model, port, side, &said.packet, about)
        };
        let first = guarded.then(|| judge(said.from, Direction::Egress));
        let second =
            (reaches && first == Some(Verdict::Pass)).then(|| judge(said.to, Direction::Ingress));
        [first, second]
    }

    fn count(&mut self, talk: &Talk, passes: bool, verdicts: [Option<Verdict>; 2]) {
        let tally = &mut self.tally;
        tally.passed += usize::from(passes);
        tally.denied_sender += usize::from(verdicts[0] == Some(Verdict::Denied));
        tally.denied_receiver += usize::from(verdicts[1] == Some(Verdict::Denied));
        tally.invalid += usize::from(verdicts.contains(&Some(Verdict::Invalid)));
        match talk {
            Talk::Answer(_) => tally.replies += usize::from(passes),
            Talk::Complain(_) => tally.errors += usize::from(passes),
            Talk::Repeat(number) => {
                let earlier = &self.said[usize::from(*number) % self.said.len()];
                let denied = verdicts.contains(&Some(Verdict::Denied));
                tally.revoked += usize::from(earlier.passed && denied);
            }
            Talk::Say(_) => {}
        }
    }
}

/// An earlier packet is answered.
fn answer(said: &Said) -> Option<Said> {
    let packet = said.about.is_none().then(|| reply::to(&said.packet))?;
    Some(Said { from: said.to, to: said.from, packet, about: None, passed: false })
}

/// An error about an earlier packet.
fn complain(said: &Said) -> Option<Said> {
    let packet = said.about.is_none().then(|| reply::error_about(&said.packet))?;
    let about = Some(said.packet.clone());
    Some(Said { from: said.to, to: said.from, packet, about, passed: false })
}

/// What reached ports.
fn inside(journey: &Journey) -> Vec<(PortId, &Packet)> {
    let deliveries = journey.deliveries.iter();
    let inside = deliveries.filter_map(|delivery| match delivery.place {
        Place::Port { port, .. } => Some((port, &delivery.frame)),
        Place::Outside { .. } => None,
    });
    inside.collect()
}

/// A journey as people read it.
struct Told<'a>(&'a Journey);

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hops.iter().try_for_each(|hop| write!(f, "at {}:\n{}", hop.host, hop.trace))
    }
}
