use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::value::{Atom, Datum};

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn change<R: Row>(row: &mut R, column: &str, json: Value, how: How) -> Result<(), String> {
    let datum = Datum::decode(&json).unwrap();
    row.change(column, datum, how).map_err(|error| error.to_string())
}

/// The difference of two sets or maps as `ovsdb-server(7)` defines it.
fn difference<K: Ord + Clone, V: Eq + Clone>(
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
) -> BTreeMap<K, V> {
    let removed = old.iter().filter(|(key, _)| !new.contains_key(key));
    let added = new.iter().filter(|(key, value)| old.get(key) != Some(value));
    removed.chain(added).map(|(key, value)| (key.clone(), value.clone())).collect()
}

proptest! {
    #[test]
    fn a_difference_of_maps_leads_from_old_to_new(
        old in proptest::collection::btree_map("[a-d]", "[xy]", 0..5),
        new in proptest::collection::btree_map("[a-d]", "[xy]", 0..5),
    ) {
        let mut row = Interface { external_ids: old.clone(), ..Default::default() };
        let datum = Datum::from(difference(&old, &new));
        row.change("external_ids", datum, How::Difference).unwrap();
        prop_assert_eq!(row.external_ids, new);
    }

    #[test]
    fn a_difference_of_sets_leads_from_old_to_new(
        old in proptest::collection::btree_set("[a-f]", 0..6),
        new in proptest::collection::btree_set("[a-f]", 0..6),
    ) {
        let mut row = Bridge { protocols: old.clone(), ..Default::default() };
        let datum = Datum::set(old.symmetric_difference(&new).cloned());
        row.change("protocols", datum, How::Difference).unwrap();
        prop_assert_eq!(row.protocols, new);
    }
}

#[test]
fn the_difference_of_an_optional_value_is_the_new_value() {
    let mut row = Interface { ofport: Some(3), ..Default::default() };
    change(&mut row, "ofport", json!(4), How::Difference).unwrap();
    assert_eq!(row.ofport, Some(4));
    change(&mut row, "ofport", json!(["set", []]), How::Difference).unwrap();
    assert_eq!(row.ofport, None);
}

#[test]
fn values_of_another_type_are_named() {
    let mut row = Bridge::default();
    let cases = [
        ("name", json!(5), "expected string, found 5"),
        ("name", json!(["set", []]), "expected string, found [\"set\",[]]"),
        ("name", json!(["set", ["a", "b"]]), "expected string, found [\"set\",[\"a\",\"b\"]]"),
        ("fail_mode", json!(["set", ["a", "b"]]), {
            "expected optional string, found [\"set\",[\"a\",\"b\"]]"
        }),
        ("ports", json!(["set", ["a", "b"]]), "expected set of uuid, found \"a\""),
        ("ports", json!(["named-uuid", "x"]), {
            "expected set of uuid, found [\"named-uuid\",\"x\"]"
        }),
        ("other_config", json!("a"), "expected map of string to string, found \"a\""),
        ("flow_tables", json!(["map", [[1, "a"]]]), "expected map of integer to uuid, found \"a\""),
        ("colour", json!("red"), "a column that was not asked for"),
    ];
    for (column, json, message) in cases {
        assert_eq!(change(&mut row, column, json, How::Replace).unwrap_err(), message);
    }
    assert_eq!(row, Bridge::default());
}

#[test]
fn lookups_follow_references() {
    let interface = |name: &str| Interface { name: name.to_owned(), ..Default::default() };
    let port = |name: &str, interfaces: &[u128]| Port {
        name: name.to_owned(),
        interfaces: interfaces.iter().copied().map(uuid).collect(),
        ..Default::default()
    };
    let bridge = Bridge {
        name: "br-int".to_owned(),
        // Port 99 does not exist: a reference can be ahead of its row while a row is being read.
        ports: BTreeSet::from([uuid(10), uuid(11), uuid(99)]),
        ..Default::default()
    };
    let replica = Replica {
        bridges: [(uuid(1), bridge)].into_iter().collect(),
        ports: [(uuid(10), port("a", &[20])), (uuid(11), port("bond", &[21, 22]))]
            .into_iter()
            .collect(),
        interfaces: [(uuid(20), "a"), (uuid(21), "b"), (uuid(22), "c"), (uuid(23), "elsewhere")]
            .map(|(uuid, name)| (uuid, interface(name)))
            .into_iter()
            .collect(),
        ..Default::default()
    };
    let (found, bridge) = replica.bridge_by_name("br-int").unwrap();
    assert_eq!(found, uuid(1));
    assert!(replica.bridge_by_name("br-ex").is_none());
    let names: Vec<_> = replica.interfaces_on(bridge).map(|(_, row)| row.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let (_, bond) = replica.port_by_name("bond").unwrap();
    assert_eq!(replica.interfaces_of(bond).count(), 2);
    assert_eq!(replica.interface_by_name("elsewhere").unwrap().0, uuid(23));
    assert!(replica.root().is_none());
}

#[test]
fn changes_are_what_differs_and_nothing_else() {
    let manager = |target: &str| Manager { target: target.to_owned(), ..Default::default() };
    let mut replica = Replica::default();
    for number in 1..=4 {
        replica.managers.insert(uuid(number), manager("tcp:a"));
    }
    replica.ports.insert(uuid(1), Port::default());
    let older = replica.clone();
    assert!(replica.changes_since(&older).is_empty());

    replica.managers.insert(uuid(1), manager("tcp:b"));
    replica.managers.insert(uuid(2), manager("tcp:a"));
    replica.managers.remove(uuid(3));
    replica.managers.insert(uuid(5), manager("tcp:c"));
    let changes = replica.changes_since(&older);
    assert_eq!(changes.of(Table::Manager).collect::<Vec<_>>(), [1, 3, 5].map(uuid));
    assert_eq!(changes.of(Table::Port).count(), 0);
    assert!(changes.contains(Table::Manager, uuid(5)));
    assert!(!changes.contains(Table::Manager, uuid(2)));
    assert_eq!(changes, older.changes_since(&replica));
    assert_eq!(older.managers.len(), 4, "a clone does not change");
}

#[test]
fn the_size_of_a_row_follows_its_content() {
    let empty = Interface::default();
    let mut full = empty.clone();
    full.external_ids.insert("k".repeat(100), "v".repeat(1000));
    assert!(full.size() >= empty.size() + 1100);
}

#[test]
fn atoms_of_a_datum_keep_their_type() {
    let mut row = Controller::default();
    row.change("is_connected", Datum::from(true), How::Replace).unwrap();
    row.change("max_backoff", Datum::from(Atom::Integer(1000)), How::Replace).unwrap();
    assert!(row.is_connected);
    assert_eq!(row.max_backoff, Some(1000));
}
