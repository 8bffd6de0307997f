//! Tables addresses and addresses_ipv6: which port has an address.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use openflow::{Action, Field, Match};

use super::emit::{Emit, in_network, set};
use crate::key::Key;
use crate::model::Port;
use crate::pipeline::{Detail, Register, Table};

/// What every host has.
pub(super) fn base(emit: &mut Emit) {
    for miss in [Detail::AddressesMiss, Detail::AddressesIpv6Miss] {
        emit.end(miss, Key::NONE, Match::new(), forget_owner().into());
    }
}

/// The addresses of `port`, which is of this profile when it is in a group.
pub(super) fn of_port(emit: &mut Emit, network: Key, port: &Port, profile: Option<Key>) {
    for fixed in &port.fixed_ips {
        let detail = match fixed.ip {
            IpAddr::V4(_) => Detail::Address,
            IpAddr::V6(_) => Detail::AddressIpv6,
        };
        let matching = address(in_network(network), fixed.ip.into());
        let mac = Action::set_field(Register::OWNER_MAC.field, port.mac);
        let profile = profile.map(|profile| set(Register::OWNER_PROFILE, profile.get()));
        emit.end(detail, port.meta.key, matching, [mac].into_iter().chain(profile).collect());
    }
}

/// The address that is looked up is one of `prefix`.
///
/// An IPv6 address is asked for register by register, as a switch tells of its flows whichever way
/// they came.
pub(super) fn address(matching: Match, prefix: IpNet) -> Match {
    match prefix {
        IpNet::V4(prefix) => matching.with_masked(
            Register::ADDRESS_IPV4.field,
            prefix.network().to_bits(),
            prefix.netmask().to_bits(),
        ),
        IpNet::V6(prefix) => {
            let word = |bits: u128, number: usize| (bits >> (96 - 32 * number)) as u32;
            let (value, mask) = (prefix.network().to_bits(), prefix.netmask().to_bits());
            Register::ADDRESS_WORDS.into_iter().enumerate().fold(
                matching,
                |matching, (number, field)| {
                    matching.with_masked(field, word(value, number), word(mask, number))
                },
            )
        }
    }
}

/// Looks up which port has the IPv4 address that `source` holds.
pub(super) fn look_up_ipv4(source: Field) -> [Action; 2] {
    look_up(source, Register::ADDRESS_IPV4, Table::Addresses)
}

/// Looks up which port has the IPv6 address that `source` holds.
pub(super) fn look_up_ipv6(source: Field) -> [Action; 2] {
    look_up(source, Register::ADDRESS_IPV6, Table::AddressesIpv6)
}

fn look_up(source: Field, address: Register, table: Table) -> [Action; 2] {
    [Action::move_field(source, address.field), Action::resubmit(table.number())]
}

/// Leaves nothing of a look-up behind: an IPv4 address is one of the registers of an IPv6 address.
pub(super) fn forget() -> [Action; 3] {
    let [mac, profile] = forget_owner();
    [mac, profile, Action::set_field(Register::ADDRESS_IPV6.field, Ipv6Addr::UNSPECIFIED)]
}

fn forget_owner() -> [Action; 2] {
    [Action::set_field(Register::OWNER_MAC.field, 0u64), set(Register::OWNER_PROFILE, 0)]
}
