//! What the lab needs of the machine.

use std::process::Command;

use anyhow::{Result, bail};

use crate::command::output;

/// Every program the lab runs, with the Debian package that has it.
pub const PROGRAMS: [(&str, &str); 9] = [
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

/// Checks that this process may make network namespaces and finds the programs it needs.
///
/// # Errors
///
/// Says what is missing and how to get it.
pub(crate) fn check() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("the lab makes network namespaces: run it as root");
    }
    let missing: Vec<_> = PROGRAMS.iter().filter(|(program, _)| !is_installed(program)).collect();
    if !missing.is_empty() {
        let programs: Vec<_> = missing.iter().map(|(program, _)| *program).collect();
        let mut packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
        packages.dedup();
        bail!(
            "missing: {}; on Debian: apt-get install {}",
            programs.join(", "),
            packages.join(" ")
        );
    }
    Ok(())
}

fn is_installed(program: &str) -> bool {
    let look = output(Command::new("sh").args(["-c", "command -v \"$0\"", program]));
    look.is_ok_and(|output| output.status.success())
}
