//! A tenant: changes things at random, through the engine's door, and remembers what it was told.

mod wish;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use controller::engine::{ApplyError, Committed, WriteError};
use tokio::time::{Instant, sleep};
use topology::intent::Rejection;
use topology::model::{
    AddressGroupId, NetworkId, PortId, ProjectId, Resource, ResourceId, SecurityGroupId, SubnetId,
};

use self::wish::{Wish, deletion_of};
use crate::controller::Controller;
use crate::host::Hosts;
use crate::ledger::Ledger;
use crate::random::Random;
use crate::scenario::Scenario;
use crate::signal::Signal;
use crate::trace::Trace;

/// A tenant, with what it has asked for so far.
#[derive(Debug)]
pub(crate) struct Tenant {
    project: ProjectId,
    networks: Vec<NetworkId>,
    subnets: Vec<SubnetId>,
    ports: Vec<PortId>,
    groups: Vec<SecurityGroupId>,
    address_groups: Vec<AddressGroupId>,
    /// The most of each.
    size: usize,
    pace: Duration,
    hosts: Hosts,
    random: Random,
    trace: Trace,
    ledger: Arc<Mutex<Ledger>>,
}

impl Tenant {
    pub(crate) fn new(
        scenario: &Scenario,
        hosts: Hosts,
        random: &mut Random,
        trace: Trace,
    ) -> Self {
        Self {
            project: ProjectId(random.uuid()),
            networks: Vec::new(),
            subnets: Vec::new(),
            ports: Vec::new(),
            groups: Vec::new(),
            address_groups: Vec::new(),
            size: scenario.size,
            pace: scenario.pace,
            hosts,
            random: random.fork(),
            trace,
            ledger: Arc::default(),
        }
    }

    pub(crate) fn ledger(&self) -> Arc<Mutex<Ledger>> {
        self.ledger.clone()
    }

    /// Changes things until then.
    pub(crate) async fn run_until(
        mut self,
        end: Instant,
        controllers: Signal<Option<Controller>>,
    ) -> Self {
        while Instant::now() < end {
            if let Some(controller) = controllers.wait_for(Option::is_some).await {
                self.act(&controller).await;
            }
            let pause = self.random.below(self.pace.as_millis() as u64 + 1);
            sleep(Duration::from_millis(pause)).await;
        }
        self
    }

    async fn act(&mut self, controller: &Controller) {
        if !self.is_there(ResourceId::Project(self.project)) {
            let wish = self.project();
            self.ask(controller, wish).await;
        } else if self.random.percent(30) {
            self.move_interface();
        } else if self.random.percent(4) {
            self.delete_many(controller).await;
        } else if self.random.percent(1) {
            self.release(controller).await;
        } else {
            let wish = self.wish();
            self.ask(controller, wish).await;
        }
    }

    /// Most ports go, in one change: whatever that takes from a host may be held there. Their
    /// interfaces stay, or some of them go as well.
    async fn delete_many(&mut self, controller: &Controller) {
        let count = self.ports.len() - self.ports.len() / 4;
        let ports = self.ports.split_off(self.ports.len() - count);
        for &port in &ports {
            if self.random.percent(30)
                && let Some(host) = self.hosts.iter().find(|host| host.has(port))
            {
                host.unplug(port);
            }
        }
        let there = ports.into_iter().map(ResourceId::Port).filter(|port| self.is_there(*port));
        let there: Vec<_> = there.collect();
        let steps = there.iter().filter_map(|&subject| deletion_of(subject)).collect();
        let before: Vec<_> = there.iter().map(|port| self.note().ask(*port)).collect();
        let answer = controller.engine.apply(steps, None, |_| ()).await;
        self.trace.add((&there, answer.as_ref().map(|it| it.revision).ok()));
        match answer {
            Ok(Committed { revision, .. }) => {
                let count = there.len();
                self.trace.say(format_args!("{count} ports deleted at revision {revision}"));
                for port in there {
                    self.note().answered(port, None, revision);
                }
            }
            Err(ApplyError::Stopped(_)) => {
                there.iter().for_each(|port| self.note().lost(*port));
            }
            Err(error @ (ApplyError::Rejected { .. } | ApplyError::Moved { .. })) => {
                self.trace.wrong(format_args!("ports cannot be deleted: {error}"));
                for (port, before) in there.into_iter().zip(before) {
                    self.note().refused(port, before);
                }
            }
        }
    }

    /// Asks for something, and notes what is answered.
    async fn ask(&mut self, controller: &Controller, Wish { subject, plan }: Wish) {
        let before = self.note().ask(subject);
        let answer = controller.engine.write(plan).await;
        self.trace.add((subject, answer.as_ref().map(|it| it.revision).ok()));
        match answer {
            Ok(committed) => {
                self.trace.say(format_args!("{subject:?} at revision {}", committed.revision));
                self.note().answered(subject, committed.answer, committed.revision);
            }
            Err(WriteError::Stopped(_)) => self.note().lost(subject),
            Err(WriteError::Rejected(rejection)) => {
                self.note().refused(subject, before);
                if let Rejection::NotFound { kind, id, .. } = rejection {
                    let id = ResourceId::new(kind, id);
                    if self.is_there(id) {
                        self.trace.wrong(format_args!("{id:?} was answered and is not found"));
                    }
                }
            }
        }
    }

    /// What is held anywhere may go, whatever happens there just now.
    async fn release(&mut self, controller: &Controller) {
        let held = controller.engine.read(|view| {
            let hosts = view.model.hosts().keys().copied();
            hosts.filter(|host| view.host_status(*host).hold.is_some()).collect::<Vec<_>>()
        });
        for host in held.await.unwrap_or_default() {
            let released = controller.engine.release(host).await.ok();
            self.trace.add((host, released));
        }
    }

    /// A VM begins, ends or moves.
    fn move_interface(&mut self) {
        let Some(&port) = self.random.pick(&self.ports) else { return };
        let there = self.hosts.iter().find(|host| host.has(port));
        let other = &self.hosts[self.random.index(self.hosts.len())];
        match there {
            None => other.plug(port),
            Some(there) if self.random.percent(40) => there.unplug(port),
            // For a moment it is on both, in either order.
            Some(there) if self.random.percent(50) => {
                there.unplug(port);
                other.plug(port);
            }
            Some(there) => {
                other.plug(port);
                there.unplug(port);
            }
        }
    }

    fn is_there(&self, id: ResourceId) -> bool {
        self.note().has(id)
    }

    fn note(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a wish left behind: nothing, when it was to delete.
type Left = Option<Resource>;
