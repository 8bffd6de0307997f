//! What a port may send, and that everything else is dropped where it is sent.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use lab::{Frame, Mac, wait_until};
use proto::v1 as pb;
use tests::{
    Guest, Kind, READY, Scene, allowed, assert_reaches, assert_silent, duplicate_detection,
    link_local, neighbour_solicitation, redirect, router_advertisement, udp_in_ipv6,
};
use topology::cookie::Cookie;
use topology::key::Key;
use topology::pipeline::Detail;

/// How long a frame may take from one VM to another.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Why a frame from a port is dropped where it comes in.
const DROPS: [Detail; 6] = [
    Detail::DhcpServer,
    Detail::Redirect,
    Detail::RouterAdvertisement,
    Detail::Spoofed,
    Detail::SpoofedIpv6,
    Detail::SpoofedNd,
];

const ALL_NODES: (Mac, Ipv6Addr) =
    (Mac([0x33, 0x33, 0, 0, 0, 1]), Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1));

/// The cookie of a flow of `detail` that a port has on its host.
fn cookie(port: &pb::Port, detail: Detail) -> u64 {
    Cookie::new(detail, Key::new(port.key).unwrap(), Key::NONE).0
}

/// Packets that a port's flows of some details have matched on its host.
fn matched(scene: &Scene, host: u16, port: &pb::Port) -> BTreeMap<Detail, u64> {
    let flows = scene.flows(host).unwrap();
    let dropped = |detail: Detail| {
        let cookie = cookie(port, detail);
        let flows: Vec<_> = flows.iter().filter(|flow| flow.cookie == cookie).collect();
        assert!(!flows.is_empty(), "host {host} has no flow of {detail:?}");
        (detail, flows.iter().map(|flow| flow.packets).sum())
    };
    DROPS.into_iter().map(dropped).collect()
}

/// Frames by which `liar` claims to be what it is not, and the reason for which each is dropped.
fn lies(liar: &Guest, victim: &Guest) -> Vec<(&'static str, Frame, Detail)> {
    let (own, other) = (liar.mac(), victim.mac());
    let (own_v4, other_v4, own_v6, other_v6) = (liar.v4(), victim.v4(), liar.v6(), victim.v6());
    let everybody = (Mac::BROADCAST, Ipv4Addr::BROADCAST);
    let echo_v6 = [128, 0, 0, 0, 0, 1, 0, 1];
    let advertise = |from, claim| Frame::neighbour_advertisement(from, ALL_NODES, claim);
    let to_v4 = (other, other_v4);
    let gateway = Ipv4Addr::new(10, 1, 0, 1);
    use Detail::{DhcpServer, Redirect, RouterAdvertisement, Spoofed, SpoofedIpv6, SpoofedNd};
    vec![
        ("MAC", Frame::echo_request((other, own_v4), to_v4), Spoofed),
        ("IPv4", Frame::echo_request((own, gateway), to_v4), Spoofed),
        ("MAC, IPv6", Frame::icmpv6((other, own_v6), (other, other_v6), &echo_v6), Spoofed),
        ("IPv6", Frame::icmpv6((own, other_v6), (other, other_v6), &echo_v6), SpoofedIpv6),
        ("ARP, sender's IP", Frame::arp_request(own, own, gateway, other_v4), Spoofed),
        ("ARP, sender's MAC", Frame::arp_request(own, other, own_v4, other_v4), Spoofed),
        ("ARP, frame's MAC", Frame::arp_request(other, own, own_v4, other_v4), Spoofed),
        ("ARP reply", Frame::arp_reply(own, (own, gateway), to_v4), Spoofed),
        ("NA, target", advertise((own, own_v6), (own, other_v6)), SpoofedNd),
        ("NA, MAC", advertise((own, own_v6), (other, own_v6)), SpoofedNd),
        ("NA, source", advertise((own, other_v6), (own, own_v6)), SpoofedIpv6),
        ("NS, MAC", neighbour_solicitation((own, own_v6), other, other_v6), SpoofedNd),
        ("NS, source", neighbour_solicitation((own, other_v6), own, gateway_v6()), SpoofedIpv6),
        ("DAD", duplicate_detection(own, other_v6), SpoofedIpv6),
        ("DHCP", Frame::udp((own, own_v4), everybody, (67, 68), b"offer"), DhcpServer),
        ("DHCP, odd port", Frame::udp((own, own_v4), everybody, (6700, 68), b"offer"), DhcpServer),
        ("DHCPv6", udp_in_ipv6((own, link_local(own)), ALL_NODES, (547, 546)), DhcpServer),
        ("RA", router_advertisement(own), RouterAdvertisement),
        ("redirect", redirect(own, other_v6, (other, other_v6)), Redirect),
        ("neither IP nor ARP", Frame::ethernet(other, own, 0x88b5, b"experiment"), Spoofed),
    ]
}

fn gateway_v6() -> Ipv6Addr {
    "fd00:1::1".parse().unwrap()
}

#[test]
fn lies_are_dropped_and_counted_by_reason() {
    let scene = Scene::start(2).unwrap();
    scene.admit_everybody().unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 1, 2]).unwrap();
    let [liar, beside, there] = &segment.guests[..] else { panic!("three guests") };
    assert_reaches(liar, beside.v4());
    assert_reaches(liar, there.v4());
    let captures = [beside, there].map(|guest| guest.capture("").unwrap());

    let lies = lies(liar, there);
    let mut expected = matched(&scene, 1, &liar.port);
    for (_, _, detail) in &lies {
        *expected.get_mut(detail).expect("every drop is looked at") += 1;
    }
    let frames: Vec<_> = lies.iter().map(|(_, frame, _)| frame.clone()).collect();
    liar.send_frames(&frames).unwrap();
    let as_expected = || matched(&scene, 1, &liar.port) == expected;
    wait_until("every lie to be counted", ARRIVAL, as_expected).unwrap_or_else(|error| {
        panic!("{error}: {:?}, not {expected:?}", matched(&scene, 1, &liar.port))
    });

    // The same kinds of frame are let through where they are true.
    let (own, v4, v6) = (liar.mac(), liar.v4(), liar.v6());
    let everybody = (Mac::BROADCAST, Ipv4Addr::BROADCAST);
    let nobody = (Mac::BROADCAST, Ipv4Addr::UNSPECIFIED);
    let truths = [
        Frame::echo_request((own, v4), everybody),
        Frame::arp_request(own, own, v4, Ipv4Addr::new(10, 1, 0, 77)),
        Frame::arp_request(own, own, v4, v4),
        Frame::neighbour_advertisement((own, v6), ALL_NODES, (own, v6)),
        neighbour_solicitation((own, v6), own, "fd00:1::77".parse().unwrap()),
        neighbour_solicitation((own, link_local(own)), own, "fd00:1::78".parse().unwrap()),
        // A DHCP client that has no address yet.
        Frame::udp((own, nobody.1), everybody, (68, 67), b"discover"),
        udp_in_ipv6((own, link_local(own)), ALL_NODES, (546, 547)),
    ];
    liar.send_frames(&truths).unwrap();
    for capture in captures {
        let bytes = |frame: &Frame| frame.as_bytes().to_vec();
        let missing = || {
            let seen = capture.frames().unwrap();
            let missing = (0..truths.len()).filter(|&truth| !seen.contains(&bytes(&truths[truth])));
            missing.collect::<Vec<_>>()
        };
        wait_until("the truth", ARRIVAL, || missing().is_empty())
            .unwrap_or_else(|error| panic!("{error}: without {:?}", missing()));
        let seen = capture.stop().unwrap();
        for (name, lie, _) in &lies {
            assert!(!seen.contains(&bytes(lie)), "{name} has arrived");
        }
    }

    // Whoever finds such a cookie in a dump is told whose it is and why.
    for detail in DROPS {
        let cookie = format!("{:#x}", cookie(&liar.port, detail));
        let explanation = scene.weftd.weft_text(&["flow", "explain", &cookie]).unwrap();
        assert!(explanation.contains(&liar.port.id), "{explanation}");
        assert!(explanation.contains(detail.spec().sentence), "{explanation}");
    }
}

#[test]
fn allowed_address_pairs_and_port_security_are_followed() {
    const SECOND: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 150);
    const SECOND_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 0x150);
    const VIRTUAL: &str = "00:00:5e:00:01:0a";
    let scene = Scene::start(2).unwrap();
    scene.admit_everybody().unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [owner, peer] = &segment.guests[..] else { panic!("two guests") };
    owner.add_address(&format!("{SECOND}/24")).unwrap();
    owner.add_address(&format!("{SECOND_V6}/64")).unwrap();
    assert_reaches(peer, owner.v4());
    assert_silent(peer, SECOND);
    assert_silent(peer, SECOND_V6);

    let update = |mask: &str, port: pb::Port| {
        let port = scene.update_port(&owner.port.id, &[mask], port).unwrap();
        scene.api.wait(port.revision, READY).unwrap();
    };
    let pairs = |pairs: &[(&str, &str)]| pb::Port {
        allowed_address_pairs: pairs.iter().map(|(prefix, mac)| allowed(prefix, mac)).collect(),
        ..Default::default()
    };
    update("allowed_address_pairs", pairs(&[("10.1.0.128/25", ""), ("fd00:1::150", "")]));
    assert_reaches(peer, SECOND);
    assert_reaches(peer, SECOND_V6);
    assert_silent(peer, Ipv4Addr::new(10, 1, 0, 127));

    // An address with a MAC of its own, as VRRP has: what goes to it is flooded.
    update("allowed_address_pairs", pairs(&[("10.1.0.150/32", VIRTUAL)]));
    assert_silent(peer, SECOND_V6);
    let virtual_mac: Mac = VIRTUAL.parse().unwrap();
    let question = Frame::echo_request((peer.mac(), peer.v4()), (virtual_mac, SECOND));
    let announcement = Frame::arp_request(virtual_mac, virtual_mac, SECOND, SECOND);
    for (sender, receiver, frame) in [(peer, owner, question), (owner, peer, announcement)] {
        let capture = receiver.capture("").unwrap();
        sender.send_frames(std::slice::from_ref(&frame)).unwrap();
        let there = || capture.frames().unwrap().contains(&frame.as_bytes().to_vec());
        wait_until("a frame of the virtual MAC", ARRIVAL, there).unwrap();
    }

    // Without port security every lie passes; with it again, none does.
    update("allowed_address_pairs", pairs(&[]));
    assert_silent(peer, SECOND);
    let off = |off: bool| pb::Port { port_security_enabled: Some(!off), ..Default::default() };
    update("port_security_enabled", off(true));
    // Asked anew: the announcement has told the peer of the virtual MAC.
    assert_eq!(peer.resolve(SECOND).unwrap().as_deref(), Some(&*owner.port.mac_address));
    assert_reaches(peer, SECOND);
    let capture = peer.capture("").unwrap();
    let lies: Vec<_> = lies(owner, peer).into_iter().map(|(_, frame, _)| frame).collect();
    // What the responder answers for its owner needs not arrive.
    let is_question = |frame: &Frame| {
        let bytes = frame.as_bytes();
        (bytes[12..14] == [0x08, 0x06] && bytes[21] == 1)
            || (bytes[12..14] == [0x86, 0xdd] && bytes[54] == 135)
    };
    let expected: Vec<_> = lies.iter().filter(|lie| !is_question(lie)).collect();
    assert!(expected.len() > 12);
    owner.send_frames(&lies).unwrap();
    wait_until("every lie", ARRIVAL, || {
        let seen = capture.frames().unwrap();
        expected.iter().all(|lie| seen.contains(&lie.as_bytes().to_vec()))
    })
    .unwrap_or_else(|error| panic!("{error}: {:02x?}", capture.frames()));
    update("port_security_enabled", off(false));
    assert_silent(peer, SECOND);
    assert_reaches(peer, owner.v4());
}

#[test]
fn nobody_is_told_that_its_own_address_is_taken() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [owner, peer] = &segment.guests[..] else { panic!("two guests") };
    // To the responder's address its answers come; to whom it concerns the probes come.
    const ANSWERS: &str = "arp[6:2] = 2 or (icmp6 and ip6[40] = 136)";
    let answers = owner.capture(ANSWERS).unwrap();
    let at_peer = peer.capture("arp or icmp6").unwrap();
    let (mac, v4) = (owner.mac(), owner.v4());
    let probes = [
        Frame::arp_request(mac, mac, Ipv4Addr::UNSPECIFIED, v4),
        Frame::arp_request(mac, mac, v4, v4),
        duplicate_detection(mac, owner.v6()),
        duplicate_detection(mac, link_local(mac)),
    ];
    owner.send_frames(&probes).unwrap();
    wait_until("the probes", ARRIVAL, || {
        let seen = at_peer.frames().unwrap();
        probes.iter().all(|probe| seen.contains(&probe.as_bytes().to_vec()))
    })
    .unwrap_or_else(|error| panic!("{error}: {:02x?}", at_peer.frames()));
    // Questions for the peer's addresses are answered, and nothing was before them.
    let questions = [
        Frame::arp_request(mac, mac, v4, peer.v4()),
        neighbour_solicitation((mac, owner.v6()), mac, peer.v6()),
    ];
    owner.send_frames(&questions).unwrap();
    wait_until("both answers", ARRIVAL, || answers.count().unwrap() >= 2).unwrap();
    let answers = answers.stop().unwrap();
    assert_eq!(answers.len(), 2, "{answers:02x?}");
    assert!(answers.iter().all(|answer| answer[6..12] == peer.mac().0), "{answers:02x?}");

    // A kernel that looks for duplicates finds none.
    let v6 = format!("{}/64", owner.v6());
    let shell = "echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_dad";
    owner.exec("sh", &["-c", shell]).unwrap();
    owner.netns().ip(&["address", "delete", &v6, "dev", "eth0"]).unwrap();
    owner.add_address(&v6).unwrap();
    let state = || owner.netns().ip(&["-6", "address", "show", "dev", "eth0"]).unwrap();
    assert!(state().contains("tentative"), "detection is on: {}", state());
    wait_until("its end", READY, || !state().contains("tentative")).unwrap();
    assert!(!state().contains("dadfailed"), "{}", state());
    assert_reaches(peer, owner.v6());
}
