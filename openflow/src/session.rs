//! One end of an OpenFlow connection, as a state machine over bytes.
//!
//! A [`Session`] does no IO and reads no clock. Its owner moves bytes and tells the time:
//!
//! * bytes that came go in by [`Session::handle_input`], what they meant comes out of
//!   [`Session::poll_event`];
//! * messages go in by [`Session::send`], [`Session::reply`] and [`Session::send_encoded`], the
//!   bytes to send come out of [`Session::poll_transmit`];
//! * when [`Session::poll_timeout`]'s time has come, [`Session::handle_timeout`] is called.
//!
//! The session negotiates the version (OpenFlow 1.3, nothing else), asks a switch for its features,
//! answers echo requests, sends its own when nothing has come for a while, gives out xids and tells
//! replies from messages that came unasked.
//!
//! Whatever returns a [`ProtocolError`] ends the session: the owner sends what
//! [`Session::poll_transmit`] still holds, as far as the peer takes it, and closes the connection.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::TooLong;
use crate::message::{ErrorCode, ErrorMessage, HEADER, Header, Hello, Message};

mod error;
mod event;
mod framing;
mod liveness;
mod requests;

pub use error::ProtocolError;
pub use event::Event;

use framing::Frames;
use liveness::{Liveness, later};
use requests::{Matched, Request, Requests};

/// So many frames have room in an empty queue: a switch that has been filled needs few at a time.
const KEPT: usize = 64;

/// Which end of the connection a session is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum End {
    /// The controller: asks for the features.
    Controller,
    /// The switch: is asked.
    Switch,
}

/// How patient a session is, and how long its peer's messages may be.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Limits {
    /// The longest message that is taken, header included; at most 65,535 bytes.
    pub message: usize,
    /// How long a message may take from its first byte to its last.
    pub delivery: Duration,
    /// Bytes of answers to echo requests that the peer may leave unread, as far as they are still
    /// here.
    pub answers: usize,
    /// How long the handshake may take.
    pub handshake: Duration,
    /// After how long a silence an echo request is sent.
    pub idle: Duration,
    /// How long the peer may then stay silent.
    pub probe: Duration,
}

impl Default for Limits {
    /// 65,535 bytes and 30 s for a message, 1 MiB of answers, 10 s for the handshake, an echo
    /// request after 5 s of silence and 10 s for any answer to it.
    fn default() -> Self {
        Self {
            message: TooLong::LIMIT,
            delivery: Duration::from_secs(30),
            answers: 1 << 20,
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(5),
            probe: Duration::from_secs(10),
        }
    }
}

/// One end of an OpenFlow connection.
#[derive(Debug)]
pub struct Session {
    end: End,
    state: State,
    limits: Limits,
    frames: Frames,
    /// When the first byte came of a message that has not come whole.
    partial_since: Option<Instant>,
    liveness: Liveness,
    requests: Requests,
    next_xid: u32,
    events: VecDeque<Event>,
    /// Frames to be sent before `small`.
    queue: VecDeque<Bytes>,
    /// Messages encoded one after the other, so that many of them leave in one write.
    small: BytesMut,
    queued: usize,
    /// Bytes of answers to echo requests since nothing was queued.
    answers: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Waits for the peer's hello.
    Hello,
    /// Waits for the features that this xid asked for.
    Features(u32),
    Ready,
}

impl Session {
    /// The xids that [`Session::send`] gives out.
    ///
    /// Frames for [`Session::send_encoded`] should have others, so that an error tells which of
    /// the two it is about.
    pub const OWN_XIDS: RangeInclusive<u32> = 0x8000_0000..=u32::MAX;

    /// A session on a connection that was just made; its hello is ready to be sent.
    pub fn new(end: End, now: Instant) -> Self {
        Self::with_limits(end, Limits::default(), now)
    }

    /// As [`Session::new`], with limits of the owner's choice.
    pub fn with_limits(end: End, limits: Limits, now: Instant) -> Self {
        let mut session = Self {
            end,
            state: State::Hello,
            limits,
            frames: Frames::new(limits.message.min(TooLong::LIMIT)),
            partial_since: None,
            liveness: Liveness::new(&limits, now),
            requests: Requests::default(),
            next_xid: *Self::OWN_XIDS.start(),
            events: VecDeque::new(),
            queue: VecDeque::new(),
            small: BytesMut::new(),
            queued: 0,
            answers: 0,
        };
        session.transmit_short(Message::Hello(Hello::only_1_3()));
        session
    }

    /// True once the handshake is done.
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Takes bytes that came from the peer; any division of the stream will do.
    ///
    /// # Errors
    ///
    /// When the peer breaks the protocol. What came before has still become events.
    pub fn handle_input(&mut self, mut input: &[u8], now: Instant) -> Result<(), ProtocolError> {
        if !input.is_empty() {
            self.liveness.heard(now);
        }
        while let Some(frame) = self.frames.next(&mut input)? {
            self.partial_since = None;
            let header = Header::read(&frame).expect("a frame has at least a header");
            let (xid, message) = Message::interpret(&frame).map_err(|source| {
                let (kind, xid) = (header.kind, header.xid);
                ProtocolError::Malformed { kind, xid, source }
            })?;
            self.handle_message(xid, message, now)?;
        }
        if self.frames.is_partial() {
            self.partial_since.get_or_insert(now);
        }
        Ok(())
    }

    /// What has happened, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next bytes to send.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        let bytes = match self.queue.pop_front() {
            Some(bytes) => bytes,
            None if self.small.is_empty() => return None,
            None => self.small.split().freeze(),
        };
        self.queued -= bytes.len();
        if self.queued == 0 {
            self.answers = 0;
            self.queue.shrink_to(KEPT);
        }
        Some(bytes)
    }

    /// How many bytes wait to be sent: what the owner watches to hold back when the peer is slow.
    pub fn queued_bytes(&self) -> usize {
        self.queued
    }

    /// When [`Session::handle_timeout`] wants to be called; asked anew after every other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let delivery = self.partial_since.map(|since| later(since, self.limits.delivery));
        let liveness = self.liveness.deadline();
        Some(delivery.map_or(liveness, |delivery| delivery.min(liveness)))
    }

    /// Does what time demands: sends an echo request, or gives the peer up.
    ///
    /// # Errors
    ///
    /// When the handshake or a message took too long, or the peer has been silent for too long.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), ProtocolError> {
        if self.liveness.handle_timeout(now)? {
            let xid = self.transmit_short(Message::EchoRequest(Bytes::new()));
            self.requests.add(xid, Request::Probe);
        }
        let limit = self.limits.delivery;
        match self.partial_since {
            Some(since) if now >= later(since, limit) => Err(ProtocolError::Undelivered { limit }),
            _ => Ok(()),
        }
    }

    /// Sends a message under an xid of its own, which is returned.
    ///
    /// When the message is a request, its reply comes as [`Event::Reply`] or [`Event::Part`] with
    /// that xid.
    ///
    /// # Errors
    ///
    /// When the message is too long; nothing is sent then.
    pub fn send(&mut self, message: &Message) -> Result<u32, TooLong> {
        let xid = self.free_xid();
        self.transmit(xid, message)?;
        if let Some(request) = Request::of(message) {
            self.requests.add(xid, request);
        }
        Ok(xid)
    }

    /// Sends a message that answers the peer's message `xid`.
    ///
    /// # Errors
    ///
    /// When the message is too long; nothing is sent then.
    pub fn reply(&mut self, xid: u32, message: &Message) -> Result<(), TooLong> {
        self.transmit(xid, message)
    }

    /// Sends a whole message, encoded before, without copying it.
    ///
    /// For messages without a reply: an error about it comes as [`Event::Error`] with its xid.
    pub fn send_encoded(&mut self, frame: Bytes) {
        if !self.small.is_empty() {
            self.queue.push_back(self.small.split().freeze());
        }
        self.queued += frame.len();
        self.queue.push_back(frame);
    }

    fn handle_message(
        &mut self,
        xid: u32,
        message: Message,
        now: Instant,
    ) -> Result<(), ProtocolError> {
        match (self.state, message) {
            (State::Hello, Message::Hello(hello)) => self.handle_hello(xid, &hello, now),
            (State::Hello | State::Features(_), Message::Error(error)) => {
                Err(ProtocolError::Refused { code: error.code, text: error.text() })
            }
            (State::Hello, message) => Err(ProtocolError::NoHello { kind: message.kind() }),
            (_, Message::EchoRequest(data)) => self.answer_echo(xid, data),
            (State::Features(asked), Message::FeaturesReply(features)) if asked == xid => {
                self.requests.remove(xid);
                self.ready(Event::Ready(features), now);
                Ok(())
            }
            // What comes unasked before the handshake's end has no one to care for it yet.
            (State::Features(_), _) => Ok(()),
            (State::Ready, message) => self.handle_ready(xid, message),
        }
    }

    fn handle_hello(&mut self, xid: u32, hello: &Hello, now: Instant) -> Result<(), ProtocolError> {
        if !hello.speaks_1_3() {
            let data = Bytes::from_static(b"this end speaks OpenFlow 1.3 only");
            let code = ErrorCode::HELLO_INCOMPATIBLE;
            let error = Message::Error(ErrorMessage { code, data });
            let _ = self.transmit(xid, &error);
            let bitmap = hello.bitmap.first().copied();
            return Err(ProtocolError::NoCommonVersion { version: hello.version, bitmap });
        }
        match self.end {
            End::Controller => {
                let xid = self.transmit_short(Message::FeaturesRequest);
                self.requests.add(xid, Request::Features);
                self.state = State::Features(xid);
            }
            End::Switch => self.ready(Event::Connected, now),
        }
        Ok(())
    }

    fn answer_echo(&mut self, xid: u32, data: Bytes) -> Result<(), ProtocolError> {
        self.answers += HEADER + data.len();
        if self.answers > self.limits.answers {
            return Err(ProtocolError::UnreadAnswers { limit: self.limits.answers });
        }
        // An echo that came fits a message, so its answer does.
        let _ = self.transmit(xid, &Message::EchoReply(data));
        Ok(())
    }

    fn ready(&mut self, event: Event, now: Instant) {
        self.state = State::Ready;
        self.liveness.ready(now);
        self.events.push_back(event);
    }

    fn handle_ready(&mut self, xid: u32, message: Message) -> Result<(), ProtocolError> {
        let event = match self.requests.take(xid, &message)? {
            Matched::Probe => return Ok(()),
            Matched::Unasked => match message {
                Message::Error(error) => Event::Error { xid, error },
                message => Event::Message { xid, message },
            },
            Matched::Reply => match message {
                Message::MultipartReply(reply) => {
                    Event::Part { xid, body: reply.body, last: !reply.more }
                }
                message => Event::Reply { xid, message },
            },
        };
        self.events.push_back(event);
        Ok(())
    }

    /// An xid of this session's own that no request waits under.
    fn free_xid(&mut self) -> u32 {
        loop {
            let xid = self.next_xid;
            self.next_xid = xid.wrapping_add(1) | Self::OWN_XIDS.start();
            if !self.requests.contains(xid) {
                return xid;
            }
        }
    }

    fn transmit(&mut self, xid: u32, message: &Message) -> Result<(), TooLong> {
        let before = self.small.len();
        message.encode(xid, &mut self.small)?;
        self.queued += self.small.len() - before;
        Ok(())
    }

    /// Sends one of the handshake's or liveness' messages.
    fn transmit_short(&mut self, message: Message) -> u32 {
        let xid = self.free_xid();
        self.transmit(xid, &message).expect("these messages have a few bytes each");
        xid
    }
}
