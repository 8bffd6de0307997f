//! A controller and its hosts.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use proto::v1 as pb;
use proto::v1::host::State;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tests::{Api, Daemon};

use super::hosts::{Controller, Hosts};
use super::process::{cpu, peak, resident};
use super::read_backs::ReadBacks;
use super::switch::Receipt;
use super::tenants::{Size, create};

/// How long a fleet may take to become ready.
const READY: Duration = Duration::from_secs(600);

/// Between looks at whether all hosts are ready.
const LOOK: Duration = Duration::from_millis(100);

/// How long everything is left alone before memory is measured.
const REST: Duration = Duration::from_secs(3);

/// A controller and its hosts.
pub(crate) struct Scene {
    pub(crate) size: Size,
    daemon: Daemon,
    pub(crate) api: Api,
    pub(crate) hosts: Hosts,
}

/// What a start took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// Until weftd served, where it was started.
    pub(crate) loaded: Option<Duration>,
    /// From when the hosts began to connect.
    pub(crate) ready: Duration,
    pub(crate) cpu: Duration,
    pub(crate) own_cpu: Duration,
    pub(crate) flow_mods: usize,
    /// The most switches that were read back at a time.
    pub(crate) at_once: usize,
    pub(crate) loaded_resident: u64,
    pub(crate) resident: u64,
    pub(crate) peak: u64,
    /// Of all switches.
    pub(crate) flows: usize,
}

impl Scene {
    /// A controller with a model, and hosts that have not connected.
    pub(crate) fn prepare(size: Size) -> Result<Self> {
        let daemon = Daemon::start(&[])?;
        let api = daemon.api()?;
        create(&api, size)?;
        let hosts = Hosts::start(size.plugged(), ReadBacks::default())?;
        Ok(Self { size, daemon, api, hosts })
    }

    /// All hosts connect, at once.
    pub(crate) fn start(&mut self) -> Result<Start> {
        let controller = self.controller()?;
        let pid = self.pid()?;
        let loaded_resident = resident(pid)?;
        let (used, own) = (cpu(pid)?, cpu(std::process::id())?);
        let begun = Instant::now();
        for host in 0..self.size.hosts {
            self.hosts.connect(host, controller)?;
        }
        // The last barrier behind flow-mods says it exactly; without any, being seen ready does.
        let seen = self.wait_ready()?;
        let receipts = self.receipts();
        let last = receipts.iter().filter(|receipt| receipt.flow_mods > 0).map(|it| it.at).max();
        let (used, own) = (cpu(pid)? - used, cpu(std::process::id())? - own);
        sleep(REST);
        Ok(Start {
            loaded: None,
            ready: last.unwrap_or(seen) - begun,
            cpu: used,
            own_cpu: own,
            flow_mods: receipts.iter().map(|receipt| receipt.flow_mods).sum(),
            at_once: self.hosts.read_backs.take_most(),
            loaded_resident,
            resident: resident(pid)?,
            peak: peak(pid)?,
            flows: self.hosts.flows()?.into_iter().sum(),
        })
    }

    /// weftd is started again on its store; the hosts have kept their flows, or have lost them.
    pub(crate) fn restart(&mut self, empty: bool) -> Result<Start> {
        for host in 0..self.size.hosts {
            self.hosts.disconnect(host)?;
            if empty {
                self.hosts.empty(host)?;
            }
        }
        ensure!(self.daemon.stop()?.success(), "weftd has failed: {}", self.daemon.log());
        let begun = Instant::now();
        self.daemon.start_again()?;
        // It listens before it has loaded its store.
        self.daemon.wait_for_log(&["weftd: ready"])?;
        let loaded = begun.elapsed();
        self.api = self.daemon.api()?;
        let by_start = cpu(self.pid()?)?;
        let start = self.start()?;
        Ok(Start { loaded: Some(loaded), cpu: start.cpu + by_start, ..start })
    }

    /// One host's connections are made anew.
    pub(crate) fn reconnect(&self, host: usize) -> Result<()> {
        self.hosts.disconnect(host)?;
        self.hosts.connect(host, self.controller()?)
    }

    /// Resident memory of weftd.
    pub(crate) fn resident(&self) -> Result<u64> {
        resident(self.pid()?)
    }

    pub(crate) fn pid(&self) -> Result<u32> {
        self.daemon.pid().context("weftd is not running")
    }

    /// Answers when all hosts were seen to be ready.
    fn wait_ready(&self) -> Result<Instant> {
        let begun = Instant::now();
        loop {
            let request = pb::ListHostsRequest { page_size: 1_000, ..Default::default() };
            let answer = self.api.list_hosts(request)?;
            let seen = Instant::now();
            let ready = answer.hosts.iter().filter(|host| host.state() == State::Ready).count();
            if ready == self.size.hosts {
                return Ok(seen);
            }
            self.hosts.flows()?;
            let (of, log) = (self.size.hosts, || self.daemon.log());
            ensure!(begun.elapsed() < READY, "{ready} of {of} hosts are ready: {}", log());
            sleep(LOOK);
        }
    }

    /// What switches have told since this was asked last.
    pub(crate) fn receipts(&mut self) -> Vec<Receipt> {
        let mut receipts = Vec::new();
        while let Ok(receipt) = self.hosts.receipts.try_recv() {
            receipts.push(receipt);
        }
        receipts
    }

    fn controller(&self) -> Result<Controller> {
        let [openflow, ovsdb] = ["OpenFlow", "OVSDB"].map(|what| self.daemon.listener(what));
        Ok(Controller { openflow: openflow?, ovsdb: ovsdb? })
    }
}

/// Lets this process have as many connections as the largest fleet needs.
pub(crate) fn raise_file_limit() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(())
}
