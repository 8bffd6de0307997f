//! What happens to ports, networks and hosts while they are in use.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::Ipv4Addr;
use std::time::Duration;

use lab::{Frame, Nic, PHYSICAL_NETWORK, wait_until};
use proto::v1 as pb;
use proto::v1::port::Status;
use tests::{Installed, Kind, READY, Scene, assert_reaches, assert_silent, fixed};
use topology::cookie::{BlockKind, Cookie};

/// How long Open vSwitch may take to notice what was written into its database.
const NOTICE: Duration = Duration::from_secs(10);

/// Whether a flow has to do with a port, by its cookie or by its MAC address.
fn concerns(port: &pb::Port) -> impl Fn(&Installed) -> bool {
    let (key, mac) = (port.key, port.mac_address.clone());
    move |flow| {
        let cookie = Cookie(flow.cookie);
        let is_own = match cookie.kind() {
            Some(BlockKind::HostPort) => cookie.owner().get() == key,
            Some(BlockKind::Network) => cookie.member().get() == key,
            _ => false,
        };
        is_own || flow.rule.contains(&mac)
    }
}

/// Whether a flow has to do with a network, by its cookie.
fn is_of_network(network: &pb::Network) -> impl Fn(&Installed) -> bool {
    let key = network.key;
    move |flow| {
        let cookie = Cookie(flow.cookie);
        let kinds = [BlockKind::Network, BlockKind::HostNetwork].map(Some);
        kinds.contains(&cookie.kind()) && cookie.owner().get() == key
    }
}

/// Waits until no host has a flow that `wanted` picks.
fn wait_for_none(scene: &Scene, wanted: impl Fn(&Installed) -> bool) {
    let none = || scene.flows_anywhere(&wanted).unwrap().is_empty();
    wait_until("no flow to be left", NOTICE, none)
        .unwrap_or_else(|error| panic!("{error}: {:#?}", scene.flows_anywhere(&wanted)));
}

#[test]
fn a_port_that_moves_is_followed() {
    let scene = Scene::start(3).unwrap();
    for kind in [Kind::Vxlan, Kind::Vlan(105)] {
        let number = if kind == Kind::Vxlan { 1 } else { 2 };
        let mut segment = scene.segment(kind, number, &[1, 1, 3]).unwrap();
        let mut mover = segment.guests.remove(0);
        let [left_behind, third] = &segment.guests[..] else { panic!("two stay") };
        let (v4, v6) = (mover.v4(), mover.v6());
        // To a host that has no port of the network yet, to one that has, and back.
        for to in [2, 3, 1] {
            for peer in [left_behind, third] {
                assert_reaches(peer, v4);
                assert_reaches(&mover, peer.v6());
            }
            mover.move_to(scene.host(to)).unwrap();
            let name = scene.host(to).name();
            let is_there =
                |port: &pb::Port| port.bound_host == name && port.status() == Status::Active;
            scene.wait_port(&mover.port.id, is_there).unwrap();
            for peer in [left_behind, third] {
                assert_reaches(peer, v4);
                assert_reaches(peer, v6);
                assert_reaches(&mover, peer.v4());
            }
        }
        // The host that it has left for good has nothing of the network any more.
        let left = |flow: &Installed| is_of_network(&segment.network)(flow);
        let on_second = || scene.flows(2).unwrap().into_iter().filter(left).collect::<Vec<_>>();
        wait_until("host 2 to forget the network", NOTICE, || on_second().is_empty())
            .unwrap_or_else(|error| panic!("{error}: {:#?}", on_second()));
    }
}

#[test]
fn what_is_deleted_or_unplugged_leaves_nothing() {
    let scene = Scene::start(2).unwrap();
    let mut segment = scene.segment(Kind::Vxlan, 1, &[1, 2, 2]).unwrap();
    let doomed = segment.guests.pop().unwrap();
    let unplugged = segment.guests.pop().unwrap();
    let stays = segment.guests.pop().unwrap();
    let other = scene.segment(Kind::Vxlan, 2, &[1, 2]).unwrap();
    for guest in [&doomed, &unplugged] {
        assert_reaches(&stays, guest.v4());
        assert!(!scene.flows_anywhere(concerns(&guest.port)).unwrap().is_empty());
    }

    // Deleted while it is plugged in and in use.
    scene.delete_port(&doomed.port.id).unwrap();
    scene.settle().unwrap();
    assert_silent(&stays, doomed.v4());
    assert_silent(&doomed, stays.v4());
    assert_eq!(scene.flows_anywhere(concerns(&doomed.port)).unwrap(), Vec::<String>::new());
    assert_reaches(&stays, unplugged.v4());

    // Unplugged: the port is DOWN, and nobody has flows for it.
    let (port, v4) = (unplugged.port.clone(), unplugged.v4());
    unplugged.unplug().unwrap();
    let down = scene.wait_status(&port.id, Status::Down).unwrap();
    assert_eq!((down.bound_host.as_str(), down.status_reason.is_empty()), ("", false));
    wait_for_none(&scene, concerns(&port));
    assert_silent(&stays, v4);
    // The last one on its host is gone, and with it the host's interest in the network.
    let on_second = scene.flows(2).unwrap().into_iter().filter(is_of_network(&segment.network));
    assert_eq!(on_second.collect::<Vec<_>>(), []);

    // Plugged in again, it works as before.
    let again = tests::Guest::plug(scene.host(2), port.clone(), &segment.network).unwrap();
    scene.wait_active([&again]).unwrap();
    assert_reaches(&stays, v4);

    // The network goes with its last port; the other one stays.
    for id in [&stays.port.id, &port.id] {
        scene.delete_port(id).unwrap();
    }
    let filter =
        pb::ListSubnetsRequest { network_id: segment.network.id.clone(), ..Default::default() };
    for subnet in scene.api.list_subnets(filter).unwrap().subnets {
        let request = pb::DeleteSubnetRequest { id: subnet.id, etag: String::new() };
        scene.api.delete_subnet(request).unwrap();
    }
    let id = segment.network.id.clone();
    scene.api.delete_network(pb::DeleteNetworkRequest { id, etag: String::new() }).unwrap();
    scene.settle().unwrap();
    let left = scene.flows_anywhere(is_of_network(&segment.network)).unwrap();
    assert_eq!(left, Vec::<String>::new());
    assert_reaches(&other.guests[0], other.guests[1].v4());
}

#[test]
fn changes_of_a_port_take_effect() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2, 2]).unwrap();
    let [peer, changed, beside] = &segment.guests[..] else { panic!("three guests") };
    let update = |mask: &[&str], port: pb::Port| {
        let port = scene.update_port(&changed.port.id, mask, port).unwrap();
        scene.api.wait(port.revision, READY).unwrap();
        port
    };
    let everybody_reaches = |address: Ipv4Addr| {
        [peer, beside].iter().for_each(|guest| assert_reaches(guest, address));
    };
    let nobody_reaches = |address: Ipv4Addr| {
        [peer, beside].iter().for_each(|guest| assert_silent(guest, address));
    };
    everybody_reaches(changed.v4());

    // Another address: the old one is given up, the new one works.
    let new = Ipv4Addr::new(10, 1, 0, 99);
    let fixed_ips = vec![fixed("10.1.0.99"), fixed("fd00:1::99")];
    update(&["fixed_ips"], pb::Port { fixed_ips, ..Default::default() });
    nobody_reaches(changed.v4());
    changed.configure(&["10.1.0.99/24", "fd00:1::99/64"], &[], 1450).unwrap();
    everybody_reaches(new);
    assert_eq!(peer.resolve(new).unwrap().as_deref(), Some(&*changed.port.mac_address));

    // Another MAC address: neighbours are told it, and packets follow.
    let mac_address = "fa:16:3e:cc:cc:cc".to_owned();
    let mut moved = update(&["mac_address"], pb::Port { mac_address, ..Default::default() });
    [peer, beside].iter().for_each(|guest| {
        guest.resolve(new).unwrap();
    });
    nobody_reaches(new);
    changed.set_mac(&moved.mac_address).unwrap();
    assert_eq!(peer.resolve(new).unwrap().as_deref(), Some(&*moved.mac_address));
    beside.resolve(new).unwrap();
    everybody_reaches(new);
    let old = |flow: &Installed| flow.rule.contains(&changed.port.mac_address);
    assert_eq!(scene.flows_anywhere(old).unwrap(), Vec::<String>::new());

    // Switched off, nothing passes in either direction; switched on, everything does.
    let switch = |on: bool| pb::Port { admin_state_up: Some(on), ..Default::default() };
    update(&["admin_state_up"], switch(false));
    assert_eq!(scene.wait_status(&changed.port.id, Status::Down).unwrap().bound_host, "h2");
    nobody_reaches(new);
    assert_silent(changed, peer.v4());
    update(&["admin_state_up"], switch(true));
    moved = scene.wait_status(&changed.port.id, Status::Active).unwrap();
    assert_eq!(moved.status_reason, "");
    everybody_reaches(new);
}

#[test]
fn only_the_requested_host_may_claim_a_port() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1]).unwrap();
    let requested = pb::Port { requested_host: "h2".to_owned(), ..Default::default() };
    let mut guest = scene.guest_with(&segment.network, 1, requested).unwrap();
    // A port made later on the same host shows that the host's report has been dealt with.
    let later = scene.guest(&segment.network, 1).unwrap();
    scene.wait_active([&later]).unwrap();
    let port = scene.port(&guest.port.id).unwrap();
    assert_eq!((port.status(), port.bound_host.as_str()), (Status::Down, ""));
    assert_silent(&guest, segment.guests[0].v4());
    assert_reaches(&later, segment.guests[0].v4());

    guest.move_to(scene.host(2)).unwrap();
    scene.wait_active([&guest]).unwrap();
    assert_reaches(&guest, segment.guests[0].v4());

    // The claim is lost when the wish changes, and found again.
    let wish = |host: &str| pb::Port { requested_host: host.to_owned(), ..Default::default() };
    scene.update_port(&guest.port.id, &["requested_host"], wish("h1")).unwrap();
    scene.wait_status(&guest.port.id, Status::Down).unwrap();
    assert_silent(&guest, segment.guests[0].v4());
    scene.update_port(&guest.port.id, &["requested_host"], wish("")).unwrap();
    scene.wait_active([&guest]).unwrap();
    assert_reaches(&guest, segment.guests[0].v4());
}

#[test]
fn a_host_that_changes_its_addresses_and_mappings_is_followed() {
    let scene = Scene::with_options(2, Default::default()).unwrap();
    // Both hosts as in the contract, but the second maps no physical network yet.
    scene.lab.set_managers().unwrap();
    let second = scene.host(2);
    let remove = ["remove", "Open_vSwitch", ".", "external_ids", "weft-bridge-mappings"];
    second.vsctl(&remove).unwrap();
    scene.wait_ready().unwrap();
    wait_until("the mapping to go", NOTICE, || scene.record(2).unwrap().bridge_mappings.is_empty())
        .unwrap();

    let vxlan = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    assert_reaches(&vxlan.guests[0], vxlan.guests[1].v4());
    let vlan = scene.segment(Kind::Vlan(105), 2, &[1]).unwrap();
    let stranded = scene.guest(&vlan.network, 2).unwrap();
    let port = scene.wait_status(&stranded.port.id, Status::Error).unwrap();
    assert!(port.status_reason.contains(PHYSICAL_NETWORK), "{}", port.status_reason);
    assert!(second.vsctl(&["port-to-br", "int-br-provider"]).is_err());
    assert_silent(&vlan.guests[0], stranded.v4());

    // The mapping comes later.
    let mappings = format!("external_ids:weft-bridge-mappings={PHYSICAL_NETWORK}:br-provider");
    second.vsctl(&["set", "Open_vSwitch", ".", &mappings]).unwrap();
    scene.wait_active([&stranded]).unwrap();
    assert_reaches(&vlan.guests[0], stranded.v4());

    // Another tunnel address, on both ends of the tunnel.
    second.netns().ip(&["address", "add", "198.18.77.2/16", "dev", "br-phy"]).unwrap();
    second.vsctl(&["set", "Open_vSwitch", ".", "external_ids:weft-encap-ip=198.18.77.2"]).unwrap();
    let told = || scene.record(2).unwrap().tunnel_ip == "198.18.77.2";
    wait_until("the controller to hear of it", NOTICE, told).unwrap();
    scene.settle().unwrap();
    // The old one goes; the kernel would take the new one with it, as one of the same network.
    let promote = "echo 1 > /proc/sys/net/ipv4/conf/br-phy/promote_secondaries";
    second.exec("sh", &["-c", promote]).unwrap();
    let old = second.tunnel_ip().to_string();
    second.netns().ip(&["address", "delete", &format!("{old}/16"), "dev", "br-phy"]).unwrap();
    assert_reaches(&vxlan.guests[0], vxlan.guests[1].v4());
    assert_reaches(&vxlan.guests[1], vxlan.guests[0].v6());
    let from_new =
        scene.host(1).capture(Nic::Underlay, "src 198.18.77.2 and udp port 4789").unwrap();
    let hello = Frame::echo_request(
        (vxlan.guests[1].mac(), vxlan.guests[1].v4()),
        (vxlan.guests[0].mac(), vxlan.guests[0].v4()),
    );
    vxlan.guests[1].send_frames(&[hello]).unwrap();
    wait_until("a packet from there", NOTICE, || from_new.count().unwrap() > 0).unwrap();
    let names_old =
        |flow: &Installed| flow.rule.split([',', ' ', '>', '=', ':']).any(|it| it == old);
    assert_eq!(scene.flows_anywhere(names_old).unwrap(), Vec::<String>::new());
}

#[test]
fn a_port_is_active_once_every_host_concerned_has_confirmed_it() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [_, there] = &segment.guests[..] else { panic!("two guests") };
    // Host 2 takes nothing in for a while; its connections stay.
    scene.host(2).pause_vswitchd().unwrap();
    let new = scene.guest(&segment.network, 1).unwrap();
    let building = scene.wait_port(&new.port.id, |port| {
        port.bound_host == "h1" && port.status_reason.contains("h2")
    });
    let building = building.unwrap();
    assert_eq!(building.status(), Status::Building, "{}", building.status_reason);
    let late = scene.api.wait(building.revision, Duration::from_millis(300)).unwrap_err();
    assert_eq!(late.code(), tonic::Code::DeadlineExceeded);
    assert!(late.message().contains(r#"name: "h2""#), "{late}");
    assert!(!late.message().contains(r#"name: "h1""#), "{late}");

    scene.host(2).resume_vswitchd().unwrap();
    scene.wait_active([&new]).unwrap();
    scene.api.wait(building.revision, READY).unwrap();
    assert_reaches(there, new.v4());
}
