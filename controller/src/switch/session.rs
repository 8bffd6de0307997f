use std::fmt;

use bytes::Bytes;
use openflow::message::{
    BundleControl, BundleControlType, BundleFlags, ErrorMessage, FlowModCommand, FlowStats,
    FlowStatsRequest, Message, MultipartReplyBody, MultipartRequest, MultipartRequestBody,
    bundle_add_frame, bundled_flow_frame,
};
use openflow::session::Event;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use topology::cookie::Cookie;
use tracing::{debug, info, warn};

use super::connection::{Connection, ConnectionError};
use super::reconcile::difference;
use super::script::{Script, Step};
use crate::engine::{Attachment, Engine, Stopped, SwitchRequest, Ticket};

/// The bundle's number: one is open at a time on a connection.
const BUNDLE_ID: u32 = 1;
/// The xid of all flow-mods inside bundles: the same for every switch, so that their bytes are; none
/// of [`openflow::session::Session::OWN_XIDS`].
const SHARED_XID: u32 = 1;
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
    #[error("a flow does not fit a message: {0}")]
    TooLong(#[from] openflow::TooLong),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Serves one connection of a switch.
pub(super) async fn serve_stream(engine: Engine, stream: TcpStream) -> SessionEnd {
    match attach(engine, stream).await {
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
async fn attach(engine: Engine, stream: TcpStream) -> Result<Session, SessionEnd> {
    let (mut connection, features) = Connection::open(stream).await?;
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
        let installed = self.read_back().await?;
        let count = installed.len();
        let snapshot = self.engine.snapshot(self.place.host, self.place.session).await?;
        let snapshot = snapshot.ok_or(SessionEnd::Replaced)?;
        let ticket = snapshot.ticket;
        let difference =
            tokio::task::spawn_blocking(move || difference(&snapshot.flows, installed))
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
            SwitchRequest::Installed(reply) => {
                let flows = self.read_back().await?;
                // Whoever asked may have gone.
                let _ = reply.send(flows);
            }
        }
        Ok(())
    }

    async fn read_back(&mut self) -> Result<Vec<FlowStats>, SessionEnd> {
        let body = MultipartRequestBody::Flow(FlowStatsRequest::default());
        let request = Message::MultipartRequest(MultipartRequest { more: false, body });
        let sent = self.connection.send(&request)?;
        let mut flows = Vec::new();
        loop {
            match self.connection.next().await? {
                Event::Part { xid, body, last } if xid == sent => {
                    if let MultipartReplyBody::Flow(part) = body {
                        flows.extend(part);
                    }
                    if last {
                        return Ok(flows);
                    }
                }
                Event::Error { xid, error } if xid == sent => {
                    return Err(ConnectionError::Refused { what: "flow statistics", error }.into());
                }
                _ => {}
            }
        }
    }

    /// Sends a script, bundle by bundle; every one is confirmed before the next.
    async fn carry_out(&mut self, script: &Script) -> Result<(), SessionEnd> {
        let mut refused = 0;
        for bundle in script.bundles() {
            if let Some(error) = self.send_bundle(bundle).await? {
                // One bad message drops the whole bundle: the good ones go one by one.
                warn!(error = %error.code, flow_mods = bundle.len(), "the switch refused a bundle");
                refused += self.send_singly(bundle).await?;
            }
        }
        match refused {
            0 => Ok(()),
            count => Err(SessionEnd::Refused { count }),
        }
    }

    /// Sends the steps as one atomic bundle, and waits for the barrier behind it.
    async fn send_bundle(&mut self, steps: &[Step]) -> Result<Option<ErrorMessage>, SessionEnd> {
        let control = |kind| Message::BundleControl(BundleControl::new(BUNDLE_ID, kind));
        self.connection.send(&control(BundleControlType::OpenRequest))?;
        for step in steps {
            self.connection.send_encoded(frame(step)?);
        }
        self.connection.send(&control(BundleControlType::CommitRequest))?;
        // The first error says what was wrong, those behind it only that the bundle is gone.
        let errors = self.barrier().await?;
        Ok(errors.into_iter().next().map(|(_, error)| error))
    }

    /// Sends the steps each on its own; answers how many the switch refused.
    async fn send_singly(&mut self, steps: &[Step]) -> Result<usize, SessionEnd> {
        let mut sent = Vec::with_capacity(steps.len());
        for step in steps {
            sent.push(self.connection.send(&step.message())?);
        }
        let errors = self.barrier().await?;
        for (xid, error) in &errors {
            let step = sent.iter().position(|other| other == xid).map(|at| &steps[at]);
            warn!(error = %error.code, flow = %Refused(step), "the switch refused a flow");
        }
        Ok(errors.len())
    }

    /// Waits until the switch has dealt with everything; answers the errors meanwhile.
    async fn barrier(&mut self) -> Result<Vec<(u32, ErrorMessage)>, SessionEnd> {
        let sent = self.connection.send(&Message::BarrierRequest)?;
        let mut errors = Vec::new();
        loop {
            match self.connection.next().await? {
                Event::Reply { xid, .. } if xid == sent => return Ok(errors),
                Event::Error { xid, error } => errors.push((xid, error)),
                _ => {}
            }
        }
    }
}

/// The message by which a step becomes part of the open bundle.
fn frame(step: &Step) -> Result<Bytes, SessionEnd> {
    let xid = SHARED_XID;
    let flags = BundleFlags::ATOMIC_ORDERED;
    Ok(match step {
        Step::Put(flow) => {
            bundled_flow_frame(FlowModCommand::Add, &flow.flow, BUNDLE_ID, flags, xid)?
        }
        step => bundle_add_frame(&step.message().to_bytes(xid)?, BUNDLE_ID, flags, xid)?,
    })
}

/// A refused step, for the log.
struct Refused<'a>(Option<&'a Step>);

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Step::Put(flow)) => write!(f, "{}", flow.flow),
            Some(Step::Remove(flow)) => write!(f, "removal of {flow}"),
            Some(Step::Clear(block)) => write!(f, "removal of {block:?}"),
            None => f.write_str("(unknown)"),
        }
    }
}
