//! A session, and the server's side of its connection.

use std::time::{Duration, Instant};

use ovsdb::replica::{Replica, Table};
use ovsdb::schema::ColumnType;
use ovsdb::session::{Event, Options, Session, SessionError, Snapshot};
use serde_json::{Value, json};

/// A method of following a database, and what the server said by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vectors {
    pub(crate) method: &'static str,
    /// The reply to the monitor request, with id 1.
    pub(crate) reply: &'static str,
    /// A bridge is added; columns of each kind change; the bridge and a port are deleted.
    pub(crate) updates: [&'static str; 3],
}

macro_rules! vectors {
    ($method:literal) => {
        Vectors {
            method: $method,
            reply: include_str!(concat!("../vectors/", $method, ".reply.json")),
            updates: [
                include_str!(concat!("../vectors/", $method, ".update0.json")),
                include_str!(concat!("../vectors/", $method, ".update1.json")),
                include_str!(concat!("../vectors/", $method, ".update2.json")),
            ],
        }
    };
}

pub(crate) const SINCE: Vectors = vectors!("monitor_cond_since");
pub(crate) const COND: Vectors = vectors!("monitor_cond");
pub(crate) const PLAIN: Vectors = vectors!("monitor");

pub(crate) struct Peer {
    pub(crate) session: Session,
    pub(crate) now: Instant,
}

impl Peer {
    pub(crate) fn new(options: Options, previous: Option<Snapshot>) -> Self {
        let now = Instant::now();
        Self { session: Session::new(options, previous, now), now }
    }

    /// A session that has sent its request for the monitor by `method`; and that request.
    pub(crate) fn monitoring(
        options: Options,
        previous: Option<Snapshot>,
        method: &str,
    ) -> (Self, Value) {
        let mut peer = Self::new(options, previous);
        let schema = peer.request();
        peer.reply(&schema, &schema_without(&[])).unwrap();
        let mut monitor = peer.request();
        while monitor["method"] != method {
            peer.say(&json!({"id": monitor["id"], "error": "unknown method"})).unwrap();
            monitor = peer.request();
        }
        (peer, monitor)
    }

    /// A session that follows the captured server, its first event taken.
    pub(crate) fn following(options: Options, vectors: Vectors) -> Self {
        let (mut peer, monitor) = Self::monitoring(options, None, vectors.method);
        peer.hear(&with_id(vectors.reply, &monitor["id"])).unwrap();
        peer.replica();
        peer
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, time: Duration) -> Result<(), SessionError> {
        self.now += time;
        self.session.handle_timeout(self.now)
    }

    /// Makes the session hear `text`.
    pub(crate) fn hear(&mut self, text: &str) -> Result<(), SessionError> {
        self.session.handle_input(text.as_bytes(), self.now)
    }

    pub(crate) fn say(&mut self, message: &Value) -> Result<(), SessionError> {
        self.hear(&message.to_string())
    }

    pub(crate) fn reply(&mut self, request: &Value, result: &Value) -> Result<(), SessionError> {
        self.say(&json!({"id": request["id"], "result": result, "error": null}))
    }

    /// All that the session wants sent.
    pub(crate) fn sent(&mut self) -> Vec<Value> {
        let messages = std::iter::from_fn(|| self.session.poll_transmit());
        messages.map(|text| serde_json::from_slice(&text).expect("JSON")).collect()
    }

    /// The only message that the session wants sent.
    #[track_caller]
    pub(crate) fn request(&mut self) -> Value {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.pop().unwrap()
    }

    /// The replica of the only event that there is.
    #[track_caller]
    pub(crate) fn replica(&mut self) -> Replica {
        let event = self.session.poll_event();
        let Some(Event::Updated(snapshot)) = event else { panic!("{event:?}") };
        assert_eq!(self.session.poll_event(), None);
        snapshot.replica
    }
}

/// The captured `text` as the reply to the request `id`.
pub(crate) fn with_id(text: &str, id: &Value) -> String {
    assert!(text.starts_with("{\"id\":1,"));
    text.replacen("\"id\":1,", &format!("\"id\":{id},"), 1)
}

/// A schema with all columns that the replica knows, except some given as `Table.column`.
pub(crate) fn schema_without(left_out: &[&str]) -> Value {
    let tables = Table::ALL.iter().map(|table| {
        let columns = table
            .columns()
            .iter()
            .filter(|column| !left_out.contains(&format!("{table}.{}", column.name).as_str()));
        let columns: Value = columns
            .map(|column| (column.name.to_owned(), json!({"type": type_json(column.column_type)})))
            .collect();
        (table.to_string(), json!({"columns": columns}))
    });
    json!({"name": "Open_vSwitch", "version": "8.3.1", "tables": tables.collect::<Value>()})
}

fn type_json(column_type: ColumnType) -> Value {
    match column_type {
        ColumnType::Scalar(key) => json!(key.name()),
        ColumnType::Optional(key) => json!({"key": {"type": key.name()}, "min": 0}),
        ColumnType::Set(key) => json!({"key": key.name(), "min": 0, "max": "unlimited"}),
        ColumnType::Map(key, value) => {
            json!({"key": key.name(), "value": value.name(), "min": 0, "max": "unlimited"})
        }
    }
}
