//! A machine with one interface: what a VM and a station have in common.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::asking::Asking;
use crate::capture::Capture;
use crate::command::run;
use crate::frame::Frame;
use crate::netns::Netns;
use crate::ping::{Ping, PingReport};
use crate::ping_stream::PingStream;
use crate::process::Process;
use crate::wait::wait_until;

/// The machine's only interface.
const INTERFACE: &str = "eth0";

/// Sends the frames given in hexadecimal out of an interface, as they are: once, or again and again
/// with so many seconds in between.
const SEND_FRAMES: &str = "
import socket, sys, time
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind((sys.argv[1], 0))
pause = float(sys.argv[2])
while True:
    for frame in sys.argv[3:]:
        link.send(bytes.fromhex(frame))
    if not pause:
        break
    time.sleep(pause)
";

/// A namespace with an `eth0`, and what a user of that machine could do.
#[derive(Debug)]
pub struct Endpoint {
    name: String,
    netns: Netns,
    run_dir: PathBuf,
}

impl Endpoint {
    /// Makes the namespace, without its interface.
    ///
    /// IPv6 addresses are usable at once (no duplicate address detection), and nothing is asked
    /// of routers, so that a capture holds only what a test causes.
    pub(crate) fn start(name: String, netns: String, run_dir: PathBuf) -> Result<Self> {
        let netns = Netns::add(netns)?;
        netns.sysctl(&[
            ("ipv6/conf/default/accept_dad", "0"),
            ("ipv6/conf/default/accept_ra", "0"),
            ("ipv6/conf/default/router_solicitations", "0"),
        ])?;
        Ok(Self { name, netns, run_dir })
    }

    /// Its name in the lab.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its namespace.
    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// Gives `eth0` these addresses (each with its prefix length), and no others, a default
    /// route by each gateway, and an MTU in bytes.
    ///
    /// # Errors
    ///
    /// When `ip` does not take them.
    pub fn configure(&self, addresses: &[&str], gateways: &[&str], mtu: u16) -> Result<()> {
        self.netns.ip(&["link", "set", INTERFACE, "mtu", &mtu.to_string()])?;
        self.netns.ip(&["address", "flush", "dev", INTERFACE, "scope", "global"])?;
        for address in addresses {
            self.add_address(address)?;
        }
        for gateway in gateways {
            self.netns.ip(&["route", "replace", "default", "via", gateway, "dev", INTERFACE])?;
        }
        Ok(())
    }

    /// Gives `eth0` one more address, with its prefix length.
    ///
    /// # Errors
    ///
    /// When `ip` does not take it.
    pub fn add_address(&self, address: &str) -> Result<()> {
        self.netns.ip(&["address", "add", address, "dev", INTERFACE]).map(drop)
    }

    /// The MAC address that `eth0` sends from.
    ///
    /// # Errors
    ///
    /// When `ip` does not tell.
    pub fn mac(&self) -> Result<String> {
        let text = self.netns.ip(&["-json", "link", "show", INTERFACE])?;
        let link: Value = serde_json::from_str(&text)?;
        let mac = link[0]["address"].as_str().context("eth0 has no MAC address")?;
        Ok(mac.to_owned())
    }

    /// Sends from another MAC address from now on.
    ///
    /// # Errors
    ///
    /// When `ip` does not take it.
    pub fn set_mac(&self, mac: &str) -> Result<()> {
        self.netns.ip(&["link", "set", INTERFACE, "address", mac]).map(drop)
    }

    /// Runs a program on the machine to its end and returns what it wrote to standard output.
    ///
    /// # Errors
    ///
    /// When it does not exit with 0.
    pub fn exec(&self, program: &str, args: &[&str]) -> Result<String> {
        run(self.netns.command(program).args(args))
    }

    /// Sends three echo requests at short intervals.
    ///
    /// # Errors
    ///
    /// When `ping` does not run. Replies that stay out are no error: the report counts them.
    pub fn ping(&self, to: impl Into<IpAddr>) -> Result<PingReport> {
        self.ping_with(&Ping::to(to))
    }

    /// Sends echo requests as told.
    ///
    /// # Errors
    ///
    /// When `ping` does not run. Replies that stay out are no error: the report counts them.
    pub fn ping_with(&self, ping: &Ping) -> Result<PingReport> {
        ping.run(&self.netns)
    }

    /// Pings until a reply comes.
    ///
    /// # Errors
    ///
    /// When none has come after `timeout`.
    pub fn ping_until(&self, to: impl Into<IpAddr>, timeout: Duration) -> Result<()> {
        let to = to.into();
        let ping = Ping::to(to).count(1).reply_timeout(Duration::from_millis(300));
        let what = format!("a reply from {to} to {}", self.name);
        wait_until(&what, timeout, || self.ping_with(&ping).is_ok_and(|report| report.received > 0))
    }

    /// Pings in the background, one request per `interval`, until it is told to stop.
    ///
    /// # Errors
    ///
    /// When `ping` does not start.
    pub fn start_ping(&self, to: impl Into<IpAddr>, interval: Duration) -> Result<PingStream> {
        PingStream::start(&self.netns, &self.run_dir, to.into(), interval)
    }

    /// Sends an echo request every `pace`, in the background, until the first is answered, for as
    /// long as `patience` lasts.
    ///
    /// # Errors
    ///
    /// When no requests can be sent.
    pub fn ask(&self, to: Ipv4Addr, pace: Duration, patience: Duration) -> Result<Asking> {
        Asking::start(&self.netns, to, pace, patience)
    }

    /// The MAC address that `eth0`'s neighbour `address` answers ARP or neighbour discovery
    /// with, asked anew; `None` when nobody answers.
    ///
    /// # Errors
    ///
    /// When `ping` or `ip` does not run.
    pub fn resolve(&self, address: impl Into<IpAddr>) -> Result<Option<String>> {
        let address = address.into();
        let text = address.to_string();
        self.netns.ip(&["neighbour", "flush", "to", &text, "dev", INTERFACE])?;
        // The kernel asks when it has something to send; the reply to that is of no interest.
        self.ping_with(&Ping::to(address).count(1).reply_timeout(Duration::from_secs(1)))?;
        let shown =
            self.netns.ip(&["-json", "neighbour", "show", "to", &text, "dev", INTERFACE])?;
        let neighbours: Value = serde_json::from_str(&shown)?;
        Ok(neighbours[0]["lladdr"].as_str().map(str::to_owned))
    }

    /// Sends frames out of `eth0` just as they are, whoever they claim to be from.
    ///
    /// # Errors
    ///
    /// When they cannot be sent.
    pub fn send_frames(&self, frames: &[Frame]) -> Result<()> {
        let frames = frames.iter().map(Frame::to_hex);
        run(self.netns.command(python()).args(["-c", SEND_FRAMES, INTERFACE, "0"]).args(frames))
            .map(drop)
    }

    /// Sends frames again and again, in the background, until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// When that does not start.
    pub fn repeat_frames(&self, frames: &[Frame], pause: Duration) -> Result<FrameStream> {
        let mut command = self.netns.command(python());
        command.args(["-c", SEND_FRAMES, INTERFACE, &pause.as_secs_f64().to_string()]);
        command.args(frames.iter().map(Frame::to_hex));
        let log = self.run_dir.join(format!("frames-{}.log", self.name));
        Ok(FrameStream { _sender: Process::start(&mut command, &log)? })
    }

    /// Records the frames at `eth0` that match `filter` (tcpdump's language; all of them when
    /// empty), from the moment this returns.
    ///
    /// # Errors
    ///
    /// When tcpdump does not start.
    pub fn capture(&self, filter: &str) -> Result<Capture> {
        Capture::start(&self.netns, INTERFACE, &self.run_dir, filter)
    }
}

/// Frames that are sent again and again. Dropping it ends that.
#[derive(Debug)]
pub struct FrameStream {
    _sender: Process,
}

/// The distribution's Python where there is one: wrappers before it in the path start slowly.
fn python() -> &'static str {
    const DISTRIBUTION: &str = "/usr/bin/python3";
    if Path::new(DISTRIBUTION).exists() { DISTRIBUTION } else { "python3" }
}
