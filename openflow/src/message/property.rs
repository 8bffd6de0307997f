//! Properties as OpenFlow 1.4 and Nicira's messages have them: type, length, value, and zeros up to
//! eight bytes, which the length leaves out; `ofp-prop.h` of Open vSwitch.

use bytes::{BufMut, BytesMut};

use crate::DecodeError;
use crate::wire::{Reader, pad_to_8, padding, put_length};

/// Writes a property.
pub(super) fn put(out: &mut BytesMut, kind: u16, value: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u16(kind);
    out.put_u16(0);
    value(out);
    put_length(out, start, start + 2);
    pad_to_8(out, start);
}

/// Writes a property of 16 bits, whose value fills four bytes.
pub(super) fn put_u16(out: &mut BytesMut, kind: u16, value: u16) {
    put(out, kind, |out| {
        out.put_u16(value);
        out.put_u16(0);
    });
}

/// Reads a property: its type and its value.
pub(super) fn read<'a>(
    body: &mut Reader<'a>,
    structure: &'static str,
) -> Result<(u16, Reader<'a>), DecodeError> {
    let mut header = body.nested(structure, 4)?;
    let kind = header.u16()?;
    let length = header.u16()?;
    let Some(value) = usize::from(length).checked_sub(4) else {
        return Err(header.bad("property length", 2, length, "at least 4"));
    };
    let value = body.nested(structure, value)?;
    body.skip(padding(usize::from(length)))?;
    Ok((kind, value))
}
