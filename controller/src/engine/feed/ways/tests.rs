use openflow::{Flow, FlowId, MacAddr, PortNo};
use proptest::collection::vec;
use proptest::prelude::*;
use rustc_hash::FxHashMap;
use topology::compile::Compiler;
use topology::facts::HostFacts;
use topology::model::{
    Change, Host, HostId, Network, NetworkId, Port, PortId, ProjectId, Resource, ResourceId,
    Segment,
};
use uuid::Uuid;

use super::*;
use crate::engine::feed::{Feed, HandOver, Lane, Receipt, SessionId, Ticket, Update};
use crate::fixture;

const HERE: HostId = HostId(Uuid::from_u128(1));
const ELSEWHERE: HostId = HostId(Uuid::from_u128(2));
const SESSION: SessionId = SessionId(1);

/// Ports elsewhere: their ways are three parts.
const PORTS: u32 = 600;

/// A host that has been brought to what it should have, without a port; and its switch, which does
/// as it is told.
struct Scene {
    compiler: Compiler,
    feed: Feed,
    revision: u64,
    switch: FxHashMap<FlowId, Flow>,
}

impl Scene {
    fn new() -> Self {
        let mut scene = Self {
            compiler: Compiler::new(),
            feed: Feed::default(),
            revision: 0,
            switch: FxHashMap::default(),
        };
        scene.feed.attach(SESSION);
        for (id, key) in [(HERE, 1), (ELSEWHERE, 2)] {
            let tunnel_ip = Some([192, 0, 2, key as u8].into());
            let host = Host { tunnel_ip, ..Host::new(id, fixture::meta(key, "host")) };
            scene.compiler.apply(&Change::Put(Resource::Host(Arc::new(host))));
            scene.compiler.set_facts(id, HostFacts::default());
        }
        let network = Network {
            id: NetworkId(Uuid::nil()),
            meta: fixture::meta(3, "network"),
            project: ProjectId(Uuid::nil()),
            segment: Segment::Vxlan { vni: 100.try_into().unwrap() },
            mtu: 1_400,
            shared: false,
            port_security: true,
        };
        scene.compiler.apply(&Change::Put(Resource::Network(Arc::new(network))));
        (0..PORTS).for_each(|number| scene.put(number, Some(ELSEWHERE)));
        scene.compiler.flush();
        let snapshot = scene.feed.snapshot(&scene.compiler, HERE, 0).unwrap();
        scene.switch.extend(snapshot.flows.iter().map(|it| (it.flow.id(), it.flow.clone())));
        scene.confirm(snapshot.ticket);
        scene
    }

    /// Puts a port into the model.
    fn put(&mut self, number: u32, bound_host: Option<HostId>) {
        let [.., high, low] = number.to_be_bytes();
        let mac = MacAddr::new([2, 0, 0, 0, high, low]);
        let port_security = false;
        let port = Port { mac, bound_host, port_security, ..fixture::port(1_000 + number, "port") };
        self.compiler.apply(&Change::Put(Resource::Port(Arc::new(port))));
    }

    fn delete(&mut self, number: u32) {
        self.compiler.apply(&Change::Delete(ResourceId::Port(port(number))));
    }

    /// Commits what has been put and deleted.
    fn commit(&mut self) {
        let outcome = self.compiler.flush();
        for (host, block) in outcome.concerned(&self.compiler) {
            if host == HERE {
                self.feed.mark(block, self.revision);
            }
        }
        self.revision += 1;
    }

    fn next(&mut self) -> Option<Update> {
        match self.feed.next(&self.compiler, HERE, self.revision)? {
            HandOver::Update(update) => Some(*update),
            HandOver::Compare => panic!("nothing is held"),
        }
    }

    /// The switch carries out the next hand-over; answers it.
    fn follow(&mut self) -> Option<Update> {
        let update = self.next()?;
        for block in update.cleared.iter().chain(&update.left) {
            let (cookie, mask) = block.cookie_and_mask();
            self.switch.retain(|_, flow| flow.cookie & mask != cookie);
        }
        for flow in &update.put {
            self.switch.insert(flow.flow.id(), flow.flow.clone());
        }
        for flow in &update.removed {
            let is_it = |there: &Flow| (there.cookie ^ flow.flow.cookie) & Cookie::OWNER_MASK == 0;
            if self.switch.get(&flow.flow.id()).is_some_and(is_it) {
                self.switch.remove(&flow.flow.id());
            }
        }
        self.confirm(update.ticket);
        Some(update)
    }

    fn confirm(&mut self, ticket: Ticket) {
        let receipt = Receipt { ticket: Some(ticket), ..Receipt::default() };
        self.feed.confirm(SESSION, &receipt);
    }

    /// Carries out all hand-overs that there are; the switch has what it should have, and that is
    /// known only now.
    #[track_caller]
    fn check(&mut self) -> Vec<Update> {
        let mut updates = Vec::new();
        while let Some(update) = self.follow() {
            let is_through = self.feed.ways.is_empty() && self.feed.pending.is_empty();
            assert_eq!(self.feed.has_everything(), is_through);
            assert_eq!(self.feed.realized(self.revision) == self.revision, is_through);
            assert!(!(self.feed.has_confirmed(network()) && self.feed.ways.contains(network())));
            updates.push(update);
        }
        let wanted = self.compiler.desired(HERE).map(|it| (it.flow.id(), it.flow.clone()));
        assert_eq!(self.switch, wanted.collect());
        assert!(self.feed.has_everything());
        updates
    }
}

fn port(number: u32) -> PortId {
    PortId(Uuid::from_u128((1_000 + number).into()))
}

fn network() -> BlockId {
    BlockId::Network(Key::new(3).unwrap())
}

/// The ports to which an update puts ways, each as often as it does.
fn ways(update: &Update) -> Vec<Key> {
    let (cookie, mask) = network().cookie_and_mask();
    let of_network = update.put.iter().filter(|flow| flow.flow.cookie & mask == cookie);
    let members = of_network.map(|flow| Cookie(flow.flow.cookie).member());
    members.filter(|member| *member != Key::NONE).collect()
}

#[test]
fn a_network_that_is_new_on_a_host_comes_in_parts() {
    let mut scene = Scene::new();
    scene.put(PORTS, Some(HERE));
    scene.commit();
    let updates = scene.check();
    assert_eq!(updates.len(), 3);
    assert!(updates.iter().all(|update| update.put.len() <= PART));
    let parts: Vec<_> = updates.iter().map(ways).collect();
    // One to the port that is here, too: the block is the same on every host.
    assert_eq!(parts.concat().len(), PORTS as usize + 1);
    let is_older = |pair: &[Vec<Key>]| pair[0].iter().min() > pair[1].iter().max();
    assert!(parts.windows(2).all(is_older), "{parts:?}");
    assert!(updates.iter().all(|update| update.ticket.lane == Lane::Live));
}

#[test]
fn what_changes_meanwhile_does_not_wait_for_the_parts_nor_they_for_it() {
    let mut scene = Scene::new();
    scene.put(PORTS, Some(HERE));
    scene.commit();
    assert!(!ways(&scene.follow().unwrap()).is_empty());
    let mut had_ways = Vec::new();
    let id = port(PORTS);
    for number in 1..=4 {
        scene.compiler.set_port(HERE, id, Some(PortNo(number)));
        scene.commit();
        let update = scene.follow().unwrap();
        assert!(update.changed.iter().any(|id| matches!(id, BlockId::HostPort { .. })));
        had_ways.push(!ways(&update).is_empty());
    }
    assert_eq!(had_ways, [false, true, false, true]);
    scene.check();
}

#[test]
fn what_was_not_handed_out_follows_as_it_is_by_then() {
    let mut scene = Scene::new();
    scene.put(PORTS, Some(HERE));
    scene.commit();
    scene.follow().unwrap();
    // The last of the ways are still to come: one port goes, one comes here, one changes nothing.
    scene.delete(PORTS - 1);
    scene.put(PORTS - 2, Some(HERE));
    scene.put(PORTS - 3, Some(ELSEWHERE));
    scene.commit();
    scene.check();
}

#[test]
fn a_network_that_goes_takes_along_what_was_to_follow() {
    let mut scene = Scene::new();
    scene.put(PORTS, Some(HERE));
    scene.commit();
    scene.follow().unwrap();
    scene.delete(PORTS);
    scene.commit();
    assert_eq!(scene.check().len(), 1);
    scene.put(PORTS, Some(HERE));
    scene.commit();
    assert_eq!(scene.check().len(), 3);
}

#[test]
fn another_snapshot_has_what_was_to_follow() {
    let mut scene = Scene::new();
    scene.put(PORTS, Some(HERE));
    scene.commit();
    scene.follow().unwrap();
    let snapshot = scene.feed.snapshot(&scene.compiler, HERE, scene.revision).unwrap();
    assert!(!scene.feed.has_confirmed(network()));
    assert!(scene.next().is_none());
    scene.switch = snapshot.flows.iter().map(|it| (it.flow.id(), it.flow.clone())).collect();
    scene.confirm(snapshot.ticket);
    assert!(scene.feed.has_confirmed(network()));
    assert!(scene.check().is_empty());
}

/// What may happen between two hand-overs.
#[derive(Clone, Debug)]
enum Act {
    Put(u32, Option<HostId>),
    Delete(u32),
    Plug(u32, Option<u32>),
    Commit,
    Follow,
}

fn act() -> impl Strategy<Value = Act> {
    let number = 0..PORTS + 3;
    let host = prop_oneof![Just(None), Just(Some(HERE)), Just(Some(ELSEWHERE))];
    prop_oneof![
        4 => (number.clone(), host).prop_map(|(number, host)| Act::Put(number, host)),
        2 => number.clone().prop_map(Act::Delete),
        2 => (number, proptest::option::of(1..4_u32)).prop_map(|(it, at)| Act::Plug(it, at)),
        4 => Just(Act::Commit),
        4 => Just(Act::Follow),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_switch_comes_to_what_it_should_have(acts in vec(act(), 1..40)) {
        let mut scene = Scene::new();
        // The host has the network, most of the time.
        scene.put(PORTS, Some(HERE));
        scene.commit();
        for act in acts {
            match act {
                Act::Put(number, host) => scene.put(number, host),
                Act::Delete(number) => scene.delete(number),
                Act::Plug(number, at) => {
                    scene.compiler.set_port(HERE, port(number), at.map(PortNo));
                }
                Act::Commit => scene.commit(),
                Act::Follow => drop(scene.follow()),
            }
        }
        scene.commit();
        scene.check();
    }
}
