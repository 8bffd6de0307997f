//! What a host reports of itself and only its own flows depend on.
//!
//! Facts are never stored: they are read from the host's OVSDB whenever it connects. What other
//! hosts' flows depend on (tunnel address, which ports are bound where) is in the model.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Deref;

use openflow::PortNo;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::PortId;

/// OpenFlow port numbers on one host's `br-int`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HostFacts {
    /// The flow-based VXLAN port.
    pub vxlan_port: Option<PortNo>,
    /// Physical network → the patch port to its bridge.
    pub uplinks: BTreeMap<String, PortNo>,
    /// Interfaces of ports that are bound here.
    pub ports: BTreeMap<PortId, PortNo>,
}

/// A host's facts as they are in use: no port number stands for two things.
///
/// Of those that claim a number the first has it: the tunnel, then uplinks, then ports, each in
/// order. What a host reports while it renumbers its ports never makes two things of one port.
/// Which it is depends on nothing but what the host has reported last.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct DistinctFacts {
    facts: HostFacts,
    /// Who has the numbers of `facts.ports`.
    holders: FxHashMap<PortNo, PortId>,
    /// Ports whose number stands for something else: a mistake, or a host that is at it.
    losers: BTreeMap<PortId, PortNo>,
}

/// Ports whose number in use is another now, or whose use has ended.
pub(crate) type Renumbered = Vec<(PortId, Option<PortNo>)>;

impl DistinctFacts {
    /// What is in use of `reported`.
    pub(crate) fn of(mut reported: HostFacts) -> Self {
        let mut taken = FxHashSet::default();
        taken.extend(reported.vxlan_port);
        reported.uplinks.retain(|_, number| taken.insert(*number));
        let ports = std::mem::take(&mut reported.ports);
        let mut distinct = Self { facts: reported, ..Self::default() };
        distinct.holders.reserve(ports.len());
        for (port, number) in ports {
            let is_free = !taken.contains(&number) && !distinct.holders.contains_key(&number);
            if is_free {
                distinct.holders.insert(number, port);
                distinct.facts.ports.insert(port, number);
            } else {
                distinct.losers.insert(port, number);
            }
        }
        distinct
    }

    /// The host reports `number` for `port`, or that it has none any more. Returns what is in use
    /// otherwise than before, which others that claim the same numbers may be, too.
    pub(crate) fn set_port(&mut self, port: PortId, number: Option<PortNo>) -> Renumbered {
        let before = self.facts.ports.get(&port).copied();
        if number.is_some() && number == before {
            return Renumbered::new();
        }
        let mut renumbered = Renumbered::new();
        self.losers.remove(&port);
        if let Some(free) = before {
            self.facts.ports.remove(&port);
            self.holders.remove(&free);
            let heir = self.losers.iter().find(|(_, number)| **number == free);
            if let Some(heir) = heir.map(|(port, _)| *port) {
                self.losers.remove(&heir);
                self.give(heir, free, &mut renumbered);
            }
        }
        if let Some(number) = number {
            self.claim(port, number, &mut renumbered);
        }
        if before.is_some() && !self.facts.ports.contains_key(&port) {
            renumbered.push((port, None));
        }
        renumbered
    }

    fn claim(&mut self, port: PortId, number: PortNo, renumbered: &mut Renumbered) {
        let holder = self.holders.get(&number).copied();
        if self.is_reserved(number) || holder.is_some_and(|holder| holder < port) {
            self.losers.insert(port, number);
            return;
        }
        if let Some(holder) = holder {
            self.facts.ports.remove(&holder);
            self.losers.insert(holder, number);
            renumbered.push((holder, None));
        }
        self.give(port, number, renumbered);
    }

    fn give(&mut self, port: PortId, number: PortNo, renumbered: &mut Renumbered) {
        self.holders.insert(number, port);
        self.facts.ports.insert(port, number);
        renumbered.push((port, Some(number)));
    }

    /// True for the numbers of the tunnel and of uplinks.
    fn is_reserved(&self, number: PortNo) -> bool {
        self.facts.vxlan_port == Some(number)
            || self.facts.uplinks.values().any(|uplink| *uplink == number)
    }

    /// The ports whose number is not the same in `new`, with what it is there.
    ///
    /// Both are walked in step: a host's report costs little per port that is as it was.
    pub(crate) fn changed_ports(&self, new: &Self) -> Renumbered {
        let (before, after) = (&self.facts.ports, &new.facts.ports);
        let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
        let mut changed = Renumbered::new();
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return changed,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((old, _)), Some((new, _))) => old.cmp(new),
            };
            let was = before.next_if(|_| order.is_le());
            let is = after.next_if(|_| order.is_ge());
            if was != is {
                let port = was.or(is).map(|(port, _)| *port);
                changed.extend(port.map(|port| (port, is.map(|(_, number)| *number))));
            }
        }
    }
}

impl Deref for DistinctFacts {
    type Target = HostFacts;

    fn deref(&self) -> &HostFacts {
        &self.facts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn port(id: u128) -> PortId {
        PortId(uuid::Uuid::from_u128(id))
    }

    fn ports(ports: &[(u128, u32)]) -> HostFacts {
        let ports = ports.iter().map(|&(id, number)| (port(id), PortNo(number)));
        HostFacts { ports: ports.collect(), ..HostFacts::default() }
    }

    #[test]
    fn changed_ports_are_told() {
        let [before, after] = [&[(1, 11), (2, 12), (4, 14)], &[(2, 22), (3, 13), (4, 14)]]
            .map(|numbers| DistinctFacts::of(ports(numbers)));
        let changed = before.changed_ports(&after);
        let changed: Vec<_> =
            changed.into_iter().map(|(port, no)| (port.0.as_u128(), no)).collect();
        assert_eq!(changed, [(1, None), (2, Some(PortNo(22))), (3, Some(PortNo(13)))]);
    }

    #[test]
    fn a_number_stands_for_one_thing() {
        let facts = HostFacts {
            vxlan_port: Some(PortNo(1)),
            uplinks: [("a".into(), PortNo(1)), ("b".into(), PortNo(2)), ("c".into(), PortNo(2))]
                .into(),
            ..ports(&[(1, 2), (2, 3), (3, 3)])
        };
        let distinct = DistinctFacts::of(facts);
        assert_eq!(distinct.uplinks, [("b".to_owned(), PortNo(2))].into());
        assert_eq!(distinct.ports, ports(&[(2, 3)]).ports);
    }

    proptest! {
        /// Numbers are few, so that many claim the same.
        #[test]
        fn one_port_at_a_time_comes_to_the_same_as_all_at_once(
            steps in proptest::collection::vec((0..6u128, proptest::option::of(0..5u32)), 1..24)
        ) {
            let mut reported = HostFacts {
                vxlan_port: Some(PortNo(0)),
                uplinks: [("a".into(), PortNo(1))].into(),
                ..HostFacts::default()
            };
            let mut distinct = DistinctFacts::of(reported.clone());
            for (id, number) in steps {
                let (port, number) = (port(id), number.map(PortNo));
                let before = distinct.ports.clone();
                let mut told = before.clone();
                for (port, number) in distinct.set_port(port, number) {
                    match number {
                        Some(number) => told.insert(port, number),
                        None => told.remove(&port),
                    };
                }
                match number {
                    Some(number) => reported.ports.insert(port, number),
                    None => reported.ports.remove(&port),
                };
                prop_assert_eq!(&distinct, &DistinctFacts::of(reported.clone()));
                prop_assert_eq!(&told, &distinct.ports, "from {:?}", before);
            }
        }
    }
}
