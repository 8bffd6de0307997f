//! Real Open vSwitch hosts on one machine, for Weft's end-to-end tests and its demo.
//!
//! A [`Lab`] has any number of hosts, each a network namespace with an ovsdb-server and an
//! ovs-vswitchd of its own (userspace datapath), joined by three networks:
//!
//! ```text
//!  controller ──┬── management 10.20.0.0/16 ──┬── eth0
//!               │                             │         ┌ br-phy ── tunnels
//!               │   underlay 198.18.0.0/16 ───┼── eth1 ─┘
//!               │                             │
//!               │   provider: a physical      │         ┌ br-provider
//!  stations ────┴── switch with VLANs ────────┴── eth2 ─┘
//! ```
//!
//! Everything lives in namespaces: the machine's own interfaces, and an Open vSwitch that it may
//! run itself, are not touched. Dropping the lab removes it, also while a test panics; what a
//! lab left behind whose process was killed is removed when the next one starts, or by
//! `weft-lab clean`. Labs can run side by side.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use std::net::Ipv4Addr;
//! use lab::{Lab, WeftdOptions};
//!
//! let lab = Lab::builder().hosts(2).start()?;
//! let weftd = lab.start_weftd(WeftdOptions::default())?;
//! lab.set_managers()?;
//! let port = weftd.weft(&["port", "create", "web", "--network", "blue"])?;
//! let id = port["id"].as_str().expect("a port has an id");
//! let mac = port["mac_address"].as_str().expect("a port has a MAC address");
//! let vm = lab.host(1).plug(id, mac)?;
//! vm.configure(&["10.0.0.5/24"], &[], 1450)?;
//! assert!(vm.ping(Ipv4Addr::new(10, 0, 0, 6))?.is_complete());
//! # Ok(())
//! # }
//! ```

mod asking;
mod backlog;
mod capture;
mod command;
mod endpoint;
mod fabric;
mod frame;
mod host;
mod lab;
mod leftovers;
mod netns;
mod ovs;
mod ping;
mod ping_stream;
mod process;
mod requirements;
mod station;
mod tcp;
mod vm;
mod wait;
mod weftd;

pub use asking::Asking;
pub use backlog::Overflows;
pub use capture::{Capture, vxlan};
pub use command::{output, run};
pub use endpoint::{Endpoint, FrameStream};
pub use fabric::Nic;
pub use frame::{Frame, Mac};
pub use host::{Counters, Host, PHYSICAL_NETWORK};
pub use lab::{Lab, LabBuilder};
pub use leftovers::{LabId, Owner, clean, labs, remove_own};
pub use netns::Netns;
pub use ovs::Ovs;
pub use ping::{Ping, PingReport};
pub use ping_stream::{PingStream, StreamReport};
pub use requirements::PROGRAMS;
pub use station::Station;
pub use tcp::EchoServer;
pub use vm::Vm;
pub use wait::{wait_for, wait_until};
pub use weftd::{Weftd, WeftdOptions, binary};
