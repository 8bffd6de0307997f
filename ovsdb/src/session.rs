//! One connection to a server as a state machine, without IO and without a clock.
//!
//! Whoever drives a [`Session`] gives it what the peer sent ([`Session::handle_input`]) and the
//! time ([`Session::handle_timeout`], due at [`Session::poll_timeout`]), and takes from it what to
//! send ([`Session::poll_transmit`]) and what happened ([`Session::poll_event`]).
//!
//! The session reads the server's schema, monitors the columns that the replica has and the
//! server too, keeps the replica, answers the server's probes and probes a silent server itself.
//! It may be used for transactions from the start.
//!
//! Memory is bounded by [`Options`] whatever the peer does, except for the transactions in
//! flight, whose number is up to the caller ([`Session::in_flight`]). While a message is being
//! read it takes a small multiple of its length.

mod error;
mod liveness;
mod mirror;
mod monitor;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use serde_json::value::RawValue;
use uuid::Uuid;

pub use error::{RowError, SessionError, UpdateError};

use crate::jsonrpc::{self, Framer, Message, RequestId};
use crate::replica::Replica;
use crate::transact::{OpResult, TransactError, Transaction, decode_results};
use crate::value::excerpt;
use crate::{DATABASE, schema};
use liveness::Liveness;
use mirror::Mirror;
use monitor::{Method, Selection};

/// Limits and times of a session.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Silence after which the server is probed; it has the same time again to answer. `None`:
    /// never. Default 5 s, as the server does it.
    pub probe_interval: Option<Duration>,
    /// Ages of the connection, ascending, at which the server is probed whatever it has said; but for
    /// this, such a probe is none: what comes of it is up to `probe_interval`. Default none.
    ///
    /// For servers that have connected themselves. Open vSwitch's `lib/reconnect.c` lets one wait
    /// longer each time, unless it has heard something when the connection was as old as it had
    /// waited for it.
    pub early_probes: &'static [Duration],
    /// Time from the start to the complete replica. Default 30 s.
    pub setup_timeout: Duration,
    /// The longest message that the server may send, in bytes. Default 64 MiB.
    pub max_message: usize,
    /// Time from a message's first byte to its last. Default 30 s.
    pub message_timeout: Duration,
    /// The largest replica, in bytes. Default 1 GiB.
    pub max_replica: usize,
    /// The most rows that a replica may have. Default 200,000.
    pub max_rows: usize,
    /// Answers that the server may leave unread, in bytes. Default 1 MiB.
    pub max_unsent_answers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            probe_interval: Some(Duration::from_secs(5)),
            early_probes: &[],
            setup_timeout: Duration::from_secs(30),
            max_message: 64 << 20,
            message_timeout: Duration::from_secs(30),
            max_replica: 1 << 30,
            max_rows: 200_000,
            max_unsent_answers: 1 << 20,
        }
    }
}

/// The database at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Snapshot {
    /// Its content.
    pub replica: Replica,
    /// The transaction that led to it; nil where the server does not tell. A clustered server
    /// lets a later session go on from here instead of from nothing.
    pub last_transaction: Uuid,
}

/// Something that happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The replica is complete (the first of these) or has changed. Several changes may come as
    /// one; the snapshot is the latest state.
    Updated(Snapshot),
    /// A transaction has been answered. Its own changes were in an [`Event::Updated`] before.
    Transacted {
        /// What [`Session::transact`] returned.
        id: RequestId,
        /// One result for each operation.
        result: Result<Vec<OpResult>, TransactError>,
    },
}

/// One connection to a server.
#[derive(Debug)]
pub struct Session {
    options: Options,
    framer: Framer,
    /// When the first byte came of a message that has not come whole.
    partial_since: Option<Instant>,
    liveness: Liveness,
    phase: Phase,
    setup_deadline: Instant,
    mirror: Mirror,
    last_transaction: Uuid,
    next_id: u64,
    pending: BTreeMap<RequestId, Pending>,
    in_flight: usize,
    outbox: VecDeque<Outgoing>,
    unsent_answers: usize,
    updated: bool,
    transacted: VecDeque<Event>,
}

/// How far the session has come.
#[derive(Debug)]
enum Phase {
    /// The schema or the monitor has been asked for.
    Setup,
    /// The replica is complete and follows the server's.
    Following(Method),
    /// An error ended the session.
    Failed,
}

/// A request that awaits its reply.
#[derive(Debug)]
enum Pending {
    Schema,
    Monitor(Method, Selection),
    Echo,
    Transact(Transaction),
}

#[derive(Debug)]
struct Outgoing {
    bytes: Bytes,
    is_answer: bool,
}

impl Session {
    /// A session that begins `now`. `previous` is what an earlier session with the same database
    /// came to, if there was one.
    pub fn new(options: Options, previous: Option<Snapshot>, now: Instant) -> Self {
        let Snapshot { replica, last_transaction } = previous.unwrap_or_default();
        let mut session = Self {
            options,
            framer: Framer::new(options.max_message),
            partial_since: None,
            liveness: Liveness::new(options.probe_interval, options.early_probes, now),
            phase: Phase::Setup,
            setup_deadline: now + options.setup_timeout,
            mirror: Mirror::new(replica, &options),
            last_transaction,
            next_id: 0,
            pending: BTreeMap::new(),
            in_flight: 0,
            outbox: VecDeque::new(),
            unsent_answers: 0,
            updated: false,
            transacted: VecDeque::new(),
        };
        session.request("get_schema", &json!([DATABASE]), Pending::Schema);
        session
    }

    /// Takes what the server sent.
    ///
    /// # Errors
    /// When the session has to end. It then ignores every input and has no more events.
    pub fn handle_input(&mut self, mut input: &[u8], now: Instant) -> Result<(), SessionError> {
        if matches!(self.phase, Phase::Failed) {
            return Ok(());
        }
        if !input.is_empty() {
            self.liveness.heard(now);
        }
        self.guard(|session| {
            while let Some(text) = session.framer.next(&mut input)? {
                session.partial_since = None;
                session.handle_message(Message::parse(&text)?)?;
            }
            if session.framer.buffered() > 0 {
                session.partial_since.get_or_insert(now);
            }
            Ok(())
        })
    }

    /// Does what is due.
    ///
    /// # Errors
    /// When the server has been silent for too long, or has not finished in time what it began.
    /// The session then ends as after [`Session::handle_input`]'s errors.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        self.guard(|session| {
            if matches!(session.phase, Phase::Setup) && now >= session.setup_deadline {
                return Err(SessionError::Setup(session.options.setup_timeout));
            }
            if session.delivery_deadline().is_some_and(|deadline| now >= deadline) {
                return Err(SessionError::Undelivered(session.options.message_timeout));
            }
            if session.liveness.handle_timeout(now)? {
                session.request("echo", &json!([]), Pending::Echo);
            }
            Ok(())
        })
    }

    /// When [`Session::handle_timeout`] is due; `None`: never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let setup = match self.phase {
            Phase::Failed => return None,
            Phase::Following(_) => None,
            Phase::Setup => Some(self.setup_deadline),
        };
        [self.liveness.deadline(), self.delivery_deadline(), setup].into_iter().flatten().min()
    }

    /// The next bytes to send.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        let Outgoing { bytes, is_answer } = self.outbox.pop_front()?;
        if is_answer {
            self.unsent_answers -= bytes.len();
        }
        Some(bytes)
    }

    /// What happened since the last call.
    pub fn poll_event(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.updated) {
            let replica = self.mirror.replica().clone();
            let last_transaction = self.last_transaction;
            return Some(Event::Updated(Snapshot { replica, last_transaction }));
        }
        self.transacted.pop_front()
    }

    /// Sends a transaction. Its reply will be an [`Event::Transacted`].
    pub fn transact(&mut self, transaction: Transaction) -> RequestId {
        self.in_flight += 1;
        let params = transaction.params();
        self.request("transact", &params, Pending::Transact(transaction))
    }

    /// How many transactions are not answered yet.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// When the message must be whole that is on its way.
    fn delivery_deadline(&self) -> Option<Instant> {
        self.partial_since.map(|since| since + self.options.message_timeout)
    }

    /// Does `step`, and ends the session if it fails.
    fn guard(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        let result = step(self);
        if result.is_err() {
            self.phase = Phase::Failed;
            self.updated = false;
            self.outbox.clear();
            self.unsent_answers = 0;
            self.transacted.clear();
        }
        result
    }

    fn handle_message(&mut self, message: Message<'_>) -> Result<(), SessionError> {
        match message {
            Message::Request { id, method, params } if method == "echo" => {
                self.answer(jsonrpc::reply(id, params))
            }
            Message::Request { id, .. } => self.answer(jsonrpc::reply_error(id, "unknown method")),
            Message::Notification { method, params } => self.handle_notification(&method, params),
            Message::Reply { id, result } => self.handle_reply(id, result),
        }
    }

    fn handle_reply(
        &mut self,
        id: &RawValue,
        result: Result<&RawValue, &RawValue>,
    ) -> Result<(), SessionError> {
        let known = RequestId::parse(id).and_then(|id| Some((id, self.pending.remove(&id)?)));
        let Some((id, pending)) = known else {
            return Err(SessionError::UnexpectedReply(excerpt(id.get())));
        };
        match (pending, result) {
            (Pending::Echo, _) => Ok(()),
            (Pending::Schema, Ok(schema)) => self.start_monitor(schema),
            (Pending::Schema, Err(error)) => Err(refused("get_schema", error)),
            (Pending::Monitor(method, selection), result) => {
                self.handle_monitor_reply(method, selection, result)
            }
            (Pending::Transact(transaction), result) => {
                self.in_flight -= 1;
                let result = match result {
                    Ok(results) => decode_results(results, transaction.operations())?,
                    Err(error) => Err(TransactError::Refused(excerpt(error.get()))),
                };
                self.transacted.push_back(Event::Transacted { id, result });
                Ok(())
            }
        }
    }

    fn start_monitor(&mut self, schema: &RawValue) -> Result<(), SessionError> {
        let columns = schema::select(schema, &monitor::wanted())?;
        self.request_monitor(Method::Since, Selection::of(columns));
        Ok(())
    }

    fn request_monitor(&mut self, method: Method, selection: Selection) {
        let params = method.params(&selection, self.last_transaction);
        self.request(method.name(), &params, Pending::Monitor(method, selection));
    }

    fn handle_monitor_reply(
        &mut self,
        method: Method,
        selection: Selection,
        result: Result<&RawValue, &RawValue>,
    ) -> Result<(), SessionError> {
        let reply = match (result, method.older()) {
            (Ok(reply), _) => reply,
            (Err(error), Some(older)) if monitor::is_unknown_method(error) => {
                self.request_monitor(older, selection);
                return Ok(());
            }
            (Err(error), _) => return Err(refused(method.name(), error)),
        };
        let initial = method.parse_reply(reply)?;
        if !initial.is_difference {
            self.mirror = Mirror::new(Replica::of_columns(selection.columns()), &self.options);
        }
        self.mirror.apply(initial.updates, method.notation())?;
        self.last_transaction = initial.last_transaction;
        self.phase = Phase::Following(method);
        self.updated = true;
        Ok(())
    }

    fn handle_notification(&mut self, name: &str, params: &RawValue) -> Result<(), SessionError> {
        match (&self.phase, name) {
            (&Phase::Following(method), _) if name == method.update_name() => {
                let update = method.parse_update(params)?;
                self.mirror.apply(update.updates, method.notation())?;
                self.last_transaction = update.last_transaction;
                self.updated = true;
                Ok(())
            }
            (_, "update" | "update2" | "update3") => {
                Err(SessionError::UnexpectedUpdate(name.to_owned()))
            }
            (_, "monitor_canceled") => Err(SessionError::MonitorCanceled),
            // Locks are not used, and what else there may be is not for a client of this kind.
            _ => Ok(()),
        }
    }

    fn request(&mut self, method: &str, params: &serde_json::Value, pending: Pending) -> RequestId {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        if !matches!(self.phase, Phase::Failed) {
            self.pending.insert(id, pending);
            let bytes = jsonrpc::request(id, method, params);
            self.outbox.push_back(Outgoing { bytes, is_answer: false });
        }
        id
    }

    fn answer(&mut self, bytes: Bytes) -> Result<(), SessionError> {
        self.unsent_answers += bytes.len();
        self.outbox.push_back(Outgoing { bytes, is_answer: true });
        if self.unsent_answers > self.options.max_unsent_answers {
            return Err(SessionError::UnreadAnswers { limit: self.options.max_unsent_answers });
        }
        Ok(())
    }
}

fn refused(method: &'static str, error: &RawValue) -> SessionError {
    SessionError::Refused { method, error: excerpt(error.get()) }
}
