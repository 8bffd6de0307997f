//! Reading back what a switch has, and making it what it should have: at the start of a session,
//! and when others have changed something.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use topology::block::BlockFlow;
use topology::cookie::Cookie;
use topology::explain::explain;
use tracing::{debug, info, warn};

use super::super::collation::Collation;
use super::super::held::{self, Held};
use super::super::policy::{ForeignFlows, OnDrift};
use super::super::reconcile::Difference;
use super::super::zones::PortZones;
use super::lanes::{Purpose, Turn};
use super::{SETTINGS_INTERVAL, Session, SessionEnd};
use crate::clock;
use crate::engine::{Comparison, DriftByTable, Snapshot, Stay, Stopped, Surplus, Which};
use crate::offload::offload;

/// Flows that are named in the log each time.
const NAMED: usize = 10;

impl Session {
    /// Reads back what the switch has, and begins to send what differs from what it should have.
    pub(super) async fn synchronise(&mut self) -> Result<(), SessionEnd> {
        let turn = self.turn().await?;
        let begun = clock::now();
        let snapshot = self.engine.snapshot(self.place.host, self.place.session).await?;
        let Snapshot { blocks, flows, ticket } = snapshot.ok_or(SessionEnd::Replaced)?;
        let (mut difference, zones) = self.compare(flows).await?;
        self.zones = zones;
        self.standing.clear();
        // What it is still to have is missing, and is tried again by that.
        if self.refusals.forget() {
            self.tell_refusals().await?;
        }
        info!(
            host = %self.place.host,
            put = difference.put.len(),
            removed = difference.removed.len(),
            orphaned = difference.orphaned.len(),
            foreign = difference.foreign.len(),
            "read back"
        );
        self.guard(&mut difference).await?;
        let foreign = self.treat_foreign(&mut difference, true);
        self.begin(difference, blocks, Purpose::Snapshot { ticket, foreign }, (begun, turn)).await
    }

    /// Decides whether what the switch has and should not have may go. An empty store, or that of
    /// another network, would take away everything; so may a change that was a mistake.
    async fn guard(&mut self, difference: &mut Difference) -> Result<(), SessionEnd> {
        let host = self.place.host;
        let displaced = held::take_displaced(difference);
        let surplus = Surplus {
            orphaned: difference.orphaned.len() as u64,
            extra: difference.removed.len() as u64,
            of: difference.ours,
        };
        let stay = self.engine.judge(host, surplus).await?;
        self.held = Held::take(difference, stay);
        let (flows, of) = (self.held.len(), surplus.of);
        match stay {
            Stay::Nothing => {}
            Stay::Orphaned => warn!(
                %host, flows, of,
                "flows of what is not in the store stay until `weft host release`: is it the right \
                 store?"
            ),
            Stay::Everything => {
                warn!(%host, flows, of, "flows stay until `weft host release`: a change is held");
            }
        }
        difference.remove_orphaned();
        difference.remove(displaced);
        Ok(())
    }

    /// Says how many flows are held, when that are less than before.
    pub(super) async fn tell_held(&self) -> Result<(), SessionEnd> {
        let (host, session) = (self.place.host, self.place.session);
        Ok(self.engine.held(host, session, self.held.len() as u64).await?)
    }

    /// Looks at what is due to be looked at.
    pub(super) async fn look(&mut self) -> Result<(), SessionEnd> {
        self.settle().await?;
        let now = clock::now();
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_due(self.settings_due) {
            self.look_at_settings().await?;
            self.settings_due = self.settings_due.map(|_| clock::now() + SETTINGS_INTERVAL);
        }
        if is_due(self.refusals.deadline()) {
            self.try_again().await?;
        }
        if is_due(self.recheck_deadline()) {
            self.look_at_flows().await?;
        }
        Ok(())
    }

    /// When the switch is to be compared; not while it is being sent what it lacks.
    pub(super) fn recheck_deadline(&self) -> Option<Instant> {
        self.rechecks.deadline().filter(|_| self.underway.is_none())
    }

    /// Reads back what the switch has. What differs from what it has confirmed was changed by
    /// others: it is counted, and put right where that is wanted.
    async fn look_at_flows(&mut self) -> Result<(), SessionEnd> {
        let asked = clock::now();
        let turn = self.turn().await?;
        let begun = clock::now();
        // When something is to be sent first, that comes first; then it is tried again.
        let settled = self.engine.settled(self.place.host, self.place.session).await?;
        let Some(flows) = settled else { return Ok(()) };
        let (mut difference, _) = self.compare(flows).await?;
        self.rechecks.read_back(asked, clock::now());
        self.refusals.discount(&mut difference);
        if self.held.find(&mut difference) {
            self.tell_held().await?;
        }
        difference.remove_orphaned();
        let found = std::mem::take(&mut difference.tables);
        let heal = self.policy.drift == OnDrift::Heal;
        // What was left as it was is no news.
        if !difference.is_none() && found != self.standing {
            self.report(&difference, heal).await?;
        }
        self.standing = if heal { DriftByTable::default() } else { found.clone() };
        let foreign = self.treat_foreign(&mut difference, heal);
        if !heal {
            difference = Difference::default();
        }
        debug!(put = difference.put.len(), removed = difference.removed.len(), "read back again");
        let purpose = Purpose::Heal(Comparison { found, healed: heal, foreign });
        self.begin(difference, vec![], purpose, (begun, turn)).await
    }

    /// Puts right, or reports, what others have changed and no flow says.
    async fn look_at_settings(&mut self) -> Result<(), SessionEnd> {
        let host = self.place.host;
        if self.policy.drift == OnDrift::Observe {
            let wrong = self.connection.wrong_settings(self.log_rate).await?.len();
            if wrong > std::mem::replace(&mut self.settings_wrong, wrong) {
                warn!(%host, wrong, "others have changed a meter, a port or how fragments are treated");
            }
            return Ok(());
        }
        let prepared = self.connection.prepare(self.log_rate).await?;
        if prepared.refused > 0 {
            self.settings_due = None;
        }
        if prepared.set > 0 {
            let healed = prepared.set;
            warn!(%host, healed, "others had changed a meter, a port or how fragments are treated");
            self.engine.settings_healed(host, self.place.session, healed).await?;
        }
        Ok(())
    }

    /// Waits for this switch's turn to be read back.
    async fn turn(&mut self) -> Result<Turn, SessionEnd> {
        let mut turn = pin!(self.turns.clone().acquire_owned());
        loop {
            tokio::select! {
                biased;
                permit = &mut turn => return Ok(Turn::new(permit.map_err(|_| Stopped)?)),
                event = self.connection.next() => drop(event?),
            }
        }
    }

    /// Reads back what the switch has, and compares it with `wanted` and with what is left for a
    /// moment; answers also which port has which conntrack zone there.
    async fn compare(
        &mut self,
        wanted: Vec<Arc<BlockFlow>>,
    ) -> Result<(Difference, PortZones), SessionEnd> {
        // What others do from here on may or may not be seen: it is a reason to look again.
        self.connection.take_disturbances();
        let (mut collation, mut zones) = (Collation::new(wanted), PortZones::default());
        let read_back = self.connection.tell_flows(Which::All, |stats| {
            zones.put(&stats.flow);
            collation.tell(&stats);
        });
        read_back.await?;
        let finished = offload(move || collation.finish());
        Ok((finished.await.map_err(|_| Stopped)?, zones))
    }

    /// Deals with flows that are not ours as is wanted; answers how many stay.
    fn treat_foreign(&self, difference: &mut Difference, heal: bool) -> u64 {
        let (host, foreign) = (self.place.host, std::mem::take(&mut difference.foreign));
        if !heal || self.policy.foreign == ForeignFlows::Keep {
            return foreign.len() as u64;
        }
        for flow in foreign.iter().take(NAMED) {
            warn!(%host, %flow, "a flow that is not ours is removed");
        }
        difference.removed.extend(foreign);
        0
    }

    /// Writes into the log what others have changed, and what that was for.
    async fn report(&self, difference: &Difference, heal: bool) -> Result<(), SessionEnd> {
        let host = self.place.host;
        let put = difference.put.iter().map(|put| ("missing or altered", &put.flow.flow));
        let extra = difference.removed.iter().map(|flow| ("extra", flow));
        let named: Vec<_> =
            put.chain(extra).take(NAMED).map(|(what, flow)| (what, flow.clone())).collect();
        let explained = self.engine.read(move |view| {
            let explained = named.into_iter().map(|(what, flow)| {
                let why = explain(Cookie(flow.cookie), Some(&flow.matching), view.model);
                (what, flow, why.map_or_else(|error| error.to_string(), |why| why.sentence))
            });
            explained.collect::<Vec<_>>()
        });
        for (what, flow, why) in explained.await? {
            warn!(%host, table = flow.table, %flow, why, "others have changed a flow: {what}");
        }
        let (put, extra) = (difference.put.len(), difference.removed.len());
        let outcome = if heal { "it is put right" } else { "it is left so" };
        warn!(%host, missing_or_altered = put, extra, "others have changed flows; {outcome}");
        Ok(())
    }
}
