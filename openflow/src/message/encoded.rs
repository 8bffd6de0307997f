//! Frames that are encoded once and sent to many switches.
//!
//! A frame's bytes depend on its xid and, inside a bundle, on the bundle's number. Where both are
//! the same for every switch, so is the frame, and sending it is cloning a [`Bytes`]. An xid needs
//! to be unique only among the requests of one connection that are under way; the xid of a shared
//! frame is best derived from what the frame says, so that an error which carries it leads back to
//! the flow.

use bytes::{BufMut, Bytes, BytesMut};

use super::bundle::{BundleAdd, put_prefix};
use super::{BundleFlags, FlowMod, FlowModCommand, VERSION, experimenter, frame, kind};
use crate::{Flow, TooLong};

/// A whole `OFPT_FLOW_MOD` that does `command` with `flow`, restricted by nothing else.
///
/// # Errors
///
/// When the flow does not fit a message.
pub fn flow_frame(command: FlowModCommand, flow: &Flow, xid: u32) -> Result<Bytes, TooLong> {
    let mut out = BytesMut::with_capacity(TYPICAL);
    put_flow(&mut out, command, flow, xid)?;
    Ok(out.freeze())
}

/// A whole bundle-add message around the [`flow_frame`] of the same arguments, in one pass.
///
/// # Errors
///
/// When the flow does not fit a message inside a message.
pub fn bundled_flow_frame(
    command: FlowModCommand,
    flow: &Flow,
    bundle_id: u32,
    flags: BundleFlags,
    xid: u32,
) -> Result<Bytes, TooLong> {
    let mut out = BytesMut::with_capacity(TYPICAL + BundleAdd::PREFIX);
    let mut inner = Ok(());
    put_bundle_add(&mut out, bundle_id, flags, xid, |out| {
        inner = put_flow(out, command, flow, xid);
    })?;
    inner?;
    Ok(out.freeze())
}

/// A whole bundle-add message around `message`, a whole message whose xid is `xid`.
///
/// # Errors
///
/// When `message` does not fit a message.
pub fn bundle_add_frame(
    message: &[u8],
    bundle_id: u32,
    flags: BundleFlags,
    xid: u32,
) -> Result<Bytes, TooLong> {
    let mut out = BytesMut::with_capacity(message.len() + BundleAdd::PREFIX);
    put_bundle_add(&mut out, bundle_id, flags, xid, |out| out.put_slice(message))?;
    Ok(out.freeze())
}

/// Most flow-mods are shorter than this.
const TYPICAL: usize = 256;

fn put_flow(
    out: &mut BytesMut,
    command: FlowModCommand,
    flow: &Flow,
    xid: u32,
) -> Result<(), TooLong> {
    frame(out, VERSION, kind::FLOW_MOD, xid, |out| FlowMod::encode_plain(command, flow, out))
}

fn put_bundle_add(
    out: &mut BytesMut,
    bundle_id: u32,
    flags: BundleFlags,
    xid: u32,
    message: impl FnOnce(&mut BytesMut),
) -> Result<(), TooLong> {
    frame(out, VERSION, kind::EXPERIMENTER, xid, |out| {
        experimenter::put_bundle_add_header(out);
        put_prefix(out, bundle_id, flags);
        message(out);
    })
}
