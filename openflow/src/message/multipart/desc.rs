use bytes::BytesMut;

use crate::DecodeError;
use crate::wire::{Reader, fixed_string, put_fixed_string};

/// Who made the switch: `struct ofp_desc`, OpenFlow 1.3.5 §7.3.5.1.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Desc {
    /// Manufacturer.
    pub mfr_desc: String,
    /// Hardware.
    pub hw_desc: String,
    /// Software; Open vSwitch's version.
    pub sw_desc: String,
    /// Serial number.
    pub serial_num: String,
    /// The datapath, as people call it.
    pub dp_desc: String,
}

impl Desc {
    const DESC_STR_LEN: usize = 256;
    const SERIAL_NUM_LEN: usize = 32;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        put_fixed_string(out, &self.mfr_desc, Self::DESC_STR_LEN);
        put_fixed_string(out, &self.hw_desc, Self::DESC_STR_LEN);
        put_fixed_string(out, &self.sw_desc, Self::DESC_STR_LEN);
        put_fixed_string(out, &self.serial_num, Self::SERIAL_NUM_LEN);
        put_fixed_string(out, &self.dp_desc, Self::DESC_STR_LEN);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut desc = reader.nested("ofp_desc", 4 * Self::DESC_STR_LEN + Self::SERIAL_NUM_LEN)?;
        Ok(Self {
            mfr_desc: fixed_string(desc.take(Self::DESC_STR_LEN)?),
            hw_desc: fixed_string(desc.take(Self::DESC_STR_LEN)?),
            sw_desc: fixed_string(desc.take(Self::DESC_STR_LEN)?),
            serial_num: fixed_string(desc.take(Self::SERIAL_NUM_LEN)?),
            dp_desc: fixed_string(desc.take(Self::DESC_STR_LEN)?),
        })
    }
}
