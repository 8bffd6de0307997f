//! The handshake's features: OpenFlow 1.3.5 §7.3.1.

use bytes::{BufMut, BytesMut};

use crate::DecodeError;
use crate::wire::Reader;

/// Who the switch is: `struct ofp_switch_features`, OpenFlow 1.3.5 §7.3.1.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FeaturesReply {
    /// The datapath's identity; the low 48 bits are a MAC address in Open vSwitch.
    pub datapath_id: u64,
    /// Packets that the switch can keep; 0 in Open vSwitch.
    pub n_buffers: u32,
    /// Number of tables.
    pub n_tables: u8,
    /// 0 for the main connection, otherwise the auxiliary connection's number.
    pub auxiliary_id: u8,
    /// `OFPC_*` bits.
    pub capabilities: u32,
    /// Reserved by OpenFlow 1.3.
    pub reserved: u32,
}

impl FeaturesReply {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u64(self.datapath_id);
        out.put_u32(self.n_buffers);
        out.put_u8(self.n_tables);
        out.put_u8(self.auxiliary_id);
        out.put_u16(0);
        out.put_u32(self.capabilities);
        out.put_u32(self.reserved);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let datapath_id = body.u64()?;
        let n_buffers = body.u32()?;
        let n_tables = body.u8()?;
        let auxiliary_id = body.u8()?;
        body.skip(2)?;
        let (capabilities, reserved) = (body.u32()?, body.u32()?);
        Ok(Self { datapath_id, n_buffers, n_tables, auxiliary_id, capabilities, reserved })
    }
}
