//! Parts of ports in requests and answers.

use std::net::IpAddr;

use anyhow::{Context, Result};
use proto::v1 as pb;

/// A fixed IP: this address, of whichever subnet has it.
pub fn fixed(address: &str) -> pb::port::FixedIp {
    pb::port::FixedIp { subnet_id: String::new(), ip_address: address.to_owned() }
}

/// An allowed address pair; the port's own MAC address when `mac` is empty.
pub fn allowed(prefix: &str, mac: &str) -> pb::port::AddressPair {
    pb::port::AddressPair { ip_prefix: prefix.to_owned(), mac_address: mac.to_owned() }
}

/// The port's first address of a family.
///
/// # Errors
///
/// When it has none.
pub fn address(port: &pb::Port, is_ipv4: bool) -> Result<IpAddr> {
    let addresses = port.fixed_ips.iter().filter_map(|fixed| fixed.ip_address.parse().ok());
    let mut addresses = addresses.filter(|address: &IpAddr| address.is_ipv4() == is_ipv4);
    addresses.next().with_context(|| format!("no address of that family in {port:?}"))
}
