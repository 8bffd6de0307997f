//! `learn`: `struct nx_action_learn` and `nx_action_learn2` of Open vSwitch.

use bytes::{BufMut, BytesMut};

use super::Subfield;
use super::nicira::{Nicira, put_nicira};
use super::subfield::decode_header;
use crate::wire::{Reader, pad_to_8, put_length};

/// Adds another flow, or changes or removes it, made of the packet that comes by:
/// `nx_action_learn`, and `nx_action_learn2` where there is a limit or a result.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Learn {
    /// Seconds without a packet after which the learned flow goes, 0 for never.
    pub idle_timeout: u16,
    /// Seconds after which the learned flow goes, 0 for never.
    pub hard_timeout: u16,
    /// The learned flow's priority.
    pub priority: u16,
    /// The learned flow's cookie.
    pub cookie: u64,
    /// `NX_LEARN_F_*`: [`Learn::SEND_FLOW_REM`], [`Learn::DELETE_LEARNED`].
    pub flags: u16,
    /// The learned flow's table.
    pub table: u8,
    /// The idle time-out once a TCP connection ends, in seconds, 0 to leave it.
    pub fin_idle_timeout: u16,
    /// The hard time-out once a TCP connection ends, in seconds, 0 to leave it.
    pub fin_hard_timeout: u16,
    /// How many flows may be learned, 0 for any number.
    pub limit: u32,
    /// The bit that becomes 1 when the flow was learned and 0 when the limit stood against it.
    pub result: Option<Subfield>,
    /// What the learned flow matches and does.
    pub specs: Vec<LearnSpec>,
}

/// A part of the flow that a [`Learn`] adds: `flow_mod_spec`.
///
/// ```text
///  0     2       3         5        6                    16
/// +-----+-------+---------+--------+---------------------+
/// |  0  |  src  |   dst   |    0   | n_bits              |
/// +-----+-------+---------+--------+---------------------+
/// | source: field (4 or 8 bytes) and offset (2), or bits |
/// +------------------------------------------------------+
/// | destination: field and offset, none for an output    |
/// +------------------------------------------------------+
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum LearnSpec {
    /// It matches packets in which these bits are those of the source.
    Match {
        /// The bits to compare.
        destination: Subfield,
        /// What they should be.
        source: LearnSource,
    },
    /// It sets these bits.
    Load {
        /// The bits to set.
        destination: Subfield,
        /// To what.
        source: LearnSource,
    },
    /// It sends packets out of the port that these bits of the present packet name.
    Output(Subfield),
}

/// Where a [`LearnSpec`] takes its bits from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum LearnSource {
    /// From the packet that comes by; as many bits as the destination has.
    Field(Subfield),
    /// These, right-aligned; the bits above are zero.
    Immediate(u128),
}

impl Learn {
    /// The switch tells when the learned flow is removed.
    pub const SEND_FLOW_REM: u16 = 1;
    /// The learned flows go with the flow that learned them.
    pub const DELETE_LEARNED: u16 = 2;
    /// There is a result; on the wire only.
    const WRITE_RESULT: u16 = 4;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        let second = self.limit != 0 || self.result.is_some();
        let start = put_nicira(out, if second { Nicira::LEARN2 } else { Nicira::LEARN });
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u16(self.priority);
        out.put_u64(self.cookie);
        let write_result = if self.result.is_some() { Self::WRITE_RESULT } else { 0 };
        out.put_u16(self.flags & !Self::WRITE_RESULT | write_result);
        out.put_u8(self.table);
        out.put_u8(0);
        out.put_u16(self.fin_idle_timeout);
        out.put_u16(self.fin_hard_timeout);
        if second {
            out.put_u32(self.limit);
            out.put_u16(self.result.map_or(0, |result| result.offset));
            out.put_u16(0);
            if let Some(result) = self.result {
                result.put_header(out);
            }
        }
        self.specs.iter().for_each(|spec| spec.encode(out));
        pad_to_8(out, start);
        put_length(out, start, start + 2);
    }

    /// Reads what follows the subtype.
    pub(super) fn decode(subtype: Nicira, body: &mut Reader<'_>) -> Option<Self> {
        let mut learn = Self {
            idle_timeout: body.u16().ok()?,
            hard_timeout: body.u16().ok()?,
            priority: body.u16().ok()?,
            cookie: body.u64().ok()?,
            flags: body.u16().ok()?,
            table: body.u16().ok()?.to_be_bytes()[0],
            fin_idle_timeout: body.u16().ok()?,
            fin_hard_timeout: body.u16().ok()?,
            limit: 0,
            result: None,
            specs: Vec::new(),
        };
        if subtype == Nicira::LEARN2 {
            learn.limit = body.u32().ok()?;
            let offset = body.u16().ok()?;
            body.skip(2).ok()?;
            if learn.flags & Self::WRITE_RESULT != 0 {
                let field = decode_header(body)?.field;
                learn.result = Some(Subfield { field, offset, bits: 1 });
            }
        }
        learn.flags &= !Self::WRITE_RESULT;
        while let Some(spec) = LearnSpec::decode(body)? {
            learn.specs.push(spec);
        }
        Some(learn)
    }
}

/// What a [`LearnSpec`] does, in the bits of its header.
const LOAD: u16 = 1 << 11;
const OUTPUT: u16 = 2 << 11;
const IMMEDIATE: u16 = 1 << 13;
const BITS: u16 = 0x3ff;

impl LearnSpec {
    fn encode(&self, out: &mut BytesMut) {
        let (kind, destination, source) = match *self {
            Self::Match { destination, source } => (0, destination, source),
            Self::Load { destination, source } => (LOAD, destination, source),
            Self::Output(source) => {
                out.put_u16(OUTPUT | source.bits & BITS);
                put_place(source, out);
                return;
            }
        };
        let bits = destination.bits & BITS;
        match source {
            LearnSource::Field(source) => {
                out.put_u16(kind | bits);
                put_place(source, out);
            }
            LearnSource::Immediate(value) => {
                out.put_u16(kind | IMMEDIATE | bits);
                let bytes = immediate_bytes(bits);
                out.put_bytes(0, bytes.saturating_sub(16));
                out.put_slice(&value.to_be_bytes()[16 - bytes.min(16)..]);
            }
        }
        put_place(destination, out);
    }

    /// The next specification, or that there is none; what then is left is padding.
    fn decode(body: &mut Reader<'_>) -> Option<Option<Self>> {
        let header = match body.u16() {
            Ok(0) | Err(_) => return Some(None),
            Ok(header) => header,
        };
        let bits = header & BITS;
        if bits == 0 {
            return None;
        }
        let source = if header & IMMEDIATE == 0 {
            LearnSource::Field(decode_place(bits, body)?)
        } else {
            let bytes = body.take(immediate_bytes(bits)).ok()?;
            let (zeros, bytes) = bytes.split_at(bytes.len().saturating_sub(16));
            let value = bytes.iter().fold(0, |value, &byte| value << 8 | u128::from(byte));
            zeros.iter().all(|&byte| byte == 0).then_some(())?;
            let wide = value.checked_shr(u32::from(bits)).unwrap_or(0) != 0;
            (!wide).then_some(LearnSource::Immediate(value))?
        };
        Some(Some(match (header & !BITS & !IMMEDIATE, source) {
            (0, _) => Self::Match { destination: decode_place(bits, body)?, source },
            (LOAD, _) => Self::Load { destination: decode_place(bits, body)?, source },
            (OUTPUT, LearnSource::Field(source)) => Self::Output(source),
            _ => return None,
        }))
    }
}

/// Bits are in whole numbers of 16 bits.
const fn immediate_bytes(bits: u16) -> usize {
    2 * bits.div_ceil(16) as usize
}

fn put_place(subfield: Subfield, out: &mut BytesMut) {
    subfield.put_header(out);
    out.put_u16(subfield.offset);
}

fn decode_place(bits: u16, body: &mut Reader<'_>) -> Option<Subfield> {
    let field = decode_header(body)?.field;
    Some(Subfield { field, offset: body.u16().ok()?, bits })
}
