//! Flow monitors of a real Open vSwitch, over a session of ours: what is there, and every change to
//! it, one's own by its xid and those of others in full.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/ofctl.rs"]
mod ofctl;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/switch.rs"]
mod switch;

use std::collections::HashSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use openflow::message::{
    FlowMod, FlowMonitorFlags, FlowMonitorRequest, FlowUpdate, Message, MultipartReply,
    MultipartReplyBody, MultipartRequestBody,
};
use openflow::session::{End, Event, Session};
use openflow::{Field, Flow, FlowFlags, Match};
use switch::Switch;

/// The controller's end of a connection.
struct Controller {
    session: Session,
    stream: UnixStream,
}

impl Controller {
    fn connect(switch: &Switch) -> Self {
        let session = Session::new(End::Controller, Instant::now());
        let mut controller = Self { session, stream: switch.stream() };
        assert!(matches!(controller.event(), Event::Ready(_)));
        controller
    }

    /// The next event.
    fn event(&mut self) -> Event {
        let mut buffer = [0; 4096];
        loop {
            while let Some(bytes) = self.session.poll_transmit() {
                self.stream.write_all(&bytes).unwrap();
            }
            if let Some(event) = self.session.poll_event() {
                return event;
            }
            let length = self.stream.read(&mut buffer).unwrap();
            self.session.handle_input(&buffer[..length], Instant::now()).unwrap();
        }
    }

    /// Begins to monitor; gives the flows that are there.
    fn monitor(&mut self, monitor: FlowMonitorRequest) -> Vec<FlowUpdate> {
        let body = MultipartRequestBody::FlowMonitor(vec![monitor]);
        let asked = self.session.send(&Message::MultipartRequest(body.into())).unwrap();
        let mut all = Vec::new();
        loop {
            let Event::Part { xid, body, last } = self.event() else { panic!("no reply") };
            let MultipartReplyBody::FlowMonitor(updates) = body else { panic!("{body:?}") };
            assert_eq!(xid, asked);
            all.extend(updates);
            if last {
                return all;
            }
        }
    }

    /// What has been told since, up to the reply to a barrier.
    fn updates(&mut self) -> Vec<FlowUpdate> {
        let barrier = self.session.send(&Message::BarrierRequest).unwrap();
        let mut all = Vec::new();
        loop {
            match self.event() {
                Event::Reply { xid, message: Message::BarrierReply } if xid == barrier => {
                    return all;
                }
                Event::Message { xid: 0, message: Message::MultipartReply(reply) } => {
                    let MultipartReply { more: false, body } = reply else { panic!("{reply:?}") };
                    let MultipartReplyBody::FlowMonitor(updates) = body else { panic!("{body:?}") };
                    all.extend(updates);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn flow(text: &str) -> Flow {
    text.parse().unwrap()
}

#[test]
fn all_that_happens_to_flows_is_told() {
    let switch = Switch::start();
    let there = ["cookie=0x7, table=3, priority=9,arp actions=output:1", "actions=drop"];
    for text in there {
        switch.ofctl(&["add-flow"], &[text]);
    }
    let mut controller = Controller::connect(&switch);
    let mut told = controller.monitor(FlowMonitorRequest::new(1, FlowMonitorFlags::OTHERS));
    told.sort_by_key(|update| matches!(update, FlowUpdate::Added(it) if it.table == 0));
    assert_eq!(told, there.map(|text| FlowUpdate::Added(flow(text))));
    assert_eq!(controller.updates(), []);

    // Others add, change and delete, also more than one flow at once.
    let text = "cookie=0x9, table=4, idle_timeout=60, hard_timeout=90, \
                priority=7,ct_state=+est+trk,tcp,reg0=0x5,nw_dst=192.0.2.0/24,tp_dst=80 \
                actions=ct(commit,zone=7),resubmit(,20)";
    switch.ofctl(&["add-flow"], &[text]);
    assert_eq!(controller.updates(), [FlowUpdate::Added(flow(text))]);
    switch.ofctl(&["mod-flows"], &["table=4,tcp,actions=output:2"]);
    let (head, _) = text.split_once("actions=").unwrap();
    let changed = flow(&format!("{head}actions=output:2"));
    assert_eq!(controller.updates(), [FlowUpdate::Modified(changed.clone())]);
    switch.ofctl(&["del-flows"], &["table=4"]);
    // With the instructions that it had, though Open vSwitch's documentation denies it.
    let gone = |flow: Flow| FlowUpdate::Deleted { flow, reason: DELETE };
    assert_eq!(controller.updates(), [gone(changed)]);
    switch.ofctl(&["del-flows"], &[]);
    let mut told = controller.updates();
    told.sort_by_key(|it| matches!(it, FlowUpdate::Deleted { flow, .. } if flow.table == 0));
    assert_eq!(told, there.map(|text| gone(flow(text))));

    // One's own changes are told by their xids, those without effect not at all.
    let mine = flow("table=5, send_flow_rem udp actions=drop");
    let xid = controller.session.send(&Message::FlowMod(FlowMod::add(mine.clone()))).unwrap();
    assert_eq!(controller.updates(), [FlowUpdate::Abbreviated { xid }]);
    controller
        .session
        .send(&Message::FlowMod(FlowMod::delete_strict(flow("actions=drop").id())))
        .unwrap();
    assert_eq!(controller.updates(), []);

    // And with a second monitor in full, without the flow's flags.
    let all = FlowMonitorFlags(FlowMonitorFlags::OTHERS.0 | FlowMonitorFlags::OWN.0);
    let told = Flow { flags: FlowFlags::default(), ..mine.clone() };
    let udp = Match::new().with(Field::ETH_TYPE, 0x0800_u16).with(Field::IP_PROTO, 17_u8);
    let monitor = FlowMonitorRequest { matching: udp, table: 5, ..FlowMonitorRequest::new(2, all) };
    assert_eq!(controller.monitor(monitor), [FlowUpdate::Added(told.clone())]);
    let changed = Flow { instructions: flow("actions=output:1").instructions, ..mine };
    controller.session.send(&Message::FlowMod(FlowMod::add(changed.clone()))).unwrap();
    let told = Flow { flags: FlowFlags::default(), ..changed };
    assert_eq!(controller.updates(), [FlowUpdate::Added(told)]);

    // Until the monitors are cancelled; one that is not there cannot be.
    for id in [1, 2] {
        controller.session.send(&Message::FlowMonitorCancel { id }).unwrap();
    }
    assert_eq!(controller.updates(), []);
    switch.ofctl(&["add-flow"], &["actions=drop"]);
    assert_eq!(controller.updates(), []);
    let cancelled = controller.session.send(&Message::FlowMonitorCancel { id: 1 }).unwrap();
    let Event::Error { xid, error } = controller.event() else { panic!("it was cancelled twice") };
    assert_eq!((xid, error.code.to_string().as_str()), (cancelled, "OFPMOFC_UNKNOWN_MONITOR"));
}

/// `OFPRR_DELETE`.
const DELETE: u16 = 2;

#[test]
fn many_flows_are_told_in_parts() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    for port in 0..3000_u16 {
        let text = format!("tcp,tp_dst={port} actions=output:1");
        connection.send(&Message::FlowMod(FlowMod::add(flow(&text))));
    }
    assert_eq!(connection.barrier(), []);
    let mut controller = Controller::connect(&switch);
    let mut told = Vec::new();
    for update in controller.monitor(FlowMonitorRequest::new(1, FlowMonitorFlags::OTHERS)) {
        let FlowUpdate::Added(flow) = update else { panic!("{update:?}") };
        told.push(flow.to_string());
    }
    told.sort();
    let mut wanted: Vec<String> =
        (0..3000_u16).map(|port| format!("tcp,tp_dst={port} actions=output:1")).collect();
    wanted.sort();
    assert!(told == wanted, "{} flows were told", told.len());
}

#[test]
fn who_does_not_listen_is_told_later() {
    const FLOWS: u32 = 20_000;
    let switch = Switch::start();
    let mut controller = Controller::connect(&switch);
    assert_eq!(controller.monitor(FlowMonitorRequest::new(1, FlowMonitorFlags::OTHERS)), []);

    // Far more than the switch and the socket keep for a monitor that reads nothing.
    let mut other = switch.connect();
    for number in 0..FLOWS {
        let added = flow(&format!("reg0={number} actions=output:1"));
        other.send(&Message::FlowMod(FlowMod::add(added)));
    }
    assert_eq!(other.barrier(), []);

    let (mut told, mut paused_at) = (HashSet::new(), None);
    loop {
        match controller.event() {
            Event::Message { message: Message::MultipartReply(reply), .. } => {
                let MultipartReplyBody::FlowMonitor(updates) = reply.body else { panic!() };
                for update in updates {
                    assert!(matches!(update, FlowUpdate::Added(_)), "{update:?}");
                    let flow = update.flow().unwrap();
                    assert!(told.insert(flow.to_string()), "{flow} is told twice");
                }
            }
            Event::Message { message: Message::FlowMonitorPaused, .. } => {
                assert_eq!(paused_at.replace(told.len()), None, "paused twice");
            }
            Event::Message { message: Message::FlowMonitorResumed, .. } => break,
            other => panic!("{other:?}"),
        }
    }
    let paused_at = paused_at.expect("resumed without a pause");
    assert!(0 < paused_at && paused_at < FLOWS as usize, "paused after {paused_at} flows");
    assert_eq!(told.len(), FLOWS as usize);
    // And it knows of all that comes from now on.
    switch.ofctl(&["del-flows"], &["reg0=77"]);
    assert_eq!(controller.updates().len(), 1);
}

#[test]
fn ovs_ofctl_sends_the_same_bytes() {
    let monitors = |message: &Message| {
        let Message::MultipartRequest(request) = message else { return false };
        matches!(request.body, MultipartRequestBody::FlowMonitor(_))
    };
    let all = FlowMonitorFlags(0x3f);
    let tcp = Match::new().with(Field::ETH_TYPE, 0x0800_u16).with(Field::IP_PROTO, 6_u8);
    for (text, wanted) in [
        ("", FlowMonitorRequest::new(0, all)),
        ("!own", FlowMonitorRequest::new(0, FlowMonitorFlags::OTHERS)),
        (
            "!initial,!modify,table=3",
            FlowMonitorRequest { table: 3, ..FlowMonitorRequest::new(0, FlowMonitorFlags(0x36)) },
        ),
        (
            "tcp,out_port=7",
            FlowMonitorRequest {
                matching: tcp,
                out_port: openflow::PortNo(7),
                ..FlowMonitorRequest::new(0, all)
            },
        ),
    ] {
        let sent = ofctl::first_frame_of("monitor", &format!("watch:{text}"), monitors);
        let (xid, message) = Message::decode(&sent).unwrap();
        let body = MultipartRequestBody::FlowMonitor(vec![wanted]);
        assert_eq!(message, Message::MultipartRequest(body.into()), "{text}");
        assert_eq!(message.to_bytes(xid).unwrap(), sent, "{text}");
    }
}
