//! Accepting TCP connections: those that a gate lets through, each served by a task of its own.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing::{Instrument, info_span, warn};

use crate::limits::{Gate, Place};

/// Between attempts to accept when the system refuses, and log lines about it.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves every connection to `listener` that `gate` admits by `serve`, until dropped; then all of
/// them end.
pub(crate) async fn accept<F>(
    listener: TcpListener,
    gate: Gate,
    serve: impl Fn(TcpStream, IpAddr) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let protocol = gate.protocol().name();
    let mut sessions = JoinSet::new();
    loop {
        let (stream, peer, place) = admitted(&listener, &gate).await;
        while sessions.try_join_next().is_some() {}
        let session = serve(stream, peer.ip());
        let session = async move {
            session.await;
            drop(place);
        };
        sessions.spawn(session.instrument(info_span!("connection", protocol, %peer)));
    }
}

/// The next connection to `listener` that `gate` admits. Dropping the future loses none.
pub(crate) async fn admitted(
    listener: &TcpListener,
    gate: &Gate,
) -> (TcpStream, SocketAddr, Place) {
    let protocol = gate.protocol().name();
    let mut failing = false;
    loop {
        let accepted = listener.accept().await;
        match accepted {
            Ok((stream, peer)) => {
                failing = false;
                let place =
                    info_span!("connection", protocol, %peer).in_scope(|| gate.admit(peer.ip()));
                if let Some(place) = place
                    && stream.set_nodelay(true).is_ok()
                {
                    return (stream, peer, place);
                }
            }
            // Out of file descriptors, most likely: a later attempt may do better.
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    warn!(%error, protocol, "cannot accept connections");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
