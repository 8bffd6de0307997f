//! Packets sorted into streams: IPv4 (RFC 791), IPv6 (RFC 8200) and TCP (RFC 9293) headers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use pcap_parser::Linktype;

use crate::stream::Stream;
use crate::{Piece, Way};

/// All connections, each direction by itself.
#[derive(Default)]
pub(crate) struct Conversation {
    streams: BTreeMap<(SocketAddr, SocketAddr), Stream>,
    /// When the last packet came.
    time: Duration,
}

impl Conversation {
    /// Takes a packet, and gives what became whole by it.
    pub(crate) fn packet<E>(
        &mut self,
        time: Duration,
        link: Linktype,
        data: &[u8],
        each: &mut impl FnMut(Way, Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(packet) = sliced(link, data) else { return Ok(()) };
        let (source, destination): (IpAddr, IpAddr) = match &packet.net {
            Some(NetSlice::Ipv4(it)) => {
                (it.header().source_addr().into(), it.header().destination_addr().into())
            }
            Some(NetSlice::Ipv6(it)) => {
                (it.header().source_addr().into(), it.header().destination_addr().into())
            }
            _ => return Ok(()),
        };
        let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { return Ok(()) };
        let from = SocketAddr::new(source, tcp.source_port());
        let to = SocketAddr::new(destination, tcp.destination_port());
        self.time = time;
        let stream = self.streams.entry((from, to)).or_default();
        stream.segment(tcp.sequence_number(), tcp.syn(), tcp.payload());
        while let Some(piece) = stream.next() {
            each(Way { time, from, to }, piece)?;
        }
        Ok(())
    }

    /// Gives what still waits for bytes that were never captured.
    pub(crate) fn finish<E>(
        mut self,
        each: &mut impl FnMut(Way, Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for ((from, to), stream) in &mut self.streams {
            while stream.give_up_missing() {
                while let Some(piece) = stream.next() {
                    each(Way { time: self.time, from: *from, to: *to }, piece)?;
                }
            }
        }
        Ok(())
    }
}

/// The packet's headers, `None` when they are not understood.
fn sliced(link: Linktype, data: &[u8]) -> Option<SlicedPacket<'_>> {
    match link {
        Linktype::ETHERNET => SlicedPacket::from_ethernet(data).ok(),
        Linktype::LINUX_SLL => SlicedPacket::from_linux_sll(data).ok(),
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 => SlicedPacket::from_ip(data).ok(),
        // The address family, then the packet.
        Linktype::NULL | Linktype::LOOP => SlicedPacket::from_ip(data.get(4..)?).ok(),
        // The second version of Linux's "cooked" header has 20 bytes.
        Linktype(276) => SlicedPacket::from_ip(data.get(20..)?).ok(),
        _ => None,
    }
}
