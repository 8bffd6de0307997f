use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use controller::engine::{Engine, RemovalLimit};
use controller::limits::{Breaches, Gate, GateLimits, Protocol};
use controller::store::{Retention, Store, StoreError};
use controller::switch::{ForeignFlows, OnDrift, Policy, Switches};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use topology::intent::Settings;
use topology::model::Timestamp;
use topology::zone::Zones;

use crate::disk::Disk;
use crate::link::End;
use crate::random::Random;
use crate::scenario::Scenario;
use crate::signal::Signal;
use crate::trace::Trace;

/// The machine that the controller runs on.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) disk: Disk,
    scenario: Scenario,
    trace: Trace,
    /// The controller that runs, if one does.
    running: Signal<Option<Controller>>,
    work: Option<JoinHandle<Result<(), StoreError>>>,
    /// The disk is going to fail.
    is_failing: bool,
    started: u64,
}

/// A running controller. Clones are handles to the same.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    pub(crate) engine: Engine,
    /// Which one, counted from 1.
    pub(crate) number: u64,
    switches: Switches,
    /// Everything else that runs in its process.
    tasks: Arc<Mutex<JoinSet<()>>>,
}

impl Machine {
    pub(crate) fn new(scenario: Scenario, trace: Trace) -> Self {
        let (disk, running) = (Disk::default(), Signal::new(None));
        Self { disk, scenario, trace, running, work: None, is_failing: false, started: 0 }
    }

    /// Which controller runs, as that changes.
    pub(crate) fn running(&self) -> Signal<Option<Controller>> {
        self.running.clone()
    }

    /// Starts the controller.
    pub(crate) fn start(&mut self) -> Result<Controller, StoreError> {
        (self.started, self.is_failing) = (self.started + 1, false);
        let store = Store::with_backend(self.disk.open(), self.retention())?;
        let trace = self.trace.clone();
        let time_of_day = move || Timestamp(EPOCH + trace.elapsed().as_micros() as u64);
        let limit = RemovalLimit { percent: 20, floor: self.scenario.removal_floor };
        let (engine, work) =
            Engine::load(store, Settings::default(), Zones::default(), limit, time_of_day)?;
        self.work = Some(tokio::spawn(work.run()));
        let policy = Policy {
            drift: match self.scenario.observes {
                true => OnDrift::Observe,
                false => OnDrift::Heal,
            },
            foreign: match self.scenario.remove_foreign {
                true => ForeignFlows::Remove,
                false => ForeignFlows::Keep,
            },
            parallel_read_backs: NonZeroUsize::new(self.scenario.turns)
                .unwrap_or(NonZeroUsize::MIN),
            part: PART,
            ..Policy::default()
        };
        let limits = GateLimits { total: usize::MAX, per_address: usize::MAX };
        let gate = Gate::new(Protocol::OpenFlow, limits, Breaches::default());
        let rate = NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN);
        let controller = Controller {
            switches: Switches::new(engine.clone(), rate, policy, gate),
            engine,
            number: self.started,
            tasks: Arc::default(),
        };
        self.trace.say(format_args!("controller {} starts", self.started));
        self.running.replace(Some(controller.clone()));
        Ok(controller)
    }

    /// The machine fails under the controller, wherever it is just now.
    pub(crate) async fn crash(&mut self, random: &mut Random) {
        self.trace.say("controller crashes");
        self.disk.crash(random);
        self.end().await;
    }

    /// The controller ends as by a signal; the machine stays.
    pub(crate) async fn stop(&mut self) {
        self.trace.say("controller stops");
        self.end().await;
    }

    /// The disk fails under the controller, after so many more operations.
    pub(crate) fn fail_in(&mut self, operations: u64) {
        self.trace.say(format_args!("disk fails in {operations} operations"));
        self.is_failing = true;
        self.disk.fail_in(operations);
    }

    /// True when the controller has ended by itself, as it does when its disk fails.
    pub(crate) fn has_failed(&self) -> bool {
        let has_ended = self.work.as_ref().is_some_and(JoinHandle::is_finished);
        if has_ended && !self.is_failing {
            self.trace.wrong("the engine has ended, and its disk is in order");
        }
        has_ended
    }

    /// The disk will not fail any more, if it has not.
    pub(crate) fn repair(&mut self) {
        self.is_failing = false;
        self.disk.repair();
    }

    pub(crate) fn is_running(&self) -> bool {
        self.work.is_some()
    }

    /// How many controllers there have been.
    pub(crate) fn started(&self) -> u64 {
        self.started
    }

    fn retention(&self) -> Retention {
        Retention { changes: self.scenario.retention, age: Duration::from_secs(60) }
    }

    async fn end(&mut self) {
        if let Some(controller) = self.running.replace(None) {
            if controller.panics() > 0 {
                self.trace.wrong("a session has panicked");
            }
            controller.tasks().abort_all();
        }
        if let Some(work) = self.work.take() {
            work.abort();
            // Whether it was aborted or had ended is the same to everybody.
            if work.await.is_err_and(|error| error.is_panic()) {
                self.trace.wrong("the engine has panicked");
            }
        }
    }
}

impl Controller {
    /// Takes a connection of a switch.
    pub(crate) fn accept(&self, stream: End, peer: IpAddr) {
        self.spawn(self.switches.clone().serve_stream(stream, peer));
    }

    /// Does something until it ends or this controller does.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        tasks.spawn(task);
    }

    /// How many tasks have panicked of those that have ended since this was asked last.
    pub(crate) fn panics(&self) -> usize {
        let mut tasks = self.tasks();
        let ended = std::iter::from_fn(|| tasks.try_join_next());
        ended.filter(|end| end.as_ref().is_err_and(JoinError::is_panic)).count()
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Flow-mods in a part of what a switch lacks: so few that most of it takes several.
const PART: NonZeroUsize = NonZeroUsize::new(20).expect("20 is not 0");

/// When runs begin, in microseconds since 1970: some time in 2023.
const EPOCH: u64 = 1_700_000_000_000_000;
