//! `cargo xtask`: what there is to do with the project, one command each.

mod cargo;
mod packages;
mod pipeline;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::cargo::cargo;

/// How many tests with a lab of their own run at a time; each has several daemons per host.
const LABS_AT_ONCE: &str = "2";

/// The packages whose tests start labs.
const LAB_PACKAGES: [&str; 2] = ["weft-lab", "weft-tests"];

/// The packages that have benchmarks.
const BENCH_PACKAGES: [&str; 2] = ["weft-openflow", "weft-tests"];

/// The benchmarks that are run when none is named.
const BENCHES: [&str; 8] =
    ["codec", "compile", "fleet", "lanes", "memory", "policy", "read_back", "store"];

/// Builds, tests and shows Weft
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show Weft at work: install what is missing, build, three hosts, three networks, pings
    Demo {
        /// Leave everything up until Ctrl-C
        #[arg(long)]
        keep: bool,
    },
    /// Install what is missing, build and run every test
    Test {
        /// Leave out the tests on simulated hosts, which need root
        #[arg(long)]
        fast: bool,
        /// Only tests whose names contain this
        filter: Option<String>,
    },
    /// Measure: prints tables, and writes them to target/bench/NAME.json
    Bench {
        /// Only these: codec, compile, fleet, lanes, memory, policy, read_back, store; or peers,
        /// which is left out otherwise: it needs root, installs OVN, and takes half an hour
        names: Vec<String>,
    },
    /// Churn and faults on simulated hosts while probes run: nothing may be lost or left behind
    Soak {
        /// How long, at least
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// The seed that an earlier run printed, to have its course again
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Check everything a change must pass: format, lints, documentation, tests
    Ci,
    /// Write PIPELINE.md from the pipeline's definition
    Pipeline {
        /// Only check that it is up to date
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo { keep } => demo(keep),
        Command::Test { fast, filter } => test(fast, filter.as_deref()),
        Command::Bench { names } => bench(&names),
        Command::Soak { minutes, seed } => soak(minutes, seed),
        Command::Ci => ci(),
        Command::Pipeline { check: true } => pipeline::check(),
        Command::Pipeline { check: false } => pipeline::write(),
    }
}

fn demo(keep: bool) -> Result<()> {
    packages::ensure_root("the demo makes network namespaces")?;
    packages::ensure_installed()?;
    cargo(["build", "--workspace", "--bins"])?;
    let keep = keep.then_some("--keep");
    Err(cargo::replace(["run", "--quiet", "-p", "weft-lab", "--", "demo"].into_iter().chain(keep)))
}

fn test(fast: bool, filter: Option<&str>) -> Result<()> {
    if !fast {
        packages::ensure_root(
            "the tests on simulated hosts make network namespaces (--fast leaves them out)",
        )?;
    }
    packages::ensure_installed()?;
    let of_labs = || LAB_PACKAGES.iter().flat_map(|package| ["--package", package]);
    let of_others = LAB_PACKAGES.iter().flat_map(|package| ["--exclude", package]);
    let test = ["test", "--no-fail-fast"];
    let others = cargo(test.into_iter().chain(["--workspace"]).chain(of_others).chain(filter));
    // What fails there is told at the end; the rest is still worth knowing.
    others.and(if fast {
        let quick = ["--lib", "--test", "tidy"];
        cargo(test.into_iter().chain(of_labs()).chain(quick).chain(filter))
    } else {
        // The tests run these, but only those of their own package are built with them.
        cargo(["build", "--workspace", "--bins"])?;
        let threads = ["--", "--test-threads", LABS_AT_ONCE];
        cargo(test.into_iter().chain(of_labs()).chain(filter).chain(threads))
    })
}

fn bench(names: &[String]) -> Result<()> {
    packages::ensure_installed()?;
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let names = if names.is_empty() { BENCHES.to_vec() } else { names };
    if names.contains(&"peers") {
        packages::ensure_root("simulated hosts are network namespaces")?;
        packages::ensure_peers_installed()?;
    }
    // What these run is not built with them.
    if names.iter().any(|name| ["fleet", "peers"].contains(name)) {
        cargo(["build", "--release", "--package", "weft-controller", "--bins"])?;
    }
    let of_names = names.into_iter().flat_map(|name| ["--bench", name]);
    let of_packages = BENCH_PACKAGES.iter().flat_map(|package| ["--package", package]);
    cargo(["bench"].into_iter().chain(of_packages).chain(of_names))
}

fn soak(minutes: u64, seed: Option<u64>) -> Result<()> {
    packages::ensure_root("the soak makes network namespaces")?;
    packages::ensure_installed()?;
    cargo(["build", "--workspace", "--bins"])?;
    let minutes = minutes.to_string();
    let seed = seed.map(|seed| seed.to_string());
    let run = ["run", "--quiet", "-p", "weft-tests", "--bin", "weft-soak", "--"];
    let seed = seed.iter().flat_map(|seed| ["--seed", seed]);
    Err(cargo::replace(run.into_iter().chain(["--minutes", &minutes]).chain(seed)))
}

fn ci() -> Result<()> {
    cargo(["fmt", "--all", "--check"])?;
    cargo(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])?;
    cargo::document_denying_warnings()?;
    test(false, None)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
    }
}
