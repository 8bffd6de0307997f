//! What the text syntax takes beyond what is printed, and what it says of wrong text.

use expect_test::{Expect, expect};
use openflow::message::FlowStats;
use openflow::{Action, Flow, Match, PortNo};

#[track_caller]
fn same(text: &str, expected: &str) {
    let flow: Flow = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(flow.to_string(), expected);
}

#[track_caller]
fn wrong(text: &str, expected: Expect) {
    let error = text.parse::<Flow>().expect_err("the text is wrong");
    // The text, a mark under the column, what is expected there.
    expected.assert_eq(&format!("{text}\n{:>width$}\n{error}", '^', width = error.column));
}

#[test]
fn what_add_flow_takes_is_taken() {
    same("actions=drop", "actions=drop");
    same("priority=5 in_port=1 actions=2", "priority=5,in_port=1 actions=output:2");
    same("tp_dst=80,nw_proto=6,dl_type=0x800,actions=output:1", "tcp,tp_dst=80 actions=output:1");
    same(
        "eth_type=0x0806,nw_src=10.0.0.0/8,nw_proto=1 actions=normal",
        "arp,arp_spa=10.0.0.0/8,arp_op=1 actions=NORMAL",
    );
    same("dl_vlan=0xffff actions=drop", "vlan_tci=0x0000/0x1fff actions=drop");
    same("vlan_tci=0x7005 actions=drop", "dl_vlan=5,dl_vlan_pcp=3 actions=drop");
    same(
        "tcp,tcp_src=1,ct_state=trk|est actions=controller",
        "ct_state=est|trk,tcp,tp_src=1 actions=CONTROLLER:65535",
    );
    same(
        "ipv6,nw_ttl=0x40 actions=goto_table:7,output:1,meter:3",
        "ipv6,nw_ttl=64 actions=meter:3,output:1,goto_table:7",
    );
    same(
        " cookie=0x1, duration=3.051s, table=2, n_packets=0, n_bytes=0, idle_age=3, \
         priority=7,ip,reg1=0x1/0xf actions=load:0x1->reg0[0..3],strip_vlan,ct",
        "cookie=0x1, table=2, priority=7,ip,reg1=0x1/0xf \
         actions=load:0x1->NXM_NX_REG0[0..3],pop_vlan,ct()",
    );
    same(
        "ipv6 actions=ct(commit, nat(src=::102:304))",
        "ipv6 actions=ct(commit,nat(src=::1.2.3.4))",
    );
}

struct Names;

impl openflow::Names for Names {
    fn table(&self, table: u8) -> Option<&str> {
        ["classify", "spoof guard"].get(usize::from(table)).copied()
    }

    fn port(&self, port: PortNo) -> Option<&str> {
        let names = ["", "p1", "tap-2", "a \"quoted\", one\\\t\u{1}", "LOCAL"];
        names.get(port.0 as usize).copied().filter(|name| !name.is_empty())
    }
}

#[test]
fn names_stand_for_ports_and_tables() {
    #[track_caller]
    fn same(text: &str, expected: &str) {
        let flow =
            Flow::parse_named(text, &Names).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(flow.to_string(), expected);
        let named = flow.display().with_names(&Names).to_string();
        assert_eq!(Flow::parse_named(&named, &Names), Ok(flow), "{named}");
    }
    same(
        "table=classify,in_port=p1 actions=p1,output:tap-2",
        "in_port=1 actions=output:1,output:2",
    );
    same("table=1 actions=resubmit(,classify)", "table=1, actions=resubmit(,0)");
    same(
        "table=\"spoof guard\", in_port=\"tap-2\" actions=\"tap-2\",resubmit(p1,\"spoof guard\")",
        "table=1, in_port=2 actions=output:2,resubmit(1,1)",
    );
    // The name of a port gives way to the reserved one, unless it stands in quotes.
    same("actions=output:LOCAL,output:\"LOCAL\"", "actions=LOCAL,output:4");
    same(
        "in_port=3 actions=output:3,enqueue:tap-2:5",
        "in_port=3 actions=output:3,set_queue:5,output:2,pop_queue",
    );
    same(
        "actions=bundle(eth_src,0,hrw,ofport,members:p1,\"tap-2\",9)",
        "actions=bundle(eth_src,0,hrw,ofport,members:1,2,9)",
    );
    same(
        "actions=set_field:tap-2->in_port,ct(table=classify)",
        "actions=set_field:2->in_port,ct(table=0)",
    );
    let group =
        openflow::Group::parse_named("group_id=1,type=ff,bucket=watch_port:tap-2,p1", &Names);
    assert_eq!(
        group.expect("a group").to_string(),
        "group_id=1,type=ff,bucket=watch_port:2,actions=output:1"
    );
    let error = Flow::parse_named("in_port=tap-3 actions=drop", &Names).expect_err("no such port");
    assert_eq!(error.to_string(), "column 9: expected a port's number or name");
    let error = Flow::parse_named("actions=goto_table:output", &Names).expect_err("no such table");
    assert_eq!(error.to_string(), "column 20: expected a table's number or name");
    let error =
        Flow::parse_named("in_port=\"tap-2 actions=drop", &Names).expect_err("an open quote");
    assert_eq!(error.to_string(), "column 9: expected a port's number or name");
}

#[test]
fn statistics_are_kept() {
    let line = " cookie=0x1, duration=3.051s, table=2, n_packets=7, n_bytes=700, idle_age=3, hard_age=4, \
                reset_counts priority=7,ip actions=drop";
    let stats: FlowStats = line.parse().expect("a line of dump-flows");
    assert_eq!((stats.duration_sec, stats.duration_nsec), (3, 51_000_000));
    assert_eq!((stats.packet_count, stats.byte_count), (7, 700));
    assert_eq!(
        stats.flow.to_string(),
        "cookie=0x1, table=2, reset_counts priority=7,ip actions=drop"
    );
    let error = |text: &str| text.parse::<FlowStats>().expect_err("the text is wrong").to_string();
    assert_eq!(error("duration=3 actions=drop"), "column 11: expected `s`");
    assert_eq!(error("duration=3.s actions=drop"), "column 12: expected digits");
    assert_eq!(error("n_packets=x actions=drop"), "column 11: expected a number");
    assert_eq!(error("n_bytes=-1 actions=drop"), "column 9: expected a number");
}

#[test]
fn a_match_stands_by_itself() {
    let matching: Match = "ip, nw_dst=10.0.0.1".parse().expect("a match");
    assert_eq!(matching.to_string(), "ip,nw_dst=10.0.0.1");
    assert_eq!("".parse::<Match>().expect("every packet").to_string(), "");
    assert!("priority=5".parse::<Match>().is_err());
    assert_eq!(
        "set_field:5->reg0".parse::<Action>().expect("an action").to_string(),
        "set_field:0x5->reg0"
    );
}

#[test]
fn wrong_text_is_told_by_column() {
    wrong(
        "in_port=1,foo=2 actions=drop",
        expect![[r#"
        in_port=1,foo=2 actions=drop
                  ^
        column 11: expected a field's name"#]],
    );
    wrong(
        "in_port=1 actions=output:",
        expect![[r#"
        in_port=1 actions=output:
                                 ^
        column 26: expected a port's number or a reserved port's name"#]],
    );
    wrong(
        "in_port=1",
        expect![[r#"
        in_port=1
                 ^
        column 10: expected `actions=`"#]],
    );
    wrong(
        "ip,nw_src=10.0.0.256 actions=drop",
        expect![[r#"
        ip,nw_src=10.0.0.256 actions=drop
                  ^
        column 11: expected an IPv4 address"#]],
    );
    wrong(
        "ip,nw_src=10.0.0.0/33 actions=drop",
        expect![[r#"
        ip,nw_src=10.0.0.0/33 actions=drop
                           ^
        column 20: expected a number up to 32"#]],
    );
    wrong(
        "dl_dst=fa:16:3e:00:00 actions=drop",
        expect![[r#"
        dl_dst=fa:16:3e:00:00 actions=drop
               ^
        column 8: expected an Ethernet address"#]],
    );
    wrong(
        "priority=65536 actions=drop",
        expect![[r#"
        priority=65536 actions=drop
                 ^
        column 10: expected a number up to 65535"#]],
    );
    wrong(
        "tp_dst=80 actions=drop",
        expect![[r#"
        tp_dst=80 actions=drop
               ^
        column 8: expected a protocol that has tp_dst, such as `tcp`"#]],
    );
    wrong(
        "ct_state=+trk+new+foo actions=drop",
        expect![[r#"
        ct_state=+trk+new+foo actions=drop
                          ^
        column 19: expected one of new, est, rel, rpl, inv, trk, snat, dnat"#]],
    );
    wrong(
        "nw_ttl=1/1 actions=drop",
        expect![[r#"
        nw_ttl=1/1 actions=drop
               ^
        column 8: expected a value without a mask: nw_ttl has none"#]],
    );
    wrong(
        "dl_vlan=4096 actions=drop",
        expect![[r#"
        dl_vlan=4096 actions=drop
                ^
        column 9: expected a VLAN up to 4095, or 0xffff for no tag"#]],
    );
    wrong(
        "reg0=0x1ffffffff actions=drop",
        expect![[r#"
        reg0=0x1ffffffff actions=drop
             ^
        column 6: expected a number up to 4294967295"#]],
    );
    wrong(
        "actions=load:0x100->NXM_NX_REG0[0..7]",
        expect![[r#"
        actions=load:0x100->NXM_NX_REG0[0..7]
                     ^
        column 14: expected a value of at most 8 bits"#]],
    );
    wrong(
        "actions=load:1->NXM_NX_REG0[5..40]",
        expect![[r#"
        actions=load:1->NXM_NX_REG0[5..40]
                                       ^
        column 32: expected a number up to 31"#]],
    );
    wrong(
        "actions=move:NXM_NX_REG0[0..7]->NXM_NX_REG1[]",
        expect![[r#"
        actions=move:NXM_NX_REG0[0..7]->NXM_NX_REG1[]
                ^
        column 9: expected as many bits from as to"#]],
    );
    wrong(
        "actions=set_field:5->reg99",
        expect![[r#"
        actions=set_field:5->reg99
                             ^
        column 22: expected a field's name"#]],
    );
    wrong(
        "actions=ct(commit,zone=5,what=3)",
        expect![[r#"
        actions=ct(commit,zone=5,what=3)
                                 ^
        column 26: expected commit, force, table, zone, nat, exec or alg"#]],
    );
    wrong(
        "actions=resubmit(,20",
        expect![[r#"
        actions=resubmit(,20
                            ^
        column 21: expected `)`"#]],
    );
    wrong(
        "actions=goto_table:5,goto_table:6",
        expect![[r#"
        actions=goto_table:5,goto_table:6
                             ^
        column 22: expected each instruction once"#]],
    );
    wrong(
        "actions=conjunction(5,3/2)",
        expect![[r#"
        actions=conjunction(5,3/2)
                              ^
        column 23: expected a clause between 1 and their number"#]],
    );
    wrong(
        "ip actions=mod_tp_src:80",
        expect![[r#"
        ip actions=mod_tp_src:80
                             ^
        column 22: expected the action in a flow whose protocol has ports"#]],
    );
    wrong(
        "actions=set_vlan_vid:5",
        expect![[r#"
        actions=set_vlan_vid:5
                            ^
        column 21: expected the action on a packet with a VLAN tag"#]],
    );
    wrong(
        "actions=multipath(eth_src,0,modulo_n,17,0,NXM_NX_REG0[0..3])",
        expect![[r#"
        actions=multipath(eth_src,0,modulo_n,17,0,NXM_NX_REG0[0..3])
                                                  ^
        column 43: expected as many bits as the last link's number has"#]],
    );
    wrong(
        "actions=bundle(eth_src,0,hrv,ofport,members:1)",
        expect![[r#"
        actions=bundle(eth_src,0,hrv,ofport,members:1)
                                 ^
        column 26: expected one of active_backup, hrw"#]],
    );
    wrong(
        "actions=output:1 and more",
        expect![[r#"
        actions=output:1 and more
                         ^
        column 18: expected an action or a port"#]],
    );
    wrong(
        "actions=élan",
        expect![[r#"
        actions=élan
                ^
        column 9: expected a name"#]],
    );
}
