use std::ops::RangeInclusive;

use crate::model::{VlanId, Vni};

/// What the operator configures of the networks that clients make, and of how much there may be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Largest IP packet that the physical networks between hosts carry, in bytes.
    pub underlay_mtu: u16,
    /// Whether tunnels run over IPv6, whose header is 20 bytes longer than IPv4's.
    pub underlay_ipv6: bool,
    /// VLANs for networks that do not ask for one, on each physical network.
    pub vlans: RangeInclusive<VlanId>,
    /// VNIs for networks that do not ask for one.
    pub vnis: RangeInclusive<Vni>,
    /// The most hosts that there may be.
    pub max_hosts: usize,
}

impl Settings {
    /// What VXLAN takes of the underlay's MTU, in bytes (RFC 7348 §5): the outer IP header, UDP
    /// (8), VXLAN (8) and the inner Ethernet header (14).
    pub fn vxlan_overhead(&self) -> u16 {
        let ip = if self.underlay_ipv6 { 40 } else { 20 };
        ip + 8 + 8 + 14
    }
}

impl Default for Settings {
    /// An Ethernet underlay with IPv4, every VNI, and every VLAN but 1, which switches commonly
    /// use for untagged frames.
    fn default() -> Self {
        let vlan = |id| VlanId::try_from(id).expect("both ends are VLANs");
        let vni = |id| Vni::try_from(id).expect("both ends are VNIs");
        Self {
            underlay_mtu: 1500,
            underlay_ipv6: false,
            vlans: vlan(2)..=vlan(VlanId::MAX),
            vnis: vni(1)..=vni(Vni::MAX),
            max_hosts: 4096,
        }
    }
}
