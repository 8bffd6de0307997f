use std::net::IpAddr;

use ipnet::IpNet;

use super::Violations;
use crate::model::{AddressRange, predecessor, successor};

/// Which router a subnet asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Gateway {
    /// The first address that a station can have; none where there is only one address.
    #[default]
    First,
    /// None.
    Absent,
    /// This one.
    At(IpAddr),
}

impl Gateway {
    /// The address on a subnet.
    pub(super) fn resolve(self, cidr: IpNet) -> Option<IpAddr> {
        match self {
            Self::Absent => None,
            Self::At(ip) => Some(ip),
            Self::First => Some(stations(cidr)).filter(|s| s.start != s.end).map(|s| s.start),
        }
    }
}

/// The addresses of a prefix that a station can have.
///
/// Not the network's own and the broadcast address of IPv4 (but in a /31 both, RFC 3021), nor
/// IPv6's subnet-router anycast address, RFC 4291 §2.6.1 (but in a /127 both, RFC 6164).
pub(super) fn stations(cidr: IpNet) -> AddressRange {
    match cidr {
        IpNet::V4(cidr) => {
            let (first, last) = (u32::from(cidr.network()), u32::from(cidr.broadcast()));
            let edge = u32::from(cidr.prefix_len() < 31);
            AddressRange {
                start: IpAddr::V4((first + edge).into()),
                end: IpAddr::V4((last - edge).into()),
            }
        }
        IpNet::V6(cidr) => {
            let (first, last) = (u128::from(cidr.network()), u128::from(cidr.broadcast()));
            let edge = u128::from(cidr.prefix_len() < 127);
            AddressRange { start: IpAddr::V6((first + edge).into()), end: IpAddr::V6(last.into()) }
        }
    }
}

/// Every address that a station can have, but the gateway's.
pub(super) fn default_pools(cidr: IpNet, gateway: Option<IpAddr>) -> Vec<AddressRange> {
    let all = stations(cidr);
    let Some(gateway) = gateway.filter(|gateway| all.contains(*gateway)) else {
        return vec![all];
    };
    let before = predecessor(gateway).map(|end| AddressRange { start: all.start, end });
    let after = successor(gateway).map(|start| AddressRange { start, end: all.end });
    before.into_iter().chain(after).filter(|range| range.start <= range.end).collect()
}

/// Adds a violation for each pool that is not of the subnet, holds the gateway or overlaps
/// another; sorts them.
pub(super) fn check_pools(
    cidr: IpNet,
    gateway: Option<IpAddr>,
    pools: &mut [AddressRange],
    violations: &mut Violations,
) {
    let all = stations(cidr);
    for (index, pool) in pools.iter().enumerate() {
        let AddressRange { start, end } = *pool;
        for (name, ip) in [("start", start), ("end", end)] {
            if !all.contains(ip) {
                violations.add(
                    format!("allocation_pools[{index}].{name}"),
                    format_args!("{ip}: expected {} to {}", all.start, all.end),
                );
            }
        }
        if start > end {
            violations
                .add(format!("allocation_pools[{index}]"), format_args!("{start} is above {end}"));
        }
        if let Some(gateway) = gateway.filter(|gateway| pool.contains(*gateway)) {
            violations.add(
                format!("allocation_pools[{index}]"),
                format_args!("{start} to {end} contains the gateway {gateway}"),
            );
        }
        let overlapped = pools[..index].iter().find(|p| p.start <= end && start <= p.end);
        if let Some(other) = overlapped {
            violations.add(
                format!("allocation_pools[{index}]"),
                format_args!("{start} to {end} overlaps {} to {}", other.start, other.end),
            );
        }
    }
    pools.sort_by_key(|pool| pool.start);
}
