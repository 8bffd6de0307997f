//! What a large fleet costs: starts, single changes, memory.
//!
//! `weftd` is a process of its own, with its own store. The hosts are simulated, all in this
//! process: each speaks OpenFlow and OVSDB over loopback TCP, from an address of its own. A switch
//! keeps a flow table: it executes bundles, answers barriers, and tells its flows when it is asked.
//! A flow is decoded when the first switch gets it and recognised by its bytes after that; a switch
//! that breaks a rule of the protocol, or a database that is to be changed, fails the benchmark.
//!
//! Nothing here is asserted but what was sent to whom.

#[path = "fleet/change.rs"]
mod change;
#[path = "fleet/database.rs"]
mod database;
#[path = "fleet/flows.rs"]
mod flows;
#[path = "fleet/hosts.rs"]
mod hosts;
#[path = "fleet/process.rs"]
mod process;
#[allow(dead_code, reason = "a test wants switches that take their time")]
#[path = "fleet/read_backs.rs"]
mod read_backs;
#[path = "common/report.rs"]
mod report;
#[allow(dead_code, reason = "other benchmarks measure what takes microseconds")]
#[path = "common/samples.rs"]
mod samples;
#[path = "fleet/scene.rs"]
mod scene;
#[path = "fleet/switch.rs"]
mod switch;
#[path = "fleet/tenants.rs"]
mod tenants;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use change::{Change, Cost};
use report::{Report, Row};
use samples::ms;
use scene::{Scene, Start};
use tenants::Size;

fn main() -> Result<()> {
    let wanted = Report::is_wanted();
    let (sizes, rounds) = if wanted {
        let of = |hosts, ports_per_host, networks| Size { hosts, ports_per_host, networks };
        (vec![of(250, 100, 2), of(1_000, 50, 500), of(100, 100, 1)], 60)
    } else {
        (vec![Size { hosts: 3, ports_per_host: 4, networks: 2 }], 1)
    };
    let only: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    scene::raise_file_limit()?;
    let mut report = Report::new("fleet");
    for size in sizes {
        let name = name(size);
        if only.is_empty() || only.iter().any(|only| name.contains(only)) {
            measure(size, rounds, &mut report).with_context(|| name.clone())?;
        }
    }
    Ok(report.write()?)
}

/// Measures one fleet.
fn measure(size: Size, rounds: usize, report: &mut Report) -> Result<()> {
    let name = name(size);
    let mut scene = Scene::prepare(size)?;
    let made = scene.resident()?;
    let first = scene.start()?;
    let cold = scene.restart(true)?;
    let warm = scene.restart(false)?;
    ensure!(warm.flow_mods == 0, "{} flow-mods though nothing changed", warm.flow_mods);
    let starts = vec![
        start("hosts come for the first time", &first),
        start("weftd and all switches restarted", &cold),
        start("weftd restarted", &warm),
    ];
    report.table(&format!("{name}: starts"), starts);
    let memory = resident(size, made, &cold, &warm);
    report.table(&format!("{name}: memory of weftd"), memory);
    let changes =
        Change::ALL.map(|what| scene.change(what, rounds).map(|cost| change(what, &cost)));
    let changes = changes.into_iter().collect::<Result<_>>()?;
    report.table(&format!("{name}: one change, {rounds} times each"), changes);
    Ok(())
}

fn name(size: Size) -> String {
    let Size { hosts, ports_per_host, networks } = size;
    format!("{hosts} × {ports_per_host} in {networks}")
}

fn start(what: &str, start: &Start) -> Row {
    let Start { loaded, ready, cpu, own_cpu, flow_mods, at_once, .. } = *start;
    let seconds = |time: Duration| json!(time.as_secs_f64());
    vec![
        ("start", json!(what)),
        ("until weftd serves, s", loaded.map_or(json!("–"), seconds)),
        ("from there until all are ready, s", seconds(ready)),
        ("CPU of weftd, s", seconds(cpu)),
        ("CPU of the hosts, s", seconds(own_cpu)),
        ("flow-mods", json!(flow_mods)),
        ("read back at a time, at most", json!(at_once)),
    ]
}

fn resident(size: Size, made: u64, cold: &Start, warm: &Start) -> Vec<Row> {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let (loaded, all) = (warm.loaded_resident, warm.resident);
    let of_hosts = all.saturating_sub(loaded) as f64;
    let row = |what: &str, value| vec![("what", json!(what)), ("value", json!(value))];
    vec![
        row("model just made, MiB", mib(made)),
        row("store loaded, MiB", mib(loaded)),
        row("weftd restarted, all hosts ready, MiB", mib(all)),
        row("the most until then, MiB", mib(warm.peak)),
        row("weftd and all switches restarted, all hosts ready, MiB", mib(cold.resident)),
        row("the most until then, MiB", mib(cold.peak)),
        row("all hosts ready, bytes per port", all as f64 / size.ports() as f64),
        row("of it hosts, KiB per host", of_hosts / size.hosts as f64 / 1024.0),
        row("of it hosts, bytes per host and block", of_hosts / size.host_blocks() as f64),
        row("flows of all switches", warm.flows as f64),
    ]
}

fn change(what: Change, cost: &Cost) -> Row {
    vec![
        ("change", json!(what.text())),
        ("median ms", json!(ms(cost.times.median()))),
        ("p99 ms", json!(ms(cost.times.quantile(0.99)))),
        ("hosts that got flow-mods", json!(cost.hosts)),
        ("flow-mods", json!(cost.flow_mods)),
        ("CPU of weftd, ms", json!(ms(cost.cpu))),
        ("CPU of the hosts, ms", json!(ms(cost.own_cpu))),
    ]
}
