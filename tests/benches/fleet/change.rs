//! Single changes, each from the request to the barrier of the last host that it concerns.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use proto::v1 as pb;
use proto::v1::host::State;
use topology::model::PortId;

use super::database::name_of;
use super::process::cpu;
use super::samples::Samples;
use super::scene::Scene;
use super::switch::Receipt;
use super::tenants::{Size, port, port_id};

/// How long a change may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between looks at a host's state.
const LOOK: Duration = Duration::from_millis(2);

/// How long a report that changes nothing may take to arrive.
const ARRIVAL: Duration = Duration::from_millis(30);

/// What changes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    /// A client makes a port; its interface is there already.
    Create,
    /// The interface of a port appears.
    Plug,
    /// A port that was in no security group joins that of all others on its network.
    Join,
    /// A host's connections are lost and made anew.
    Reconnect,
}

/// What it took.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    pub(crate) times: Samples,
    /// Hosts that got flow-mods, in the middle round.
    pub(crate) hosts: usize,
    /// Flow-mods, in the middle round.
    pub(crate) flow_mods: usize,
    /// In the mean.
    pub(crate) cpu: Duration,
    pub(crate) own_cpu: Duration,
}

impl Change {
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Plug, Self::Join, Self::Reconnect];

    /// What tables call it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Create => "port created",
            Self::Plug => "port plugged",
            Self::Join => "port joins the group",
            Self::Reconnect => "host reconnects",
        }
    }
}

impl Scene {
    /// Makes a change, each time on another host, and takes it back unmeasured.
    pub(crate) fn change(&mut self, what: Change, rounds: usize) -> Result<Cost> {
        let (pid, own_pid) = (self.pid()?, std::process::id());
        let mut cost = Cost::default();
        let (mut hosts, mut flow_mods) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            // A stride that shares no factor with the number of hosts visits all of them.
            let subject = Subject::new(self.size, round * 37 % self.size.hosts, round);
            let request = self.prepare_change(what, &subject)?;
            let (used, own) = (cpu(pid)?, cpu(own_pid)?);
            let begun = Instant::now();
            let (end, receipts) = match what {
                Change::Create => {
                    self.api.create_port(subject.port())?;
                    self.confirmed_by(subject.concerned)?
                }
                Change::Plug => {
                    self.plug(&subject)?;
                    self.confirmed_by(subject.concerned)?
                }
                Change::Join => {
                    self.api.update_port(request.context("nothing to update")?)?;
                    self.confirmed_by(subject.concerned)?
                }
                Change::Reconnect => {
                    self.reconnect(subject.host)?;
                    self.ready_again(subject.host)?
                }
            };
            cost.times.push(end - begun);
            cost.cpu += cpu(pid)?.saturating_sub(used);
            cost.own_cpu += cpu(own_pid)?.saturating_sub(own);
            let mut by_host = BTreeMap::new();
            for receipt in receipts.iter().filter(|receipt| receipt.flow_mods > 0) {
                *by_host.entry(receipt.host).or_insert(0) += receipt.flow_mods;
            }
            hosts.push(by_host.len());
            flow_mods.push(by_host.values().sum());
            self.take_back(what, &subject)?;
        }
        let rounds = u32::try_from(rounds)?.max(1);
        (cost.cpu, cost.own_cpu) = (cost.cpu / rounds, cost.own_cpu / rounds);
        (cost.hosts, cost.flow_mods) = (middle(hosts), middle(flow_mods));
        Ok(cost)
    }

    /// Brings about what a change starts from. Answers the request, where it takes one to know.
    fn prepare_change(
        &mut self,
        what: Change,
        subject: &Subject,
    ) -> Result<Option<pb::UpdatePortRequest>> {
        let mut request = None;
        match what {
            Change::Create => self.plug(subject)?,
            Change::Plug => drop(self.api.create_port(subject.port())?),
            Change::Join => {
                self.plug(subject)?;
                let joined = self.api.create_port(subject.port())?;
                let mask = prost_types::FieldMask { paths: vec!["security_group_ids".to_owned()] };
                let update = |port| pb::UpdatePortRequest {
                    port: Some(port),
                    update_mask: Some(mask.clone()),
                };
                let left = pb::Port { security_group_ids: Vec::new(), ..joined.clone() };
                let left = pb::Port { etag: String::new(), ..left };
                self.api.update_port(update(left))?;
                request = Some(update(pb::Port { etag: String::new(), ..joined }));
            }
            Change::Reconnect => {}
        }
        self.settle()?;
        Ok(request)
    }

    fn take_back(&mut self, what: Change, subject: &Subject) -> Result<()> {
        if what != Change::Reconnect {
            let id = subject.id().0.to_string();
            self.api.delete_port(pb::DeletePortRequest { id, ..Default::default() })?;
            self.hosts.unplug(subject.host, subject.id())?;
        }
        self.settle()
    }

    fn plug(&self, subject: &Subject) -> Result<()> {
        self.hosts.plug(subject.host, subject.id(), self.size.spare_number())
    }

    /// Nothing is on its way any more.
    fn settle(&mut self) -> Result<()> {
        sleep(ARRIVAL);
        self.api.wait(0, PATIENCE)?;
        self.receipts();
        Ok(())
    }

    /// When the last of so many hosts had a change, and all that came for it.
    fn confirmed_by(&mut self, concerned: usize) -> Result<(Instant, Vec<Receipt>)> {
        let begun = Instant::now();
        let mut receipts = Vec::new();
        let changed = |receipts: &[Receipt]| {
            let changed = receipts.iter().filter(|receipt| receipt.flow_mods > 0);
            changed.map(|receipt| receipt.host).collect::<BTreeSet<_>>().len()
        };
        while changed(&receipts) < concerned {
            let (so_far, of) = (changed(&receipts), concerned);
            ensure!(begun.elapsed() < PATIENCE, "{so_far} of {of} hosts have got anything");
            sleep(LOOK);
            receipts.extend(self.receipts());
        }
        // A host that got a part of it before has the rest by then.
        self.api.wait(0, PATIENCE)?;
        receipts.extend(self.receipts());
        let last = receipts.iter().filter(|receipt| receipt.flow_mods > 0).map(|it| it.at).max();
        Ok((last.context("no host was concerned")?, receipts))
    }

    /// When a host that has connected again was seen to be ready.
    fn ready_again(&mut self, host: usize) -> Result<(Instant, Vec<Receipt>)> {
        let begun = Instant::now();
        let mut receipts = Vec::new();
        let request = pb::ListHostsRequest { name: name_of(host), ..Default::default() };
        loop {
            receipts.extend(self.receipts());
            if receipts.iter().any(|receipt| receipt.host == host && receipt.read_back) {
                let answer = self.api.list_hosts(request.clone())?;
                if answer.hosts.iter().all(|host| host.state() == State::Ready) {
                    return Ok((Instant::now(), receipts));
                }
            }
            ensure!(begun.elapsed() < PATIENCE, "{} is not ready", name_of(host));
            sleep(LOOK);
        }
    }
}

/// What a change is about.
struct Subject {
    host: usize,
    /// The port's number: none that was used before.
    number: usize,
    network: usize,
    /// Hosts that have the network.
    concerned: usize,
}

impl Subject {
    fn new(size: Size, host: usize, round: usize) -> Self {
        let network = size.network_of(host * size.ports_per_host);
        let (number, concerned) = (size.ports() + round, size.hosts_of(network));
        Self { host, number, network, concerned }
    }

    fn id(&self) -> PortId {
        port_id(self.number)
    }

    fn port(&self) -> pb::CreatePortRequest {
        port(self.number, self.network)
    }
}

fn middle(mut counts: Vec<usize>) -> usize {
    counts.sort_unstable();
    counts.get(counts.len() / 2).copied().unwrap_or_default()
}
