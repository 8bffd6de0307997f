//! What the machine must have for simulated hosts, from the distribution's packages.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Programs that the tests and the demo run, with the Debian package that has each.
const PROGRAMS: [(&str, &str); 9] = [
    ("ethtool", "ethtool"),
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("ovs-vsctl", "openvswitch-switch"),
    ("ovs-vswitchd", "openvswitch-switch"),
    ("ovsdb-server", "openvswitch-switch"),
    ("ping", "iputils-ping"),
    ("python3", "python3"),
    ("tcpdump", "tcpdump"),
];

/// What is measured beside Weft, likewise.
const PEERS: [(&str, &str); 2] = [("ovn-northd", "ovn-central"), ("ovn-controller", "ovn-host")];

/// Where root's programs are, which a path kept from before `su` leaves out.
const SYSTEM_DIRECTORIES: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Checks that this is root.
pub(crate) fn ensure_root(why: &str) -> Result<()> {
    if !is_root()? {
        bail!("{why}: run it as root");
    }
    Ok(())
}

/// Installs the packages that are missing.
pub(crate) fn ensure_installed() -> Result<()> {
    ensure(&PROGRAMS)
}

/// Installs what is measured beside Weft.
pub(crate) fn ensure_peers_installed() -> Result<()> {
    ensure(&PEERS)
}

fn ensure(programs: &[(&str, &'static str)]) -> Result<()> {
    let missing = missing(programs);
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if !is_installed("apt-get") {
        bail!("needed, but not installed: {packages} (as Debian calls them)");
    }
    if !is_root()? {
        bail!("needed, but not installed: as root, `apt-get install {packages}`");
    }
    // A fresh machine has no package lists yet.
    if install(&missing).is_err() {
        apt_get(&["update"])?;
        install(&missing)?;
    }
    Ok(())
}

/// The packages that have a program that is not there, each once.
fn missing(programs: &[(&str, &'static str)]) -> Vec<&'static str> {
    let missing = programs.iter().filter(|(program, _)| !is_installed(program));
    let mut packages: Vec<_> = missing.map(|(_, package)| *package).collect();
    packages.dedup();
    packages
}

fn is_installed(program: &str) -> bool {
    search_path().iter().any(|dir| dir.join(program).is_file())
}

/// Where programs are looked for, here and by what this starts.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain(SYSTEM_DIRECTORIES.map(PathBuf::from)).collect()
}

fn is_root() -> Result<bool> {
    let own = fs::metadata("/proc/self").context("cannot look at /proc/self; is this Linux?")?;
    Ok(own.uid() == 0)
}

fn install(packages: &[&str]) -> Result<()> {
    let args = ["install", "--yes", "--no-install-recommends"];
    apt_get(&[&args, packages].concat())
}

fn apt_get(args: &[&str]) -> Result<()> {
    let line = format!("apt-get {}", args.join(" "));
    eprintln!("+ {line}");
    let mut command = Command::new("apt-get");
    let status = command.args(args).env("DEBIAN_FRONTEND", "noninteractive").status();
    let status = status.with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}`: {status}");
    }
    Ok(())
}
