//! A switch that does as it is told, and the session that serves it.

use std::collections::{BTreeMap, BTreeSet};

use openflow::message::FlowStats;

use super::*;
use crate::engine::{Lane, SessionId, Ticket};
use crate::switch::reconcile::difference;

/// The flows that there are of each block that a host has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Wanted(BTreeMap<BlockId, BTreeMap<u16, Version>>);

impl Wanted {
    fn flows(&self) -> BTreeMap<u16, (BlockId, Version)> {
        let of = |(block, flows): (&BlockId, &BTreeMap<u16, Version>)| {
            let block = *block;
            flows.iter().map(move |(flow, version)| (*flow, (block, *version))).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }

    pub(super) fn change(&mut self, change: &Change, version: Version) {
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

/// A switch and the session that serves it.
pub(super) struct Scene {
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
    pub(super) fn new(wanted: Wanted, installed: Vec<(u16, u64, Version)>) -> Self {
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

    pub(super) fn handle(&mut self, event: &Event) {
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

    pub(super) fn end(mut self) {
        while self.live() {}
        self.drain();
        let wanted = self.wanted.block_flows();
        let wanted: BTreeMap<_, _> =
            wanted.iter().map(|flow| (flow.flow.priority, flow.flow.clone())).collect();
        self.switch.retain(|number, flow| flow.cookie != FOREIGN || wanted.contains_key(number));
        assert_eq!(self.switch, wanted);
    }
}
