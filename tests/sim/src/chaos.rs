use std::time::Duration;

use openflow::message::{FlowMod, FlowModCommand};
use openflow::{Flow, Match};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use topology::intent::{Context, delete_host};
use topology::model::HostId;
use uuid::Uuid;

use crate::host::Host;
use crate::rotten::rotten;
use crate::scenario::Fault;
use crate::switch::Faults;
use crate::world::World;

impl World {
    /// Lets faults happen until then.
    pub(crate) async fn chaos(&mut self, end: Instant) -> Result<(), String> {
        let mut away: Vec<(Instant, usize)> = Vec::new();
        loop {
            let pause = self.random.below(self.scenario.fault_pace.as_micros() as u64 + 1);
            let next = Instant::now() + Duration::from_micros(pause);
            if next >= end {
                return Ok(());
            }
            tokio::time::sleep_until(next).await;
            if self.machine.has_failed() {
                self.crash().await?;
            }
            away.retain(|&(until, host)| {
                let is_back = until <= Instant::now();
                if is_back {
                    self.hosts[host].set_present(true);
                }
                !is_back
            });
            if let Some(fault) = self.scenario.fault(&mut self.random) {
                self.inflict(fault, &mut away).await?;
            }
            self.trace.is_right()?;
        }
    }

    async fn inflict(
        &mut self,
        fault: Fault,
        away: &mut Vec<(Instant, usize)>,
    ) -> Result<(), String> {
        let place = self.random.index(self.hosts.len());
        let hosts = self.hosts.clone();
        let host = &hosts[place];
        let random = &mut self.random;
        let number = host.number;
        if !matches!(fault, Fault::Crash | Fault::Stop | Fault::DiskFailure) {
            self.trace.say(format_args!("host {number}: {fault:?}"));
        }
        match fault {
            Fault::Cut => host.cut(),
            Fault::Vanish => host.vanish(),
            Fault::Stall => host.stall(Duration::from_millis(random.within(100..=20_000))),
            Fault::Restart => host.restart(random.percent(50)),
            Fault::OvsdbLost => host.lose_ovsdb(),
            Fault::Away => {
                let time = Duration::from_millis(random.within(100..=10_000));
                host.set_present(false);
                away.push((Instant::now() + time, place));
            }
            Fault::ByHand => self.change_by_hand(host),
            Fault::Refusal => {
                host.disturb();
                host.switch.set_faults(match random.below(3) {
                    0 => Faults::default(),
                    1 => Faults {
                        capacity: Some(host.switch.len() + random.below(20) as usize),
                        ..Faults::default()
                    },
                    _ => {
                        Faults { refuses_one_in: Some(random.within(3..=50)), ..Faults::default() }
                    }
                });
            }
            Fault::Crash => {
                // Not only between two moments, but in the middle of one.
                for _ in 0..random.below(30) {
                    yield_now().await;
                }
                self.crash().await?;
            }
            Fault::Stop => {
                self.machine.stop().await;
                self.start_later().await?;
            }
            Fault::DiskFailure => self.machine.fail_in(random.within(1..=100)),
            Fault::Rotten => host.switch.say(&rotten(random)),
            Fault::Deleted => {
                let time = Duration::from_millis(random.within(100..=10_000));
                host.unplug_all();
                // What has no place on it any more is told, in most cases, before it is away.
                sleep(Duration::from_millis(random.within(0..=3_000))).await;
                host.set_present(false);
                self.delete(host).await;
                away.push((Instant::now() + time, place));
            }
        }
        Ok(())
    }

    async fn crash(&mut self) -> Result<(), String> {
        self.machine.crash(&mut self.random).await;
        self.start_later().await
    }

    async fn start_later(&mut self) -> Result<(), String> {
        sleep(Duration::from_millis(self.random.below(4_000))).await;
        self.start().await
    }

    /// A client deletes a host; one that ports are bound to is not deleted.
    async fn delete(&mut self, host: &Host) {
        let Ok(controller) = self.controller() else { return };
        let system_id = host.system_id();
        let plan = move |context: &Context<'_>| {
            let known = context.model.host_by_system_id(&system_id);
            delete_host(context, known.map_or(HostId(Uuid::nil()), |host| host.id), None)
        };
        let answer = controller.engine.write(plan).await;
        self.deleted += u64::from(answer.is_ok());
        let outcome = answer.map(|it| it.revision).map_err(|error| error.to_string());
        self.trace.say(format_args!("host {}: deletion: {outcome:?}", host.number));
    }

    /// Somebody else does something to a switch.
    fn change_by_hand(&mut self, host: &Host) {
        host.disturb();
        let random = &mut self.random;
        let flows = host.switch.flows();
        match random.below(10) {
            0 => host.switch.delete_meter_by_hand(topology::meter::LOG_METER),
            1 => {
                let all = Flow { table: FlowMod::ALL_TABLES, ..Flow::default() };
                let ours = FlowMod::new(FlowModCommand::Delete, all);
                host.switch.change_by_hand(&[ours]);
                host.forget_foreign();
            }
            2..4 => host.put_foreign(Flow {
                table: 0,
                priority: 60_000,
                cookie: 7,
                matching: Match::new()
                    .with(openflow::Field::IN_PORT, random.within(50_000..=50_009) as u32),
                ..Flow::default()
            }),
            _ => {
                let count = random.within(1..=20);
                let changes: Vec<_> = (0..count)
                    .filter_map(|_| {
                        let flow = random.pick(&flows)?.clone();
                        if flow.cookie == 7 {
                            return None;
                        }
                        Some(match random.below(3) {
                            0 => FlowMod::delete_strict(flow.id()),
                            1 => FlowMod::add(Flow { instructions: Vec::new(), ..flow }),
                            _ => FlowMod::add(Flow { priority: flow.priority ^ 1, ..flow }),
                        })
                    })
                    .collect();
                host.switch.change_by_hand(&changes);
            }
        }
    }
}
