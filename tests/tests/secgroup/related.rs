//! Errors that belong to a connection pass with it, and no others.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use lab::{Frame, wait_until};
use tests::{Allow, Guest, Kind, Scene};

use super::{ARRIVAL, all_egress, at};

/// What a socket learns of a port where nobody listens.
fn is_refused(socket: &UdpSocket) -> bool {
    socket.send(b"anybody?").ok();
    socket.recv(&mut [0; 16]).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// A socket that is connected to a peer.
fn socket(guest: &Guest, from: SocketAddr, to: SocketAddr) -> UdpSocket {
    let open = || {
        let socket = UdpSocket::bind(from)?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        socket.connect(to)?;
        Ok(socket)
    };
    guest.netns().enter(open).unwrap()
}

#[test]
fn errors_of_a_connection_pass_and_no_others() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 1, 2]).unwrap();
    let [client, near, far] = &segment.guests[..] else { panic!("three guests") };
    scene.put_in(client, &[&scene.group("clients", all_egress()).unwrap()]).unwrap();
    let rules = [Allow::ingress().udp(5000), Allow::ingress().v6().udp(5000)];
    // The servers may begin nothing: what they send is an answer or an error.
    let servers = scene.group("servers", rules).unwrap();
    for server in [near, far] {
        scene.put_in(server, &[&servers]).unwrap();
        let v4 = socket(client, at(client.v4(), 6000), at(server.v4(), 5000));
        wait_until("port unreachable", ARRIVAL, || is_refused(&v4)).unwrap();
        let v6 = socket(client, at(client.v6(), 6000), at(server.v6(), 5000));
        wait_until("port unreachable, IPv6", ARRIVAL, || is_refused(&v6)).unwrap();
        let denied = socket(client, at(client.v4(), 6001), at(server.v4(), 5001));
        assert!(!is_refused(&denied), "an error of what was not let through");

        let at_client = client.capture("icmp or icmp6").unwrap();
        let [too_big, too_big_v6] = [6000, 6002].map(|port| too_big(client, server, port));
        let (errors, strays) = ([&too_big[0], &too_big[1]], [&too_big_v6[0], &too_big_v6[1]]);
        let all: Vec<_> = strays.into_iter().chain(errors).cloned().collect();
        server.send_frames(&all).unwrap();
        let seen = |frame: &Frame| at_client.frames().unwrap().contains(&frame.as_bytes().to_vec());
        wait_until("packet too big", ARRIVAL, || errors.into_iter().all(seen)).unwrap();
        for stray in strays {
            assert!(!seen(stray), "an error of no connection has arrived: {stray:02x?}");
        }
    }
}

/// What a router says of a datagram from `port` of the client that is too long for it, by IPv4 and
/// IPv6; here it is the server that says it.
fn too_big(client: &Guest, server: &Guest, port: u16) -> [Frame; 2] {
    let (from, to) = ((client.mac(), client.v4()), (server.mac(), server.v4()));
    let datagram = Frame::udp(from, to, (port, 5000), b"too much");
    // Destination unreachable, fragmentation needed: RFC 1191 §4, the next hop's MTU is 1300.
    let mut error = vec![3, 4, 0, 0, 0, 0, 5, 20];
    error.extend(&datagram.as_bytes()[14..42]);
    let v4 = Frame::icmp(to, from, &error);

    let (from, to) = ((client.mac(), client.v6()), (server.mac(), server.v6()));
    let datagram = tests::udp_in_ipv6(from, to, (port, 5000));
    // RFC 4443 §3.2.
    let mut error = vec![2, 0, 0, 0, 0, 0, 5, 20];
    error.extend(&datagram.as_bytes()[14..]);
    [v4, Frame::icmpv6(to, from, &error)]
}
