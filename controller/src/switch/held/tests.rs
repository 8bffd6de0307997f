use std::sync::Arc;

use openflow::message::ErrorCode;
use topology::key::Key;

use super::*;
use crate::engine::{Lane, SessionId, Ticket};

/// A flow of a block, in table `table` for what has this number.
fn flow(block: BlockId, table: u8, number: u32) -> Flow {
    let flow: Flow =
        format!("table={table},priority=5,in_port={number} actions=drop").parse().unwrap();
    Flow { cookie: block.cookie_and_mask().0, ..flow }
}

fn key(number: u32) -> Key {
    Key::new(number).unwrap()
}

fn port(number: u32) -> BlockId {
    BlockId::HostPort { host: key(9), port: key(number) }
}

fn block_flow(flow: &Flow) -> Arc<BlockFlow> {
    Arc::new(BlockFlow::new(flow.clone(), false))
}

/// An update that puts these flows, and changes nothing else.
fn putting(put: &[Flow], changed: &[BlockId]) -> Update {
    Update {
        put: put.iter().map(block_flow).collect(),
        removed: vec![],
        cleared: vec![],
        left: vec![],
        changed: changed.iter().copied().collect(),
        presupposed: BTreeSet::new(),
        ticket: Ticket { session: SessionId(1), lane: Lane::Live, revision: 1 },
    }
}

fn surplus(orphaned: Vec<Flow>, removed: Vec<Flow>) -> Difference {
    let mut difference = Difference { orphaned, ..Difference::default() };
    difference.remove(removed);
    difference
}

/// What is held of a port 1 with the OpenFlow port 11, a port 2 with 12, and a network that stays.
fn held() -> Held {
    let network = BlockId::Network(key(7));
    let orphaned = vec![flow(port(1), 0, 11), flow(port(1), 90, 1), flow(port(2), 0, 12)];
    let mut difference = surplus(orphaned, vec![flow(network, 20, 70)]);
    let held = Held::take(&mut difference, Stay::Everything);
    assert!(difference.is_none() && difference.tables.is_empty());
    assert_eq!(held.len(), 4);
    held
}

#[test]
fn what_stays_is_taken_out_of_a_comparison_and_the_rest_is_not() {
    let orphan = flow(port(1), 0, 11);
    let extra = flow(BlockId::Vteps, 5, 1);
    let both = || surplus(vec![orphan.clone()], vec![extra.clone()]);
    for (stay, orphaned, removed) in
        [(Stay::Nothing, 1, 1), (Stay::Orphaned, 0, 1), (Stay::Everything, 0, 0)]
    {
        let mut difference = both();
        let mut held = Held::take(&mut difference, stay);
        assert_eq!((difference.orphaned.len(), difference.removed.len()), (orphaned, removed));
        assert_eq!(held.len(), 2 - orphaned - removed);
        assert_eq!(difference.tables.len(), removed, "{stay:?}");
        // It is found again, and is no drift.
        let mut again = both();
        assert!(!held.find(&mut again));
        assert_eq!((again.orphaned.len(), again.removed.len()), (orphaned, removed));
    }
}

#[test]
fn what_somebody_else_has_removed_is_not_held_any_more_and_what_has_come_is_not_held() {
    let mut held = held();
    let mut difference = surplus(vec![flow(port(1), 0, 11)], vec![flow(port(3), 0, 13)]);
    assert!(held.find(&mut difference));
    assert_eq!((held.len(), difference.removed.len()), (1, 1));
    // The same place, and another's flow.
    let mut difference = surplus(vec![flow(port(5), 0, 11)], vec![]);
    assert!(held.find(&mut difference));
    assert_eq!((held.len(), difference.orphaned.len()), (0, 1));
}

#[test]
fn what_is_wanted_again_or_removed_is_not_held_any_more() {
    let mut held = held();
    let script = |update: Update| Script::from_update(update, vec![]);
    let follow = |held: &mut Held, update| held.follow(&script(update), &[]);
    assert!(!follow(&mut held, putting(&[flow(port(3), 0, 13)], &[port(3)])));
    let own = || putting(&[flow(port(2), 0, 12)], &[port(2)]);
    let error = ErrorCode { kind: 5, code: 1, experimenter: 0 };
    let refused = Refused { step: Step::Put(own().put[0].clone()), error };
    assert!(!held.follow(&script(own()), &[refused]), "it is still in the way");
    assert!(follow(&mut held, own()));
    assert_eq!(held.len(), 3);
    // A removal that is bound to another block leaves it, as the switch does.
    let removed = |flow: &Flow| Update { removed: vec![block_flow(flow)], ..putting(&[], &[]) };
    assert!(!follow(&mut held, removed(&flow(port(3), 0, 11))));
    assert!(follow(&mut held, removed(&flow(port(1), 0, 11))));
    assert_eq!(held.len(), 2);
    assert!(follow(&mut held, Update { left: vec![port(1)], ..putting(&[], &[]) }));
    assert_eq!(held.len(), 1);
}

#[test]
fn what_was_a_ports_goes_when_another_has_its_place_on_the_switch() {
    let held = held();
    let mut update = putting(&[flow(port(3), 0, 13)], &[port(3)]);
    assert!(!held.restrict(&mut update));
    assert_eq!(update.left, []);
    let mut update = putting(&[flow(port(3), 0, 11)], &[port(3)]);
    assert!(!held.restrict(&mut update));
    assert_eq!(update.left, [port(1)]);
    // The same port may have its own place again; of a network's, another's flow says nothing.
    let network = flow(BlockId::Network(key(8)), 20, 70);
    let mut update = putting(&[flow(port(1), 0, 11), network], &[port(1)]);
    assert!(!held.restrict(&mut update));
    assert_eq!(update.left, []);

    // Nor does it stay when that is found by a comparison.
    let put = |flow: Flow, replaces| Put { flow: block_flow(&flow), replaces: Some(replaces) };
    let mut difference = surplus(vec![flow(port(1), 90, 1), flow(port(2), 0, 12)], vec![]);
    let (old, own) = (flow(port(1), 0, 11).cookie, flow(port(2), 0, 12).cookie);
    difference.put = vec![put(flow(port(3), 0, 11), old), put(flow(port(2), 0, 14), own)];
    assert_eq!(take_displaced(&mut difference), [flow(port(1), 90, 1)]);
    assert_eq!(difference.orphaned, [flow(port(2), 0, 12)]);
}

#[test]
fn a_block_of_which_something_is_held_is_neither_cleared_nor_left() {
    let held = held();
    let (one, other) = (BlockId::Network(key(7)), BlockId::Network(key(8)));
    let whole = || Update { cleared: vec![one, other], left: vec![port(3)], ..putting(&[], &[]) };
    let mut update = whole();
    assert!(held.restrict(&mut update));
    assert_eq!((update.cleared, update.left), (vec![other], vec![port(3)]));
    let mut update = Update { left: vec![port(1)], cleared: vec![], ..whole() };
    assert!(held.restrict(&mut update));
    assert_eq!(update.left, []);
    let mut update = whole();
    assert!(!Held::default().restrict(&mut update));
    assert_eq!(update.cleared, [one, other]);
}
