//! Real switches that come and go, and an engine whose sessions serve them.

use std::collections::BTreeMap;
use std::net::Shutdown;

use anyhow::{Context as _, Result};
use controller::engine::{Engine, HostState};
use controller::switch::Switches;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::fleet::{Size, host_id};
use super::loaded;
use super::ovs::Ovs;

/// An engine that has been told what some hosts report, and these hosts' switches.
pub(crate) struct Served {
    /// The engine.
    pub(crate) engine: Engine,
    switches: Switches,
    fleet: BTreeMap<u32, (Ovs, TcpListener)>,
    _directory: TempDir,
}

/// A connection of a switch, and what serves it.
pub(crate) struct Connected {
    stream: std::net::TcpStream,
    session: JoinHandle<()>,
}

impl Served {
    /// Starts all of it. No switch is served yet.
    pub(crate) async fn start(size: Size, hosts: &[u32]) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("weft-bench").tempdir()?;
        let engine = loaded::engine(directory.path(), size).await?;
        let switches = loaded::switches(&engine);
        let mut fleet = BTreeMap::new();
        for &host in hosts {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let target = format!("tcp:{}", listener.local_addr()?);
            fleet.insert(host, (Ovs::start(host.into(), &target)?, listener));
            loaded::report(&engine, size, host).await?;
        }
        Ok(Self { engine, switches, fleet, _directory: directory })
    }

    /// A host's switch.
    pub(crate) fn switch(&self, host: u32) -> &Ovs {
        &self.fleet[&host].0
    }

    /// Serves a host's switch from its next connection on that lives: one that nobody has served for
    /// a while is given up by the switch and still accepted here.
    pub(crate) async fn connect(&self, host: u32) -> Result<Connected> {
        let (_, listener) = &self.fleet[&host];
        loop {
            let (stream, peer) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let stream = stream.into_std()?;
            let served = TcpStream::from_std(stream.try_clone()?)?;
            let session = self.switches.clone().serve_stream(served, peer.ip());
            let mut session = tokio::spawn(session);
            tokio::select! {
                ended = &mut session => ended?,
                attached = self.wait(host, |state| state != HostState::Offline) => {
                    attached?;
                    return Ok(Connected { stream, session });
                }
            }
        }
    }

    /// Ends it, and empties the switch.
    pub(crate) async fn disconnect(&self, host: u32, connected: Connected) -> Result<()> {
        connected.stream.shutdown(Shutdown::Both)?;
        connected.session.await?;
        self.switch(host).ofctl(&["del-flows"], &[])
    }

    /// How far a host is.
    pub(crate) async fn state(&self, host: u32) -> Result<HostState> {
        Ok(self.engine.read(move |view| view.host_status(host_id(host)).state).await?)
    }

    /// Waits until a host has all that it should have.
    pub(crate) async fn wait_ready(&self, host: u32) -> Result<()> {
        self.wait(host, |state| state == HostState::Ready).await
    }

    async fn wait(&self, host: u32, is_it: fn(HostState) -> bool) -> Result<()> {
        let mut progress = self.engine.progress();
        while !is_it(self.state(host).await?) {
            progress.changed().await.context("the engine has ended")?;
        }
        Ok(())
    }
}
