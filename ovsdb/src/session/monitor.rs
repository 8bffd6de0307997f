//! The three ways to follow a database: `monitor` (RFC 7047 §4.1.5), and `monitor_cond` and
//! `monitor_cond_since` of `ovsdb-server(7)`.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::UpdateError;
use super::mirror::Notation;
use crate::DATABASE;
use crate::replica::Table;
use crate::schema::Column;
use crate::value::{excerpt, parse_uuid};

/// A method to follow a database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Method {
    /// `monitor_cond_since`: Open vSwitch 2.12 and later.
    Since,
    /// `monitor_cond`: 2.6 and later.
    Cond,
    /// `monitor`.
    Plain,
}

/// What an update, or the reply to the monitor request, says.
#[derive(Debug)]
pub(super) struct Update<'a> {
    pub(super) updates: &'a RawValue,
    /// Nil where the method does not tell.
    pub(super) last_transaction: Uuid,
    /// Whether the updates lead on from the replica that the session has, rather than from
    /// nothing.
    pub(super) is_difference: bool,
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Since => "monitor_cond_since",
            Self::Cond => "monitor_cond",
            Self::Plain => "monitor",
        }
    }

    /// The notification that tells of changes.
    pub(super) fn update_name(self) -> &'static str {
        match self {
            Self::Since => "update3",
            Self::Cond => "update2",
            Self::Plain => "update",
        }
    }

    pub(super) fn notation(self) -> Notation {
        match self {
            Self::Since | Self::Cond => Notation::Differences,
            Self::Plain => Notation::OldAndNew,
        }
    }

    /// What to try with a server that does not know this one.
    pub(super) fn older(self) -> Option<Self> {
        match self {
            Self::Since => Some(Self::Cond),
            Self::Cond => Some(Self::Plain),
            Self::Plain => None,
        }
    }

    /// The request's parameters. `last` is the transaction from where to go on, or nil.
    pub(super) fn params(self, selection: &Selection, last: Uuid) -> Value {
        let mut params = vec![json!(DATABASE), json!(MONITOR), selection.request()];
        if self == Self::Since {
            params.push(last.as_hyphenated().to_string().into());
        }
        params.into()
    }

    /// Reads the reply to the request.
    pub(super) fn parse_reply(self, reply: &RawValue) -> Result<Update<'_>, UpdateError> {
        if self != Self::Since {
            return Ok(Update {
                updates: reply,
                last_transaction: Uuid::nil(),
                is_difference: false,
            });
        }
        let (is_difference, last, updates): (bool, String, &RawValue) =
            serde_json::from_str(reply.get())?;
        Ok(Update { updates, last_transaction: transaction_id(&last)?, is_difference })
    }

    /// Reads the parameters of the notification.
    pub(super) fn parse_update(self, params: &RawValue) -> Result<Update<'_>, UpdateError> {
        let (monitor, last, updates): (&RawValue, _, &RawValue) = if self == Self::Since {
            let (monitor, last, updates): (_, String, _) = serde_json::from_str(params.get())?;
            (monitor, transaction_id(&last)?, updates)
        } else {
            let (monitor, updates) = serde_json::from_str(params.get())?;
            (monitor, Uuid::nil(), updates)
        };
        if serde_json::from_str::<Value>(monitor.get())? != json!(MONITOR) {
            return Err(UpdateError::Monitor(excerpt(monitor.get())));
        }
        Ok(Update { updates, last_transaction: last, is_difference: true })
    }
}

/// Which columns to monitor: `<monitor-requests>`.
#[derive(Debug)]
pub(super) struct Selection(BTreeMap<&'static str, Vec<&'static str>>);

impl Selection {
    pub(super) fn of(columns: BTreeMap<&'static str, Vec<&'static str>>) -> Self {
        Self(columns)
    }

    /// The columns of each table.
    pub(super) fn columns(&self) -> &BTreeMap<&'static str, Vec<&'static str>> {
        &self.0
    }

    fn request(&self) -> Value {
        let request = |(table, columns): (&&str, &Vec<&str>)| {
            ((*table).to_owned(), json!([{ "columns": columns }]))
        };
        self.0.iter().map(request).collect()
    }
}

/// All that the replica has.
pub(super) fn wanted() -> Vec<(&'static str, &'static [Column])> {
    Table::ALL.iter().map(|table| (table.name(), table.columns())).collect()
}

/// Whether a request was refused because the server does not know its method.
pub(super) fn is_unknown_method(error: &RawValue) -> bool {
    let error: Value = serde_json::from_str(error.get()).unwrap_or_default();
    error.as_str().or_else(|| error.get("error")?.as_str()) == Some("unknown method")
}

fn transaction_id(text: &str) -> Result<Uuid, UpdateError> {
    parse_uuid(text)
        .ok_or_else(|| UpdateError::Uuid { table: "the last transaction", found: excerpt(text) })
}

/// Identity of the only monitor that a session has.
const MONITOR: &str = "weft";
