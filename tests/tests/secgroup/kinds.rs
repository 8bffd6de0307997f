//! The same on every kind of network, on one host and across hosts, with IPv4 and IPv6.

use tests::{Allow, Kind, Scene, assert_reaches, assert_silent, tcp, udp};

use super::all_egress;

#[test]
fn what_no_rule_allows_is_dropped_on_every_kind_of_network() {
    let scene = Scene::start(2).unwrap();
    let clients = scene.group("clients", all_egress()).unwrap();
    let web = [Allow::ingress().tcp(443), Allow::ingress().udp(53)];
    let web = web.into_iter().flat_map(|allow| [allow.clone(), allow.v6()]);
    let web = scene.group("web", web).unwrap();
    for (number, kind) in [(1, Kind::Vxlan), (2, Kind::Vlan(102)), (3, Kind::Flat)] {
        let segment = scene.segment(kind, number, &[1, 1, 2]).unwrap();
        let [client, near, far] = &segment.guests[..] else { panic!("three guests") };
        // As they are made, all are in the default group: everybody may do everything.
        assert_reaches(client, near.v4());
        assert_reaches(client, far.v6());
        scene.put_in(client, &[&clients]).unwrap();
        for server in [near, far] {
            scene.put_in(server, &[&web]).unwrap();
            for allowed in [tcp(client, server, 443), udp(client, server, 53)] {
                allowed.opens();
                allowed.v6().opens();
            }
            // Another port, another protocol; and what is allowed is allowed one way.
            let denied = [tcp(client, server, 80), udp(client, server, 443)];
            for denied in denied.into_iter().chain([tcp(server, client, 443)]) {
                denied.is_blocked();
                denied.v6().is_blocked();
            }
            assert_silent(client, server.v4());
            assert_silent(client, server.v6());
        }
    }
}

#[test]
fn the_default_group_lets_its_members_talk_and_nobody_else() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 1, 2]).unwrap();
    let [one, two, other] = &segment.guests[..] else { panic!("three guests") };
    let elsewhere = scene.group("elsewhere", all_egress()).unwrap();
    tcp(one, two, 80).opens();
    tcp(two, other, 80).v6().opens();
    scene.put_in(other, &[&elsewhere]).unwrap();
    tcp(other, one, 80).is_blocked();
    tcp(other, one, 80).v6().is_blocked();
    // Members may begin what they like, but the other has to allow it.
    tcp(one, other, 80).is_blocked();
    tcp(one, two, 80).opens();
    // In both groups it may do what either allows.
    scene.put_in(other, &[&elsewhere, &scene.default_group().unwrap()]).unwrap();
    tcp(other, one, 80).opens();
    tcp(one, other, 80).v6().opens();
    // In none, nothing.
    scene.put_in(other, &[]).unwrap();
    tcp(other, one, 80).is_blocked();
    tcp(one, other, 80).is_blocked();
}
