use std::collections::BTreeSet;

use ipnet::IpNet;
use openflow::{Field, Match};

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

/// The addresses that a port has as a member of a group: its own, and those of its allowed address
/// pairs.
pub(crate) fn member_addresses(port: &Port) -> BTreeSet<IpNet> {
    let own = port.fixed_ips.iter().map(|fixed| IpNet::from(fixed.ip));
    own.chain(port.allowed_address_pairs.iter().map(|pair| pair.prefix.trunc())).collect()
}

/// An address of a port in a group, on its network.
pub(in crate::compile) fn member(
    emit: &mut Emit,
    group: Key,
    network: Key,
    port: Key,
    address: IpNet,
) {
    let matching = peer(in_remote(in_network(network), group.get()), address);
    emit.goto(Detail::GroupMember, port, matching, Vec::new(), Table::PeerRules);
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
///
/// An IPv6 address is asked for register by register, as a switch tells of its flows whichever way
/// they came.
fn peer(matching: Match, prefix: IpNet) -> Match {
    match prefix {
        IpNet::V4(prefix) => matching.with(Field::ETH_TYPE, IPV4).with_masked(
            Register::PEER_IPV4.field,
            prefix.network().to_bits(),
            prefix.netmask().to_bits(),
        ),
        IpNet::V6(prefix) => {
            let word = |bits: u128, number: usize| (bits >> (96 - 32 * number)) as u32;
            let (value, mask) = (prefix.network().to_bits(), prefix.netmask().to_bits());
            let matching = matching.with(Field::ETH_TYPE, IPV6);
            Register::PEER_WORDS.into_iter().enumerate().fold(
                matching,
                |matching, (number, field)| {
                    matching.with_masked(field, word(value, number), word(mask, number))
                },
            )
        }
    }
}
