use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::info;

use super::policy::Policy;
use super::session::serve_stream;
use super::stream::Stream;
use crate::accept::accept;
use crate::engine::Engine;
use crate::limits::{Gate, Protocol};

/// What the sessions of all switches share.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Where flows come from and confirmations go.
    pub engine: Engine,
    /// How many packets of logged rules a switch may report, a second.
    pub log_rate: NonZeroU32,
    /// How they are kept as they should be.
    pub policy: Policy,
    /// Who may connect.
    pub gate: Gate,
    /// One for each switch that may be read back, and sent what it lacks, at a time.
    turns: Arc<Semaphore>,
}

impl Switches {
    /// Sessions that keep switches that `gate` admits as `policy` says.
    pub fn new(engine: Engine, log_rate: NonZeroU32, policy: Policy, gate: Gate) -> Self {
        let turns = Arc::new(Semaphore::new(policy.parallel_read_backs.get()));
        Self { engine, log_rate, policy, gate, turns }
    }

    /// Serves one switch, at `peer`, until its connection ends.
    pub async fn serve_stream(self, stream: impl Stream, peer: IpAddr) {
        let breaches = self.gate.breaches().clone();
        let end = serve_stream(self, stream, peer).await;
        match end.breach() {
            Some(breach) => breaches.record(Protocol::OpenFlow, breach, peer, ENDED, &end),
            None => info!(reason = %end, "{ENDED}"),
        }
    }

    /// What is taken while a switch is read back and sent what it lacks.
    pub(super) fn turns(&self) -> Arc<Semaphore> {
        self.turns.clone()
    }
}

/// What the log says of it.
const ENDED: &str = "OpenFlow session ended";

/// Serves switches that connect, until dropped.
pub async fn serve(switches: Switches, listeners: Vec<TcpListener>) {
    let mut tasks = JoinSet::new();
    for listener in listeners {
        let switches = switches.clone();
        tasks.spawn(accept(listener, switches.gate.clone(), move |stream, peer| {
            switches.clone().serve_stream(stream, peer)
        }));
    }
    while tasks.join_next().await.is_some() {}
}
