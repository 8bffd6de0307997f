use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use openflow::TooLong;
use openflow::message::{ErrorMessage, FeaturesReply, Message};
use openflow::session::{End, Event, ProtocolError, Session};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::time::{sleep_until, timeout};

use super::exchange::{MAX_ERROR_BYTES, MAX_FLOWS, MAX_READ_BACK_BYTES};
use super::monitor::changes_of_others;
use super::output::Output;
use super::pace::{Pace, unasked_reply};
use super::rule_log::RuleLog;
use super::stream::{BoxedStream, Stream};
use crate::clock;
use crate::limits::{Breach, Breaches};

/// Bytes that may wait to be read by the switch: several times the largest bundle.
const MAX_QUEUED: usize = 64 << 20;
/// Room for what is read at a time: as little on a connection on which little comes...
const LEAST_READ: usize = 4 << 10;
/// ...and as much on one on which much does.
const MOST_READ: usize = 64 << 10;

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
    /// The switch tells more about its flows than is taken in.
    #[error("the switch tells its flows in more than {MAX_READ_BACK_BYTES} bytes")]
    TooManyBytes,
    /// The switch finds more errors than are kept.
    #[error("the switch answers with more than {MAX_ERROR_BYTES} bytes of errors")]
    TooManyErrors,
    /// The switch does not answer, though it is there.
    #[error("the switch has not answered a request for {what} within {} s", within.as_secs())]
    Unanswered {
        /// What was asked for.
        what: &'static str,
        /// The time that it had.
        within: Duration,
    },
    /// The switch answers what nobody asked.
    #[error("a reply of type {kind} to xid {xid:#x}, which asked for nothing")]
    UnaskedReply {
        /// `OFPT_*`.
        kind: u8,
        /// The xid.
        xid: u32,
    },
    /// The switch refused a request that a session cannot do without.
    #[error("the switch refused a request for {what}: {}", error.code)]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// The switch's answer.
        error: ErrorMessage,
    },
}

/// A switch's session on its stream of bytes.
#[derive(Debug)]
pub struct Connection {
    reader: ReadHalf<BoxedStream>,
    writer: WriteHalf<BoxedStream>,
    session: Session,
    input: BytesMut,
    /// What the socket has not taken yet of what the session gave.
    output: Output,
    pace: Pace,
    /// Bytes that have come since the connection was made.
    received: u64,
    /// Changes by others that the switch has told of.
    disturbances: u64,
    /// Where reports of logged rules go.
    rule_log: Option<RuleLog>,
}

impl Connection {
    /// Shakes hands.
    ///
    /// # Errors
    ///
    /// When the connection ends before that is done.
    pub async fn open(stream: impl Stream) -> Result<(Self, FeaturesReply), ConnectionError> {
        let stream: BoxedStream = Box::new(stream);
        let (reader, writer) = split(stream);
        let session = Session::new(End::Controller, clock::now());
        let input = BytesMut::with_capacity(LEAST_READ);
        let pace = Pace::new(clock::now());
        let output = Output::default();
        let mut connection = Self {
            reader,
            writer,
            session,
            input,
            output,
            pace,
            received: 0,
            disturbances: 0,
            rule_log: None,
        };
        loop {
            if let Event::Ready(features) = connection.next().await? {
                return Ok((connection, features));
            }
        }
    }

    /// From here on, `breaches` is told when the switch, at `peer`, has to be slowed down.
    pub(super) fn account_to(&mut self, breaches: Breaches, peer: IpAddr) {
        self.pace.account_to(breaches, peer);
    }

    /// From here on, what the switch reports of logged rules goes to `log`, whatever else is waited
    /// for; before, it is an event like others.
    pub(super) fn log_rules(&mut self, log: RuleLog) {
        self.rule_log = Some(log);
    }

    /// Bytes that have come since the connection was made.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// How many changes by others the switch has told of since this was asked last.
    pub(super) fn take_disturbances(&mut self) -> u64 {
        std::mem::take(&mut self.disturbances)
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
                if let Event::Message { xid, message } = &event {
                    if unasked_reply(message) {
                        let (kind, xid) = (message.kind(), *xid);
                        return Err(ConnectionError::UnaskedReply { kind, xid });
                    }
                    self.pace.unasked(clock::now());
                    if let (Message::PacketIn(report), Some(log)) = (message, &self.rule_log) {
                        log.take(report.clone());
                        continue;
                    }
                }
                self.disturbances += changes_of_others(&event);
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
        let may_read = self.pace.may_read(clock::now());
        let resumed = async {
            match may_read {
                Ok(()) => std::future::pending().await,
                Err(paused_until) => sleep_until(paused_until.into()).await,
            }
        };
        tokio::select! {
            // What is due by the clock, then what is to be said, then what is to be heard: each can
            // only last for so long, and what comes last may never end.
            biased;
            () = timeout => self.session.handle_timeout(clock::now())?,
            () = resumed => {}
            written = self.writer.write_buf(&mut self.output), if self.output.has_remaining() => {
                written?;
            }
            read = self.reader.read_buf(&mut self.input), if may_read.is_ok() => {
                let count = read?;
                if count == 0 {
                    return Err(ConnectionError::Closed);
                }
                self.received += count as u64;
                self.session.handle_input(&self.input, clock::now())?;
                let room = (2 * count).next_power_of_two().clamp(LEAST_READ, MOST_READ);
                match self.input.capacity() == room {
                    true => self.input.clear(),
                    false => self.input = BytesMut::with_capacity(room),
                }
            }
        }
        Ok(())
    }

    /// Sends what the session has left to say, such as why it refused a hello, as far as the
    /// switch takes it soon.
    async fn say_farewell(&mut self) {
        let rest = async {
            self.writer.write_all_buf(&mut self.output).await?;
            while let Some(mut bytes) = self.session.poll_transmit() {
                self.writer.write_all_buf(&mut bytes).await?;
            }
            self.writer.shutdown().await
        };
        // The connection ends for another reason, which is the one to tell.
        let _ = timeout(FAREWELL, rest).await;
    }
}

impl ConnectionError {
    /// The limit that was met or the rule that was broken, if that is why the connection ended.
    pub(super) fn breach(&self) -> Option<Breach> {
        Some(match self {
            Self::Closed | Self::Io(_) | Self::TooLong(_) | Self::Refused { .. } => return None,
            Self::Stalled(_) => Breach::Unread,
            Self::TooManyFlows | Self::TooManyBytes => Breach::ReadBack,
            Self::TooManyErrors => Breach::Errors,
            Self::Unanswered { .. } => Breach::Unanswered,
            Self::UnaskedReply { .. } => Breach::UnaskedReply,
            Self::Protocol(error) => match error {
                ProtocolError::FrameLength { .. } => Breach::MessageSize,
                ProtocolError::HandshakeTimeout { .. } => Breach::Handshake,
                ProtocolError::Silent { .. } => Breach::Silent,
                ProtocolError::Undelivered { .. } => Breach::MessageTime,
                ProtocolError::UnreadAnswers { .. } => Breach::Unread,
                ProtocolError::Malformed { .. }
                | ProtocolError::NoHello { .. }
                | ProtocolError::NoCommonVersion { .. }
                | ProtocolError::Refused { .. }
                | ProtocolError::WrongReply { .. } => Breach::Malformed,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::documented::{bytes, check, number, seconds};

    #[test]
    fn the_limits_are_documented() {
        let session = openflow::session::Limits::default();
        let limits = [
            ("length of a message", number(session.message)),
            ("time for the handshake", seconds(session.handshake)),
            ("time for a message, from its first byte to its last", seconds(session.delivery)),
            ("silence, until a probe is sent", seconds(session.idle)),
            ("and until it is answered", seconds(session.probe)),
            ("answers to echo requests that the switch leaves unread", bytes(session.answers)),
            ("bytes on their way to the switch", bytes(MAX_QUEUED)),
        ];
        check("OpenFlow", &limits);
    }
}
