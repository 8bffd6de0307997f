use openflow::MacAddr;

use super::{Context, Rejection};
use crate::key::Key;
use crate::model::{NetworkId, PortId};

/// What is wrong with an Ethernet address that a station cannot have.
pub(super) fn check_mac(mac: MacAddr) -> Option<String> {
    if mac.is_multicast() {
        Some(format!("{mac} is multicast: expected a unicast address"))
    } else if mac == MacAddr::ZERO {
        Some(format!("{mac} is no station's address"))
    } else {
        None
    }
}

/// The address of a port that asked for none: `fa:16:3e` and its key, so that it is seldom taken;
/// if it is, the first free one after it.
pub(super) fn free_mac(
    context: &Context<'_>,
    network: NetworkId,
    port: PortId,
    key: Key,
) -> Result<MacAddr, Rejection> {
    let mut candidate = key;
    loop {
        let mac = generated(candidate);
        if context.model.port_by_mac(network, mac).is_none_or(|holder| holder == port) {
            return Ok(mac);
        }
        candidate = candidate.next();
        if candidate == key {
            return Err(Rejection::ResourceExhausted {
                subject: format!("macs/{network}"),
                description: format!("every fa:16:3e address is in use on network {network}"),
            });
        }
    }
}

fn generated(key: Key) -> MacAddr {
    let [_, a, b, c] = key.get().to_be_bytes();
    MacAddr::new([0xfa, 0x16, 0x3e, a, b, c])
}
