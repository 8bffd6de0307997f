//! What a host reports of itself and only its own flows depend on.
//!
//! Facts are never stored: they are read from the host's OVSDB whenever it connects. What other
//! hosts' flows depend on (tunnel address, which ports are bound where) is in the model.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use openflow::PortNo;
use rustc_hash::FxHashSet;

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

impl HostFacts {
    /// The same without port numbers that stand for something else already: tunnel, then uplinks,
    /// then ports, each in order. What a host reports while it renumbers its ports never makes
    /// two things of one port.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        let mut taken = FxHashSet::default();
        taken.reserve(1 + self.uplinks.len() + self.ports.len());
        taken.extend(self.vxlan_port);
        self.uplinks.retain(|_, number| taken.insert(*number));
        self.ports.retain(|_, number| taken.insert(*number));
        self
    }

    /// The ports whose number is not the same in `new`, with what it is there.
    ///
    /// Both are walked in step: a host's report costs little per port that is as it was.
    pub(crate) fn changed_ports(&self, new: &Self) -> Vec<(PortId, Option<PortNo>)> {
        let (mut before, mut after) = (self.ports.iter().peekable(), new.ports.iter().peekable());
        let mut changed = Vec::new();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(ports: &[(u128, u32)]) -> HostFacts {
        let port = |&(id, number)| (PortId(uuid::Uuid::from_u128(id)), PortNo(number));
        HostFacts { ports: ports.iter().map(port).collect(), ..HostFacts::default() }
    }

    #[test]
    fn changed_ports_are_told() {
        let changed =
            ports(&[(1, 11), (2, 12), (4, 14)]).changed_ports(&ports(&[(2, 22), (3, 13), (4, 14)]));
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
        let distinct = facts.distinct();
        assert_eq!(distinct.uplinks, [("b".to_owned(), PortNo(2))].into());
        assert_eq!(distinct.ports, ports(&[(2, 3)]).ports);
    }
}
