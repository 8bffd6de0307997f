use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Atom, Datum, Real, UuidName};

fn any_atom() -> impl Strategy<Value = Atom> {
    prop_oneof![
        any::<i64>().prop_map(Atom::Integer),
        any::<f64>()
            .prop_filter_map("finite and not integral", |value| {
                if value.fract() == 0.0 && value.abs() < 1e19 { None } else { Real::new(value) }
            })
            .prop_map(Atom::Real),
        any::<bool>().prop_map(Atom::Boolean),
        any::<String>().prop_map(Atom::String),
        any::<[u8; 16]>().prop_map(|bytes| Atom::Uuid(uuid::Uuid::from_bytes(bytes))),
        "[a-zA-Z_][a-zA-Z0-9_]{0,8}".prop_map(|name| Atom::NamedUuid(UuidName::new(name).unwrap())),
    ]
}

fn any_datum() -> impl Strategy<Value = Datum> {
    prop_oneof![
        any_atom().prop_map(Datum::from),
        proptest::collection::btree_set(any_atom(), 0..6).prop_map(Datum::Set),
        proptest::collection::btree_map(any_atom(), any_atom(), 0..6).prop_map(Datum::Map),
    ]
}

proptest! {
    #[test]
    fn every_datum_survives_json_text(datum in any_datum()) {
        let text = datum.encode().to_string();
        let json: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(Datum::decode(&json).unwrap(), datum);
    }
}

#[test]
fn notations_of_the_rfc() {
    let uuid = "36bef046-7da7-43a5-905a-c17899216fcb";
    let parsed = uuid::Uuid::try_parse(uuid).unwrap();
    let cases = [
        (json!(5), Datum::from(5)),
        (json!(["set", [5]]), Datum::from(5)),
        (json!(["set", []]), Datum::from(None::<i64>)),
        (json!("secure"), Datum::from("secure")),
        (json!(["uuid", uuid]), Datum::from(parsed)),
        (
            json!(["set", [["uuid", uuid], ["named-uuid", "row0"]]]),
            Datum::set([Atom::from(parsed), Atom::from(UuidName::numbered(0))]),
        ),
        (json!(["map", [["a", 1], ["b", true]]]), {
            Datum::map([("a", Atom::from(1)), ("b", Atom::from(true))])
        }),
    ];
    for (json, datum) in cases {
        assert_eq!(Datum::decode(&json).unwrap(), datum, "{json}");
    }
}

#[test]
fn a_single_element_is_written_bare() {
    assert_eq!(Datum::set(["a"]).encode(), json!("a"));
    assert_eq!(Datum::set(["b", "a"]).encode(), json!(["set", ["a", "b"]]));
    assert_eq!(Datum::map::<&str, &str>([]).encode(), json!(["map", []]));
}

#[test]
fn errors_say_where_and_what() {
    let cases = [
        (json!(null), "expected an atom, a set or a map, found null"),
        (json!(["bag", []]), "expected an atom, a set or a map, found [\"bag\",[]]"),
        (json!(["uuid", "x"]), "at /1: expected a UUID, found \"x\""),
        (
            json!(["uuid", "36bef0467da743a5905ac17899216fcb"]),
            "at /1: expected a UUID, found \"36bef0467da743a5905ac17899216fcb\"",
        ),
        (json!(["named-uuid", "7up"]), "at /1: expected an identifier, found \"7up\""),
        (json!(["set", {}]), "at /1: expected an array of atoms, found {}"),
        (json!(["set", [1, [2]]]), "at /1/1: expected an atom, found [2]"),
        (json!(["set", [1, 1]]), "at /1/1: expected each element once, found 1"),
        (json!(["map", [["a", 1], ["b"]]]), "at /1/1: expected a key and a value, found [\"b\"]"),
        (json!(["map", [["a", null]]]), "at /1/0/1: expected an atom, found null"),
        (json!(["map", [["a", 1], ["a", 2]]]), "at /1/1/0: expected each key once, found \"a\""),
        (json!(u64::MAX), "expected an integer of 64 bits, found 18446744073709551615"),
    ];
    for (json, message) in cases {
        assert_eq!(Datum::decode(&json).unwrap_err().to_string(), message);
    }
}

#[test]
fn what_is_found_is_quoted_in_part_only() {
    let long = Value::Array(vec![json!("x"); 1000]);
    let error = Datum::decode(&long).unwrap_err();
    assert!(error.found.ends_with("… (4001 bytes)"), "{}", error.found);
    assert!(error.found.len() < 100);
}

#[test]
fn names_of_rows_are_identifiers() {
    for good in ["a", "_", "row_17", "X9"] {
        assert_eq!(UuidName::new(good).unwrap().as_str(), good);
    }
    for bad in ["", "9", "a-b", "ä", "a b"] {
        assert!(UuidName::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn reals_are_finite() {
    assert!(Real::new(f64::NAN).is_none());
    assert!(Real::new(f64::INFINITY).is_none());
    assert_eq!(Real::new(-0.0), Real::new(0.0));
}
