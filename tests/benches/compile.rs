//! What compiling costs: one change, and everything anew.
//!
//! Ports are spread evenly over three hosts, on one VXLAN network or over fifty; each has port
//! security and one IPv4 address. Everything is compiled for 250 hosts with 25,000 ports, too. Nothing
//! here is asserted: the tables are the result.

#[path = "common/churn.rs"]
mod churn;
#[path = "common/fleet.rs"]
mod fleet;
#[path = "common/report.rs"]
mod report;
#[path = "common/samples.rs"]
mod samples;

use std::io;
use std::time::{Duration, Instant};

use serde_json::json;
use topology::compile::Compiler;

use churn::{Churn, Kind, Meter, Part};
use fleet::Size;
use report::{Report, Row};
use samples::{Samples, ms, us};

fn main() -> io::Result<()> {
    let wanted = Report::is_wanted();
    let (rounds, repeats) = if wanted { (1_000, 5) } else { (3, 1) };
    let mut report = Report::new("compile");
    let mut changes = Vec::new();
    let mut totals = Vec::new();
    for size in Size::all(wanted) {
        let mut churn = Churn::new(size);
        changes.extend(Kind::ALL.map(|kind| change(&mut churn, size, kind, rounds)));
        totals.push(total(size, repeats));
    }
    if wanted {
        totals.push(total(Size { hosts: 250, ports: 25_000, networks: 2 }, repeats));
    }
    report.table(&format!("One change, {rounds} times each, 3 hosts"), changes);
    report.table(&format!("Everything, {repeats} times"), totals);
    report.write()
}

/// The time that each part of a change takes.
#[derive(Default)]
struct Stopwatch {
    facts: Duration,
    compile: Duration,
}

impl Meter for Stopwatch {
    fn measure<T>(&mut self, part: Part, act: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = act();
        *match part {
            Part::Facts => &mut self.facts,
            Part::Compile => &mut self.compile,
        } += start.elapsed();
        result
    }
}

/// Makes one sort of change many times.
fn change(churn: &mut Churn, size: Size, kind: Kind, rounds: u32) -> Row {
    let (mut times, mut facts) = (Samples::default(), Samples::default());
    let (mut fragments, mut flows) = (0, 0);
    for round in 0..rounds {
        let mut stopwatch = Stopwatch::default();
        let work = churn.change(kind, round, &mut stopwatch);
        times.push(stopwatch.facts + stopwatch.compile);
        facts.push(stopwatch.facts);
        fragments += work.fragments;
        flows += work.flows;
    }
    let per_change = |total: usize| json!(total as f64 / f64::from(rounds));
    vec![
        ("change", json!(kind.text())),
        ("ports", json!(size.ports)),
        ("networks", json!(size.networks_text())),
        ("median µs", json!(us(times.median()))),
        ("p99 µs", json!(us(times.quantile(0.99)))),
        ("of it facts, median µs", json!(us(facts.median()))),
        ("fragments", per_change(fragments)),
        ("flows compiled", per_change(flows)),
    ]
}

/// Compiles everything, and counts what that gives.
fn total(size: Size, repeats: u32) -> Row {
    let (model, facts) = (size.model(), size.facts());
    let mut times = Samples::default();
    let mut compiler = Compiler::new();
    for _ in 0..repeats {
        let facts = facts.iter().map(|(&host, facts)| (host, facts));
        compiler = times.time(|| Compiler::full(&model, facts));
    }
    let hosts = || size.host_ids();
    let per_host: Vec<usize> = hosts().map(|host| compiler.desired(host).count()).collect();
    let sent: usize = per_host.iter().sum();
    let frames = hosts().flat_map(|host| compiler.desired(host)).map(|flow| flow.frame().len());
    let bytes: usize = frames.sum();
    let mut blocks: Vec<_> = hosts().flat_map(|host| compiler.blocks_of(host)).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let distinct = blocks.iter().filter_map(|&id| compiler.block(id));
    let distinct: usize = distinct.map(topology::block::Block::len).sum();
    vec![
        ("hosts", json!(size.hosts)),
        ("ports", json!(size.ports)),
        ("networks", json!(size.networks_text())),
        ("full compile, median ms", json!(ms(times.median()))),
        ("flows of one host", json!(per_host[0])),
        ("flows of all hosts", json!(sent)),
        ("flows compiled", json!(distinct)),
        ("µs per flow compiled", json!(us(times.median()) / distinct.max(1) as f64)),
        ("blocks", json!(blocks.len())),
        ("encoded bytes per flow", json!(bytes as f64 / sent.max(1) as f64)),
    ]
}
