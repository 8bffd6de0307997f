//! Conntrack actions on the wire: `nx_action_conntrack`.

use bytes::{BufMut, BytesMut};

use super::codec::{MAX_DEPTH, decode_nested, encode_actions};
use super::nicira::{Nicira, put_nicira};
use super::subfield::{decode_header, split_offset_and_bits};
use super::{Ct, CtZone, Subfield};
use crate::wire::{Reader, put_length};

impl Ct {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        let start = put_nicira(out, Nicira::CT);
        out.put_u16(self.flags);
        match self.zone {
            CtZone::Immediate(zone) => {
                out.put_u32(0);
                out.put_u16(zone);
            }
            CtZone::Field(source) => {
                source.put_header(out);
                out.put_u16(source.offset_and_bits());
            }
        }
        out.put_u8(self.recirc_table);
        out.put_bytes(0, 3);
        out.put_u16(self.alg);
        encode_actions(&self.actions, out);
        put_length(out, start, start + 2);
    }

    /// Reads what follows the subtype.
    pub(super) fn decode(body: &mut Reader<'_>, depth: usize) -> Option<Self> {
        let flags = body.u16().ok()?;
        let zone = if body.peek().starts_with(&[0; 4]) {
            body.skip(4).ok()?;
            CtZone::Immediate(body.u16().ok()?)
        } else {
            let field = decode_header(body)?.field;
            let (offset, bits) = split_offset_and_bits(body.u16().ok()?);
            CtZone::Field(Subfield { field, offset, bits })
        };
        let recirc_table = body.u8().ok()?;
        if body.array::<3>().ok()? != [0; 3] || depth >= MAX_DEPTH {
            return None;
        }
        let alg = body.u16().ok()?;
        let actions = decode_nested(body, depth + 1).ok()?;
        Some(Self { flags, zone, recirc_table, alg, actions })
    }
}
