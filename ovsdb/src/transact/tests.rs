use expect_test::{Expect, expect};
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

use super::*;
use crate::replica::Table;
use crate::value::Datum;

#[track_caller]
fn encodes(operation: impl Into<Operation>, expect: Expect) {
    expect.assert_eq(&operation.into().json().to_string());
}

#[test]
fn operations_as_the_server_is_told() {
    let uuid = Uuid::from_u128(1);
    encodes(
        Insert::into(Table::Port).set("name", "p").set("tag", Some(5)).named(UuidName::numbered(3)),
        expect![[
            r#"{"op":"insert","row":{"name":"p","tag":5},"table":"Port","uuid-name":"row3"}"#
        ]],
    );
    encodes(
        Update::table("Bridge")
            .filter(Condition::uuid(uuid))
            .set("fail_mode", None::<&str>)
            .set("protocols", Datum::set(["OpenFlow13", "OpenFlow10"])),
        expect![[
            r#"{"op":"update","row":{"fail_mode":["set",[]],"protocols":["set",["OpenFlow10","OpenFlow13"]]},"table":"Bridge","where":[["_uuid","==",["uuid","00000000-0000-0000-0000-000000000001"]]]}"#
        ]],
    );
    encodes(
        Mutate::table("Bridge")
            .filter(Condition::includes("ports", uuid))
            .insert("ports", UuidName::numbered(0))
            .put("external_ids", BTreeMap::from([("a".to_owned(), "b".to_owned())]))
            .mutation("next_cfg", Mutator::Add, 1),
        expect![[
            r#"{"mutations":[["ports","insert",["named-uuid","row0"]],["external_ids","delete","a"],["external_ids","insert",["map",[["a","b"]]]],["next_cfg","+=",1]],"op":"mutate","table":"Bridge","where":[["ports","includes",["uuid","00000000-0000-0000-0000-000000000001"]]]}"#
        ]],
    );
    encodes(
        Delete::from("Port").filter(Condition::new("tag", Function::GreaterOrEqual, 7)),
        expect![[r#"{"op":"delete","table":"Port","where":[["tag",">=",7]]}"#]],
    );
    encodes(
        Select::from("Port").column("_uuid").column("name"),
        expect![[r#"{"columns":["_uuid","name"],"op":"select","table":"Port","where":[]}"#]],
    );
    encodes(
        Wait::table("Open_vSwitch", ["cur_cfg"], Until::Equal)
            .row([("cur_cfg", Datum::from(4))])
            .timeout(Duration::from_millis(1500)),
        expect![[
            r#"{"columns":["cur_cfg"],"op":"wait","rows":[{"cur_cfg":4}],"table":"Open_vSwitch","timeout":1500,"until":"==","where":[]}"#
        ]],
    );
    encodes(Comment("why".to_owned()), expect![[r#"{"comment":"why","op":"comment"}"#]]);
    encodes(Commit { durable: true }, expect![[r#"{"durable":true,"op":"commit"}"#]]);
    encodes(Abort, expect![[r#"{"op":"abort"}"#]]);
}

#[test]
fn inserted_rows_get_names_of_their_own() {
    let mut transaction = Transaction::new();
    let first = transaction.insert(Insert::into("Port"));
    let second = transaction.insert(Insert::into("Port").named(UuidName::new("mine").unwrap()));
    let third = transaction.insert(Insert::into("Port"));
    assert_eq!([first, second, third].map(|name| name.to_string()), ["row0", "mine", "row2"]);
    assert_eq!(transaction.params()[0], json!("Open_vSwitch"));
    assert_eq!(transaction.params()[2]["uuid-name"], json!("mine"));
}

/// Decodes `results` as those of an insert, an update, a select and a comment.
fn decoded(results: &str) -> String {
    let mut transaction = Transaction::new();
    transaction.push(Insert::into("Port"));
    transaction.push(Update::table("Port"));
    transaction.push(Select::from("Port"));
    transaction.push(Comment(String::new()));
    let results = RawValue::from_string(results.to_owned()).unwrap();
    match decode_results(&results, transaction.operations()) {
        Ok(Ok(results)) => format!("{results:?}"),
        Ok(Err(error)) => format!("failed: {error}"),
        Err(error) => format!("malformed: {error}"),
    }
}

#[test]
fn results_of_each_kind() {
    let uuid = r#"{"uuid":["uuid","00000000-0000-0000-0000-000000000001"]}"#;
    let rows = r#"{"rows":[{"tag":["set",[]]}]}"#;
    expect![[
        r#"[Inserted(00000000-0000-0000-0000-000000000001), Count(2), Rows([{"tag": Set({})}]), Done]"#
    ]]
    .assert_eq(&decoded(&format!(r#"[{uuid},{{"count":2}},{rows},{{}}]"#)));

    let cases = [
        (
            format!(r#"[{uuid},{{"error":"constraint violation","details":"why"}},null,null]"#),
            "failed: operation 1 (update Port): constraint violation (why)",
        ),
        (
            format!(r#"[{uuid},{{"count":2}},{rows},{{}},{{"error":"referential integrity"}}]"#),
            "failed: commit: referential integrity",
        ),
        (format!("[{uuid}]"), "malformed: 1 results for 4 operations"),
        (
            format!(r#"[{uuid},{{"count":2}},{rows},{{}},{{}},{{"error":"x"}}]"#),
            "malformed: 6 results for 4 operations",
        ),
        (
            format!(r#"[{uuid},{{"count":-1}},{rows},{{}}]"#),
            "malformed: result 1: at /count: expected a count of rows, found -1",
        ),
        (
            format!(r#"[{uuid},{{"count":1}},null,{{}}]"#),
            "malformed: result 2: expected an object, found null",
        ),
        (
            format!(r#"[{uuid},{{"count":1}},{{"rows":[{{}},{{"tag":{{}}}}]}},{{}}]"#),
            "malformed: result 2: at /rows/1/tag: expected an atom, a set or a map, found {}",
        ),
        (
            r#"[{"uuid":5},{"count":1},{"rows":[]},{}]"#.to_owned(),
            "malformed: result 0: at /uuid: expected a UUID, found 5",
        ),
        (r#"[{"error":5}]"#.to_owned(), "malformed: invalid type: integer `5`, expected a string"),
        (
            "7".to_owned(),
            "malformed: invalid type: integer `7`, expected a sequence at line 1 column 1",
        ),
    ];
    for (results, message) in cases {
        assert_eq!(decoded(&results), message);
    }
}
