use std::collections::{BTreeMap, BTreeSet};

use openflow::Flow;
use topology::block::BlockId;
use topology::cookie::{BlockKind, Cookie};
use topology::key::Key;
use topology::pipeline::Table;
use topology::zone::zone_of;

use super::script::{Script, Step};

/// Which conntrack zone each port of a switch has.
#[derive(Debug, Default)]
pub(super) struct PortZones(BTreeMap<Key, u16>);

/// The zones in which a script lets nothing remain of what was there before it.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Flushes {
    /// Zones that a port gets. Flushed before the port's flows are there, too: should the
    /// connection end before the flush behind them, nobody inherits connections all the same.
    pub(super) gained: BTreeSet<u16>,
    /// Zones that a port gets, and those that one leaves.
    pub(super) changed: BTreeSet<u16>,
}

impl PortZones {
    /// Becomes what `script` makes of it; answers which zones change hands by that. A port whose
    /// flow comes with the same zone as before keeps its connections.
    pub(super) fn follow(&mut self, script: &Script) -> Flushes {
        let before: BTreeMap<Key, Option<u16>> = script
            .steps()
            .filter_map(port)
            .map(|port| (port, self.0.get(&port).copied()))
            .collect();
        for step in script.steps() {
            match step {
                Step::Put(flow) => self.put(&flow.flow),
                Step::Remove(_) | Step::Clear(_) => {
                    port(step).and_then(|port| self.0.remove(&port));
                }
            }
        }
        let mut flushes = Flushes::default();
        for (port, old) in before {
            let new = self.0.get(&port).copied();
            if old != new {
                flushes.gained.extend(new);
                flushes.changed.extend(new.into_iter().chain(old));
            }
        }
        flushes
    }

    /// The switch has this flow.
    pub(super) fn put(&mut self, flow: &Flow) {
        let Some(port) = egress_port(flow) else { return };
        match zone_of(flow) {
            Some(zone) => self.0.insert(port, zone),
            None => self.0.remove(&port),
        };
    }
}

/// The port whose zone a step may change.
fn port(step: &Step) -> Option<Key> {
    match step {
        Step::Put(flow) => egress_port(&flow.flow),
        Step::Remove(flow) => egress_port(flow),
        Step::Clear(BlockId::HostPort { port, .. }) => Some(*port),
        Step::Clear(_) => None,
    }
}

/// The port whose flow in table egress this is: there is one for each port of the switch, with the
/// port's zone if it has one.
fn egress_port(flow: &Flow) -> Option<Key> {
    let cookie = Cookie(flow.cookie);
    let is_ports =
        flow.table == Table::Egress.number() && cookie.kind() == Some(BlockKind::HostPort);
    is_ports.then(|| cookie.owner())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use topology::block::BlockFlow;
    use topology::pipeline::{Detail, Register};

    use super::*;

    impl PortZones {
        fn of<'a>(flows: impl IntoIterator<Item = &'a Flow>) -> Self {
            let mut zones = Self::default();
            flows.into_iter().for_each(|flow| zones.put(flow));
            zones
        }
    }

    fn egress(port: u32, zone: Option<u16>) -> Flow {
        let register = Register::ZONE.name;
        let zone = zone.map(|zone| format!("set_field:{zone}->{register},")).unwrap_or_default();
        let table = Table::Egress.number();
        let text = format!("table={table},reg1={port} actions={zone}goto_table:254");
        Flow { cookie: cookie(port), ..text.parse().unwrap() }
    }

    fn cookie(port: u32) -> u64 {
        Cookie::new(Detail::Egress, Key::new(port).unwrap(), Key::NONE).0
    }

    fn script(put: &[Flow], removed: &[Flow]) -> Script {
        let put = put.iter().map(|flow| Arc::new(BlockFlow::new(flow.clone(), false))).collect();
        Script::ordered(vec![], put, removed.to_vec())
    }

    #[track_caller]
    fn check(zones: &mut PortZones, script: &Script, gained: &[u16], changed: &[u16]) {
        let set = |zones: &[u16]| zones.iter().copied().collect();
        let expected = Flushes { gained: set(gained), changed: set(changed) };
        assert_eq!(zones.follow(script), expected);
    }

    #[test]
    fn zones_are_flushed_when_they_change_hands_and_only_then() {
        let mut zones = PortZones::of(&[egress(1, Some(4101)), egress(2, Some(4102))]);
        // Another profile, the same port with the same number.
        check(&mut zones, &script(&[egress(1, Some(4101))], &[]), &[], &[]);
        check(&mut zones, &script(&[egress(3, Some(4103))], &[]), &[4103], &[4103]);
        check(&mut zones, &script(&[], &[egress(3, Some(4103))]), &[], &[4103]);
        // One port leaves, and another gets its number.
        let handed = script(&[egress(4, Some(4101))], &[egress(1, Some(4101))]);
        check(&mut zones, &handed, &[4101], &[4101]);
        check(&mut zones, &script(&[egress(4, Some(4109))], &[]), &[4109], &[4101, 4109]);
        // Port security off, and on again.
        check(&mut zones, &script(&[egress(4, None)], &[]), &[], &[4109]);
        check(&mut zones, &script(&[egress(4, Some(4109))], &[]), &[4109], &[4109]);
    }

    #[test]
    fn a_block_that_is_cleared_takes_its_zone_along() {
        let mut zones = PortZones::of(&[egress(1, Some(4101)), egress(2, Some(4102))]);
        let block = |port| BlockId::HostPort { host: Key::new(9).unwrap(), port };
        let clear = |port| Script::ordered(vec![block(Key::new(port).unwrap())], vec![], vec![]);
        check(&mut zones, &clear(1), &[], &[4101]);
        check(&mut zones, &clear(1), &[], &[]);
        assert_eq!(zones.0.len(), 1);
    }

    #[test]
    fn only_what_ports_have_in_table_egress_counts() {
        let elsewhere = Flow { table: Table::Ingress.number(), ..egress(1, Some(4101)) };
        let foreign = Flow { cookie: 7, ..egress(1, Some(4101)) };
        assert!(PortZones::of(&[elsewhere, foreign]).0.is_empty());
    }
}
