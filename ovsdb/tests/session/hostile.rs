//! A server that lies, errs or floods ends its own session and nothing else.

use ovsdb::session::{Options, Session};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::peer::{COND, PLAIN, Peer, SINCE, Vectors};

const NOBODY: &str = "33333333-3333-4333-8333-333333333333";
const BRIDGE: &str = "a8212c8a-5d52-4f0f-b554-47e8608bad6b";

/// What becomes of a session that follows `vectors` and hears `text`.
fn end(vectors: Vectors, text: &str) -> String {
    let mut peer = Peer::following(Options::default(), vectors);
    let error = peer.hear(text).expect_err("this must end the session").to_string();
    assert!(is_inert(&mut peer.session), "{error}");
    error
}

/// Whether nothing comes out of `session`, whatever goes in.
fn is_inert(session: &mut Session) -> bool {
    let now = std::time::Instant::now();
    session.handle_input(SINCE.updates[0].as_bytes(), now).unwrap();
    session.handle_timeout(now + Options::default().setup_timeout * 2).unwrap();
    session.transact(ovsdb::transact::Comment(String::new()).into());
    session.poll_event().is_none()
        && session.poll_transmit().is_none()
        && session.poll_timeout().is_none()
}

fn update3(updates: &Value) -> String {
    let last = "00000000-0000-0000-0000-000000000000";
    json!({"id": null, "method": "update3", "params": ["weft", last, updates]}).to_string()
}

#[test]
fn malformed_updates_are_told_by_row_and_column() {
    let row = |row: Value| update3(&json!({"Bridge": {BRIDGE: row}}));
    let new = |row: Value| update3(&json!({"Bridge": {NOBODY: row}}));
    let cases = [
        (
            update3(&json!([])),
            "malformed update: invalid type: sequence, expected a map at line 1 column 0",
        ),
        (
            update3(&json!({"Mirror": {NOBODY: {"insert": {}}}})),
            "update of a table that was not asked for: \"Mirror\"",
        ),
        (
            update3(&json!({"Bridge": {"br-int": {"insert": {}}}})),
            "update of Bridge: expected a UUID, found \"br-int\"",
        ),
        (
            row(json!({"insert": {}})),
            "update of Bridge a8212c8a-5d52-4f0f-b554-47e8608bad6b: inserted, but exists",
        ),
        (
            new(json!({"modify": {}})),
            "update of Bridge 33333333-3333-4333-8333-333333333333: changed or deleted, but does not exist",
        ),
        (
            new(json!({"delete": null})),
            "update of Bridge 33333333-3333-4333-8333-333333333333: changed or deleted, but does not exist",
        ),
        (
            row(json!({"modify": {"colour": "red"}})),
            "update of Bridge a8212c8a-5d52-4f0f-b554-47e8608bad6b: column \"colour\": a column that was not asked for",
        ),
        (
            row(json!({"modify": {"ports": ["set", [["uuid", "x"]]]}})),
            "update of Bridge a8212c8a-5d52-4f0f-b554-47e8608bad6b: column \"ports\": at /1/0/1: expected a UUID, found \"x\"",
        ),
        (
            row(json!({"modify": {"fail_mode": 5}})),
            "update of Bridge a8212c8a-5d52-4f0f-b554-47e8608bad6b: column \"fail_mode\": expected optional string, found 5",
        ),
        (
            row(json!({"explode": {}})),
            "update of Bridge a8212c8a-5d52-4f0f-b554-47e8608bad6b: malformed: unknown variant `explode`, expected one of `initial`, `insert`, `modify`, `delete` at line 1 column 10",
        ),
        (
            row(json!({"modify": {}, "delete": null})),
            "update of Bridge a8212c8a-5d52-4f0f-b554-47e8608bad6b: malformed: expected value at line 1 column 14",
        ),
        (
            row(json!(null)),
            "update of Bridge a8212c8a-5d52-4f0f-b554-47e8608bad6b: malformed: expected value at line 1 column 1",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(end(SINCE, &text), message, "{text}");
    }
}

#[test]
fn malformed_updates_of_the_first_notation() {
    let update = |row: Value| {
        json!({"id": null, "method": "update", "params": ["weft", {"Bridge": {BRIDGE: row}}]})
            .to_string()
    };
    let cases = [
        (json!({}), "neither `old` nor `new`"),
        (json!({"new": {}}), "inserted, but exists"),
        (json!({"old": {}, "new": {"name": 1}}), "column \"name\": expected string, found 1"),
        (
            json!({"new": 5}),
            "malformed: invalid type: integer `5`, expected a map at line 1 column 8",
        ),
    ];
    for (row, message) in cases {
        let message = format!("update of Bridge {BRIDGE}: {message}");
        assert_eq!(end(PLAIN, &update(row)), message);
    }
}

#[test]
fn messages_out_of_place() {
    let cases = [
        (
            r#"{"id":null,"method":"update2","params":["weft",{}]}"#,
            "update2 without such a monitor",
        ),
        (
            r#"{"id":null,"method":"update3","params":["other","00000000-0000-0000-0000-000000000000",{}]}"#,
            "update of a monitor that is not ours: \"other\"",
        ),
        (
            r#"{"id":null,"method":"update3","params":["weft","0",{}]}"#,
            "update of the last transaction: expected a UUID, found \"0\"",
        ),
        (
            r#"{"id":null,"method":"update3","params":["weft"]}"#,
            "malformed update: invalid length 1, expected a tuple of size 3 at line 1 column 8",
        ),
        (
            r#"{"id":null,"method":"monitor_canceled","params":["weft"]}"#,
            "the server canceled the monitor",
        ),
        (r#"{"id":77,"result":[]}"#, "reply to a request that was never sent: id 77"),
        (r#"{"id":1,"result":[]}"#, "reply to a request that was never sent: id 1"),
        (r#"{"id":"echo","result":[]}"#, "reply to a request that was never sent: id \"echo\""),
        (r#"{"result":[]}"#, "neither `method` nor `id` in a message"),
        (r#"[]"#, "expected a JSON object, found a text that begins with byte 0x5b"),
        ("{\"id\":1,\"result\":tru}", "not a JSON-RPC message: expected ident at line 1 column 21"),
    ];
    for (text, message) in cases {
        assert_eq!(end(SINCE, text), message, "{text}");
    }
}

#[test]
fn an_update_before_the_dump_is_out_of_place() {
    let (mut peer, _) = Peer::monitoring(Options::default(), None, "monitor_cond_since");
    let error = peer.hear(SINCE.updates[0]).unwrap_err();
    assert_eq!(error.to_string(), "update3 without such a monitor");
}

#[test]
fn messages_and_replicas_have_a_largest_size() {
    let options = Options { max_message: 4000, ..Options::default() };
    let mut peer = Peer::new(options, None);
    let error = peer.hear(&format!("{{\"id\":\"{}", "x".repeat(4000))).unwrap_err();
    assert_eq!(error.to_string(), "message of more than 4000 bytes");

    let options = Options { max_replica: 100_000, ..Options::default() };
    let mut peer = Peer::following(options, SINCE);
    // Rows that come and go take nothing; rows that stay do, each with what it holds.
    let row = |number: u128, change: Value| {
        update3(&json!({"Manager": {ovsdb::Uuid::from_u128(number).to_string(): change}}))
    };
    let insertion = json!({"insert": {"target": "x".repeat(1000)}});
    for number in 0..1000 {
        peer.hear(&row(number, insertion.clone())).unwrap();
        peer.hear(&row(number, json!({"delete": null}))).unwrap();
    }
    let mut number = 0;
    let error = loop {
        match peer.hear(&row(number, insertion.clone())) {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.to_string(), "replica of more than 100000 bytes");
    assert!((80..100).contains(&number), "{number} rows of some 1000 bytes");
}

#[test]
fn a_replica_has_a_largest_number_of_rows() {
    let options = Options { max_rows: 1000, ..Options::default() };
    let mut peer = Peer::following(options, SINCE);
    let rows: serde_json::Map<_, _> = (0..1000u128)
        .map(|number| (ovsdb::Uuid::from_u128(number).to_string(), json!({"insert": {}})))
        .collect();
    let error = peer.hear(&update3(&json!({"Interface": rows}))).unwrap_err();
    assert_eq!(error.to_string(), "replica of more than 1000 rows");
}

#[test]
fn answers_that_nobody_reads_are_bounded() {
    let options = Options { max_unsent_answers: 10_000, ..Options::default() };
    let mut peer = Peer::following(options, COND);
    let probe = json!({"id": "echo", "method": "echo", "params": ["x".repeat(1000)]});
    for _ in 0..100 {
        peer.say(&probe).unwrap();
        assert_eq!(peer.sent().len(), 1);
    }
    let error = (0..100).find_map(|_| peer.say(&probe).err()).expect("a bound");
    assert_eq!(error.to_string(), "more than 10000 bytes of answers left unread");
}

/// A change of one place in a text.
#[derive(Clone, Debug)]
enum Edit {
    Replace(prop::sample::Index, String),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let place = any::<prop::sample::Index>;
    // Texts of which the notation consists, and others.
    let text = prop_oneof![
        "[\\[\\]{},:\"\\\\0-9a-z-]{1,3}",
        prop::sample::select(vec![
            "null",
            "[]",
            "{}",
            "[\"set\",[]]",
            "[\"map\",[]]",
            "[\"uuid\",\"0\"]",
            "-1",
            "1e999",
            "99999999999999999999",
            "\"\\ud800\"",
            "modify",
            "insert",
            "delete",
            "\u{0}",
            "é",
        ])
        .prop_map(str::to_owned),
    ];
    prop_oneof![
        (place(), text).prop_map(|(place, text)| Edit::Replace(place, text)),
        (place(), 1..40usize).prop_map(|(place, count)| Edit::Remove(place, count)),
        (place(), 1..200usize).prop_map(|(place, count)| Edit::Repeat(place, count)),
    ]
}

fn apply(edit: &Edit, text: &mut Vec<u8>) {
    let length = text.len().max(1);
    match edit {
        Edit::Replace(place, new) => {
            let at = place.index(length).min(text.len());
            let end = (at + new.len()).min(text.len());
            text.splice(at..end, new.bytes());
        }
        Edit::Remove(place, count) => {
            let at = place.index(length).min(text.len());
            text.drain(at..(at + count).min(text.len()));
        }
        Edit::Repeat(place, count) => {
            let at = place.index(length).min(text.len());
            let part = text[at..(at + count).min(text.len())].to_vec();
            text.splice(at..at, part);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn mutated_input_never_panics(
        edits in proptest::collection::vec(any_edit(), 1..5),
        which in 0..3usize,
    ) {
        let vectors = [SINCE, COND, PLAIN][which];
        let mut text = vectors.updates.concat().into_bytes();
        for edit in &edits {
            apply(edit, &mut text);
        }
        let mut peer = Peer::following(Options::default(), vectors);
        let id = peer.session.transact(ovsdb::transact::Select::from("Bridge").into());
        let reply = json!({"id": id.0, "result": [{"rows": [{"name": "br-int"}]}], "error": null});
        let mut reply = reply.to_string().into_bytes();
        for edit in &edits {
            apply(edit, &mut reply);
        }
        text.extend(reply);
        let heard = peer.session.handle_input(&text, peer.now);
        if let Err(error) = heard {
            prop_assert!(!error.to_string().is_empty());
            prop_assert!(is_inert(&mut peer.session));
        }
    }

    #[test]
    fn mutated_dumps_never_panic(
        edits in proptest::collection::vec(any_edit(), 1..5),
        which in 0..3usize,
    ) {
        let vectors = [SINCE, COND, PLAIN][which];
        let (mut peer, monitor) = Peer::monitoring(Options::default(), None, vectors.method);
        let mut text = crate::peer::with_id(vectors.reply, &monitor["id"]).into_bytes();
        for edit in &edits {
            apply(edit, &mut text);
        }
        if peer.session.handle_input(&text, peer.now).is_err() {
            prop_assert!(is_inert(&mut peer.session));
        }
    }

    #[test]
    fn mutated_schemas_never_panic(edits in proptest::collection::vec(any_edit(), 1..3)) {
        let mut peer = Peer::new(Options::default(), None);
        let schema = crate::peer::schema_without(&[]);
        let mut text = json!({"id": 0, "result": schema, "error": null}).to_string().into_bytes();
        for edit in &edits {
            apply(edit, &mut text);
        }
        if peer.session.handle_input(&text, peer.now).is_err() {
            prop_assert!(is_inert(&mut peer.session));
        }
    }
}
