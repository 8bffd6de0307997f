//! VLAN and FLAT networks: across hosts, to machines nobody modelled, and on the wire.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;
use std::time::Duration;

use lab::{Frame, Mac, Nic, PHYSICAL_NETWORK, Station, WeftdOptions, wait_until};
use tests::{Kind, READY, Scene, Segment, assert_reaches, assert_silent, refusal};
use tonic::Code;
use topology::pipeline::Detail;

/// How long a frame may take to where it is looked for.
const ARRIVAL: Duration = Duration::from_secs(10);

/// A machine on the physical switch with the address of the subnets' gateways.
fn router(scene: &Scene, vlan: Option<u16>, number: u8) -> (Station, [IpAddr; 2]) {
    let station = scene.lab.station(vlan).unwrap();
    let addresses = [format!("10.{number}.0.1"), format!("fd00:{number}::1")];
    let lengths = ["24", "64"];
    let both = addresses.iter().zip(lengths).map(|(address, length)| format!("{address}/{length}"));
    let both: Vec<_> = both.collect();
    station.configure(&both.iter().map(String::as_str).collect::<Vec<_>>(), &[], 1500).unwrap();
    (station, addresses.map(|address| address.parse().unwrap()))
}

/// VMs of the segment reach each other and the router, and the router them.
fn reaches_all(segment: &Segment, (router, addresses): &(Station, [IpAddr; 2])) {
    for (from, to) in segment.pairs() {
        assert_reaches(from, to.v4());
        assert_reaches(from, to.v6());
    }
    for guest in &segment.guests {
        addresses.iter().for_each(|address| assert_reaches(guest, *address));
        assert_reaches(router, guest.v4());
        assert_reaches(router, guest.v6());
        let mac = router.mac().unwrap();
        assert_eq!(guest.resolve(addresses[0]).unwrap(), Some(mac), "nobody answers for others");
    }
}

/// The VLAN tags, or their absence, of the frames that the segment's VMs have sent.
fn tags(segment: &Segment, frames: &[Vec<u8>]) -> Vec<Option<u16>> {
    let macs: Vec<_> = segment.guests.iter().map(|guest| guest.mac().0).collect();
    let own = frames.iter().filter(|frame| macs.iter().any(|mac| frame[6..12] == *mac));
    let word = |frame: &[u8], at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
    own.map(|frame| (word(frame, 12) == 0x8100).then(|| word(frame, 14) & 0xfff)).collect()
}

#[test]
fn a_vlan_network_spans_hosts_and_the_physical_switch() {
    let scene = Scene::start(2).unwrap();
    scene.admit_everybody().unwrap();
    let segment = scene.segment(Kind::Vlan(105), 5, &[1, 1, 2]).unwrap();
    assert_eq!(segment.network.mtu, 1500);
    let inside = router(&scene, Some(105), 5);
    // The same address on another VLAN, and untagged: whoever is reached, it is not these.
    let outside = [Some(106), None].map(|vlan| router(&scene, vlan, 5).0);
    let at_outside =
        outside.each_ref().map(|station| station.capture("icmp or icmp6 or arp").unwrap());
    let wires = [1, 2].map(|host| scene.host(host).capture(Nic::Provider, "").unwrap());

    reaches_all(&segment, &inside);
    for capture in at_outside {
        assert_eq!(capture.stop().unwrap(), Vec::<Vec<u8>>::new(), "VLANs stay apart");
    }
    for capture in wires {
        let tags = tags(&segment, &capture.stop().unwrap());
        assert!(!tags.is_empty());
        assert!(tags.iter().all(|tag| *tag == Some(105)), "{tags:?}");
    }
    for station in &outside {
        assert_silent(station, segment.guests[0].v4());
    }
    assert_silent_to_strangers(&scene, &segment, &inside.0);
    assert_copies(&segment, &inside.0);
    assert_no_way_out_by_tags(&scene, &segment);
}

#[test]
fn a_flat_network_spans_hosts_and_the_physical_switch() {
    let scene = Scene::start(2).unwrap();
    scene.admit_everybody().unwrap();
    let segment = scene.segment(Kind::Flat, 6, &[1, 1, 2]).unwrap();
    let inside = router(&scene, None, 6);
    let tagged = router(&scene, Some(106), 6).0;
    let at_tagged = tagged.capture("icmp or icmp6 or arp").unwrap();
    let wires = [1, 2].map(|host| scene.host(host).capture(Nic::Provider, "").unwrap());

    reaches_all(&segment, &inside);
    assert_eq!(at_tagged.stop().unwrap(), Vec::<Vec<u8>>::new());
    for capture in wires {
        let tags = tags(&segment, &capture.stop().unwrap());
        assert!(!tags.is_empty());
        assert!(tags.iter().all(Option::is_none), "{tags:?}");
    }
    assert_silent(&tagged, segment.guests[0].v4());
    assert_silent_to_strangers(&scene, &segment, &inside.0);
    assert_copies(&segment, &inside.0);
    assert_no_way_out_by_tags(&scene, &segment);
}

/// What comes from the physical switch for a MAC address that no VM here has is not flooded to
/// VMs; broadcast is.
fn assert_silent_to_strangers(scene: &Scene, segment: &Segment, station: &Station) {
    let captures = segment.guests.iter().map(|guest| guest.capture("udp port 7777").unwrap());
    let captures: Vec<_> = captures.collect();
    let from: (Mac, _) = (station.mac().unwrap().parse().unwrap(), "10.9.9.9".parse().unwrap());
    let datagram = |to: Mac| {
        let to = (to, "255.255.255.255".parse().unwrap());
        Frame::udp(from, to, (7777, 7777), b"from outside")
    };
    let unknown = datagram("fa:16:3e:99:99:99".parse().unwrap());
    let at_host = scene.host(1).capture(Nic::Provider, "ether dst fa:16:3e:99:99:99").unwrap();
    station.send_frames(&[unknown, datagram(Mac::BROADCAST)]).unwrap();
    wait_until("the switch to flood", ARRIVAL, || at_host.count().unwrap() == 1).unwrap();
    for capture in captures {
        wait_until("the broadcast", ARRIVAL, || capture.count().unwrap() > 0).unwrap();
        let seen = capture.stop().unwrap();
        assert_eq!(seen, [datagram(Mac::BROADCAST).as_bytes().to_vec()]);
    }
}

/// Frames of different flows may overtake each other.
fn sorted(mut frames: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    frames.sort();
    frames
}

/// What a VM sends to everybody, or to a MAC address that nobody modelled, reaches the physical
/// switch once; everybody's copy reaches every VM once, and the other no VM at all.
fn assert_copies(segment: &Segment, station: &Station) {
    const FILTER: &str = "udp port 7778";
    let sender = &segment.guests[0];
    let [everybody, unknown] = [Mac::BROADCAST, "fa:16:3e:99:99:99".parse().unwrap()].map(|to| {
        let to = (to, "255.255.255.255".parse().unwrap());
        Frame::udp((sender.mac(), sender.v4()), to, (7778, 7778), b"from inside")
    });
    let [everybody, unknown] = [everybody, unknown].map(|frame| vec![frame; 3]);
    let sent = [everybody.as_slice(), &unknown].concat();
    let bytes =
        |frames: &[Frame]| sorted(frames.iter().map(|frame| frame.as_bytes().to_vec()).collect());
    let captures = segment.guests.iter().map(|guest| guest.capture(FILTER).unwrap());
    let captures: Vec<_> = captures.collect();
    let at_station = station.capture(FILTER).unwrap();
    sender.send_frames(&sent).unwrap();
    wait_until("all at the station", ARRIVAL, || at_station.count().unwrap() >= sent.len())
        .unwrap();
    for guest in &segment.guests[1..] {
        assert_reaches(sender, guest.v4());
    }
    assert_eq!(sorted(at_station.stop().unwrap()), bytes(&sent));
    for (number, capture) in captures.into_iter().enumerate() {
        // The sender's capture has what it sent itself, and would have a copy beside that.
        let expected = if number == 0 { &sent } else { &everybody };
        assert_eq!(sorted(capture.stop().unwrap()), bytes(expected), "VM {number}");
    }
}

/// A VM cannot choose its VLAN by sending tagged frames.
fn assert_no_way_out_by_tags(scene: &Scene, segment: &Segment) {
    let sender = &segment.guests[0];
    let question =
        Frame::echo_request((sender.mac(), sender.v4()), (Mac::BROADCAST, segment.guests[1].v4()));
    let tagged = [105, 106, 0].map(|vlan: u16| {
        let inner = [&vlan.to_be_bytes()[..], &question.as_bytes()[12..]].concat();
        Frame::ethernet(Mac::BROADCAST, sender.mac(), 0x8100, &inner)
    });
    let filter = format!("ether src {} and ether broadcast", sender.port.mac_address);
    let wire = scene.host(1).capture(Nic::Provider, &filter).unwrap();
    let beside = segment.guests[1].capture(&filter).unwrap();
    let dropped = || scene.dropped(1, Detail::TaggedByPort);
    let before = dropped();
    sender.send_frames(&tagged).unwrap();
    wait_until("the drops", ARRIVAL, || dropped() == before + 3).unwrap();
    sender.send_frames(std::slice::from_ref(&question)).unwrap();
    for capture in [&wire, &beside] {
        wait_until("the honest frame", ARRIVAL, || capture.count().unwrap() > 0).unwrap();
    }
    assert_eq!(beside.stop().unwrap(), [question.as_bytes().to_vec()]);
    assert_eq!(wire.stop().unwrap().len(), 1, "only the honest one is on the wire");
}

#[test]
fn networks_of_every_kind_stand_side_by_side() {
    // Two VLANs to choose from, one of which is asked for.
    let options = WeftdOptions {
        args: ["--vlan-range", "100-101"].map(Into::into).to_vec(),
        ..WeftdOptions::default()
    };
    let scene = Scene::with_options(2, options).unwrap();
    // A physical network that no host maps yet cannot be used.
    let early = scene.api.create_network(request(&scene, Kind::Flat));
    let early = refusal(early);
    assert_eq!(early.code, Code::FailedPrecondition);
    assert_eq!(early.subjects, [format!("physical_network/{PHYSICAL_NETWORK}")]);
    scene.lab.set_managers().unwrap();
    scene.wait_ready().unwrap();

    // The same subnets everywhere: only the network tells them apart.
    let kinds = [Kind::Vxlan, Kind::Vlan(100), Kind::Vlan(0), Kind::Flat];
    let segments = kinds.map(|kind| scene.segment(kind, 7, &[1, 2]).unwrap());
    assert_eq!(segments[2].network.segmentation_id, 101, "the only one left");
    for segment in &segments {
        let others = segments.iter().filter(|other| other.network.id != segment.network.id);
        let others = others.map(|other| other.guests[1].capture("icmp[0] = 8").unwrap());
        let others: Vec<_> = others.collect();
        let (from, to) = (&segment.guests[0], &segment.guests[1]);
        assert_reaches(from, to.v4());
        assert_reaches(from, to.v6());
        let everybody = Frame::echo_request((from.mac(), from.v4()), (Mac::BROADCAST, to.v4()));
        from.send_frames(&[everybody]).unwrap();
        assert_reaches(from, to.v4());
        for capture in others {
            assert_eq!(capture.stop().unwrap(), Vec::<Vec<u8>>::new(), "{:?}", segment.network);
        }
    }

    // What is taken, and what has run out.
    let taken = refusal(scene.api.create_network(request(&scene, Kind::Vlan(100))));
    assert_eq!(
        (taken.code, &taken.subjects[0][..]),
        (Code::AlreadyExists, "network.segmentation_id")
    );
    let flat = refusal(scene.api.create_network(request(&scene, Kind::Flat)));
    assert_eq!(
        (flat.code, &flat.subjects[0][..]),
        (Code::AlreadyExists, "network.physical_network")
    );
    let more = refusal(scene.api.create_network(request(&scene, Kind::Vlan(0))));
    assert_eq!(more.code, Code::ResourceExhausted);
    assert_eq!(more.subjects, [format!("vlans/{PHYSICAL_NETWORK}")]);
    let other = proto::v1::Network {
        physical_network: "elsewhere".to_owned(),
        ..request(&scene, Kind::Vlan(0)).network.unwrap()
    };
    let request = proto::v1::CreateNetworkRequest { network: Some(other) };
    let unmapped = refusal(scene.api.create_network(request));
    assert_eq!(unmapped.code, Code::FailedPrecondition);
    assert!(unmapped.text.contains("hosts map external"), "{}", unmapped.text);
    scene.api.wait(0, READY).unwrap();
    assert_eq!(scene.api.list_networks(Default::default()).unwrap().networks.len(), kinds.len());
}

fn request(scene: &Scene, kind: Kind) -> proto::v1::CreateNetworkRequest {
    proto::v1::CreateNetworkRequest { network: Some(kind.request(scene.project())) }
}
