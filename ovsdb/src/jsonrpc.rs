//! JSON-RPC 1.0 over a byte stream: RFC 7047 §4.
//!
//! The stream is a sequence of JSON objects with nothing between them. [`Framer`] cuts it into
//! texts, looking at every byte once; [`Message::parse`] reads the envelope of one text and leaves
//! its parameters or result as text, to be read by whoever knows what they are.

mod framer;
mod message;

pub use framer::{FrameError, Framer};
pub use message::{Message, MessageError, RequestId, notification, reply, reply_error, request};
