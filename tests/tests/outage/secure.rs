//! There is no moment in which something passes that must not.

use std::time::Duration;

use lab::{Capture, Frame, wait_until};
use proto::v1 as pb;
use proto::v1::host::State;
use tests::{Guest, Kind, READY, Scene, assert_reaches, assert_silent};

/// Between two frames of a sender.
const PACE: Duration = Duration::from_millis(2);

/// The UDP port of what must not arrive, and of what may.
const DENIED: u16 = 6666;
const ALLOWED: u16 = 7777;

/// A datagram to `to` that says it is from `from`'s Ethernet and IP address.
fn datagram(from: &Guest, to: &Guest, port: u16) -> Frame {
    let (source, target) = ((from.mac(), from.v4()), (to.mac(), to.v4()));
    Frame::udp(source, target, (port, port), b"weft")
}

/// Frames to a port, to a capture at its VM.
fn to_port(victim: &Guest, port: u16) -> Capture {
    victim.capture(&format!("udp dst port {port}")).unwrap()
}

#[test]
fn nothing_denied_passes_while_ovs_vswitchd_dies_and_comes_back() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[2, 1, 1, 2]).unwrap();
    let [victim, ally, far_liar, near_liar] = &segment.guests[..] else { panic!("four guests") };
    // Strangers have the same addresses in networks of their own; outsiders are in the victim's
    // network and in no group that it lets in.
    let elsewhere = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let outside = scene.group("outside", [tests::Allow::egress()]).unwrap();
    let port = pb::Port { security_group_ids: vec![outside.id], ..Default::default() };
    let outsiders =
        [1, 2].map(|host| scene.guest_with(&segment.network, host, port.clone()).unwrap());
    scene.wait_active(&outsiders).unwrap();
    assert_reaches(ally, victim.v4());

    let denied = to_port(victim, DENIED);
    let mut senders = Vec::new();
    let mut send = |guest: &Guest, frames: &[Frame]| {
        senders.push(guest.repeat_frames(frames, PACE).unwrap());
    };
    // Somebody else's addresses; an address of nobody's; one's own, not let in.
    for liar in [far_liar, near_liar] {
        let nobody = Frame::udp(
            (liar.mac(), [10, 1, 0, 250].into()),
            (victim.mac(), victim.v4()),
            (DENIED, DENIED),
            b"weft",
        );
        send(liar, &[datagram(ally, victim, DENIED), nobody]);
    }
    elsewhere.guests.iter().for_each(|it| send(it, &[datagram(it, victim, DENIED)]));
    outsiders.iter().for_each(|it| send(it, &[datagram(it, victim, DENIED)]));
    send(ally, &[datagram(ally, victim, ALLOWED)]);
    let passes = |what: &str| {
        let allowed = to_port(victim, ALLOWED);
        wait_until(what, READY, || allowed.count().unwrap() > 20).unwrap();
        assert_eq!(denied.count().unwrap(), 0, "{what}: something denied has arrived");
    };
    passes("the ally to be heard");

    for number in [1, 2] {
        let host = scene.host(number).clone();
        for round in 0..4 {
            if round % 2 == 0 { host.kill_vswitchd() } else { host.stop_vswitchd() }.unwrap();
            let down = || scene.record(number).unwrap().state() == State::Offline;
            wait_until("the controller to miss it", READY, down).unwrap();
            host.start_vswitchd().unwrap();
            assert_eq!(host.vsctl(&["get-fail-mode", "br-int"]).unwrap().trim(), "secure");
            scene.wait_host(number, State::Ready).unwrap();
            passes("the ally to be heard again");
        }
        // Somebody takes every flow away, and the way back is as long.
        host.ofctl(&["del-flows", "br-int"]).unwrap();
        passes("the ally to be heard once more");
    }

    // What was sent all the time does arrive where it may.
    let open = pb::Port { port_security_enabled: Some(false), ..Default::default() };
    for guest in [near_liar, victim] {
        let mask = ["port_security_enabled", "security_group_ids"];
        scene.update_port(&guest.port.id, &mask, open.clone()).unwrap();
    }
    wait_until("the liar to be heard", READY, || denied.count().unwrap() > 20).unwrap();
}

#[test]
fn a_host_that_waits_for_its_flows_is_told_of_and_left_to_whoever_made_it_wait() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [a, b] = &segment.guests[..] else { panic!("two guests") };
    assert_reaches(a, b.v4());
    let host = scene.host(2).clone();
    host.vsctl(&["set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true"]).unwrap();
    host.stop_vswitchd().unwrap();
    host.start_vswitchd().unwrap();
    scene.wait_host(2, State::Offline).unwrap();
    let told = || scene.weftd.log().unwrap().contains("other_config:flow-restore-wait is true");
    wait_until("a word about it", READY, told).unwrap();
    let attempts = scene.weftd.log().unwrap().matches("switch connected").count();
    assert_silent(a, b.v4());
    // What it is told through its own socket, as scripts do that restore flows, it takes.
    host.ofctl(&["add-flow", "br-int", "cookie=0x57ef,table=0,priority=1,actions=drop"]).unwrap();
    assert_eq!(scene.weftd.log().unwrap().matches("switch connected").count(), attempts);

    host.vsctl(&["remove", "Open_vSwitch", ".", "other_config", "flow-restore-wait"]).unwrap();
    scene.wait_host(2, State::Ready).unwrap();
    assert_reaches(a, b.v4());
}
