use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::controller::{Controller, Machine};
use crate::follower::Follower;
use crate::host::{Host, Hosts};
use crate::ledger::Ledger;
use crate::link::Weather;
use crate::random::Random;
use crate::receipts::watch_receipts;
use crate::scenario::Scenario;
use crate::switch::Faults;
use crate::tenant::Tenant;
use crate::trace::Trace;

/// Everything that there is in a run.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) random: Random,
    pub(crate) trace: Trace,
    pub(crate) machine: Machine,
    pub(crate) hosts: Hosts,
    pub(crate) ledgers: Vec<Arc<Mutex<Ledger>>>,
    pub(crate) follower: Follower,
    /// How many hosts a client has deleted.
    pub(crate) deleted: u64,
    tenants: Vec<Tenant>,
    /// What hosts do.
    tasks: JoinSet<()>,
}

impl World {
    pub(crate) fn new(scenario: Scenario, mut random: Random, trace: Trace) -> Self {
        let machine = Machine::new(scenario.clone(), trace.clone());
        let hosts: Hosts = (0..scenario.hosts)
            .map(|number| Host::new(number, &scenario, &mut random, &trace))
            .collect();
        let tenants: Vec<_> = (0..scenario.tenants)
            .map(|_| Tenant::new(&scenario, hosts.clone(), &mut random, trace.clone()))
            .collect();
        let mut tasks = JoinSet::new();
        for number in 0..hosts.len() {
            let (openflow, ovsdb) = (hosts.clone(), hosts.clone());
            let (first, second) = (machine.running(), machine.running());
            tasks.spawn(async move { openflow[number].run_openflow(first).await });
            tasks.spawn(async move { ovsdb[number].run_ovsdb(second).await });
        }
        Self {
            ledgers: tenants.iter().map(Tenant::ledger).collect(),
            follower: Follower::default(),
            deleted: 0,
            scenario,
            random,
            trace,
            machine,
            hosts,
            tenants,
            tasks,
        }
    }

    /// Rounds of changes and faults, with a quiet point after each.
    pub(crate) async fn run(&mut self) -> Result<(), String> {
        self.start().await?;
        for time in self.scenario.rounds.clone() {
            self.hosts.iter().for_each(|host| host.change_weather(self.scenario.weather));
            let end = Instant::now() + time;
            let tenants = std::mem::take(&mut self.tenants).into_iter();
            let mut changing: Vec<_> = tenants
                .map(|tenant| tokio::spawn(tenant.run_until(end, self.machine.running())))
                .collect();
            self.chaos(end).await?;
            tokio::time::sleep_until(end).await;
            self.trace.say("no more faults");
            self.end_faults().await?;
            for tenant in changing.drain(..) {
                self.tenants.push(tenant.await.map_err(|error| format!("a tenant: {error}"))?);
            }
            self.settle().await?;
            self.trace.say("as it should be");
            self.hosts_are_well()?;
        }
        Ok(())
    }

    /// Starts the controller, which has to have everything that was answered.
    pub(crate) async fn start(&mut self) -> Result<(), String> {
        let controller =
            self.machine.start().map_err(|error| format!("the store cannot be opened: {error}"))?;
        let receipts = watch_receipts(controller.clone(), self.hosts.clone(), self.trace.clone());
        controller.spawn(receipts);
        let ledgers = self.ledgers.clone();
        let compared = controller.engine.read(move |view| {
            ledgers.iter().try_for_each(|ledger| {
                let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
                ledger.compare(view.model, view.revision)
            })
        });
        compared.await.map_err(|error| error.to_string())??;
        self.follower.catch_up(&controller.engine).await
    }

    /// The controller that runs.
    pub(crate) fn controller(&self) -> Result<Controller, String> {
        self.machine.running().get().ok_or_else(|| "no controller runs".to_owned())
    }

    async fn end_faults(&mut self) -> Result<(), String> {
        if self.machine.has_failed() {
            self.machine.crash(&mut self.random).await;
        }
        self.machine.repair();
        if !self.machine.is_running() {
            self.start().await?;
        }
        for host in self.hosts.iter() {
            host.set_present(true);
            host.switch.set_faults(Faults::default());
            host.change_weather(Weather::CALM);
            host.resume();
            // What was left as others had changed it is put right when the switch connects anew.
            if self.scenario.observes && host.is_disturbed() {
                host.cut();
            }
        }
        Ok(())
    }

    fn hosts_are_well(&mut self) -> Result<(), String> {
        let ended = self.tasks.try_join_next();
        let panicked = self.controller()?.panics() > 0 || ended.is_some();
        if panicked { Err("a task has panicked".to_owned()) } else { Ok(()) }
    }
}
