//! One phase after the other.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lab::wait_until;
use tests::{Kind, Scene, Traffic};

use crate::churn::Churn;
use crate::datapath::Datapaths;
use crate::dice::Dice;
use crate::fault::{Excuse, Fault};
use crate::intruders::Intruders;
use crate::tally::Tally;

/// The hosts.
pub(crate) const HOSTS: [u16; 3] = [1, 2, 3];

/// How long hosts may take to be as they should after all that.
const QUIET: Duration = Duration::from_secs(60);

/// The first conntrack zone that is the controller's by default.
const FLOOR: u32 = 4096;

/// Changes before a fault, while it lasts, and after it.
const CHANGES: usize = 5;

pub(crate) struct Soak {
    pub(crate) scene: Scene,
    pub(crate) tally: Tally,
    traffic: Traffic,
    intruders: Intruders,
    dice: Dice,
}

impl Soak {
    pub(crate) fn new(
        scene: Scene,
        mut traffic: Traffic,
        intruders: Intruders,
        dice: Dice,
    ) -> Result<Self> {
        // What was lost while everything was built up is nobody's loss.
        traffic.stop()?;
        let mut soak = Self { scene, traffic, intruders, dice, tally: Tally::default() };
        soak.quieten()?;
        Ok(soak)
    }

    /// Changes, something that fails, and what comes of it.
    pub(crate) fn phase(&mut self, churn: &mut Churn) -> Result<()> {
        let fault = Fault::roll(&mut self.dice);
        let plugging = self.dice.below(2) == 0;
        let number = self.tally.phases + 1;
        let with = if plugging { ", VMs come and go" } else { "" };
        println!("phase {number}: {fault}{with}");
        let context = || format!("phase {number}, {fault}");
        let mut excuses: Vec<_> = fault.excuses().into_iter().collect();
        let before = Datapaths::look(&self.scene)?;
        self.traffic.run().with_context(context)?;

        self.change(churn, plugging, &HOSTS, &mut excuses)?;
        fault.strike(&mut self.scene).with_context(context)?;
        if fault.leaves_controller() {
            self.change(churn, plugging, &fault.leaves(), &mut excuses).with_context(context)?;
        }
        fault.mend(&mut self.scene).with_context(context)?;
        self.quieten().with_context(context)?;
        self.change(churn, plugging, &HOSTS, &mut excuses).with_context(context)?;
        self.quieten().with_context(context)?;
        self.traffic.goes_on().with_context(context)?;
        let report = self.traffic.stop().with_context(context)?;

        let losses = Datapaths::look(&self.scene)?.since(&before);
        let mut found = self.tally.add(&report, &excuses, &losses);
        if !found.is_empty() {
            found.extend(losses.dropped);
        }
        self.tally.phases = number;
        self.tally.changes = churn.changes;
        *self.tally.faults.entry(fault.to_string()).or_default() += 1;
        let zones = self.leaked_zones()?;
        found.extend(zones.iter().map(|zone| format!("leaked zone: {zone}")));
        self.tally.leaked_zones += zones.len() as u64;
        let arrived = self.intruders.arrived()?;
        if arrived > self.tally.wrong {
            found.push(format!("{} frames arrived that must not", arrived - self.tally.wrong));
            self.tally.wrong = arrived;
        }
        self.tally.weigh(self.scene.weftd.pid().context("weftd does not run")?)?;
        found.iter().for_each(|what| println!("  {what}"));
        Ok(())
    }

    /// A few changes.
    fn change(
        &mut self,
        churn: &mut Churn,
        plugging: bool,
        hosts: &[u16],
        excuses: &mut Vec<Excuse>,
    ) -> Result<()> {
        for _ in 0..CHANGES {
            if plugging && self.dice.below(2) == 0 {
                // When an interface comes or goes, Open vSwitch reads its routes anew, and drops
                // what goes out of tunnels meanwhile (docs/hosts.md).
                let touched = churn.plug(&self.scene, &mut self.dice, hosts)?;
                excuses.extend(
                    touched.into_iter().map(|host| Excuse { host, kinds: vec![Kind::Vxlan] }),
                );
            } else {
                churn.change(&self.scene, &mut self.dice)?;
            }
        }
        Ok(())
    }

    /// Waits until every host has confirmed everything and has exactly the flows it should.
    pub(crate) fn quieten(&mut self) -> Result<()> {
        self.scene.wait_ready()?;
        self.scene.settle()?;
        for host in HOSTS {
            let exact = || self.surplus(host).is_ok_and(|surplus| surplus == 0);
            if wait_until("its flows", QUIET, exact).is_err() {
                let surplus = self.surplus(host)?;
                println!("  h{host} has {surplus:+} flows");
                self.tally.leaked_flows += surplus.unsigned_abs();
            }
        }
        Ok(())
    }

    /// What the flows of every host do, with interfaces by their names: a tunnel port that was
    /// deleted and made again has another number.
    pub(crate) fn rules(&self) -> Result<Vec<BTreeSet<String>>> {
        let changing = ["duration=", "n_packets=", "n_bytes=", "idle_age=", "hard_age="];
        let rule = |line: &str| {
            let words = line.split_whitespace();
            words
                .filter(|word| !changing.iter().any(|it| word.starts_with(it)))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let dump = |&host| {
            let text = self.scene.host(host).ofctl(&["--names", "dump-flows", "br-int"])?;
            Ok(text.lines().filter(|line| line.contains("cookie=")).map(rule).collect())
        };
        HOSTS.iter().map(dump).collect()
    }

    /// Lets an intruder in, at last, and answers what was found.
    pub(crate) fn finish(self) -> Result<Tally> {
        self.intruders.prove(&self.scene)?;
        Ok(self.tally)
    }

    /// Flows that a host has beyond those it should.
    fn surplus(&self, host: u16) -> Result<i64> {
        let desired = self.scene.record(host)?.flows;
        let there = self.scene.flows(host)?.len() as u64;
        Ok(there.cast_signed() - desired.cast_signed())
    }

    /// Zones of ours with connections that no port has.
    fn leaked_zones(&self) -> Result<Vec<String>> {
        let mut leaked = Vec::new();
        for number in HOSTS {
            let host = self.scene.host(number);
            let columns = ["--bare", "--columns=ofport", "list", "Interface"];
            let ports = host.vsctl(&columns)?;
            let ports = ports.split_whitespace().filter_map(|port| port.parse::<u32>().ok());
            let owned: BTreeSet<u32> = ports.map(|port| FLOOR + port).collect();
            let dump = host.appctl(&["dpctl/dump-conntrack"])?;
            let zones = dump.lines().filter_map(|line| {
                let (_, rest) = line.split_once("zone=")?;
                rest.split([',', ')']).next()?.parse::<u32>().ok()
            });
            let used: BTreeSet<u32> = zones.filter(|zone| *zone >= FLOOR).collect();
            leaked.extend(used.difference(&owned).map(|zone| format!("{zone} on h{number}")));
        }
        Ok(leaked)
    }
}
