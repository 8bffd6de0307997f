use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a logged connection is told by: the addresses, ports and protocol of one packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Headers {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// The IP protocol's number; of IPv6 the first that is no extension header.
    pub(super) protocol: u8,
    pub(super) transport: Transport,
}

/// The beginning of the header behind IP's, as far as it is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Transport {
    /// Of TCP, UDP and SCTP.
    Ports { source: u16, destination: u16 },
    /// Of ICMP and ICMPv6.
    Icmp { kind: u8, code: u8 },
    /// Another protocol, or a packet that ends before.
    Unknown,
}

impl Headers {
    /// Reads an untagged Ethernet frame, or its beginning. `None` when it is not IP, or too short.
    pub(super) fn of(frame: &[u8]) -> Option<Self> {
        let (ethertype, packet) = frame.get(12..)?.split_first_chunk()?;
        match u16::from_be_bytes(*ethertype) {
            0x0800 => Self::of_ipv4(packet),
            0x86dd => Self::of_ipv6(packet),
            _ => None,
        }
    }

    /// RFC 791 §3.1.
    fn of_ipv4(packet: &[u8]) -> Option<Self> {
        let header = packet.first_chunk::<20>()?;
        let address = |at: usize| Some(Ipv4Addr::from(*header.get(at..)?.first_chunk::<4>()?));
        let protocol = header[9];
        let is_first = u16::from_be_bytes([header[6], header[7]]) & 0x1fff == 0;
        let payload = packet.get(usize::from(header[0] & 0xf) * 4..).filter(|_| is_first);
        Some(Self {
            source: address(12)?.into(),
            destination: address(16)?.into(),
            protocol,
            transport: Transport::of(protocol, payload.unwrap_or_default()),
        })
    }

    /// RFC 8200 §3 and §4.
    fn of_ipv6(packet: &[u8]) -> Option<Self> {
        let header = packet.first_chunk::<40>()?;
        let address = |at: usize| Some(Ipv6Addr::from(*header.get(at..)?.first_chunk::<16>()?));
        let (mut protocol, mut payload) = (header[6], &packet[40..]);
        while let Some((length, later_fragment)) = extension(protocol, payload) {
            protocol = payload[0];
            payload = payload.get(length..).filter(|_| !later_fragment).unwrap_or_default();
        }
        Some(Self {
            source: address(8)?.into(),
            destination: address(24)?.into(),
            protocol,
            transport: Transport::of(protocol, payload),
        })
    }
}

impl Transport {
    fn of(protocol: u8, payload: &[u8]) -> Self {
        match (protocol, payload) {
            (6 | 17 | 132, &[a, b, c, d, ..]) => Self::Ports {
                source: u16::from_be_bytes([a, b]),
                destination: u16::from_be_bytes([c, d]),
            },
            (1 | 58, &[kind, code, ..]) => Self::Icmp { kind, code },
            _ => Self::Unknown,
        }
    }
}

/// The length of the extension header that `payload` begins with, and whether what follows is the
/// middle of a packet; `None` when `protocol` is no extension header, or it is cut off.
fn extension(protocol: u8, payload: &[u8]) -> Option<(usize, bool)> {
    let &[_, length, high, low, ..] = payload else { return None };
    match protocol {
        // Hop-by-hop options, routing, destination options: in units of 8 bytes, less the first.
        0 | 43 | 60 => Some(((usize::from(length) + 1) * 8, false)),
        // Fragment.
        44 => Some((8, u16::from_be_bytes([high, low]) & 0xfff8 != 0)),
        // Authentication: in units of 4 bytes, less two.
        51 => Some(((usize::from(length) + 2) * 4, false)),
        _ => None,
    }
}

/// `tcp 10.0.0.5:40000 > 10.0.0.6:443`, `icmp 10.0.0.5 > 10.0.0.6 type 8 code 0`.
impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, destination, protocol, transport } = *self;
        match protocol {
            1 => f.write_str("icmp ")?,
            6 => f.write_str("tcp ")?,
            17 => f.write_str("udp ")?,
            58 => f.write_str("icmpv6 ")?,
            132 => f.write_str("sctp ")?,
            other => write!(f, "protocol {other} ")?,
        }
        let port = |address: IpAddr, port: u16| std::net::SocketAddr::new(address, port);
        match transport {
            Transport::Ports { source: from, destination: to } => {
                write!(f, "{} > {}", port(source, from), port(destination, to))
            }
            Transport::Icmp { kind, code } => {
                write!(f, "{source} > {destination} type {kind} code {code}")
            }
            Transport::Unknown => write!(f, "{source} > {destination}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TCP: [u8; 4] = [0x9c, 0x40, 1, 0xbb];

    fn ipv4(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([8, 0, 0x46, 0, 0, 0, 0, 0]);
        frame.extend(fragment.to_be_bytes());
        frame.extend([64, protocol, 0, 0, 10, 0, 0, 5, 10, 0, 0, 6, 1, 1, 1, 1]);
        frame.extend(payload);
        frame
    }

    fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, next, 64]);
        frame.extend(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 5).octets());
        frame.extend(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 6).octets());
        frame.extend(payload);
        frame
    }

    #[track_caller]
    fn check(frame: &[u8], expected: &str) {
        assert_eq!(Headers::of(frame).map(|it| it.to_string()).unwrap_or_default(), expected);
    }

    #[test]
    fn a_connection_is_told_by_its_first_packet() {
        check(&ipv4(6, 0x2000, &TCP), "tcp 10.0.0.5:40000 > 10.0.0.6:443");
        check(&ipv4(17, 1, &TCP), "udp 10.0.0.5 > 10.0.0.6");
        check(&ipv4(1, 0, &[8, 0]), "icmp 10.0.0.5 > 10.0.0.6 type 8 code 0");
        check(&ipv4(47, 0, &[]), "protocol 47 10.0.0.5 > 10.0.0.6");
        check(&ipv6(132, &TCP), "sctp [fd00::5]:40000 > [fd00::6]:443");
        check(&ipv6(58, &[128, 0]), "icmpv6 fd00::5 > fd00::6 type 128 code 0");
        let options = [[6, 0, 0, 0, 0, 0, 0, 0].as_slice(), &TCP].concat();
        check(&ipv6(0, &options), "tcp [fd00::5]:40000 > [fd00::6]:443");
        let fragment = |offset: u8| [[17, 0, 0, offset, 0, 0, 0, 1].as_slice(), &TCP].concat();
        check(&ipv6(44, &fragment(1)), "udp [fd00::5]:40000 > [fd00::6]:443");
        check(&ipv6(44, &fragment(8)), "udp fd00::5 > fd00::6");
        check(&ipv4(6, 0, &TCP[..3]), "tcp 10.0.0.5 > 10.0.0.6");
        check(&[0; 60], "");
    }

    proptest! {
        #[test]
        fn no_packet_does_harm(bytes in proptest::collection::vec(any::<u8>(), 0..80), v6: bool) {
            let _ = Headers::of(&bytes).map(|it| it.to_string());
            let next = bytes.first().copied().unwrap_or_default();
            let frame = if v6 { ipv6(next, &bytes) } else { ipv4(next, 0, &bytes) };
            let _ = Headers::of(&frame).map(|it| it.to_string());
        }
    }
}
