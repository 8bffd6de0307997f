use std::collections::{BTreeMap, BTreeSet};

use topology::model::{HostId, Model, Port, PortId};

/// Which hosts have an interface for which port, and which of several the port is bound to.
///
/// A port may be plugged on two hosts for a while, when its VM moves. The host that plugged it
/// last has it. What a host already had when this controller first heard of it is older than
/// anything seen to happen since, and among those the stored binding stands: a restart changes
/// nothing.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    by_port: BTreeMap<PortId, BTreeMap<HostId, Age>>,
    by_host: BTreeMap<HostId, Claimed>,
    plugged: u64,
    reports: u64,
}

/// What one host has said.
#[derive(Debug, Default)]
struct Claimed {
    ports: BTreeSet<PortId>,
    /// Its last whole report.
    report: u64,
}

/// How recent a claim is: 0 when it was there at the host's first report.
type Age = u64;

impl Claims {
    /// `host` has interfaces for exactly these ports now. Returns the report's number and the
    /// ports whose claims changed, at a host's first report all of its stored ones too.
    pub(crate) fn report(
        &mut self,
        model: &Model,
        host: HostId,
        ports: BTreeSet<PortId>,
    ) -> (u64, BTreeSet<PortId>) {
        self.reports += 1;
        let claimed = Claimed { ports: ports.clone(), report: self.reports };
        let before = self.by_host.insert(host, claimed);
        let first = before.is_none();
        let before = before.unwrap_or_default().ports;
        let mut changed: BTreeSet<PortId> = before.symmetric_difference(&ports).copied().collect();
        for &port in &changed {
            if ports.contains(&port) {
                self.add(host, port, !first)
            } else {
                self.remove(host, port)
            }
        }
        if first {
            changed.extend(model.ports_on(host).map(|port| port.id));
        }
        (self.reports, changed)
    }

    /// True while the last whole report of `host` is the one with this number.
    pub(crate) fn is_last_report(&self, host: HostId, report: u64) -> bool {
        self.by_host.get(&host).is_some_and(|claimed| claimed.report == report)
    }

    /// `host`, which has reported before, has an interface for `port` now, or has none. True when
    /// that is news.
    pub(crate) fn set(&mut self, host: HostId, port: PortId, plugged: bool) -> bool {
        let Some(Claimed { ports, .. }) = self.by_host.get_mut(&host) else { return false };
        let changed = if plugged { ports.insert(port) } else { ports.remove(&port) };
        match (changed, plugged) {
            (true, true) => self.add(host, port, true),
            (true, false) => self.remove(host, port),
            (false, _) => {}
        }
        changed
    }

    /// `host` is no host of ours any more. Returns the ports it had claimed.
    pub(crate) fn forget(&mut self, host: HostId) -> BTreeSet<PortId> {
        let ports = self.by_host.remove(&host).unwrap_or_default().ports;
        for port in &ports {
            self.remove(host, *port);
        }
        ports
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

    /// `host` has plugged `port`, and was seen to, or has had it from before.
    fn add(&mut self, host: HostId, port: PortId, seen: bool) {
        self.plugged += u64::from(seen);
        let age = if seen { self.plugged } else { 0 };
        self.by_port.entry(port).or_default().insert(host, age);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
            Self { model, claims: Claims::default() }
        }

        /// `host` reports that it has, or has not, an interface for the port; the port is bound
        /// anew. Returns where.
        fn reports(&mut self, host: HostId, plugged: bool) -> Option<HostId> {
            if self.claims.by_host.contains_key(&host) {
                self.claims.set(host, PORT, plugged);
            } else {
                let ports = plugged.then_some(PORT).into_iter().collect();
                self.claims.report(&self.model, host, ports);
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
            whole.claims.report(&whole.model, host, ports);
            single.reports(host, plugged);
            let port = whole.model.port(PORT).unwrap();
            let bound = |claims: &Claims| claims.resolve(&whole.model, port);
            assert_eq!(bound(&whole.claims), bound(&single.claims));
        }
    }

    #[test]
    fn only_the_last_whole_report_can_be_told_differences_from() {
        let mut scene = Scene::new(None, None);
        let (first, _) = scene.claims.report(&scene.model, A, BTreeSet::new());
        assert!(scene.claims.is_last_report(A, first));
        let (second, _) = scene.claims.report(&scene.model, A, BTreeSet::new());
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
    fn a_forgotten_host_claims_nothing() {
        let mut scene = Scene::new(None, None);
        scene.reports(A, true);
        assert_eq!(scene.claims.forget(A), BTreeSet::from([PORT]));
        let port = scene.model.port(PORT).unwrap().clone();
        scene.model.apply(&Change::Delete(topology::model::ResourceId::Host(A)));
        assert_eq!(scene.claims.resolve(&scene.model, &port), None);
    }
}
