//! What the tables of a switch can do: `OFPMP_TABLE_FEATURES`, OpenFlow 1.3.5 §7.3.5.5.

use bytes::{BufMut, Bytes, BytesMut};

use super::codec::read_all;
use crate::wire::{Reader, pad_to_8, padding, put_length};
use crate::{DecodeError, Field, FixedString};

/// What a table can do: `struct ofp_table_features`, OpenFlow 1.3.5 §7.3.5.5.1.
///
/// ```text
///  0               2               4                              8
/// +---------------+-------+-------+-------------------------------+
/// | length        | table | pad                                   |
/// +---------------+-------+---------------------------------------+
/// | name: 32 bytes                                                |
/// +---------------------------------------------------------------+
/// | metadata_match                                                |
/// +---------------------------------------------------------------+
/// | metadata_write                                                |
/// +-------------------------------+-------------------------------+
/// | config                        | max_entries                   |
/// +-------------------------------+-------------------------------+
/// | properties                                                    |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TableFeatures {
    /// The table.
    pub table: u8,
    /// Its name, at most 32 bytes.
    pub name: FixedString,
    /// Bits of the metadata that it can match.
    pub metadata_match: u64,
    /// Bits of the metadata that it can write.
    pub metadata_write: u64,
    /// `OFPTC_*` bits.
    pub config: u32,
    /// Most flows.
    pub max_entries: u32,
    /// What it can do, in the order in which the switch told it.
    pub properties: Vec<TableFeature>,
}

/// A thing that a table can do: `struct ofp_table_feature_prop_header`, OpenFlow 1.3.5 §7.3.5.5.2.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum TableFeature {
    /// Instructions that flows can have: `OFPTFPT_INSTRUCTIONS`.
    Instructions(FlowKind, Vec<FeatureId>),
    /// Tables that a flow can send packets to: `OFPTFPT_NEXT_TABLES`.
    NextTables(FlowKind, Vec<u8>),
    /// Actions that a flow can write to the action set: `OFPTFPT_WRITE_ACTIONS`.
    WriteActions(FlowKind, Vec<FeatureId>),
    /// Actions that a flow can apply: `OFPTFPT_APPLY_ACTIONS`.
    ApplyActions(FlowKind, Vec<FeatureId>),
    /// Fields that flows can match: `OFPTFPT_MATCH`.
    Match(Vec<OxmId>),
    /// Fields that flows need not match: `OFPTFPT_WILDCARDS`.
    Wildcards(Vec<OxmId>),
    /// Fields that actions of the action set can set: `OFPTFPT_WRITE_SETFIELD`.
    WriteSetField(FlowKind, Vec<OxmId>),
    /// Fields that applied actions can set: `OFPTFPT_APPLY_SETFIELD`.
    ApplySetField(FlowKind, Vec<OxmId>),
    /// A property that this crate does not know, an experimenter's for one; header included, padding
    /// not.
    Unknown(Bytes),
}

/// Of which flows a [`TableFeature`] speaks.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum FlowKind {
    /// All, or all but the table-miss flow where there is something else about that.
    Regular,
    /// The table-miss flow: of priority 0, and matching everything.
    TableMiss,
}

/// A type of instruction or action: `struct ofp_instruction` or `struct ofp_action_header`, cut to
/// what says which it is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FeatureId {
    /// `OFPIT_*` or `OFPAT_*`.
    pub kind: u16,
    /// What follows an experimenter's type; otherwise nothing.
    pub data: Bytes,
}

/// A field that can be matched or set: an OXM header without a value.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OxmId {
    /// The field.
    pub field: Field,
    /// Whether it can be masked.
    pub has_mask: bool,
    /// The length of its value and mask, as the header tells it.
    pub length: u8,
}

impl TableFeatures {
    const FIXED: u16 = 64;
    const NAME_LEN: usize = 32;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u16(0);
        out.put_u8(self.table);
        out.put_bytes(0, 5);
        self.name.encode(out, Self::NAME_LEN);
        out.put_u64(self.metadata_match);
        out.put_u64(self.metadata_write);
        out.put_u32(self.config);
        out.put_u32(self.max_entries);
        self.properties.iter().for_each(|property| property.encode(out));
        put_length(out, start, start);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut header = reader.clone().named("ofp_table_features");
        let length = header.u16()?;
        if length < Self::FIXED {
            return Err(header.bad("length", 2, length, "at least 64"));
        }
        let mut features = reader.nested("ofp_table_features", usize::from(length))?;
        features.skip(2)?;
        let table = features.u8()?;
        features.skip(5)?;
        Ok(Self {
            table,
            name: FixedString::decode(features.take(Self::NAME_LEN)?),
            metadata_match: features.u64()?,
            metadata_write: features.u64()?,
            config: features.u32()?,
            max_entries: features.u32()?,
            properties: read_all(&mut features, TableFeature::decode)?,
        })
    }
}

impl TableFeature {
    const INSTRUCTIONS: u16 = 0;
    const NEXT_TABLES: u16 = 2;
    const WRITE_ACTIONS: u16 = 4;
    const APPLY_ACTIONS: u16 = 6;
    const MATCH: u16 = 8;
    const WILDCARDS: u16 = 10;
    const WRITE_SETFIELD: u16 = 12;
    const APPLY_SETFIELD: u16 = 14;

    fn encode(&self, out: &mut BytesMut) {
        use FlowKind::Regular;
        let start = out.len();
        match self {
            Self::Instructions(flows, ids) => put(out, Self::INSTRUCTIONS, *flows, ids),
            Self::NextTables(flows, tables) => {
                put::<FeatureId>(out, Self::NEXT_TABLES, *flows, &[]);
                out.put_slice(tables);
            }
            Self::WriteActions(flows, ids) => put(out, Self::WRITE_ACTIONS, *flows, ids),
            Self::ApplyActions(flows, ids) => put(out, Self::APPLY_ACTIONS, *flows, ids),
            Self::Match(fields) => put(out, Self::MATCH, Regular, fields),
            Self::Wildcards(fields) => put(out, Self::WILDCARDS, Regular, fields),
            Self::WriteSetField(flows, fields) => put(out, Self::WRITE_SETFIELD, *flows, fields),
            Self::ApplySetField(flows, fields) => put(out, Self::APPLY_SETFIELD, *flows, fields),
            Self::Unknown(bytes) => out.put_slice(bytes),
        }
        put_length(out, start, start + 2);
        pad_to_8(out, start);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut header = reader.clone().named("ofp_table_feature_prop_header");
        let kind = header.u16()?;
        let length = header.u16()?;
        if length < 4 {
            return Err(header.bad("length", 2, length, "at least 4"));
        }
        let length = usize::from(length);
        let mut property = reader.nested("ofp_table_feature_prop_header", length)?;
        reader.skip(padding(length))?;
        let bytes = property.peek();
        property.skip(4)?;
        let flows = if kind % 2 == 0 { FlowKind::Regular } else { FlowKind::TableMiss };
        Ok(match kind & !1 {
            Self::INSTRUCTIONS => Self::Instructions(flows, read_ids(&mut property)?),
            Self::NEXT_TABLES => Self::NextTables(flows, property.rest().to_vec()),
            Self::WRITE_ACTIONS => Self::WriteActions(flows, read_ids(&mut property)?),
            Self::APPLY_ACTIONS => Self::ApplyActions(flows, read_ids(&mut property)?),
            Self::MATCH if kind == Self::MATCH => Self::Match(read_ids(&mut property)?),
            Self::WILDCARDS if kind == Self::WILDCARDS => Self::Wildcards(read_ids(&mut property)?),
            Self::WRITE_SETFIELD => Self::WriteSetField(flows, read_ids(&mut property)?),
            Self::APPLY_SETFIELD => Self::ApplySetField(flows, read_ids(&mut property)?),
            _ => Self::Unknown(Bytes::copy_from_slice(bytes)),
        })
    }
}

/// What lists of identifiers are made of.
trait Id: Sized {
    fn encode(&self, out: &mut BytesMut);
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

impl Id for FeatureId {
    fn encode(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_u16(self.kind);
        out.put_u16(0);
        out.put_slice(&self.data);
        put_length(out, start, start + 2);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut header = reader.clone().named("ofp_action_header");
        let kind = header.u16()?;
        let length = header.u16()?;
        if length < 4 {
            return Err(header.bad("len", 2, length, "at least 4"));
        }
        let mut id = reader.nested("ofp_action_header", usize::from(length))?;
        id.skip(4)?;
        Ok(Self { kind, data: id.rest_bytes() })
    }
}

impl OxmId {
    const EXPERIMENTER: u16 = 0xffff;
}

impl Id for OxmId {
    fn encode(&self, out: &mut BytesMut) {
        out.put_u16(self.field.class);
        out.put_u8(self.field.number << 1 | u8::from(self.has_mask));
        out.put_u8(self.length);
        if self.field.class == Self::EXPERIMENTER {
            out.put_u32(self.field.experimenter);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let class = reader.u16()?;
        let [number, length] = reader.array()?;
        let experimenter = if class == Self::EXPERIMENTER { reader.u32()? } else { 0 };
        let field = Field { class, number: number >> 1, experimenter };
        Ok(Self { field, has_mask: number & 1 == 1, length })
    }
}

/// Writes a property's header and identifiers; whoever calls writes the length.
fn put<T: Id>(out: &mut BytesMut, kind: u16, flows: FlowKind, ids: &[T]) {
    out.put_u16(kind | u16::from(flows == FlowKind::TableMiss));
    out.put_u16(0);
    ids.iter().for_each(|id| id.encode(out));
}

fn read_ids<T: Id>(property: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
    read_all(property, T::decode)
}
