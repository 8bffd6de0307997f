use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::{Bucket, SWEEP, holder};

/// Addresses that are remembered; what comes from more is not allowed.
const MAX_ADDRESSES: usize = 16_384;

/// How often something may be done from one address. Clones share the account.
#[derive(Clone, Debug)]
pub struct Allowance {
    at_once: f64,
    per_second: f64,
    addresses: Arc<Mutex<Addresses>>,
}

#[derive(Debug, Default)]
struct Addresses {
    buckets: HashMap<IpAddr, Bucket>,
    /// When those were last looked through for some to be forgotten.
    swept: Option<Instant>,
}

impl Allowance {
    /// So often at once, and so often a second after that.
    pub fn new(at_once: f64, per_second: f64) -> Self {
        Self { at_once, per_second, addresses: Arc::default() }
    }

    /// Whether it may be done once more from `peer`; then it is.
    pub(crate) fn take(&self, peer: IpAddr, now: Instant) -> bool {
        let peer = holder(peer);
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let Addresses { buckets, swept } = &mut *addresses;
        if buckets.len() >= MAX_ADDRESSES && !buckets.contains_key(&peer) {
            if swept.is_none_or(|swept| now >= swept + SWEEP) {
                *swept = Some(now);
                buckets.retain(|_, bucket| !bucket.is_full(now));
            }
            if buckets.len() >= MAX_ADDRESSES {
                return false;
            }
        }
        let full = || Bucket::new(self.at_once, self.per_second, now);
        buckets.entry(peer).or_insert_with(full).take(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_address_has_its_own_and_they_do_not_fill_the_memory() {
        let allowance = Allowance::new(2.0, 1.0);
        let now = Instant::now();
        let peer = |number: u32| IpAddr::from(number.to_be_bytes());
        let taken = |number| (0..5).filter(|_| allowance.take(peer(number), now)).count();
        assert_eq!([taken(1), taken(2)], [2, 2]);
        let held = || allowance.addresses.lock().unwrap().buckets.len();
        let allowed = (3..100_000).filter(|&number| allowance.take(peer(number), now)).count();
        assert_eq!(allowed, MAX_ADDRESSES - 2);
        assert_eq!(held(), MAX_ADDRESSES);
        assert!(!allowance.take(peer(100_000), now));
        let later = now + Duration::from_secs(60);
        assert!(allowance.take(peer(100_000), later));
        assert_eq!(held(), 1);
    }
}
