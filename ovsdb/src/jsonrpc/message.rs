use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::value::excerpt;

/// One message of the peer, its content still JSON text.
#[derive(Clone, Debug)]
pub enum Message<'a> {
    /// Asks for a reply with the same `id`.
    Request {
        /// Any JSON value but `null`.
        id: &'a RawValue,
        /// What is asked for.
        method: Cow<'a, str>,
        /// An array.
        params: &'a RawValue,
    },
    /// Tells something and wants no reply.
    Notification {
        /// What happened.
        method: Cow<'a, str>,
        /// An array.
        params: &'a RawValue,
    },
    /// Answers a request.
    Reply {
        /// The request's id.
        id: &'a RawValue,
        /// `result`, or else `error`, which then is not `null`.
        result: Result<&'a RawValue, &'a RawValue>,
    },
}

impl<'a> Message<'a> {
    /// Reads one JSON text.
    ///
    /// # Errors
    /// When `text` is not JSON, or not a JSON-RPC 1.0 message.
    pub fn parse(text: &'a [u8]) -> Result<Self, MessageError> {
        let envelope: Envelope<'a> = serde_json::from_slice(text)?;
        match envelope {
            Envelope { method: Some(method), params: Some(params), id, .. }
                if params.get().starts_with('[') =>
            {
                Ok(match id {
                    Some(id) => Self::Request { id, method, params },
                    None => Self::Notification { method, params },
                })
            }
            Envelope { method: Some(method), .. } => Err(MessageError::Params(excerpt(&method))),
            Envelope { method: None, id: Some(id), result, error, .. } => {
                let result = match (result, error) {
                    (_, Some(error)) => Err(error),
                    (Some(result), None) => Ok(result),
                    (None, None) => Ok(RawValue::NULL),
                };
                Ok(Self::Reply { id, result })
            }
            Envelope { method: None, id: None, .. } => Err(MessageError::NoPurpose),
        }
    }
}

/// Identity of a request of ours: an integer, never used twice in a session.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestId(pub u64);

impl RequestId {
    /// Reads the id of a reply; `None` when it is none that we could have given.
    pub fn parse(id: &RawValue) -> Option<Self> {
        id.get().parse().ok().map(Self)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Writes a request.
pub fn request(id: RequestId, method: &str, params: &Value) -> Bytes {
    json!({"id": id.0, "method": method, "params": params}).to_string().into()
}

/// Writes a notification.
pub fn notification(method: &str, params: &Value) -> Bytes {
    json!({"id": null, "method": method, "params": params}).to_string().into()
}

/// Writes the reply to a request of the peer.
pub fn reply(id: &RawValue, result: &RawValue) -> Bytes {
    format!(r#"{{"id":{id},"result":{result},"error":null}}"#).into()
}

/// Refuses a request of the peer.
pub fn reply_error(id: &RawValue, error: &str) -> Bytes {
    format!(r#"{{"id":{id},"result":null,"error":{}}}"#, json!(error)).into()
}

/// A JSON text that is no message.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Not JSON, or not an object with the members of a message.
    #[error("not a JSON-RPC message: {0}")]
    Json(#[from] serde_json::Error),
    /// A request or notification without an array of parameters; with its method.
    #[error("method {0:?} without an array `params`")]
    Params(String),
    /// Neither a method nor the id of a request.
    #[error("neither `method` nor `id` in a message")]
    NoPurpose,
}

/// All that a message may hold; `null` and absent are the same.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Expect) {
        let shown = match Message::parse(text.as_bytes()) {
            Ok(Message::Request { id, method, params }) => {
                format!("request {id} {method} {params}")
            }
            Ok(Message::Notification { method, params }) => {
                format!("notification {method} {params}")
            }
            Ok(Message::Reply { id, result: Ok(result) }) => format!("reply {id} {result}"),
            Ok(Message::Reply { id, result: Err(error) }) => format!("refusal {id} {error}"),
            Err(error) => format!("error: {error}"),
        };
        expect.assert_eq(&shown);
    }

    #[test]
    fn kinds_of_messages() {
        check(
            r#"{"id":"echo","method":"echo","params":[]}"#,
            expect![[r#"request "echo" echo []"#]],
        );
        check(
            r#"{"method":"upd\u0061te","params":[ null, {}],"id":null}"#,
            expect!["notification update [ null, {}]"],
        );
        check(r#"{"id":3,"result":{"a":[1]},"error":null}"#, expect![[r#"reply 3 {"a":[1]}"#]]);
        check(r#"{"id":3,"result":null,"error":null}"#, expect!["reply 3 null"]);
        check(
            r#"{"id":3,"result":null,"error":"unknown method"}"#,
            expect![[r#"refusal 3 "unknown method""#]],
        );
    }

    #[test]
    fn what_is_no_message() {
        check(r#"{}"#, expect!["error: neither `method` nor `id` in a message"]);
        check(
            r#"{"method":"update","params":{}}"#,
            expect![[r#"error: method "update" without an array `params`"#]],
        );
        check(
            r#"{"method":"update"}"#,
            expect![[r#"error: method "update" without an array `params`"#]],
        );
        check(
            r#"{"method":5,"params":[]}"#,
            expect![
                "error: not a JSON-RPC message: invalid type: integer `5`, expected a string at line 1 column 11"
            ],
        );
        check(
            r#"{"id":1,"id":2}"#,
            expect!["error: not a JSON-RPC message: duplicate field `id` at line 1 column 12"],
        );
        check(
            r#"{"id":1,]"#,
            expect!["error: not a JSON-RPC message: key must be a string at line 1 column 9"],
        );
    }

    #[test]
    fn what_is_written_is_read() {
        check(
            std::str::from_utf8(&request(RequestId(7), "echo", &json!([1]))).unwrap(),
            expect!["request 7 echo [1]"],
        );
        check(
            std::str::from_utf8(&notification("cancel", &json!([7]))).unwrap(),
            expect!["notification cancel [7]"],
        );
        let id = RawValue::from_string(r#"["a", 1]"#.to_owned()).unwrap();
        check(
            std::str::from_utf8(&reply(&id, RawValue::TRUE)).unwrap(),
            expect![[r#"reply ["a", 1] true"#]],
        );
        check(
            std::str::from_utf8(&reply_error(&id, "unknown method")).unwrap(),
            expect![[r#"refusal ["a", 1] "unknown method""#]],
        );
    }

    #[test]
    fn ids_of_ours_are_plain_integers() {
        let parse = |text: &str| RequestId::parse(&RawValue::from_string(text.to_owned()).unwrap());
        assert_eq!(parse("17"), Some(RequestId(17)));
        for other in ["-1", "1.0", "\"1\"", "null", "99999999999999999999"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
