use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{Breach, Breaches, Bucket, Protocol, SWEEP, holder};
use crate::clock;

/// New connections of one address that are looked at, at once.
const ATTEMPT_BURST: f64 = 256.0;
/// New connections of one address that are looked at, a second, after that.
const ATTEMPTS_PER_SECOND: f64 = 32.0;
/// Addresses that are remembered for that; from more, no connection is taken.
const MAX_ADDRESSES: usize = 16_384;

/// How many connections are served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GateLimits {
    /// In all.
    pub total: usize,
    /// Of one address, or of one IPv6 /64.
    pub per_address: usize,
}

/// Decides which connections of one protocol are served. Clones share the account.
#[derive(Clone, Debug)]
pub struct Gate {
    protocol: Protocol,
    limits: GateLimits,
    breaches: Breaches,
    places: Arc<Mutex<Places>>,
}

#[derive(Debug, Default)]
struct Places {
    taken: usize,
    addresses: HashMap<IpAddr, Address>,
    /// When those were last looked through for some to be forgotten.
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Address {
    taken: usize,
    attempts: Bucket,
}

/// A connection's place, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Mutex<Places>>,
    address: Option<IpAddr>,
}

impl Gate {
    /// A gate with nobody behind it, which tells `breaches` whom it refuses.
    pub fn new(protocol: Protocol, limits: GateLimits, breaches: Breaches) -> Self {
        Self { protocol, limits, breaches, places: Arc::default() }
    }

    /// What goes through it.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Connections that are served now.
    pub fn taken(&self) -> usize {
        lock(&self.places).taken
    }

    /// The account of those who exceed limits.
    pub(crate) fn breaches(&self) -> &Breaches {
        &self.breaches
    }

    /// A place for a connection from `peer`, if there is one; `None` is told to the breaches.
    pub(crate) fn admit(&self, peer: IpAddr) -> Option<Place> {
        let admitted = lock(&self.places).admit(holder(peer), self.limits, clock::now());
        match admitted {
            Ok(()) => Some(Place { places: self.places.clone(), address: Some(holder(peer)) }),
            Err(breach) => {
                let GateLimits { total, per_address } = self.limits;
                let reason = match breach {
                    Breach::AddressConnections => {
                        format!("{per_address} connections from one address are served already")
                    }
                    Breach::ConnectionRate => format!(
                        "more than {ATTEMPTS_PER_SECOND} new connections a second from one address"
                    ),
                    _ => format!("{total} connections are served already"),
                };
                self.breaches.record(self.protocol, breach, peer, "connection refused", &reason);
                None
            }
        }
    }

    /// A place for a connection that has no address, from this machine.
    pub(crate) fn admit_local(&self) -> Option<Place> {
        let mut places = lock(&self.places);
        if places.taken >= self.limits.total {
            drop(places);
            let (peer, limit) = (IpAddr::from([127, 0, 0, 1]), self.limits.total);
            let reason = format!("{limit} connections are served already");
            let what = "connection refused";
            self.breaches.record(self.protocol, Breach::Connections, peer, what, &reason);
            return None;
        }
        places.taken += 1;
        Some(Place { places: self.places.clone(), address: None })
    }
}

impl Places {
    fn admit(&mut self, peer: IpAddr, limits: GateLimits, now: Instant) -> Result<(), Breach> {
        if self.addresses.len() >= MAX_ADDRESSES && !self.addresses.contains_key(&peer) {
            // Looking through all of them for each that comes would be work of its own.
            if self.swept.is_none_or(|swept| now >= swept + SWEEP) {
                self.swept = Some(now);
                self.addresses.retain(|_, it| it.taken > 0 || !it.attempts.is_full(now));
            }
            if self.addresses.len() >= MAX_ADDRESSES {
                return Err(Breach::Connections);
            }
        }
        let address = self.addresses.entry(peer).or_insert_with(|| Address {
            taken: 0,
            attempts: Bucket::new(ATTEMPT_BURST, ATTEMPTS_PER_SECOND, now),
        });
        if !address.attempts.take(now) {
            return Err(Breach::ConnectionRate);
        }
        if address.taken >= limits.per_address {
            return Err(Breach::AddressConnections);
        }
        if self.taken >= limits.total {
            return Err(Breach::Connections);
        }
        address.taken += 1;
        self.taken += 1;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = lock(&self.places);
        places.taken -= 1;
        if let Some(address) = self.address.and_then(|it| places.addresses.get_mut(&it)) {
            address.taken -= 1;
        }
    }
}

fn lock(places: &Mutex<Places>) -> MutexGuard<'_, Places> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn gate(total: usize, per_address: usize) -> Gate {
        let limits = GateLimits { total, per_address };
        Gate::new(Protocol::OpenFlow, limits, Breaches::default())
    }

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[track_caller]
    fn assert_counted(gate: &Gate, breach: Breach, count: u64) {
        assert_eq!(gate.breaches.counts().get(&(Protocol::OpenFlow, breach)), Some(&count));
    }

    #[test]
    fn one_address_cannot_take_the_places_of_others() {
        let gate = gate(10, 4);
        let mut held: Vec<_> = (0..4).map(|_| gate.admit(ip(1)).unwrap()).collect();
        assert!(gate.admit(ip(1)).is_none());
        assert_counted(&gate, Breach::AddressConnections, 1);
        assert!(gate.admit(ip(2)).is_some());
        held.pop();
        assert!(gate.admit(ip(1)).is_some());
    }

    #[test]
    fn the_addresses_of_an_ipv6_network_are_one_peer() {
        let gate = gate(10, 2);
        let peer = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, last]);
        let _held = [gate.admit(peer(1)).unwrap(), gate.admit(peer(2)).unwrap()];
        assert!(gate.admit(peer(3)).is_none());
        assert!(gate.admit(IpAddr::from([0x2001, 0xdb8, 0, 8, 0, 0, 0, 1])).is_some());
    }

    #[test]
    fn there_are_so_many_places_in_all() {
        let gate = gate(3, 2);
        let held: Vec<_> = (0..3).map(|last| gate.admit(ip(last)).unwrap()).collect();
        assert!(gate.admit(ip(9)).is_none());
        assert!(gate.admit_local().is_none());
        assert_counted(&gate, Breach::Connections, 2);
        assert_eq!(gate.taken(), 3);
        drop(held);
        assert_eq!(gate.taken(), 0);
        assert!(gate.admit_local().is_some());
    }

    #[test]
    fn connections_that_come_and_go_are_slowed_down() {
        let gate = gate(10, 4);
        let served = (0..1000).filter(|_| gate.admit(ip(1)).is_some()).count();
        assert!((256..300).contains(&served), "{served}");
        assert!(gate.admit(ip(2)).is_some());
    }

    #[test]
    fn addresses_do_not_fill_the_memory() {
        let mut places = Places::default();
        let limits = GateLimits { total: 10, per_address: 4 };
        let now = Instant::now();
        let peer = |number: u32| IpAddr::from(number.to_be_bytes());
        for number in 0..100_000 {
            if places.admit(peer(number), limits, now).is_ok() {
                places.taken -= 1;
                if let Some(address) = places.addresses.get_mut(&peer(number)) {
                    address.taken -= 1;
                }
            }
        }
        assert_eq!(places.addresses.len(), MAX_ADDRESSES);
        let later = now + Duration::from_secs(60);
        assert_eq!(places.admit(peer(u32::MAX), limits, later), Ok(()));
        assert_eq!(places.addresses.len(), 1);
    }

    #[test]
    fn the_limits_are_documented() {
        use crate::limits::documented::{check, check_next, number};
        use crate::limits::{
            MAX_CLIENTS, MAX_CLIENTS_PER_ADDRESS, MAX_HOST_CONNECTIONS, MAX_SCRAPES,
        };
        let limits = [
            ("OpenFlow connections", number(MAX_HOST_CONNECTIONS)),
            ("OVSDB connections", number(MAX_HOST_CONNECTIONS)),
            ("gRPC connections", number(MAX_CLIENTS)),
            ("connections that fetch metrics", number(MAX_SCRAPES)),
            ("gRPC connections of one address", number(MAX_CLIENTS_PER_ADDRESS)),
            ("new connections of one address, at once", number(ATTEMPT_BURST)),
            ("addresses that this is known of", number(MAX_ADDRESSES)),
        ];
        check("Connections", &limits);
        let rate = number(ATTEMPTS_PER_SECOND);
        check_next("new connections of one address, at once", "and a second, after that", rate);
    }
}
