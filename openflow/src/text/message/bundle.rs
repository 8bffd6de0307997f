//! Bundles.

use std::fmt;

use super::parts::{Bits, HexDump};
use crate::message::{BundleAdd, BundleControl, BundleControlType, BundleFlags};

pub(super) fn bundle_control(f: &mut fmt::Formatter<'_>, control: &BundleControl) -> fmt::Result {
    let kind = match control.kind {
        BundleControlType::OpenRequest => "OPEN_REQUEST",
        BundleControlType::OpenReply => "OPEN_REPLY",
        BundleControlType::CloseRequest => "CLOSE_REQUEST",
        BundleControlType::CloseReply => "CLOSE_REPLY",
        BundleControlType::CommitRequest => "COMMIT_REQUEST",
        BundleControlType::CommitReply => "COMMIT_REPLY",
        BundleControlType::DiscardRequest => "DISCARD_REQUEST",
        BundleControlType::DiscardReply => "DISCARD_REPLY",
    };
    let flags = bundle_flags(control.flags);
    write!(f, "\n bundle_id={:#x} type={kind} flags={flags}", control.bundle_id)
}

pub(super) fn bundle_add(f: &mut fmt::Formatter<'_>, add: &BundleAdd) -> fmt::Result {
    write!(f, "\n bundle_id={:#x} flags={}", add.bundle_id, bundle_flags(add.flags))?;
    match add.decode_message() {
        Ok((xid, message)) => write!(f, "\n{}", message.display(xid)),
        Err(error) => write!(f, "\n{error}\n{}", HexDump(&add.message)),
    }
}

pub(super) fn bundle_flags(flags: BundleFlags) -> Bits {
    Bits(flags.0.into(), &[(1, "atomic"), (2, "ordered")])
}
