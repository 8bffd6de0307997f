//! Who speaks for a host, and what is said.

use ovsdb::replica::Replica;
use tracing::info;

use super::super::report::report;
use super::{Session, SessionEnd};
use crate::clock;
use crate::engine::{ConnectionId, Dispute, Standing, Taken};
use crate::limits::Breach;

impl Session {
    /// Reports what the database says; false when it is not taken, because the host does not say
    /// which it is or another connection speaks for it.
    pub(super) async fn report(&mut self, replica: &Replica) -> Result<bool, SessionEnd> {
        let (report, problems) = match report(replica) {
            Ok(read) => read,
            Err(unidentified) => {
                if self.unidentified.replace(unidentified) != Some(unidentified) {
                    self.breach(Breach::Report, "a host does not say which it is", &unidentified);
                }
                return Ok(false);
            }
        };
        if let Some((_, before)) =
            self.reported.as_ref().filter(|(_, it)| it.system_id != report.system_id)
        {
            let (from, to) = (before.system_id.clone(), report.system_id);
            return Err(SessionEnd::Renamed { from, to });
        }
        let Some(connection) = self.speaks(&report.system_id).await? else { return Ok(false) };
        if problems != self.problems {
            for problem in problems.told() {
                let problem = format!("system_id={:?} {problem}", report.system_id);
                self.breach(Breach::Report, "a host says what is not taken in", &problem);
            }
            self.problems = problems;
        }
        if let Some((since, before)) = &mut self.reported
            && let Some(interfaces) = report.interfaces_since(before)
        {
            let disputes = match interfaces.is_empty() {
                true => Some(vec![]),
                false => self.engine.report_interfaces(connection, *since, interfaces).await?,
            };
            if let Some(disputes) = disputes {
                *before = report;
                self.disputed(disputes);
                return Ok(true);
            }
        }
        let target = self.link.dialled.clone();
        let taken = self.engine.report(connection, target, report.clone()).await?;
        let Taken { reported, disputes } = match taken {
            Some(Ok(taken)) => taken,
            Some(Err(reason)) => {
                return Err(SessionEnd::NotTaken { system_id: report.system_id, reason });
            }
            // Its standing says why.
            None => return Ok(false),
        };
        let host = reported.host;
        if self.host.replace(host).is_none() {
            info!(%host, system_id = report.system_id, name = report.hostname, "host connected");
        }
        self.reported = Some((reported, report));
        self.disputed(disputes);
        Ok(true)
    }

    fn disputed(&self, disputes: Vec<Dispute>) {
        for dispute in disputes {
            let reason = format!("system_id={:?} {dispute}", self.system_id());
            self.breach(dispute.breach(), "a host claims what it is not given", &reason);
        }
    }

    /// The connection's number, if it is the one that speaks for the host `system_id`.
    async fn speaks(&mut self, system_id: &str) -> Result<Option<ConnectionId>, SessionEnd> {
        let peer = self.link.peer.to_canonical();
        if self.identity.is_none() {
            let identity = self.engine.identify(system_id.to_owned(), peer).await?;
            // Those that an operator has named are no strangers.
            let is_stranger = !identity.known && self.link.dialled.is_none();
            self.identity = Some(identity);
            if is_stranger && !self.registrations.take(peer, clock::now()) {
                return Err(SessionEnd::TooSoon { system_id: system_id.to_owned() });
            }
        }
        let Some(identity) = &mut self.identity else { return Ok(None) };
        let (connection, standing) = (identity.connection, *identity.standing.borrow_and_update());
        let Standing::Parked { holder } = standing else {
            self.parked_behind = None;
            return Ok(Some(connection));
        };
        if self.parked_behind.replace(holder) != Some(holder) {
            if holder == peer {
                info!(system_id, "a newer connection speaks for the host");
            } else {
                let reason = format!("system_id={system_id:?} is the host's at {holder}");
                self.breach(Breach::SystemId, "a host's identity is taken", &reason);
            }
        }
        // Whoever speaks again says everything.
        self.reported = None;
        Ok(None)
    }
}
