use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{AddressRange, SubnetId};

/// The addresses of all subnets that are in use, as runs of consecutive ones: the last of each
/// run by its first.
///
/// Runs are as long as can be, so the address after a run is free: the lowest free address of a
/// range takes one look-up, however many are in use before it.
#[derive(Clone, Debug, Default)]
pub(super) struct AddressRuns(BTreeMap<(SubnetId, IpAddr), IpAddr>);

impl AddressRuns {
    /// The lowest free address of `range`; `None` when all are in use.
    pub(super) fn first_free(&self, subnet: SubnetId, range: AddressRange) -> Option<IpAddr> {
        let free = match self.run_of(subnet, range.start) {
            Some((_, last)) => successor(last)?,
            None => range.start,
        };
        (free <= range.end).then_some(free)
    }

    /// Takes an address into use.
    pub(super) fn insert(&mut self, subnet: SubnetId, ip: IpAddr) {
        if self.run_of(subnet, ip).is_some() {
            return;
        }
        let before = predecessor(ip).and_then(|ip| self.run_of(subnet, ip));
        let after = successor(ip).and_then(|ip| self.0.remove(&(subnet, ip)));
        let first = before.map_or(ip, |(first, _)| first);
        self.0.insert((subnet, first), after.unwrap_or(ip));
    }

    /// Frees an address.
    pub(super) fn remove(&mut self, subnet: SubnetId, ip: IpAddr) {
        let Some((first, last)) = self.run_of(subnet, ip) else { return };
        self.0.remove(&(subnet, first));
        if let Some(before) = predecessor(ip).filter(|before| *before >= first) {
            self.0.insert((subnet, first), before);
        }
        if let Some(after) = successor(ip).filter(|after| *after <= last) {
            self.0.insert((subnet, after), last);
        }
    }

    /// The first and last address of the run that contains `ip`.
    fn run_of(&self, subnet: SubnetId, ip: IpAddr) -> Option<(IpAddr, IpAddr)> {
        let (&(other, first), &last) = self.0.range(..=(subnet, ip)).next_back()?;
        (other == subnet && last >= ip).then_some((first, last))
    }
}

/// The next address; `None` after the last of the family.
pub(crate) fn successor(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).checked_add(1).map(|ip| IpAddr::V4(ip.into())),
        IpAddr::V6(ip) => u128::from(ip).checked_add(1).map(|ip| IpAddr::V6(ip.into())),
    }
}

/// The address before; `None` before the first of the family.
pub(crate) fn predecessor(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).checked_sub(1).map(|ip| IpAddr::V4(ip.into())),
        IpAddr::V6(ip) => u128::from(ip).checked_sub(1).map(|ip| IpAddr::V6(ip.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn subnet(number: u8) -> SubnetId {
        SubnetId(Uuid::from_u128(number.into()))
    }

    /// The highest addresses there are, so that runs meet the end.
    fn ip(number: u8) -> IpAddr {
        Ipv4Addr::new(255, 255, 255, 224 + number).into()
    }

    proptest! {
        #[test]
        fn the_first_free_address_is_the_one_a_search_finds(
            steps in prop::collection::vec((any::<bool>(), 0..3_u8, 0..32_u8), 0..200),
            start in 0..32_u8,
            end in 0..32_u8,
        ) {
            let mut runs = AddressRuns::default();
            let mut used = BTreeSet::new();
            for (insert, number, address) in steps {
                if insert {
                    runs.insert(subnet(number), ip(address));
                    used.insert((number, address));
                } else {
                    runs.remove(subnet(number), ip(address));
                    used.remove(&(number, address));
                }
            }
            for number in 0..3 {
                let range = AddressRange { start: ip(start), end: ip(end) };
                let found = (start..=end).find(|address| !used.contains(&(number, *address)));
                prop_assert_eq!(runs.first_free(subnet(number), range), found.map(ip));
            }
            if used.is_empty() {
                prop_assert!(runs.0.is_empty());
            }
        }
    }
}
