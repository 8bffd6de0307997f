//! Options of Geneve tunnels as match fields: `NXT_TLV_TABLE_*`, `nicira-ext.h`.

use bytes::{BufMut, BytesMut};

use crate::DecodeError;
use crate::wire::Reader;

/// Says which tunnel option is which match field: `struct nx_tlv_map`.
///
/// ```text
///  0               2       3       4               6              8
/// +---------------+-------+-------+---------------+---------------+
/// | option_class  | type  | len   | index         | pad           |
/// +---------------+-------+-------+---------------+---------------+
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TlvMap {
    /// The option's class.
    pub option_class: u16,
    /// The option's type within the class.
    pub option_type: u8,
    /// Bytes of the option's value, a multiple of four.
    pub option_len: u8,
    /// The field: `tun_metadata` with this number, from 0 to 63.
    pub index: u16,
}

/// Changes which tunnel options are match fields: `struct nx_tlv_table_mod`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TlvTableMod {
    /// What to do.
    pub command: TlvTableModCommand,
    /// With what; for deletes, the fields' numbers are all that counts.
    pub maps: Vec<TlvMap>,
}

/// `enum nx_tlv_table_mod_command`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum TlvTableModCommand {
    /// Adds fields, none of which must be there.
    Add = 0,
    /// Deletes fields.
    Delete = 1,
    /// Deletes all fields.
    Clear = 2,
}

/// Tells which tunnel options are match fields: `struct nx_tlv_table_reply`.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TlvTableReply {
    /// Most bytes that the values of all options can have together.
    pub max_option_space: u32,
    /// Most fields.
    pub max_fields: u16,
    /// The fields.
    pub maps: Vec<TlvMap>,
}

impl TlvMap {
    fn encode(self, out: &mut BytesMut) {
        out.put_u16(self.option_class);
        out.put_u8(self.option_type);
        out.put_u8(self.option_len);
        out.put_u16(self.index);
        out.put_u16(0);
    }

    fn decode_all(reader: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let mut maps = Vec::new();
        while !reader.is_empty() {
            let mut map = reader.nested("nx_tlv_map", 8)?;
            maps.push(Self {
                option_class: map.u16()?,
                option_type: map.u8()?,
                option_len: map.u8()?,
                index: map.u16()?,
            });
        }
        Ok(maps)
    }
}

impl TlvTableMod {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u16(self.command as u16);
        out.put_bytes(0, 6);
        self.maps.iter().for_each(|map| map.encode(out));
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let command = match body.u16()? {
            0 => TlvTableModCommand::Add,
            1 => TlvTableModCommand::Delete,
            2 => TlvTableModCommand::Clear,
            other => return Err(body.bad("command", 2, other, "0 to 2")),
        };
        body.skip(6)?;
        Ok(Self { command, maps: TlvMap::decode_all(body)? })
    }
}

impl TlvTableReply {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.max_option_space);
        out.put_u16(self.max_fields);
        out.put_bytes(0, 10);
        self.maps.iter().for_each(|map| map.encode(out));
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (max_option_space, max_fields) = (body.u32()?, body.u16()?);
        body.skip(10)?;
        Ok(Self { max_option_space, max_fields, maps: TlvMap::decode_all(body)? })
    }
}
