//! Asynchronous configuration: OpenFlow 1.3.5 §7.3.10, and as Nicira and OpenFlow 1.4 have it.

use bytes::{BufMut, Bytes, BytesMut};

use super::property;
use crate::DecodeError;
use crate::wire::Reader;

/// Which messages a controller wants unasked: `struct ofp_async_config`, OpenFlow 1.3.5 §7.3.10.
///
/// Each mask has one bit per reason; the first of a pair holds while the controller is primary or
/// equal, the second while it is secondary.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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

/// Which messages of one kind a controller wants unasked: a property of `NXT_SET_ASYNC_CONFIG2`,
/// which is OpenFlow 1.4's `OFPT_SET_ASYNC` for earlier versions.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum AsyncProperty {
    /// Some of them: `struct ofp14_async_config_prop_reasons`.
    Reasons {
        /// Whether this holds while the controller is secondary; else while it is primary or equal.
        secondary: bool,
        /// The kind of message.
        kind: AsyncKind,
        /// A bit for each reason.
        mask: u32,
    },
    /// A property that this crate does not know: type and value.
    Unknown(u16, Bytes),
}

/// Messages that come unasked: half of `enum ofp14_async_config_prop_type`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum AsyncKind {
    /// Packets; the bits are those of `OFPR_*`.
    PacketIn = 0,
    /// Changed ports, `OFPPR_*`.
    PortStatus = 1,
    /// Flows that are gone, `OFPRR_*`.
    FlowRemoved = 2,
    /// Roles, `OFPCRR_*`.
    RoleStatus = 3,
    /// Changed tables, `OFPTR_*`.
    TableStatus = 4,
    /// Requests of other controllers, `OFPRFR_*`.
    Requestforward = 5,
}

impl AsyncKind {
    pub(crate) const ALL: [Self; 6] = [
        Self::PacketIn,
        Self::PortStatus,
        Self::FlowRemoved,
        Self::RoleStatus,
        Self::TableStatus,
        Self::Requestforward,
    ];
}

impl AsyncProperty {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Reasons { secondary, kind, mask } => {
                // Secondary controllers have the even numbers.
                let kind = 2 * (*kind as u16) + u16::from(!secondary);
                property::put(out, kind, |out| out.put_u32(*mask));
            }
            Self::Unknown(kind, value) => property::put(out, *kind, |out| out.put_slice(value)),
        }
    }

    pub(super) fn decode_all(body: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let mut properties = Vec::new();
        while !body.is_empty() {
            let (number, mut value) = property::read(body, "nx_async_config2 property")?;
            let known = AsyncKind::ALL.get(usize::from(number / 2));
            properties.push(match known {
                Some(&kind) if value.peek().len() == 4 => {
                    Self::Reasons { secondary: number % 2 == 0, kind, mask: value.u32()? }
                }
                _ => Self::Unknown(number, value.rest_bytes()),
            });
        }
        Ok(properties)
    }
}
