//! What the sessions with hosts ask of the engine.

use std::net::IpAddr;

use tokio::sync::{mpsc, oneshot, watch};
use topology::model::{HostId, PortId};

use super::super::core::Command;
use super::super::core::host::HostCommand;
use super::super::dispute::Dispute;
use super::super::drift::RowsByTable;
use super::super::fleet::Waiting;
use super::super::identity::{ConnectionId, Identification};
use super::super::report::{HostReport, Interface, NotTaken, Reported};
use super::{Attachment, Engine, Stopped, SwitchRequest};

/// What a host's report has come to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Taken {
    /// The report that later ones can be told as differences from.
    pub reported: Reported,
    /// What it claims newly and is not given.
    pub disputes: Vec<Dispute>,
}

/// A switch that waits for its place.
#[derive(Debug)]
pub struct Attaching {
    /// Resolves when the switch has its place.
    pub place: oneshot::Receiver<Attachment>,
    /// Why it has none, when that is because of where it comes from.
    pub disputed: watch::Receiver<Option<Dispute>>,
}

impl Engine {
    /// Says that an OVSDB connection from `peer` is of the host `system_id`.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn identify(
        &self,
        system_id: String,
        peer: IpAddr,
    ) -> Result<Identification, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(HostCommand::Identify { system_id, peer: peer.to_canonical(), reply }).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// Takes what a host's OVSDB says on a connection that speaks for the host. `target` is where
    /// it listens, when Weft dialled it. `None` when the connection does not speak for the host
    /// any more.
    ///
    /// # Errors
    ///
    /// When the engine has ended; within that, when no new host is taken.
    pub async fn report(
        &self,
        connection: ConnectionId,
        target: Option<String>,
        report: HostReport,
    ) -> Result<Option<Result<Taken, NotTaken>>, Stopped> {
        let (reply, answer) = oneshot::channel();
        let report = Box::new(report);
        self.send(HostCommand::Report { connection, target, report, reply }).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// Takes what has become of interfaces since a report, all else being as it was; answers what
    /// the host claims newly and is not given. `None` when the host has reported anew meanwhile,
    /// is not known any more, or is spoken for by another connection: then nothing was taken.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn report_interfaces(
        &self,
        connection: ConnectionId,
        since: Reported,
        interfaces: Vec<(PortId, Interface)>,
    ) -> Result<Option<Vec<Dispute>>, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(HostCommand::ReportInterfaces { connection, since, interfaces, reply }).await?;
        answer.await.map_err(|_| Stopped)
    }

    /// An OVSDB connection that was identified is over. Its place stays reserved for its address.
    pub async fn disconnected(&self, connection: ConnectionId) {
        // Nobody to tell when the engine has ended.
        let _ = self.send(HostCommand::Disconnected { connection }).await;
    }

    /// The place of a connection that is over is not reserved any longer.
    pub async fn unreserve(&self, connection: ConnectionId) {
        // Nobody to tell when the engine has ended.
        let _ = self.send(HostCommand::Unreserve { connection }).await;
    }

    /// Asks for the place of a switch at `peer` with this datapath id. It gets one when the host is
    /// known whose `br-int` has that datapath id, its OVSDB has been read, and `peer` is an address
    /// of that host.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn attach(
        &self,
        datapath_id: u64,
        peer: IpAddr,
        requests: mpsc::Sender<SwitchRequest>,
    ) -> Result<Attaching, Stopped> {
        let (reply, place) = oneshot::channel();
        let (told, disputed) = watch::channel(None);
        let switch = Waiting { peer: peer.to_canonical(), requests, reply, disputed: told };
        self.send(HostCommand::Attach { datapath_id, switch }).await?;
        Ok(Attaching { place, disputed })
    }

    /// So many rows of ours in the host's database were changed by others, and put right or left.
    ///
    /// # Errors
    ///
    /// When the engine has ended.
    pub async fn rows_compared(
        &self,
        host: HostId,
        found: RowsByTable,
        healed: bool,
    ) -> Result<(), Stopped> {
        self.send(Command::RowsCompared { host, found, healed }).await
    }
}

impl From<HostCommand> for Command {
    fn from(command: HostCommand) -> Self {
        Self::Host(command)
    }
}
