//! Frames built byte by byte, for the lies that no honest network stack would tell.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use anyhow::{Context, Error, Result};

/// An Ethernet frame, without its check sequence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame(Vec<u8>);

impl Frame {
    /// Any frame: destination, source, EtherType and what follows.
    pub fn ethernet(to: Mac, from: Mac, ethertype: u16, payload: &[u8]) -> Self {
        let mut bytes = [to.0, from.0].concat();
        bytes.extend(ethertype.to_be_bytes());
        bytes.extend(payload);
        Self(bytes)
    }

    /// A broadcast ARP request (RFC 826) in which `sender` claims to have `address`.
    pub fn arp_request(from: Mac, sender: Mac, address: Ipv4Addr, target: Ipv4Addr) -> Self {
        let arp = arp(1, (sender, address), (Mac([0; 6]), target));
        Self::ethernet(Mac::BROADCAST, from, 0x0806, &arp)
    }

    /// An ARP reply (RFC 826) in which `sender` claims to have `address`.
    pub fn arp_reply(
        from: Mac,
        (sender, address): (Mac, Ipv4Addr),
        (to, target): (Mac, Ipv4Addr),
    ) -> Self {
        Self::ethernet(to, from, 0x0806, &arp(2, (sender, address), (to, target)))
    }

    /// An IPv4 packet (RFC 791 §3.1) with a protocol number and what follows the header.
    pub fn ipv4(from: (Mac, Ipv4Addr), to: (Mac, Ipv4Addr), protocol: u8, payload: &[u8]) -> Self {
        Self::ipv4_fragment(from, to, protocol, 0, payload)
    }

    /// A piece of an IPv4 packet whose number is 1: `fragment` is what its header has in the place
    /// of flags and fragment offset.
    pub fn ipv4_fragment(
        (from, source): (Mac, Ipv4Addr),
        (to, destination): (Mac, Ipv4Addr),
        protocol: u8,
        fragment: u16,
        payload: &[u8],
    ) -> Self {
        let [high, low] = be_length(20 + payload.len());
        // Version 4 and 5 words; 64 hops.
        let number = u8::from(fragment != 0);
        let mut header = vec![0x45, 0, high, low, 0, number];
        header.extend(fragment.to_be_bytes());
        header.extend([64, protocol, 0, 0]);
        header.extend(source.octets());
        header.extend(destination.octets());
        let sum = checksum(&[&header]);
        header[10..12].copy_from_slice(&sum);
        header.extend(payload);
        Self::ethernet(to, from, 0x0800, &header)
    }

    /// An ICMP message (RFC 792), given from its type on; its checksum is computed.
    ///
    /// # Panics
    ///
    /// When `message` has no room for a checksum.
    pub fn icmp(from: (Mac, Ipv4Addr), to: (Mac, Ipv4Addr), message: &[u8]) -> Self {
        let mut message = message.to_vec();
        message[2..4].fill(0);
        let sum = checksum(&[&message]);
        message[2..4].copy_from_slice(&sum);
        Self::ipv4(from, to, 1, &message)
    }

    /// An ICMP echo request (RFC 792) in IPv4.
    pub fn echo_request(from: (Mac, Ipv4Addr), to: (Mac, Ipv4Addr)) -> Self {
        Self::icmp(from, to, &[8, 0, 0, 0, 0x57, 0xef, 0, 1])
    }

    /// A UDP datagram (RFC 768) in IPv4, without a checksum.
    pub fn udp(
        from: (Mac, Ipv4Addr),
        to: (Mac, Ipv4Addr),
        (source, destination): (u16, u16),
        payload: &[u8],
    ) -> Self {
        let mut datagram = [source.to_be_bytes(), destination.to_be_bytes()].concat();
        datagram.extend(be_length(8 + payload.len()));
        datagram.extend([0, 0]);
        datagram.extend(payload);
        Self::ipv4(from, to, 17, &datagram)
    }

    /// An ICMPv6 message in IPv6 (RFC 4443 §2.1) with 255 hops, as neighbour discovery has.
    ///
    /// `message` is the whole message; its checksum, bytes 2 and 3, is filled in.
    pub fn icmpv6(
        (from, source): (Mac, Ipv6Addr),
        (to, destination): (Mac, Ipv6Addr),
        message: &[u8],
    ) -> Self {
        const ICMPV6: u8 = 58;
        let length = be_length(message.len());
        let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], ICMPV6, 255];
        packet.extend(source.octets());
        packet.extend(destination.octets());
        let mut message = message.to_vec();
        message[2..4].fill(0);
        let pseudo = [&packet[8..40], &[0, 0], &length, &[0, 0, 0, ICMPV6], &message];
        let sum = checksum(&pseudo);
        message[2..4].copy_from_slice(&sum);
        packet.extend(message);
        Self::ethernet(to, from, 0x86dd, &packet)
    }

    /// A neighbour advertisement (RFC 4861 §4.4) by which `sender` claims to have `target`.
    pub fn neighbour_advertisement(
        from: (Mac, Ipv6Addr),
        to: (Mac, Ipv6Addr),
        (sender, target): (Mac, Ipv6Addr),
    ) -> Self {
        // Solicited and override; one option: target link-layer address, 8 bytes.
        let mut message = vec![136, 0, 0, 0, 0x60, 0, 0, 0];
        message.extend(target.octets());
        message.extend([2, 1]);
        message.extend(sender.0);
        Self::icmpv6(from, to, &message)
    }

    /// The frame's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A MAC address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Everybody.
    pub const BROADCAST: Self = Self([0xff; 6]);
}

impl FromStr for Mac {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bytes: Option<Vec<u8>> =
            text.split(':').map(|part| u8::from_str_radix(part, 16).ok()).collect();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).with_context(|| format!("not a MAC address: {text:?}"))
    }
}

/// An ARP packet for IPv4 over Ethernet.
fn arp(operation: u8, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Vec<u8> {
    let mut packet = vec![0, 1, 0x08, 0x00, 6, 4, 0, operation];
    for (mac, address) in [sender, target] {
        packet.extend(mac.0);
        packet.extend(address.octets());
    }
    packet
}

/// The Internet checksum (RFC 1071) of parts that each have an even length, but for the last.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = words
        .map(|word| u32::from(u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or(0)])))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [_, _, high, low] = (!sum).to_be_bytes();
    [high, low]
}

/// A length field. No frame of the lab is longer than an MTU.
fn be_length(length: usize) -> [u8; 2] {
    u16::try_from(length).expect("a frame is shorter than 64 KiB").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Mac = Mac([0xfa, 0x16, 0x3e, 0, 0, 1]);
    const B: Mac = Mac([0xfa, 0x16, 0x3e, 0, 0, 2]);

    #[test]
    fn a_mac_address_is_six_bytes() {
        assert_eq!("fa:16:3e:00:00:01".parse::<Mac>().unwrap(), A);
        for text in ["", "fa:16:3e:00:00", "fa:16:3e:00:00:01:02", "fa:16:3e:00:00:xy"] {
            assert!(text.parse::<Mac>().is_err(), "{text}");
        }
    }

    #[test]
    fn checksums_add_up() {
        let from = (A, Ipv4Addr::new(10, 0, 0, 1));
        let frame = Frame::echo_request(from, (B, Ipv4Addr::new(10, 0, 0, 2)));
        let (header, icmp) = frame.as_bytes()[14..].split_at(20);
        assert_eq!(checksum(&[header]), [0, 0]);
        assert_eq!(checksum(&[icmp]), [0, 0]);
    }

    #[test]
    fn an_arp_request_is_laid_out_as_in_rfc_826() {
        let from = Ipv4Addr::new(10, 0, 0, 1);
        let frame = Frame::arp_request(A, B, from, Ipv4Addr::new(10, 0, 0, 2));
        let expected = "fffffffffffffa163e0000010806\
                        0001080006040001fa163e0000020a0000010000000000000a000002";
        assert_eq!(frame.to_hex(), expected);
    }
}
