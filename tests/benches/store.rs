//! What making a change durable costs, beside what the file system takes for the same bytes.

#[allow(dead_code, reason = "only ports are needed of it")]
#[path = "common/fleet.rs"]
mod fleet;
#[path = "common/report.rs"]
mod report;
#[path = "common/samples.rs"]
mod samples;

use std::alloc::System;
use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use controller::store::{Retention, Store};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tempfile::TempDir;
use topology::model::{Change, Resource, Timestamp};

use fleet::Size;
use report::{Report, Row};
use samples::{Samples, ms, us};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Ports put by one commit.
const COMMITS: [u32; 3] = [1, 50, 500];

fn main() -> Result<()> {
    let (rounds, present) = if Report::is_wanted() { (200, 10_000) } else { (2, 10) };
    let mut report = Report::new("store");
    let rows = COMMITS.iter().map(|&ports| commit(ports, present, rounds));
    let rows = rows.collect::<Result<_>>()?;
    report.table(&format!("One commit, {rounds} times, {present} ports in the store"), rows);
    Ok(report.write()?)
}

/// Puts so many ports by each commit, over and over the same.
fn commit(ports: u32, present: u32, rounds: u64) -> Result<Row> {
    // Where the build is, which is on a disk where the machine has one.
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut store = Store::open(directory.path(), Retention::default())?;
    let size = Size::of_three(present, 1);
    let put = |port| {
        let port = size.port(port, None);
        (1, Change::Put(Resource::Port(Arc::new(port))))
    };
    store.commit(1, Timestamp(1), &(1..=present).map(put).collect::<Vec<_>>())?;
    let (mut times, mut synced) = (Samples::default(), Samples::default());
    let (mut allocations, mut bytes) = (0, 0);
    let mut file = File::create(directory.path().join("bytes"))?;
    for round in 0..rounds {
        let revision = 2 + round;
        let changes: Vec<_> = (1..=ports).map(|port| (revision, put(port).1)).collect();
        let region = Region::new(ALLOCATOR);
        times.time(|| store.commit(revision, Timestamp(revision), &changes))?;
        let used = region.change();
        (allocations, bytes) = (allocations + used.allocations, bytes + used.bytes_allocated);
        let text = vec![b' '; BYTES * ports as usize];
        let begun = Instant::now();
        file.write_all(&text)?;
        file.sync_data()?;
        synced.push(begun.elapsed());
    }
    let mean = |total: usize| json!(total as f64 / rounds as f64);
    Ok(vec![
        ("ports put", json!(ports)),
        ("median µs", json!(us(times.median()))),
        ("p99 ms", json!(ms(times.quantile(0.99)))),
        ("write and fsync alone, median µs", json!(us(synced.median()))),
        ("allocations", mean(allocations)),
        ("bytes allocated", mean(bytes)),
    ])
}

/// About what a port takes in the store.
const BYTES: usize = 600;
