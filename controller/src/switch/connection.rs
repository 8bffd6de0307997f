use std::io;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use openflow::TooLong;
use openflow::message::{ErrorMessage, FeaturesReply, Message};
use openflow::session::{End, Event, ProtocolError, Session};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use super::exchange::MAX_FLOWS;
use super::output::Output;

/// Bytes that may wait to be read by the switch: several times the largest bundle.
const MAX_QUEUED: usize = 64 << 20;
/// Bytes read at a time.
const READ: usize = 64 << 10;

/// How long a switch that broke the protocol may take to read why it is hung up on.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why a connection ended.
#[derive(Debug, Error)]
pub enum ConnectionError {
    /// The switch has closed it.
    #[error("closed by the switch")]
    Closed,
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The switch broke the protocol.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// A message of ours does not fit.
    #[error("a message does not fit: {0}")]
    TooLong(#[from] TooLong),
    /// The switch does not read.
    #[error("the switch has left {0} bytes unread")]
    Stalled(usize),
    /// The switch tells more flows than are taken in.
    #[error("the switch has more than {MAX_FLOWS} flows")]
    TooManyFlows,
    /// The switch refused a request that a session cannot do without.
    #[error("the switch refused a request for {what}: {}", error.code)]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// The switch's answer.
        error: ErrorMessage,
    },
}

/// A switch's session on its TCP stream.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    session: Session,
    input: BytesMut,
    /// What the socket has not taken yet of what the session gave.
    output: Output,
}

impl Connection {
    /// Shakes hands.
    ///
    /// # Errors
    ///
    /// When the connection ends before that is done.
    pub async fn open(stream: TcpStream) -> Result<(Self, FeaturesReply), ConnectionError> {
        let session = Session::new(End::Controller, Instant::now());
        let input = BytesMut::with_capacity(READ);
        let mut connection = Self { stream, session, input, output: Output::default() };
        loop {
            if let Event::Ready(features) = connection.next().await? {
                return Ok((connection, features));
            }
        }
    }

    /// Queues a message; it leaves while [`Connection::next`] is waited for.
    pub(super) fn send(&mut self, message: &Message) -> Result<u32, ConnectionError> {
        Ok(self.session.send(message)?)
    }

    /// Queues a message that is encoded already.
    pub(super) fn send_encoded(&mut self, frame: Bytes) {
        self.session.send_encoded(frame);
    }

    /// Moves bytes until something has happened. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Result<Event, ConnectionError> {
        loop {
            if let Some(event) = self.session.poll_event() {
                return Ok(event);
            }
            if self.session.queued_bytes() > MAX_QUEUED {
                return Err(ConnectionError::Stalled(self.session.queued_bytes()));
            }
            if let Err(error) = self.move_bytes().await {
                if let ConnectionError::Protocol(_) = error {
                    self.say_farewell().await;
                }
                return Err(error);
            }
        }
    }

    async fn move_bytes(&mut self) -> Result<(), ConnectionError> {
        while !self.output.is_full()
            && let Some(bytes) = self.session.poll_transmit()
        {
            self.output.push(bytes);
        }
        let deadline = self.session.poll_timeout();
        let timeout = async {
            match deadline {
                Some(deadline) => sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let (mut reader, mut writer) = self.stream.split();
        tokio::select! {
            written = writer.write_buf(&mut self.output), if self.output.has_remaining() => {
                written?;
            }
            read = reader.read_buf(&mut self.input) => {
                if read? == 0 {
                    return Err(ConnectionError::Closed);
                }
                self.session.handle_input(&self.input, Instant::now())?;
                self.input.clear();
            }
            () = timeout => self.session.handle_timeout(Instant::now())?,
        }
        Ok(())
    }

    /// Sends what the session has left to say, such as why it refused a hello, as far as the
    /// switch takes it soon.
    async fn say_farewell(&mut self) {
        let rest = async {
            self.stream.write_all_buf(&mut self.output).await?;
            while let Some(mut bytes) = self.session.poll_transmit() {
                self.stream.write_all_buf(&mut bytes).await?;
            }
            self.stream.shutdown().await
        };
        // The connection ends for another reason, which is the one to tell.
        let _ = timeout(FAREWELL, rest).await;
    }
}
