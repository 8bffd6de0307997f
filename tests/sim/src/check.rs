//! What has to be so at a quiet point, at which there are no faults and everybody has had time:
//!
//! * the store has every write that was answered, as it was answered;
//! * each switch has exactly the flows that compiling the store anew gives for its host, its meter
//!   and its settings; flows that are not ours are as others have left them, or gone where that is
//!   wished for;
//! * where what others change is only observed, nothing of it was put right, and nothing is left;
//! * each host has confirmed the store's revision, and no port is still being built; where something
//!   is held, the host has before what it should have, and beside that as many flows as are said to
//!   be held, and it goes when it is released;
//! * whoever has followed the change log all the time has what the store has;
//! * it stays so, without a single flow-mod, also when the controller is started anew.
//!
//! At any time: a host that has confirmed a revision has its flows in that moment; what was
//! answered is found; no task panics; the engine does not end while its disk is in order.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use controller::engine::{Drift, HostState, PortStatus};
use controller::store::{Retention, Store};
use openflow::Flow;
use rustc_hash::FxHashMap;
use tokio::time::{Instant, sleep};
use topology::compile::Compiler;
use topology::cookie::Cookie;
use topology::model::HostId;

use crate::controller::Controller;
use crate::host::Host;
use crate::world::World;

/// How long it may take until everything is as it should be, once there are no faults: refused
/// flows are tried again after a minute at most.
const LIMIT: Duration = Duration::from_secs(180);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// How long it has to stay so.
const CALM: Duration = Duration::from_secs(6);

/// Flows that are named when they are not as they should be.
const NAMED: usize = 12;

impl World {
    /// Waits until everything is as it should be, and looks whether it stays so.
    pub(crate) async fn settle(&mut self) -> Result<(), String> {
        self.converge().await?;
        self.is_calm(CALM).await?;
        self.hosts.iter().for_each(Host::settle);
        if self.random.percent(40) {
            let asked = self.flow_mods();
            match self.random.percent(50) {
                true => self.machine.crash(&mut self.random).await,
                false => self.machine.stop().await,
            }
            self.start().await?;
            self.converge().await?;
            self.sends_nothing(&asked, "after a start with nothing changed")?;
        }
        Ok(())
    }

    async fn converge(&mut self) -> Result<(), String> {
        let end = Instant::now() + LIMIT;
        loop {
            self.trace.is_right()?;
            match self.look().await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > end => {
                    return Err(format!("{} s after the last fault: {error}", LIMIT.as_secs()));
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    async fn is_calm(&mut self, time: Duration) -> Result<(), String> {
        let asked = self.flow_mods();
        sleep(time).await;
        self.look().await?;
        self.sends_nothing(&asked, "while nothing happened")
    }

    fn flow_mods(&self) -> Vec<u64> {
        self.hosts.iter().map(|host| host.switch.asked().flow_mods).collect()
    }

    fn sends_nothing(&self, before: &[u64], when: &str) -> Result<(), String> {
        let now = self.flow_mods();
        let sent = before.iter().zip(&now).position(|(before, now)| before != now);
        sent.map_or(Ok(()), |host| {
            let count = now[host] - before[host];
            Err(format!("host {host} was sent {count} flow-mods {when}"))
        })
    }

    /// Whether everything is as it should be.
    async fn look(&mut self) -> Result<(), String> {
        let controller = self.controller()?;
        self.have_confirmed(&controller).await?;
        self.follower.catch_up(&controller.engine).await?;
        let (compiler, revision) = self.compile_anew()?;
        self.follower.compare(compiler.model())?;
        for ledger in &self.ledgers {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.compare(compiler.model(), revision)?;
        }
        for host in self.hosts.iter() {
            self.compare(host, &compiler)?;
        }
        Ok(())
    }

    /// Whether all hosts say that they have everything; releases what is held, once it is as it is
    /// said to be.
    async fn have_confirmed(&self, controller: &Controller) -> Result<(), String> {
        let hosts: Vec<_> =
            self.hosts.iter().map(|host| (host.system_id(), host.facts())).collect();
        let observes = self.scenario.observes;
        let looked = controller.engine.read(move |view| {
            let mut held = Vec::new();
            for (name, facts) in hosts {
                let host = view.model.host_by_system_id(&name);
                let id = host.ok_or_else(|| format!("{name} is not known"))?.id;
                if view.compiler.facts(id) != Some(&facts) {
                    return Err(format!("{name} has reported what the engine has not heard"));
                }
                let status = view.host_status(id);
                let last_found = status.drift.last_found;
                if observes && status.drift != (Drift { last_found, ..Drift::default() }) {
                    return Err(format!("{name}: {:?}, though it is only observed", status.drift));
                }
                if let Some(hold) = status.hold.filter(|_| view.lacks_nothing(id)) {
                    held.push((name, id, hold.removal.flows));
                    continue;
                }
                let (desired, realized) = (status.desired_revision, status.realized_revision);
                if status.state != HostState::Ready || desired != realized {
                    return Err(format!(
                        "{name} is {:?}, at revision {realized} of {desired}",
                        status.state
                    ));
                }
                if let Some(refused) = status.refused.listed.first() {
                    return Err(format!("{name} still refuses {refused:?}"));
                }
            }
            for port in view.model.ports().values() {
                if let (PortStatus::Building, reason) = view.port_status(port) {
                    return Err(format!("port {} is being built: {reason}", port.id));
                }
            }
            Ok(held)
        });
        let held: Vec<(String, HostId, u64)> =
            looked.await.map_err(|error| error.to_string())??;
        if held.is_empty() {
            return Ok(());
        }
        let (compiler, _) = self.compile_anew()?;
        for (name, id, flows) in &held {
            let host = self.hosts.iter().find(|host| host.system_id() == *name);
            let host = host.ok_or_else(|| format!("there is no {name}"))?;
            let surplus = surplus(host, *id, &compiler)?;
            if surplus != *flows {
                return Err(format!("{name} holds {flows} flows, and there are {surplus}"));
            }
            self.trace.say(format_args!("{name}: {flows} flows are released"));
            self.trace.held();
            let _ = controller.engine.release(*id).await;
        }
        Err(format!("flows of {held:?} were held"))
    }

    /// What the store says, compiled from nothing.
    fn compile_anew(&self) -> Result<(Compiler, u64), String> {
        let file = self.machine.disk.copy().open();
        let store = Store::with_backend(file, Retention::default());
        let snapshot = store.and_then(|store| store.load());
        let snapshot = snapshot.map_err(|error| format!("the store cannot be read: {error}"))?;
        let mut compiler = Compiler::new();
        for change in &snapshot.changes {
            compiler.apply(change);
        }
        for host in self.hosts.iter() {
            let id = compiler.model().host_by_system_id(&host.system_id()).map(|host| host.id);
            if let Some(id) = id {
                compiler.set_facts(id, host.facts());
            }
        }
        compiler.flush();
        Ok((compiler, snapshot.revision))
    }

    /// Whether a switch has what its host should have, and nothing else of ours.
    fn compare(&self, host: &Host, compiler: &Compiler) -> Result<(), String> {
        let number = host.number;
        let id = compiler.model().host_by_system_id(&host.system_id()).map(|host| host.id);
        let id = id.ok_or_else(|| format!("the store does not know host {number}"))?;
        let mut wanted: FxHashMap<_, _> =
            compiler.desired(id).map(|flow| (flow.flow.identity(), &flow.flow)).collect();
        let installed = host.switch.flows();
        let mut wrong = Vec::new();
        let mut foreign = BTreeMap::new();
        for flow in &installed {
            match wanted.remove(&flow.identity()) {
                Some(it) if it == flow => {}
                Some(it) => wrong.push(format!("{flow} instead of {it}")),
                None if Cookie(flow.cookie).is_ours() => wrong.push(format!("{flow} is too much")),
                None => drop(foreign.insert(flow.to_string(), flow)),
            }
        }
        wrong.extend(wanted.into_values().map(|flow| format!("{flow} is missing")));
        let expected = match self.scenario.remove_foreign {
            true => Vec::new(),
            false => host.foreign(),
        };
        let expected: BTreeMap<String, Flow> =
            expected.into_iter().map(|flow| (flow.to_string(), flow)).collect();
        if !foreign.keys().eq(expected.keys()) {
            wrong.push(format!("flows of others: {foreign:?} instead of {expected:?}"));
        }
        let meters = host.switch.meters();
        if meters.len() != 1 || host.switch.config().flags != MATCH_FIRST_FRAGMENTS {
            wrong.push(format!("settings: meters {meters:?}, {:?}", host.switch.config()));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let (count, first) = (wrong.len(), &wrong[..wrong.len().min(NAMED)]);
        Err(format!("host {number}: {count} differences:\n  {}", first.join("\n  ")))
    }
}

/// How many flows of ours a switch has that its host should not have; it has all that it should.
fn surplus(host: &Host, id: HostId, compiler: &Compiler) -> Result<u64, String> {
    let mut wanted: FxHashMap<_, _> =
        compiler.desired(id).map(|flow| (flow.flow.identity(), &flow.flow)).collect();
    let installed = host.switch.flows();
    let mut surplus = 0;
    for flow in &installed {
        let is_as_wanted = wanted.get(&flow.identity()).is_some_and(|it| *it == flow);
        if is_as_wanted {
            wanted.remove(&flow.identity());
        } else {
            surplus += u64::from(Cookie(flow.cookie).is_ours());
        }
    }
    match wanted.values().next() {
        Some(flow) => Err(format!("host {} is held and lacks {flow}", host.number)),
        None => Ok(surplus),
    }
}

/// `OFPC_FRAG_NX_MATCH`.
const MATCH_FIRST_FRAGMENTS: u16 = 3;
