use std::collections::HashMap;
use std::convert::Infallible;
use std::future;
use std::io;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::{Disconnect, State};
use crate::jsonrpc::RequestId;
use crate::session::{Event, Options, Session, Snapshot};
use crate::transact::{OpResult, TransactError, Transaction};

/// A transaction that a client wants carried out.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) transaction: Transaction,
    pub(super) reply: Reply,
}

type Reply = oneshot::Sender<Result<Vec<OpResult>, TransactError>>;

/// Moves bytes and events between a stream, a session and its clients.
pub(super) struct Driver<S> {
    session: Session,
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    commands: mpsc::Receiver<Command>,
    publisher: watch::Sender<State>,
    replies: HashMap<RequestId, Reply>,
    /// What is being written.
    output: Bytes,
    needs_flush: bool,
}

impl<S: AsyncRead + AsyncWrite> Driver<S> {
    pub(super) fn new(
        stream: S,
        options: Options,
        previous: Option<Snapshot>,
        commands: mpsc::Receiver<Command>,
        publisher: watch::Sender<State>,
    ) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            session: Session::new(options, previous, Instant::now().into_std()),
            reader,
            writer,
            commands,
            publisher,
            replies: HashMap::new(),
            output: Bytes::new(),
            needs_flush: false,
        }
    }

    /// Serves until the connection ends or `abandoned` says that no client is left.
    pub(super) async fn run(mut self, abandoned: oneshot::Receiver<Infallible>) {
        let end = tokio::select! {
            result = self.serve() => match result {
                Ok(never) => match never {},
                Err(end) => end,
            },
            _ = abandoned => Disconnect::Abandoned,
        };
        // Before the replies are dropped, so that whoever misses one can see why.
        self.publisher.send_modify(|state| state.end = Some(Arc::new(end)));
    }

    async fn serve(&mut self) -> Result<Infallible, Disconnect> {
        let mut input = BytesMut::with_capacity(LEAST_READ);
        loop {
            self.deliver_events();
            if self.output.is_empty() {
                self.output = self.session.poll_transmit().unwrap_or_default();
            }
            let deadline = self.session.poll_timeout();
            let may_transact =
                self.output.is_empty() && self.session.in_flight() < MAX_TRANSACTIONS_IN_FLIGHT;
            // Each branch can be dropped at its await without losing anything.
            tokio::select! {
                count = self.reader.read_buf(&mut input) => {
                    let count = count?;
                    if count == 0 {
                        return Err(Disconnect::Eof);
                    }
                    self.session.handle_input(&input, Instant::now().into_std())?;
                    let room = (2 * count).next_power_of_two().clamp(LEAST_READ, MOST_READ);
                    match input.capacity() == room {
                        true => input.clear(),
                        false => input = BytesMut::with_capacity(room),
                    }
                }
                written = write(&mut self.writer, &self.output, self.needs_flush) => {
                    let count = written?;
                    self.needs_flush = count > 0;
                    self.output.advance(count);
                }
                Some(command) = self.commands.recv(), if may_transact => {
                    let id = self.session.transact(command.transaction);
                    self.replies.insert(id, command.reply);
                }
                () = sleep_until_some(deadline.map(Instant::from_std)) => {
                    self.session.handle_timeout(Instant::now().into_std())?;
                }
            }
        }
    }

    fn deliver_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Updated(snapshot) => {
                    self.publisher.send_modify(|state| state.snapshot = Some(snapshot));
                }
                Event::Transacted { id, result } => {
                    if let Some(reply) = self.replies.remove(&id) {
                        // The client may have lost interest.
                        let _ = reply.send(result);
                    }
                }
            }
        }
    }
}

/// Writes part of `output`, or flushes what was written; waits for ever if there is neither to do.
async fn write<W: AsyncWrite + Unpin>(
    writer: &mut W,
    output: &Bytes,
    needs_flush: bool,
) -> io::Result<usize> {
    if !output.is_empty() {
        match writer.write(output).await? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            count => Ok(count),
        }
    } else if needs_flush {
        writer.flush().await.map(|()| 0)
    } else {
        future::pending().await
    }
}

async fn sleep_until_some(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => future::pending().await,
    }
}

/// Room for what is read at a time: as little on a connection on which little comes...
const LEAST_READ: usize = 4 << 10;
/// ...and as much on one on which much does.
const MOST_READ: usize = 64 << 10;

/// Transactions that the server may leave unanswered before further ones have to wait.
const MAX_TRANSACTIONS_IN_FLIGHT: usize = 64;
