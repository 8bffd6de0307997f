//! What it takes to read a host's flows back and to compare them with those it should have, and
//! to fill an empty switch; beside what `ovs-ofctl` takes for the same.
//!
//! The flows are those that the compiler makes for one of three hosts, on one VXLAN network with
//! as many ports as give the number of flows wanted. On the real switch (dummy datapath, this
//! machine) everything but `ovs-ofctl` and the bare stream goes by the controller's own code.

#[path = "read_back/fill.rs"]
mod fill;
#[path = "common/fleet.rs"]
mod fleet;
#[path = "read_back/in_memory.rs"]
mod in_memory;
#[path = "common/loaded.rs"]
#[expect(dead_code, reason = "nothing changes")]
mod loaded;
#[path = "common/ovs.rs"]
mod ovs;
#[path = "common/report.rs"]
mod report;
#[path = "common/samples.rs"]
mod samples;
#[path = "common/served.rs"]
mod served;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use controller::engine::Which;
use controller::switch::{Connection, Difference, Script, difference};
use openflow::message::{FlowModCommand, flow_frame};
use serde_json::json;
use tokio::net::TcpListener;
use topology::block::BlockFlow;

use fleet::{Size, host_id};
use in_memory::Asked;
use ovs::{Ovs, cpu};
use report::{Report, Row};
use samples::{Samples, ms, us};

/// How far apart flows are told that the compiler makes one after the other: a switch tells them in
/// the order of its hash maps.
const STRIDE: usize = 7_919;

fn main() -> Result<()> {
    let wanted = Report::is_wanted();
    let (count, repeats, rounds) = if wanted { (100_000, 10, 5) } else { (1_000, 1, 1) };
    let mut report = Report::new("read_back");
    let flows = of_host(size(count));
    let title = format!("Read back of {} flows in memory, {repeats} times", flows.len());
    report.table(&title, in_memory(&flows, repeats)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let title = format!("ovs-vswitchd with {} flows, {rounds} times", flows.len());
    report.table(&title, runtime.block_on(on_a_switch(&flows, rounds))?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for count in [count / 2, count] {
        let flows = of_host(size(count));
        let title =
            format!("Filling ovs-vswitchd with {} flows, {} times", flows.len(), 2 * rounds);
        let rows = fill::measure(size(count), flows, 2 * rounds);
        report.table(&title, runtime.block_on(rows)?);
    }
    Ok(report.write()?)
}

/// The model of which one host has at least `count` flows, and hardly more.
fn size(count: usize) -> Size {
    let of = |ports| of_host(Size::of_three(ports, 1)).len();
    let (few, many) = (of(300), of(600));
    let ports = 300 + (count.saturating_sub(few) * 300).div_ceil(many - few);
    Size::of_three(u32::try_from(ports).expect("some ten thousands"), 1)
}

/// All flows of one host.
fn of_host(size: Size) -> Vec<Arc<BlockFlow>> {
    size.compiler().desired(host_id(1)).cloned().collect()
}

fn in_memory(flows: &[Arc<BlockFlow>], repeats: u32) -> Result<Vec<Row>> {
    let told: Vec<_> = shuffled(flows).cloned().collect();
    let [mut decode, mut compare, mut both] = [(); 3].map(|()| Samples::default());
    let mut bytes = 0;
    for _ in 0..repeats {
        let asked = Asked::of(&told)?;
        bytes = asked.len();
        let installed = decode.time(|| asked.decode())?;
        let found = compare.time(|| {
            let found = difference(flows, &installed);
            drop(installed);
            found
        });
        ensure_none(&found)?;
        let asked = Asked::of(&told)?;
        let found = both.time(|| asked.decode().map(|installed| difference(flows, &installed)))?;
        ensure_none(&found)?;
    }
    let row = |what: &str, times: &Samples| {
        vec![
            ("what", json!(what)),
            ("median ms", json!(ms(times.median()))),
            ("least ms", json!(ms(times.quantile(0.0)))),
            ("µs per flow", json!(us(times.median()) / flows.len() as f64)),
            ("answer, MB", json!(bytes as f64 / 1e6)),
        ]
    };
    Ok(vec![row("decode", &decode), row("compare", &compare), row("decode and compare", &both)])
}

/// What is done to a real switch, in this order.
#[derive(Clone, Copy)]
enum Act {
    Stream,
    AddFlows,
    Fill,
    ReadBack,
    Compare,
    DumpFlows,
}

impl Act {
    const ALL: [Self; 6] =
        [Self::Stream, Self::AddFlows, Self::Fill, Self::ReadBack, Self::Compare, Self::DumpFlows];

    fn text(self) -> &'static str {
        match self {
            Self::Stream => "fill: bare flow-mods, one barrier",
            Self::AddFlows => "fill: ovs-ofctl --bundle add-flows",
            Self::Fill => "fill: weftd's bundles",
            Self::ReadBack => "read back: weftd, request to last part",
            Self::Compare => "compare: weftd",
            Self::DumpFlows => "read back: ovs-ofctl dump-flows > /dev/null",
        }
    }
}

/// What the acts of one sort took.
#[derive(Default)]
struct Taken {
    wall: Samples,
    switch: Samples,
    own: Samples,
}

async fn on_a_switch(flows: &[Arc<BlockFlow>], rounds: u32) -> Result<Vec<Row>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let ovs = Ovs::start(1, &format!("tcp:{}", listener.local_addr()?))?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    let (mut connection, _) = Connection::open(stream).await?;

    let text = flows.iter().fold(String::new(), |mut text, flow| {
        writeln!(text, "{}", flow.flow).expect("strings take everything");
        text
    });
    let text = ovs.file("flows", &text)?;
    let frames = flows.iter().map(|flow| flow_frame(FlowModCommand::Add, &flow.flow, 1));
    let frames = frames.collect::<Result<Vec<_>, _>>()?.concat();

    let mut taken = Act::ALL.map(|act| (act, Taken::default()));
    for _ in 0..rounds {
        let mut installed = Vec::new();
        for (act, taken) in &mut taken {
            if matches!(act, Act::Stream | Act::AddFlows | Act::Fill) {
                ovs.ofctl(&["del-flows"], &[])?;
            }
            let script = Script::from_difference(Difference::missing(flows.iter().cloned()));
            let (switch, own) = (ovs.cpu()?, cpu("self")?);
            let start = std::time::Instant::now();
            match act {
                Act::Stream => ovs.stream(&frames)?,
                Act::AddFlows => ovs.ofctl(&["--bundle", "add-flows"], &[&text])?,
                Act::Fill => {
                    let refused = connection.carry_out(&script).await?;
                    ensure!(refused.is_empty(), "the switch has refused: {refused:?}");
                }
                Act::ReadBack => installed = connection.read_back(Which::All).await?,
                Act::Compare => {
                    ensure_none(&difference(flows, &std::mem::take(&mut installed)))?;
                }
                Act::DumpFlows => ovs.ofctl(&["dump-flows"], &[])?,
            }
            taken.wall.push(start.elapsed());
            taken.switch.push(ovs.cpu()?.saturating_sub(switch));
            taken.own.push(cpu("self")?.saturating_sub(own));
        }
    }
    Ok(taken.iter().map(|(act, taken)| row(*act, taken, flows.len())).collect())
}

fn row(act: Act, taken: &Taken, flows: usize) -> Row {
    let rate = |time: Duration| flows as f64 / time.as_secs_f64().max(f64::MIN_POSITIVE);
    let own = match act {
        Act::AddFlows | Act::DumpFlows => json!("–"),
        _ => json!(ms(taken.own.median())),
    };
    vec![
        ("what", json!(act.text())),
        ("median ms", json!(ms(taken.wall.median()))),
        ("least ms", json!(ms(taken.wall.quantile(0.0)))),
        ("flows per s", json!(rate(taken.wall.median()))),
        ("CPU of ovs-vswitchd, median ms", json!(ms(taken.switch.median()))),
        ("CPU of weftd's code, median ms", own),
    ]
}

/// The same flows in another order.
fn shuffled(flows: &[Arc<BlockFlow>]) -> impl Iterator<Item = &Arc<BlockFlow>> {
    (0..STRIDE).flat_map(move |start| flows.iter().skip(start).step_by(STRIDE))
}

/// The switch has what it was given.
fn ensure_none(found: &Difference) -> Result<()> {
    let Difference { put, removed, foreign, .. } = found;
    let lens = (put.len(), removed.len(), foreign.len());
    ensure!(lens == (0, 0, 0), "missing, stale and foreign flows: {lens:?}");
    Ok(())
}
