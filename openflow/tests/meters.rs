//! Meters against a real Open vSwitch: our bytes are those that `ovs-ofctl` sends, and no part of
//! them does harm.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/ofctl.rs"]
mod ofctl;

use openflow::message::{Message, MeterMod};
use openflow::{Meter, MeterBand, MeterFlags};

#[track_caller]
fn check(command: &str, text: &str, meter_mod: MeterMod) {
    let wanted = |message: &Message| matches!(message, Message::MeterMod(_));
    let sent = ofctl::frames_of(command, text, "", wanted);
    let [sent] = &sent[..] else { panic!("{text}: {sent:02x?}") };
    let (xid, received) = Message::decode(sent).unwrap();
    assert_eq!(received, Message::MeterMod(meter_mod), "{text}");
    assert_eq!(received.to_bytes(xid).unwrap(), *sent, "{text}");
    for length in 0..sent.len() {
        assert!(Message::decode(&sent[..length]).is_err(), "{text}: {length} bytes");
    }
}

#[test]
fn ovs_ofctl_sends_the_same_bytes() {
    let flags = MeterFlags(MeterFlags::KBPS.0 | MeterFlags::BURST.0 | MeterFlags::STATS.0);
    let bands = vec![MeterBand::Drop { rate: 1000, burst_size: 10 }];
    check(
        "add-meter",
        "meter=1 kbps burst stats bands=type=drop rate=1000 burst_size=10",
        MeterMod::add(Meter { meter_id: 1, flags, bands }),
    );
    let bands = vec![
        MeterBand::Drop { rate: 9, burst_size: 0 },
        MeterBand::DscpRemark { rate: 5, burst_size: 0, prec_level: 1 },
    ];
    check(
        "add-meter",
        "meter=controller pktps bands=type=drop rate=9 type=dscp_remark rate=5 prec_level=1",
        MeterMod::add(Meter { meter_id: Meter::CONTROLLER, flags: MeterFlags::PKTPS, bands }),
    );
    check("del-meter", "meter=7", MeterMod::delete(7));
}

#[test]
fn a_band_shorter_than_its_header_is_an_error() {
    let frame = [4, 29, 0, 24, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 1];
    let error = Message::decode(&frame).unwrap_err();
    assert_eq!(error.to_string(), "ofp_meter_band_header at byte 18: len is 8, wanted at least 12");
}
