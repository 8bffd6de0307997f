//! Frames and packets that the lab's own do not cover.

use std::net::Ipv6Addr;

use lab::{Frame, Mac};

/// The link-local address that a station makes from its MAC address (RFC 4291, appendix A).
pub fn link_local(Mac([a, b, c, d, e, f]): Mac) -> Ipv6Addr {
    let mut octets = [0; 16];
    octets[..2].copy_from_slice(&[0xfe, 0x80]);
    octets[8..].copy_from_slice(&[a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    octets.into()
}

/// A neighbour solicitation by which `from` asks whether anybody has `target`, before it uses it
/// (RFC 4862 §5.4.2): from the unspecified address to the solicited-node group.
pub fn duplicate_detection(from: Mac, target: Ipv6Addr) -> Frame {
    let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.octets());
    Frame::icmpv6((from, Ipv6Addr::UNSPECIFIED), solicited_node(target), &message)
}

/// A router advertisement (RFC 4861 §4.2) by which `from` claims to be a router.
pub fn router_advertisement(from: Mac) -> Frame {
    // 64 hops, no flags, a lifetime of 1,800 seconds.
    let message = [&[134, 0, 0, 0, 64, 0, 0x07, 0x08][..], &[0; 8]].concat();
    let all_nodes = (Mac([0x33, 0x33, 0, 0, 0, 1]), Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1));
    Frame::icmpv6((from, link_local(from)), all_nodes, &message)
}

/// A neighbour solicitation (RFC 4861 §4.3) for `target` in which `sender` claims to have the
/// address that it comes from.
pub fn neighbour_solicitation(from: (Mac, Ipv6Addr), sender: Mac, target: Ipv6Addr) -> Frame {
    let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.octets());
    message.extend([1, 1]);
    message.extend(sender.0);
    Frame::icmpv6(from, solicited_node(target), &message)
}

/// An ICMPv6 redirect (RFC 4861 §4.5) of what goes to `target`, to itself.
pub fn redirect(from: Mac, target: Ipv6Addr, to: (Mac, Ipv6Addr)) -> Frame {
    let message = [&[137, 0, 0, 0, 0, 0, 0, 0][..], &target.octets(), &target.octets()].concat();
    Frame::icmpv6((from, link_local(from)), to, &message)
}

/// An empty UDP datagram in IPv6.
pub fn udp_in_ipv6(
    (from, source): (Mac, Ipv6Addr),
    (to, destination): (Mac, Ipv6Addr),
    ports: (u16, u16),
) -> Frame {
    let mut packet = vec![0x60, 0, 0, 0, 0, 8, 17, 64];
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(ports.0.to_be_bytes());
    packet.extend(ports.1.to_be_bytes());
    packet.extend([0, 8]);
    // Of addresses, length, protocol (RFC 8200 §8.1) and the header: conntrack checks it.
    let words = packet[8..].chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]]));
    let sum = words.map(u32::from).sum::<u32>() + 8 + 17;
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    packet.extend((!folded as u16).to_be_bytes());
    Frame::ethernet(to, from, 0x86dd, &packet)
}

/// The group of those who might have `address` (RFC 4291 §2.7.1), and its Ethernet address.
fn solicited_node(address: Ipv6Addr) -> (Mac, Ipv6Addr) {
    let [.., x, y, z] = address.octets();
    let mut group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0).octets();
    group[13..].copy_from_slice(&[x, y, z]);
    (Mac([0x33, 0x33, 0xff, x, y, z]), group.into())
}

/// What a tunnel endpoint puts into UDP: a VXLAN header (RFC 7348 §5) and the frame.
pub fn vxlan_datagram(vni: u32, frame: &Frame) -> Vec<u8> {
    let [_, a, b, c] = vni.to_be_bytes();
    [&[0x08, 0, 0, 0, a, b, c, 0][..], frame.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_local_address_has_the_mac_address_in_it() {
        let address = link_local(Mac([0xfa, 0x16, 0x3e, 0, 0, 1]));
        assert_eq!(address, "fe80::f816:3eff:fe00:1".parse::<Ipv6Addr>().unwrap());
    }

    #[test]
    fn a_vxlan_header_is_eight_bytes() {
        let frame = Frame::ethernet(Mac::BROADCAST, Mac([2, 0, 0, 0, 0, 1]), 0x88b5, b"x");
        let datagram = vxlan_datagram(0x12_3456, &frame);
        assert_eq!(datagram[..8], [8, 0, 0, 0, 0x12, 0x34, 0x56, 0]);
        assert_eq!(&datagram[8..], frame.as_bytes());
    }
}
