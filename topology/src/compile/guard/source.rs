use std::collections::BTreeSet;

use ipnet::IpNet;
use openflow::{Field, MacAddr, Match};

use crate::key::Key;
use crate::model::Port;

/// Addresses that a port may send from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// The member in the flows' cookies: the source's place in the port's list, from 1.
    pub(super) number: Key,
    /// The Ethernet address.
    pub(super) mac: MacAddr,
    /// The IP addresses that go with it.
    pub(super) prefix: IpNet,
}

impl Source {
    /// `matching`, and `field` is one of the addresses.
    pub(super) fn matches(&self, matching: Match, field: Field) -> Match {
        match self.prefix {
            IpNet::V4(prefix) => matching.with_masked(field, prefix.network(), prefix.netmask()),
            IpNet::V6(prefix) => matching.with_masked(field, prefix.network(), prefix.netmask()),
        }
    }

    /// True for IPv4.
    pub(super) fn is_ipv4(&self) -> bool {
        matches!(self.prefix, IpNet::V4(_))
    }

    /// True when there is one address only.
    pub(super) fn is_single(&self) -> bool {
        self.prefix.prefix_len() == self.prefix.max_prefix_len()
    }
}

/// The port's own addresses, its allowed address pairs, and the link-local addresses of the
/// Ethernet addresses that go with IPv6; each once, and no Ethernet address that is a group.
///
/// The link-local address is the one made from the Ethernet address (RFC 4291, appendix A). A
/// station that makes up another one needs an allowed address pair for it.
pub(super) fn sources(port: &Port) -> Vec<Source> {
    let own = port.fixed_ips.iter().map(|fixed| (port.mac, IpNet::from(fixed.ip)));
    let pairs = port.allowed_address_pairs.iter();
    let pairs = pairs.map(|pair| (pair.mac.unwrap_or(port.mac), pair.prefix.trunc()));
    let link_local = |mac: MacAddr| (mac, IpNet::from(std::net::IpAddr::V6(mac.link_local())));
    let other_macs = port.allowed_address_pairs.iter();
    let other_macs = other_macs.filter(|pair| pair.prefix.addr().is_ipv6());
    let other_macs = other_macs.filter_map(|pair| pair.mac).map(link_local);
    let mut seen = BTreeSet::new();
    let all = own.chain([link_local(port.mac)]).chain(pairs).chain(other_macs);
    let all = all.filter(|&source| !source.0.is_multicast() && seen.insert(source));
    let numbered = all.zip(1..);
    let numbered = numbered.filter_map(|((mac, prefix), number)| {
        Some(Source { number: Key::new(number)?, mac, prefix })
    });
    numbered.collect()
}

/// The Ethernet addresses among `sources`, each once.
pub(super) fn macs<'a>(sources: impl Iterator<Item = &'a Source>) -> BTreeSet<MacAddr> {
    sources.map(|source| source.mac).collect()
}
