//! Meters against a real Open vSwitch: our text is that of `ovs-ofctl`, our bytes are those that it
//! sends, and the switch gives back what it got.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/ofctl.rs"]
mod ofctl;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/switch.rs"]
mod switch;

use openflow::message::{
    Message, MeterMod, MeterModCommand, MultipartReply, MultipartReplyBody, MultipartRequestBody,
};
use openflow::{Meter, MeterBand, MeterFlags};
use switch::{Connection, Switch};

const METERS: &str = include_str!("corpus/meters.txt");

fn parse(text: &str) -> Meter {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The only message of its type that `ovs-ofctl` sends.
#[track_caller]
fn sent(command: &str, text: &str, wanted: impl Fn(&Message) -> bool) -> (u32, Vec<u8>, Message) {
    let mut sent = ofctl::frames_of(command, text, "", wanted);
    let (Some(frame), []) = (sent.pop(), &sent[..]) else { panic!("{text}: {sent:02x?}") };
    let (xid, message) = Message::decode(&frame).unwrap();
    (xid, frame, message)
}

#[test]
fn ovs_ofctl_sends_the_same_bytes() {
    let is_meter_mod = |message: &Message| matches!(message, Message::MeterMod(_));
    for text in METERS.lines() {
        let meter = parse(text);
        for (name, command) in
            [("add-meter", MeterModCommand::Add), ("mod-meter", MeterModCommand::Modify)]
        {
            let (xid, frame, _) = sent(name, text, is_meter_mod);
            let ours = Message::MeterMod(MeterMod { command, meter: meter.clone() });
            assert_eq!(ours.to_bytes(xid).unwrap(), frame, "{text}");
            for length in 0..frame.len() {
                assert!(Message::decode(&frame[..length]).is_err(), "{text}: {length} bytes");
            }
        }
        // And what we print of it means the same to `ovs-ofctl`.
        let (_, _, again) = sent("add-meter", &meter.to_string(), is_meter_mod);
        assert_eq!(again, Message::MeterMod(MeterMod::add(meter)), "{text}");
    }
    let (.., deleted) = sent("del-meter", "meter=7", is_meter_mod);
    assert_eq!(deleted, Message::MeterMod(MeterMod::delete(7)));
    let (.., deleted) = sent("del-meters", "meter=all", is_meter_mod);
    assert_eq!(deleted, Message::MeterMod(MeterMod::delete(Meter::ALL)));
}

#[test]
fn text_survives() {
    for text in METERS.lines() {
        let meter = parse(text);
        assert_eq!(parse(&meter.to_string()), meter, "{text}");
    }
    let text = "meter=1 kbps burst stats bands=type=drop rate=1000 burst_size=10";
    let flags = MeterFlags(MeterFlags::KBPS.0 | MeterFlags::BURST.0 | MeterFlags::STATS.0);
    let bands = vec![MeterBand::Drop { rate: 1000, burst_size: 10 }];
    let meter = Meter { meter_id: 1, flags, bands };
    assert_eq!(parse(text), meter);
    assert_eq!(meter.to_string(), text);
    // As `dump-meters` prints it, and its number by name.
    let text =
        "meter=controller pktps bands=\ntype=drop rate=9\ntype=dscp_remark rate=5 prec_level=1";
    let meter = parse(text);
    assert_eq!(meter.meter_id, Meter::CONTROLLER);
    assert_eq!(meter.to_string(), text.replacen("=\n", "=", 1).replace('\n', " "));
}

#[test]
fn wrong_text_is_explained() {
    #[track_caller]
    fn check(text: &str, wanted: &str) {
        assert_eq!(text.parse::<Meter>().unwrap_err().to_string(), wanted);
    }
    check("kbps bands=type=drop rate=1", "column 6: expected `meter=`");
    check(
        "meter=x bands=",
        "column 7: expected a meter's number, `slowpath`, `controller` or `all`",
    );
    check("meter=1 kbps", "column 13: expected `bands=`");
    check(
        "meter=1 fast bands=",
        "column 9: expected `meter`, `kbps`, `pktps`, `burst`, `stats` or `bands`",
    );
    check("meter=1 kbps bands=rate=5", "column 20: expected `type=`");
    check("meter=1 kbps bands=type=mark rate=5", "column 25: expected `drop` or `dscp_remark`");
    check("meter=1 kbps bands=type=drop", "column 29: expected `rate=`");
    check(
        "meter=1 kbps bands=type=drop rate=4294967296",
        "column 35: expected a number up to 4294967295",
    );
    check(
        "meter=1 kbps bands=type=drop rate=1 burst_size=2",
        "column 37: expected the flag `burst` where there is a `burst_size`",
    );
    check(
        "meter=1 burst bands=type=drop rate=1",
        "column 37: expected `burst_size=`, since there is the flag `burst`",
    );
    check(
        "meter=1 kbps bands=type=drop rate=1 prec_level=2",
        "column 37: expected `rate` or `burst_size`",
    );
    check("meter=1 kbps bands=type=dscp_remark rate=1", "column 43: expected `prec_level=`");
    check(
        "meter=1 kbps bands=raw(00010010)",
        "column 24: expected a band's type, its length, and bytes of that length",
    );
}

#[test]
fn a_band_shorter_than_its_header_is_an_error() {
    let frame = [4, 29, 0, 24, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 1];
    let error = Message::decode(&frame).unwrap_err();
    assert_eq!(error.to_string(), "ofp_meter_band_header at byte 18: len is 8, wanted at least 12");
}

/// Asks for something about meters, over a connection of ours.
fn ask(connection: &mut Connection, body: MultipartRequestBody) -> (String, MultipartReplyBody) {
    connection.send(&Message::MultipartRequest(body.into()));
    let (xid, reply) = connection.receive();
    let printed = reply.display(xid).to_string();
    let Message::MultipartReply(MultipartReply { more: false, body }) = reply else {
        panic!("{printed}")
    };
    (printed, body)
}

#[test]
fn open_vswitch_gives_back_what_it_got() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    let texts = [
        "meter=1 kbps burst stats bands=type=drop rate=1000 burst_size=10",
        "meter=2 pktps bands=type=drop rate=3",
        "meter=slowpath pktps stats bands=type=drop rate=77",
        "meter=controller pktps burst stats bands=type=drop rate=5 burst_size=6",
    ];
    for text in texts {
        connection.send(&Message::MeterMod(MeterMod::add(parse(text))));
        assert_eq!(connection.barrier(), [], "{text}");
    }
    switch.ofctl(&["add-flow"], &["actions=meter:2,output:1"]);

    for text in texts {
        let meter = parse(text);
        let (_, given) = ask(&mut connection, MultipartRequestBody::MeterConfig(meter.meter_id));
        let MultipartReplyBody::MeterConfig(given) = given else { panic!("{given:?}") };
        // Where the flags say that bursts have no size, the switch tells one all the same.
        assert_eq!(given.iter().map(Meter::to_string).collect::<Vec<_>>(), [text]);
        if meter.flags.contains(MeterFlags::BURST) {
            assert_eq!(given, [meter]);
        }
    }
    let (ours, all) = ask(&mut connection, MultipartRequestBody::MeterConfig(Meter::ALL));
    let MultipartReplyBody::MeterConfig(all) = all else { panic!("{all:?}") };
    assert_eq!(all.len(), texts.len());
    assert_eq!(without_xid(&ours), without_xid(&switch.ofctl(&["dump-meters"], &[])));

    let (ours, _) = ask(&mut connection, MultipartRequestBody::MeterFeatures);
    assert_eq!(without_xid(&ours), without_xid(&switch.ofctl(&["meter-features"], &[])));

    let (_, stats) = ask(&mut connection, MultipartRequestBody::Meter(2));
    let MultipartReplyBody::Meter(stats) = stats else { panic!("{stats:?}") };
    let [stats] = &stats[..] else { panic!("{stats:?}") };
    assert_eq!((stats.meter_id, stats.flow_count, stats.bands.len()), (2, 1, 1));

    connection.send(&Message::MeterMod(MeterMod::delete(2)));
    assert_eq!(connection.barrier(), []);
    let (_, all) = ask(&mut connection, MultipartRequestBody::MeterConfig(Meter::ALL));
    assert!(matches!(all, MultipartReplyBody::MeterConfig(all) if all.len() == texts.len() - 1));
    assert_eq!(switch.dump(&[]), [""; 0], "the flow went with its meter");
}

/// Without the number that each request has for itself, and without the end of the last line.
fn without_xid(printed: &str) -> String {
    let (head, tail) = printed.split_once("(xid=").unwrap();
    let (_, tail) = tail.split_once(')').unwrap();
    format!("{head}{tail}").trim_end().to_owned()
}
