use std::io;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Client, Endpoint, State, Updates};
use crate::session::{Options, Snapshot};

/// Connects to one server again and again, at a bounded rate.
///
/// Attempts are at least 1 s apart, then 2, 4 and 8 s. A connection that brought the replica and
/// lasted for 8 s makes the next attempt immediate.
#[derive(Debug)]
pub struct Dialer {
    endpoint: Endpoint,
    options: Options,
    /// The shortest time from the next attempt to the one after it.
    delay: Duration,
    not_before: Option<Instant>,
    last: Option<Connection>,
}

/// A connection that was made.
#[derive(Debug)]
struct Connection {
    since: Instant,
    state: watch::Receiver<State>,
}

impl Dialer {
    /// A dialer that has not tried yet.
    pub fn new(endpoint: Endpoint, options: Options) -> Self {
        Self { endpoint, options, delay: FIRST_DELAY, not_before: None, last: None }
    }

    /// Where it connects to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Waits until the next attempt is due, and makes it. To be called again when it failed, and
    /// when the connection it returned has ended.
    ///
    /// # Errors
    /// When there is no connection within 5 s.
    pub async fn dial(&mut self) -> Result<(Client, Updates), DialError> {
        let previous = self.last.as_ref().and_then(|last| last.state.borrow().snapshot.clone());
        let lasted = self.last.as_ref().is_some_and(|last| last.since.elapsed() >= LAST_DELAY);
        if lasted && previous.is_some() {
            self.delay = FIRST_DELAY;
            self.not_before = None;
        }
        if let Some(not_before) = self.not_before {
            sleep_until(not_before).await;
        }
        self.not_before = Some(Instant::now() + self.delay);
        self.delay = (self.delay * 2).min(LAST_DELAY);

        let connected = timeout(CONNECT_TIMEOUT, self.attempt(previous)).await;
        let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let (client, updates) =
            connected.map_err(|source| DialError { endpoint: self.endpoint.clone(), source })?;
        self.last = Some(Connection { since: Instant::now(), state: client.state.clone() });
        Ok((client, updates))
    }

    async fn attempt(&self, previous: Option<Snapshot>) -> io::Result<(Client, Updates)> {
        match &self.endpoint {
            Endpoint::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                Ok(Client::resume(stream, self.options, previous))
            }
            Endpoint::Unix(path) => {
                let stream = UnixStream::connect(path).await?;
                Ok(Client::resume(stream, self.options, previous))
            }
        }
    }
}

/// An attempt to connect that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to {endpoint}: {source}")]
pub struct DialError {
    /// Where to.
    pub endpoint: Endpoint,
    /// Why.
    pub source: io::Error,
}

const FIRST_DELAY: Duration = Duration::from_secs(1);
const LAST_DELAY: Duration = Duration::from_secs(8);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn attempts_become_rarer() {
        let directory = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::Unix(directory.path().join("absent"));
        let mut dialer = Dialer::new(endpoint, Options::default());
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..7 {
            let error = dialer.dial().await.unwrap_err();
            assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
            times.push(start.elapsed().as_secs());
        }
        assert_eq!(times, [0, 1, 3, 7, 15, 23, 31]);
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_is_not_dialled_in_a_hurry() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let mut dialer = Dialer::new(Endpoint::Unix(path), Options::default());
        let (client, _) = dialer.dial().await.unwrap();
        drop(listener.accept().await.unwrap());
        client.closed().await;
        assert!(dialer.not_before.unwrap() > Instant::now() + FIRST_DELAY / 2);
        assert_eq!(dialer.delay, FIRST_DELAY * 2);
    }
}
