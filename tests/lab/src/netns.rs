//! Network namespaces and the cables between them.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, getpid, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::command::run;
use crate::wait::wait_until;

/// Where `ip netns` keeps its handles.
pub(crate) const HANDLES: &str = "/run/netns";

/// How long a killed process may take to be gone.
const END: Duration = Duration::from_secs(10);

/// A named network namespace.
///
/// The value is a name: dropping it leaves the namespace in place. The lab that added it
/// removes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Netns {
    name: String,
}

impl Netns {
    /// Makes the namespace and brings its loopback up.
    pub(crate) fn add(name: String) -> Result<Self> {
        run(Command::new("ip").args(["netns", "add", &name]))?;
        let netns = Self { name };
        netns.ip(&["link", "set", "lo", "up"])?;
        Ok(netns)
    }

    /// The namespace of that name, which exists already.
    pub(crate) fn existing(name: String) -> Self {
        Self { name }
    }

    /// Its name, as `ip netns` lists it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its handle, a file that `setns(2)` takes.
    pub fn handle(&self) -> PathBuf {
        Path::new(HANDLES).join(&self.name)
    }

    /// A command that will run `program` in this namespace.
    ///
    /// The process that is spawned is `program` itself, so its process id is what to signal.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.handle().display())).arg("--").arg(program);
        command
    }

    /// Runs `ip` on this namespace.
    ///
    /// # Errors
    ///
    /// When `ip` refuses.
    pub fn ip(&self, args: &[&str]) -> Result<String> {
        run(Command::new("ip").args(["-n", &self.name]).args(args))
    }

    /// Runs `job` on a thread of its own inside this namespace and waits for it.
    ///
    /// Sockets that the job opens belong to this namespace for as long as they live.
    ///
    /// # Errors
    ///
    /// When the namespace is gone, and whatever error the job ends with.
    pub fn enter<T: Send>(&self, job: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let handle = self.handle();
        let job = || {
            let file = File::open(&handle)
                .with_context(|| format!("no network namespace {}", self.name))?;
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                .with_context(|| format!("cannot enter network namespace {}", self.name))?;
            job()
        };
        thread::scope(|scope| {
            scope.spawn(job).join().unwrap_or_else(|_| Err(anyhow!("a job in {self:?} panicked")))
        })
    }

    /// Sets kernel parameters of this namespace: names relative to `net/`, with slashes.
    ///
    /// # Errors
    ///
    /// When the kernel has no such parameter or refuses the value.
    pub(crate) fn sysctl(&self, settings: &[(&str, &str)]) -> Result<()> {
        self.enter(|| {
            for (name, value) in settings {
                let path = Path::new("/proc/sys/net").join(name);
                std::fs::write(&path, value)
                    .with_context(|| format!("cannot set net/{name} to {value}"))?;
            }
            Ok(())
        })
    }

    /// Kills everything that runs in the namespace, then removes it.
    ///
    /// A namespace that does not exist is as good as removed.
    pub(crate) fn remove(&self) -> Result<()> {
        if !self.handle().exists() {
            return Ok(());
        }
        let what = format!("the processes in {} to end", self.name);
        wait_until(&what, END, || self.kill_processes().unwrap_or(false))?;
        run(Command::new("ip").args(["netns", "delete", &self.name])).map(drop)
    }

    /// Kills what still runs here, and returns whether there was nothing.
    fn kill_processes(&self) -> Result<bool> {
        let listed = run(Command::new("ip").args(["netns", "pids", &self.name]))?;
        let pids = listed.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        let own = getpid();
        let pids: Vec<_> = pids.filter(|&pid| pid != own).collect();
        for &pid in &pids {
            // It may have ended meanwhile, which is what was wanted.
            let _ = kill_process(pid, Signal::KILL);
        }
        Ok(pids.is_empty())
    }
}

/// One end of a cable: an interface to be made in a namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End<'a> {
    /// Where the interface is to be.
    pub(crate) netns: &'a Netns,
    /// What it is to be called there.
    pub(crate) interface: &'a str,
    /// Its MAC address, where it matters.
    pub(crate) mac: Option<&'a str>,
}

impl<'a> End<'a> {
    pub(crate) fn new(netns: &'a Netns, interface: &'a str) -> Self {
        Self { netns, interface, mac: None }
    }
}

/// Lays a cable (a veth pair) between two namespaces; both ends are up.
///
/// The pair is made in place, so nothing of it is ever seen in the machine's own namespace.
/// Checksums are computed before a frame leaves: a packet that a kernel hands over with its
/// checksum still to be filled in is dropped by the userspace datapath.
pub(crate) fn cable(a: End<'_>, b: End<'_>, mtu: u16) -> Result<()> {
    let mtu = mtu.to_string();
    #[rustfmt::skip]
    a.netns.ip(&[
        "link", "add", a.interface, "mtu", &mtu, "type", "veth",
        "peer", "name", b.interface, "mtu", &mtu, "netns", b.netns.name(),
    ])?;
    for end in [a, b] {
        if let Some(mac) = end.mac {
            end.netns.ip(&["link", "set", end.interface, "address", mac])?;
        }
        run(end.netns.command("ethtool").args(["-K", end.interface, "tx", "off"]))?;
        end.netns.ip(&["link", "set", end.interface, "up"])?;
    }
    Ok(())
}
