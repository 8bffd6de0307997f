use std::io;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tracing::warn;

use crate::accept::admitted;
use crate::limits::{Gate, Guarded};

/// Between attempts to accept when the system refuses.
const PAUSE: Duration = Duration::from_millis(100);

/// The connections to `listener` that `gate` admits.
pub(super) fn connections(
    listener: TcpListener,
    gate: Gate,
) -> impl Stream<Item = io::Result<Guarded<TcpStream>>> {
    unfold((listener, gate), async |(listener, gate)| {
        let (stream, _, place) = admitted(&listener, &gate).await;
        Some((Ok(Guarded::new(stream, place)), (listener, gate)))
    })
}

/// As [`connections`], of a Unix socket.
pub(super) fn local_connections(
    listener: UnixListener,
    gate: Gate,
) -> impl Stream<Item = io::Result<Guarded<UnixStream>>> {
    unfold((listener, gate), async |(listener, gate)| {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    if let Some(place) = gate.admit_local() {
                        return Some((Ok(Guarded::new(stream, place)), (listener, gate)));
                    }
                }
                Err(error) => {
                    warn!(%error, "cannot accept connections");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    })
}
