//! From nothing to the complete replica.

use expect_test::expect;
use ovsdb::Uuid;
use ovsdb::replica::{Manager, Replica};
use ovsdb::session::{Event, Options, Snapshot};
use serde_json::json;

use crate::peer::{Peer, SINCE, schema_without, with_id};

const EARLIER: &str = "11111111-1111-4111-8111-111111111111";
const LATER: &str = "22222222-2222-4222-8222-222222222222";

#[test]
fn the_monitor_asks_for_the_columns_that_the_server_has() {
    let mut peer = Peer::new(Options::default(), None);
    let request = peer.request();
    expect![[r#"{"id":0,"method":"get_schema","params":["Open_vSwitch"]}"#]]
        .assert_eq(&request.to_string());
    let lacking = ["Interface.mtu", "Interface.error", "Manager.external_ids"];
    peer.reply(&request, &schema_without(&lacking)).unwrap();
    let request = peer.request();
    expect![[r#"
        {
          "id": 1,
          "method": "monitor_cond_since",
          "params": [
            "Open_vSwitch",
            "weft",
            {
              "Bridge": [
                {
                  "columns": [
                    "name",
                    "ports",
                    "controller",
                    "fail_mode",
                    "datapath_type",
                    "datapath_id",
                    "protocols",
                    "other_config",
                    "external_ids",
                    "flow_tables"
                  ]
                }
              ],
              "CT_Zone": [
                {
                  "columns": [
                    "limit",
                    "external_ids"
                  ]
                }
              ],
              "Controller": [
                {
                  "columns": [
                    "target",
                    "is_connected",
                    "connection_mode",
                    "inactivity_probe",
                    "max_backoff",
                    "role",
                    "status",
                    "external_ids"
                  ]
                }
              ],
              "Datapath": [
                {
                  "columns": [
                    "ct_zones",
                    "external_ids"
                  ]
                }
              ],
              "Flow_Table": [
                {
                  "columns": [
                    "name",
                    "external_ids"
                  ]
                }
              ],
              "Interface": [
                {
                  "columns": [
                    "name",
                    "type",
                    "options",
                    "ofport",
                    "ofport_request",
                    "admin_state",
                    "link_state",
                    "mac_in_use",
                    "external_ids"
                  ]
                }
              ],
              "Manager": [
                {
                  "columns": [
                    "target",
                    "is_connected"
                  ]
                }
              ],
              "Open_vSwitch": [
                {
                  "columns": [
                    "ovs_version",
                    "external_ids",
                    "other_config",
                    "bridges",
                    "manager_options",
                    "datapath_types",
                    "datapaths",
                    "next_cfg",
                    "cur_cfg"
                  ]
                }
              ],
              "Port": [
                {
                  "columns": [
                    "name",
                    "interfaces",
                    "tag",
                    "external_ids"
                  ]
                }
              ]
            },
            "00000000-0000-0000-0000-000000000000"
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&request).unwrap());
    assert_eq!(peer.session.poll_event(), None);
}

#[test]
fn a_column_that_is_written_must_be_there() {
    let mut peer = Peer::new(Options::default(), None);
    let request = peer.request();
    let error = peer.reply(&request, &schema_without(&["Bridge.flow_tables"])).unwrap_err();
    assert_eq!(error.to_string(), "the server's schema has no column Bridge.flow_tables");
}

#[test]
fn a_refusal_is_told() {
    let mut peer = Peer::new(Options::default(), None);
    let request = peer.request();
    let error = json!({"error": "unknown database", "details": "no such database"});
    let error = peer.say(&json!({"id": request["id"], "error": error})).unwrap_err();
    expect![[r#"get_schema refused: {"details":"no such database","error":"unknown database"}"#]]
        .assert_eq(&error.to_string());

    let (mut peer, monitor) = Peer::monitoring(Options::default(), None, "monitor");
    let error = peer.say(&json!({"id": monitor["id"], "error": "unknown method"})).unwrap_err();
    assert_eq!(error.to_string(), r#"monitor refused: "unknown method""#);
}

#[test]
fn only_an_unknown_method_leads_to_an_older_one() {
    let (mut peer, monitor) = Peer::monitoring(Options::default(), None, "monitor_cond_since");
    let error = json!({"error": "unknown method", "details": "never heard of it"});
    peer.say(&json!({"id": monitor["id"], "result": null, "error": error})).unwrap();
    let monitor = peer.request();
    assert_eq!(monitor["method"], "monitor_cond");
    assert_eq!(monitor["params"].as_array().unwrap().len(), 3, "no transaction id");

    let error = peer.say(&json!({"id": monitor["id"], "error": "permission error"})).unwrap_err();
    assert_eq!(error.to_string(), r#"monitor_cond refused: "permission error""#);
}

/// What an earlier session with the same server came to: one manager.
fn earlier() -> Snapshot {
    let manager = Manager { target: "tcp:a".to_owned(), ..Manager::default() };
    let managers = [(Uuid::from_u128(1), manager)].into_iter().collect();
    let replica = Replica { managers, ..Replica::default() };
    Snapshot { replica, last_transaction: EARLIER.parse().unwrap() }
}

#[test]
fn a_server_that_remembers_sends_what_changed() {
    let (mut peer, monitor) =
        Peer::monitoring(Options::default(), Some(earlier()), "monitor_cond_since");
    assert_eq!(monitor["params"][3], EARLIER);
    let (first, second) = (Uuid::from_u128(1).to_string(), Uuid::from_u128(2).to_string());
    let updates = json!({"Manager": {
        first: {"modify": {"is_connected": true}},
        second: {"insert": {"target": "tcp:b"}},
    }});
    peer.reply(&monitor, &json!([true, LATER, updates])).unwrap();
    let Some(Event::Updated(Snapshot { replica, last_transaction })) = peer.session.poll_event()
    else {
        panic!("no update")
    };
    assert_eq!(last_transaction.to_string(), LATER);
    let managers: Vec<_> =
        replica.managers.iter().map(|(_, row)| (row.target.as_str(), row.is_connected)).collect();
    assert_eq!(managers, [("tcp:a", true), ("tcp:b", false)]);

    peer.say(&json!({"method": "update3", "params": ["weft", EARLIER, {}], "id": null})).unwrap();
    let Some(Event::Updated(snapshot)) = peer.session.poll_event() else { panic!("no update") };
    assert_eq!(snapshot.last_transaction.to_string(), EARLIER);
}

#[test]
fn a_server_that_does_not_remember_replaces_everything() {
    let (mut peer, monitor) =
        Peer::monitoring(Options::default(), Some(earlier()), "monitor_cond_since");
    peer.hear(&with_id(SINCE.reply, &monitor["id"])).unwrap();
    let replica = peer.replica();
    assert!(replica.managers.is_empty());
    assert!(replica.bridge_by_name("br-int").is_some());
}

#[test]
fn until_the_dump_is_complete_there_is_no_replica() {
    let (mut peer, monitor) =
        Peer::monitoring(Options::default(), Some(earlier()), "monitor_cond_since");
    let reply = with_id(SINCE.reply, &monitor["id"]);
    for end in 0..reply.trim_end().len() {
        peer.hear(&reply[end..=end]).unwrap();
        assert_eq!(peer.session.poll_event().is_some(), end + 1 == reply.trim_end().len());
    }
}

#[test]
fn one_bad_row_spoils_the_whole_dump() {
    let (mut peer, monitor) =
        Peer::monitoring(Options::default(), Some(earlier()), "monitor_cond_since");
    let reply = with_id(SINCE.reply, &monitor["id"]);
    let broken = reply.replace(r#""name":"p1"}"#, r#""name":["set",[]]}"#);
    assert_ne!(broken, reply);
    let error = peer.hear(&broken).unwrap_err();
    expect![[
        r#"update of Port 2b3e6888-2aaf-4718-93c8-5309f6c647e3: column "name": expected string, found ["set",[]]"#
    ]]
    .assert_eq(&error.to_string());
    assert_eq!(peer.session.poll_event(), None);
}
