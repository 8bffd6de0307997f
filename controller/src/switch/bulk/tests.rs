//! Parts and changes in any order against a switch that does as it is told: it ends with what it
//! should have, and nothing old is ever put where something newer was or had been removed.

mod scene;

use proptest::collection::vec;
use proptest::prelude::*;
use topology::key::Key;

use self::scene::{Scene, Wanted};
use super::*;

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
    /// The switch is to be compared once more.
    Again,
    /// The connection ends, and there is another.
    Reconnect,
}

fn block_flow(number: u16, block: BlockId, version: Version) -> Arc<BlockFlow> {
    Arc::new(BlockFlow::new(flow(number, block.cookie_and_mask().0, version), false))
}

fn flow(number: u16, cookie: u64, version: Version) -> Flow {
    let table = (number % 5) as u8;
    Flow { table, priority: number, cookie, hard_timeout: version, ..Flow::default() }
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
