use std::num::NonZeroU32;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::info;

use super::session::serve_stream;
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
    /// Who may connect.
    pub gate: Gate,
}

/// What the log says of it.
const ENDED: &str = "OpenFlow session ended";

/// Serves switches that connect, until dropped.
pub async fn serve(switches: Switches, listeners: Vec<TcpListener>) {
    let mut tasks = JoinSet::new();
    for listener in listeners {
        let switches = switches.clone();
        tasks.spawn(accept(listener, switches.gate.clone(), move |stream, peer| {
            let switches = switches.clone();
            async move {
                let breaches = switches.gate.breaches().clone();
                let end = serve_stream(switches, stream, peer).await;
                match end.breach() {
                    Some(breach) => breaches.record(Protocol::OpenFlow, breach, peer, ENDED, &end),
                    None => info!(reason = %end, "{ENDED}"),
                }
            }
        }));
    }
    while tasks.join_next().await.is_some() {}
}
