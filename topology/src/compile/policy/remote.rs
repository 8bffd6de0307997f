use std::collections::BTreeSet;

use ipnet::IpNet;
use openflow::{Field, Match};

use crate::compile::address::address;
use crate::compile::emit::{Emit, IPV4, IPV6, in_network};
use crate::key::Key;
use crate::model::{AddressGroup, Model, Port, Remote};
use crate::pipeline::{Detail, Register, Table};

/// Tells the keys of address groups from those of security groups in [`Register::REMOTE`].
const ADDRESS_GROUP: u32 = 1 << Key::BITS;

/// The number that a remote has in [`Register::REMOTE`]; `None` for one that is no set to look a
/// peer up in, or does not exist.
pub(super) fn number(model: &Model, remote: Remote) -> Option<u32> {
    match remote {
        Remote::Any | Remote::Prefix(_) => None,
        Remote::Group(id) => Some(model.security_group(id)?.meta.key.get()),
        Remote::AddressGroup(id) => Some(ADDRESS_GROUP | model.address_group(id)?.meta.key.get()),
    }
}

/// Looks for members of a remote.
pub(super) fn in_remote(matching: Match, number: u32) -> Match {
    matching.with(Register::REMOTE.field, number)
}

/// The addresses that a port has as a member of its groups beside its own.
pub(crate) fn member_pairs(port: &Port) -> BTreeSet<IpNet> {
    let own: BTreeSet<IpNet> = port.fixed_ips.iter().map(|fixed| fixed.ip.into()).collect();
    let pairs = port.allowed_address_pairs.iter().map(|pair| pair.prefix.trunc());
    pairs.filter(|prefix| !own.contains(prefix)).collect()
}

/// Ports of a profile are in a group.
pub(in crate::compile) fn members(emit: &mut Emit, group: Key, profile: Key) {
    let matching = in_remote(Match::new(), group.get());
    let matching = matching.with(Register::OWNER_PROFILE.field, profile.get());
    emit.goto(Detail::GroupMember, profile, matching, Vec::new(), Table::PeerRules);
}

/// An address out of a port's allowed address pairs is in a group, on the port's network.
pub(in crate::compile) fn member_pair(
    emit: &mut Emit,
    group: Key,
    network: Key,
    port: Key,
    prefix: IpNet,
) {
    let matching = peer(in_remote(in_network(network), group.get()), prefix);
    emit.goto(Detail::MemberPair, port, matching, Vec::new(), Table::PeerRules);
}

/// The prefixes of an address group, without those inside others.
pub(in crate::compile) fn address_group(emit: &mut Emit, group: &AddressGroup) {
    let number = ADDRESS_GROUP | group.meta.key.get();
    let mut outer: Option<IpNet> = None;
    // In order, a prefix comes before those inside it, and nothing else between.
    for &prefix in &group.prefixes {
        if outer.is_some_and(|outer| outer.contains(&prefix)) {
            continue;
        }
        outer = Some(prefix);
        let matching = peer(in_remote(Match::new(), number), prefix);
        let next = Table::PeerRules;
        emit.goto(Detail::AddressGroupPrefix, Key::NONE, matching, Vec::new(), next);
    }
}

/// The peer has an address of `prefix`.
fn peer(matching: Match, prefix: IpNet) -> Match {
    let version = if prefix.addr().is_ipv4() { IPV4 } else { IPV6 };
    address(matching.with(Field::ETH_TYPE, version), prefix)
}
