//! How long a new port takes while its host is brought to its flows from none: from the request to
//! the confirmation by the host, beside the same with an idle host, and beside another host's ports
//! meanwhile.
//!
//! The hosts are real ovs-vswitchds with dummy datapaths on this machine; the controller's engine and
//! sessions run in this process. What hosts report is said to the engine at the beginning, interfaces
//! of the new ports included: a request is all that is waited for.

#[path = "common/fleet.rs"]
#[expect(dead_code, reason = "the engine compiles")]
mod fleet;
#[path = "common/loaded.rs"]
mod loaded;
#[path = "common/ovs.rs"]
#[expect(dead_code, reason = "the engine's sessions fill the switch")]
mod ovs;
#[path = "common/report.rs"]
mod report;
#[path = "common/samples.rs"]
#[expect(dead_code, reason = "what is measured is awaited")]
mod samples;

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use controller::engine::{Engine, HostState, View};
use controller::switch::Switches;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use topology::intent::Plan;
use topology::model::{Change, PortId, ResourceId};

use fleet::{Size, host_id};
use ovs::Ovs;
use report::{Report, Row};
use samples::{Samples, ms};

/// The host that is looked at, and another.
const HOSTS: [u32; 2] = [1, 2];

fn main() -> Result<()> {
    let wanted = Report::is_wanted();
    let (ports, least) = if wanted { (16_700, 50) } else { (300, 1) };
    let mut report = Report::new("lanes");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for networks in [50, 1] {
        let (flows, rows) = runtime.block_on(measure(Size { ports, networks }, least))?;
        let title = format!("{flows} flows on one host, VXLAN networks: {networks}");
        report.table(&title, rows);
    }
    Ok(report.write()?)
}

/// How often something was done, and what it took.
#[derive(Default)]
struct Times {
    count: u32,
    samples: Samples,
}

impl Times {
    fn push(&mut self, sample: Duration) {
        self.count += 1;
        self.samples.push(sample);
    }

    fn row(&self, what: &str) -> Row {
        vec![
            ("what", json!(what)),
            ("times", json!(self.count)),
            ("median ms", json!(ms(self.samples.median()))),
            ("p99 ms", json!(ms(self.samples.quantile(0.99)))),
            ("max ms", json!(ms(self.samples.quantile(1.0)))),
        ]
    }
}

/// What at least so many new ports of each sort take.
async fn measure(size: Size, least: u32) -> Result<(u64, Vec<Row>)> {
    let mut bench = Bench::start(size).await?;
    let _peer = bench.connect(2).await?;
    bench.wait_ready(2).await?;
    let [mut here, mut elsewhere, mut with, mut without] = [(); 4].map(|()| Times::default());
    while here.count < least {
        let host = bench.connect(1).await?;
        let begun = Instant::now();
        loop {
            here.push(bench.new_port(1).await?);
            elsewhere.push(bench.new_port(2).await?);
            if bench.state(1).await? == HostState::Ready {
                break;
            }
        }
        with.push(begun.elapsed());
        bench.disconnect(1, host).await?;
        bench.delete_new().await?;
        let host = bench.connect(1).await?;
        let begun = Instant::now();
        bench.wait_ready(1).await?;
        without.push(begun.elapsed());
        bench.disconnect(1, host).await?;
    }
    let _host = bench.connect(1).await?;
    bench.wait_ready(1).await?;
    let [mut here_idle, mut elsewhere_idle] = [(); 2].map(|()| Times::default());
    for _ in 0..least {
        here_idle.push(bench.new_port(1).await?);
        elsewhere_idle.push(bench.new_port(2).await?);
    }
    let flows = bench.engine.read(|view| view.host_status(host_id(1)).flows).await?;
    let rows = vec![
        here.row("new port of the host while it synchronises"),
        here_idle.row("new port of the host when it is idle"),
        elsewhere.row("new port of another host meanwhile"),
        elsewhere_idle.row("new port of another host when both are idle"),
        with.row("the whole synchronisation, ports made meanwhile"),
        without.row("the whole synchronisation, nothing meanwhile"),
    ];
    Ok((flows, rows))
}

/// An engine, and switches that come and go.
struct Bench {
    size: Size,
    engine: Engine,
    switches: Switches,
    fleet: BTreeMap<u32, (Ovs, TcpListener)>,
    /// How many new ports each host has.
    made: BTreeMap<u32, u32>,
    new: Vec<PortId>,
    _directory: TempDir,
}

/// A connection of a switch, and what serves it.
struct Served {
    stream: std::net::TcpStream,
    session: JoinHandle<()>,
}

impl Bench {
    async fn start(size: Size) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("weft-bench").tempdir()?;
        let engine = loaded::engine(directory.path(), size).await?;
        let switches = loaded::switches(&engine);
        let mut fleet = BTreeMap::new();
        for host in HOSTS {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let target = format!("tcp:{}", listener.local_addr()?);
            fleet.insert(host, (Ovs::start(host.into(), &target)?, listener));
            loaded::report(&engine, size, host).await?;
        }
        let made = HOSTS.map(|host| (host, 0)).into();
        Ok(Self { size, engine, switches, fleet, made, new: vec![], _directory: directory })
    }

    /// Serves a host's switch from its next connection on that lives: one that nobody has served for
    /// a while is given up by the switch and still accepted here.
    async fn connect(&self, host: u32) -> Result<Served> {
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
                    return Ok(Served { stream, session });
                }
            }
        }
    }

    /// Ends it, and empties the switch.
    async fn disconnect(&self, host: u32, served: Served) -> Result<()> {
        served.stream.shutdown(Shutdown::Both)?;
        served.session.await?;
        self.fleet[&host].0.ofctl(&["del-flows"], &[])
    }

    async fn state(&self, host: u32) -> Result<HostState> {
        Ok(self.engine.read(move |view| view.host_status(host_id(host)).state).await?)
    }

    async fn wait(&self, host: u32, is_it: fn(HostState) -> bool) -> Result<()> {
        let mut progress = self.engine.progress();
        while !is_it(self.state(host).await?) {
            progress.changed().await.context("the engine has ended")?;
        }
        Ok(())
    }

    async fn wait_ready(&self, host: u32) -> Result<()> {
        self.wait(host, |state| state == HostState::Ready).await
    }

    /// Creates a port whose interface a host has; answers how long it takes until that host has
    /// confirmed all that the port needs there.
    async fn new_port(&mut self, host: u32) -> Result<Duration> {
        let made = self.made.entry(host).or_default();
        let port = self.size.port(loaded::new_port(self.size, host, *made), None);
        *made += 1;
        let (id, host) = (port.id, host_id(host));
        self.new.push(id);
        let mut progress = self.engine.progress();
        let begun = Instant::now();
        loaded::put(&self.engine, port).await?;
        let is_there = move |view: &View<'_>| {
            let port = view.model.port(id).filter(|port| port.bound_host == Some(host));
            port.is_some_and(|port| view.has_confirmed(host, port))
        };
        while !self.engine.read(is_there).await? {
            progress.changed().await.context("the engine has ended")?;
        }
        Ok(begun.elapsed())
    }

    /// Deletes the new ports.
    async fn delete_new(&mut self) -> Result<()> {
        let ports = std::mem::take(&mut self.new).into_iter();
        let changes = ports.map(|id| Change::Delete(ResourceId::Port(id))).collect();
        self.engine.write(move |_| Ok(Plan { changes, answer: () })).await?;
        self.made.values_mut().for_each(|made| *made = 0);
        Ok(())
    }
}
