use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use topology::facts::HostFacts;
use topology::model::{Change, Resource, ResourceId};
use uuid::Uuid;

use super::super::Ovsdb;
use super::*;
use crate::engine::identity::Identities;
use crate::fixture;

const DATAPATH: u64 = 7;
const NOW: Timestamp = Timestamp(0);
const A: HostId = HostId(Uuid::from_u128(1));
const B: HostId = HostId(Uuid::from_u128(2));

fn ip(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

#[derive(Default)]
struct Scene {
    fleet: Fleet,
    compiler: Compiler,
    identities: Identities,
}

struct Switch {
    place: oneshot::Receiver<Attachment>,
    disputed: watch::Receiver<Option<Dispute>>,
}

impl Scene {
    /// A host with the datapath id, whose OVSDB connection comes from `peer`.
    fn host(&mut self, id: HostId, peer: IpAddr) -> &mut Self {
        self.host_with(id, peer, None, &[])
    }

    fn host_with(
        &mut self,
        id: HostId,
        peer: IpAddr,
        target: Option<&str>,
        management_ips: &[IpAddr],
    ) -> &mut Self {
        let number = id.0.as_u128() as u32;
        let host = Host {
            system_id: Some(format!("system-{number}")),
            tunnel_ip: Some(ip(100 + number as u8)),
            datapath_id: Some(DATAPATH),
            ovsdb_target: target.map(str::to_owned),
            ..Host::new(id, fixture::meta(number, &format!("host-{number}")))
        };
        self.compiler.apply(&Change::Put(Resource::Host(Arc::new(host))));
        self.compiler.set_facts(id, HostFacts::default());
        let (connection, _) = self.identities.identify(&format!("system-{number}"), peer, false);
        let management_ips = BTreeSet::from_iter(management_ips.iter().copied());
        let ovsdb = Ovsdb { connection, peer, management_ips, tunnel_ip: None, is_connected: true };
        self.fleet.ovsdb_heard(id, ovsdb, NOW);
        self.fleet.place(DATAPATH, &self.compiler, 1, NOW);
        self
    }

    fn connect_as(&mut self, datapath_id: u64, peer: IpAddr) -> Switch {
        let (requests, _) = mpsc::channel(1);
        let (reply, place) = oneshot::channel();
        let (told, disputed) = watch::channel(None);
        self.fleet.wait(datapath_id, Waiting { peer, requests, reply, disputed: told });
        self.fleet.place(datapath_id, &self.compiler, 1, NOW);
        Switch { place, disputed }
    }

    fn connect(&mut self, peer: IpAddr) -> Switch {
        self.connect_as(DATAPATH, peer)
    }
}

impl Switch {
    #[track_caller]
    fn assert_of(&mut self, host: HostId) -> Attachment {
        let place = self.place.try_recv().unwrap();
        assert_eq!(place.host, host);
        place
    }

    #[track_caller]
    fn assert_disputed(&mut self, by: &str) {
        assert!(self.place.try_recv().is_err());
        let disputed = self.disputed.borrow().as_ref().map(Dispute::to_string);
        assert!(disputed.as_ref().is_some_and(|it| it.contains(by)), "{disputed:?}");
    }
}

#[test]
fn a_switch_is_of_the_host_whose_database_is_at_the_same_address() {
    let mut scene = Scene::default();
    let mut early = scene.connect(ip(1));
    scene.host(A, ip(1));
    early.assert_of(A);
    scene.connect(ip(1)).assert_of(A);
    let mut rival = scene.connect(ip(9));
    rival.assert_disputed("datapath id of host host-1, which is at 192.0.2.1, ");
    assert_eq!(scene.fleet.disputing(DATAPATH).count(), 1);
    drop(rival);
    assert_eq!(scene.fleet.disputing(DATAPATH).count(), 0);
}

#[test]
fn a_host_may_say_from_where_else_its_switch_comes() {
    let mut scene = Scene::default();
    let mut early = scene.connect(ip(3));
    scene.host(A, ip(1));
    early.assert_disputed("host-1");
    // It says so later: the tunnel address it has, an operator's target, others by themselves.
    scene.connect(ip(101)).assert_of(A);
    scene.host_with(A, ip(1), Some("tcp:192.0.2.2:6640"), &[ip(3)]);
    early.assert_of(A);
    scene.connect(ip(2)).assert_of(A);
    scene.connect(ip(4)).assert_disputed("host-1");
}

#[test]
fn a_host_cannot_say_that_it_is_where_another_is() {
    let mut scene = Scene::default();
    scene.host(A, ip(1)).host_with(B, ip(2), None, &[ip(1)]);
    scene.connect(ip(1)).assert_of(A);
    scene.connect(ip(2)).assert_of(B);
    // Both at one address are one too many.
    scene.host(B, ip(1));
    scene.connect(ip(1)).assert_disputed("host-1");
}

#[test]
fn a_host_that_has_another_system_id_by_now_is_another_host() {
    let mut scene = Scene::default();
    scene.host(A, ip(1));
    let old = scene.connect(ip(1)).assert_of(A);
    let gone = scene.fleet.records[&A].ovsdb.as_ref().unwrap().connection;
    assert_eq!(scene.fleet.ovsdb_gone(Some(A), gone, NOW), [A]);
    scene.host(B, ip(1));
    assert!(old.wake.has_changed().is_err(), "the switch is hung up on");
    scene.connect(ip(1)).assert_of(B);
}

#[test]
fn a_host_that_was_deleted_and_added_again_is_another_host() {
    let mut scene = Scene::default();
    scene.host(A, ip(1));
    let old = scene.connect(ip(1)).assert_of(A);
    scene.compiler.apply(&Change::Delete(ResourceId::Host(A)));
    assert!(old.wake.has_changed().is_ok());
    scene.host(B, ip(1));
    assert!(old.wake.has_changed().is_err(), "the switch is hung up on");
}

#[test]
fn switches_that_nobody_knows_and_that_have_gone_are_forgotten() {
    let mut scene = Scene::default();
    let staying = scene.connect_as(1, ip(1));
    for datapath_id in 2..1000 {
        drop(scene.connect_as(datapath_id, ip(1)));
    }
    let last = scene.connect_as(1000, ip(1));
    assert_eq!(scene.fleet.waiting.keys().copied().collect::<Vec<_>>(), [1, 1000]);
    assert_eq!(scene.fleet.waiting(), 2);
    drop((staying, last));
}
