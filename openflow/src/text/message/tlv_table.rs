//! Tunnel options that are match fields.

use std::fmt;

use crate::message::{TlvMap, TlvTableMod, TlvTableModCommand, TlvTableReply};
use crate::text::Hex;

pub(super) fn table_mod(f: &mut fmt::Formatter<'_>, table_mod: &TlvTableMod) -> fmt::Result {
    match table_mod.command {
        TlvTableModCommand::Add => f.write_str("\n ADD mapping table:")?,
        TlvTableModCommand::Delete => f.write_str("\n DEL mapping table:")?,
        TlvTableModCommand::Clear => return f.write_str("\n CLEAR"),
    }
    maps(f, &table_mod.maps)
}

pub(super) fn reply(f: &mut fmt::Formatter<'_>, reply: &TlvTableReply) -> fmt::Result {
    let allocated: u64 = reply.maps.iter().map(|map| u64::from(map.option_len)).sum();
    write!(f, "\n max option space={} max fields={}", reply.max_option_space, reply.max_fields)?;
    write!(f, "\n allocated option space={allocated}\n\n mapping table:")?;
    maps(f, &reply.maps)
}

fn maps(f: &mut fmt::Formatter<'_>, maps: &[TlvMap]) -> fmt::Result {
    f.write_str("\n  class  type  length  match field\n ------  ----  ------  --------------")?;
    for map in maps {
        let class = Hex(map.option_class.into()).to_string();
        let kind = Hex(map.option_type.into()).to_string();
        let TlvMap { option_len, index, .. } = map;
        write!(f, "\n {class:>6}  {kind:>4}  {option_len:>6}  tun_metadata{index}")?;
    }
    Ok(())
}
