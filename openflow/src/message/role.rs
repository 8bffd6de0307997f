//! Roles of controllers: OpenFlow 1.3.5 §7.3.9.

use bytes::{BufMut, BytesMut};

use crate::DecodeError;
use crate::wire::Reader;

/// Which of several controllers this one is: `struct ofp_role_request`, OpenFlow 1.3.5 §7.3.9.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Role {
    /// The role.
    pub role: ControllerRole,
    /// Fencing token: a switch refuses primary and secondary roles with an older one (compared as
    /// wrapping numbers).
    pub generation_id: u64,
}

/// `enum ofp_controller_role`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum ControllerRole {
    /// Asks for the current role.
    NoChange = 0,
    /// Full access, as have all others with this role.
    Equal = 1,
    /// Full access; whoever was primary becomes secondary.
    Primary = 2,
    /// Read-only access.
    Secondary = 3,
}

impl Role {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.role as u32);
        out.put_u32(0);
        out.put_u64(self.generation_id);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let role = Self::decode_role(body)?;
        body.skip(4)?;
        Ok(Self { role, generation_id: body.u64()? })
    }

    pub(super) fn decode_role(body: &mut Reader<'_>) -> Result<ControllerRole, DecodeError> {
        Ok(match body.u32()? {
            0 => ControllerRole::NoChange,
            1 => ControllerRole::Equal,
            2 => ControllerRole::Primary,
            3 => ControllerRole::Secondary,
            other => return Err(body.bad("role", 4, other, "0 to 3")),
        })
    }
}
