//! The OpenFlow messages of captured controller connections, from pcap and pcapng files.
//!
//! [`read`] walks through a capture once and gives every message of every TCP connection as soon as
//! its last byte was captured: segments may come in any order, twice, or overlapping, and what is
//! missing is told. Of a file of any size, no more is held than the streams that wait for a
//! segment, at most 1 MiB for each direction of a connection.
//!
//! Ethernet (with VLAN tags), Linux's "cooked" headers, BSD's loopback and bare IP are understood;
//! packets of anything else, IP fragments and packets that were captured in part are left out.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use pcap_parser::traits::PcapNGPacketBlock as _;
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};
use thiserror::Error;

mod conversation;
mod stream;

use conversation::Conversation;

/// Where a piece of a stream was on its way, and when its last byte was captured.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Way {
    /// Since 1970.
    pub time: Duration,
    /// Who sent it.
    pub from: SocketAddr,
    /// Who received it.
    pub to: SocketAddr,
}

/// What one direction of a connection gives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Piece<'a> {
    /// The bytes of a whole message, as long as its header says.
    Frame(&'a [u8]),
    /// So many bytes were not captured. The stream is taken up with the segment behind them, as if
    /// a message began there.
    Missing(u32),
    /// These bytes begin no message; the rest of the stream is left out.
    Broken(&'a [u8]),
}

/// What is wrong with a capture.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum CaptureError {
    /// The file is something else.
    #[error("this is neither pcap nor pcapng")]
    NoCapture,
    /// The last packet is not whole; all before it were read.
    #[error("the capture ends within a packet")]
    CutShort,
    /// A block is longer than any that is read.
    #[error("a packet takes more than {} bytes", BLOCK)]
    TooLong,
    /// A packet names an interface that the file does not describe.
    #[error("a packet came from interface {number}, which is not described")]
    NoInterface {
        /// The interface's number.
        number: u32,
    },
    /// A block makes no sense, or the file could not be read.
    #[error("a block of the capture cannot be read")]
    Block,
}

/// The longest block that is read, in bytes.
const BLOCK: usize = 1 << 20;

/// Gives every OpenFlow message of a pcap or pcapng file to `each`, in the order in which they were
/// whole, and between them what of a connection is missing.
///
/// # Errors
///
/// When the file is no capture, or at its first wrong packet; what came before has been given away.
/// And when `each` fails.
pub fn read<E: From<CaptureError>>(
    file: impl Read + Send,
    mut each: impl FnMut(Way, Piece<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut conversation = Conversation::default();
    let read = packets(file, |time, link, data| conversation.packet(time, link, data, &mut each));
    match read {
        Ok(()) => conversation.finish(&mut each),
        Err(Stopped::Each(error)) => Err(error),
        Err(Stopped::Capture(error)) => {
            conversation.finish(&mut each)?;
            Err(error.into())
        }
    }
}

/// Why no more packets are read.
enum Stopped<E> {
    Each(E),
    Capture(CaptureError),
}

/// Gives every packet of a file to `each`.
fn packets<E>(
    file: impl Read + Send,
    mut each: impl FnMut(Duration, Linktype, &[u8]) -> Result<(), E>,
) -> Result<(), Stopped<E>> {
    let wrong = |error| Err(Stopped::Capture(error));
    let Ok(mut reader) = create_reader(BLOCK, file) else { return wrong(CaptureError::NoCapture) };
    let mut legacy = Interface { link: Linktype::ETHERNET, units: 1_000_000, offset: 0 };
    let mut interfaces: Vec<Interface> = Vec::new();
    loop {
        match reader.next() {
            Ok((length, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        legacy.link = header.network;
                        if header.is_nanosecond_precision() {
                            legacy.units = 1_000_000_000;
                        }
                    }
                    PcapBlockOwned::Legacy(packet) => {
                        let ticks = u64::from(packet.ts_sec) * legacy.units;
                        let time = legacy.time(ticks + u64::from(packet.ts_usec));
                        each(time, legacy.link, packet.data).map_err(Stopped::Each)?;
                    }
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => interfaces.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(it)) => {
                        let units = it.ts_resolution().unwrap_or(1_000_000).max(1);
                        let offset = it.ts_offset();
                        interfaces.push(Interface { link: it.linktype, units, offset });
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        let number = packet.if_id;
                        let described =
                            usize::try_from(number).ok().and_then(|it| interfaces.get(it));
                        let Some(interface) = described else {
                            return wrong(CaptureError::NoInterface { number });
                        };
                        let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                        let data = packet.packet_data();
                        each(interface.time(ticks), interface.link, data).map_err(Stopped::Each)?;
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                reader.consume(length);
            }
            Err(PcapError::Eof) => return Ok(()),
            Err(PcapError::UnexpectedEof) => return wrong(CaptureError::CutShort),
            Err(PcapError::BufferTooSmall) => return wrong(CaptureError::TooLong),
            Err(PcapError::Incomplete(_)) => {
                if reader.refill().is_err() {
                    return wrong(CaptureError::Block);
                }
            }
            Err(_) => return wrong(CaptureError::Block),
        }
    }
}

/// Where packets were captured.
struct Interface {
    link: Linktype,
    /// Units of time in a second, at least 1.
    units: u64,
    /// Seconds to be added to all times.
    offset: i64,
}

impl Interface {
    fn time(&self, ticks: u64) -> Duration {
        let part = u128::from(ticks % self.units) * 1_000_000_000 / u128::from(self.units);
        let nanoseconds = u64::try_from(part).unwrap_or(u64::MAX);
        let seconds = (ticks / self.units).saturating_add_signed(self.offset);
        Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanoseconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_any_resolution() {
        let at = |units, offset, ticks| {
            Interface { link: Linktype::ETHERNET, units, offset }.time(ticks)
        };
        assert_eq!(at(1_000_000, 0, 1_500_000), Duration::from_millis(1_500));
        assert_eq!(at(1 << 10, 0, 1 << 9), Duration::from_millis(500));
        assert_eq!(at(1, -5, 7), Duration::from_secs(2));
        assert_eq!(at(u64::MAX, i64::MAX, u64::MAX - 1).as_secs(), i64::MAX.cast_unsigned());
        assert_eq!(at(1, i64::MAX, u64::MAX), Duration::from_secs(u64::MAX));
    }
}
