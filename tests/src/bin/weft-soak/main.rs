//! `weft-soak`: three hosts and a controller that never come to rest, and traffic that must not
//! notice.
//!
//! It goes in phases. In each, ports, rules, networks and VMs come, go and move; something fails,
//! or somebody interferes; and probes run. A phase says beforehand whom it takes what from: a
//! switch that is killed carries nothing. Everything else must not lose a packet, and when the
//! phase is over, every host must have exactly the flows it should. What must not arrive is sent
//! all the time.

#![allow(clippy::print_stdout, reason = "what it finds is for whoever runs it")]

mod churn;
mod datapath;
mod dice;
mod fault;
mod intruders;
mod phase;
mod tally;

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result};
use clap::Parser;
use tests::{Scene, Traffic};

use crate::churn::Churn;
use crate::dice::Dice;
use crate::intruders::Intruders;
use crate::phase::Soak;
use crate::tally::Tally;

/// Churn and faults on simulated hosts while probes run
#[derive(Debug, Parser)]
#[command(name = "weft-soak", max_term_width = 100)]
struct Args {
    /// How long, at least
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// What chance is made from; one of the clock's choice when not given
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed = args.seed.unwrap_or(u64::from(clock.subsec_nanos()));
    println!("seed {seed}");
    match soak(Duration::from_secs(60 * args.minutes), seed) {
        Ok(tally) => {
            println!("{tally}");
            println!("seed {seed}");
            if tally.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("weft-soak, seed {seed}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn soak(length: Duration, seed: u64) -> Result<Tally> {
    let scene = Scene::start(3)?;
    let traffic = Traffic::start(&scene, &phase::HOSTS)?;
    let intruders = Intruders::start(&scene)?;
    let wait = Instant::now() + length;
    let mut soak = Soak::new(scene, traffic, intruders, Dice::new(seed))?;
    let baseline = soak.rules()?;
    let mut churn = Churn::start(&soak.scene)?;
    while Instant::now() < wait {
        soak.phase(&mut churn)?;
    }
    churn.clear(&soak.scene).context("cannot take back what was made")?;
    soak.quieten()?;
    for ((before, after), host) in baseline.iter().zip(&soak.rules()?).zip(phase::HOSTS) {
        before.difference(after).for_each(|rule| println!("  h{host} had {rule}"));
        after.difference(before).for_each(|rule| println!("  h{host} has {rule}"));
        soak.tally.leaked_flows += before.symmetric_difference(after).count() as u64;
    }
    soak.finish()
}
