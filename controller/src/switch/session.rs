use std::net::IpAddr;

use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use topology::cookie::Cookie;
use tracing::{debug, info, warn};

use super::connection::{Connection, ConnectionError};
use super::listen::Switches;
use super::reconcile::difference;
use super::script::Script;
use crate::engine::{Attachment, Engine, Stopped, SwitchRequest, Ticket, Which};
use crate::limits::Breach;

/// Questions of other parts that may wait for a session.
const REQUESTS: usize = 8;

/// Why a switch's session ended.
#[derive(Debug, Error)]
pub(super) enum SessionEnd {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("another connection of the same switch has taken over")]
    Replaced,
    #[error("the switch refused {count} flows")]
    Refused { count: usize },
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl SessionEnd {
    /// The limit that was met or the rule that was broken, if that is why the session ended.
    pub(super) fn breach(&self) -> Option<Breach> {
        match self {
            Self::Connection(error) => error.breach(),
            Self::Replaced | Self::Refused { .. } | Self::Stopped(_) => None,
        }
    }
}

/// Serves one connection of a switch.
pub(super) async fn serve_stream(
    switches: Switches,
    stream: TcpStream,
    peer: IpAddr,
) -> SessionEnd {
    match attach(switches, stream, peer).await {
        Ok(mut session) => {
            let end = session.follow().await;
            session.engine.detach(session.place.host, session.place.session).await;
            match end {
                Ok(never) => match never {},
                Err(end) => end,
            }
        }
        Err(end) => end,
    }
}

/// Shakes hands, and waits until the switch's host is known.
async fn attach(
    switches: Switches,
    stream: TcpStream,
    peer: IpAddr,
) -> Result<Session, SessionEnd> {
    let Switches { engine, log_rate, gate } = switches;
    let (mut connection, features) = Connection::open(stream).await?;
    connection.account_to(gate.breaches().clone(), peer);
    let datapath_id = features.datapath_id;
    info!(datapath_id = format_args!("{datapath_id:016x}"), "switch connected");
    let (sender, requests) = mpsc::channel(REQUESTS);
    let place = {
        let mut attach = std::pin::pin!(engine.attach(datapath_id, sender));
        loop {
            tokio::select! {
                place = &mut attach => break place?,
                event = connection.next() => drop(event?),
            }
        }
    };
    connection.prepare(log_rate).await?;
    Ok(Session { engine, connection, place, requests })
}

struct Session {
    engine: Engine,
    connection: Connection,
    place: Attachment,
    requests: mpsc::Receiver<SwitchRequest>,
}

impl Session {
    async fn follow(&mut self) -> Result<std::convert::Infallible, SessionEnd> {
        self.synchronise().await?;
        loop {
            let (host, session) = (self.place.host, self.place.session);
            while let Some(update) = self.engine.next(host, session).await? {
                let ticket = update.ticket;
                let script = Script::from_update(update);
                debug!(flow_mods = script.len(), revision = ticket.revision, "sending changes");
                self.carry_out(&script).await?;
                self.confirm(ticket, &script, None).await?;
            }
            tokio::select! {
                woken = self.place.wake.changed() => woken.map_err(|_| SessionEnd::Replaced)?,
                request = self.requests.recv() => match request {
                    Some(request) => self.answer(request).await?,
                    None => return Err(SessionEnd::Replaced),
                },
                // Nothing that comes unasked is needed; reading it keeps the connection alive.
                event = self.connection.next() => drop(event?),
            }
        }
    }

    /// Reads back what the switch has, and sends what differs from what it should have.
    async fn synchronise(&mut self) -> Result<(), SessionEnd> {
        let installed = self.connection.read_back(Which::All).await?;
        let count = installed.len();
        let snapshot = self.engine.snapshot(self.place.host, self.place.session).await?;
        let snapshot = snapshot.ok_or(SessionEnd::Replaced)?;
        let ticket = snapshot.ticket;
        let difference =
            tokio::task::spawn_blocking(move || difference(&snapshot.flows, &installed))
                .await
                .map_err(|_| Stopped)?;
        let foreign = difference.foreign.len();
        info!(
            host = %self.place.host,
            installed = count,
            put = difference.put.len(),
            removed = difference.removed.len(),
            foreign,
            "read back"
        );
        for flow in difference.foreign.iter().take(10) {
            warn!(table = flow.table, cookie = %Cookie(flow.cookie), "a flow that is not ours");
        }
        let script = Script::from_difference(difference);
        self.carry_out(&script).await?;
        self.confirm(ticket, &script, Some(foreign as u64)).await
    }

    /// Sends a script; a switch that refuses part of it is not what it should be, so the session
    /// ends.
    async fn carry_out(&mut self, script: &Script) -> Result<(), SessionEnd> {
        match self.connection.carry_out(script).await? {
            0 => Ok(()),
            count => Err(SessionEnd::Refused { count }),
        }
    }

    async fn confirm(
        &self,
        ticket: Ticket,
        script: &Script,
        foreign: Option<u64>,
    ) -> Result<(), SessionEnd> {
        let sent = script.len() as u64;
        Ok(self.engine.confirm(self.place.host, ticket, sent, foreign).await?)
    }

    async fn answer(&mut self, request: SwitchRequest) -> Result<(), SessionEnd> {
        match request {
            SwitchRequest::Installed { which, reply } => {
                let flows = self.connection.read_back(which).await?;
                // Whoever asked may have gone.
                let _ = reply.send(flows);
            }
        }
        Ok(())
    }
}
