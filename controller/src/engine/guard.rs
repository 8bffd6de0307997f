use std::collections::BTreeMap;

use topology::compile::{Loss, Losses};
use topology::model::{HostId, Timestamp};

/// What a host would lose.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Removal {
    /// Flows of ours that would go.
    pub flows: u64,
    /// Flows of ours that the host has.
    pub of: u64,
}

/// How much a host may lose at once, and all hosts together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RemovalLimit {
    /// Of the flows, in percent; 100 for all of them.
    pub percent: u8,
    /// So many flows may go whatever their share is.
    pub floor: u64,
}

/// Flows of ours that a switch has and should not have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Surplus {
    /// Those of what the host should have nothing of: a network, a port.
    pub orphaned: u64,
    /// All others.
    pub extra: u64,
    /// Flows of ours that the switch has, these among them.
    pub of: u64,
}

/// What of a [`Surplus`] stays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stay {
    /// All of it goes.
    Nothing,
    /// What is orphaned stays.
    Orphaned,
    /// All of it stays.
    Everything,
}

/// Flows that stay until somebody says that they may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hold {
    /// The flows, and those they are a part of.
    pub removal: Removal,
    /// Since when.
    pub since: Timestamp,
}

/// What one host has to do with the guard.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guard {
    /// What was to go when the host was seen for the first time.
    first: Removal,
    /// This process has brought the host to what it should have, or was told that it may: from
    /// then on everything that goes was deleted through this process.
    trusted: bool,
    hold: Option<Hold>,
    /// It is held because of a change that this process has committed.
    of_change: bool,
}

impl Guard {
    pub(super) fn first(&self) -> Removal {
        self.first
    }

    pub(super) fn hold(&self) -> Option<Hold> {
        self.hold
    }

    /// What stays of a switch's surplus, where `others` is what all other hosts together were to
    /// lose when they were seen for the first time.
    pub(super) fn judge(
        &mut self,
        surplus: Surplus,
        others: Removal,
        limit: RemovalLimit,
        now: Timestamp,
    ) -> Stay {
        let Surplus { orphaned, extra, of } = surplus;
        if self.hold.is_some() {
            let flows = orphaned + if self.of_change { extra } else { 0 };
            self.found(flows);
            if let Some(hold) = &mut self.hold {
                hold.removal.of = of;
            }
        } else if !self.trusted {
            self.first = Removal { flows: orphaned, of };
            let all = self.first + others;
            let is_held = orphaned > 0 && (limit.forbids(self.first) || limit.forbids(all));
            self.hold = is_held.then_some(Hold { removal: self.first, since: now });
            self.trusted = !is_held;
        }
        match (self.hold, self.of_change) {
            (None, _) => Stay::Nothing,
            (Some(_), false) => Stay::Orphaned,
            (Some(_), true) => Stay::Everything,
        }
    }

    /// A change that was committed does not take these flows away.
    pub(super) fn hold_change(&mut self, removal: Removal, now: Timestamp) {
        let held = self.hold.map_or(0, |hold| hold.removal.flows);
        let since = self.hold.map_or(now, |hold| hold.since);
        let removal = Removal { flows: held + removal.flows, of: held + removal.of };
        self.hold = Some(Hold { removal, since });
        self.of_change = true;
    }

    /// So many of the flows that are held are there; when there are none, nothing is held.
    pub(super) fn found(&mut self, flows: u64) {
        match &mut self.hold {
            Some(hold) if flows > 0 => hold.removal.flows = flows,
            Some(_) => drop(self.release()),
            None => {}
        }
    }

    /// Whatever is held may go; false when nothing was.
    pub(super) fn release(&mut self) -> bool {
        let was_held = self.hold.take().is_some();
        self.trusted |= was_held;
        self.of_change = false;
        was_held
    }
}

impl RemovalLimit {
    /// The hosts from which a change that has these consequences takes nothing before it is
    /// confirmed, and what stays there: those that would lose too much; all that would lose
    /// anything, when together they would.
    pub(super) fn held(self, losses: Losses) -> BTreeMap<HostId, Removal> {
        let Losses { hosts, of } = losses;
        let flows = hosts.values().map(|loss| loss.flows as u64).sum();
        let all = self.forbids(Removal { flows, of: of as u64 });
        let removals = hosts.into_iter().map(|(host, loss)| (host, Removal::from(loss)));
        removals.filter(|(_, removal)| all || self.forbids(*removal)).collect()
    }

    fn forbids(self, Removal { flows, of }: Removal) -> bool {
        flows > self.floor && flows * 100 > of * u64::from(self.percent)
    }
}

impl From<Loss> for Removal {
    fn from(Loss { flows, of }: Loss) -> Self {
        Self { flows: flows as u64, of: of as u64 }
    }
}

impl Default for RemovalLimit {
    fn default() -> Self {
        Self { percent: 50, floor: 500 }
    }
}

impl std::ops::Add for Removal {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { flows: self.flows + other.flows, of: self.of + other.of }
    }
}

#[cfg(test)]
mod tests;
