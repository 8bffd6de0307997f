//! Strategies for meters.

use bytes::Bytes;
use openflow::message::{
    MeterBandStats, MeterFeatures, MeterMod, MeterModCommand, MeterStats, MultipartReplyBody,
    MultipartRequestBody,
};
use openflow::{Meter, MeterBand, MeterFlags};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A band of an experimenter's, and one of a standard type that is longer than it should be.
fn unknown_band() -> impl Strategy<Value = MeterBand> {
    let experimenter =
        Bytes::from_static(&[0xff, 0xff, 0, 16, 0, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0x23, 0x20]);
    let long = Bytes::from_static(&[0, 1, 0, 20, 0, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0, 0, 1, 2, 3, 4]);
    select(vec![MeterBand::Unknown(experimenter), MeterBand::Unknown(long)])
}

fn band(burst_size: impl Strategy<Value = u32> + Clone) -> impl Strategy<Value = MeterBand> {
    prop_oneof![
        (any::<u32>(), burst_size.clone())
            .prop_map(|(rate, burst_size)| MeterBand::Drop { rate, burst_size }),
        (any::<u32>(), burst_size, any::<u8>()).prop_map(|(rate, burst_size, prec_level)| {
            MeterBand::DscpRemark { rate, burst_size, prec_level }
        }),
        unknown_band(),
    ]
}

fn meter() -> impl Strategy<Value = Meter> {
    (any::<(u32, u16)>(), vec(band(any::<u32>()), 0..4))
        .prop_map(|((meter_id, flags), bands)| Meter { meter_id, flags: MeterFlags(flags), bands })
}

/// A meter that text can tell: bursts have a size only where the flags say so.
pub(crate) fn tellable_meter() -> impl Strategy<Value = Meter> {
    let ids = prop_oneof![
        any::<u32>(),
        select(&[1, Meter::MAX, Meter::SLOWPATH, Meter::CONTROLLER, Meter::ALL][..])
    ];
    any::<u16>().prop_map(MeterFlags).prop_flat_map(move |flags| {
        let burst_size =
            if flags.contains(MeterFlags::BURST) { any::<u32>().boxed() } else { Just(0).boxed() };
        (ids.clone(), vec(band(burst_size), 0..4)).prop_map(move |(meter_id, bands)| Meter {
            meter_id,
            flags,
            bands,
        })
    })
}

pub(crate) fn meter_mod() -> impl Strategy<Value = MeterMod> {
    use MeterModCommand::{Add, Delete, Modify};
    (select(&[Add, Modify, Delete][..]), meter())
        .prop_map(|(command, meter)| MeterMod { command, meter })
}

pub(crate) fn requests() -> impl Strategy<Value = MultipartRequestBody> {
    prop_oneof![
        any::<u32>().prop_map(MultipartRequestBody::Meter),
        any::<u32>().prop_map(MultipartRequestBody::MeterConfig),
        Just(MultipartRequestBody::MeterFeatures),
    ]
}

pub(crate) fn replies() -> impl Strategy<Value = MultipartReplyBody> {
    let band = any::<(u64, u64)>().prop_map(|(packet_band_count, byte_band_count)| {
        MeterBandStats { packet_band_count, byte_band_count }
    });
    let stats = (any::<(u32, u32, u64, u64, u32, u32)>(), vec(band, 0..4)).prop_map(
        |((meter_id, flow_count, packets, bytes, duration_sec, duration_nsec), bands)| MeterStats {
            meter_id,
            flow_count,
            packet_in_count: packets,
            byte_in_count: bytes,
            duration_sec,
            duration_nsec,
            bands,
        },
    );
    let features = any::<(u32, u32, u32, u8, u8)>().prop_map(
        |(max_meter, band_types, capabilities, max_bands, max_color)| MeterFeatures {
            max_meter,
            band_types,
            capabilities,
            max_bands,
            max_color,
        },
    );
    prop_oneof![
        vec(stats, 0..3).prop_map(MultipartReplyBody::Meter),
        vec(meter(), 0..3).prop_map(MultipartReplyBody::MeterConfig),
        features.prop_map(MultipartReplyBody::MeterFeatures),
    ]
}
