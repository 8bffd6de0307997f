//! Parts and changes in any order against a switch that does as it is told: it ends with what it
//! should have, and nothing old is ever put where something newer was or had been removed.

use std::collections::{BTreeMap, BTreeSet};

use openflow::message::FlowStats;
use proptest::collection::vec;
use proptest::prelude::*;
use topology::key::Key;

use super::super::reconcile::difference;
use super::*;
use crate::engine::{Lane, SessionId, Ticket};

const fn key(number: u32) -> Key {
    Key::new(number).expect("a small number is a key")
}

const HOST: Key = key(9);
const NETWORK: BlockId = BlockId::Network(key(1));
const PROFILE: BlockId = BlockId::Profile(key(1));
const PORTS: [BlockId; 2] = [
    BlockId::HostPort { host: HOST, port: key(1) },
    BlockId::HostPort { host: HOST, port: key(2) },
];
const BLOCKS: [BlockId; 4] = [NETWORK, PROFILE, PORTS[0], PORTS[1]];

/// Flows are told apart by numbers, their priorities; a fifth of them is in each table.
const FLOWS: u16 = 15;
const FOREIGN: u64 = 7;

/// What differs between two flows of one number, a timeout: the higher, the newer.
type Version = u16;

#[derive(Clone, Debug)]
enum Change {
    Put {
        flow: u16,
        block: usize,
    },
    Remove {
        flow: u16,
    },
    Leave {
        block: usize,
    },
    Gain {
        block: usize,
    },
    /// A block's journal forgets.
    Forget {
        block: usize,
    },
}

#[derive(Clone, Debug)]
enum Event {
    Change(Change),
    Live,
    Part(usize),
    /// Time passes.
    /// The switch is to be compared once more.
    Again,
    /// The connection ends, and there is another.
    Reconnect,
}

/// The flows that there are of each block that a host has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Wanted(BTreeMap<BlockId, BTreeMap<u16, Version>>);

impl Wanted {
    fn flows(&self) -> BTreeMap<u16, (BlockId, Version)> {
        let of = |(block, flows): (&BlockId, &BTreeMap<u16, Version>)| {
            let block = *block;
            flows.iter().map(move |(flow, version)| (*flow, (block, *version))).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }

    fn change(&mut self, change: &Change, version: Version) {
        let remove = |wanted: &mut Self, flow| {
            for flows in wanted.0.values_mut() {
                flows.remove(&flow);
            }
        };
        match *change {
            Change::Put { flow, block } if self.0.contains_key(&BLOCKS[block]) => {
                remove(self, flow);
                self.0.entry(BLOCKS[block]).or_default().insert(flow, version);
            }
            Change::Remove { flow } => remove(self, flow),
            Change::Leave { block } => drop(self.0.remove(&BLOCKS[block])),
            Change::Gain { block } => drop(self.0.entry(BLOCKS[block]).or_default()),
            Change::Put { .. } | Change::Forget { .. } => {}
        }
    }

    fn block_flows(&self) -> Vec<Arc<BlockFlow>> {
        let flows = self.flows().into_iter();
        flows.map(|(number, (block, version))| block_flow(number, block, version)).collect()
    }
}

fn block_flow(number: u16, block: BlockId, version: Version) -> Arc<BlockFlow> {
    Arc::new(BlockFlow::new(flow(number, block.cookie_and_mask().0, version), false))
}

fn flow(number: u16, cookie: u64, version: Version) -> Flow {
    let table = (number % 5) as u8;
    Flow { table, priority: number, cookie, hard_timeout: version, ..Flow::default() }
}

/// A switch and the session that serves it.
struct Scene {
    switch: BTreeMap<u16, Flow>,
    wanted: Wanted,
    /// As of the last hand-over.
    handed: Wanted,
    forgotten: BTreeSet<BlockId>,
    bulk: Bulk,
    version: Version,
    /// Of each flow, the newest that was sent, its removal too.
    sent: BTreeMap<u16, Version>,
}

impl Scene {
    fn new(wanted: Wanted, installed: Vec<(u16, u64, Version)>) -> Self {
        let flows = installed.into_iter().map(|(number, cookie, version)| {
            let flow = flow(number, cookie, version);
            (number, flow)
        });
        let mut scene = Self {
            switch: flows.collect(),
            handed: Wanted::default(),
            wanted,
            forgotten: BTreeSet::new(),
            bulk: Bulk::default(),
            version: 1000,
            sent: BTreeMap::new(),
        };
        scene.compare();
        scene
    }

    fn compare(&mut self) {
        self.handed = self.wanted.clone();
        self.forgotten.clear();
        let blocks: Vec<_> = self.wanted.0.keys().copied().collect();
        let stats = |flow: &Flow| FlowStats {
            flow: flow.clone(),
            duration_sec: 0,
            duration_nsec: 0,
            packet_count: 0,
            byte_count: 0,
        };
        let installed: Vec<_> = self.switch.values().map(stats).collect();
        let mut difference = difference(&self.wanted.block_flows(), &installed);
        difference.remove_orphaned();
        self.bulk = Bulk::new(difference, &blocks);
        self.check_completed();
    }

    /// What has changed since the last hand-over, as the engine tells it.
    fn update(&mut self) -> Option<Update> {
        let (old, new) = (&self.handed, &self.wanted);
        let is_changed = |block: &BlockId| {
            old.0.get(block) != new.0.get(block) || self.forgotten.contains(block)
        };
        let changed: BTreeSet<_> = BLOCKS.into_iter().filter(is_changed).collect();
        if changed.is_empty() {
            return None;
        }
        let mut put = BTreeMap::new();
        let mut removed = BTreeMap::new();
        let (mut cleared, mut left) = (vec![], vec![]);
        for &block in &changed {
            let (before, after) = match (old.0.get(&block), new.0.get(&block)) {
                (Some(_), None) => {
                    left.push(block);
                    continue;
                }
                (None, None) => continue,
                (Some(before), Some(after)) if !self.forgotten.contains(&block) => {
                    (before.clone(), after)
                }
                (Some(_), Some(after)) => {
                    cleared.push(block);
                    (BTreeMap::new(), after)
                }
                (None, Some(after)) => (BTreeMap::new(), after),
            };
            for (&number, &version) in after {
                if before.get(&number) != Some(&version) {
                    put.insert(number, block_flow(number, block, version));
                }
            }
            let gone = before.iter().filter(|(number, _)| !after.contains_key(number));
            removed.extend(gone.map(|(&number, &old)| (number, block_flow(number, block, old))));
        }
        removed.retain(|number, _| !put.contains_key(number));
        let ports = changed.iter().filter(|block| PORTS.contains(block));
        let presupposed = ports.flat_map(|port| [*port, NETWORK, PROFILE]);
        let presupposed = presupposed.filter(|block| new.0.contains_key(block)).collect();
        self.forgotten.clear();
        let ticket = Ticket { session: SessionId(1), lane: Lane::Live, revision: 1 };
        let (put, removed) = (put.into_values().collect(), removed.into_values().collect());
        Some(Update { put, removed, cleared, left, changed, presupposed, ticket })
    }

    fn live(&mut self) -> bool {
        let Some(update) = self.update() else { return false };
        let (before, after) = (self.handed.flows(), self.wanted.flows());
        while self.bulk.precedes(&update) {
            self.part(2);
        }
        let overtaking = self.bulk.overtake(&update);
        let presupposed = update.presupposed.clone();
        self.carry_out(&Script::putting(overtaking.along));
        for number in before.keys().filter(|number| !after.contains_key(number)) {
            self.sent.insert(*number, self.version);
        }
        self.carry_out(&Script::from_update(update, overtaking.removed));
        self.handed = self.wanted.clone();
        self.check_completed();
        for (number, (block, version)) in after {
            if presupposed.contains(&block) {
                let wanted = flow(number, block.cookie_and_mask().0, version);
                assert_eq!(self.switch.get(&number), Some(&wanted), "of {block:?}");
            }
        }
        true
    }

    fn part(&mut self, limit: usize) {
        let script = self.bulk.part(limit);
        assert!(script.len() <= limit);
        self.carry_out(&script);
        self.check_completed();
    }

    fn carry_out(&mut self, script: &Script) {
        for step in script.steps() {
            match step {
                Step::Clear(block) => {
                    let (cookie, mask) = block.cookie_and_mask();
                    self.switch.retain(|_, flow| flow.cookie & mask != cookie);
                }
                Step::Put(put) => {
                    let (number, version) = (put.flow.priority, put.flow.hard_timeout);
                    let newest = self.sent.insert(number, version).unwrap_or_default();
                    assert!(version >= newest, "{number}: {version} after {newest}");
                    self.switch.insert(number, put.flow.clone());
                }
                Step::Remove(removed) => {
                    let there = self.switch.get(&removed.priority).map(|flow| owner(flow.cookie));
                    if there == Some(owner(removed.cookie)) {
                        self.switch.remove(&removed.priority);
                    }
                }
            }
        }
    }

    /// The switch has all of what it is said to have all of, and no other flow of those blocks.
    fn check_completed(&mut self) {
        for block in self.bulk.take_completed() {
            let Some(flows) = self.handed.0.get(&block) else { continue };
            let cookie = block.cookie_and_mask().0;
            let wanted = flows.iter();
            let wanted: BTreeMap<_, _> = wanted
                .map(|(number, version)| (*number, flow(*number, cookie, *version)))
                .collect();
            let mut there = self.switch.clone();
            there.retain(|_, flow| owner(flow.cookie) == cookie);
            assert_eq!(there, wanted, "{block:?}");
        }
    }

    fn handle(&mut self, event: &Event) {
        match event {
            Event::Change(change) => {
                self.version += 1;
                self.wanted.change(change, self.version);
                if let Change::Forget { block } = change {
                    self.forgotten.insert(BLOCKS[*block]);
                }
            }
            Event::Live => drop(self.live()),
            Event::Part(limit) => self.part(*limit),
            Event::Again => {
                self.drain();
                self.compare();
            }
            Event::Reconnect => self.compare(),
        }
    }

    fn drain(&mut self) {
        while !self.bulk.is_empty() {
            self.part(2);
        }
    }

    fn end(mut self) {
        while self.live() {}
        self.drain();
        let wanted = self.wanted.block_flows();
        let wanted: BTreeMap<_, _> =
            wanted.iter().map(|flow| (flow.flow.priority, flow.flow.clone())).collect();
        self.switch.retain(|number, flow| flow.cookie != FOREIGN || wanted.contains_key(number));
        assert_eq!(self.switch, wanted);
    }
}

fn a_change() -> impl Strategy<Value = Change> {
    let (flow, block) = (0..FLOWS, 0..BLOCKS.len());
    prop_oneof![
        6 => (flow.clone(), block.clone()).prop_map(|(flow, block)| Change::Put { flow, block }),
        3 => flow.prop_map(|flow| Change::Remove { flow }),
        1 => block.clone().prop_map(|block| Change::Leave { block }),
        2 => block.clone().prop_map(|block| Change::Gain { block }),
        1 => block.prop_map(|block| Change::Forget { block }),
    ]
}

fn an_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => a_change().prop_map(Event::Change),
        4 => Just(Event::Live),
        4 => (1..4usize).prop_map(Event::Part),
        1 => Just(Event::Again),
        1 => Just(Event::Reconnect),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    vec((0..FLOWS, 0..BLOCKS.len()), 0..16).prop_map(|flows| {
        let mut wanted = Wanted::default();
        for (version, (flow, block)) in (500..).zip(flows) {
            wanted.change(&Change::Gain { block }, version);
            wanted.change(&Change::Put { flow, block }, version);
        }
        wanted
    })
}

/// Flows of present blocks as they were before, of blocks that are not wanted, and of others.
fn installed() -> impl Strategy<Value = Vec<(u16, u64, Version)>> {
    let cookie = prop_oneof![
        8 => (0..BLOCKS.len()).prop_map(|block| BLOCKS[block].cookie_and_mask().0),
        1 => Just(FOREIGN),
    ];
    vec((0..FLOWS, cookie, prop_oneof![500..515u16, Just(1)]), 0..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_overtakes_the_switch_ends_as_it_should(
        wanted in wanted(),
        installed in installed(),
        events in vec(an_event(), 0..40),
    ) {
        let mut scene = Scene::new(wanted, installed);
        events.iter().for_each(|event| scene.handle(event));
        scene.end();
    }
}

#[test]
fn parts_are_bounded_and_go_from_the_last_table_to_the_first() {
    let flows = (0..FLOWS).map(|number| block_flow(number, NETWORK, 1));
    let mut bulk = Bulk::new(Difference::missing(flows), &[NETWORK, PROFILE]);
    assert_eq!(bulk.take_completed(), [PROFILE]);
    let mut tables = Vec::new();
    while !bulk.is_empty() {
        let part = bulk.part(4);
        assert!((1..=4).contains(&part.len()));
        assert_eq!(part.bundles().count(), 1);
        tables.extend(part.steps().filter_map(flow_of).map(|flow| flow.table));
        assert_eq!(bulk.take_completed().is_empty(), !bulk.is_empty());
    }
    assert_eq!(tables.len(), FLOWS as usize);
    assert!(tables.is_sorted_by_key(|table| Reverse(*table)), "{tables:?}");
}

#[test]
fn flows_with_the_same_hash_are_told_apart() {
    let flows: Vec<_> = (0..3).map(|number| block_flow(number, NETWORK, 1)).collect();
    let mut bulk = Bulk::new(Difference::missing(flows.clone()), &[NETWORK]);
    // As if all three had the hash of the second.
    let hash = hash(&flows[1].flow);
    for slot in 0..3 {
        bulk.slots[slot].other = slot.checked_sub(1);
    }
    bulk.by_identity = [(hash, 2)].into_iter().collect();
    assert!(bulk.take_flow(&flows[1].flow).is_some());
    assert!(bulk.take_flow(&flows[1].flow).is_none());
    assert_eq!(bulk.part(9).len(), 2);
}
