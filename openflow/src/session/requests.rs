//! Replies to their requests, by xid: OpenFlow 1.3.5 §7.1.1.

use std::collections::HashMap;

use super::ProtocolError;
use crate::message::{Message, MultipartRequest};

/// The requests that wait for a reply, by xid.
#[derive(Debug, Default)]
pub(super) struct Requests(HashMap<u32, Request>);

/// What kind of reply a request wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Request {
    Features,
    Config,
    /// `OFPMP_*`.
    Multipart(u16),
    Barrier,
    Queues,
    TlvTable,
    Role,
    Async,
    Bundle,
    Echo,
    /// An echo request of the session's own, whose reply nobody else waits for.
    Probe,
}

/// What a message that came is to the requests that wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Matched {
    Reply,
    Probe,
    Unasked,
}

impl Request {
    /// What `message` asks for, `None` when it is no request.
    pub(super) fn of(message: &Message) -> Option<Self> {
        Some(match message {
            Message::FeaturesRequest => Self::Features,
            Message::GetConfigRequest => Self::Config,
            // The reply comes once the last part of the request is there.
            Message::MultipartRequest(MultipartRequest { more: true, .. }) => return None,
            Message::MultipartRequest(request) => Self::Multipart(request.body.kind()),
            Message::BarrierRequest => Self::Barrier,
            Message::QueueGetConfigRequest(_) => Self::Queues,
            Message::TlvTableRequest => Self::TlvTable,
            Message::RoleRequest(_) => Self::Role,
            Message::GetAsyncRequest => Self::Async,
            Message::BundleControl(control) if !control.kind.is_reply() => Self::Bundle,
            Message::EchoRequest(_) => Self::Echo,
            _ => return None,
        })
    }

    const fn wanted(self) -> &'static str {
        match self {
            Self::Features => "a features reply",
            Self::Config => "a configuration",
            Self::Multipart(_) => "a multipart reply of the type asked for",
            Self::Barrier => "a barrier reply",
            Self::Queues => "a queue configuration",
            Self::TlvTable => "a table of tunnel options",
            Self::Role => "a role reply",
            Self::Async => "an asynchronous configuration",
            Self::Bundle => "a bundle control reply",
            Self::Echo | Self::Probe => "an echo reply",
        }
    }

    fn is_answered_by(self, message: &Message) -> bool {
        match (self, message) {
            (Self::Features, Message::FeaturesReply(_))
            | (Self::Config, Message::GetConfigReply(_))
            | (Self::Barrier, Message::BarrierReply)
            | (Self::Queues, Message::QueueGetConfigReply(_))
            | (Self::TlvTable, Message::TlvTableReply(_))
            | (Self::Role, Message::RoleReply(_))
            | (Self::Async, Message::GetAsyncReply(_))
            | (Self::Echo | Self::Probe, Message::EchoReply(_)) => true,
            (Self::Multipart(kind), Message::MultipartReply(reply)) => reply.body.kind() == kind,
            (Self::Bundle, Message::BundleControl(control)) => control.kind.is_reply(),
            _ => false,
        }
    }
}

impl Requests {
    pub(super) fn add(&mut self, xid: u32, request: Request) {
        self.0.insert(xid, request);
    }

    pub(super) fn remove(&mut self, xid: u32) {
        self.0.remove(&xid);
    }

    pub(super) fn contains(&self, xid: u32) -> bool {
        self.0.contains_key(&xid)
    }

    /// What `message` is; its request waits no more, unless further parts follow.
    pub(super) fn take(&mut self, xid: u32, message: &Message) -> Result<Matched, ProtocolError> {
        let Some(&request) = self.0.get(&xid) else { return Ok(Matched::Unasked) };
        if let Message::Error(_) = message {
            self.0.remove(&xid);
            return Ok(Matched::Unasked);
        }
        if !is_reply(message) {
            // The peer's own message, whose xid happens to be the same.
            return Ok(Matched::Unasked);
        }
        if !request.is_answered_by(message) {
            let wanted = request.wanted();
            return Err(ProtocolError::WrongReply { xid, got: message.kind(), wanted });
        }
        if !matches!(message, Message::MultipartReply(reply) if reply.more) {
            self.0.remove(&xid);
        }
        Ok(if request == Request::Probe { Matched::Probe } else { Matched::Reply })
    }
}

/// True for messages that only come as the answer to another.
fn is_reply(message: &Message) -> bool {
    match message {
        Message::EchoReply(_)
        | Message::FeaturesReply(_)
        | Message::GetConfigReply(_)
        | Message::MultipartReply(_)
        | Message::BarrierReply
        | Message::QueueGetConfigReply(_)
        | Message::TlvTableReply(_)
        | Message::RoleReply(_)
        | Message::GetAsyncReply(_) => true,
        Message::BundleControl(control) => control.kind.is_reply(),
        _ => false,
    }
}
