//! The replica follows the server's.

use ovsdb::jsonrpc::{Framer, Message};
use ovsdb::replica::{Changes, Replica, Table};
use ovsdb::session::Options;
use proptest::prelude::*;
use serde_json::json;

use crate::peer::{COND, PLAIN, Peer, SINCE, Vectors};

fn rows_of(changes: &Changes, table: Table) -> usize {
    changes.of(table).count()
}

fn states(vectors: Vectors) -> Vec<Replica> {
    let (mut peer, monitor) = Peer::monitoring(Options::default(), None, vectors.method);
    peer.hear(&crate::peer::with_id(vectors.reply, &monitor["id"])).unwrap();
    let mut states = vec![peer.replica()];
    for update in vectors.updates {
        peer.hear(update).unwrap();
        states.push(peer.replica());
    }
    states
}

#[test]
fn a_captured_server_is_followed() {
    let states = states(SINCE);
    let (_, bridge) = states[0].bridge_by_name("br-int").unwrap();
    assert_eq!(bridge.fail_mode.as_deref(), Some("secure"));
    assert_eq!(states[0].ports_of(bridge).count(), 2);
    assert_eq!(states[0].interface_by_name("p1").unwrap().1.external_ids["iface-id"], "x");

    let added = states[1].changes_since(&states[0]);
    assert_eq!(
        Table::ALL.iter().map(|&table| rows_of(&added, table)).collect::<Vec<_>>(),
        [1, 1, 1, 1, 0, 0, 0, 0, 0]
    );
    assert!(states[1].bridge_by_name("br-ex").is_some());

    let (_, bridge) = states[2].bridge_by_name("br-int").unwrap();
    assert_eq!(bridge.fail_mode, None);
    assert_eq!(bridge.protocols, ["OpenFlow13", "OpenFlow14"].map(str::to_owned).into());
    let ids = [("b", "3"), ("c", "4")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(bridge.external_ids, ids.into());
    let (_, interface) = states[2].interface_by_name("p1").unwrap();
    assert_eq!((interface.ofport, interface.ofport_request), (Some(7), Some(7)));
    assert!(states[2].controllers.iter().all(|(_, row)| row.is_connected));

    assert!(states[3].bridge_by_name("br-ex").is_none());
    assert!(states[3].port_by_name("p1").is_none());
    assert_eq!((states[3].ports.len(), states[3].interfaces.len()), (1, 1));
}

#[test]
fn every_method_tells_the_same() {
    assert_eq!(states(COND), states(SINCE));
    assert_eq!(states(PLAIN), states(SINCE));
}

#[test]
fn updates_that_come_together_are_one_event() {
    let mut peer = Peer::following(Options::default(), SINCE);
    peer.hear(&SINCE.updates.concat()).unwrap();
    assert_eq!(peer.replica(), states(SINCE)[3]);
}

#[test]
fn every_prefix_of_an_update_is_incomplete() {
    for vectors in [SINCE, COND, PLAIN] {
        let mut peer = Peer::following(Options::default(), vectors);
        for update in vectors.updates {
            let update = update.trim_end();
            for end in 0..update.len() {
                let prefix = &update.as_bytes()[..end];
                assert!(Message::parse(prefix).is_err());
                assert_eq!(Framer::new(1 << 20).next(&mut &*prefix), Ok(None));
                assert_eq!(peer.session.poll_event(), None);
                peer.hear(&update[end..=end]).unwrap();
            }
            peer.replica();
        }
    }
}

#[test]
fn notifications_of_no_interest_are_ignored() {
    let mut peer = Peer::following(Options::default(), SINCE);
    peer.say(&json!({"method": "locked", "params": ["lock"], "id": null})).unwrap();
    peer.say(&json!({"method": "of the future", "params": []})).unwrap();
    assert_eq!(peer.session.poll_event(), None);
    assert!(peer.sent().is_empty());
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_stream_is_split(
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let stream = SINCE.updates.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let mut peer = Peer::following(Options::default(), SINCE);
        for pair in cuts.windows(2) {
            peer.hear(&stream[pair[0]..pair[1]]).unwrap();
        }
        prop_assert_eq!(peer.replica(), states(SINCE)[3].clone());
    }
}
