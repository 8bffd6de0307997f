use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use controller::engine::{ConnectionId, Engine, HostReport, Reported};
use openflow::message::FlowMod;
use openflow::{Flow, PortNo};
use tokio::sync::Notify;
use tokio::time::sleep;
use topology::facts::HostFacts;
use topology::model::PortId;

use crate::controller::Controller;
use crate::link::{Cable, Weather, link};
use crate::random::Random;
use crate::scenario::Scenario;
use crate::signal::Signal;
use crate::switch::Switch;
use crate::trace::Trace;

/// A host: a switch, what its OVSDB says, and its two connections.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) number: usize,
    pub(crate) switch: Switch,
    report: Signal<HostReport>,
    /// OVSDB's connection is to break.
    lost: Notify,
    /// Whether anything of it can be reached.
    present: Signal<bool>,
    state: Mutex<State>,
    trace: Trace,
}

#[derive(Debug)]
struct State {
    weather: Weather,
    cable: Option<Cable>,
    random: Random,
    is_disturbed: bool,
    /// Flows that somebody else has put.
    foreign: Vec<Flow>,
}

impl Host {
    pub(crate) fn new(
        number: usize,
        scenario: &Scenario,
        random: &mut Random,
        trace: &Trace,
    ) -> Self {
        let (high, low) = ((number / 250) as u8, (number % 250 + 1) as u8);
        let mapped: &[(&str, u32)] = match random.below(4) {
            0 => &[],
            1 => &[("external", 2)],
            _ => &[("external", 2), ("storage", 3)],
        };
        let report = HostReport {
            system_id: format!("host-{number}"),
            hostname: Some(format!("host-{number}")),
            ovs_version: "3.1.0".into(),
            management_ips: Default::default(),
            tunnel_ip: Some(Ipv4Addr::new(198, 18, high, low).into()),
            bridge_mappings: mapped
                .iter()
                .map(|(name, _)| ((*name).into(), format!("br-{name}")))
                .collect(),
            datapath_id: Some(0x1000 + number as u64),
            vxlan_port: Some(PortNo(1)),
            uplinks: mapped.iter().map(|&(name, port)| (name.into(), PortNo(port))).collect(),
            interfaces: BTreeMap::new(),
        };
        let state = State {
            weather: scenario.weather,
            cable: None,
            random: random.fork(),
            is_disturbed: false,
            foreign: Vec::new(),
        };
        Self {
            number,
            switch: match random.percent(scenario.untold) {
                true => Switch::without_monitor(0x1000 + number as u64),
                false => Switch::new(0x1000 + number as u64),
            },
            report: Signal::new(report),
            lost: Notify::new(),
            present: Signal::new(true),
            state: Mutex::new(state),
            trace: trace.clone(),
        }
    }

    pub(crate) fn system_id(&self) -> String {
        self.report.look(|report| report.system_id.clone())
    }

    pub(crate) fn has(&self, port: PortId) -> bool {
        self.report.look(|report| report.interfaces.contains_key(&port))
    }

    /// What the compiler makes of what it reports.
    pub(crate) fn facts(&self) -> HostFacts {
        let report = self.report.get();
        let ports = report.interfaces.iter();
        HostFacts {
            vxlan_port: report.vxlan_port,
            uplinks: report.uplinks.clone(),
            ports: ports.filter_map(|(&port, &number)| Some((port, number?))).collect(),
        }
    }

    /// An interface for a port appears, with the lowest number that is free.
    pub(crate) fn plug(&self, port: PortId) {
        self.report.change(|report| {
            let taken =
                |number: u32| report.interfaces.values().any(|it| *it == Some(PortNo(number)));
            let number = (FIRST_PORT..).find(|number| !taken(*number)).map(PortNo);
            report.interfaces.entry(port).or_insert(number);
        });
        self.trace.say(format_args!("host {}: {port} plugged", self.number));
    }

    /// The interface for a port is gone.
    pub(crate) fn unplug(&self, port: PortId) {
        self.report.change(|report| report.interfaces.remove(&port));
        self.trace.say(format_args!("host {}: {port} unplugged", self.number));
    }

    /// All VMs end.
    pub(crate) fn unplug_all(&self) {
        self.report.change(|report| report.interfaces.clear());
    }

    /// The switch starts anew; with other port numbers, if `renumbers`.
    pub(crate) fn restart(&self, renumbers: bool) {
        self.trace.say(format_args!("host {}: switch restarts", self.number));
        self.disturb();
        self.switch.restart();
        self.lock().foreign.clear();
        self.cut();
        if renumbers {
            self.report.change(|report| {
                let count = report.interfaces.len() as u32;
                let numbers = (FIRST_PORT..FIRST_PORT + count).rev().map(PortNo);
                for (interface, number) in report.interfaces.values_mut().zip(numbers) {
                    *interface = Some(number);
                }
            });
        }
    }

    /// What the switch has is not, for some time, what it has confirmed.
    pub(crate) fn disturb(&self) {
        self.lock().is_disturbed = true;
    }

    /// Whether the switch has what it has confirmed, as far as it is to blame.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.lock().is_disturbed
    }

    /// Somebody else puts a flow of his own.
    pub(crate) fn put_foreign(&self, flow: Flow) {
        self.switch.change_by_hand(&[FlowMod::add(flow.clone())]);
        self.lock().foreign.push(flow);
    }

    /// Somebody else has deleted what others had put.
    pub(crate) fn forget_foreign(&self) {
        self.lock().foreign.clear();
    }

    /// The flows that others have put.
    pub(crate) fn foreign(&self) -> Vec<Flow> {
        self.lock().foreign.clone()
    }

    /// From here on the switch has what it confirms.
    pub(crate) fn settle(&self) {
        self.lock().is_disturbed = false;
    }

    pub(crate) fn cut(&self) {
        self.with_cable(Cable::cut);
    }

    pub(crate) fn vanish(&self) {
        self.with_cable(Cable::vanish);
    }

    pub(crate) fn stall(&self, time: Duration) {
        self.with_cable(|cable| cable.stall(tokio::time::Instant::now() + time));
    }

    pub(crate) fn resume(&self) {
        self.with_cable(Cable::resume);
    }

    pub(crate) fn lose_ovsdb(&self) {
        self.lost.notify_one();
    }

    /// Nothing of the host can be reached any more, or all of it again.
    pub(crate) fn set_present(&self, present: bool) {
        if self.present.replace(present) && !present {
            self.cut();
            self.lose_ovsdb();
        }
    }

    pub(crate) fn change_weather(&self, weather: Weather) {
        self.lock().weather = weather;
        self.with_cable(|cable| cable.change(weather));
    }

    /// Connects the switch to whatever controller there is, again and again.
    pub(crate) async fn run_openflow(&self, controllers: Signal<Option<Controller>>) {
        let mut random = self.lock().random.fork();
        loop {
            let controller = self.next_controller(&controllers, &mut random).await;
            let weather = self.lock().weather;
            let (near, far, cable) = link(weather, &mut random, &self.trace);
            controller.accept(near, self.address());
            self.lock().cable = Some(cable);
            drop(controller);
            self.trace.say(format_args!("host {}: switch connects", self.number));
            self.switch.serve(far).await;
            self.trace.say(format_args!("host {}: switch disconnected", self.number));
        }
    }

    /// Reports to whatever controller there is what OVSDB says, as a host session does.
    pub(crate) async fn run_ovsdb(&self, controllers: Signal<Option<Controller>>) {
        let mut random = self.lock().random.fork();
        loop {
            let Controller { engine, number, .. } =
                self.next_controller(&controllers, &mut random).await;
            let system_id = self.report.look(|report| report.system_id.clone());
            let Ok(identity) = engine.identify(system_id, self.address()).await else { continue };
            let connection = identity.connection;
            let mut reported: Option<(Reported, HostReport)> = None;
            loop {
                let report = self.report.get();
                let told = tell(&engine, connection, reported, &report).await;
                reported = told.map(|told| (told, report.clone()));
                if reported.is_none() {
                    break;
                }
                let is_other =
                    |it: &Option<Controller>| it.as_ref().map(|it| it.number) != Some(number);
                tokio::select! {
                    biased;
                    _ = controllers.wait_for(is_other) => break,
                    () = self.lost.notified() => break,
                    _ = self.report.wait_for(|it| *it != report) => {}
                }
                pause(&mut random, 300).await;
            }
            engine.disconnected(connection).await;
            engine.unreserve(connection).await;
        }
    }

    /// Where its connections come from.
    fn address(&self) -> IpAddr {
        let first = Ipv4Addr::new(10, 0, 0, 0).to_bits();
        Ipv4Addr::from_bits(first + self.number as u32).into()
    }

    /// The controller that runs, once it is looked for and the host can be reached.
    async fn next_controller(
        &self,
        controllers: &Signal<Option<Controller>>,
        random: &mut Random,
    ) -> Controller {
        loop {
            self.present.wait_for(|present| *present).await;
            controllers.wait_for(Option::is_some).await;
            pause(random, 1000).await;
            if let Some(controller) = controllers.get().filter(|_| self.present.get()) {
                return controller;
            }
        }
    }

    fn with_cable(&self, act: impl FnOnce(&Cable)) {
        let cable = self.lock().cable.clone();
        if let Some(cable) = cable {
            act(&cable);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the engine what a host reports, as far as it was not told before; `None` when it has ended,
/// or does not listen to this connection.
async fn tell(
    engine: &Engine,
    connection: ConnectionId,
    before: Option<(Reported, HostReport)>,
    report: &HostReport,
) -> Option<Reported> {
    if let Some((since, before)) = before
        && let Some(interfaces) = report.interfaces_since(&before)
        && (interfaces.is_empty()
            || engine.report_interfaces(connection, since, interfaces).await.ok()?.is_some())
    {
        return Some(since);
    }
    let taken = engine.report(connection, None, report.clone()).await.ok()?;
    Some(taken?.ok()?.reported)
}

/// Waits for some time, less than so many milliseconds.
async fn pause(random: &mut Random, most: u64) {
    sleep(Duration::from_millis(random.below(most))).await;
}

/// All hosts.
pub(crate) type Hosts = Arc<[Host]>;

/// OpenFlow port numbers of tenants' interfaces begin here.
const FIRST_PORT: u32 = 10;
