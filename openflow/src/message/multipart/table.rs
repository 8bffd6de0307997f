//! Counters of tables: OpenFlow 1.3.5 §7.3.5.4.

use bytes::{BufMut, BytesMut};

use crate::DecodeError;
use crate::wire::Reader;

/// Counters of a table: `struct ofp_table_stats`, OpenFlow 1.3.5 §7.3.5.4.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TableStats {
    /// The table.
    pub table: u8,
    /// Flows in it.
    pub active_count: u32,
    /// Packets looked up in it.
    pub lookup_count: u64,
    /// Packets that found a flow.
    pub matched_count: u64,
}

impl TableStats {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(self.table);
        out.put_bytes(0, 3);
        out.put_u32(self.active_count);
        out.put_u64(self.lookup_count);
        out.put_u64(self.matched_count);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut stats = reader.nested("ofp_table_stats", 24)?;
        let table = stats.u8()?;
        stats.skip(3)?;
        Ok(Self {
            table,
            active_count: stats.u32()?,
            lookup_count: stats.u64()?,
            matched_count: stats.u64()?,
        })
    }
}
