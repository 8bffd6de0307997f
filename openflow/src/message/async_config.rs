use bytes::{BufMut, BytesMut};

use crate::DecodeError;
use crate::wire::Reader;

/// Which messages a controller wants unasked: `struct ofp_async_config`, OpenFlow 1.3.5 §7.3.10.
///
/// Each mask has one bit per reason; the first of a pair holds while the controller is primary or
/// equal, the second while it is secondary.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct AsyncConfig {
    /// Bits of `OFPR_*`.
    pub packet_in: [u32; 2],
    /// Bits of `OFPPR_*`.
    pub port_status: [u32; 2],
    /// Bits of `OFPRR_*`.
    pub flow_removed: [u32; 2],
}

impl AsyncConfig {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        for mask in [self.packet_in, self.port_status, self.flow_removed].into_iter().flatten() {
            out.put_u32(mask);
        }
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut pair = || Ok([body.u32()?, body.u32()?]);
        Ok(Self { packet_in: pair()?, port_status: pair()?, flow_removed: pair()? })
    }
}
