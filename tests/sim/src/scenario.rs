use std::time::Duration;

use crate::link::Weather;
use crate::random::Random;

/// What happens in a run, as far as it is decided before: all of it by the seed.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How many hosts there are.
    pub hosts: usize,
    /// How many tenants change things at the same time.
    pub tenants: usize,
    /// Networks, ports and so on that a tenant has at most, of each.
    pub size: usize,
    /// Between two changes of a tenant, at most.
    pub pace: Duration,
    /// How long changes and faults last, again and again, before a quiet point.
    pub rounds: Vec<Duration>,
    /// Which faults there are, and how often one is chosen.
    pub faults: Vec<(Fault, u64)>,
    /// Between two faults, at most.
    pub fault_pace: Duration,
    /// How connections are while there are faults.
    pub weather: Weather,
    /// Changes that the store keeps for followers.
    pub retention: u64,
    /// Switches that are read back at a time.
    pub turns: usize,
    /// Whether flows that are not ours are removed.
    pub remove_foreign: bool,
    /// Whether what others change is only reported.
    pub observes: bool,
    /// Of a hundred switches, how many have no flow monitor.
    pub untold: u64,
    /// Flows that may go at once whatever their share is: few, so that much is held, or more than
    /// a host has.
    pub removal_floor: u64,
}

/// A sort of fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// A switch's connection breaks, at both ends.
    Cut,
    /// A switch's connection breaks, and the controller hears nothing of it.
    Vanish,
    /// A switch's connection stands still for a while.
    Stall,
    /// A switch starts anew, without flows and perhaps with other port numbers.
    Restart,
    /// A host's OVSDB connection breaks.
    OvsdbLost,
    /// A host is away for a while.
    Away,
    /// Somebody else changes flows.
    ByHand,
    /// A switch takes only so many flows, or refuses some.
    Refusal,
    /// The controller dies, and its machine with it.
    Crash,
    /// The controller ends, and what it wrote is there.
    Stop,
    /// The disk fails in the middle of something.
    DiskFailure,
    /// A switch says what no switch should say.
    Rotten,
    /// A host is away, and a client deletes it meanwhile.
    Deleted,
}

impl Fault {
    const ALL: [Self; 13] = [
        Self::Cut,
        Self::Vanish,
        Self::Stall,
        Self::Restart,
        Self::OvsdbLost,
        Self::Away,
        Self::ByHand,
        Self::Refusal,
        Self::Crash,
        Self::Stop,
        Self::DiskFailure,
        Self::Rotten,
        Self::Deleted,
    ];
}

impl Scenario {
    /// What this seed means. Most are small; every hundredth has more than a hundred switches.
    pub fn of(seed: u64, random: &mut Random) -> Self {
        let millis =
            |random: &mut Random, least, most| Duration::from_millis(random.within(least..=most));
        let hosts = match seed % 100 {
            99 => random.within(100..=200),
            90..99 => random.within(6..=16),
            _ => random.within(1..=5),
        };
        let is_large = hosts > 50;
        let tenants = if is_large { 2 } else { random.within(1..=3) };
        let rounds = if is_large { 1 } else { random.within(1..=3) };
        let mut faults = Vec::new();
        for fault in Fault::ALL {
            if random.percent(60) {
                faults.push((fault, random.within(1..=4)));
            }
        }
        let weather = Weather {
            delay: millis(random, 1, 300),
            piece: *random.pick(&[7, 64, 1460, 1 << 16]).unwrap_or(&1460),
            window: *random.pick(&[1 << 12, 1 << 16, 1 << 18]).unwrap_or(&(1 << 16)),
        };
        Self {
            hosts: hosts as usize,
            tenants: tenants as usize,
            size: random.within(2..=10) as usize,
            pace: millis(random, 50, 1000),
            rounds: (0..rounds).map(|_| millis(random, 3_000, 20_000)).collect(),
            faults,
            fault_pace: millis(random, 200, 4_000),
            weather,
            retention: random.within(10..=400),
            turns: random.within(1..=8) as usize,
            remove_foreign: random.percent(20),
            observes: random.percent(25),
            untold: *random.pick(&[0, 0, 50, 100]).unwrap_or(&0),
            removal_floor: *random.pick(&[20, 100, 1_000_000]).unwrap_or(&20),
        }
    }

    /// One of the faults that there are.
    pub(crate) fn fault(&self, random: &mut Random) -> Option<Fault> {
        let all: u64 = self.faults.iter().map(|(_, weight)| weight).sum();
        let mut chosen = random.below(all.max(1));
        self.faults.iter().find_map(|&(fault, weight)| {
            let is_it = chosen < weight;
            chosen = chosen.saturating_sub(weight);
            is_it.then_some(fault)
        })
    }
}
