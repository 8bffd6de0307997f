//! Transactions find their replies.

use ovsdb::Uuid;
use ovsdb::session::{Event, Options};
use ovsdb::transact::{Comment, Insert, OpResult, TransactError, Transaction, Update};
use serde_json::json;

use crate::peer::{Peer, SINCE};

#[test]
fn replies_are_matched_in_any_order() {
    let mut peer = Peer::following(Options::default(), SINCE);
    let first = peer.session.transact(Insert::into("Manager").set("target", "tcp:a").into());
    let second = peer.session.transact(Update::table("Manager").set("target", "tcp:b").into());
    assert_eq!(peer.session.in_flight(), 2);
    let requests = peer.sent();
    assert_eq!(
        requests[0]["params"],
        json!(["Open_vSwitch", {"op": "insert", "table": "Manager", "row": {"target": "tcp:a"}}])
    );
    peer.reply(&requests[1], &json!([{"count": 3}])).unwrap();
    peer.reply(&requests[0], &json!([{"uuid": ["uuid", Uuid::from_u128(1).to_string()]}])).unwrap();
    assert_eq!(
        peer.session.poll_event(),
        Some(Event::Transacted { id: second, result: Ok(vec![OpResult::Count(3)]) })
    );
    assert_eq!(
        peer.session.poll_event(),
        Some(Event::Transacted {
            id: first,
            result: Ok(vec![OpResult::Inserted(Uuid::from_u128(1))])
        })
    );
    assert_eq!(peer.session.poll_event(), None);
    assert_eq!(peer.session.in_flight(), 0);
}

#[test]
fn the_replica_is_updated_before_the_reply() {
    let mut peer = Peer::following(Options::default(), SINCE);
    peer.session.transact(Comment("adds a bridge".to_owned()).into());
    let request = peer.request();
    let reply = json!({"id": request["id"], "result": [{}], "error": null}).to_string();
    peer.hear(&format!("{}{reply}", SINCE.updates[0])).unwrap();
    let Some(Event::Updated(snapshot)) = peer.session.poll_event() else { panic!("no update") };
    assert!(snapshot.replica.bridge_by_name("br-ex").is_some());
    assert!(matches!(peer.session.poll_event(), Some(Event::Transacted { .. })));
}

#[test]
fn a_transaction_may_precede_the_replica() {
    let mut peer = Peer::new(Options::default(), None);
    let id = peer.session.transact(Transaction::new());
    let requests = peer.sent();
    assert_eq!(requests[1]["method"], "transact");
    peer.reply(&requests[1], &json!([])).unwrap();
    assert_eq!(peer.session.poll_event(), Some(Event::Transacted { id, result: Ok(vec![]) }));
}

#[test]
fn failures_are_results_and_nonsense_ends_the_session() {
    let mut peer = Peer::following(Options::default(), SINCE);
    let failure = json!([{"error": "constraint violation", "details": "why"}]);
    for (reply, message) in [
        (json!({"result": failure}), "operation 0 (update Port): constraint violation (why)"),
        (json!({"error": "unknown database"}), "transaction refused: \"unknown database\""),
    ] {
        peer.session.transact(Update::table("Port").set("tag", 5000).into());
        let mut reply = reply;
        reply["id"] = peer.request()["id"].clone();
        peer.say(&reply).unwrap();
        let Some(Event::Transacted { result: Err(error), .. }) = peer.session.poll_event() else {
            panic!("no failure")
        };
        assert_eq!(error.to_string(), message);
        assert_ne!(error, TransactError::Closed);
    }

    peer.session.transact(Update::table("Port").set("tag", 5).into());
    let request = peer.request();
    let error = peer.reply(&request, &json!([{"count": "many"}])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "reply to transact: result 0: at /count: expected a count of rows, found \"many\""
    );
}
