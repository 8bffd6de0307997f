//! `controller`: `struct nx_action_controller` and its properties, of Open vSwitch.

use bytes::{BufMut, Bytes, BytesMut};

use super::nicira::{Nicira, put_nicira};
use crate::wire::{Reader, pad_to_8, padding, put_length};

/// Sends the packet to a controller, with more to say than [`super::Action::Output`] to
/// `CONTROLLER`: `nx_action_controller`, and `NXAST_CONTROLLER2` where one of `userdata`, `pause`
/// and `meter` is used.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Controller {
    /// Bytes of the packet to send; 65535 for all of them.
    pub max_len: u16,
    /// The connection that gets the packet, as that named itself by `NXT_SET_CONTROLLER_ID`.
    pub controller_id: u16,
    /// `OFPR_*`: 0 no match, 1 action, 2 invalid TTL.
    pub reason: u8,
    /// Handed back in the packet-in (`NXT_PACKET_IN2`).
    pub userdata: Bytes,
    /// Stops the packet until the controller resumes it.
    pub pause: bool,
    /// A meter that limits the rate of packet-ins.
    pub meter: Option<u32>,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            max_len: u16::MAX,
            controller_id: 0,
            reason: Self::REASON_ACTION,
            userdata: Bytes::new(),
            pause: false,
            meter: None,
        }
    }
}

impl Controller {
    /// `OFPR_ACTION`: an action sent the packet.
    pub const REASON_ACTION: u8 = 1;

    const MAX_LEN: u16 = 0;
    const CONTROLLER_ID: u16 = 1;
    const REASON: u16 = 2;
    const USERDATA: u16 = 3;
    const PAUSE: u16 = 4;
    const METER_ID: u16 = 5;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        if self.userdata.is_empty() && !self.pause && self.meter.is_none() {
            put_nicira(out, Nicira::CONTROLLER);
            out.put_u16(self.max_len);
            out.put_u16(self.controller_id);
            out.put_u8(self.reason);
            out.put_u8(0);
            return;
        }
        let start = put_nicira(out, Nicira::CONTROLLER2);
        out.put_bytes(0, 6);
        if self.max_len != u16::MAX {
            let [high, low] = self.max_len.to_be_bytes();
            put_property(out, Self::MAX_LEN, &[high, low, 0, 0]);
        }
        if self.controller_id != 0 {
            let [high, low] = self.controller_id.to_be_bytes();
            put_property(out, Self::CONTROLLER_ID, &[high, low, 0, 0]);
        }
        if self.reason != Self::REASON_ACTION {
            put_property(out, Self::REASON, &[self.reason]);
        }
        if !self.userdata.is_empty() {
            put_property(out, Self::USERDATA, &self.userdata);
        }
        if self.pause {
            put_property(out, Self::PAUSE, &[]);
        }
        if let Some(meter) = self.meter {
            put_property(out, Self::METER_ID, &meter.to_be_bytes());
        }
        put_length(out, start, start + 2);
    }

    /// Reads what follows the subtype of the short form.
    pub(super) fn decode(body: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            max_len: body.u16().ok()?,
            controller_id: body.u16().ok()?,
            reason: body.u8().ok()?,
            ..Self::default()
        })
    }

    /// Reads what follows the subtype of the long form.
    pub(super) fn decode2(body: &mut Reader<'_>) -> Option<Self> {
        let mut controller = Self::default();
        body.skip(6).ok()?;
        while !body.is_empty() {
            let kind = body.u16().ok()?;
            let length = usize::from(body.u16().ok()?);
            let mut value = body.nested("ofp_prop_header", length.checked_sub(4)?).ok()?;
            body.skip(padding(length)).ok()?;
            match kind {
                Self::MAX_LEN => controller.max_len = value.u16().ok()?,
                Self::CONTROLLER_ID => controller.controller_id = value.u16().ok()?,
                Self::REASON => controller.reason = value.u8().ok()?,
                Self::USERDATA => controller.userdata = value.rest_bytes(),
                Self::PAUSE => controller.pause = true,
                Self::METER_ID => controller.meter = Some(value.u32().ok()?),
                _ => return None,
            }
        }
        Some(controller)
    }
}

/// Writes a property: type, length, value, zeros up to eight bytes (which the length leaves out; the
/// zeros behind a number of 16 bits it counts).
fn put_property(out: &mut BytesMut, kind: u16, value: &[u8]) {
    let start = out.len();
    out.put_u16(kind);
    out.put_u16((4 + value.len()) as u16);
    out.put_slice(value);
    pad_to_8(out, start);
}
