use std::collections::BTreeMap;
use std::net::IpAddr;

use tokio::sync::watch;

/// Which OVSDB connection speaks for which host.
///
/// A host is whoever says its system-id, so the first to say it has it, for as long as its
/// connection lives: another that says it from elsewhere is *parked*. It is listened to, and
/// nothing of what it says is taken, until the holder's connection is gone for good. From the
/// holder's own address a newer connection takes over at once, because a host that has lost its
/// connection may be back before this end has noticed; and so does one from the address that an
/// operator has named as the host's.
///
/// A connection that is gone leaves its place reserved for its address until
/// [`Identities::unreserve`], so that nobody slips in while a host reconnects.
#[derive(Debug, Default)]
pub(super) struct Identities {
    by_system_id: BTreeMap<String, Identity>,
    by_connection: BTreeMap<ConnectionId, String>,
    connections: u64,
}

/// One OVSDB connection that has said which host it is of.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ConnectionId(u64);

/// What a connection that says which host it is of comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It speaks for the host.
    Holder,
    /// Another does, or did until a moment ago, from this address.
    Parked {
        /// The other's address.
        holder: IpAddr,
    },
}

/// A connection's place among those that say the same.
#[derive(Debug)]
pub struct Identification {
    /// The connection's number.
    pub connection: ConnectionId,
    /// How it stands, from now on; closed when the engine has ended.
    pub standing: watch::Receiver<Standing>,
    /// The host is in the store.
    pub known: bool,
}

#[derive(Debug)]
struct Identity {
    holder: Speaker,
    /// The holder's connection is over, and its place reserved.
    is_gone: bool,
    /// The others, in the order in which they came.
    parked: Vec<Speaker>,
}

#[derive(Debug)]
struct Speaker {
    connection: ConnectionId,
    peer: IpAddr,
    /// An operator has named this address as the host's.
    is_named: bool,
    standing: watch::Sender<Standing>,
}

impl Identities {
    /// A connection from `peer` says that it is of the host `system_id`; `is_named` when an
    /// operator has named that address as the host's.
    pub(super) fn identify(
        &mut self,
        system_id: &str,
        peer: IpAddr,
        is_named: bool,
    ) -> (ConnectionId, watch::Receiver<Standing>) {
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        self.by_connection.insert(connection, system_id.to_owned());
        let (standing, told) = watch::channel(Standing::Holder);
        let speaker = Speaker { connection, peer, is_named, standing };
        match self.by_system_id.get_mut(system_id) {
            Some(identity) => identity.add(speaker),
            None => {
                let identity = Identity { holder: speaker, is_gone: false, parked: vec![] };
                self.by_system_id.insert(system_id.to_owned(), identity);
            }
        }
        (connection, told)
    }

    /// True for the connection that speaks for the host.
    pub(super) fn speaks_for(&self, connection: ConnectionId, system_id: &str) -> bool {
        let identity = self.by_system_id.get(system_id);
        identity.is_some_and(|it| it.holder.connection == connection && !it.is_gone)
    }

    /// Where the connection comes from that speaks for a host.
    pub(super) fn peer(&self, connection: ConnectionId) -> Option<IpAddr> {
        let identity = self.by_system_id.get(self.by_connection.get(&connection)?)?;
        (identity.holder.connection == connection).then_some(identity.holder.peer)
    }

    /// The connection is over. Returns the host's system-id when nobody speaks for it now.
    pub(super) fn disconnected(&mut self, connection: ConnectionId) -> Option<String> {
        let system_id = self.by_connection.get(&connection)?;
        let identity = self.by_system_id.get_mut(system_id)?;
        if identity.holder.connection != connection {
            identity.parked.retain(|speaker| speaker.connection != connection);
            self.by_connection.remove(&connection);
            return None;
        }
        identity.is_gone = true;
        let entitled = identity.parked.iter().rposition(|it| it.may_replace(&identity.holder));
        match entitled {
            Some(entitled) => {
                identity.promote(entitled);
                self.by_connection.remove(&connection);
                None
            }
            None => Some(system_id.clone()),
        }
    }

    /// The place of a connection that is over is free; the one that has waited longest has it.
    pub(super) fn unreserve(&mut self, connection: ConnectionId) {
        let Some(system_id) = self.by_connection.remove(&connection) else { return };
        let Some(identity) = self.by_system_id.get_mut(&system_id) else { return };
        // Meanwhile it may have gone to another.
        if identity.is_gone && identity.holder.connection == connection {
            if identity.parked.is_empty() {
                self.by_system_id.remove(&system_id);
            } else {
                identity.promote(0);
            }
        }
    }

    /// From where others say that they are this host.
    pub(super) fn rivals(&self, system_id: &str) -> impl Iterator<Item = IpAddr> + '_ {
        self.by_system_id.get(system_id).into_iter().flat_map(|identity| {
            let peers = identity.parked.iter().map(|speaker| speaker.peer);
            peers.filter(|peer| *peer != identity.holder.peer)
        })
    }

    /// Connections that are parked.
    pub(super) fn parked(&self) -> usize {
        self.by_system_id.values().map(|identity| identity.parked.len()).sum()
    }
}

impl Identity {
    fn add(&mut self, speaker: Speaker) {
        let replaces = speaker.may_replace(&self.holder);
        self.parked.push(speaker);
        if replaces {
            self.promote(self.parked.len() - 1);
        } else {
            self.tell();
        }
    }

    /// Lets the parked one at `index` speak. The holder before stays parked if it is still there.
    fn promote(&mut self, index: usize) {
        let speaker = self.parked.remove(index);
        let before = std::mem::replace(&mut self.holder, speaker);
        if !std::mem::replace(&mut self.is_gone, false) {
            self.parked.push(before);
        }
        self.tell();
    }

    fn tell(&self) {
        let holder = self.holder.peer;
        self.holder.stands(Standing::Holder);
        self.parked.iter().for_each(|speaker| speaker.stands(Standing::Parked { holder }));
    }
}

impl Speaker {
    /// Without waiting until the holder is gone for good.
    fn may_replace(&self, holder: &Self) -> bool {
        self.peer == holder.peer || (self.is_named && !holder.is_named)
    }

    fn stands(&self, standing: Standing) {
        self.standing.send_if_modified(|known| std::mem::replace(known, standing) != standing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
    const PARKED: Standing = Standing::Parked { holder: HERE };

    #[derive(Default)]
    struct Scene(Identities);

    struct Connection {
        id: ConnectionId,
        standing: watch::Receiver<Standing>,
    }

    impl Scene {
        fn connect(&mut self, peer: IpAddr) -> Connection {
            let (id, standing) = self.0.identify("a", peer, false);
            Connection { id, standing }
        }

        #[track_caller]
        fn check(&self, connections: &[(&Connection, Standing)]) {
            for (connection, standing) in connections {
                assert_eq!(*connection.standing.borrow(), *standing);
                let speaks = self.0.speaks_for(connection.id, "a");
                assert_eq!(speaks, *standing == Standing::Holder);
                assert!(!self.0.speaks_for(connection.id, "b"));
            }
        }
    }

    #[test]
    fn the_first_has_the_identity_while_its_connection_lives() {
        let mut scene = Scene::default();
        let first = scene.connect(HERE);
        let second = scene.connect(ELSEWHERE);
        scene.check(&[(&first, Standing::Holder), (&second, PARKED)]);
        assert_eq!(scene.0.rivals("a").collect::<Vec<_>>(), [ELSEWHERE]);
        assert_eq!(scene.0.disconnected(second.id), None);
        assert_eq!(scene.0.rivals("a").count(), 0);
        scene.check(&[(&first, Standing::Holder)]);
    }

    #[test]
    fn an_identity_is_reserved_until_its_holder_is_gone_for_good() {
        let mut scene = Scene::default();
        let first = scene.connect(HERE);
        let second = scene.connect(ELSEWHERE);
        assert_eq!(scene.0.disconnected(first.id).as_deref(), Some("a"));
        let third = scene.connect(ELSEWHERE);
        scene.check(&[(&second, PARKED), (&third, PARKED)]);
        scene.0.unreserve(first.id);
        let parked = Standing::Parked { holder: ELSEWHERE };
        scene.check(&[(&second, Standing::Holder), (&third, parked)]);
        assert_eq!(scene.0.rivals("a").count(), 0, "from one address they are one");
        assert_eq!(scene.0.disconnected(second.id), None);
        scene.check(&[(&third, Standing::Holder)]);
        scene.0.disconnected(third.id);
        scene.0.unreserve(third.id);
        assert!(scene.0.by_system_id.is_empty() && scene.0.by_connection.is_empty());
    }

    #[test]
    fn a_host_that_is_back_before_its_old_connection_has_ended_is_not_locked_out() {
        let mut scene = Scene::default();
        let old = scene.connect(HERE);
        let rival = scene.connect(ELSEWHERE);
        let new = scene.connect(HERE);
        scene.check(&[(&old, PARKED), (&rival, PARKED), (&new, Standing::Holder)]);
        // The old one fails its probe and changes nothing by that.
        assert_eq!(scene.0.disconnected(old.id), None);
        scene.0.unreserve(old.id);
        scene.check(&[(&rival, PARKED), (&new, Standing::Holder)]);
    }

    #[test]
    fn a_host_that_reconnects_has_its_place_back() {
        let mut scene = Scene::default();
        let old = scene.connect(HERE);
        let rival = scene.connect(ELSEWHERE);
        assert!(scene.0.disconnected(old.id).is_some());
        let new = scene.connect(HERE);
        scene.0.unreserve(old.id);
        scene.check(&[(&rival, PARKED), (&new, Standing::Holder)]);
        assert_eq!(scene.0.parked(), 1);
    }

    #[test]
    fn the_address_that_an_operator_has_named_wins() {
        let mut scene = Scene::default();
        let first = scene.connect(ELSEWHERE);
        let (id, standing) = scene.0.identify("a", HERE, true);
        let named = Connection { id, standing };
        let third = scene.connect(ELSEWHERE);
        scene.check(&[(&first, PARKED), (&named, Standing::Holder), (&third, PARKED)]);
    }
}
