use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use topology::model::{HostId, Model, Port, PortId};

use super::dispute::Dispute;
use crate::limits::Bucket;

/// How often a port may be taken from one host by another, at once.
const MOVES: f64 = 8.0;
/// Seconds until it may be taken once more, after that.
const MOVE_INTERVAL: f64 = 60.0;
/// Ports whose moves are remembered, before those are forgotten that have been quiet.
const REMEMBERED: usize = 1024;

/// Which hosts have an interface for which port, and which of several the port is bound to.
///
/// A port may be plugged on two hosts for a while, when its VM moves. The host that plugged it
/// last has it. What a host already had when this controller first heard of it is older than
/// anything seen to happen since, and among those the stored binding stands: a restart changes
/// nothing.
///
/// A VM moves now and then. A port that one host after the other takes too often is *contested*: it
/// stays where it is while it is plugged there, as if the others had had it all along.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    by_port: BTreeMap<PortId, BTreeMap<HostId, Age>>,
    by_host: BTreeMap<HostId, Claimed>,
    plugged: u64,
    reports: u64,
    /// What is left to ports that have moved of late.
    moves: BTreeMap<PortId, Bucket>,
    /// Who has plugged a port and was not given it, since it moved last.
    contested: BTreeMap<PortId, BTreeSet<HostId>>,
}

/// What one host has said.
#[derive(Debug, Default)]
struct Claimed {
    ports: BTreeSet<PortId>,
    /// Its last whole report.
    report: u64,
}

/// What something that a host says comes to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Ports whose claims have changed, at a host's first report all of its stored ones too.
    pub(crate) changed: BTreeSet<PortId>,
    /// Ports that the host has plugged.
    pub(crate) plugged: Vec<PortId>,
}

/// How recent a claim is: 0 when it was there at the host's first report.
type Age = u64;

impl Claims {
    /// `host` has interfaces for exactly these ports now. Returns the report's number, too.
    pub(crate) fn report(
        &mut self,
        model: &Model,
        host: HostId,
        ports: BTreeSet<PortId>,
        now: Instant,
    ) -> (u64, Outcome) {
        self.reports += 1;
        let claimed = Claimed { ports: ports.clone(), report: self.reports };
        let before = self.by_host.insert(host, claimed);
        let first = before.is_none();
        let before = before.unwrap_or_default().ports;
        let changed = before.symmetric_difference(&ports).copied().collect();
        let mut outcome = Outcome { changed, ..Outcome::default() };
        for gone in before.difference(&ports) {
            self.remove(host, *gone);
        }
        for &new in ports.difference(&before) {
            self.add(model, host, new, (!first).then_some(now), &mut outcome);
        }
        if first {
            outcome.changed.extend(model.ports_on(host).map(|port| port.id));
        }
        (self.reports, outcome)
    }

    /// True while the last whole report of `host` is the one with this number.
    pub(crate) fn is_last_report(&self, host: HostId, report: u64) -> bool {
        self.by_host.get(&host).is_some_and(|claimed| claimed.report == report)
    }

    /// `host`, which has reported before, has an interface for `port` now, or has none.
    pub(crate) fn set(
        &mut self,
        model: &Model,
        host: HostId,
        port: PortId,
        plugged: bool,
        now: Instant,
        outcome: &mut Outcome,
    ) {
        let Some(Claimed { ports, .. }) = self.by_host.get_mut(&host) else { return };
        let changed = if plugged { ports.insert(port) } else { ports.remove(&port) };
        if !changed {
            return;
        }
        outcome.changed.insert(port);
        if plugged {
            self.add(model, host, port, Some(now), outcome);
        } else {
            self.remove(host, port);
        }
    }

    /// Whether a port that was plugged just now may go to whom it was plugged by.
    fn may_move(&mut self, model: &Model, port: PortId, now: Instant) -> bool {
        let is_taken = self.by_port.contains_key(&port);
        if !is_taken || model.port(port).is_none() {
            return true;
        }
        if self.moves.len() >= REMEMBERED && !self.moves.contains_key(&port) {
            self.moves.retain(|_, left| !left.is_full(now));
        }
        let left = self
            .moves
            .entry(port)
            .or_insert_with(|| Bucket::new(MOVES, MOVE_INTERVAL.recip(), now));
        left.take(now)
    }

    /// `host` is no host of ours any more. Returns the ports it had claimed.
    pub(crate) fn forget(&mut self, host: HostId) -> BTreeSet<PortId> {
        let ports = self.by_host.remove(&host).unwrap_or_default().ports;
        for port in &ports {
            self.remove(host, *port);
        }
        ports
    }

    /// The ports that `host` has an interface for.
    pub(crate) fn of(&self, host: HostId) -> impl Iterator<Item = PortId> + '_ {
        self.by_host.get(&host).into_iter().flat_map(|claimed| claimed.ports.iter().copied())
    }

    /// What is wrong with `host` having an interface for a port, if anything is.
    pub(crate) fn dispute(&self, model: &Model, host: HostId, port: PortId) -> Option<Dispute> {
        let is_contested = || self.contested.get(&port).is_some_and(|hosts| hosts.contains(&host));
        requested_elsewhere(model, host, port)
            .or_else(|| is_contested().then(|| held_elsewhere(model, host, port)).flatten())
    }

    /// The host that `port` is bound to.
    pub(crate) fn resolve(&self, model: &Model, port: &Port) -> Option<HostId> {
        let requested = |id: &HostId| {
            let name = port.requested_host.as_ref();
            model.host(*id).is_some_and(|host| name.is_none_or(|name| host.meta.name == *name))
        };
        let best = self.by_port.get(&port.id).and_then(|claims| {
            let allowed = claims.iter().filter(|(host, _)| requested(host));
            allowed.max_by_key(|&(&host, &age)| (age, port.bound_host == Some(host)))
        });
        // A host that has not reported since this controller started keeps what it had, against
        // everything but a plug that was seen to happen.
        let silent =
            port.bound_host.filter(|host| requested(host) && !self.by_host.contains_key(host));
        match (best, silent) {
            (Some((_, 0)) | None, Some(silent)) => Some(silent),
            (best, _) => best.map(|(&host, _)| host),
        }
    }

    /// `host` has plugged `port`: it was seen to, or has had it from before.
    fn add(
        &mut self,
        model: &Model,
        host: HostId,
        port: PortId,
        seen: Option<Instant>,
        outcome: &mut Outcome,
    ) {
        let mut age = 0;
        if let Some(now) = seen {
            if self.may_move(model, port, now) {
                self.plugged += 1;
                age = self.plugged;
                self.contested.remove(&port);
            } else {
                self.contested.entry(port).or_default().insert(host);
            }
        }
        self.by_port.entry(port).or_default().insert(host, age);
        outcome.plugged.push(port);
    }

    fn remove(&mut self, host: HostId, port: PortId) {
        if let Some(hosts) = self.contested.get_mut(&port) {
            hosts.remove(&host);
            if hosts.is_empty() {
                self.contested.remove(&port);
            }
        }
        if let Some(claims) = self.by_port.get_mut(&port) {
            claims.remove(&host);
            if claims.is_empty() {
                self.by_port.remove(&port);
            }
        }
    }
}

/// What is wrong with `host` having an interface for a port that is requested on another.
fn requested_elsewhere(model: &Model, host: HostId, port: PortId) -> Option<Dispute> {
    let requested = model.port(port)?.requested_host.as_ref()?;
    let is_here = model.host(host).is_some_and(|host| host.meta.name == *requested);
    (!is_here).then(|| Dispute::PortRequested { port, requested: requested.clone() })
}

/// What is wrong with `host` having an interface for a port that another keeps.
fn held_elsewhere(model: &Model, host: HostId, port: PortId) -> Option<Dispute> {
    let holder = model.port(port)?.bound_host.filter(|holder| *holder != host)?;
    let holder = model.host(holder)?.meta.name.clone();
    Some(Dispute::PortContested { port, holder })
}

#[cfg(test)]
mod tests;
