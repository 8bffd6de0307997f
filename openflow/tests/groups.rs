//! Groups against a real Open vSwitch: our text is that of `ovs-ofctl`, our bytes are those that it
//! sends, and the switch gives back what it got.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/ofctl.rs"]
mod ofctl;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/switch.rs"]
mod switch;

use openflow::Group;
use openflow::message::{
    GroupMod, GroupModCommand, Message, MultipartReplyBody, MultipartRequestBody,
};
use switch::Switch;

/// Groups as `dump-groups` prints them.
const GROUPS: &[&str] = &[
    "group_id=1,type=select",
    "group_id=1,type=select,bucket=actions=output:1",
    "group_id=1,type=select,bucket=weight:0,actions=output:1,bucket=weight:7,actions=output:2",
    "group_id=4294967040,type=all,bucket=actions=drop,bucket=actions=IN_PORT",
    "group_id=1,type=all,bucket=actions=push_vlan:0x8100,set_field:4097->vlan_vid,output:2",
    "group_id=1,type=indirect,bucket=actions=dec_ttl,resubmit(,20)",
    "group_id=1,type=indirect,bucket=actions=ct(commit,zone=7,nat(src=192.0.2.1)),output:2",
    "group_id=1,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_port:2,actions=output:2",
    "group_id=1,type=ff,bucket=watch_port:1,watch_group:7,actions=output:1",
];

/// Other ways to write a group, each with what it is printed as.
const SPELLINGS: &[(&str, &str)] = &[
    ("type=all group_id=0x10 bucket=drop", "group_id=16,type=all,bucket=actions=drop"),
    (
        "group_id=1,type=fast_failover,bucket=watch_port=1,output:1",
        "group_id=1,type=ff,bucket=watch_port:1,actions=output:1",
    ),
    (
        "group_id=1, type=select, bucket=weight:1, output:1, output:2",
        "group_id=1,type=select,bucket=actions=output:1,output:2",
    ),
    ("group_id=1,type=all,bucket=actions=", "group_id=1,type=all,bucket=actions=drop"),
];

fn parse(text: &str) -> Group {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn text_survives() {
    for text in GROUPS {
        assert_eq!(parse(text).to_string(), *text);
    }
    for (text, canonical) in SPELLINGS {
        assert_eq!(parse(text).to_string(), *canonical, "{text}");
    }
}

#[test]
fn errors_tell_the_column() {
    #[track_caller]
    fn check(text: &str, error: &str) {
        assert_eq!(text.parse::<Group>().unwrap_err().to_string(), error, "{text}");
    }
    check("type=all", "column 9: expected `group_id=`");
    check("group_id=1", "column 11: expected `type=`");
    check("group_id=x,type=all", "column 10: expected a number");
    check(
        "group_id=1,type=none",
        "column 17: expected `all`, `select`, `indirect`, `ff` or a type's number",
    );
    check(
        "group_id=1,type=all,bucket=weight:70000,drop",
        "column 35: expected a number up to 65535",
    );
    check("group_id=1,type=all,bucket=weight:7", "column 36: expected `,` and actions");
    check("group_id=1,type=all,bucket=nowhere", "column 28: expected an action or a port");
    check("group_id=1,bucket=output:1,type=all", "column 28: expected an action or a port");
    check(
        "group_id=1,type=all,color=3",
        "column 21: expected `group_id`, `type`, `selection_method` or `bucket`",
    );
    check(
        "group_id=1,type=select,fields(ip_src),bucket=drop",
        "column 30: expected `fields` with `selection_method=hash`",
    );
    check(
        "group_id=1,type=select,selection_method=hash,fields(ip_sauce),bucket=drop",
        "column 53: expected a field's name",
    );
    check(
        "group_id=1,type=select,selection_method_param=7,bucket=drop",
        "column 47: expected `selection_method` besides",
    );
    check("group_id=1,type=all,bucket=bucket_id:x,drop", "column 38: expected a number");
}

#[test]
fn ovs_ofctl_sends_the_same_bytes() {
    for text in GROUPS.iter().copied().chain(SPELLINGS.iter().map(|(text, _)| *text)) {
        let group = parse(text);
        for (name, command) in
            [("add-group", GroupModCommand::Add), ("mod-group", GroupModCommand::Modify)]
        {
            let is_group_mod = |message: &Message| matches!(message, Message::GroupMod(_));
            let sent = ofctl::frames_of(name, text, "", is_group_mod);
            let [sent] = &sent[..] else { panic!("{text}: {sent:02x?}") };
            let (xid, _) = Message::decode(sent).unwrap();
            let ours = Message::GroupMod(GroupMod { command, group: group.clone() });
            assert_eq!(ours.to_bytes(xid).unwrap(), *sent, "{text}");
        }
    }
    let sent = ofctl::frames_of("del-groups", "group_id=3", "", |message| {
        *message == Message::GroupMod(GroupMod::delete(3))
    });
    assert_eq!(sent.len(), 1);
    let sent = ofctl::frames_of("del-groups", "", "", |message| {
        *message == Message::GroupMod(GroupMod::delete(Group::ALL))
    });
    assert_eq!(sent.len(), 1);
}

#[test]
fn a_file_of_groups_is_sent_as_the_same_bytes() {
    let lines = || include_str!("groups.txt").lines().filter(|line| !line.starts_with('#'));
    let text = lines().map(|line| format!("{line}\n")).collect::<String>();
    let is_group_mod = |message: &Message| matches!(message, Message::GroupMod(_));
    let sent = ofctl::frames_of("add-groups", "-", &text, is_group_mod);
    assert_eq!(sent.len(), lines().count());
    assert!(sent.len() > 50, "only {} groups", sent.len());
    for (text, sent) in lines().zip(&sent) {
        let group = parse(text);
        let (xid, received) = Message::decode(sent).unwrap();
        let ours = Message::GroupMod(GroupMod::add(group.clone()));
        assert_eq!(ours.to_bytes(xid).unwrap(), *sent, "{text}");
        assert_eq!(received, ours, "{text}");
        assert_eq!(group.to_string().parse(), Ok(group), "{text}");
    }
}

#[test]
fn open_vswitch_gives_back_what_it_got() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    for text in GROUPS {
        let group = parse(text);
        connection.send(&Message::GroupMod(GroupMod::delete(Group::ALL)));
        // Some of the groups watch this one.
        let watched = parse("group_id=7,type=all");
        connection.send(&Message::GroupMod(GroupMod::add(watched.clone())));
        connection.send(&Message::GroupMod(GroupMod::add(group.clone())));
        assert_eq!(connection.barrier(), [], "{text}");
        connection.send(&Message::MultipartRequest(MultipartRequestBody::GroupDesc.into()));
        let (_, Message::MultipartReply(reply)) = connection.receive() else { panic!("no reply") };
        let MultipartReplyBody::GroupDesc(mut groups) = reply.body else { panic!("no groups") };
        groups.retain(|it| *it != watched);
        assert_eq!(groups, [group], "{text}");
        let dump = switch.ofctl(&["dump-groups"], &[]);
        assert!(dump.lines().any(|line| line.trim() == *text), "{text}: {dump}");
    }
}

#[test]
fn counters_are_those_that_ovs_ofctl_prints() {
    let switch = Switch::start();
    let mut connection = switch.connect();
    let group = parse("group_id=3,type=all,bucket=output:1,bucket=output:2");
    connection.send(&Message::GroupMod(GroupMod::add(group)));
    switch.ofctl(&["add-flow"], &["actions=group:3"]);
    connection.barrier();
    connection.send(&Message::MultipartRequest(MultipartRequestBody::Group(3).into()));
    let (_, Message::MultipartReply(reply)) = connection.receive() else { panic!("no reply") };
    let MultipartReplyBody::Group(stats) = reply.body else { panic!("no counters") };
    let [stats] = &stats[..] else { panic!("{stats:?}") };
    assert_eq!((stats.group_id, stats.ref_count, stats.buckets.len()), (3, 1, 2));
    let printed = switch.ofctl(&["dump-group-stats"], &[]);
    assert!(printed.contains("group_id=3") && printed.contains("ref_count=1"), "{printed}");
}
