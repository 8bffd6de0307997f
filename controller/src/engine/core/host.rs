//! What hosts say, and which connection may say it.

use std::net::IpAddr;

use tokio::sync::oneshot;
use topology::intent::Plan;
use topology::model::{HostId, PortId};

use super::super::binding::Outcome;
use super::super::dispute::Dispute;
use super::super::fleet::{Ovsdb, Waiting, target_ip};
use super::super::handle::Taken;
use super::super::identity::{ConnectionId, Identification};
use super::super::report::{HostReport, Interface, NotTaken, Reported};
use super::Core;
use crate::clock;

/// What can be asked of the engine about hosts.
pub(in crate::engine) enum HostCommand {
    Identify {
        system_id: String,
        peer: IpAddr,
        reply: oneshot::Sender<Identification>,
    },
    Report {
        connection: ConnectionId,
        target: Option<String>,
        report: Box<HostReport>,
        reply: oneshot::Sender<Option<Result<Taken, NotTaken>>>,
    },
    /// What has become of interfaces since the report.
    ReportInterfaces {
        connection: ConnectionId,
        since: Reported,
        interfaces: Vec<(PortId, Interface)>,
        reply: oneshot::Sender<Option<Vec<Dispute>>>,
    },
    Disconnected {
        connection: ConnectionId,
    },
    Unreserve {
        connection: ConnectionId,
    },
    Attach {
        datapath_id: u64,
        switch: Waiting,
    },
}

impl Core {
    pub(super) fn handle_host(&mut self, command: HostCommand) {
        match command {
            HostCommand::Identify { system_id, peer, reply } => {
                let identification = self.identify(&system_id, peer);
                let connection = identification.connection;
                if reply.send(identification).is_err() {
                    self.disconnected(connection);
                    self.identities.unreserve(connection);
                }
                self.tick();
            }
            HostCommand::Report { connection, target, report, reply } => {
                if self.identities.speaks_for(connection, &report.system_id) {
                    self.report(connection, target.as_deref(), *report, reply);
                } else {
                    let _ = reply.send(None);
                }
            }
            HostCommand::ReportInterfaces { connection, since, interfaces, reply } => {
                let is_spoken_for = self.fleet.speaks_for(connection, since.host);
                if is_spoken_for && self.claims.is_last_report(since.host, since.number) {
                    self.report_interfaces(since.host, interfaces, reply);
                } else {
                    let _ = reply.send(None);
                }
            }
            HostCommand::Disconnected { connection } => {
                self.disconnected(connection);
                self.tick();
            }
            HostCommand::Unreserve { connection } => {
                self.identities.unreserve(connection);
                self.tick();
            }
            HostCommand::Attach { datapath_id, switch } => {
                self.fleet.wait(datapath_id, switch);
                self.place(datapath_id);
            }
        }
    }

    fn identify(&mut self, system_id: &str, peer: IpAddr) -> Identification {
        let host = self.compiler.model().host_by_system_id(system_id);
        let is_named = host.and_then(|host| target_ip(host)) == Some(peer);
        let known = host.is_some();
        let (connection, standing) = self.identities.identify(system_id, peer, is_named);
        Identification { connection, standing, known }
    }

    fn disconnected(&mut self, connection: ConnectionId) {
        let Some(system_id) = self.identities.disconnected(connection) else { return };
        let host = self.compiler.model().host_by_system_id(&system_id).map(|host| host.id);
        for host in self.fleet.ovsdb_gone(host, connection, self.now()) {
            self.fleet.forget_if_gone(host, &self.compiler);
        }
    }

    fn report(
        &mut self,
        connection: ConnectionId,
        target: Option<&str>,
        report: HostReport,
        reply: oneshot::Sender<Option<Result<Taken, NotTaken>>>,
    ) {
        let context = self.context(self.staged + 1);
        let Plan { changes, answer: host } = match report.plan(&context, target) {
            Ok(plan) => plan,
            Err(refused) => {
                let _ = reply.send(Some(Err(refused)));
                return;
            }
        };
        let tunnel_ip = report.tunnel_ip_of_another(context.model);
        let mut disputes: Vec<_> = tunnel_ip.iter().cloned().collect();
        if !changes.is_empty() {
            self.staged += 1;
            self.apply(changes);
        }
        self.compiler.set_facts(host, report.facts());
        self.reported.extend(report.datapath_id);
        let ports = report.interfaces.keys().copied().collect();
        let model = self.compiler.model();
        let (number, claimed) = self.claims.report(model, host, ports, clock::now());
        disputes.extend(self.claimed(host, claimed));
        if let Some(peer) = self.identities.peer(connection) {
            let management_ips = report.management_ips;
            let ovsdb = Ovsdb { connection, peer, management_ips, tunnel_ip, is_connected: true };
            self.fleet.ovsdb_heard(host, ovsdb, self.now());
        }
        let reported = Reported { host, number };
        self.when_durable(move |_| {
            let _ = reply.send(Some(Ok(Taken { reported, disputes })));
        });
    }

    /// Costs nothing for the interfaces that are as they were.
    fn report_interfaces(
        &mut self,
        host: HostId,
        interfaces: Vec<(PortId, Interface)>,
        reply: oneshot::Sender<Option<Vec<Dispute>>>,
    ) {
        let now = clock::now();
        let mut claimed = Outcome::default();
        for (port, interface) in interfaces {
            let (plugged, number) = match interface {
                Interface::Gone => (false, None),
                Interface::Here(number) => (true, number),
            };
            self.compiler.set_port(host, port, number);
            self.claims.set(self.compiler.model(), host, port, plugged, now, &mut claimed);
        }
        let disputes = self.claimed(host, claimed);
        self.fleet.heard(host, self.now());
        self.when_durable(move |_| {
            let _ = reply.send(Some(disputes));
        });
    }

    /// Binds what a host has claimed; answers what it is not given of that.
    fn claimed(&mut self, host: HostId, claimed: Outcome) -> Vec<Dispute> {
        let Outcome { changed, plugged } = claimed;
        self.bind(changed);
        let model = self.compiler.model();
        let disputes = plugged.into_iter();
        disputes.filter_map(|port| self.claims.dispute(model, host, port)).collect()
    }
}
