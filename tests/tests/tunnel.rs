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
const ARRIVAL: Duration = Duration::from_secs(5);

/// Sends a tenant's frame to another host's tunnel endpoint, as a tunnel endpoint does.
fn tunnel(from: &Host, to: &Host, vni: u32, frame: &Frame) {
    let sent = from.netns().enter(|| {
        let socket = UdpSocket::bind((from.tunnel_ip(), 0))?;
        Ok(socket.send_to(&vxlan_datagram(vni, frame), (to.tunnel_ip(), 4789))?)
    });
    assert!(sent.unwrap() > frame.as_bytes().len(), "the header and the frame");
}

/// Waits until a host's kernel reaches another's tunnel address: the first packet may be lost.
fn resolve(from: &Host, to: &Host) {
    let ping = || from.exec("ping", &["-n", "-c", "1", "-W", "1", &to.tunnel_ip().to_string()]);
    wait_until("the underlay", ARRIVAL, || ping().is_ok()).unwrap();
}

/// Packets that a host has dropped for a reason of its own.
fn dropped(scene: &Scene, host: u16, reason: Detail) -> u64 {
    let flows = scene.flows(host).unwrap();
    let is = |cookie: Cookie| {
        cookie.kind() == Some(BlockKind::HostBase) && cookie.detail() == Some(reason)
    };
    let flows: Vec<_> = flows.iter().filter(|flow| is(Cookie(flow.cookie))).collect();
    assert!(!flows.is_empty() && flows.iter().all(|flow| flow.rule.ends_with("actions=drop")));
    flows.iter().map(|flow| flow.packets).sum()
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
    [second, third].iter().for_each(|host| resolve(host, first));

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
        let before = dropped(&scene, 1, reason);
        tunnel(from, first, vni, &question(to));
        wait_until("the drop", ARRIVAL, || dropped(&scene, 1, reason) == before + 1)
            .unwrap_or_else(|error| panic!("{reason:?}: {error}"));
    }
    // The same from where it may come from, in the VNI that the VM is in, arrives.
    let welcome = question(vm.mac());
    tunnel(second, first, vni, &welcome);
    wait_until("the echo request", ARRIVAL, || seen.count().unwrap() > 0).unwrap();
    assert_eq!(seen.stop().unwrap(), [welcome.as_bytes().to_vec()]);

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
    resolve(scene.host(2), scene.host(1));
    // It comes to host 1 as from host 2: its VM gets it, host 3 must not.
    let before = dropped(&scene, 1, Detail::FloodNotOnward);
    tunnel(scene.host(2), scene.host(1), segment.network.segmentation_id, &everybody);
    // At least: multicast of the VMs' own may end there at the same time.
    let ended = || dropped(&scene, 1, Detail::FloodNotOnward) > before;
    wait_until("the flood's end", ARRIVAL, ended).unwrap();
    wait_until("the frame", ARRIVAL, || at_a.count().unwrap() == 1).unwrap();
    assert_reaches(a, c.v4());
    assert_eq!(at_a.stop().unwrap(), [everybody.as_bytes().to_vec()]);
    assert_eq!(at_c.stop().unwrap(), Vec::<Vec<u8>>::new());
}
