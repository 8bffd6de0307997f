use std::collections::BTreeMap;
use std::sync::Arc;

use topology::facts::HostFacts;
use topology::key::Key;
use topology::model::{Change, Host, Meta, Resource, Timestamp};
use uuid::Uuid;

use super::*;

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
            id: HOST,
            meta: Meta {
                key: Key::new(1).unwrap(),
                name: "a".into(),
                description: String::new(),
                labels: BTreeMap::new(),
                created: Timestamp(0),
                updated: Timestamp(0),
                revision: self.revision + 1,
            },
            system_id: None,
            tunnel_ip: Some([192, 0, 2, address].into()),
            bridge_mappings: BTreeMap::new(),
            datapath_id: None,
            ovs_version: String::new(),
            ovsdb_target: None,
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
        self.feed.next(&self.compiler, HOST, self.revision)
    }
}

#[test]
fn a_revision_is_realised_when_it_is_confirmed_and_not_before() {
    let mut scene = Scene::new();
    let first = scene.snapshot().ticket;
    assert_eq!(scene.feed.realized(scene.revision), 0);
    scene.feed.confirm(first);
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
    scene.feed.confirm(second);
    assert_eq!(scene.feed.realized(scene.revision), 2);
}

#[test]
fn one_hand_over_is_on_its_way_at_a_time_and_the_next_is_the_net_change() {
    let mut scene = Scene::new();
    let first = scene.snapshot();
    let ticket = first.ticket;
    scene.change(2);
    scene.change(3);
    assert!(scene.next().is_none(), "the first is not confirmed");
    scene.feed.confirm(ticket);
    let update = scene.next().unwrap();
    let put: Vec<_> = update.put.iter().map(|flow| flow.flow.to_string()).collect();
    assert!(put.iter().any(|flow| flow.contains("192.0.2.3")), "{put:?}");
    assert!(!put.iter().any(|flow| flow.contains("192.0.2.2")), "{put:?}");
    scene.feed.confirm(update.ticket);
    assert!(scene.next().is_none());
}

#[test]
fn a_change_that_was_taken_back_leaves_the_flows_as_they_were() {
    let mut scene = Scene::new();
    let ticket = scene.snapshot().ticket;
    scene.feed.confirm(ticket);
    scene.change(2);
    scene.change(1);
    let update = scene.next().unwrap();
    let wanted: Vec<_> = scene.compiler.desired(HOST).map(|flow| flow.flow.clone()).collect();
    assert!(update.put.iter().all(|flow| wanted.contains(&flow.flow)));
    assert!(update.removed.iter().all(|flow| !wanted.iter().any(|it| it.id() == flow.flow.id())));
}

#[test]
fn a_session_that_was_replaced_gets_nothing() {
    let mut scene = Scene::new();
    let ticket = scene.snapshot().ticket;
    scene.feed.attach(SessionId(2));
    scene.feed.confirm(ticket);
    assert!(!scene.feed.is_synced());
    assert!(!scene.feed.detach(SESSION, scene.revision));
    assert!(scene.feed.detach(SessionId(2), scene.revision));
    assert!(scene.feed.snapshot(&scene.compiler, HOST, 1).is_none());
}
