//! A capture of controller connections: `weft openflow decode --pcap`.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use pcap_parser::traits::PcapNGPacketBlock as _;
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

use super::stream::Stream;
use crate::failure::Failure;

/// Where a message was on its way, and when its last byte came.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Way {
    pub(super) time: Duration,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
}

/// Gives every OpenFlow message of a pcap or pcapng file to `each`, in the order of the capture, and
/// the lines that say what of a connection is missing.
///
/// # Errors
///
/// When the file cannot be read, is no capture, or `each` fails.
pub(super) fn read(
    path: &Path,
    mut each: impl FnMut(Way, Piece<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let wrong = |what: String| Failure::Input(format!("{}: {what}", path.display()));
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut reader = create_reader(CAPACITY, file)
        .map_err(|_| wrong("this is neither pcap nor pcapng".to_owned()))?;
    let mut conversation = Conversation::default();
    let mut legacy = (Linktype::ETHERNET, 1_000);
    let mut interfaces: Vec<Interface> = Vec::new();
    loop {
        let all_read = reader.reader_exhausted();
        match reader.next() {
            Ok((length, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        let unit = if header.is_nanosecond_precision() { 1 } else { 1_000 };
                        legacy = (header.network, unit);
                    }
                    PcapBlockOwned::Legacy(packet) => {
                        let nanoseconds = packet.ts_usec.saturating_mul(legacy.1);
                        let time = Duration::from_secs(packet.ts_sec.into())
                            + Duration::from_nanos(nanoseconds.into());
                        conversation.packet(time, legacy.0, packet.data, &mut each)?;
                    }
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => interfaces.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(it)) => {
                        let units = it.ts_resolution().unwrap_or(1_000_000).max(1);
                        interfaces.push(Interface { link: it.linktype, units });
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        let number = usize::try_from(packet.if_id).unwrap_or(usize::MAX);
                        let Some(interface) = interfaces.get(number) else {
                            return Err(wrong(format!("no interface {number} is described")));
                        };
                        let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                        let time = interface.time(ticks);
                        let data = packet.packet_data();
                        conversation.packet(time, interface.link, data, &mut each)?;
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                reader.consume(length);
            }
            Err(PcapError::Eof) => return conversation.finish(&mut each),
            Err(PcapError::Incomplete(_)) if all_read => {
                return Err(wrong("the capture ends within a packet".to_owned()));
            }
            Err(PcapError::Incomplete(_)) => {
                reader.refill().map_err(|_| wrong("a packet is too long".to_owned()))?;
            }
            Err(_) => return Err(wrong("this is no whole capture".to_owned())),
        }
    }
}

/// The longest block that is read, in bytes.
const CAPACITY: usize = 1 << 20;

/// What a stream gives.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Piece<'a> {
    /// The bytes of a whole message, as its header says.
    Frame(&'a [u8]),
    /// Bytes were not captured: so many, up to which the stream could not be read.
    Missing(u32),
    /// These bytes begin no message; the rest of the stream is left out.
    Broken(&'a [u8]),
}

/// An interface of a pcapng file.
struct Interface {
    link: Linktype,
    /// Units of time in a second.
    units: u64,
}

impl Interface {
    fn time(&self, ticks: u64) -> Duration {
        let part = u128::from(ticks % self.units) * 1_000_000_000 / u128::from(self.units);
        let nanoseconds = u64::try_from(part).unwrap_or(u64::MAX);
        Duration::from_secs(ticks / self.units) + Duration::from_nanos(nanoseconds)
    }
}

/// The streams of bytes of all connections, each direction by itself.
#[derive(Default)]
struct Conversation {
    streams: BTreeMap<(SocketAddr, SocketAddr), Stream>,
    /// When the last packet came.
    time: Duration,
}

impl Conversation {
    fn packet(
        &mut self,
        time: Duration,
        link: Linktype,
        data: &[u8],
        each: &mut impl FnMut(Way, Piece<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
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
    fn finish(
        mut self,
        each: &mut impl FnMut(Way, Piece<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
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
