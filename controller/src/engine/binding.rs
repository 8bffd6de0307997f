use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use topology::model::{HostId, Model, Port, PortId};

use super::dispute::Dispute;
use crate::limits::Bucket;

/// How often a port may be taken from one host by another, at once.
const MOVES: f64 = 8.0;
/// Seconds until it may be taken once more, after that.
const MOVE_INTERVAL: f64 = 60.0;
/// Ports whose moves are remembered, before those are forgotten that have been quiet.
const REMEMBERED: usize = 1024;

/// Which hosts have an interface for which port, and which of several the port is bound to.
///
/// A port may be plugged on two hosts for a while, when its VM moves. The host that plugged it
/// last has it. What a host already had when this controller first heard of it is older than
/// anything seen to happen since, and among those the stored binding stands: a restart changes
/// nothing.
///
/// A VM moves now and then. A port that one host after the other takes too often is *contested*: it
/// stays where it is while it is plugged there, as if the others had had it all along.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    by_port: BTreeMap<PortId, BTreeMap<HostId, Age>>,
    by_host: BTreeMap<HostId, Claimed>,
    plugged: u64,
    reports: u64,
    /// What is left to ports that have moved of late.
    moves: BTreeMap<PortId, Bucket>,
}

/// What one host has said.
#[derive(Debug, Default)]
struct Claimed {
    ports: BTreeSet<PortId>,
    /// Its last whole report.
    report: u64,
}

/// What something that a host says comes to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Ports whose claims have changed, at a host's first report all of its stored ones too.
    pub(crate) changed: BTreeSet<PortId>,
    /// Ports that the host has plugged.
    pub(crate) plugged: Vec<PortId>,
    /// Those of them that another keeps, because they have been moved too often.
    pub(crate) contested: Vec<PortId>,
}

/// How recent a claim is: 0 when it was there at the host's first report.
type Age = u64;

impl Claims {
    /// `host` has interfaces for exactly these ports now. Returns the report's number, too.
    pub(crate) fn report(
        &mut self,
        model: &Model,
        host: HostId,
        ports: BTreeSet<PortId>,
        now: Instant,
    ) -> (u64, Outcome) {
        self.reports += 1;
        let claimed = Claimed { ports: ports.clone(), report: self.reports };
        let before = self.by_host.insert(host, claimed);
        let first = before.is_none();
        let before = before.unwrap_or_default().ports;
        let changed = before.symmetric_difference(&ports).copied().collect();
        let mut outcome = Outcome { changed, ..Outcome::default() };
        for gone in before.difference(&ports) {
            self.remove(host, *gone);
        }
        for &new in ports.difference(&before) {
            self.add(model, host, new, (!first).then_some(now), &mut outcome);
        }
        if first {
            outcome.changed.extend(model.ports_on(host).map(|port| port.id));
        }
        (self.reports, outcome)
    }

    /// True while the last whole report of `host` is the one with this number.
    pub(crate) fn is_last_report(&self, host: HostId, report: u64) -> bool {
        self.by_host.get(&host).is_some_and(|claimed| claimed.report == report)
    }

    /// `host`, which has reported before, has an interface for `port` now, or has none.
    pub(crate) fn set(
        &mut self,
        model: &Model,
        host: HostId,
        port: PortId,
        plugged: bool,
        now: Instant,
        outcome: &mut Outcome,
    ) {
        let Some(Claimed { ports, .. }) = self.by_host.get_mut(&host) else { return };
        let changed = if plugged { ports.insert(port) } else { ports.remove(&port) };
        if !changed {
            return;
        }
        outcome.changed.insert(port);
        if plugged {
            self.add(model, host, port, Some(now), outcome);
        } else {
            self.remove(host, port);
        }
    }

    /// Whether a port that was plugged just now may go to whom it was plugged by.
    fn may_move(&mut self, model: &Model, port: PortId, now: Instant) -> bool {
        let is_taken = self.by_port.contains_key(&port);
        if !is_taken || model.port(port).is_none() {
            return true;
        }
        if self.moves.len() >= REMEMBERED && !self.moves.contains_key(&port) {
            self.moves.retain(|_, left| !left.is_full(now));
        }
        let left = self
            .moves
            .entry(port)
            .or_insert_with(|| Bucket::new(MOVES, MOVE_INTERVAL.recip(), now));
        left.take(now)
    }

    /// `host` is no host of ours any more. Returns the ports it had claimed.
    pub(crate) fn forget(&mut self, host: HostId) -> BTreeSet<PortId> {
        let ports = self.by_host.remove(&host).unwrap_or_default().ports;
        for port in &ports {
            self.remove(host, *port);
        }
        ports
    }

    /// The ports that `host` has an interface for.
    pub(crate) fn of(&self, host: HostId) -> impl Iterator<Item = PortId> + '_ {
        self.by_host.get(&host).into_iter().flat_map(|claimed| claimed.ports.iter().copied())
    }

    /// The host that `port` is bound to.
    pub(crate) fn resolve(&self, model: &Model, port: &Port) -> Option<HostId> {
        let requested = |id: &HostId| {
            let name = port.requested_host.as_ref();
            model.host(*id).is_some_and(|host| name.is_none_or(|name| host.meta.name == *name))
        };
        let best = self.by_port.get(&port.id).and_then(|claims| {
            let allowed = claims.iter().filter(|(host, _)| requested(host));
            allowed.max_by_key(|&(&host, &age)| (age, port.bound_host == Some(host)))
        });
        // A host that has not reported since this controller started keeps what it had, against
        // everything but a plug that was seen to happen.
        let silent =
            port.bound_host.filter(|host| requested(host) && !self.by_host.contains_key(host));
        match (best, silent) {
            (Some((_, 0)) | None, Some(silent)) => Some(silent),
            (best, _) => best.map(|(&host, _)| host),
        }
    }

    /// `host` has plugged `port`: it was seen to, or has had it from before.
    fn add(
        &mut self,
        model: &Model,
        host: HostId,
        port: PortId,
        seen: Option<Instant>,
        outcome: &mut Outcome,
    ) {
        let mut age = 0;
        if let Some(now) = seen {
            if self.may_move(model, port, now) {
                self.plugged += 1;
                age = self.plugged;
            } else {
                outcome.contested.push(port);
            }
        }
        self.by_port.entry(port).or_default().insert(host, age);
        outcome.plugged.push(port);
    }

    fn remove(&mut self, host: HostId, port: PortId) {
        if let Some(claims) = self.by_port.get_mut(&port) {
            claims.remove(&host);
            if claims.is_empty() {
                self.by_port.remove(&port);
            }
        }
    }
}

/// What is wrong with `host` having an interface for a port that is requested on another.
pub(crate) fn requested_elsewhere(model: &Model, host: HostId, port: PortId) -> Option<Dispute> {
    let requested = model.port(port)?.requested_host.as_ref()?;
    let is_here = model.host(host).is_some_and(|host| host.meta.name == *requested);
    (!is_here).then(|| Dispute::PortRequested { port, requested: requested.clone() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use openflow::MacAddr;
    use topology::key::Key;
    use topology::model::{Change, Host, Meta, NetworkId, ProjectId, Resource, Timestamp};
    use uuid::Uuid;

    use super::*;

    const PORT: PortId = PortId(Uuid::from_u128(7));
    const A: HostId = HostId(Uuid::from_u128(1));
    const B: HostId = HostId(Uuid::from_u128(2));

    fn meta(name: &str, key: u32) -> Meta {
        Meta {
            key: Key::new(key).unwrap(),
            name: name.into(),
            description: String::new(),
            labels: BTreeMap::new(),
            created: Timestamp(0),
            updated: Timestamp(0),
            revision: 1,
        }
    }

    /// Hosts a and b, and one port, bound to `bound_host` and wanted on `requested_host`.
    struct Scene {
        model: Model,
        claims: Claims,
        now: Instant,
    }

    impl Scene {
        fn new(bound_host: Option<HostId>, requested_host: Option<&str>) -> Self {
            let mut model = Model::new();
            for (id, name, key) in [(A, "a", 1), (B, "b", 2)] {
                model.apply(&Change::Put(Resource::Host(Arc::new(Host {
                    id,
                    meta: meta(name, key),
                    system_id: None,
                    tunnel_ip: None,
                    bridge_mappings: BTreeMap::new(),
                    datapath_id: None,
                    ovs_version: String::new(),
                    ovsdb_target: None,
                }))));
            }
            let port = Port {
                id: PORT,
                meta: meta("port", 1),
                project: ProjectId(Uuid::nil()),
                network: NetworkId(Uuid::nil()),
                mac: MacAddr::ZERO,
                fixed_ips: vec![],
                allowed_address_pairs: vec![],
                port_security: true,
                security_groups: BTreeSet::new(),
                admin_up: true,
                requested_host: requested_host.map(Into::into),
                bound_host,
            };
            model.apply(&Change::Put(Resource::Port(Arc::new(port))));
            Self { model, claims: Claims::default(), now: Instant::now() }
        }

        /// `host` reports that it has, or has not, an interface for the port; the port is bound
        /// anew. Returns where.
        fn reports(&mut self, host: HostId, plugged: bool) -> Option<HostId> {
            if self.claims.by_host.contains_key(&host) {
                let outcome = &mut Outcome::default();
                self.claims.set(&self.model, host, PORT, plugged, self.now, outcome);
            } else {
                let ports = plugged.then_some(PORT).into_iter().collect();
                self.claims.report(&self.model, host, ports, self.now);
            }
            let port = self.model.port(PORT).unwrap();
            let bound_host = self.claims.resolve(&self.model, port);
            let port = Port { bound_host, ..Port::clone(port) };
            self.model.apply(&Change::Put(Resource::Port(Arc::new(port))));
            bound_host
        }
    }

    #[test]
    fn the_last_to_plug_has_the_port_and_gives_it_back() {
        let mut scene = Scene::new(None, None);
        assert_eq!(scene.reports(A, false), None);
        assert_eq!(scene.reports(B, false), None);
        assert_eq!(scene.reports(A, true), Some(A));
        assert_eq!(scene.reports(B, true), Some(B));
        assert_eq!(scene.reports(A, true), Some(B), "a repeated report is no new plug");
        assert_eq!(scene.reports(B, false), Some(A));
        assert_eq!(scene.reports(A, false), None);
    }

    #[test]
    fn one_port_at_a_time_comes_to_the_same_as_a_whole_report() {
        let scene = || Scene::new(None, None);
        let [mut whole, mut single] = [scene(), scene()];
        for (host, plugged) in [(A, true), (B, true), (A, false), (A, true), (B, false)] {
            let ports = plugged.then_some(PORT).into_iter().collect();
            whole.claims.report(&whole.model, host, ports, whole.now);
            single.reports(host, plugged);
            let port = whole.model.port(PORT).unwrap();
            let bound = |claims: &Claims| claims.resolve(&whole.model, port);
            assert_eq!(bound(&whole.claims), bound(&single.claims));
        }
    }

    #[test]
    fn only_the_last_whole_report_can_be_told_differences_from() {
        let mut scene = Scene::new(None, None);
        let (first, _) = scene.claims.report(&scene.model, A, BTreeSet::new(), scene.now);
        assert!(scene.claims.is_last_report(A, first));
        let (second, _) = scene.claims.report(&scene.model, A, BTreeSet::new(), scene.now);
        assert!(!scene.claims.is_last_report(A, first));
        assert!(scene.claims.is_last_report(A, second));
        scene.claims.forget(A);
        assert!(!scene.claims.is_last_report(A, second));
    }

    #[test]
    fn a_restart_moves_no_port() {
        for first in [A, B] {
            let mut scene = Scene::new(Some(A), None);
            let second = if first == A { B } else { A };
            assert_eq!(scene.reports(first, true), Some(A));
            assert_eq!(scene.reports(second, true), Some(A));
        }
    }

    #[test]
    fn a_port_that_moved_while_the_controller_was_down_is_found() {
        let mut scene = Scene::new(Some(A), None);
        assert_eq!(scene.reports(B, true), Some(A), "host a has not spoken yet");
        assert_eq!(scene.reports(A, false), Some(B));
    }

    #[test]
    fn a_silent_host_loses_a_port_only_to_a_plug_that_was_seen() {
        let mut scene = Scene::new(Some(A), None);
        assert_eq!(scene.reports(B, false), Some(A));
        assert_eq!(scene.reports(B, true), Some(B));
    }

    #[test]
    fn only_the_requested_host_may_have_the_port() {
        let mut scene = Scene::new(None, Some("b"));
        assert_eq!(scene.reports(A, true), None);
        assert_eq!(scene.reports(B, true), Some(B));
        assert_eq!(scene.reports(B, false), None);
    }

    #[test]
    fn a_port_that_two_hosts_pull_at_stays_where_it_is() {
        let mut scene = Scene::new(None, None);
        scene.reports(A, false);
        scene.reports(B, false);
        scene.reports(A, true);
        for _ in 0..8 {
            assert_eq!(scene.reports(B, true), Some(B));
            assert_eq!(scene.reports(B, false), Some(A));
        }
        for _ in 0..100 {
            assert_eq!(scene.reports(B, true), Some(A));
            assert_eq!(scene.reports(B, false), Some(A));
        }
        // It is not lost when the one that has it lets it go.
        scene.reports(B, true);
        assert_eq!(scene.reports(A, false), Some(B));
        assert_eq!(scene.reports(A, true), Some(B));
        scene.reports(A, false);
        scene.now += Duration::from_secs(60);
        assert_eq!(scene.reports(A, true), Some(A));
    }

    #[test]
    fn moves_of_ports_that_do_not_exist_are_not_remembered() {
        let mut scene = Scene::new(None, None);
        let ports: BTreeSet<_> = (100..200).map(|number| PortId(Uuid::from_u128(number))).collect();
        for host in [A, B, A, B] {
            scene.claims.report(&scene.model, host, BTreeSet::new(), scene.now);
            scene.claims.report(&scene.model, host, ports.clone(), scene.now);
        }
        assert!(scene.claims.moves.is_empty());
    }

    #[test]
    fn an_interface_for_a_port_that_is_requested_elsewhere_is_told() {
        let scene = Scene::new(None, Some("b"));
        let requested = "b".to_owned();
        let told = Some(Dispute::PortRequested { port: PORT, requested });
        assert_eq!(requested_elsewhere(&scene.model, A, PORT), told);
        assert_eq!(requested_elsewhere(&scene.model, B, PORT), None);
    }

    #[test]
    fn a_forgotten_host_claims_nothing() {
        let mut scene = Scene::new(None, None);
        scene.reports(A, true);
        assert_eq!(scene.claims.forget(A), BTreeSet::from([PORT]));
        let port = scene.model.port(PORT).unwrap().clone();
        scene.model.apply(&Change::Delete(topology::model::ResourceId::Host(A)));
        assert_eq!(scene.claims.resolve(&scene.model, &port), None);
    }

    #[test]
    fn the_limits_are_documented() {
        use crate::limits::documented::{check, number};
        let limits = [
            ("times that a port is taken by another host, at once", number(MOVES)),
            ("seconds until once more, after that", number(MOVE_INTERVAL)),
        ];
        check("Who is which host", &limits);
    }
}
