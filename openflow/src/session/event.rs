//! What a session tells.

use crate::message::{ErrorMessage, FeaturesReply, Message, MultipartReplyBody};

/// What a session has to tell its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The controller's end: the handshake is done, this is the switch. Always the first event.
    Ready(FeaturesReply),
    /// The switch's end: hellos are exchanged. Always the first event.
    Connected,
    /// The answer to a request.
    Reply {
        /// The request's xid.
        xid: u32,
        /// The answer.
        message: Message,
    },
    /// A part of the answer to a multipart request.
    Part {
        /// The request's xid.
        xid: u32,
        /// The part.
        body: MultipartReplyBody,
        /// Nothing more follows.
        last: bool,
    },
    /// The peer refused a message. When that was a request, no reply to it comes.
    ///
    /// [`ErrorMessage::offending_message`] and its fellows tell what it was about.
    Error {
        /// The xid of the refused message.
        xid: u32,
        /// Why, and the refused bytes.
        error: ErrorMessage,
    },
    /// A message that came unasked.
    Message {
        /// Its xid, for [`super::Session::reply`].
        xid: u32,
        /// The message.
        message: Message,
    },
}
