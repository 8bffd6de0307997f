use openflow::message::{FlowMod, Message};
use openflow::{Field, Instruction, Match};

use super::*;

fn key(number: u32) -> Key {
    Key::new(number).unwrap()
}

/// Flow `number`, which goes to table `next`.
fn flow(number: u32, next: u8) -> Flow {
    Flow {
        priority: 100,
        matching: Match::new().with(Field::REG0, number),
        instructions: vec![Instruction::GotoTable(next)],
        ..Flow::default()
    }
}

/// `+` for a flow that is put, `-` for one that is removed.
fn told(block: &Block, since: u64) -> Option<Vec<String>> {
    let line = |sign: &str, flows: &[Arc<BlockFlow>]| -> Vec<String> {
        flows.iter().map(|flow| format!("{sign}{}", flow.flow)).collect()
    };
    let deltas = block.since(since)?;
    Some(deltas.flat_map(|d| [line("-", &d.removed), line("+", &d.put)].concat()).collect())
}

#[test]
fn a_delta_has_what_changed_and_nothing_else() {
    let mut block = Block::new(BlockKind::Network, 1);
    assert_eq!(block.replace(vec![(key(1), vec![flow(1, 10), flow(2, 10)])], 1), Some(0));
    assert_eq!(block.replace(vec![(key(1), vec![flow(2, 10), flow(1, 10)])], 2), None);
    assert_eq!(block.replace(vec![(key(1), vec![flow(1, 20), flow(3, 10)])], 3), Some(1));
    assert_eq!(block.version(), 3);
    assert_eq!(block.len(), 2);
    let expected = [
        "-priority=100,reg0=0x2 actions=goto_table:10",
        "+priority=100,reg0=0x1 actions=goto_table:20",
        "+priority=100,reg0=0x3 actions=goto_table:10",
    ];
    assert_eq!(told(&block, 1).unwrap(), expected);
    assert_eq!(told(&block, 3).unwrap(), [""; 0]);
    assert_eq!(told(&block, 2), None);
}

#[test]
fn a_flow_that_changes_hands_is_not_removed() {
    let mut block = Block::new(BlockKind::Network, 1);
    block.replace(vec![(key(1), vec![flow(1, 10)])], 1);
    block.replace(vec![(key(1), vec![]), (key(2), vec![flow(1, 20)])], 2);
    assert_eq!(told(&block, 1).unwrap(), ["+priority=100,reg0=0x1 actions=goto_table:20"]);
    block.replace(vec![(key(1), vec![flow(1, 30)]), (key(2), vec![])], 3);
    assert_eq!(told(&block, 2).unwrap(), ["+priority=100,reg0=0x1 actions=goto_table:30"]);
    assert_eq!(block.len(), 1);
}

#[test]
fn the_journal_forgets_what_is_longer_than_the_block() {
    let mut block = Block::new(BlockKind::Network, 1);
    for version in 1..=1000 {
        block.replace(vec![(key(1), vec![flow(1, version as u8)])], version);
    }
    assert!(block.since(1).is_none());
    assert_eq!(block.since(900).unwrap().count(), 100);
}

#[test]
fn a_frame_adds_its_flow() {
    for shared in [false, true] {
        let block_flow = BlockFlow::new(flow(7, 10), shared);
        let (xid, message) = Message::decode(&block_flow.frame()).unwrap();
        let Message::BundleAdd(add) = message else { panic!("{message:?}") };
        assert_eq!((xid, add.bundle_id), (block_flow.xid(), BlockFlow::BUNDLE_ID));
        let (inner, message) = Message::decode(&add.message).unwrap();
        assert_eq!(inner, xid);
        assert_eq!(message, Message::FlowMod(FlowMod::add(block_flow.flow)));
    }
}
