//! When hosts have connected to their controller, as Open vSwitch's daemons say in their logs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use lab::Host;
use prost_types::Timestamp;

/// The logs of one lab's daemons.
pub(crate) struct Logs(Vec<PathBuf>);

impl Logs {
    pub(crate) fn of(hosts: &[Arc<Host>]) -> Self {
        let of_host = |host: &Arc<Host>| {
            ["ovs-vswitchd.log", "ovsdb-server.log"].map(|name| host.dir().join(name))
        };
        Self(hosts.iter().flat_map(of_host).collect())
    }

    /// When the last daemon has connected, of all that have now.
    pub(crate) fn last(&self) -> Result<SystemTime> {
        let times = self.0.iter().map(|log| last(log)).collect::<Result<Vec<_>>>()?;
        times.into_iter().max().context("there are no hosts")
    }
}

/// When a daemon has last connected to its controller.
fn last(log: &Path) -> Result<SystemTime> {
    let text = fs::read_to_string(log)?;
    let is_connected = |line: &&str| line.contains("tcp:") && line.ends_with(": connected");
    let line = text.lines().rfind(is_connected);
    let time = line.and_then(|line| line.split('|').next()?.parse::<Timestamp>().ok());
    let time = time.with_context(|| format!("{} tells of no connection", log.display()))?;
    Ok(time.try_into()?)
}
