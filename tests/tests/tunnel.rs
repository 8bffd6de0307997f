//! What comes in by the tunnel port although no host of the fleet has sent it for a VM here.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::UdpSocket;
use std::time::Duration;

use lab::{Frame, Host, Mac, wait_until};
use proto::v1::host::State;
use tests::{Kind, Scene, assert_reaches, vxlan_datagram};
use topology::cookie::{BlockKind, Cookie};
use topology::pipeline::Detail;

/// How long a packet may take to where it is looked for.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Sends a tenant's frame to another host's tunnel endpoint, as a tunnel endpoint does, until it
/// is seen to have arrived: the underlay may lose the first while it looks for the other end.
#[track_caller]
fn tunnel(from: &Host, to: &Host, vni: u32, frame: &Frame, arrived: impl Fn() -> bool) {
    wait_until("the packet from the tunnel", ARRIVAL, || {
        let sent = from.netns().enter(|| {
            let socket = UdpSocket::bind((from.tunnel_ip(), 0))?;
            Ok(socket.send_to(&vxlan_datagram(vni, frame), (to.tunnel_ip(), 4789))?)
        });
        sent.unwrap();
        arrived()
    })
    .unwrap();
}

#[test]
fn only_hosts_of_the_fleet_and_networks_of_theirs_get_through() {
    let scene = Scene::with_options(3, Default::default()).unwrap();
    // The third host is on the underlay, but nobody's.
    for number in [1, 2] {
        scene.host(number).set_manager(scene.lab.controller_address()).unwrap();
        scene.wait_host(number, State::Ready).unwrap();
    }
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    // On host 2 only: host 1 has no business with it.
    let elsewhere = scene.segment(Kind::Vxlan, 2, &[2]).unwrap();
    let [vm, peer] = &segment.guests[..] else { panic!("two guests") };
    assert_reaches(peer, vm.v4());
    let [first, second, third] = [1, 2, 3].map(|number| scene.host(number));

    let vni = segment.network.segmentation_id;
    let question = |to: Mac| Frame::echo_request((peer.mac(), peer.v4()), (to, vm.v4()));
    let seen = vm.capture("icmp[0] = 8").unwrap();
    let stranger = "fa:16:3e:99:99:99".parse().unwrap();
    for (from, vni, to, reason) in [
        (third, vni, vm.mac(), Detail::UnknownVtep),
        (third, vni, Mac::BROADCAST, Detail::UnknownVtep),
        (second, vni + 1000, vm.mac(), Detail::UnknownVni),
        (second, elsewhere.network.segmentation_id, Mac::BROADCAST, Detail::UnknownVni),
        (second, vni, stranger, Detail::TunnelNoPort),
    ] {
        let before = scene.dropped(1, reason);
        tunnel(from, first, vni, &question(to), || scene.dropped(1, reason) > before);
    }
    // Whoever reads the switch's own dump can ask what dropped it, by the whole line.
    let dump = first.dump_flows("br-int").unwrap();
    for (reason, why) in [
        (Detail::UnknownVtep, "tunnel packet from an address that is no host's tunnel endpoint"),
        (Detail::UnknownVni, "tunnel packet with the VNI of no network that has a port here"),
    ] {
        let of_reason = |line: &&String| {
            let cookie = line.split(['=', ',']).nth(1).and_then(|text| text.strip_prefix("0x"));
            let cookie = Cookie(u64::from_str_radix(cookie.unwrap(), 16).unwrap());
            cookie.kind() == Some(BlockKind::HostBase) && cookie.detail() == Some(reason)
        };
        let line = dump.iter().find(of_reason).unwrap();
        let said = scene.weftd.weft_text(&["flow", "explain", line]).unwrap();
        assert!(said.contains(why) && said.contains("host h1 "), "{said}");
        assert!(!line.contains("n_packets=0,"), "{line}");
    }

    // The same from where it may come from, in the VNI that the VM is in, arrives.
    let welcome = question(vm.mac());
    tunnel(second, first, vni, &welcome, || seen.count().unwrap() > 0);
    let seen = seen.stop().unwrap();
    assert!(seen.iter().all(|frame| frame == welcome.as_bytes()), "{seen:02x?}");

    // A host that joins the fleet is known at once.
    third.set_manager(scene.lab.controller_address()).unwrap();
    scene.wait_ready().unwrap();
    let late = scene.guest(&segment.network, 3).unwrap();
    scene.wait_active([&late]).unwrap();
    assert_reaches(&late, vm.v4());
}

#[test]
fn floods_are_not_handed_on_from_host_to_host() {
    let scene = Scene::start(3).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2, 3]).unwrap();
    let [a, b, c] = &segment.guests[..] else { panic!("three guests") };
    assert_reaches(a, b.v4());
    assert_reaches(a, c.v4());
    let everybody = Frame::echo_request((b.mac(), b.v4()), (Mac::BROADCAST, a.v4()));
    let [at_a, at_c] = [a, c].map(|guest| guest.capture("ether broadcast and icmp").unwrap());
    // It comes to host 1 as from host 2: its VM gets it, host 3 must not.
    let before = scene.dropped(1, Detail::FloodNotOnward);
    let [first, second] = [1, 2].map(|number| scene.host(number));
    tunnel(second, first, segment.network.segmentation_id, &everybody, || {
        scene.dropped(1, Detail::FloodNotOnward) > before && at_a.count().unwrap() > 0
    });
    assert_reaches(a, c.v4());
    let at_a = at_a.stop().unwrap();
    assert!(at_a.iter().all(|frame| frame == everybody.as_bytes()), "{at_a:02x?}");
    assert_eq!(at_c.stop().unwrap(), Vec::<Vec<u8>>::new());
}
