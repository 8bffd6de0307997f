use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ovsdb::client::{Client, Disconnect, Update, Updates};
use ovsdb::replica::Replica;
use thiserror::Error;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use topology::model::HostId;
use topology::pipeline::Table;
use tracing::{info, warn};

use super::onboard::{Target, onboard};
use super::report::{Unidentified, report};
use crate::engine::{Engine, HostReport, Stopped};

/// What hosts are told.
#[derive(Clone, Debug)]
pub struct Onboarding {
    /// The port of the OpenFlow listener that br-int is pointed at.
    pub openflow_port: u16,
    /// The address that hosts find this controller at; `None`: the one that they reached it by.
    pub advertise: Option<IpAddr>,
}

impl Onboarding {
    fn target(&self, local: IpAddr) -> Target {
        let ip = self.advertise.unwrap_or(local).to_canonical();
        let controller = match ip {
            IpAddr::V4(ip) => format!("tcp:{ip}:{}", self.openflow_port),
            IpAddr::V6(ip) => format!("tcp:[{ip}]:{}", self.openflow_port),
        };
        let tables = Table::ALL.into_iter().map(|table| (table.number(), table.name()));
        Target { controller, tables: tables.collect() }
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
    #[error("the host is not to be dialled any more")]
    Forgotten,
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// One connection to a host's OVSDB.
pub(super) struct Session {
    engine: Engine,
    client: Client,
    target: Target,
    /// Where the host listens, when this end dialled.
    dialled: Option<String>,
    host: Option<HostId>,
    reported: Option<HostReport>,
    problems: Vec<String>,
    unidentified: Option<Unidentified>,
    failures: u32,
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
            self.report(&replica).await?;
            if !self.onboard(&replica).await {
                let pause = Duration::from_secs(1) * 2u32.pow(self.failures.min(5));
                retry = Some((Instant::now() + pause, replica));
            }
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
        if self.reported.as_ref() == Some(&report) {
            return Ok(());
        }
        if let Some(before) = self.reported.as_ref().filter(|it| it.system_id != report.system_id) {
            let (from, to) = (before.system_id.clone(), report.system_id);
            return Err(SessionEnd::Renamed { from, to });
        }
        let host = self.engine.report(self.dialled.clone(), report.clone()).await?;
        let host = host.ok_or(SessionEnd::NoKey)?;
        if self.host.replace(host).is_none() {
            info!(%host, system_id = report.system_id, name = report.hostname, "host connected");
            self.engine.ovsdb_connected(host, true).await;
        }
        self.reported = Some(report);
        Ok(())
    }

    /// Brings the database to where it should be. False when it refused.
    async fn onboard(&mut self, replica: &Replica) -> bool {
        // A host that is not identified is not touched.
        if self.host.is_none() {
            return true;
        }
        let Some(transaction) = onboard(replica, &self.target) else { return true };
        let system_id = self.reported.as_ref().map(|report| report.system_id.as_str());
        match self.client.transact(transaction).await {
            Ok(_) => {
                self.failures = 0;
                info!(system_id, "host's database updated");
                true
            }
            Err(error) => {
                self.failures += 1;
                warn!(system_id, %error, "host's database refused an update");
                false
            }
        }
    }
}
