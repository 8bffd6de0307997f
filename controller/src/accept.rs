//! Accepting TCP connections: a bounded number at a time, each served by a task of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{Instrument, info_span, warn};

/// Connections per listener that are served at a time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;

/// Serves every connection to `listener` by `serve`, until dropped; then all of them end.
pub(crate) async fn accept<F>(
    listener: TcpListener,
    protocol: &'static str,
    serve: impl Fn(TcpStream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut sessions = JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        while sessions.try_join_next().is_some() {}
        match listener.accept().await.and_then(|(stream, peer)| {
            stream.set_nodelay(true)?;
            Ok((stream, peer))
        }) {
            Ok((stream, peer)) => {
                let session = serve(stream);
                let session = async move {
                    session.await;
                    drop(place);
                };
                sessions.spawn(session.instrument(info_span!("connection", protocol, %peer)));
            }
            // Out of file descriptors, most likely: the next attempt may do better.
            Err(error) => {
                warn!(%error, protocol, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
