//! Roles that were changed: `ONFT_ROLE_STATUS`, OpenFlow 1.4.0 §7.4.4.

use bytes::{BufMut, Bytes, BytesMut};

use super::{ControllerRole, Role};
use crate::DecodeError;
use crate::wire::Reader;

/// A controller's role has changed without its asking: `struct ofp14_role_status`, ONF extension
/// 191, which is OpenFlow 1.4's §7.4.4 for 1.3.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct RoleStatus {
    /// The role that it has now.
    pub role: ControllerRole,
    /// Why: `OFPCRR_*`.
    pub reason: u8,
    /// The token of whoever took the role.
    pub generation_id: u64,
    /// Properties, as bytes.
    pub properties: Bytes,
}

impl RoleStatus {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.role as u32);
        out.put_u8(self.reason);
        out.put_bytes(0, 3);
        out.put_u64(self.generation_id);
        out.put_slice(&self.properties);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let role = Role::decode_role(body)?;
        let reason = body.u8()?;
        body.skip(3)?;
        let generation_id = body.u64()?;
        Ok(Self { role, reason, generation_id, properties: body.rest_bytes() })
    }
}
