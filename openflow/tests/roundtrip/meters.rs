//! Strategies for meters.

use bytes::Bytes;
use openflow::message::{MeterMod, MeterModCommand};
use openflow::{Meter, MeterBand, MeterFlags};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) fn meter_mod() -> impl Strategy<Value = MeterMod> {
    use MeterModCommand::{Add, Delete, Modify};
    let experimenter =
        Bytes::from_static(&[0xff, 0xff, 0, 16, 0, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0x23, 0x20]);
    let band = prop_oneof![
        any::<(u32, u32)>().prop_map(|(rate, burst_size)| MeterBand::Drop { rate, burst_size }),
        any::<(u32, u32, u8)>().prop_map(|(rate, burst_size, prec_level)| {
            MeterBand::DscpRemark { rate, burst_size, prec_level }
        }),
        Just(MeterBand::Unknown(experimenter)),
    ];
    (select(&[Add, Modify, Delete][..]), any::<(u32, u16)>(), vec(band, 0..4)).prop_map(
        |(command, (meter_id, flags), bands)| MeterMod {
            command,
            meter: Meter { meter_id, flags: MeterFlags(flags), bands },
        },
    )
}
