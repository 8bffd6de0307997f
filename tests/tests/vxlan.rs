//! VXLAN networks: reach, isolation, and what does not cross the underlay.

use std::net::IpAddr;
use std::time::Duration;

use lab::{Frame, Mac, Nic, Ping, WeftdOptions, vxlan};
use tests::{Guest, Kind, Scene, assert_reaches, assert_silent};
use topology::pipeline::Detail;

/// Echo requests of both families, to a capture.
const ECHO_REQUEST: &str = "icmp[0] = 8 or (icmp6 and ip6[40] = 128)";

/// How long a frame may take from one VM to another.
const ARRIVAL: Duration = Duration::from_secs(10);

#[test]
fn vms_on_three_hosts_reach_each_other() {
    let scene = Scene::start(3).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 1, 2, 3]).unwrap();
    for (from, to) in segment.pairs() {
        assert_reaches(from, to.v4());
        assert_reaches(from, to.v6());
    }

    let [here, beside, there, _] = &segment.guests[..] else { panic!("four guests") };
    let _servers = [beside.serve_echo(7).unwrap(), there.serve_echo(7).unwrap()];
    for peer in [beside, there] {
        here.tcp_echo(peer.v4(), 7, 4_000_000).unwrap();
        here.tcp_echo(peer.v6(), 7, 4_000_000).unwrap();
        let largest = here.ping_with(&Ping::to(peer.v4()).payload(1422)).unwrap();
        assert!(largest.is_complete(), "a packet of the network's MTU passes: {largest:?}");
    }
    assert_eq!(segment.network.mtu, 1450);
}

#[test]
fn tunnels_run_over_ipv6() {
    let options = WeftdOptions { args: vec!["--underlay-ipv6".into()], ..WeftdOptions::default() };
    let scene = Scene::with_options(2, options).unwrap();
    scene.lab.set_managers().unwrap();
    for host in scene.lab.hosts() {
        host.exec("sh", &["-c", "echo 0 > /proc/sys/net/ipv6/conf/br-phy/disable_ipv6"]).unwrap();
        let address = format!("fd99::{}", host.number());
        let netns = host.netns();
        netns.ip(&["address", "add", &format!("{address}/64"), "dev", "br-phy", "nodad"]).unwrap();
        netns.ip(&["address", "flush", "dev", "br-phy", "scope", "global", "to", "0/0"]).unwrap();
        let encap = format!("external_ids:weft-encap-ip=\"{address}\"");
        host.vsctl(&["set", "Open_vSwitch", ".", &encap]).unwrap();
        let told = || scene.record(host.number()).is_ok_and(|record| record.tunnel_ip == address);
        lab::wait_until("the controller to be told", ARRIVAL, told).unwrap();
    }
    scene.wait_ready().unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    assert_eq!(segment.network.mtu, 1430);
    let seen = scene.host(1).capture(Nic::Underlay, "ip6 and udp port 4789").unwrap();
    for (from, to) in segment.pairs() {
        assert_reaches(from, to.v4());
        assert_reaches(from, to.v6());
    }
    let [here, there] = &segment.guests[..] else { panic!("two guests") };
    let _server = there.serve_echo(7).unwrap();
    here.tcp_echo(there.v4(), 7, 1_000_000).unwrap();
    assert!(seen.count().unwrap() > 100, "the tunnel is an IPv6 one");
}

#[test]
fn networks_with_the_same_addresses_stay_apart() {
    let scene = Scene::start(2).unwrap();
    // The same subnets, and the same MAC addresses: on h1 the askers, on h2 those who answer.
    let macs = ["fa:16:3e:aa:00:01", "fa:16:3e:aa:00:02"];
    let [red, blue] = [(); 2].map(|()| {
        let network = scene.network(Kind::Vxlan).unwrap();
        scene.subnet(&network, "10.7.0.0/24").unwrap();
        scene.subnet(&network, "fd00:7::/64").unwrap();
        let guests = [1, 2].map(|host| {
            let mac_address = macs[usize::from(host) - 1].to_owned();
            let port = proto::v1::Port { mac_address, ..Default::default() };
            scene.guest_with(&network, host, port).unwrap()
        });
        scene.wait_active(&guests).unwrap();
        guests
    });
    assert_eq!(red[1].port.fixed_ips[0].ip_address, blue[1].port.fixed_ips[0].ip_address);

    for (own, other) in [(&red, &blue), (&blue, &red)] {
        let (asker, twin, stranger) = (&own[0], &own[1], &other[1]);
        let [at_twin, at_stranger] = [twin, stranger].map(|vm| vm.capture(ECHO_REQUEST).unwrap());
        assert_reaches(asker, twin.v4());
        assert_reaches(asker, twin.v6());
        // Broadcast and a destination that nobody has stay within, too.
        let nobody = "fa:16:3e:aa:00:99".parse().unwrap();
        for to in [Mac::BROADCAST, nobody] {
            let frame = Frame::echo_request((asker.mac(), asker.v4()), (to, twin.v4()));
            asker.send_frames(&[frame]).unwrap();
        }
        // Three and the first of each family, and the broadcast.
        let all = || at_twin.count().unwrap() > 8;
        lab::wait_until("the echo requests", ARRIVAL, all).unwrap();
        assert_eq!(at_stranger.stop().unwrap(), Vec::<Vec<u8>>::new());
    }

    // Whoever answers is the twin: with it gone nobody does, although the other one is still there.
    let [red_asker, red_twin] = red;
    let (v4, v6) = (red_twin.v4(), red_twin.v6());
    red_twin.unplug().unwrap();
    assert_silent(&red_asker, v4);
    assert_silent(&red_asker, v6);
    assert_reaches(&blue[0], v4);
}

#[test]
fn known_addresses_are_resolved_without_asking_other_hosts() {
    let scene = Scene::start(3).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2, 3]).unwrap();
    let questions = [vxlan::ARP, vxlan::NEIGHBOUR_SOLICITATION];
    let filter = questions.map(|filter| format!("({filter})")).join(" or ");
    let captures = scene.lab.hosts().iter().map(|host| host.capture(Nic::Underlay, &filter));
    let captures: Vec<_> = captures.map(Result::unwrap).collect();
    for (from, to) in segment.pairs() {
        let mac = to.port.mac_address.as_str();
        assert_eq!(from.resolve(to.v4()).unwrap().as_deref(), Some(mac));
        assert_eq!(from.resolve(to.v6()).unwrap().as_deref(), Some(mac));
        assert_reaches(from, to.v4());
        assert_reaches(from, to.v6());
    }
    for (capture, host) in captures.into_iter().zip(scene.lab.hosts()) {
        let seen = capture.stop().unwrap();
        assert_eq!(seen, Vec::<Vec<u8>>::new(), "on the underlay of {}", host.name());
    }

    // The filters would have seen them: what nobody is known to have is asked for everywhere.
    let nobody: [IpAddr; 2] = ["10.1.0.200".parse().unwrap(), "fd00:1::200".parse().unwrap()];
    for (filter, address) in questions.iter().zip(nobody) {
        let seen = scene.host(2).capture(Nic::Underlay, filter).unwrap();
        assert_eq!(segment.guests[0].resolve(address).unwrap(), None, "nobody has {address}");
        lab::wait_until("the question", ARRIVAL, || seen.count().unwrap() > 0).unwrap();
    }
}

#[test]
fn broadcast_reaches_each_member_once_and_not_its_sender() {
    let scene = Scene::start(3).unwrap();
    // Two beside the sender, one on the next host, two on the third, and a stranger everywhere.
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 1, 1, 2, 3, 3]).unwrap();
    let strangers = scene.segment(Kind::Vxlan, 2, &[1, 2]).unwrap();
    let sender = &segment.guests[0];
    // The underlay is awake: the first tunnel packet to a host is lost while it is looked for.
    segment.guests[1..].iter().for_each(|guest| assert_reaches(sender, guest.v4()));

    let capture = |guest: &Guest| guest.capture("udp port 7777").unwrap();
    let at_members: Vec<_> = segment.guests.iter().map(capture).collect();
    let at_strangers: Vec<_> = strangers.guests.iter().map(capture).collect();
    let groups = [Mac::BROADCAST, Mac([0x01, 0, 0x5e, 0, 0, 0xfb])];
    let frames = groups.map(|group| {
        let to = (group, "255.255.255.255".parse().unwrap());
        Frame::udp((sender.mac(), sender.v4()), to, (7777, 7777), b"to all")
    });
    let own_copies = scene.dropped(1, Detail::OwnVtep);
    const ROUNDS: usize = 5;
    for _ in 0..ROUNDS {
        sender.send_frames(&frames).unwrap();
    }
    let sent = frames.iter().map(|frame| frame.as_bytes().to_vec());
    let mut sent: Vec<_> = sent.cycle().take(ROUNDS * frames.len()).collect();
    // They may overtake each other.
    sent.sort();
    for capture in &at_members {
        let all = || capture.count().unwrap() >= sent.len();
        lab::wait_until("every copy", ARRIVAL, all).unwrap();
    }
    // A packet sent last has pushed out whatever was still under way.
    segment.guests[1..].iter().for_each(|guest| assert_reaches(sender, guest.v4()));
    for (capture, guest) in at_members.into_iter().zip(&segment.guests) {
        // The sender's capture has what it sent itself, and would have a copy beside that.
        let mut seen = capture.stop().unwrap();
        seen.sort();
        assert_eq!(seen, sent, "at {}", guest.name());
    }
    for capture in at_strangers {
        assert_eq!(capture.stop().unwrap(), Vec::<Vec<u8>>::new(), "in another network");
    }
    // The list of copies names the sender's own host, too: that copy ends here, not in a loop.
    let dropped = scene.dropped(1, Detail::OwnVtep) - own_copies;
    assert!(dropped >= sent.len() as u64, "{dropped}");
}
