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
#[path = "common/served.rs"]
mod served;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use controller::engine::{HostState, View};
use serde_json::json;
use topology::intent::Plan;
use topology::model::{Change, PortId, ResourceId};

use fleet::{Size, host_id};
use report::{Report, Row};
use samples::{Samples, ms};
use served::Served;

/// The host that is looked at, and another.
const HOSTS: [u32; 2] = [1, 2];

fn main() -> Result<()> {
    let wanted = Report::is_wanted();
    let (ports, least) = if wanted { (16_700, 50) } else { (300, 1) };
    let mut report = Report::new("lanes");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for networks in [50, 1] {
        let (flows, rows) = runtime.block_on(measure(Size::of_three(ports, networks), least))?;
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
    let _peer = bench.served.connect(2).await?;
    bench.served.wait_ready(2).await?;
    let [mut here, mut elsewhere, mut with, mut without] = [(); 4].map(|()| Times::default());
    while here.count < least {
        let host = bench.served.connect(1).await?;
        let begun = Instant::now();
        loop {
            here.push(bench.new_port(1).await?);
            elsewhere.push(bench.new_port(2).await?);
            if bench.served.state(1).await? == HostState::Ready {
                break;
            }
        }
        with.push(begun.elapsed());
        bench.served.disconnect(1, host).await?;
        bench.delete_new().await?;
        let host = bench.served.connect(1).await?;
        let begun = Instant::now();
        bench.served.wait_ready(1).await?;
        without.push(begun.elapsed());
        bench.served.disconnect(1, host).await?;
    }
    let _host = bench.served.connect(1).await?;
    bench.served.wait_ready(1).await?;
    let [mut here_idle, mut elsewhere_idle] = [(); 2].map(|()| Times::default());
    for _ in 0..least {
        here_idle.push(bench.new_port(1).await?);
        elsewhere_idle.push(bench.new_port(2).await?);
    }
    let flows = bench.served.engine.read(|view| view.host_status(host_id(1)).flows).await?;
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

/// Switches that are served, and the ports that were made.
struct Bench {
    size: Size,
    served: Served,
    /// How many new ports each host has.
    made: BTreeMap<u32, u32>,
    new: Vec<PortId>,
}

impl Bench {
    async fn start(size: Size) -> Result<Self> {
        let served = Served::start(size, &HOSTS).await?;
        Ok(Self { size, served, made: HOSTS.map(|host| (host, 0)).into(), new: vec![] })
    }

    /// Creates a port whose interface a host has; answers how long it takes until that host has
    /// confirmed all that the port needs there.
    async fn new_port(&mut self, host: u32) -> Result<Duration> {
        let made = self.made.entry(host).or_default();
        let port = self.size.port(loaded::new_port(self.size, host, *made), None);
        *made += 1;
        let (id, host) = (port.id, host_id(host));
        self.new.push(id);
        let mut progress = self.served.engine.progress();
        let begun = Instant::now();
        loaded::put(&self.served.engine, port).await?;
        let is_there = move |view: &View<'_>| {
            let port = view.model.port(id).filter(|port| port.bound_host == Some(host));
            port.is_some_and(|port| view.has_confirmed(host, port))
        };
        while !self.served.engine.read(is_there).await? {
            progress.changed().await.context("the engine has ended")?;
        }
        Ok(begun.elapsed())
    }

    /// Deletes the new ports.
    async fn delete_new(&mut self) -> Result<()> {
        let ports = std::mem::take(&mut self.new).into_iter();
        let changes = ports.map(|id| Change::Delete(ResourceId::Port(id))).collect();
        self.served.engine.write(move |_| Ok(Plan { changes, answer: () })).await?;
        self.made.values_mut().for_each(|made| *made = 0);
        Ok(())
    }
}
