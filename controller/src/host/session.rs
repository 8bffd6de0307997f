mod end;
mod speaker;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ovsdb::client::{Client, Update, Updates};
use ovsdb::replica::Replica;
use ovsdb::session::Options;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use topology::model::HostId;
use topology::pipeline::Table;
use tracing::{info, warn};

pub(super) use self::end::SessionEnd;
use super::listen::Hosts;
use super::onboard::{Basis, Repair, Target, ZoneLimit, limit_zones, onboard};
use super::problems::Problems;
use super::report::Unidentified;
use crate::clock;
use crate::engine::{
    ConnectionId, Engine, HostReport, Identification, Reported, RowsByTable, Stopped,
};
use crate::limits::{Allowance, Breach, Breaches, Bucket, Protocol};
use crate::switch::OnDrift;

/// What hosts are told.
#[derive(Clone, Debug)]
pub struct Onboarding {
    /// The port of the OpenFlow listener that br-int is pointed at.
    pub openflow_port: u16,
    /// The address that hosts find this controller at; `None`: the one that they reached it by.
    pub advertise: Option<IpAddr>,
    /// How many connections a port may have.
    pub zone_limit: ZoneLimit,
    /// What to do when others change what Weft has in a host's database.
    pub drift: OnDrift,
}

impl Onboarding {
    fn target(&self, local: IpAddr) -> Target {
        let ip = self.advertise.unwrap_or(local).to_canonical();
        let controller = match ip {
            IpAddr::V4(ip) => format!("tcp:{ip}:{}", self.openflow_port),
            IpAddr::V6(ip) => format!("tcp:[{ip}]:{}", self.openflow_port),
        };
        let tables = Table::ALL.into_iter().map(|table| (table.number(), table.name()));
        Target { controller, tables: tables.collect(), zone_limit: self.zone_limit }
    }
}

/// The longest message that a host may send, in bytes.
const MAX_MESSAGE: usize = 32 << 20;
/// The largest replica of a host's database, in bytes.
const MAX_REPLICA: usize = 64 << 20;
/// The most rows that a host's database may have: a port, an interface and a conntrack zone for
/// each of 25,000.
const MAX_ROWS: usize = 75_000;
/// How long a host may take to answer a transaction.
const TRANSACTION: Duration = Duration::from_secs(60);
/// Milliseconds that may be spent on a host's reports at once, waiting for the engine included...
const REPORT_BURST: f64 = 2_000.0;
/// ...and of every second after that.
const REPORT_SHARE: f64 = 250.0;
/// Looks at a host's database at once...
const LOOK_BURST: f64 = 100.0;
/// ...and of every second after that: what changes meanwhile is seen together.
const LOOKS: f64 = 20.0;
/// Transactions that a host is sent at once...
const TRANSACTION_BURST: f64 = 32.0;
/// ...and of every second after that, when they do not change what they should.
const TRANSACTIONS: f64 = 1.0;
/// How long the place of a host whose connection has ended is kept for its address: more than
/// ovsdb-server takes to connect again.
const RESERVED: Duration = Duration::from_secs(15);
/// The longest that a host is not listened to when it has used up its share.
const MAX_REST: Duration = Duration::from_secs(5);

/// Ages of a connection at which a host that has dialled in is made to hear something. ovsdb-server
/// waits 1 s before it connects again; when it had heard nothing of a connection that was as old as
/// it had waited for it, twice as long, up to 8 s: hosts would be late for a controller that is
/// started twice in a short time.
pub(super) const EARLY_PROBES: [Duration; 4] = [
    Duration::from_millis(1_500),
    Duration::from_millis(2_500),
    Duration::from_millis(4_500),
    Duration::from_millis(8_500),
];

/// What connections to hosts' databases are bound by; the rest as the crate has it.
pub(super) fn options() -> Options {
    Options {
        max_message: MAX_MESSAGE,
        max_replica: MAX_REPLICA,
        max_rows: MAX_ROWS,
        ..Options::default()
    }
}

/// Between whom a connection is.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// Where the host is.
    pub(super) peer: IpAddr,
    /// Where it finds this controller.
    pub(super) local: IpAddr,
    /// Where the host listens, when this end dialled.
    pub(super) dialled: Option<String>,
}

/// One connection to a host's OVSDB.
pub(super) struct Session {
    engine: Engine,
    breaches: Breaches,
    registrations: Allowance,
    client: Client,
    target: Target,
    link: Link,
    /// What it comes to that the host has said which it is.
    identity: Option<Identification>,
    /// Where the connection is that speaks for the host instead of this one.
    parked_behind: Option<IpAddr>,
    host: Option<HostId>,
    reported: Option<(Reported, HostReport)>,
    problems: Problems,
    unidentified: Option<Unidentified>,
    failures: u32,
    on_drift: OnDrift,
    /// On what grounds the database was right when it last was.
    settled: Option<Basis>,
    /// Rows that others have changed and that are left so.
    standing: RowsByTable,
    /// Of the engine's time.
    share: Bucket,
    looks: Bucket,
    transactions: Bucket,
}

impl Session {
    pub(super) fn new(hosts: &Hosts, client: Client, link: Link) -> Self {
        let now = clock::now();
        Self {
            engine: hosts.engine.clone(),
            breaches: hosts.gate.breaches().clone(),
            registrations: hosts.registrations.clone(),
            client,
            target: hosts.onboarding.target(link.local),
            link,
            identity: None,
            parked_behind: None,
            host: None,
            reported: None,
            problems: Problems::default(),
            unidentified: None,
            failures: 0,
            on_drift: hosts.onboarding.drift,
            settled: None,
            standing: RowsByTable::new(),
            share: Bucket::new(REPORT_BURST, REPORT_SHARE, now),
            looks: Bucket::new(LOOK_BURST, LOOKS, now),
            transactions: Bucket::new(TRANSACTION_BURST, TRANSACTIONS, now),
        }
    }

    /// Follows the database until the connection ends, or `forgotten` is cancelled.
    pub(super) async fn run(
        mut self,
        mut updates: Updates,
        forgotten: &CancellationToken,
    ) -> SessionEnd {
        let end = tokio::select! {
            end = self.follow(&mut updates) => end,
            () = forgotten.cancelled() => Err(SessionEnd::Forgotten),
        };
        if let Some(identity) = self.identity {
            self.engine.disconnected(identity.connection).await;
            // Not for one that was never taken for the host, or is not to be any more.
            let is_host = self.host.is_some() && !forgotten.is_cancelled();
            let reserved = if is_host { RESERVED } else { Duration::ZERO };
            tokio::spawn(unreserve(self.engine, identity.connection, reserved));
        }
        match end {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn follow(
        &mut self,
        updates: &mut Updates,
    ) -> Result<std::convert::Infallible, SessionEnd> {
        let mut replica = updates.next().await?.replica;
        loop {
            let retry = self.look(&replica).await?;
            tokio::select! {
                update = updates.next() => {
                    let Update { replica: latest, .. } = update?;
                    replica = latest;
                }
                () = until(retry) => {}
                standing = changed(&mut self.identity) => standing?,
            }
        }
    }

    /// Takes in what the database says, and brings it to where it should be; answers when to look
    /// at it again if that failed.
    async fn look(&mut self, replica: &Replica) -> Result<Option<Instant>, SessionEnd> {
        let begun = clock::now();
        let speaks = self.report(replica).await?;
        let now = clock::now();
        let spent = u32::try_from((now - begun).as_millis()).unwrap_or(u32::MAX);
        let share = self.share.spend(spent, now);
        let mut rest = share.max(self.looks.spend(1, now));
        let mut retry = None;
        // A host that is not identified is not touched.
        if speaks && let Some((repair, is_drift)) = self.repair(replica).await? {
            rest = rest.max(self.transactions.spend(1, now));
            if !self.carry_out(repair, is_drift).await? {
                let pause = Duration::from_secs(1) * 2u32.pow(self.failures.min(5));
                retry = Some(clock::now() + pause);
            }
        }
        // What the host says meanwhile is not lost: the next look is at the latest.
        sleep(rest.min(MAX_REST)).await;
        Ok(retry)
    }

    /// What would bring the database to where it should be, if that is to be done, and whether
    /// others have made it necessary.
    async fn repair(&mut self, replica: &Replica) -> Result<Option<(Repair, bool)>, SessionEnd> {
        let Some(host) = self.host else { return Ok(None) };
        let basis = Basis::read(replica);
        let Some(repair) = onboard(replica, &self.target) else {
            let first = self.settled.replace(basis).is_none();
            // What an earlier connection has left so is right by now, too.
            if first || !std::mem::take(&mut self.standing).is_empty() {
                self.engine.rows_compared(host, RowsByTable::new(), false).await?;
            }
            return Ok(None);
        };
        // It was right for just this before. Limits of conntrack zones come and go with ports: they
        // are not counted, and not held up by what is.
        let is_drift = !repair.rows.is_empty() && self.settled.as_ref() == Some(&basis);
        if is_drift && self.on_drift == OnDrift::Observe {
            let rows = repair.rows;
            if self.standing != rows {
                let system_id = self.system_id();
                warn!(system_id, ?rows, "others have changed rows of Weft's; they are left so");
                self.engine.rows_compared(host, rows.clone(), false).await?;
                self.standing = rows;
            }
            return Ok(limit_zones(replica, &self.target).map(|repair| (repair, false)));
        }
        Ok(Some((repair, is_drift)))
    }

    /// Brings the database to where it should be. False when the host refused it.
    async fn carry_out(&mut self, repair: Repair, is_drift: bool) -> Result<bool, SessionEnd> {
        let Some(host) = self.host else { return Ok(true) };
        let Repair { transaction, rows } = repair;
        let answer = timeout(TRANSACTION, self.client.transact(transaction)).await;
        let system_id = self.reported.as_ref().map(|(_, report)| report.system_id.as_str());
        match answer.map_err(|_| SessionEnd::Unanswered)? {
            Ok(_) if is_drift => {
                self.failures = 0;
                warn!(system_id, ?rows, "others had changed rows of Weft's; they are put right");
                self.engine.rows_compared(host, rows, true).await?;
                Ok(true)
            }
            Ok(_) => {
                self.failures = 0;
                info!(system_id, "host's database updated");
                Ok(true)
            }
            Err(error) => {
                self.failures += 1;
                warn!(system_id, %error, "host's database refused an update");
                Ok(false)
            }
        }
    }

    fn system_id(&self) -> &str {
        self.reported.as_ref().map_or("", |(_, report)| &report.system_id)
    }

    fn breach(&self, breach: Breach, what: &str, reason: &dyn std::fmt::Display) {
        self.breaches.record(Protocol::Ovsdb, breach, self.link.peer, what, reason);
    }
}

async fn unreserve(engine: Engine, connection: ConnectionId, reserved: Duration) {
    sleep(reserved).await;
    engine.unreserve(connection).await;
}

/// Sleeps until `deadline`, for ever when there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Waits until the connection stands otherwise with its host than when that was looked at.
async fn changed(identity: &mut Option<Identification>) -> Result<(), Stopped> {
    match identity {
        Some(identity) => identity.standing.changed().await.map_err(|_| Stopped),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::documented::{bytes, check, check_next, number, seconds};

    #[test]
    fn the_limits_are_documented() {
        let options = options();
        let probe = options.probe_interval.unwrap();
        let limits = [
            ("length of a message", bytes(options.max_message)),
            ("depth of its JSON", number(ovsdb::jsonrpc::Framer::MAX_DEPTH)),
            (
                "time for a message, from its first byte to its last",
                seconds(options.message_timeout),
            ),
            ("time until the replica is complete", seconds(options.setup_timeout)),
            ("silence, until a probe is sent", seconds(probe)),
            ("and until it is answered", seconds(probe)),
            ("rows of a replica, of all tables", number(options.max_rows)),
            ("bytes of a replica", bytes(options.max_replica)),
            ("answers that the server leaves unread", bytes(options.max_unsent_answers)),
            ("time for a transaction of ours", seconds(TRANSACTION)),
            ("looks at a replica, at once", number(LOOK_BURST)),
            ("transactions, at once", number(TRANSACTION_BURST)),
            ("milliseconds of the engine's time, at once", number(REPORT_BURST)),
        ];
        check("OVSDB", &limits);
        let after = "and a second, after that";
        check_next("looks at a replica, at once", after, number(LOOKS));
        check_next("transactions, at once", after, number(TRANSACTIONS));
        check_next("milliseconds of the engine's time, at once", after, number(REPORT_SHARE));
        let limit = "how long that is reserved for a holder that has gone";
        check("Who is which host", &[(limit, seconds(RESERVED))]);
    }
}
