//! Bundles: ONF extension 230, OpenFlow 1.4.0 §7.3.9.

use bytes::{BufMut, Bytes, BytesMut};

use super::{HEADER, Header, Message};
use crate::DecodeError;
use crate::wire::Reader;

/// `OFPBF_ATOMIC` and `OFPBF_ORDERED`, in ONF extension 230 and OpenFlow 1.4 §7.3.9.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BundleFlags(pub u16);

impl BundleFlags {
    /// All or nothing.
    pub const ATOMIC: Self = Self(1);
    /// In the order of adding.
    pub const ORDERED: Self = Self(2);
    /// Both: what Open vSwitch does in any case.
    pub const ATOMIC_ORDERED: Self = Self(3);
}

/// Opens, closes, commits or discards a bundle, or tells that it was done:
/// `ONF_ET_BUNDLE_CONTROL`, ONF extension 230.
///
/// ```text
///  0               2               4                              8
/// +---------------+---------------+-------------------------------+
/// | experimenter = 0x4f4e4600     | exp_type = 2300               |
/// +-------------------------------+---------------+---------------+
/// | bundle_id                     | type          | flags         |
/// +-------------------------------+---------------+---------------+
/// | properties                                                    |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BundleControl {
    /// The bundle, any number that the controller chose.
    pub bundle_id: u32,
    /// What to do, or what was done.
    pub kind: BundleControlType,
    /// How the bundle is executed; the same in all messages about one bundle.
    pub flags: BundleFlags,
    /// Properties, as bytes.
    pub properties: Bytes,
}

/// `enum onf_bundle_ctrl_type`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum BundleControlType {
    /// Opens a bundle.
    OpenRequest = 0,
    /// The bundle is open.
    OpenReply = 1,
    /// No more messages will be added.
    CloseRequest = 2,
    /// The bundle is closed.
    CloseReply = 3,
    /// Executes the bundle.
    CommitRequest = 4,
    /// The bundle has been executed.
    CommitReply = 5,
    /// Forgets the bundle.
    DiscardRequest = 6,
    /// The bundle is forgotten.
    DiscardReply = 7,
}

impl BundleControlType {
    const ALL: [Self; 8] = [
        Self::OpenRequest,
        Self::OpenReply,
        Self::CloseRequest,
        Self::CloseReply,
        Self::CommitRequest,
        Self::CommitReply,
        Self::DiscardRequest,
        Self::DiscardReply,
    ];

    /// True for what a switch answers.
    pub const fn is_reply(self) -> bool {
        self as u8 % 2 == 1
    }
}

impl BundleControl {
    /// A request, executed atomically and in order.
    pub const fn new(bundle_id: u32, kind: BundleControlType) -> Self {
        Self { bundle_id, kind, flags: BundleFlags::ATOMIC_ORDERED, properties: Bytes::new() }
    }

    /// Writes what follows `exp_type`.
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.bundle_id);
        out.put_u16(self.kind as u16);
        out.put_u16(self.flags.0);
        out.put_slice(&self.properties);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bundle_id = body.u32()?;
        let kind = body.u16()?;
        let Some(&kind) = BundleControlType::ALL.get(usize::from(kind)) else {
            return Err(body.bad("type", 2, kind, "0 to 7"));
        };
        let flags = BundleFlags(body.u16()?);
        Ok(Self { bundle_id, kind, flags, properties: body.rest_bytes() })
    }
}

/// Puts a message into an open bundle: `ONF_ET_BUNDLE_ADD_MESSAGE`, ONF extension 230.
///
/// The message inside has its own header, with the same xid as the one around it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BundleAdd {
    /// The bundle.
    pub bundle_id: u32,
    /// The flags of the bundle.
    pub flags: BundleFlags,
    /// The message: header and body, and whatever properties follow it.
    pub message: Bytes,
}

impl BundleAdd {
    /// Bytes that are before the message inside.
    pub(super) const PREFIX: usize = HEADER + 16;

    /// The message inside, with its xid.
    ///
    /// # Errors
    ///
    /// When it is cut short or malformed; offsets count from its own start.
    pub fn decode_message(&self) -> Result<(u32, Message), DecodeError> {
        let length = Header::read(&self.message).map_or(HEADER, |it| usize::from(it.length));
        Message::interpret(self.message.get(..length).unwrap_or(&self.message))
    }

    /// Writes what follows `exp_type`.
    pub(super) fn encode(&self, out: &mut BytesMut) {
        put_prefix(out, self.bundle_id, self.flags);
        out.put_slice(&self.message);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bundle_id = body.u32()?;
        body.skip(2)?;
        let flags = BundleFlags(body.u16()?);
        Ok(Self { bundle_id, flags, message: body.rest_bytes() })
    }
}

/// Writes a bundle-add's body up to the message inside.
pub(super) fn put_prefix(out: &mut BytesMut, bundle_id: u32, flags: BundleFlags) {
    out.put_u32(bundle_id);
    out.put_u16(0);
    out.put_u16(flags.0);
}
