//! Our flows on a real Open vSwitch: it accepts them, prints what we print, and gives back what we
//! sent, to the byte; and `ovs-ofctl` sends the same bytes for the same text.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "ovs/flows.rs"]
mod flows;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/ofctl.rs"]
mod ofctl;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/switch.rs"]
mod switch;

use std::time::{Duration, Instant};

use flows::{ACTIONS, MATCHES};
use openflow::message::{
    BundleAdd, BundleControl, BundleControlType, BundleFlags, FlowMod, FlowModCommand, FlowStats,
    Message, bundled_flow_frame, flow_frame,
};
use openflow::{Action, Field, Flow, Instruction, Match, Names, PortNo};
use switch::Switch;

fn parse(text: &str) -> Flow {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn open_vswitch_gives_back_what_it_got() {
    let switch = Switch::start();
    come_back(&switch, MATCHES.iter().chain(ACTIONS));
}

/// As long as they are in the switch's table; where an action names one without a value, the switch
/// gives it back by that length, which is not the one that `ovs-ofctl` and this crate know it by.
#[test]
fn options_of_tunnels_come_back() {
    let switch = Switch::start();
    let map =
        "{class=0xffff,type=0,len=4}->tun_metadata0,{class=0x102,type=8,len=24}->tun_metadata9";
    switch.ofctl(&["add-tlv-map"], &[map]);
    let flows = [
        "tun_id=0x5,tun_metadata0=0x11223344,metadata=0x1 actions=drop",
        "tun_metadata0=0x10020000/0xff0f0000 actions=drop",
        "tun_metadata0=0x11223344,tun_metadata9=0x112233445566778899aabbccddeeff001122334455667788 actions=drop",
        "actions=set_field:0x11223344->tun_metadata0,output:1",
        "actions=set_field:0x11003344/0xff00ffff->tun_metadata0,output:1",
    ];
    come_back(&switch, &flows);
}

/// Checks that the switch has these flows as they are told: that it gives them back, to the byte, and
/// prints them by the same text.
#[track_caller]
fn come_back<'a>(switch: &Switch, flows: impl IntoIterator<Item = &'a &'a str>) {
    let mut connection = switch.connect();
    let mut differences = Vec::new();
    for text in flows {
        let flow = parse(text);
        if flow.to_string() != *text {
            differences.push(format!("text {text}\nours {flow}"));
        }
        let everything = FlowMod::delete_by_cookie(FlowMod::ALL_TABLES, 0, 0);
        connection.send(&Message::FlowMod(everything));
        connection.send_bytes(&flow_frame(FlowModCommand::Add, &flow, 1000).unwrap());
        let refused = connection.barrier();
        let back: Vec<Flow> = connection.flows().into_iter().map(|stats| stats.flow).collect();
        if back != [flow] {
            differences.push(format!("sent {text}\nrefused {refused:?}\nback {back:?}"));
        }
        let dump = switch.dump(&[]);
        if dump != [*text] {
            differences.push(format!("ours {text}\ndump {dump:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

#[test]
fn ovs_ofctl_sends_the_same_bytes() {
    // A set_field with a mask is sent as it is here, but `ovs-ofctl` takes it apart into loads.
    let with_mask = |text: &&&str| text.contains('/') && text.contains("set_field");
    let texts: Vec<&str> =
        MATCHES.iter().chain(ACTIONS).filter(|text| !with_mask(text)).copied().collect();
    let sent = ofctl::frames_of_add_flows(&texts);
    assert_eq!(sent.len(), texts.len());
    let mut differences = Vec::new();
    for (text, frame) in texts.iter().zip(&sent) {
        let (xid, message) = Message::decode(frame).unwrap();
        let ours = flow_frame(FlowModCommand::Add, &parse(text), xid).unwrap();
        if ours != frame {
            differences.push(format!("{text}\nofctl {frame:02x?}\nours  {:02x?}", &ours[..]));
        }
        assert_eq!(message, Message::FlowMod(FlowMod::add(parse(text))));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

#[test]
fn a_bundle_of_encoded_frames_is_committed_as_one() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    let flow = parse("cookie=0x5, table=3, priority=5,in_port=1 actions=output:2");
    let other = parse("cookie=0x6, table=3, priority=6,in_port=2 actions=output:1");
    let control = |kind| Message::BundleControl(BundleControl::new(1, kind));
    // The switch does not repeat the flags.
    let done = |kind| {
        let flags = BundleFlags::default();
        Message::BundleControl(BundleControl { flags, ..BundleControl::new(1, kind) })
    };
    let frame = |flow| {
        let flags = BundleFlags::ATOMIC_ORDERED;
        bundled_flow_frame(FlowModCommand::Add, flow, 1, flags, 77).unwrap()
    };
    connection.send(&control(BundleControlType::OpenRequest));
    connection.send_bytes(&frame(&flow));
    connection.send_bytes(&frame(&other));
    assert_eq!(connection.barrier(), [done(BundleControlType::OpenReply)]);
    assert!(switch.dump(&[]).is_empty(), "nothing happens before the commit");
    connection.send(&control(BundleControlType::CommitRequest));
    assert_eq!(connection.barrier(), [done(BundleControlType::CommitReply)]);
    let mut dump = switch.dump(&[]);
    dump.sort();
    assert_eq!(dump, [flow.to_string(), other.to_string()]);

    // What it holds is the message itself.
    let (xid, add) = Message::decode(&frame(&flow)).unwrap();
    let Message::BundleAdd(add @ BundleAdd { .. }) = add else { panic!("{add:?}") };
    assert_eq!(add.decode_message(), Ok((xid, Message::FlowMod(FlowMod::add(flow)))));
}

#[test]
fn a_refused_flow_of_a_bundle_is_named() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    let control = |kind| Message::BundleControl(BundleControl::new(9, kind));
    // The switch has no groups.
    let flow = parse("cookie=0xabc, table=4, priority=44 actions=group:1");
    let flags = BundleFlags::ATOMIC_ORDERED;
    connection.send(&control(BundleControlType::OpenRequest));
    connection.send_bytes(&bundled_flow_frame(FlowModCommand::Add, &flow, 9, flags, 78).unwrap());
    connection.send(&control(BundleControlType::CommitRequest));
    let errors: Vec<_> = connection
        .barrier()
        .into_iter()
        .filter_map(|message| match message {
            Message::Error(error) => Some(error),
            _ => None,
        })
        .collect();
    let names: Vec<_> = errors.iter().filter_map(|error| error.code.name()).collect();
    assert_eq!(names[0], "OFPBAC_BAD_OUT_GROUP");
    let offending = errors[0].offending_flow().unwrap();
    assert_eq!((offending.cookie, offending.table, offending.priority), (0xabc, 4, 44));
}

/// Ways to write a flow that a switch does not give back as they were. What is compiled for a switch
/// must have none of them; the crate's documentation lists them.
#[test]
fn open_vswitch_rewrites_these() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    let mut check = |sent: Flow, expected: &str| {
        let everything = FlowMod::delete_by_cookie(FlowMod::ALL_TABLES, 0, 0);
        connection.send(&Message::FlowMod(everything));
        connection.send_bytes(&flow_frame(FlowModCommand::Add, &sent, 1).unwrap());
        assert_eq!(connection.barrier(), [], "{sent}");
        let back: Vec<Flow> = connection.flows().into_iter().map(|stats| stats.flow).collect();
        assert_ne!(back[0], sent, "{sent}: is a fixed point after all");
        assert_eq!(back[0].to_string(), expected);
        assert_eq!(back, [parse(expected)]);
    };
    let with_match = |matching| Flow { matching, ..parse("actions=drop") };
    let with = |instructions| Flow { instructions, ..parse("actions=drop") };
    let apply = |actions| Instruction::ApplyActions(actions);

    // An instruction without actions goes, and instructions come in the order of execution.
    check(with(vec![apply(vec![])]), "actions=drop");
    check(with(vec![Instruction::WriteActions(vec![])]), "actions=drop");
    check(
        with(vec![Instruction::GotoTable(5), apply(vec![Action::output(PortNo(1))])]),
        "actions=output:1,goto_table:5",
    );
    // Wide registers are made of narrow ones.
    check(with_match(Match::new().with(Field::XREG1, 5u64)), "reg2=0,reg3=0x5 actions=drop");
    check(
        with_match(Match::new().with_masked(Field::XXREG0, 5u64, 0xffu64)),
        "reg3=0x5/0xff actions=drop",
    );
    // The classic tag control information is identifier and priority.
    check(
        with_match(Match::new().with(Field::NXM_VLAN_TCI, 0x1005u16)),
        "dl_vlan=5,dl_vlan_pcp=0 actions=drop",
    );
    // What has no mask where one is due gets it: `ct_state` has eight of its 32 bits.
    let unmasked = Match::from_oxm_bytes(&[0x00, 0x01, 0xd2, 4, 0, 0, 0, 0x20]).unwrap();
    check(with_match(unmasked), "ct_state=trk actions=drop");
    // A classic spelling in a match becomes the standard's.
    let classic = Match::from_oxm_bytes(&[0x00, 0x00, 0x06, 2, 0x08, 0x06]).unwrap();
    check(with_match(classic), "arp actions=drop");
}

struct LabNames;

impl Names for LabNames {
    fn table(&self, table: u8) -> Option<&str> {
        [(0, "classify"), (20, "forward_local")]
            .into_iter()
            .find_map(|(number, name)| (number == table).then_some(name))
    }

    fn port(&self, port: PortNo) -> Option<&str> {
        [(1, "p1"), (2, "tap-2")]
            .into_iter()
            .find_map(|(number, name)| (PortNo(number) == port).then_some(name))
    }
}

#[test]
fn names_are_printed_as_ovs_ofctl_prints_them() {
    let switch = Switch::start();
    switch.vsctl(&[
        "--id=@classify",
        "create",
        "Flow_Table",
        "name=classify",
        "--",
        "--id=@forward",
        "create",
        "Flow_Table",
        "name=forward_local",
        "--",
        "set",
        "Bridge",
        "br0",
        "flow_tables:0=@classify",
        "flow_tables:20=@forward",
    ]);
    let mut connection = switch.connect();
    for text in [
        "table=0, in_port=1 actions=output:2,resubmit(,20),resubmit(1,20),goto_table:20",
        "table=20, in_port=2,ip actions=ct(table=21,zone=1),output:1,LOCAL,output:3",
        "table=21, ip,in_port=LOCAL actions=ct(table=20)",
        "table=22, in_port=2 actions=bundle(eth_src,0,hrw,ofport,members:1,2,3,LOCAL)",
        "table=22, in_port=3 actions=learn(table=20,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),resubmit:2",
        "table=22, in_port=4 actions=output(port=2,max_len=100),clone(output:2,resubmit(2,20))",
        "table=22, in_port=5 actions=sample(probability=1,collector_set_id=2,obs_domain_id=3,obs_point_id=4,sampling_port=2)",
        "table=22, in_port=6 actions=clear_actions,write_actions(output:2),goto_table:253",
    ] {
        let flow = parse(text);
        connection.send_bytes(&flow_frame(FlowModCommand::Add, &flow, 1).unwrap());
        assert_eq!(connection.barrier(), []);
        let named = flow.display().with_names(&LabNames).to_string();
        let dump = switch.dump(&["--names"]);
        assert!(dump.contains(&named), "{named}\n{}", dump.join("\n"));
        assert_eq!(Flow::parse_named(&named, &LabNames), Ok(flow), "{named}");
    }
}

/// A line of `dump-flows` with its statistics is what the switch sends of the flow.
#[test]
fn statistics_are_read_back() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    let flows = [
        "cookie=0x5, table=3, idle_timeout=600, hard_timeout=900, send_flow_rem priority=7,ip actions=output:2",
        "priority=0 actions=output:2,goto_table:3",
        "in_port=1 actions=IN_PORT,goto_table:3",
        "check_overlap reset_counts priority=9,in_port=9 actions=drop",
    ];
    for text in flows {
        connection.send_bytes(&flow_frame(FlowModCommand::Add, &parse(text), 1).unwrap());
    }
    assert_eq!(connection.barrier(), []);
    let packet = "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),\
                  ipv4(src=192.0.2.1,dst=192.0.2.2,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";
    for _ in 0..3 {
        switch.appctl(&["netdev-dummy/receive", "p1", packet]);
    }
    let counted = |stats: &FlowStats| (stats.packet_count, stats.byte_count);
    let mut sent = connection.flows();
    // What was received is counted as soon as the switch looks at it.
    let start = Instant::now();
    while sent.iter().filter(|stats| stats.packet_count == 3).count() != 2 {
        assert!(start.elapsed() < Duration::from_secs(20), "{sent:?}");
        std::thread::sleep(Duration::from_millis(20));
        sent = connection.flows();
    }
    let dump = switch.ofctl(&["dump-flows"], &[]);
    let lines = dump.lines().filter(|line| line.contains("actions="));
    let mut read: Vec<FlowStats> =
        lines.map(|line| line.parse().unwrap_or_else(|error| panic!("{line}: {error}"))).collect();
    let key = |stats: &FlowStats| (stats.flow.table, stats.flow.priority);
    read.sort_by_key(key);
    sent.sort_by_key(key);
    assert_eq!(read.len(), flows.len());
    for (read, sent) in read.iter().zip(&sent) {
        assert_eq!((&read.flow, counted(read)), (&sent.flow, counted(sent)));
        let age = |stats: &FlowStats| (stats.duration_sec, stats.duration_nsec);
        assert!(age(read) >= age(sent) && age(read) < (60, 0), "{read:?} {sent:?}");
    }
}
