//! How a peer breaks the protocol.

use std::time::Duration;

use thiserror::Error;

use crate::DecodeError;
use crate::message::ErrorCode;

/// Why a session ended.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ProtocolError {
    /// A header tells a length that no message has.
    #[error("a message of type {kind} claims {length} bytes, {limit} are allowed and 8 needed")]
    FrameLength {
        /// `OFPT_*`.
        kind: u8,
        /// The length that the header tells.
        length: u16,
        /// The longest that is taken.
        limit: usize,
    },
    /// A message is not what its type says.
    #[error("message type {kind}, xid {xid:#x}: {source}")]
    Malformed {
        /// `OFPT_*`.
        kind: u8,
        /// The message's xid.
        xid: u32,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// The first message was no hello.
    #[error("the peer began with a message of type {kind}, wanted a hello")]
    NoHello {
        /// `OFPT_*`.
        kind: u8,
    },
    /// The peer does not speak OpenFlow 1.3.
    #[error(
        "the peer does not speak OpenFlow 1.3: its hello has version {version:#04x}, bitmap {}",
        .bitmap.map_or_else(|| "none".to_owned(), |bitmap| format!("{bitmap:#x}"))
    )]
    NoCommonVersion {
        /// The version of its hello's header.
        version: u8,
        /// The versions that it offers, one bit each; `None` when it did not say.
        bitmap: Option<u32>,
    },
    /// The peer refused the handshake.
    #[error("the peer refused the handshake: {code} {text}")]
    Refused {
        /// Why.
        code: ErrorCode,
        /// And in words, if it said any.
        text: String,
    },
    /// The handshake was not done in time.
    #[error("the handshake was not done within {limit:?}")]
    HandshakeTimeout {
        /// The time that it had.
        limit: Duration,
    },
    /// Nothing came any more, not even answers to echo requests.
    #[error("nothing came for {silence:?}, though an echo request was sent")]
    Silent {
        /// For how long.
        silence: Duration,
    },
    /// A message was begun and not finished in time.
    #[error("a message was not whole within {limit:?}")]
    Undelivered {
        /// The time that it had.
        limit: Duration,
    },
    /// The peer sends echo requests and does not read the answers.
    #[error("more than {limit} bytes of answers to echo requests left unread")]
    UnreadAnswers {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A reply is of another type than its request wants.
    #[error("the reply to xid {xid:#x} is of type {got}, wanted {wanted}")]
    WrongReply {
        /// The request's xid.
        xid: u32,
        /// `OFPT_*` of what came.
        got: u8,
        /// What was asked for.
        wanted: &'static str,
    },
}
