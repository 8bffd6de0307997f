use std::sync::Arc;
use std::time::Duration;

use topology::model::{Change, Host, Resource};
use uuid::Uuid;

use super::*;
use crate::fixture;

const PORT: PortId = PortId(Uuid::from_u128(7));
const A: HostId = HostId(Uuid::from_u128(1));
const B: HostId = HostId(Uuid::from_u128(2));

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
            let host = Host::new(id, fixture::meta(key, name));
            model.apply(&Change::Put(Resource::Host(Arc::new(host))));
        }
        let port = Port {
            requested_host: requested_host.map(Into::into),
            bound_host,
            ..fixture::port(7, "port")
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

    fn dispute(&self, host: HostId) -> Option<Dispute> {
        self.claims.dispute(&self.model, host, PORT)
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
        let told = Dispute::PortContested { port: PORT, holder: "a".to_owned() };
        assert_eq!(scene.dispute(B), Some(told));
        assert_eq!(scene.dispute(A), None);
        assert_eq!(scene.reports(B, false), Some(A));
        assert_eq!(scene.dispute(B), None);
    }
    // It is not lost when the one that has it lets it go.
    scene.reports(B, true);
    assert!(scene.dispute(B).is_some());
    assert_eq!(scene.reports(A, false), Some(B));
    assert_eq!(scene.dispute(B), None);
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
    assert_eq!(scene.claims.dispute(&scene.model, A, PORT), told);
    assert_eq!(scene.claims.dispute(&scene.model, B, PORT), None);
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
