use expect_test::{Expect, expect};

use super::*;

fn flow(table_id: u32, table_name: &str, text: &str) -> pb::Flow {
    pb::Flow {
        text: format!("cookie=0x1, table={table_id}, {text}"),
        cookie: 1,
        table_id,
        table_name: table_name.to_owned(),
        ..Default::default()
    }
}

fn owned(flow: pb::Flow, explanation: &str, names: &[&str]) -> pb::Flow {
    let owners = names.iter().map(|name| pb::ObjectReference {
        kind: "port".to_owned(),
        id: "5f0c7a52-0000-4000-8000-0000000000cc".to_owned(),
        name: (*name).to_owned(),
    });
    pb::Flow { owners: owners.collect(), explanation: explanation.to_owned(), ..flow }
}

fn flows() -> Vec<pb::Flow> {
    vec![
        owned(flow(0, "classify", "priority=100,in_port=4 actions=resubmit(,10)"), "from", &["a"]),
        owned(flow(0, "classify", "priority=0 actions=drop"), "no such port", &[]),
        pb::Flow {
            packet_count: Some(3),
            byte_count: Some(294),
            ..owned(flow(60, "output", "priority=100,reg2=0x5 actions=output:4"), "to", &["a", ""])
        },
        flow(200, "", "priority=1 actions=NORMAL"),
    ]
}

#[track_caller]
fn check(explain: bool, expect: Expect) {
    let mut lines = Lines { explain, table: None };
    let text: Vec<_> = flows().iter().flat_map(|flow| lines.of(flow)).collect();
    expect.assert_eq(&text.join("\n"));
}

#[test]
fn flows_are_plain_lines() {
    check(
        false,
        expect![[r#"
        cookie=0x1, table=0, priority=100,in_port=4 actions=resubmit(,10)
        cookie=0x1, table=0, priority=0 actions=drop
        n_packets=3, n_bytes=294, cookie=0x1, table=60, priority=100,reg2=0x5 actions=output:4
        cookie=0x1, table=200, priority=1 actions=NORMAL"#]],
    );
}

#[test]
fn explained_flows_are_grouped_by_table() {
    check(
        true,
        expect![[r#"
            # table 0: classify
            # from
            cookie=0x1, table=0, priority=100,in_port=4 actions=resubmit(,10)
            # no such port
            cookie=0x1, table=0, priority=0 actions=drop

            # table 60: output
            # to
            n_packets=3, n_bytes=294, cookie=0x1, table=60, priority=100,reg2=0x5 actions=output:4

            # table 200
            # not a flow of ours
            cookie=0x1, table=200, priority=1 actions=NORMAL"#]],
    );
}

#[test]
fn an_explanation_names_the_owners() {
    let answer = pb::ExplainFlowResponse {
        cookie: 0x0100_0007_0000_0901,
        kind: "port".to_owned(),
        owners: flows()[2].owners.clone(),
        explanation: "Delivers to port a.".to_owned(),
    };
    expect![[r#"
        Delivers to port a.
        cookie 0x100000700000901, port
        port a 5f0c7a52-0000-4000-8000-0000000000cc
        port - 5f0c7a52-0000-4000-8000-0000000000cc"#]]
    .assert_eq(&explanation(&answer));
}

#[test]
fn a_number_is_a_cookie_and_anything_else_a_flow() {
    assert_eq!(query("0x10000000000002a"), Query::Cookie(0x0100_0000_0000_002a));
    assert_eq!(query(" 42 "), Query::Cookie(42));
    assert_eq!(query("0xffffffffffffffff"), Query::Cookie(u64::MAX));
    for text in ["cookie=0x2a, table=0, priority=1 actions=drop", "0x10000000000000000", "0xg"] {
        assert_eq!(query(text), Query::Flow(text.to_owned()));
    }
}
