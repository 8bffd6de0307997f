use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ovsdb::client::{Client, Disconnect, Update, Updates};
use ovsdb::jsonrpc::FrameError;
use ovsdb::replica::Replica;
use ovsdb::session::{Options, SessionError, UpdateError};
use thiserror::Error;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use topology::model::HostId;
use topology::pipeline::Table;
use tracing::{info, warn};

use super::onboard::{Basis, Repair, Target, ZoneLimit, onboard};
use super::report::{Unidentified, report};
use crate::engine::{Engine, HostReport, Reported, RowsByTable, Stopped};
use crate::limits::{Breach, Bucket};
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
/// The longest that a host is not listened to when it has used up its share.
const MAX_REST: Duration = Duration::from_secs(5);

/// What connections to hosts' databases are bound by; the rest as the crate has it.
pub(super) fn options() -> Options {
    Options {
        max_message: MAX_MESSAGE,
        max_replica: MAX_REPLICA,
        max_rows: MAX_ROWS,
        ..Options::default()
    }
}

/// Why a host's session ended.
#[derive(Debug, Error)]
pub(super) enum SessionEnd {
    #[error(transparent)]
    Disconnected(#[from] Arc<Disconnect>),
    #[error("its system-id changed from {from} to {to}")]
    Renamed { from: String, to: String },
    #[error("no key is left for a new host")]
    NoKey,
    #[error("the host has not answered a transaction within {} s", TRANSACTION.as_secs())]
    Unanswered,
    #[error("the host is not to be dialled any more")]
    Forgotten,
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl SessionEnd {
    /// The limit that was met or the rule that was broken, if that is why the session ended.
    pub(super) fn breach(&self) -> Option<Breach> {
        match self {
            Self::Disconnected(disconnect) => match &**disconnect {
                Disconnect::Session(error) => Some(breach(error)),
                Disconnect::Eof | Disconnect::Io(_) | Disconnect::Abandoned => None,
            },
            Self::Unanswered => Some(Breach::Unanswered),
            Self::Renamed { .. } | Self::NoKey | Self::Forgotten | Self::Stopped(_) => None,
        }
    }
}

fn breach(error: &SessionError) -> Breach {
    match error {
        SessionError::Frame(FrameError::TooLarge { .. } | FrameError::TooDeep { .. }) => {
            Breach::MessageSize
        }
        SessionError::Update(UpdateError::TooLarge { .. } | UpdateError::TooManyRows { .. }) => {
            Breach::Replica
        }
        SessionError::UnexpectedReply(_) => Breach::UnaskedReply,
        SessionError::Silent(_) => Breach::Silent,
        SessionError::Setup(_) => Breach::Handshake,
        SessionError::Undelivered(_) => Breach::MessageTime,
        SessionError::UnreadAnswers { .. } => Breach::Unread,
        _ => Breach::Malformed,
    }
}

/// One connection to a host's OVSDB.
pub(super) struct Session {
    engine: Engine,
    client: Client,
    target: Target,
    /// Where the host listens, when this end dialled.
    dialled: Option<String>,
    host: Option<HostId>,
    reported: Option<(Reported, HostReport)>,
    problems: Vec<String>,
    unidentified: Option<Unidentified>,
    failures: u32,
    on_drift: OnDrift,
    /// On what grounds the database was right when it last was.
    settled: Option<Basis>,
    /// Rows that others have changed and that are left so.
    standing: RowsByTable,
    /// Of the engine's time.
    share: Bucket,
}

impl Session {
    pub(super) fn new(
        engine: Engine,
        client: Client,
        onboarding: &Onboarding,
        local: IpAddr,
        dialled: Option<String>,
    ) -> Self {
        Self {
            engine,
            client,
            target: onboarding.target(local),
            dialled,
            host: None,
            reported: None,
            problems: Vec::new(),
            unidentified: None,
            failures: 0,
            on_drift: onboarding.drift,
            settled: None,
            standing: RowsByTable::new(),
            share: Bucket::new(REPORT_BURST, REPORT_SHARE, Instant::now().into_std()),
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
        if let Some(host) = self.host {
            self.engine.ovsdb_connected(host, false).await;
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
        let mut retry: Option<(Instant, Replica)> = None;
        loop {
            let replica = match retry.take() {
                None => updates.next().await?.replica,
                Some((due, replica)) => tokio::select! {
                    update = updates.next() => { let Update { replica, .. } = update?; replica }
                    () = sleep_until(due) => replica,
                },
            };
            let begun = Instant::now();
            self.report(&replica).await?;
            let spent = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
            let rest = self.share.spend(spent, Instant::now().into_std()).min(MAX_REST);
            if !self.onboard(&replica).await? {
                let pause = Duration::from_secs(1) * 2u32.pow(self.failures.min(5));
                retry = Some((Instant::now() + pause, replica));
            }
            // What the host says meanwhile is not lost: the next look is at the latest.
            sleep(rest).await;
        }
    }

    async fn report(&mut self, replica: &Replica) -> Result<(), SessionEnd> {
        let (report, problems) = match report(replica) {
            Ok(read) => read,
            Err(unidentified) => {
                if self.unidentified.replace(unidentified) != Some(unidentified) {
                    warn!(reason = %unidentified, "a host does not say which it is");
                }
                return Ok(());
            }
        };
        if problems != self.problems {
            for problem in &problems {
                warn!(system_id = report.system_id, "{problem}");
            }
            self.problems = problems;
        }
        if let Some((since, before)) = &mut self.reported {
            if before.system_id != report.system_id {
                let (from, to) = (before.system_id.clone(), report.system_id);
                return Err(SessionEnd::Renamed { from, to });
            }
            if let Some(interfaces) = report.interfaces_since(before)
                && (interfaces.is_empty()
                    || self.engine.report_interfaces(*since, interfaces).await?)
            {
                *before = report;
                return Ok(());
            }
        }
        let reported = self.engine.report(self.dialled.clone(), report.clone()).await?;
        let reported = reported.ok_or(SessionEnd::NoKey)?;
        let host = reported.host;
        if self.host.replace(host).is_none() {
            info!(%host, system_id = report.system_id, name = report.hostname, "host connected");
            self.engine.ovsdb_connected(host, true).await;
        }
        self.reported = Some((reported, report));
        Ok(())
    }

    /// Brings the database to where it should be. False when it refused.
    async fn onboard(&mut self, replica: &Replica) -> Result<bool, SessionEnd> {
        // A host that is not identified is not touched.
        let Some(host) = self.host else { return Ok(true) };
        let system_id = self.reported.as_ref().map(|(_, report)| report.system_id.as_str());
        let basis = Basis::read(replica);
        let Some(Repair { transaction, rows }) = onboard(replica, &self.target) else {
            let first = self.settled.replace(basis).is_none();
            // What an earlier connection has left so is right by now, too.
            if first || !std::mem::take(&mut self.standing).is_empty() {
                self.engine.rows_compared(host, RowsByTable::new(), false).await?;
            }
            return Ok(true);
        };
        // It was right for just this before. Limits of conntrack zones come and go with ports: they
        // are not counted.
        let is_drift = !rows.is_empty() && self.settled.as_ref() == Some(&basis);
        if is_drift && self.on_drift == OnDrift::Observe {
            if self.standing != rows {
                warn!(system_id, ?rows, "others have changed rows of Weft's; they are left so");
                self.engine.rows_compared(host, rows.clone(), false).await?;
                self.standing = rows;
            }
            return Ok(true);
        }
        let answer = timeout(TRANSACTION, self.client.transact(transaction)).await;
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
}
