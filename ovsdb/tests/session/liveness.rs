//! Probes, both ways.

use std::time::Duration;

use ovsdb::session::Options;
use serde_json::json;

use crate::peer::{Peer, SINCE};

const SECOND: Duration = Duration::from_secs(1);

/// When early probes are due.
const EARLY: &[Duration] = &[SECOND, Duration::from_secs(2)];

#[test]
fn the_servers_probes_are_answered_in_kind() {
    for mut peer in
        [Peer::new(Options::default(), None), { Peer::following(Options::default(), SINCE) }]
    {
        peer.sent();
        peer.say(&json!({"id": "echo", "method": "echo", "params": [1, {"a": "b"}]})).unwrap();
        let answer = json!({"id": "echo", "result": [1, {"a": "b"}], "error": null});
        assert_eq!(peer.request(), answer);
        peer.say(&json!({"id": [7], "method": "steal", "params": []})).unwrap();
        assert_eq!(peer.request(), json!({"id": [7], "result": null, "error": "unknown method"}));
    }
}

#[test]
fn silence_leads_to_a_probe_and_then_to_the_end() {
    let mut peer = Peer::following(Options::default(), SINCE);
    assert_eq!(peer.session.poll_timeout(), Some(peer.now + 5 * SECOND));
    peer.wait(4 * SECOND).unwrap();
    assert!(peer.sent().is_empty());
    peer.wait(SECOND).unwrap();
    assert_eq!(peer.request()["method"], "echo");
    assert_eq!(peer.session.poll_timeout(), Some(peer.now + 5 * SECOND));
    peer.wait(4 * SECOND).unwrap();
    assert!(peer.sent().is_empty());
    let error = peer.wait(SECOND).unwrap_err();
    assert_eq!(error.to_string(), "nothing heard for 10s, a probe included");
    assert_eq!(peer.session.poll_timeout(), None);
}

#[test]
fn whatever_is_heard_is_a_sign_of_life() {
    let mut peer = Peer::following(Options::default(), SINCE);
    for _ in 0..3 {
        peer.wait(5 * SECOND).unwrap();
        let probe = peer.request();
        peer.wait(4 * SECOND).unwrap();
        // Part of a message is enough.
        peer.hear("{").unwrap();
        peer.wait(4 * SECOND).unwrap();
        assert!(peer.sent().is_empty());
        peer.hear(&format!("\"id\":{},\"result\":[]}}", probe["id"])).unwrap();
    }
}

#[test]
fn a_late_wake_up_still_gives_the_server_time_to_answer() {
    let mut peer = Peer::following(Options::default(), SINCE);
    peer.wait(60 * SECOND).unwrap();
    assert_eq!(peer.request()["method"], "echo");
    peer.wait(4 * SECOND).unwrap();
    assert!(peer.wait(SECOND).is_err());
}

#[test]
fn a_message_that_comes_too_slowly_ends_the_session() {
    let mut peer = Peer::following(Options::default(), SINCE);
    peer.hear("{").unwrap();
    for _ in 0..29 {
        peer.wait(SECOND).unwrap();
        peer.hear(" ").unwrap();
    }
    let error = peer.wait(SECOND).unwrap_err();
    assert_eq!(error.to_string(), "a message was not whole within 30s");
    assert_eq!(peer.session.poll_timeout(), None);

    // Each message has its own time.
    let mut peer = Peer::following(Options::default(), SINCE);
    peer.hear("{").unwrap();
    for _ in 0..3 {
        for _ in 0..7 {
            peer.wait(4 * SECOND).unwrap();
            peer.hear(" ").unwrap();
        }
        peer.hear("\"id\":null,\"method\":\"stolen\",\"params\":[]}{").unwrap();
    }
}

#[test]
fn early_probes_go_whatever_the_server_says() {
    let options = Options { early_probes: EARLY, ..Options::default() };
    let mut peer = Peer::following(options, SINCE);
    assert_eq!(peer.session.poll_timeout(), Some(peer.now + SECOND));
    for _ in 0..2 {
        peer.wait(SECOND).unwrap();
        peer.say(&json!({"id": null, "method": "stolen", "params": []})).unwrap();
        let [probe] = &peer.sent()[..] else { panic!("one probe") };
        assert_eq!(probe["method"], "echo");
        let probe = probe.clone();
        peer.reply(&probe, &json!([])).unwrap();
    }
    assert_eq!(peer.session.poll_timeout(), Some(peer.now + 5 * SECOND));
}

#[test]
fn an_early_probe_gives_a_silent_server_no_further_time() {
    let options = Options { early_probes: EARLY, ..Options::default() };
    let mut peer = Peer::following(options, SINCE);
    for time in [1, 1, 3] {
        peer.wait(time * SECOND).unwrap();
        assert_eq!(peer.request()["method"], "echo");
    }
    assert!(peer.wait(5 * SECOND).is_err());
}

#[test]
fn early_probes_that_are_overdue_are_one() {
    let options = Options { probe_interval: None, early_probes: EARLY, ..Options::default() };
    let mut peer = Peer::following(options, SINCE);
    peer.wait(3 * SECOND).unwrap();
    assert_eq!(peer.sent().len(), 1);
    assert_eq!(peer.session.poll_timeout(), None);
}

#[test]
fn probes_can_be_turned_off() {
    let options = Options { probe_interval: None, ..Options::default() };
    let mut peer = Peer::following(options, SINCE);
    assert_eq!(peer.session.poll_timeout(), None);
    peer.wait(3600 * SECOND).unwrap();
    assert!(peer.sent().is_empty());
}

#[test]
fn a_server_that_only_answers_probes_is_given_up() {
    let mut peer = Peer::new(Options::default(), None);
    peer.sent();
    for _ in 0..5 {
        peer.wait(5 * SECOND).unwrap();
        let probe = peer.request();
        peer.reply(&probe, &json!([])).unwrap();
    }
    assert_eq!(peer.session.poll_timeout(), Some(peer.now + 5 * SECOND));
    let error = peer.wait(5 * SECOND).unwrap_err();
    assert_eq!(error.to_string(), "no complete replica after 30s");
}
