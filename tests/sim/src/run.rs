use std::fmt;
use std::time::Duration;

use crate::random::Random;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::world::World;

/// What came of a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Tells two runs apart in which anything was different, or at another time.
    pub trace: u64,
    /// How many things happened that the trace is of.
    pub events: u64,
    /// The time that passed in it.
    pub time: Duration,
    /// Hosts.
    pub hosts: usize,
    /// How often the controller was started.
    pub starts: u64,
    /// Flow-mods that switches were sent.
    pub flow_mods: u64,
    /// How many hosts were deleted.
    pub deleted: u64,
    /// How often flows were held, and as they were said to be.
    pub holds: u64,
    /// The store's last revision.
    pub revision: u64,
}

/// Why a run failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed that gives the same again.
    pub seed: u64,
    /// What is wrong.
    pub what: String,
    /// What happened before.
    pub latest: String,
}

/// Does what a seed says. A loud run tells what happens while it does.
///
/// # Errors
///
/// When anything is not as it should be.
pub fn run(seed: u64, is_loud: bool) -> Result<Report, Failure> {
    let failure = |what: String, latest: String| Failure { seed, what, latest };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| failure(error.to_string(), String::new()))?;
    runtime.block_on(async {
        let trace = Trace::new(is_loud);
        let mut random = Random::new(seed);
        let scenario = Scenario::of(seed, &mut random);
        trace.say(format_args!("{scenario:?}"));
        let mut world = World::new(scenario, random, trace.clone());
        world.run().await.map_err(|what| failure(what, trace.latest()))?;
        let revision = world.controller().ok().map_or(0, |it| *it.engine.revision().borrow());
        let (sum, events) = trace.sum();
        Ok(Report {
            trace: sum,
            events,
            time: trace.elapsed(),
            hosts: world.hosts.len(),
            starts: world.machine.started(),
            deleted: world.deleted,
            holds: trace.holds(),
            flow_mods: world.hosts.iter().map(|host| host.switch.asked().flow_mods).sum(),
            revision,
        })
    })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, what, latest } = self;
        write!(
            f,
            "seed {seed}: {what}\n\nbefore that:\n{latest}\nreplay it with \
             `WEFT_SIM_SEED={seed} cargo test -p weft-sim --test seeds`"
        )
    }
}
