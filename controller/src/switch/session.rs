mod compare;
mod lanes;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lanes::Underway;
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc};
use tracing::{debug, info};

use super::bundles::Refused;
use super::connection::{Connection, ConnectionError};
use super::held::Held;
use super::listen::Switches;
use super::policy::Policy;
use super::recheck::Rechecks;
use super::refusals::Refusals;
use super::rule_log::RuleLog;
use super::script::Script;
use super::stream::Stream;
use super::zones::PortZones;
use crate::clock;
use crate::engine::{
    Attaching, Attachment, DriftByTable, Engine, HandOver, Stopped, SwitchRequest,
};
use crate::limits::{Breach, Protocol};

/// Questions of other parts that may wait for a session.
const REQUESTS: usize = 8;

/// How often the switch's settings are looked at: no switch tells of changes to them.
const SETTINGS_INTERVAL: Duration = Duration::from_secs(4);

/// Why a switch's session ended.
#[derive(Debug, Error)]
pub(super) enum SessionEnd {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("another connection of the same switch has taken over")]
    Replaced,
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl SessionEnd {
    /// The limit that was met or the rule that was broken, if that is why the session ended.
    pub(super) fn breach(&self) -> Option<Breach> {
        match self {
            Self::Connection(error) => error.breach(),
            Self::Replaced | Self::Stopped(_) => None,
        }
    }
}

/// Serves one connection of a switch.
pub(super) async fn serve_stream(
    switches: Switches,
    stream: impl Stream,
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
    stream: impl Stream,
    peer: IpAddr,
) -> Result<Session, SessionEnd> {
    let turns = switches.turns();
    let Switches { engine, log_rate, policy, gate, .. } = switches;
    let (mut connection, features) = Connection::open(stream).await?;
    connection.account_to(gate.breaches().clone(), peer);
    let datapath_id = features.datapath_id;
    info!(datapath_id = format_args!("{datapath_id:016x}"), "switch connected");
    let (sender, requests) = mpsc::channel(REQUESTS);
    let Attaching { mut place, mut disputed } = engine.attach(datapath_id, peer, sender).await?;
    let place = loop {
        tokio::select! {
            biased;
            place = &mut place => break place.map_err(|_| Stopped)?,
            Ok(()) = disputed.changed() => {
                if let Some(dispute) = &*disputed.borrow_and_update() {
                    let (breach, what) = (dispute.breach(), "switch is given no place");
                    gate.breaches().record(Protocol::OpenFlow, breach, peer, what, dispute);
                }
            }
            event = connection.next() => if let Err(error) = event {
                // It may have been given its place meanwhile.
                if let Ok(Attachment { host, session, .. }) = place.try_recv() {
                    engine.detach(host, session).await;
                }
                return Err(error.into());
            },
        }
    };
    connection.log_rules(RuleLog::start(engine.clone(), place.host, log_rate));
    Ok(Session {
        engine,
        policy,
        log_rate,
        turns,
        connection,
        place,
        requests,
        rechecks: Rechecks::new(None, clock::now()),
        refusals: Refusals::default(),
        settings_due: None,
        held: Held::default(),
        settings_wrong: 0,
        standing: DriftByTable::default(),
        zones: PortZones::default(),
        underway: None,
        again: false,
    })
}

struct Session {
    engine: Engine,
    policy: Policy,
    log_rate: NonZeroU32,
    turns: Arc<Semaphore>,
    connection: Connection,
    place: Attachment,
    requests: mpsc::Receiver<SwitchRequest>,
    rechecks: Rechecks,
    refusals: Refusals,
    /// When the switch's settings are to be looked at; `None` when it refuses them.
    settings_due: Option<Instant>,
    held: Held,
    /// Settings that were found to be wrong and left so.
    settings_wrong: usize,
    /// Flows that were found to be wrong at the last comparison and left so.
    standing: DriftByTable,
    zones: PortZones,
    /// What the switch lacks and is sent in parts.
    underway: Option<Underway>,
    /// When that is there, the switch is to be compared with a snapshot once more.
    again: bool,
}

impl Session {
    /// Sees to what flows presuppose, and asks to be told of changes.
    async fn set_up(&mut self) -> Result<(), SessionEnd> {
        let prepared = self.connection.prepare(self.log_rate).await?;
        // What a switch refuses once it would refuse each time.
        self.settings_due = (prepared.refused == 0).then(|| clock::now() + SETTINGS_INTERVAL);
        let is_told = self.connection.monitor().await?;
        let interval = (!is_told).then_some(self.policy.read_back_interval);
        self.rechecks = Rechecks::new(interval, clock::now());
        Ok(())
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, SessionEnd> {
        self.set_up().await?;
        self.synchronise().await?;
        let mut may_have_changed = true;
        loop {
            // In turns: what changes does not wait for more than two parts, nor is there ever so much
            // of it that no part goes. What the switch says is no reason to ask: it may say much, and
            // the engine has other things to do.
            let hand_over = match std::mem::replace(&mut may_have_changed, true) {
                true => self.next_hand_over().await?,
                false => None,
            };
            let was_handed = hand_over.is_some();
            match hand_over {
                Some(HandOver::Update(update)) => self.send_update(*update).await?,
                // When what the switch is being sent is there.
                Some(HandOver::Compare) => self.again = true,
                None => {}
            }
            self.send_part().await?;
            let goes_on = was_handed || self.underway.is_some();
            if self.underway.is_none() {
                if std::mem::take(&mut self.again) {
                    self.synchronise().await?;
                    continue;
                }
                if self.connection.take_disturbances() > 0 {
                    self.rechecks.disturbed();
                }
            }
            let deadline = self.deadline();
            tokio::select! {
                // First who has changed what, then what time it is: else a session that was
                // replaced might go on comparing.
                biased;
                woken = self.place.wake.changed() => woken.map_err(|_| SessionEnd::Replaced)?,
                request = self.requests.recv() => match request {
                    Some(request) => self.answer(request).await?,
                    None => return Err(SessionEnd::Replaced),
                },
                () = until(deadline) => self.look().await?,
                // There may be more behind a hand-over; what comes later wakes.
                () = std::future::ready(()), if goes_on => may_have_changed = was_handed,
                // Nothing else that comes unasked is needed; reading keeps the connection alive.
                event = self.connection.next() => {
                    drop(event?);
                    may_have_changed = false;
                }
            }
        }
    }

    /// What has changed since the last hand-over. What is on its way is there first: receipts for it
    /// are of what was handed over before.
    async fn next_hand_over(&mut self) -> Result<Option<HandOver>, SessionEnd> {
        self.settle().await?;
        Ok(self.engine.next(self.place.host, self.place.session).await?)
    }

    /// When something is to be looked at.
    fn deadline(&self) -> Option<Instant> {
        let deadlines = [self.recheck_deadline(), self.settings_due, self.refusals.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Sends a script. What the switch refuses of it is told to the engine and tried again later;
    /// the rest is as if nothing had been refused.
    async fn carry_out(&mut self, script: &Script) -> Result<(), SessionEnd> {
        let flushes = self.zones.follow(script);
        let refused = self.connection.carry_out_between(script, flushes).await?;
        self.carried_out(script, refused).await
    }

    /// The switch has carried out a script but for what it has refused of it.
    async fn carried_out(
        &mut self,
        script: &Script,
        refused: Vec<Refused>,
    ) -> Result<(), SessionEnd> {
        if self.held.follow(script, &refused) {
            self.tell_held().await?;
        }
        if self.refusals.follow(script, refused, clock::now()) {
            self.tell_refusals().await?;
        }
        Ok(())
    }

    /// Tries again what the switch has refused.
    async fn try_again(&mut self) -> Result<(), SessionEnd> {
        let script = self.refusals.script();
        debug!(flow_mods = script.len(), "trying refused flows again");
        let refused = self.connection.try_out(&script).await?;
        if self.held.follow(&script, &refused) {
            self.tell_held().await?;
        }
        if self.refusals.tried(refused, clock::now()) {
            self.tell_refusals().await?;
        }
        Ok(())
    }

    async fn tell_refusals(&self) -> Result<(), SessionEnd> {
        let told = self.refusals.told();
        info!(host = %self.place.host, flows = told.count, "flows that the switch does not take");
        Ok(self.engine.refused(self.place.host, self.place.session, told).await?)
    }

    async fn answer(&mut self, request: SwitchRequest) -> Result<(), SessionEnd> {
        self.settle().await?;
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

/// Sleeps until `deadline`, for ever when there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
