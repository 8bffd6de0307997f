//! A [`Session`](crate::session::Session) on a tokio stream.
//!
//! One task drives each connection. It always reads, whatever else it waits for, so the server's
//! probes are answered also while a large transaction is being written or nobody looks at the
//! updates. What consumers have not seen yet is not queued: they get the latest replica and how it
//! differs from the one they had, so a slow consumer costs one old replica, most of it shared.

mod dialer;
mod driver;
mod endpoint;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};

pub use dialer::{DialError, Dialer};
pub use endpoint::{Endpoint, EndpointError};

use crate::replica::{Changes, Replica};
use crate::session::{Options, SessionError, Snapshot};
use crate::transact::{OpResult, TransactError, Transaction};
use driver::{Command, Driver};

/// A connection to a server. Clones share it; it ends when the last of them is dropped.
#[derive(Clone, Debug)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<State>,
    /// Tells the driver, by being dropped, that there is no client any more.
    _lifetime: Arc<oneshot::Sender<Infallible>>,
}

/// What the driver lets the clients know.
#[derive(Clone, Debug, Default)]
struct State {
    snapshot: Option<Snapshot>,
    end: Option<Arc<Disconnect>>,
}

impl Client {
    /// Takes `stream`, either end of which may have dialled the other. To be called in a tokio
    /// runtime.
    pub fn connect<S>(stream: S, options: Options) -> (Self, Updates)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        Self::resume(stream, options, None)
    }

    /// Like [`Client::connect`], to the database that an earlier connection knew as `previous`:
    /// a server that remembers sends only what changed since.
    pub fn resume<S>(stream: S, options: Options, previous: Option<Snapshot>) -> (Self, Updates)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (commands, received) = mpsc::channel(QUEUED_TRANSACTIONS);
        let (publisher, state) = watch::channel(State::default());
        let (lifetime, ended) = oneshot::channel();
        let driver = Driver::new(stream, options, previous, received, publisher);
        tokio::spawn(driver.run(ended));
        let updates = Updates { state: state.clone(), seen: None };
        (Self { commands, state, _lifetime: Arc::new(lifetime) }, updates)
    }

    /// Carries out a transaction. Once this returns, [`Client::replica`] has its effects.
    ///
    /// # Errors
    /// When the transaction failed, and then changed nothing; or the connection ended first, and
    /// then it may have been carried out or not. The same is true if this future is dropped.
    pub async fn transact(
        &self,
        transaction: impl Into<Transaction>,
    ) -> Result<Vec<OpResult>, TransactError> {
        let (reply, result) = oneshot::channel();
        let command = Command { transaction: transaction.into(), reply };
        self.commands.send(command).await.map_err(|_| TransactError::Closed)?;
        result.await.unwrap_or(Err(TransactError::Closed))
    }

    /// The replica as of now; `None` until it is complete. After the end of the connection, the
    /// last one.
    pub fn replica(&self) -> Option<Replica> {
        self.state.borrow().snapshot.as_ref().map(|snapshot| snapshot.replica.clone())
    }

    /// Waits for the end of the connection, and says why it ended.
    pub async fn closed(&self) -> Arc<Disconnect> {
        let mut state = self.state.clone();
        let end = match state.wait_for(|state| state.end.is_some()).await {
            Ok(state) => state.end.clone(),
            Err(_) => None,
        };
        end.unwrap_or_else(|| Arc::new(Disconnect::Abandoned))
    }
}

/// The replica of one connection as it changes.
#[derive(Debug)]
pub struct Updates {
    state: watch::Receiver<State>,
    seen: Option<Replica>,
}

/// A state of the replica that the consumer has not seen.
#[derive(Clone, Debug)]
pub struct Update {
    /// The database as of now.
    pub replica: Replica,
    /// The rows that differ from those of the update before; all rows if this is the first.
    pub changes: Changes,
    /// Whether this is the first update of the connection: the replica has become complete.
    pub is_initial: bool,
}

impl Updates {
    /// Waits until the replica is complete (the first time), or differs from that of the update
    /// before. States in between that were not waited for are not reported.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn next(&mut self) -> Result<Update, Arc<Disconnect>> {
        loop {
            if let Some(update) = self.unseen()? {
                return Ok(update);
            }
            if self.state.changed().await.is_err() {
                self.unseen()?;
                return Err(Arc::new(Disconnect::Abandoned));
            }
        }
    }

    fn unseen(&mut self) -> Result<Option<Update>, Arc<Disconnect>> {
        let State { snapshot, end } = self.state.borrow_and_update().clone();
        if let Some(end) = end {
            return Err(end);
        }
        let Some(Snapshot { replica, .. }) = snapshot else { return Ok(None) };
        let is_initial = self.seen.is_none();
        let changes = replica.changes_since(&self.seen.take().unwrap_or_default());
        self.seen = Some(replica.clone());
        let is_news = is_initial || !changes.is_empty();
        Ok(is_news.then_some(Update { replica, changes, is_initial }))
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum Disconnect {
    /// The server closed it.
    #[error("closed by the server")]
    Eof,
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The server broke the protocol or fell silent.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Every [`Client`] was dropped, or the runtime shut down.
    #[error("no longer used")]
    Abandoned,
}

/// Transactions that wait for their turn to be sent.
const QUEUED_TRANSACTIONS: usize = 16;
