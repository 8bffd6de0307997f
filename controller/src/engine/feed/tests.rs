use std::sync::Arc;

use topology::facts::HostFacts;
use topology::key::Key;
use topology::model::{Change, Host, Resource};
use uuid::Uuid;

use super::*;
use crate::fixture;

const HOST: HostId = HostId(Uuid::from_u128(1));
const SESSION: SessionId = SessionId(1);

/// A host on its own whose tunnel address changes: its flows do too.
struct Scene {
    compiler: Compiler,
    feed: Feed,
    revision: u64,
}

impl Scene {
    fn new() -> Self {
        let mut scene = Self { compiler: Compiler::new(), feed: Feed::default(), revision: 0 };
        scene.change(1);
        scene.compiler.set_facts(HOST, HostFacts::default());
        scene.compiler.flush();
        scene.feed.attach(SESSION);
        scene
    }

    fn change(&mut self, address: u8) {
        let host = Host {
            tunnel_ip: Some([192, 0, 2, address].into()),
            ..Host::new(HOST, fixture::meta(1, "a"))
        };
        self.compiler.apply(&Change::Put(Resource::Host(Arc::new(host))));
        for block in self.compiler.flush().changed {
            self.feed.mark(block, self.revision);
        }
        self.revision += 1;
    }

    fn snapshot(&mut self) -> Snapshot {
        self.feed.snapshot(&self.compiler, HOST, self.revision).unwrap()
    }

    fn next(&mut self) -> Option<Update> {
        match self.feed.next(&self.compiler, HOST, self.revision)? {
            HandOver::Update(update) => Some(*update),
            HandOver::Compare => panic!("a snapshot has to come first"),
        }
    }

    fn confirm(&mut self, ticket: Ticket) {
        let receipt = Receipt { ticket: Some(ticket), ..Receipt::default() };
        self.feed.confirm(SESSION, &receipt);
    }

    fn realized(&self) -> u64 {
        self.feed.realized(self.revision)
    }
}

#[test]
fn a_revision_is_realised_when_it_is_confirmed_and_not_before() {
    let mut scene = Scene::new();
    let first = scene.snapshot().ticket;
    assert_eq!(scene.feed.realized(scene.revision), 0);
    scene.confirm(first);
    assert_eq!(scene.feed.realized(scene.revision), 1);
    assert_eq!(scene.feed.realized(7), 7, "revisions that do not concern the host");

    let settled = |scene: &Scene| scene.feed.settled(&scene.compiler, HOST);
    assert_eq!(settled(&scene).unwrap().len(), scene.compiler.desired(HOST).count());
    scene.change(2);
    assert!(settled(&scene).is_none());
    assert_eq!(scene.feed.realized(scene.revision), 1);
    let second = scene.next().unwrap().ticket;
    assert_eq!(scene.feed.realized(scene.revision), 1);
    assert!(settled(&scene).is_none());
    scene.confirm(second);
    assert_eq!(scene.feed.realized(scene.revision), 2);
}

#[test]
fn one_hand_over_is_on_its_way_at_a_time_and_the_next_is_the_net_change() {
    let mut scene = Scene::new();
    let first = scene.snapshot().ticket;
    scene.confirm(first);
    scene.change(4);
    let second = scene.next().unwrap().ticket;
    scene.change(2);
    scene.change(3);
    assert!(scene.next().is_none(), "the second is not confirmed");
    scene.confirm(second);
    let update = scene.next().unwrap();
    let put: Vec<_> = update.put.iter().map(|flow| flow.flow.to_string()).collect();
    assert!(put.iter().any(|flow| flow.contains("192.0.2.3")), "{put:?}");
    assert!(!put.iter().any(|flow| flow.contains("192.0.2.2")), "{put:?}");
    scene.confirm(update.ticket);
    assert!(scene.next().is_none());
}

#[test]
fn changes_overtake_the_snapshot_and_count_when_it_is_confirmed() {
    let mut scene = Scene::new();
    assert!(scene.next().is_none(), "nothing to overtake yet");
    let bulk = scene.snapshot();
    assert!(bulk.blocks.contains(&BlockId::Vteps));
    scene.change(2);
    let live = scene.next().unwrap();
    assert!(live.changed.contains(&BlockId::Vteps));
    // Both lanes' tickets are of one session and may be of one revision.
    scene.confirm(Ticket { lane: Lane::Bulk, ..live.ticket });
    assert!(!scene.feed.is_synced());
    scene.confirm(live.ticket);
    assert_eq!(scene.realized(), 0);
    assert!(!scene.feed.has_confirmed(BlockId::Vteps), "the rest of it is to come");
    let part = Receipt { blocks: vec![BlockId::Vteps], ..Receipt::default() };
    scene.feed.confirm(SessionId(2), &part);
    assert!(!scene.feed.has_confirmed(BlockId::Vteps), "another session's");
    scene.feed.confirm(SESSION, &part);
    assert!(scene.feed.has_confirmed(BlockId::Vteps));
    assert!(!scene.feed.has_confirmed(BlockId::HostBase(Key::new(1).unwrap())));
    assert_eq!((scene.realized(), scene.feed.is_synced()), (0, false));
    scene.change(3);
    scene.confirm(bulk.ticket);
    assert_eq!((scene.realized(), scene.feed.is_synced()), (2, true));
    let live = scene.next().unwrap();
    scene.confirm(live.ticket);
    assert_eq!(scene.realized(), 3);
}

#[test]
fn another_snapshot_takes_nothing_back_that_was_confirmed() {
    let mut scene = Scene::new();
    let ticket = scene.snapshot().ticket;
    scene.confirm(ticket);
    scene.change(2);
    let live = scene.next().unwrap();
    scene.confirm(live.ticket);
    let ticket = scene.snapshot().ticket;
    assert!(scene.feed.has_confirmed(BlockId::Vteps));
    scene.confirm(ticket);
    scene.change(3);
    let unconfirmed = scene.snapshot();
    assert!(!scene.feed.has_confirmed(BlockId::Vteps));
    assert_eq!((scene.realized(), scene.feed.is_synced()), (2, true));
    assert!(scene.next().is_none(), "it has what was pending");
    // The session ends half way.
    assert!(scene.feed.detach(SESSION, scene.revision));
    assert_eq!(scene.realized(), 2);
    scene.feed.attach(SESSION);
    scene.confirm(unconfirmed.ticket);
    assert_eq!((scene.realized(), scene.feed.is_synced()), (2, false));
}

#[test]
fn a_change_that_was_taken_back_leaves_the_flows_as_they_were() {
    let mut scene = Scene::new();
    let ticket = scene.snapshot().ticket;
    scene.confirm(ticket);
    scene.change(2);
    scene.change(1);
    let update = scene.next().unwrap();
    let wanted: Vec<_> = scene.compiler.desired(HOST).map(|flow| flow.flow.clone()).collect();
    assert!(update.put.iter().all(|flow| wanted.contains(&flow.flow)));
    assert!(update.removed.iter().all(|flow| !wanted.iter().any(|it| it.id() == flow.flow.id())));
}

#[test]
fn a_switch_that_keeps_what_it_should_not_have_is_compared_and_not_taken_to_be_further() {
    let mut scene = Scene::new();
    let ticket = scene.snapshot().ticket;
    scene.confirm(ticket);
    scene.feed.hold(scene.revision);
    scene.change(2);
    let next = |scene: &mut Scene| scene.feed.next(&scene.compiler, HOST, scene.revision);
    for _ in 0..2 {
        assert!(matches!(next(&mut scene), Some(HandOver::Compare)));
        assert!(scene.feed.settled(&scene.compiler, HOST).is_none());
    }
    let ticket = scene.snapshot().ticket;
    assert!(scene.next().is_none(), "it has what was pending");
    scene.confirm(ticket);
    assert_eq!((scene.realized(), scene.feed.is_synced()), (1, true));
    assert!(scene.feed.has_confirmed(BlockId::Vteps), "it has what it should have");
    // What changes goes on.
    scene.change(3);
    let live = scene.next().unwrap();
    scene.confirm(live.ticket);
    assert_eq!(scene.realized(), 1);
    // Nor is it further when it is let go, before it was compared.
    scene.feed.compare();
    assert!(matches!(next(&mut scene), Some(HandOver::Compare)));
    let ticket = scene.snapshot().ticket;
    scene.feed.set_held(false);
    assert_eq!(scene.realized(), 1);
    scene.confirm(ticket);
    assert_eq!(scene.realized(), 3);
}

#[test]
fn a_host_that_is_away_is_no_further_for_being_held() {
    let mut scene = Scene::new();
    let ticket = scene.snapshot().ticket;
    scene.confirm(ticket);
    assert!(scene.feed.detach(SESSION, scene.revision));
    scene.feed.hold(scene.revision);
    scene.change(2);
    scene.feed.attach(SessionId(2));
    assert_eq!(scene.realized(), 1);
    assert!(scene.feed.snapshot(&scene.compiler, HOST, scene.revision).is_some());
}

#[test]
fn a_session_that_was_replaced_gets_nothing() {
    let mut scene = Scene::new();
    let ticket = scene.snapshot().ticket;
    scene.feed.attach(SessionId(2));
    scene.confirm(ticket);
    assert!(!scene.feed.is_synced());
    assert!(!scene.feed.detach(SESSION, scene.revision));
    assert!(scene.feed.detach(SessionId(2), scene.revision));
    assert!(scene.feed.snapshot(&scene.compiler, HOST, 1).is_none());
}
