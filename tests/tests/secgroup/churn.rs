//! While rules, members and profiles change, what is allowed throughout goes on, and what is denied
//! throughout gets nothing through.

use std::time::Duration;

use proto::v1 as pb;
use tests::{Allow, Kind, READY, Scene, Stream};

use super::{all_egress, at};

/// Changes of each test.
const CHANGES: usize = 1000;

/// Between two datagrams of one direction. Open vSwitch's userspace datapath reads a VM's packets
/// from a socket that holds some 270 of this size, and does nothing else in the same thread: at this
/// pace it may be kept from the processor for most of a second before the socket overflows, while a
/// port that was wrongly judged for a moment after each of the changes would lose dozens.
const PACE: Duration = Duration::from_millis(10);

/// How many changes may be on their way to the hosts: more come together, and are one change.
const AHEAD: usize = 5;

#[test]
fn a_thousand_changes_neither_open_nor_close_a_window() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2, 1, 2]).unwrap();
    let [client, server, near, far] = &segment.guests[..] else { panic!("four guests") };
    let peers = scene.group("peers", all_egress()).unwrap();
    for guest in [client, near, far] {
        scene.put_in(guest, &[&peers]).unwrap();
    }
    let stream = |port| Allow::ingress().udp(port);
    let base = scene.group("base", [stream(5000).group(&peers), stream(5003)]).unwrap();
    let other = scene.group("other", [stream(5000).peer("10.1.0.0/24"), stream(5003)]).unwrap();
    let extra = scene.group("extra", [stream(5000), Allow::ingress().tcp(80)]).unwrap();
    scene.put_in(server, &[&base]).unwrap();

    let start = |from: u16, to: u16| {
        let (here, there) = (at(client.v4(), from), at(server.v4(), to));
        Stream::start_at(PACE, (client, here), (server, there)).unwrap()
    };
    // Allowed by whatever groups the server has, by a remote group in some; allowed by the same
    // rule in all; denied by all of them.
    let (allowed, plain, denied) = (start(6000, 5000), start(6003, 5003), start(6001, 5001));
    allowed.assert_runs();
    plain.assert_runs();
    denied.assert_stopped();

    let mut ids: Vec<String> = Vec::new();
    for change in 0..CHANGES {
        let (group, port) = (&base.id, 2000 + (change % 700) as u16);
        let revision = match change % 8 {
            // Rules come and go, single ports and ranges around those of the streams.
            0 | 4 => {
                let rule = match change % 3 {
                    0 => Allow::ingress().ports("udp", port..=4999),
                    1 => Allow::ingress().ports("udp", 5002..=5002 + port),
                    _ => Allow::ingress().tcp(port).group(&peers),
                };
                let rules = vec![pb::Rule { id: uuid(change), ..rule.rule() }];
                ids.push(uuid(change));
                let (security_group_id, etag) = (group.clone(), String::new());
                let request = pb::AddRulesRequest { security_group_id, rules, etag };
                scene.api.add_rules(request).unwrap().revision
            }
            2 | 6 => {
                let rule_ids = vec![ids.remove(0)];
                let (security_group_id, etag) = (group.clone(), String::new());
                let request = pb::RemoveRulesRequest { security_group_id, rule_ids, etag };
                scene.api.remove_rules(request).unwrap().revision
            }
            // The server has another set of groups: another profile.
            1 | 5 => {
                let sets = [vec![&base], vec![&base, &extra], vec![&other], vec![&other, &base]];
                put(&scene, &server.port.id, &sets[change / 4 % sets.len()])
            }
            // Others join and leave the group that a rule names.
            3 => {
                let groups = [&peers];
                put(&scene, &near.port.id, &groups[usize::from(change % 16 == 3)..])
            }
            _ => put(&scene, &far.port.id, &[[&peers, &base][usize::from(change % 16 == 7)]]),
        };
        if change % AHEAD == 0 {
            scene.api.wait(revision, READY).unwrap();
        }
    }
    scene.settle().unwrap();

    assert_eq!(denied.arrived(), [0, 0], "denied datagrams that arrived");
    denied.assert_stopped();
    allowed.assert_runs();
    for (name, stream) in [("by remote group or prefix", allowed), ("by one rule", plain)] {
        for (lane, way) in stream.finish().into_iter().zip(["there", "back"]) {
            assert!(lane.sent > 500, "{name}, {way}: only {} were sent", lane.sent);
            assert_eq!(lane.lost, 0, "{name}, {way}: {lane}");
        }
    }
}

fn put(scene: &Scene, port: &str, groups: &[&pb::SecurityGroup]) -> u64 {
    let security_group_ids = groups.iter().map(|group| group.id.clone()).collect();
    let wanted = pb::Port { security_group_ids, ..Default::default() };
    scene.update_port(port, &["security_group_ids"], wanted).unwrap().revision
}

/// A rule's id.
fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
