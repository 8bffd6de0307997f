//! What a rule says and no more.

use std::net::Ipv4Addr;

use lab::{Frame, wait_until};
use proto::v1 as pb;
use tests::{Allow, Kind, READY, Scene, allowed, assert_reaches, assert_silent, tcp, udp};

use super::{ARRIVAL, all_egress, all_ingress};

#[test]
fn a_range_of_ports_ends_where_it_says() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [client, server] = &segment.guests[..] else { panic!("two guests") };
    // Two ranges that overlap, of two groups, and neither aligned to any power of two.
    let one = scene.group("one", [Allow::ingress().ports("tcp", 1001..=1007)]).unwrap();
    let two = scene.group("two", [Allow::ingress().ports("tcp", 1005..=1010)]).unwrap();
    scene.put_in(server, &[&one, &two]).unwrap();
    for port in [1001, 1002, 1004, 1006, 1008, 1010] {
        tcp(client, server, port).opens();
    }
    for port in [1000, 1011] {
        tcp(client, server, port).is_blocked();
    }
    udp(client, server, 1005).is_blocked();
}

#[test]
fn icmp_is_allowed_by_type_and_code() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [client, server] = &segment.guests[..] else { panic!("two guests") };
    let echo = [Allow::ingress().icmp(8, 0), Allow::ingress().v6().icmp(128, 0)];
    let group = scene.group("echo", echo).unwrap();
    scene.put_in(server, &[&group]).unwrap();
    assert_reaches(client, server.v4());
    assert_reaches(client, server.v6());
    tcp(client, server, 80).is_blocked();

    let (from, to) = ((client.mac(), client.v4()), (server.mac(), server.v4()));
    let message = |kind, code| {
        let times = [0; 12];
        Frame::icmp(from, to, &[&[kind, code, 0, 0, 0x57, 0xef, 0, 1][..], &times].concat())
    };
    let [echo, other_code, timestamp] = [message(8, 0), message(8, 1), message(13, 0)];
    let at_server = server.capture("icmp").unwrap();
    let seen = |frame: &Frame| at_server.frames().unwrap().contains(&frame.as_bytes().to_vec());
    client.send_frames(&[other_code.clone(), timestamp.clone(), echo.clone()]).unwrap();
    wait_until("the echo request", ARRIVAL, || seen(&echo)).unwrap();
    assert!(!seen(&timestamp), "type 13 has arrived");
    assert!(!seen(&other_code), "code 1 has arrived");
    scene.allow(&group, Allow::ingress().icmp(13, 0)).unwrap();
    client.send_frames(std::slice::from_ref(&timestamp)).unwrap();
    wait_until("the timestamp request", ARRIVAL, || seen(&timestamp)).unwrap();
}

#[test]
fn fragments_go_with_their_first() {
    const LARGE: usize = 9000;
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 1, 2]).unwrap();
    let [client, near, far] = &segment.guests[..] else { panic!("three guests") };
    let dns = [Allow::ingress().udp(53), Allow::ingress().v6().udp(53)];
    let dns = scene.group("dns", dns).unwrap();
    for server in [near, far] {
        scene.put_in(server, &[&dns]).unwrap();
        udp(client, server, 53).sized(LARGE).opens();
        udp(client, server, 53).v6().sized(LARGE).opens();
        // Not even a later fragment, which has no port numbers, comes through.
        let at_server = server.capture("udp or ip[6:2] & 0x1fff != 0 or ip6[6] = 44").unwrap();
        udp(client, server, 54).sized(LARGE).is_blocked();
        udp(client, server, 54).v6().sized(LARGE).is_blocked();
        let seen = at_server.stop().unwrap();
        assert!(seen.is_empty(), "{} of them, the first {:02x?}", seen.len(), seen[0]);
    }
}

#[test]
fn stateless_groups_judge_every_packet_by_itself() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [client, server] = &segment.guests[..] else { panic!("two guests") };
    let web = [Allow::ingress().tcp(443), Allow::ingress().v6().tcp(443)];
    let web = scene.stateless_group("web", web).unwrap();
    scene.put_in(server, &[&web]).unwrap();
    // The question gets through and the answer does not.
    let questions = server.capture("tcp dst port 443").unwrap();
    tcp(client, server, 443).is_blocked();
    assert!(questions.count().unwrap() > 0, "the question has not come");
    scene.allow(&web, Allow::egress().ports("tcp", 1024..=65_535)).unwrap();
    tcp(client, server, 443).opens();
    tcp(client, server, 443).v6().is_blocked();
    tcp(client, server, 80).is_blocked();
}

#[test]
fn without_port_security_nothing_is_judged() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [guarded, open] = &segment.guests[..] else { panic!("two guests") };
    let group = scene.group("inside", all_egress()).unwrap();
    scene.put_in(guarded, &[&group]).unwrap();
    tcp(guarded, open, 80).is_blocked();
    let port = pb::Port { port_security_enabled: Some(false), ..Default::default() };
    let mask = ["port_security_enabled", "security_group_ids"];
    let port = scene.update_port(&open.port.id, &mask, port).unwrap();
    scene.api.wait(port.revision, READY).unwrap();
    tcp(guarded, open, 80).opens();
    tcp(guarded, open, 80).v6().opens();
    assert_reaches(guarded, open.v4());
    // The other is judged as before.
    tcp(open, guarded, 80).is_blocked();
    assert_silent(open, guarded.v6());
}

#[test]
fn addresses_that_a_port_may_use_count_as_its_own() {
    const SECOND: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 150);
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [owner, peer] = &segment.guests[..] else { panic!("two guests") };
    let members = scene.group("members", all_egress()).unwrap();
    let trusting = Allow::ingress().tcp(443).group(&members);
    let trusting = scene.group("trusting", [trusting]).unwrap();
    scene.put_in(owner, &[&members]).unwrap();
    scene.put_in(peer, &[&trusting]).unwrap();
    tcp(owner, peer, 443).opens();
    let pairs = pb::Port {
        allowed_address_pairs: vec![allowed("10.1.0.150/32", "")],
        ..Default::default()
    };
    let port = scene.update_port(&owner.port.id, &["allowed_address_pairs"], pairs).unwrap();
    scene.api.wait(port.revision, READY).unwrap();
    // From now on the kernel sends from the second address, which is the only one.
    owner.configure(&[&format!("{SECOND}/24")], &[], 1400).unwrap();
    tcp(owner, peer, 443).opens();
    tcp(owner, peer, 80).is_blocked();
    // And what comes for it is judged by the port's rules.
    tcp(peer, owner, 22).at(SECOND).is_blocked();
    scene.put_in(peer, &[&trusting, &scene.group("out", all_egress()).unwrap()]).unwrap();
    tcp(peer, owner, 22).at(SECOND).is_blocked();
    scene.put_in(owner, &[&members, &scene.group("in", all_ingress()).unwrap()]).unwrap();
    tcp(peer, owner, 22).at(SECOND).opens();
}
