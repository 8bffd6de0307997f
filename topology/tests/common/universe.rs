//! Names and numbers of everything that a random model can have: few, so that they collide.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use openflow::MacAddr;
use topology::model::{
    AddressGroupId, HostId, NetworkId, PortId, ProjectId, SecurityGroupId, SubnetId,
};
use uuid::Uuid;

/// Hosts that there can be.
pub(crate) const HOSTS: u8 = 4;
/// Networks that there can be.
pub(crate) const NETWORKS: u8 = 6;
/// Ports that there can be.
pub(crate) const PORTS: u8 = 14;
/// MACs that ports choose from, so that networks share them.
pub(crate) const MACS: u8 = 12;
/// Addresses of a subnet that ports choose from.
pub(crate) const ADDRESSES: u8 = 12;
/// The physical networks.
pub(crate) const PHYSICAL: [&str; 2] = ["external", "storage"];
/// Subnets that a network can have: two of IPv4, one of IPv6.
pub(crate) const SUBNETS: u8 = 3;
/// Prefixes that allowed address pairs choose from.
pub(crate) const PAIR_PREFIXES: u8 = 9;
/// MACs that they choose from.
pub(crate) const PAIR_MACS: u8 = 6;
/// Security groups that there can be: the first allows everything, the last is stateless.
pub(crate) const GROUPS: u8 = 5;
/// Address groups that there can be.
pub(crate) const ADDRESS_GROUPS: u8 = 3;
/// Prefixes that rules and address groups choose from.
pub(crate) const PEER_PREFIXES: u8 = 9;
/// The owner of everything.
pub(crate) const PROJECT: ProjectId = ProjectId(Uuid::from_u128(0xf000));

/// A host's tunnel address.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tunnel {
    None,
    V4,
    OtherV4,
    V6,
    /// The same for every host.
    Shared,
}

pub(crate) fn host_id(host: u8) -> HostId {
    HostId(Uuid::from_u128(0x1000 + u128::from(host)))
}

pub(crate) fn network_id(network: u8) -> NetworkId {
    NetworkId(Uuid::from_u128(0x2000 + u128::from(network)))
}

pub(crate) fn port_id(port: u8) -> PortId {
    PortId(Uuid::from_u128(0x4000 + u128::from(port)))
}

pub(crate) fn group_id(group: u8) -> SecurityGroupId {
    SecurityGroupId(Uuid::from_u128(0x5000 + u128::from(group)))
}

pub(crate) fn address_group_id(group: u8) -> AddressGroupId {
    AddressGroupId(Uuid::from_u128(0x6000 + u128::from(group)))
}

pub(crate) fn subnet_id(network: u8, subnet: u8) -> SubnetId {
    SubnetId(Uuid::from_u128(0x3000 + u128::from(network) * 16 + u128::from(subnet)))
}

/// The MAC of this number, which a port of every network can have.
pub(crate) fn mac(number: u8) -> MacAddr {
    MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, number])
}

/// The VNI that a network has if it is an overlay; the last is the highest there is.
pub(crate) fn vni(network: u8) -> u32 {
    if network + 1 == NETWORKS { 0x00ff_ffff } else { 1 + u32::from(network) }
}

/// The VLAN that a network has if it has one.
pub(crate) fn vlan(network: u8) -> u16 {
    if network + 1 == NETWORKS { 4094 } else { 1 + u16::from(network) }
}

/// The tunnel address of a host.
pub(crate) fn tunnel_ip(host: u8, tunnel: Tunnel) -> Option<IpAddr> {
    match tunnel {
        Tunnel::None => None,
        Tunnel::V4 => Some(Ipv4Addr::new(192, 0, 2, host + 1).into()),
        Tunnel::OtherV4 => Some(Ipv4Addr::new(198, 51, 100, host + 1).into()),
        Tunnel::Shared => Some(Ipv4Addr::new(192, 0, 2, 1).into()),
        Tunnel::V6 => {
            Some(Ipv6Addr::new(0x2001, 0xdb8, 0xff, 0, 0, 0, 0, u16::from(host) + 1).into())
        }
    }
}

/// The prefix of a network's subnet of this number: the same for every network.
pub(crate) fn cidr(subnet: u8) -> IpNet {
    ["10.0.0.0/24", "10.0.1.0/24", "2001:db8:0:1::/64"][usize::from(subnet)].parse().unwrap()
}

/// An address of a prefix.
pub(crate) fn address(cidr: IpNet, number: u8) -> IpAddr {
    match cidr.network() {
        IpAddr::V4(network) => {
            Ipv4Addr::from_bits(network.to_bits() | (u32::from(number) + 1)).into()
        }
        IpAddr::V6(network) => {
            Ipv6Addr::from_bits(network.to_bits() | (u128::from(number) + 1)).into()
        }
    }
}

/// The prefix of an address pair.
pub(crate) fn pair_prefix(number: u8) -> IpNet {
    let prefixes: [&str; PAIR_PREFIXES as usize] = [
        "10.0.0.1/32",
        "10.0.0.2/32",
        "10.0.0.0/24",
        "0.0.0.0/0",
        "192.168.7.7/32",
        "2001:db8:0:1::1/128",
        "2001:db8:0:1::/64",
        "::/0",
        "fe80::/10",
    ];
    prefixes[usize::from(number)].parse().unwrap()
}

/// The MAC of an address pair: none, one that no port has, or one that a port may have.
pub(crate) fn pair_mac(number: u8) -> Option<MacAddr> {
    match number {
        0 | 1 => None,
        2 | 3 => Some(MacAddr::new([0, 0, 0x5e, 0, 1, number])),
        _ => Some(mac(number - 4)),
    }
}

/// A prefix that rules and address groups name.
pub(crate) fn peer_prefix(number: u8) -> IpNet {
    let prefixes: [&str; PEER_PREFIXES as usize] = [
        "10.0.0.1/32",
        "10.0.0.0/29",
        "10.0.0.0/24",
        "10.0.0.0/23",
        "203.0.113.0/24",
        "2001:db8:0:1::1/128",
        "2001:db8:0:1::/125",
        "2001:db8::/32",
        "fe80::/10",
    ];
    prefixes[usize::from(number)].parse().unwrap()
}
