mod network;

use tokio::sync::mpsc;
use topology::block::BlockId;
use topology::compile::Compiler;
use topology::model::{Host, HostId, Model, Port, Timestamp};
use topology::pipeline::Table;

use super::binding::Claims;
use super::dispute::Dispute;
use super::drift::Drift;
use super::fleet::{Fleet, Record};
use super::guard::Hold;
use super::handle::SwitchRequest;
use super::identity::Identities;
use super::refused::{RefusedFlow, RefusedFlows};
pub use network::NetworkStatus;

/// The state as of the last commit.
#[derive(Debug)]
pub struct View<'a> {
    /// The tenant model.
    pub model: &'a Model,
    /// What it compiles to.
    pub compiler: &'a Compiler,
    /// The store revision.
    pub revision: u64,
    pub(super) fleet: &'a Fleet,
    pub(super) identities: &'a Identities,
    pub(super) claims: &'a Claims,
}

/// Of what is disputed between hosts, the most that is told of one.
const MAX_DISPUTES: usize = 16;

/// How a host is connected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostState {
    /// No OpenFlow session, or no OVSDB session.
    Offline,
    /// Connected, but its flows are not confirmed for the first time yet.
    Syncing,
    /// Connected and confirmed; changes follow as they come.
    Ready,
}

/// How far a host is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostStatus {
    /// How it is connected.
    pub state: HostState,
    /// The revision it should be at.
    pub desired_revision: u64,
    /// The revision that it has confirmed everything of. While flows are held it is no further than
    /// before.
    pub realized_revision: u64,
    /// When anything was last heard that changed what is known of it.
    pub last_seen: Option<Timestamp>,
    /// When its present OpenFlow session began.
    pub connected: Option<Timestamp>,
    /// Flow-mod messages sent to it since this `weftd` started.
    pub flow_mods_sent: u64,
    /// Flows it should have.
    pub flows: u64,
    /// Flows found on it that are not ours, at the last read-back.
    pub foreign_flows: u64,
    /// What others have changed on it.
    pub drift: Drift,
    /// Flows that stay until somebody says that they may go.
    pub hold: Option<Hold>,
    /// Flows that it should have and its switch does not take.
    pub refused: RefusedFlows,
}

/// Whether a port carries traffic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PortStatus {
    /// Not plugged, or switched off.
    Down,
    /// Plugged; not every host that needs its flows has confirmed them.
    Building,
    /// Confirmed by every connected host that needs its flows.
    Active,
    /// It cannot work as things are.
    Error,
}

impl View<'_> {
    /// How far a host is.
    pub fn host_status(&self, host: HostId) -> HostStatus {
        let record = self.fleet.get(host);
        let flows = self.compiler.blocks_of(host).filter_map(|id| self.compiler.block(id));
        HostStatus {
            state: record.map_or(HostState::Offline, Record::state),
            desired_revision: self.revision,
            realized_revision: record.map_or(0, |record| record.feed.realized(self.revision)),
            last_seen: record.and_then(|record| record.last_seen),
            connected: record.and_then(|record| record.connected),
            flow_mods_sent: record.map_or(0, |record| record.flow_mods_sent),
            flows: flows.map(|block| block.len() as u64).sum(),
            foreign_flows: record.map_or(0, |record| record.foreign),
            hold: record.and_then(|record| record.guard.hold()),
            refused: record.map(|record| record.refused.clone()).unwrap_or_default(),
            drift: record.map(|record| record.drift.clone()).unwrap_or_default(),
        }
    }

    /// What others claim of what the host is or has, and the host of others, as things are now.
    pub fn disputes(&self, host: &Host) -> Vec<Dispute> {
        let system_id = host.system_id.iter();
        let rivals = system_id.flat_map(|system_id| self.identities.rivals(system_id));
        let rivals = rivals.map(|rival| Dispute::SystemId { rival });
        let switches = host.datapath_id.iter();
        let switches = switches.flat_map(|datapath_id| self.fleet.disputing(*datapath_id));
        let tunnel_ip = self.fleet.tunnel_dispute(host.id).cloned();
        let ports = self.claims.of(host.id);
        let ports = ports.filter_map(|port| self.claims.dispute(self.model, host.id, port));
        rivals.chain(switches).chain(tunnel_ip).chain(ports).take(MAX_DISPUTES).collect()
    }

    /// Connections of OVSDB servers that are listened to and not believed, because others have
    /// said before that they are those hosts.
    pub fn parked(&self) -> usize {
        self.identities.parked()
    }

    /// Switches that have no place: nobody knows their host, or they come from elsewhere.
    pub fn waiting_switches(&self) -> usize {
        self.fleet.waiting()
    }

    /// A port's status, derived from what hosts have confirmed, and the reason in words: also that
    /// its host keeps flows that a change of the port may have meant to remove.
    pub fn port_status(&self, port: &Port) -> (PortStatus, String) {
        let (status, mut reason) = self.status_but_for_holds(port);
        let record = port.bound_host.and_then(|host| self.fleet.get(host));
        let is_held = record.is_some_and(|record| {
            record.guard.hold().is_some()
                && record.feed.realized(self.revision) < port.meta.revision
        });
        if is_held && let Some(host) = port.bound_host.and_then(|host| self.model.host(host)) {
            let separator = if reason.is_empty() { "" } else { "; " };
            let name = &host.meta.name;
            reason += &format!("{separator}host {name} keeps flows until they are released");
        }
        (status, reason)
    }

    fn status_but_for_holds(&self, port: &Port) -> (PortStatus, String) {
        if !port.admin_up {
            return (PortStatus::Down, "admin_state_up is false".into());
        }
        let Some(id) = port.bound_host else {
            return (PortStatus::Down, "no host has an interface for it".into());
        };
        let Some(host) = self.model.host(id) else {
            return (PortStatus::Error, format!("bound to host {id}, which does not exist"));
        };
        let name = &host.meta.name;
        let network = self.model.network(port.network);
        match network.and_then(|network| network.segment.physical_network()) {
            Some(physical) if !host.bridge_mappings.contains_key(physical) => {
                let reason = format!("host {name} maps no bridge to physical network {physical}");
                return (PortStatus::Error, reason);
            }
            None if host.tunnel_ip.is_none() => {
                let reason = format!("host {name} has no tunnel address (weft-encap-ip)");
                return (PortStatus::Error, reason);
            }
            _ => {}
        }
        let facts = self.compiler.facts(id);
        let Some(&number) = facts.and_then(|facts| facts.ports.get(&port.id)) else {
            let reason = format!("host {name} has given it no OpenFlow port yet");
            return (PortStatus::Building, reason);
        };
        if self.compiler.lacks_zone(port, number) {
            let floor = self.compiler.zones().floor();
            let reason = format!(
                "its OpenFlow port {} on host {name} leaves no conntrack zone for it: {floor} and \
                 the number are above 65535",
                number.0
            );
            return (PortStatus::Error, reason);
        }
        if let Some(refused) = self.refused(id, port) {
            return (PortStatus::Error, reason_of(name, refused));
        }
        if !self.has_confirmed(id, port) {
            return (PortStatus::Building, format!("host {name} has not confirmed its flows"));
        }
        let (mut late, mut offline) = (vec![], vec![]);
        let shared = network.map(|network| BlockId::Network(network.meta.key));
        for other in shared.into_iter().flat_map(|block| self.compiler.subscribers(block)) {
            if let Some(refused) = self.refused(other, port) {
                let name = self.model.host(other).map_or("", |host| &host.meta.name);
                return (PortStatus::Error, reason_of(name, refused));
            }
            if self.has_confirmed(other, port) {
                continue;
            }
            let list = match self.fleet.get(other).map(Record::state) {
                Some(HostState::Offline) | None => &mut offline,
                Some(_) => &mut late,
            };
            list.extend(self.model.host(other).map(|host| host.meta.name.as_str()));
        }
        match (late.is_empty(), offline.is_empty()) {
            (false, _) => (PortStatus::Building, format!("not confirmed by: {}", late.join(", "))),
            (true, false) => (
                PortStatus::Active,
                format!("unreachable from offline hosts: {}", offline.join(", ")),
            ),
            (true, true) => (PortStatus::Active, String::new()),
        }
    }

    /// Whether `host` has confirmed what `port` needs there: everything up to the port's revision,
    /// or else every block on the way of its packets, in its newest version, while other blocks are
    /// still on their way to the switch.
    pub fn has_confirmed(&self, host: HostId, port: &Port) -> bool {
        let (Some(record), Some(key)) =
            (self.fleet.get(host), self.model.host(host).map(|host| host.meta.key))
        else {
            return false;
        };
        let feed = &record.feed;
        let is_there = |block: &BlockId| feed.has_confirmed(*block);
        let own = BlockId::HostPort { host: key, port: port.meta.key };
        let is_own = port.bound_host == Some(host);
        if is_own && !is_there(&own) {
            return false;
        }
        feed.realized(self.revision) >= port.meta.revision
            || match is_own {
                true => self.compiler.presupposed(own).iter().all(is_there),
                false => {
                    let network = self.model.network(port.network);
                    network.is_some_and(|it| is_there(&BlockId::Network(it.meta.key)))
                }
            }
    }

    /// A flow that a port needs on `host` and that the switch there does not take.
    fn refused(&self, host: HostId, port: &Port) -> Option<&RefusedFlow> {
        let own = port.bound_host == Some(host);
        self.fleet.get(host)?.refused.concerning(port, own, self.model)
    }

    /// The hosts that have not confirmed `revision`, offline ones too.
    pub fn unconfirmed(&self, revision: u64) -> impl Iterator<Item = &Host> {
        let hosts = self.model.hosts().values().map(|host| &**host);
        hosts.filter(move |host| {
            let record = self.fleet.get(host.id);
            record.map_or(0, |record| record.feed.realized(self.revision)) < revision
        })
    }

    /// True when the host has confirmed everything that it should have, whatever it has beside that.
    pub fn lacks_nothing(&self, host: HostId) -> bool {
        self.fleet.get(host).is_some_and(|record| record.feed.has_everything())
    }

    pub(super) fn requests(&self, host: HostId) -> Option<mpsc::Sender<SwitchRequest>> {
        self.fleet.get(host)?.requests.clone()
    }
}

/// Why a port that lacks a flow is in error.
fn reason_of(host: &str, refused: &RefusedFlow) -> String {
    let table = Table::from_number(refused.table);
    let table = table.map_or_else(|| refused.table.to_string(), |table| table.name().to_owned());
    format!("the switch of host {host} refuses a flow of table {table}: {}", refused.reason)
}
