//! Sessions against each other in memory, with a clock of the test's own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use openflow::message::{
    ErrorCode, ErrorMessage, FeaturesReply, FlowModCommand, FlowStats, FlowStatsRequest, Hello,
    Message, MultipartReply, MultipartReplyBody, MultipartRequestBody, flow_frame,
};
use openflow::session::{End, Event, Limits, ProtocolError, Session};
use openflow::{Field, Flow, Match};

const SECOND: Duration = Duration::from_secs(1);

fn features() -> FeaturesReply {
    FeaturesReply { datapath_id: 0x42, n_tables: 254, capabilities: 0x4f, ..Default::default() }
}

/// A controller's and a switch's session, connected.
struct Pair {
    controller: Session,
    switch: Session,
    now: Instant,
}

impl Pair {
    fn new() -> Self {
        let now = Instant::now();
        let controller = Session::new(End::Controller, now);
        Self { controller, switch: Session::new(End::Switch, now), now }
    }

    /// Both have shaken hands, and the events of that are gone.
    fn ready() -> Self {
        let mut pair = Self::new();
        pair.exchange();
        assert_eq!(pair.switch.poll_event(), Some(Event::Connected));
        let Some(Event::Message { xid, message: Message::FeaturesRequest }) =
            pair.switch.poll_event()
        else {
            panic!("the switch was not asked")
        };
        pair.switch.reply(xid, &Message::FeaturesReply(features())).unwrap();
        pair.exchange();
        assert_eq!(pair.controller.poll_event(), Some(Event::Ready(features())));
        assert_eq!(pair.controller.poll_event(), None);
        pair
    }

    /// Moves bytes both ways until none are left; gives how many.
    fn exchange(&mut self) -> usize {
        let mut moved = 0;
        loop {
            let before = moved;
            while let Some(bytes) = self.controller.poll_transmit() {
                moved += bytes.len();
                self.switch.handle_input(&bytes, self.now).unwrap();
            }
            while let Some(bytes) = self.switch.poll_transmit() {
                moved += bytes.len();
                self.controller.handle_input(&bytes, self.now).unwrap();
            }
            if moved == before {
                return moved;
            }
        }
    }

    /// The switch's next event, which must be a message.
    fn asked(&mut self) -> (u32, Message) {
        match self.switch.poll_event() {
            Some(Event::Message { xid, message }) => (xid, message),
            other => panic!("{other:?}"),
        }
    }
}

/// Everything that a session has to send.
fn drain(session: &mut Session) -> Vec<u8> {
    std::iter::from_fn(|| session.poll_transmit()).flatten().collect()
}

#[test]
fn a_reply_carries_its_requests_xid() {
    let mut pair = Pair::ready();
    let first = pair.controller.send(&Message::BarrierRequest).unwrap();
    let second = pair.controller.send(&Message::BarrierRequest).unwrap();
    assert!(first != second && Session::OWN_XIDS.contains(&first));
    pair.exchange();
    assert_eq!(pair.asked(), (first, Message::BarrierRequest));
    pair.switch.reply(first, &Message::BarrierReply).unwrap();
    pair.exchange();
    let reply = Event::Reply { xid: first, message: Message::BarrierReply };
    assert_eq!(pair.controller.poll_event(), Some(reply));
    // Nobody waits for it any more.
    pair.switch.reply(first, &Message::BarrierReply).unwrap();
    pair.exchange();
    let unasked = Event::Message { xid: first, message: Message::BarrierReply };
    assert_eq!(pair.controller.poll_event(), Some(unasked));
}

#[test]
fn a_multipart_reply_comes_in_parts() {
    let mut pair = Pair::ready();
    let body = MultipartRequestBody::Flow(FlowStatsRequest::by_cookie(1 << 56, 0xff << 56));
    let xid = pair.controller.send(&Message::MultipartRequest(body.into())).unwrap();
    pair.exchange();
    assert_eq!(pair.asked().0, xid);
    let part = |table| {
        let flow = Flow { table, ..Flow::default() };
        let (duration_sec, duration_nsec, packet_count, byte_count) = (1, 2, 3, 4);
        let stats = FlowStats { flow, duration_sec, duration_nsec, packet_count, byte_count };
        MultipartReplyBody::Flow(vec![stats])
    };
    for (table, more) in [(1, true), (2, true), (3, false)] {
        let reply = Message::MultipartReply(MultipartReply { more, body: part(table) });
        pair.switch.reply(xid, &reply).unwrap();
        pair.exchange();
        let expected = Event::Part { xid, body: part(table), last: !more };
        assert_eq!(pair.controller.poll_event(), Some(expected));
    }
    assert_eq!(pair.controller.poll_event(), None);
}

#[test]
fn an_error_leads_back_to_the_flow() {
    let mut pair = Pair::ready();
    let matching = Match::new().with(Field::REG0, 1u32);
    let flow = Flow { table: 9, priority: 77, cookie: 0xabc, matching, ..Flow::default() };
    let frame = flow_frame(FlowModCommand::Add, &flow, 5).unwrap();
    pair.controller.send_encoded(frame.clone());
    pair.exchange();
    assert_eq!(pair.asked().0, 5);
    let code = ErrorCode::standard(5, 1);
    let error = ErrorMessage { code, data: frame.slice(..frame.len().min(64)) };
    pair.switch.reply(5, &Message::Error(error.clone())).unwrap();
    pair.exchange();
    assert_eq!(pair.controller.poll_event(), Some(Event::Error { xid: 5, error: error.clone() }));
    let offending = error.offending_flow().unwrap();
    assert_eq!((offending.cookie, offending.table, offending.priority), (0xabc, 9, 77));
    assert_eq!(code.name(), Some("OFPFMFC_TABLE_FULL"));
}

#[test]
fn encoded_frames_keep_their_place_and_are_not_copied() {
    let mut pair = Pair::ready();
    let frame = flow_frame(FlowModCommand::Add, &Flow::default(), 7).unwrap();
    pair.controller.send(&Message::BarrierRequest).unwrap();
    pair.controller.send_encoded(frame.clone());
    pair.controller.send(&Message::BarrierRequest).unwrap();
    assert_eq!(pair.controller.queued_bytes(), 8 + frame.len() + 8);
    let sent: Vec<Bytes> = std::iter::from_fn(|| pair.controller.poll_transmit()).collect();
    assert_eq!(sent.len(), 3);
    assert_eq!(sent[1].as_ptr(), frame.as_ptr());
    assert_eq!(pair.controller.queued_bytes(), 0);
}

#[test]
fn silence_is_probed_then_given_up() {
    let mut pair = Pair::ready();
    pair.now += 5 * SECOND;
    assert!(pair.controller.poll_timeout().unwrap() <= pair.now);
    pair.controller.handle_timeout(pair.now).unwrap();
    // The switch answers, nobody hears of it, and the next probe is 5 s away.
    assert!(pair.exchange() > 0);
    assert_eq!(pair.controller.poll_event(), None);
    assert_eq!(pair.switch.poll_event(), None);
    assert_eq!(pair.controller.poll_timeout(), Some(pair.now + 5 * SECOND));

    pair.now += 5 * SECOND;
    pair.controller.handle_timeout(pair.now).unwrap();
    pair.controller.handle_timeout(pair.now).unwrap();
    assert_eq!(drain(&mut pair.controller).len(), 8, "one probe, not two");
    pair.now += 10 * SECOND;
    let given_up = pair.controller.handle_timeout(pair.now);
    assert_eq!(given_up, Err(ProtocolError::Silent { silence: 15 * SECOND }));
}

#[test]
fn a_handshake_that_takes_too_long_is_given_up() {
    let now = Instant::now();
    let mut session = Session::new(End::Controller, now);
    session.handle_input(&Message::Hello(Hello::only_1_3()).to_bytes(1).unwrap(), now).unwrap();
    assert_eq!(session.poll_timeout(), Some(now + 10 * SECOND));
    session.handle_timeout(now + 9 * SECOND).unwrap();
    let given_up = session.handle_timeout(now + 10 * SECOND);
    assert_eq!(given_up, Err(ProtocolError::HandshakeTimeout { limit: 10 * SECOND }));
}

#[test]
fn a_message_that_comes_too_slowly_is_given_up() {
    let message = Message::EchoReply(Bytes::from_static(&[0; 100])).to_bytes(7).unwrap();
    let mut pair = Pair::ready();
    // Bytes that come one by one are signs of life, and no more than that.
    let mut given_up = Ok(());
    let mut pieces = message.chunks(1);
    let begun = pair.now;
    while given_up.is_ok() {
        let piece = pieces.next().expect("it takes less than the message");
        pair.controller.handle_input(piece, pair.now).unwrap();
        pair.now += SECOND;
        given_up = pair.controller.handle_timeout(pair.now);
    }
    assert_eq!(given_up, Err(ProtocolError::Undelivered { limit: 30 * SECOND }));
    assert_eq!(pair.now, begun + 30 * SECOND);

    // Each message has its own time, however they are cut.
    let mut pair = Pair::ready();
    let two = message.repeat(2);
    let (head, rest) = two.split_at(20);
    let (middle, tail) = rest.split_at(100);
    for piece in [head, middle, tail] {
        pair.controller.handle_input(piece, pair.now).unwrap();
        pair.now += 29 * SECOND;
        pair.controller.handle_timeout(pair.now).unwrap();
    }
}

#[test]
fn answers_that_nobody_reads_are_bounded() {
    let limits = Limits { answers: 1000, ..Limits::default() };
    let mut session = Session::with_limits(End::Switch, limits, Instant::now());
    let now = Instant::now();
    session.handle_input(&Message::Hello(Hello::only_1_3()).to_bytes(1).unwrap(), now).unwrap();
    let echo = Message::EchoRequest(Bytes::from_static(&[0; 92])).to_bytes(2).unwrap();
    for _ in 0..100 {
        session.handle_input(&echo, now).unwrap();
        drain(&mut session);
    }
    for _ in 0..10 {
        session.handle_input(&echo, now).unwrap();
    }
    let error = session.handle_input(&echo, now).unwrap_err();
    assert_eq!(error, ProtocolError::UnreadAnswers { limit: 1000 });
}

#[test]
fn another_version_is_refused_in_words() {
    let now = Instant::now();
    for (hello, speaks) in [
        (Hello { version: 1, bitmap: vec![], other: Bytes::new() }, false),
        (Hello { version: 6, bitmap: vec![1 << 6 | 1 << 1], other: Bytes::new() }, false),
        (Hello { version: 6, bitmap: vec![1 << 6 | 1 << 4], other: Bytes::new() }, true),
        (Hello { version: 6, bitmap: vec![], other: Bytes::new() }, true),
    ] {
        let mut session = Session::new(End::Controller, now);
        drain(&mut session);
        let result = session.handle_input(&Message::Hello(hello).to_bytes(1).unwrap(), now);
        assert_eq!(result.is_ok(), speaks);
        let (_, sent) = Message::decode(&drain(&mut session)).unwrap();
        match sent {
            Message::FeaturesRequest => assert!(speaks),
            Message::Error(error) => {
                assert!(!speaks);
                assert_eq!(error.code, ErrorCode::HELLO_INCOMPATIBLE);
                assert_eq!(error.text(), "this end speaks OpenFlow 1.3 only");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_peer_that_breaks_the_protocol_is_named_precisely() {
    let barrier = Message::BarrierReply.to_bytes(1).unwrap();
    let mut stranger = Session::new(End::Controller, Instant::now());
    let error = stranger.handle_input(&barrier, Instant::now()).unwrap_err();
    assert_eq!(error, ProtocolError::NoHello { kind: 21 });

    let mut pair = Pair::ready();
    let error = pair.controller.handle_input(&[4, 10, 0, 10, 0, 0, 0, 9, 1, 2], pair.now);
    assert_eq!(
        error.unwrap_err().to_string(),
        "message type 10, xid 0x9: ofp_packet_in at byte 8: 2 bytes are left, wanted 4"
    );

    let mut pair = Pair::ready();
    let xid = pair.controller.send(&Message::BarrierRequest).unwrap();
    let wrong = Message::EchoReply(Bytes::new()).to_bytes(xid).unwrap();
    let error = pair.controller.handle_input(&wrong, pair.now).unwrap_err();
    assert_eq!(error, ProtocolError::WrongReply { xid, got: 3, wanted: "a barrier reply" });

    let limits = Limits { message: 1000, ..Limits::default() };
    let mut short = Session::with_limits(End::Switch, limits, Instant::now());
    let error = short.handle_input(&[4, 0, 0xff, 0xff, 0, 0, 0, 1], Instant::now()).unwrap_err();
    assert_eq!(error, ProtocolError::FrameLength { kind: 0, length: 0xffff, limit: 1000 });
}

#[test]
fn a_refused_handshake_tells_the_peers_words() {
    let now = Instant::now();
    let data = Bytes::from_static(b"version negotiation failed");
    let error = ErrorMessage { code: ErrorCode::HELLO_INCOMPATIBLE, data };
    let mut session = Session::new(End::Controller, now);
    let refused =
        session.handle_input(&Message::Error(error).to_bytes(1).unwrap(), now).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the peer refused the handshake: OFPHFC_INCOMPATIBLE version negotiation failed"
    );
}
