//! Description of the switch: OpenFlow 1.3.5 §7.3.5.1.

use bytes::BytesMut;

use crate::wire::Reader;
use crate::{DecodeError, FixedString};

/// Who made the switch: `struct ofp_desc`, OpenFlow 1.3.5 §7.3.5.1.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Desc {
    /// Manufacturer.
    pub mfr_desc: FixedString,
    /// Hardware.
    pub hw_desc: FixedString,
    /// Software; Open vSwitch's version.
    pub sw_desc: FixedString,
    /// Serial number.
    pub serial_num: FixedString,
    /// The datapath, as people call it.
    pub dp_desc: FixedString,
}

impl Desc {
    const DESC_STR_LEN: usize = 256;
    const SERIAL_NUM_LEN: usize = 32;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        self.mfr_desc.encode(out, Self::DESC_STR_LEN);
        self.hw_desc.encode(out, Self::DESC_STR_LEN);
        self.sw_desc.encode(out, Self::DESC_STR_LEN);
        self.serial_num.encode(out, Self::SERIAL_NUM_LEN);
        self.dp_desc.encode(out, Self::DESC_STR_LEN);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut desc = reader.nested("ofp_desc", 4 * Self::DESC_STR_LEN + Self::SERIAL_NUM_LEN)?;
        Ok(Self {
            mfr_desc: FixedString::decode(desc.take(Self::DESC_STR_LEN)?),
            hw_desc: FixedString::decode(desc.take(Self::DESC_STR_LEN)?),
            sw_desc: FixedString::decode(desc.take(Self::DESC_STR_LEN)?),
            serial_num: FixedString::decode(desc.take(Self::SERIAL_NUM_LEN)?),
            dp_desc: FixedString::decode(desc.take(Self::DESC_STR_LEN)?),
        })
    }
}
