//! Recording the frames at an interface.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::netns::Netns;
use crate::process::Process;
use crate::wait::wait_until;

/// How long tcpdump may take to start or to end.
const TIMEOUT: Duration = Duration::from_secs(10);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// Filter expressions for tenants' frames inside VXLAN, as the underlay carries them.
///
/// An offset from the start of the UDP header: 8 bytes of it, 8 bytes of VXLAN (RFC 7348 §5),
/// then the tenant's Ethernet header, whose type is its bytes 12 and 13.
pub mod vxlan {
    /// ARP of tenants.
    pub const ARP: &str = "udp dst port 4789 and udp[28:2] = 0x0806";
    /// Neighbour solicitations of tenants (ICMPv6 type 135, without extension headers).
    pub const NEIGHBOUR_SOLICITATION: &str =
        "udp dst port 4789 and udp[28:2] = 0x86dd and udp[36] = 58 and udp[70] = 135";
    /// Everything in VXLAN.
    pub const ANY: &str = "udp dst port 4789";
}

/// A recording under way. Dropping it ends it.
#[derive(Debug)]
pub struct Capture {
    tcpdump: Process,
    file: PathBuf,
}

impl Capture {
    pub(crate) fn start(netns: &Netns, interface: &str, dir: &Path, filter: &str) -> Result<Self> {
        let stem = format!("capture-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let file = dir.join(format!("{stem}.pcap"));
        let log = dir.join(format!("{stem}.log"));
        let mut command = netns.command("tcpdump");
        // Root is kept (-Z) to write into the run directory; each frame is written at once.
        command.args(["-n", "-Z", "root", "--immediate-mode", "--packet-buffered", "-s", "0"]);
        command.args(["-i", interface, "-w"]).arg(&file).arg(filter);
        let mut capture = Self { tcpdump: Process::start(&mut command, &log)?, file };

        let said = || fs::read_to_string(&log).unwrap_or_default();
        let mut early_end = false;
        wait_until("tcpdump to listen", TIMEOUT, || {
            early_end = capture.tcpdump.ended().is_ok_and(|status| status.is_some());
            early_end || said().contains("listening on")
        })?;
        if early_end {
            bail!("tcpdump ended at once: {}", said().trim());
        }
        Ok(capture)
    }

    /// How many frames have been recorded so far; one that passed a moment ago may be missing.
    ///
    /// # Errors
    ///
    /// When the recording cannot be read.
    pub fn count(&self) -> Result<usize> {
        self.frames().map(|frames| frames.len())
    }

    /// The frames recorded so far; one that passed a moment ago may be missing.
    ///
    /// # Errors
    ///
    /// When the recording cannot be read.
    pub fn frames(&self) -> Result<Vec<Vec<u8>>> {
        let bytes =
            fs::read(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        frames(&bytes)
    }

    /// Ends the recording and returns all of it.
    ///
    /// # Errors
    ///
    /// When tcpdump does not end, or its file cannot be read.
    pub fn stop(mut self) -> Result<Vec<Vec<u8>>> {
        self.tcpdump.terminate(TIMEOUT)?;
        self.frames()
    }
}

/// The frames in a pcap file of this machine's byte order; one written in part is left out.
fn frames(file: &[u8]) -> Result<Vec<Vec<u8>>> {
    const HEADER: usize = 24;
    const RECORD_HEADER: usize = 16;
    const MAGIC: u32 = 0xa1b2_c3d4;

    let word = |at: usize| {
        let bytes = file.get(at..at + 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    };
    match word(0) {
        None => return Ok(Vec::new()),
        Some(MAGIC) => {}
        Some(other) => bail!("not a pcap file: magic number {other:#010x}"),
    }
    let mut frames = Vec::new();
    let mut at = HEADER;
    // Seconds, microseconds, length here, length on the wire.
    while let Some(length) = word(at + 8) {
        let start = at + RECORD_HEADER;
        at = start + usize::try_from(length)?;
        let Some(frame) = file.get(start..at) else { break };
        frames.push(frame.to_vec());
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(frames: &[&[u8]]) -> Vec<u8> {
        let mut file = 0xa1b2_c3d4_u32.to_ne_bytes().to_vec();
        file.extend([0; 20]);
        for frame in frames {
            let length = u32::try_from(frame.len()).unwrap().to_ne_bytes();
            file.extend([0; 8]);
            file.extend(length);
            file.extend(length);
            file.extend(*frame);
        }
        file
    }

    #[test]
    fn every_whole_frame_is_returned() {
        let whole = file(&[b"one", b"", b"three"]);
        assert_eq!(frames(&whole).unwrap(), [b"one".to_vec(), Vec::new(), b"three".to_vec()]);
        assert_eq!(frames(&whole[..whole.len() - 1]).unwrap().len(), 2);
        assert_eq!(frames(&[]).unwrap().len(), 0);
    }

    #[test]
    fn another_kind_of_file_is_refused() {
        assert!(frames(b"GIF89a, say").is_err());
    }
}
