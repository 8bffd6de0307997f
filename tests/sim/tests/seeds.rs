//! A thousand seeds, each a different history of changes and faults: whatever happened, every
//! switch comes to exactly what it should have.
//!
//! ```text
//! WEFT_SIM_SEED=17 cargo test -p weft-sim --test seeds         one seed again, told in words
//! WEFT_SIM_SEEDS=1000..9000 cargo test -p weft-sim --test seeds    others
//! ```

use std::env;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sim::{Report, run};

/// What is run when nothing else is asked for.
const SEEDS: Range<u64> = 0..1000;

/// Failures after which no further seed is tried.
const ENOUGH: usize = 3;

#[test]
fn whatever_happens_every_switch_comes_to_what_it_should_have() {
    if let Some(seed) = number("WEFT_SIM_SEED") {
        match run(seed, true) {
            Ok(report) => return println!("{report:?}"),
            Err(failure) => panic!("{failure}"),
        }
    }
    let seeds = range("WEFT_SIM_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(seeds.start);
    let (reports, failures) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while failures.lock().unwrap().len() < ENOUGH {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    match run(seed, false) {
                        Ok(report) => reports.lock().unwrap().push(report),
                        Err(failure) => {
                            // Said at once: the others may take a while.
                            eprintln!("{failure}\n");
                            failures.lock().unwrap().push(failure.seed);
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "seeds that failed, as told above: {failures:?}");
    check_that_something_happened(&reports.into_inner().unwrap());
}

/// A suite in which nothing happens finds nothing.
#[track_caller]
fn check_that_something_happened(reports: &[Report]) {
    let sum = |what: fn(&Report) -> u64| reports.iter().map(what).sum::<u64>();
    let most = reports.iter().map(|report| report.hosts).max().unwrap_or_default();
    let holds = sum(|it| it.holds);
    let (starts, flow_mods) = (sum(|it| it.starts), sum(|it| it.flow_mods));
    let (revisions, seconds) = (sum(|it| it.revision), sum(|it| it.time.as_secs()));
    let deleted = sum(|it| it.deleted);
    let count = reports.len() as u64;
    eprintln!(
        "{count} seeds, {seconds} s: up to {most} hosts, {starts} starts of the controller, \
         {revisions} revisions, {flow_mods} flow-mods, {deleted} hosts deleted, {holds} holds"
    );
    assert!(count < 50 || deleted > 0, "no host was deleted");
    assert!(count < 50 || holds > count / 20, "{holds} holds");
    assert!(starts > count && revisions > 10 * count && flow_mods > 100 * count);
}

#[test]
fn a_seed_does_the_same_each_time() {
    for seed in [3, 17, 95] {
        let runs = [run(seed, false), run(seed, false)];
        let [first, second] = runs.map(|run| run.unwrap_or_else(|failure| panic!("{failure}")));
        assert_eq!(first, second, "seed {seed}");
    }
    let [one, other] = [1, 2].map(|seed| run(seed, false).map(|report| report.trace).ok());
    assert_ne!(one, other);
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}

fn range(variable: &str) -> Option<Range<u64>> {
    let text = env::var(variable).ok()?;
    let ends = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    Some(ends.unwrap_or_else(|| panic!("{variable}={text}: expected, say, 0..1000")))
}
