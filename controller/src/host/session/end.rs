use std::sync::Arc;

use ovsdb::client::Disconnect;
use ovsdb::jsonrpc::FrameError;
use ovsdb::session::{SessionError, UpdateError};
use thiserror::Error;

use super::TRANSACTION;
use crate::engine::{NotTaken, Stopped};
use crate::limits::Breach;

/// Why a host's session ended.
#[derive(Debug, Error)]
pub(in super::super) enum SessionEnd {
    #[error(transparent)]
    Disconnected(#[from] Arc<Disconnect>),
    #[error("its system-id changed from {from} to {to}")]
    Renamed { from: String, to: String },
    #[error("system-id {system_id:?}: {reason}")]
    NotTaken { system_id: String, reason: NotTaken },
    #[error("system-id {system_id:?} is unknown, and too many such have come from this address")]
    TooSoon { system_id: String },
    #[error("the host has not answered a transaction within {} s", TRANSACTION.as_secs())]
    Unanswered,
    #[error("the host is not to be dialled any more")]
    Forgotten,
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl SessionEnd {
    /// The limit that was met or the rule that was broken, if that is why the session ended.
    pub(in super::super) fn breach(&self) -> Option<Breach> {
        match self {
            Self::Disconnected(disconnect) => match &**disconnect {
                Disconnect::Session(error) => Some(breach(error)),
                Disconnect::Eof | Disconnect::Io(_) | Disconnect::Abandoned => None,
            },
            Self::Unanswered => Some(Breach::Unanswered),
            Self::NotTaken { .. } | Self::TooSoon { .. } => Some(Breach::Registration),
            Self::Renamed { .. } | Self::Forgotten | Self::Stopped(_) => None,
        }
    }
}

fn breach(error: &SessionError) -> Breach {
    match error {
        SessionError::Frame(FrameError::TooLarge { .. } | FrameError::TooDeep { .. }) => {
            Breach::MessageSize
        }
        SessionError::Update(UpdateError::TooLarge { .. } | UpdateError::TooManyRows { .. }) => {
            Breach::Replica
        }
        SessionError::UnexpectedReply(_) => Breach::UnaskedReply,
        SessionError::Silent(_) => Breach::Silent,
        SessionError::Setup(_) => Breach::Handshake,
        SessionError::Undelivered(_) => Breach::MessageTime,
        SessionError::UnreadAnswers { .. } => Breach::Unread,
        _ => Breach::Malformed,
    }
}
