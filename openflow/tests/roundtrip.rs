//! Both ways and broken: values of every type survive as bytes and as text, and no bytes or text,
//! however wrong, do harm.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "roundtrip/actions.rs"]
mod actions;
#[path = "roundtrip/extensions.rs"]
mod extensions;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "vectors/frames.rs"]
mod frames;
#[path = "roundtrip/groups.rs"]
mod groups;
#[path = "roundtrip/messages.rs"]
mod messages;
#[path = "roundtrip/meters.rs"]
mod meters;
#[path = "roundtrip/monitors.rs"]
mod monitors;
#[path = "roundtrip/tables.rs"]
mod tables;
#[path = "roundtrip/values.rs"]
mod values;

use std::time::Instant;

use bytes::Bytes;
use openflow::message::{
    FlowModCommand, Hello, Message, MultipartReply, MultipartRequestBody, flow_frame,
};
use openflow::session::{End, Event, Session};
use openflow::{Action, Flow, Group, Match, Meter, PortNo};
use proptest::prelude::*;
use proptest::sample::Index;

/// A recorded frame with some bytes changed and perhaps cut, its length made to fit.
fn broken_frame() -> impl Strategy<Value = Vec<u8>> {
    let frames: Vec<Vec<u8>> = frames::frames().into_iter().map(|(_, frame)| frame).collect();
    let changes = proptest::collection::vec((any::<Index>(), any::<u8>()), 0..6);
    (proptest::sample::select(frames), changes, proptest::option::of(any::<Index>())).prop_map(
        |(mut frame, changes, cut)| {
            for (at, byte) in changes {
                let at = at.index(frame.len());
                frame[at] = byte;
            }
            if let Some(cut) = cut {
                frame.truncate(8 + cut.index(frame.len() - 7));
            }
            let length = frame.len() as u16;
            frame[2..4].copy_from_slice(&length.to_be_bytes());
            frame
        },
    )
}

/// A byte, as likely a small number as any.
fn small_or_any() -> impl Strategy<Value = u8> {
    prop_oneof![0..64_u8, any::<u8>()]
}

/// Names of the first ports and of every fortieth table, no two alike.
#[derive(Debug)]
struct Names {
    ports: Vec<String>,
    tables: Vec<String>,
}

fn names() -> impl Strategy<Value = Names> {
    // The number behind makes them differ.
    let of = |count: usize| {
        let name = prop_oneof![
            "[a-z][a-z0-9]{0,5}",
            "[a-z][-a-z0-9._]{0,8}",
            "[ -~]{0,6}",
            "[é-ü☃]{0,4}",
            "[\\x00-\\x1f]{1,3}",
        ];
        proptest::collection::vec(name, count).prop_map(|mut names: Vec<String>| {
            names.iter_mut().enumerate().for_each(|(at, name)| name.push_str(&at.to_string()));
            names.iter_mut().filter(|name| name.parse::<u32>().is_ok()).for_each(|it| it.push('p'));
            names.sort();
            names.dedup();
            names
        })
    };
    (of(20), of(7)).prop_map(|(ports, tables)| Names { ports, tables })
}

impl openflow::Names for Names {
    fn table(&self, table: u8) -> Option<&str> {
        let table = usize::from(table);
        if table % 40 == 0 { self.tables.get(table / 40).map(String::as_str) } else { None }
    }

    fn port(&self, port: PortNo) -> Option<&str> {
        self.ports.get(usize::try_from(port.0).ok()?).map(String::as_str)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_survives(xid: u32, message in messages::message()) {
        let bytes = message.to_bytes(xid).unwrap();
        prop_assert_eq!(Message::decode(&bytes), Ok((xid, message)));
    }

    #[test]
    fn a_broken_message_is_an_error_or_survives(frame in broken_frame()) {
        if let Ok((xid, message)) = Message::decode(&frame) {
            prop_assert_eq!(message.to_bytes(xid).unwrap(), frame);
        }
    }

    /// Spoilt instructions and actions are an error, or read as what encodes to the same bytes:
    /// nothing about them is put right in passing.
    #[test]
    fn broken_actions_stay_as_they_are(
        flow in values::flow(),
        changes in proptest::collection::vec((any::<Index>(), small_or_any()), 1..4),
    ) {
        let flow = Flow { matching: Match::new(), ..flow };
        let mut frame = flow_frame(FlowModCommand::Add, &flow, 1).unwrap().to_vec();
        // Behind the fixed part and an empty match.
        let spoilt = &mut frame[56..];
        prop_assume!(!spoilt.is_empty());
        for (at, byte) in changes {
            spoilt[at.index(spoilt.len())] = byte;
        }
        if let Ok((xid, message)) = Message::interpret(&frame) {
            prop_assert!(matches!(message, Message::FlowMod(_)));
            prop_assert_eq!(message.to_bytes(xid).unwrap(), frame);
        }
    }

    #[test]
    fn any_message_that_is_broken_is_an_error_or_survives(
        message in messages::message(),
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut frame = message.to_bytes(7).unwrap().to_vec();
        for (at, byte) in changes {
            // What the header says is right.
            if let Some(body) = frame.get_mut(8..).filter(|body| !body.is_empty()) {
                let at = at.index(body.len());
                body[at] = byte;
            }
        }
        if let Ok((xid, message)) = Message::decode(&frame) {
            prop_assert!(!message.display(xid).to_string().is_empty());
            prop_assert_eq!(message.to_bytes(xid).unwrap(), frame);
        }
    }

    #[test]
    fn every_multipart_reply_comes_in_parts(body in messages::multipart_body()) {
        let now = Instant::now();
        // Either end may ask; the switch's has nothing to ask first.
        let mut session = Session::new(End::Switch, now);
        session.handle_input(&Message::Hello(Hello::only_1_3()).to_bytes(1).unwrap(), now).unwrap();
        prop_assert_eq!(session.poll_event(), Some(Event::Connected));
        let other = MultipartRequestBody::Other { kind: body.kind(), body: Bytes::new() };
        let asked = session.send(&Message::MultipartRequest(other.into())).unwrap();
        for more in [true, true, false] {
            let part = MultipartReply { more, body: body.clone() };
            let part = Message::MultipartReply(part).to_bytes(asked).unwrap();
            session.handle_input(&part, now).unwrap();
            let wanted = Event::Part { xid: asked, body: body.clone(), last: !more };
            prop_assert_eq!(session.poll_event(), Some(wanted));
        }
    }

    #[test]
    fn every_broken_message_can_be_printed(frame in broken_frame()) {
        if let Ok((_, Message::FlowMod(flow_mod))) = Message::decode(&frame) {
            let _ = flow_mod.flow.to_string().parse::<Flow>();
        }
    }

    #[test]
    fn every_flow_that_text_can_tell_survives_as_text(flow in values::tellable_flow()) {
        let text = flow.to_string();
        prop_assert_eq!(text.parse::<Flow>(), Ok(flow), "{}", text);
    }

    #[test]
    fn flows_survive_with_names(flow in values::tellable_flow(), names in names()) {
        let text = flow.display().with_names(&names).to_string();
        prop_assert_eq!(Flow::parse_named(&text, &names), Ok(flow), "{}", text);
    }

    #[test]
    fn matches_survive_by_themselves(flow in values::tellable_flow()) {
        let text = flow.matching.to_string();
        prop_assert_eq!(text.parse::<Match>(), Ok(flow.matching), "{}", text);
    }

    #[test]
    fn groups_survive_as_text(group in groups::group(actions::action())) {
        let text = group.to_string();
        prop_assert_eq!(text.parse::<Group>(), Ok(group), "{}", text);
    }

    #[test]
    fn meters_survive_as_text(meter in meters::tellable_meter()) {
        let text = meter.to_string();
        prop_assert_eq!(text.parse::<Meter>(), Ok(meter), "{}", text);
    }

    #[test]
    fn no_meter_text_does_harm(
        text in "(meter=1|bands=|type=|drop|rate=|burst|_size=|raw\\(|[a-z0-9=,: )\n]){0,12}",
    ) {
        if let Ok(meter) = text.parse::<Meter>() {
            let text = meter.to_string();
            prop_assert_eq!(text.parse::<Meter>(), Ok(meter), "{}", text);
        }
    }

    #[test]
    fn no_group_text_does_harm(text in "(group_id=1|type=|all|bucket=|weight:|[a-z0-9=,: ]){0,9}") {
        let _ = text.parse::<Group>();
    }

    #[test]
    fn no_text_does_harm(text in "[a-z_0-9=,:/>()\\[\\]. +|-]{0,60}") {
        let _ = text.parse::<Flow>();
        let _ = text.parse::<Match>();
        let _ = text.parse::<Action>();
    }

    #[test]
    fn no_change_to_text_does_harm(
        flow in values::tellable_flow(),
        at: Index,
        with in "[^a-z]{0,3}",
    ) {
        let mut text = flow.to_string();
        let at = at.index(text.len());
        text.replace_range(at..at + 1, &with);
        if let Err(error) = text.parse::<Flow>() {
            prop_assert!(error.column <= text.chars().count() + 1, "{error}");
        }
    }

    #[test]
    fn a_session_takes_anything(
        frames in proptest::collection::vec(broken_frame(), 0..5),
        noise in values::bytes(200),
        size in 1..100_usize,
    ) {
        let now = Instant::now();
        let mut session = Session::new(End::Switch, now);
        session.handle_input(&Message::Hello(Hello::only_1_3()).to_bytes(1).unwrap(), now).unwrap();
        let stream = [frames.concat(), noise.to_vec()].concat();
        for piece in stream.chunks(size) {
            if session.handle_input(piece, now).is_err() {
                break;
            }
        }
        while session.poll_event().is_some() {}
    }
}

#[test]
fn a_flow_that_is_too_long_is_refused() {
    let outputs = vec!["output:1"; 5000].join(",");
    let flow: Flow = format!("actions={outputs}").parse().unwrap();
    let error = flow_frame(FlowModCommand::Add, &flow, 1).unwrap_err();
    assert_eq!(error.to_string(), "the message takes 80064 bytes, OpenFlow allows 65535");
}

#[test]
fn nesting_without_end_does_no_harm() {
    // As many conntrack actions as fit, each inside the one before.
    let depth = 2000;
    let mut bytes = Vec::new();
    for level in 0..depth {
        let length = (24 * (depth - level)) as u16;
        bytes.extend([0xff, 0xff]);
        bytes.extend(length.to_be_bytes());
        bytes.extend([0, 0, 0x23, 0x20, 0, 35]);
        bytes.extend([0; 14]);
    }
    let mut frame = vec![4, 13, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1];
    frame.extend((bytes.len() as u16).to_be_bytes());
    frame.extend([0; 6]);
    frame.extend(&bytes);
    let length = frame.len() as u16;
    frame[2..4].copy_from_slice(&length.to_be_bytes());
    let (xid, message) = Message::decode(&frame).unwrap();
    assert_eq!(message.to_bytes(xid).unwrap(), frame);

    let text = "clone(".repeat(5000);
    assert!(text.parse::<Action>().is_err());
}
