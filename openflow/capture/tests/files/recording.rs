//! Captures of the test's own making.

use std::net::SocketAddr;

use etherparse::PacketBuilder;

/// When the first packet is captured, in seconds since 1970; each further one comes 1 ms later.
pub(crate) const START: u32 = 1_700_000_000;

/// Packets in the order in which they are captured.
#[derive(Default)]
pub(crate) struct Recording(Vec<Vec<u8>>);

impl Recording {
    /// Captures a TCP segment.
    pub(crate) fn segment(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        sequence: u32,
        payload: &[u8],
    ) {
        self.tcp(from, to, sequence, false, payload);
    }

    /// Captures the segment that opens a direction of a connection.
    pub(crate) fn syn(&mut self, from: SocketAddr, to: SocketAddr, sequence: u32) {
        self.tcp(from, to, sequence, true, &[]);
    }

    fn tcp(&mut self, from: SocketAddr, to: SocketAddr, sequence: u32, syn: bool, payload: &[u8]) {
        let ethernet = PacketBuilder::ethernet2([2; 6], [4; 6]);
        let ip = match (from, to) {
            (SocketAddr::V4(from), SocketAddr::V4(to)) => {
                ethernet.ipv4(from.ip().octets(), to.ip().octets(), 64)
            }
            (SocketAddr::V6(from), SocketAddr::V6(to)) => {
                ethernet.ipv6(from.ip().octets(), to.ip().octets(), 64)
            }
            mixed => panic!("{mixed:?}"),
        };
        let mut tcp = ip.tcp(from.port(), to.port(), sequence, 1000);
        if syn {
            tcp = tcp.syn();
        }
        let mut packet = Vec::new();
        tcp.write(&mut packet, payload).unwrap();
        self.0.push(packet);
    }

    /// Captures bytes that need not be a packet.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.push(bytes.to_vec());
    }

    /// A pcap file with microseconds, in this machine's or the other order of bytes.
    pub(crate) fn pcap(&self, order: fn(u32) -> [u8; 4]) -> Vec<u8> {
        let version = if order(1)[0] == 1 { 0x0004_0002 } else { 0x0002_0004 };
        let mut file: Vec<u8> =
            [0xa1b2_c3d4, version, 0, 0, 65_535, 1].into_iter().flat_map(order).collect();
        for (number, packet) in (0..).zip(&self.0) {
            let length = u32::try_from(packet.len()).unwrap();
            let head = [START, number * 1000, length, length];
            file.extend(head.into_iter().flat_map(order));
            file.extend(packet);
        }
        file
    }

    /// A pcapng file of two interfaces that take turns: the first counts microseconds, the second
    /// nanoseconds.
    pub(crate) fn pcapng(&self) -> Vec<u8> {
        const SECTION: u32 = 0x0a0d_0d0a;
        let words =
            |words: &[u32]| words.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<u8>>();
        let mut file = block(SECTION, &words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]));
        // Ethernet, packets of any length; if_tsresol (9) of the second: 10^-9 s.
        file.extend(block(1, &words(&[1, 0])));
        file.extend(block(1, &words(&[1, 0, 0x0001_0009, 9, 0])));
        for (number, packet) in (0..).zip(&self.0) {
            let interface = number % 2;
            let unit = if interface == 0 { 1_000_000 } else { 1_000_000_000 };
            let ticks = u64::from(START) * unit + u64::from(number) * unit / 1000;
            let length = u32::try_from(packet.len()).unwrap();
            let mut body = words(&[interface, (ticks >> 32) as u32, ticks as u32, length, length]);
            body.extend(packet);
            body.resize(body.len().next_multiple_of(4), 0);
            file.extend(block(6, &body));
            // What is no packet may stand between packets: interface statistics.
            file.extend(block(5, &words(&[interface, 0, 0])));
        }
        file
    }
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}
