//! Configuration of tables: OpenFlow 1.3.5 §7.3.3.

use bytes::{BufMut, BytesMut};

use crate::DecodeError;
use crate::wire::Reader;

/// Configures a table: `struct ofp_table_mod`, OpenFlow 1.3.5 §7.3.3.
///
/// OpenFlow 1.3 has no bits that it could set; 1.1 and 1.2 said here what becomes of packets that
/// no flow matches.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TableMod {
    /// The table, 255 for all.
    pub table: u8,
    /// `OFPTC_*` bits.
    pub config: u32,
}

impl TableMod {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(self.table);
        out.put_bytes(0, 3);
        out.put_u32(self.config);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let table = body.u8()?;
        body.skip(3)?;
        Ok(Self { table, config: body.u32()? })
    }
}
