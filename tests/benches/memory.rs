//! What a compiled fleet takes in memory, and what a change allocates.
//!
//! Bytes are those that were asked of the allocator, counted by `stats_alloc`; what the allocator
//! needs for itself comes on top.

#[path = "common/churn.rs"]
mod churn;
#[path = "common/fleet.rs"]
mod fleet;
#[path = "common/report.rs"]
mod report;

use std::alloc::System;
use std::io;

use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use topology::compile::Compiler;

use churn::{Churn, Kind, Meter, Part};
use fleet::Size;
use report::{Report, Row};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> io::Result<()> {
    let wanted = Report::is_wanted();
    let rounds = if wanted { 200 } else { 3 };
    let mut report = Report::new("memory");
    let sizes = Size::all(wanted);
    report.table("Memory held, 3 hosts", sizes.iter().map(|&size| held(size)).collect());
    let mut changes = Vec::new();
    for size in sizes {
        let mut churn = Churn::new(size);
        changes.extend(Kind::ALL.map(|kind| allocated(&mut churn, size, kind, rounds)));
    }
    report.table(&format!("Allocations of one change, mean of {rounds}"), changes);
    report.write()
}

/// What the model and its blocks take.
fn held(size: Size) -> Row {
    let region = Region::new(ALLOCATOR);
    let model = size.model();
    let of_model = in_use(&region.change());
    let facts = size.facts();
    let region = Region::new(ALLOCATOR);
    let compiler = Compiler::full(&model, facts.iter().map(|(&host, facts)| (host, facts)));
    drop(facts);
    drop(model);
    let of_all = of_model + in_use(&region.change());
    let flows = size.host_ids().map(|host| compiler.desired(host).count());
    let flows: usize = flows.sum();
    let per_port = |bytes: f64| json!(bytes / f64::from(size.ports));
    vec![
        ("ports", json!(size.ports)),
        ("networks", json!(size.networks_text())),
        ("model, bytes per port", per_port(of_model as f64)),
        ("model and blocks, bytes per port", per_port(of_all as f64)),
        ("bytes per flow on a host", json!(of_all as f64 / flows.max(1) as f64)),
        ("total MB", json!(of_all as f64 / 1e6)),
    ]
}

/// What the parts of a change allocate.
#[derive(Default)]
struct Allocations {
    facts: Sum,
    compile: Sum,
}

#[derive(Default)]
struct Sum {
    number: usize,
    bytes: usize,
}

impl Meter for Allocations {
    fn measure<T>(&mut self, part: Part, act: impl FnOnce() -> T) -> T {
        let region = Region::new(ALLOCATOR);
        let result = act();
        let stats = region.change();
        let sum = match part {
            Part::Facts => &mut self.facts,
            Part::Compile => &mut self.compile,
        };
        sum.number += stats.allocations + stats.reallocations;
        sum.bytes += stats.bytes_allocated;
        result
    }
}

/// What one sort of change allocates.
fn allocated(churn: &mut Churn, size: Size, kind: Kind, rounds: u32) -> Row {
    let mut meter = Allocations::default();
    for round in 0..rounds {
        churn.change(kind, round, &mut meter);
    }
    let mean = |count: usize| json!(count as f64 / f64::from(rounds));
    vec![
        ("change", json!(kind.text())),
        ("ports", json!(size.ports)),
        ("networks", json!(size.networks_text())),
        ("allocations, facts", mean(meter.facts.number)),
        ("bytes, facts", mean(meter.facts.bytes)),
        ("allocations, compile", mean(meter.compile.number)),
        ("bytes, compile", mean(meter.compile.bytes)),
    ]
}

fn in_use(stats: &Stats) -> isize {
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}
