//! What a port needs to have an address at all is not for rules to judge.

use std::net::{Ipv4Addr, Ipv6Addr};

use lab::{Frame, Mac, wait_until};
use proto::v1 as pb;
use tests::{
    Guest, Kind, READY, Scene, link_local, neighbour_solicitation, router_advertisement,
    udp_in_ipv6,
};

use super::{ARRIVAL, all_egress, all_ingress};

const ALL_NODES: (Mac, Ipv6Addr) =
    (Mac([0x33, 0x33, 0, 0, 0, 1]), Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1));

const EVERYBODY: (Mac, Ipv4Addr) = (Mac::BROADCAST, Ipv4Addr::BROADCAST);

/// Claims that all of these arrive.
#[track_caller]
fn assert_arrive(from: &Guest, to: &Guest, frames: &[Frame]) {
    let capture = to.capture("").unwrap();
    from.send_frames(frames).unwrap();
    let there = || {
        let seen = capture.frames().unwrap();
        frames.iter().all(|frame| seen.contains(&frame.as_bytes().to_vec()))
    };
    wait_until("all of them", ARRIVAL, there)
        .unwrap_or_else(|error| panic!("{error}: {:02x?}", capture.frames()));
}

#[test]
fn a_port_without_any_group_is_a_dhcp_client_and_a_neighbour() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 1, 2]).unwrap();
    let [server, near, far] = &segment.guests[..] else { panic!("three guests") };
    // The server is trusted with anything.
    let off = pb::Port { port_security_enabled: Some(false), ..Default::default() };
    let mask = ["port_security_enabled", "security_group_ids"];
    let port = scene.update_port(&server.port.id, &mask, off).unwrap();
    scene.api.wait(port.revision, READY).unwrap();
    for client in [near, far] {
        scene.put_in(client, &[]).unwrap();
        let (mac, v4, v6) = (client.mac(), client.v4(), client.v6());
        let nobody = (mac, Ipv4Addr::UNSPECIFIED);
        let unknown = "fd00:1::77".parse().unwrap();
        let questions = [
            Frame::udp(nobody, EVERYBODY, (68, 67), b"discover"),
            udp_in_ipv6((mac, link_local(mac)), ALL_NODES, (546, 547)),
            Frame::arp_request(mac, mac, v4, Ipv4Addr::new(10, 1, 0, 77)),
            neighbour_solicitation((mac, v6), mac, unknown),
            Frame::neighbour_advertisement((mac, v6), ALL_NODES, (mac, v6)),
        ];
        assert_arrive(client, server, &questions);
        let (own, own_v4) = (server.mac(), server.v4());
        let answers = [
            Frame::udp((own, own_v4), EVERYBODY, (67, 68), b"offer"),
            Frame::udp((own, own_v4), (mac, v4), (67, 68), b"ack"),
            udp_in_ipv6((own, link_local(own)), (mac, link_local(mac)), (547, 546)),
            router_advertisement(own),
            Frame::neighbour_advertisement((own, server.v6()), ALL_NODES, (own, server.v6())),
        ];
        assert_arrive(server, client, &answers);
        assert_eq!(
            client.resolve(server.v4()).unwrap().as_deref(),
            Some(&*server.port.mac_address)
        );
        assert_eq!(
            client.resolve(server.v6()).unwrap().as_deref(),
            Some(&*server.port.mac_address)
        );
    }
}

/// Pieces of a datagram in IPv4: a first one may not be
/// much shorter, for conntrack takes it for an attack then.
fn in_two_pieces(frame: &Frame) -> [Frame; 2] {
    const HEADERS: usize = 14 + 20;
    const FIRST: usize = 1208;
    let bytes = frame.as_bytes();
    let address = |at: usize| Ipv4Addr::from(<[u8; 4]>::try_from(&bytes[at..at + 4]).unwrap());
    let mac = |at: usize| Mac(bytes[at..at + 6].try_into().unwrap());
    let (from, to) = ((mac(6), address(26)), (mac(0), address(30)));
    let payload = &bytes[HEADERS..];
    // More fragments; then the offset, in units of eight bytes.
    let first = Frame::ipv4_fragment(from, to, 17, 0x2000, &payload[..FIRST]);
    let later = Frame::ipv4_fragment(from, to, 17, (FIRST / 8) as u16, &payload[FIRST..]);
    [first, later]
}

#[test]
fn a_dhcp_answer_is_one_in_pieces_too() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [liar, victim] = &segment.guests[..] else { panic!("two guests") };
    let open = scene.group("open", all_ingress().into_iter().chain(all_egress())).unwrap();
    for guest in [liar, victim] {
        scene.put_in(guest, &[&open]).unwrap();
    }
    let (from, to) = ((liar.mac(), liar.v4()), (victim.mac(), victim.v4()));
    let answer = [0x57; 1400];
    // The same to another port shows that pieces as such get through.
    let lie = in_two_pieces(&Frame::udp(from, to, (67, 68), &answer));
    let truth = in_two_pieces(&Frame::udp(from, to, (6700, 6800), &answer));
    let at_victim = victim.capture("ip[6:2] & 0x3fff != 0").unwrap();
    liar.send_frames(&[&lie[..], &truth[..]].concat()).unwrap();
    wait_until("the truth", ARRIVAL, || {
        let seen = at_victim.frames().unwrap();
        truth.iter().all(|frame| seen.contains(&frame.as_bytes().to_vec()))
    })
    .unwrap();
    let seen = at_victim.stop().unwrap();
    assert_eq!(seen.len(), truth.len(), "{seen:02x?}");
}
