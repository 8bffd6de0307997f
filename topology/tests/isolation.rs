//! Who does not get what: random and forged frames over random models, in switches simulated with
//! the flows that are compiled.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::{Field, MacAddr};
use proptest::collection::vec;
use proptest::prelude::*;
use topology::model::{NetworkId, Port};
use topology::simulate::{DropReason, Journey, Packet, Place, Transport};

mod common {
    pub(crate) mod frames;
    pub(crate) mod history;
    pub(crate) mod members;
    pub(crate) mod ownership;
    pub(crate) mod place;
    pub(crate) mod run;
    pub(crate) mod sane;
    pub(crate) mod scene;
    pub(crate) mod universe;
    pub(crate) mod world;
}

use common::frames::frame;
use common::history::{Sort, history};
use common::members::outside;
use common::ownership::may_send;
use common::place::serving;
use common::run::cases;
use common::sane::check_sane;
use common::scene::Scene;
use common::universe::{HOSTS, NETWORKS, PHYSICAL, Tunnel, tunnel_ip, vni};
use common::world::World;

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn what_a_port_sends_stays_in_its_network(
        commits in history(0..4, Sort::default()),
        frames in vec(frame(), 20),
    ) {
        let Scene { world, fabric } = Scene::after(&commits);
        for (&host, facts) in &world.facts {
            for &id in facts.ports.keys() {
                // An interface may be left over of a port that is deleted: then what it sends
                // looks like somebody else's.
                let known = world.model.port(id);
                let Some(port) = known.or(world.model.ports().values().next()) else { continue };
                let is_served = known.is_some_and(|port| serving(&world, port) == Some(host));
                for frame in &frames {
                    let packet = frame.packet(port);
                    let journey = fabric.send_from_port(host, id, packet.clone()).unwrap();
                    check_sane(&journey)?;
                    stays_in(&world, Some(port.network), &journey)?;
                    let allowed = is_served && may_send(port, &packet);
                    prop_assert!(
                        allowed || journey.deliveries.is_empty(),
                        "{packet} is not {id}'s to send:\n{}",
                        journey.hops[0].trace
                    );
                }
            }
        }
    }

    #[test]
    fn what_comes_from_outside_stays_in_its_vlan(
        commits in history(0..4, Sort::default()),
        frames in vec(frame(), 20),
    ) {
        let Scene { world, fabric } = Scene::after(&commits);
        for (port, frame) in world.model.ports().values().cycle().zip(&frames) {
            for physical_network in PHYSICAL {
                let packet = frame.packet(port);
                let vlan = packet.vlan().map(|vlan| u32::from(vlan).try_into());
                let network = match vlan {
                    None => world.model.network_by_physical(physical_network, None),
                    Some(Ok(vlan)) => world.model.network_by_physical(physical_network, Some(vlan)),
                    Some(Err(_)) => None,
                };
                let journey = fabric.send_from_outside(physical_network, packet);
                check_sane(&journey)?;
                stays_in(&world, network, &journey)?;
                came_to_an_end(&journey)?;
            }
        }
    }

    #[test]
    fn what_comes_by_tunnel_stays_in_its_vni_and_is_from_a_known_host(
        commits in history(0..4, Sort::default()),
        frames in vec(frame(), 4),
    ) {
        let Scene { world, fabric } = Scene::after(&commits);
        let kinds = [Tunnel::V4, Tunnel::OtherV4, Tunnel::V6];
        let addresses = (0..=HOSTS).flat_map(|host| kinds.map(|kind| tunnel_ip(host, kind)));
        let sources: Vec<IpAddr> = addresses.flatten().collect();
        let vnis: Vec<u32> = (0..NETWORKS).map(vni).chain([0, 777]).collect();
        for (port, frame) in world.model.ports().values().cycle().zip(&frames) {
            for &host in world.facts.keys() {
                for &source in &sources {
                    for &vni in &vnis {
                        let packet = frame.packet(port);
                        let Some(journey) = fabric.send_by_tunnel(source, host, vni, packet) else {
                            continue;
                        };
                        let mut hosts = world.model.hosts().values();
                        let is_known = hosts.any(|host| host.tunnel_ip == Some(source));
                        let network = vni.try_into().ok().filter(|_| is_known);
                        let network = network.and_then(|vni| world.model.network_by_vni(vni));
                        check_sane(&journey)?;
                        stays_in(&world, network, &journey)?;
                        came_to_an_end(&journey)?;
                    }
                }
            }
        }
    }

    #[test]
    fn what_a_port_forges_reaches_nobody(commits in history(0..4, Sort::default())) {
        let Scene { world, fabric } = Scene::after(&commits);
        for port in world.model.ports().values().filter(|port| port.port_security) {
            let Some(host) = serving(&world, port) else { continue };
            for victim in world.model.ports_of(port.network).filter(|other| other.id != port.id) {
                for packet in forgeries(port, victim) {
                    // Allowed address pairs can make it honest.
                    if may_send(port, &packet) {
                        continue;
                    }
                    let journey = fabric.send_from_port(host, port.id, packet.clone()).unwrap();
                    check_sane(&journey)?;
                    prop_assert!(
                        journey.deliveries.is_empty(),
                        "{packet} is forged by {}:\n{}",
                        port.id,
                        journey.hops[0].trace
                    );
                }
            }
        }
    }
}

/// Everything that `journey` came to is in `network`: nothing, when there is none.
fn stays_in(
    world: &World,
    network: Option<NetworkId>,
    journey: &Journey,
) -> Result<(), TestCaseError> {
    for delivery in &journey.deliveries {
        let is_there = match &delivery.place {
            Place::Port { host, port } => world.model.port(*port).is_some_and(|port| {
                Some(port.network) == network && serving(world, port) == Some(*host)
            }),
            place => {
                let network = network.and_then(|network| world.model.network(network));
                network.and_then(|network| outside(network)).as_ref() == Some(place)
            }
        };
        prop_assert!(is_there, "{delivery:?} is not in {network:?}\n{}", journey.hops[0].trace);
    }
    Ok(())
}

/// What came from another host or from outside is not handed on: each host saw it once, and none
/// sent it out again, or tried to.
fn came_to_an_end(journey: &Journey) -> Result<(), TestCaseError> {
    let mut hosts: Vec<_> = journey.hops.iter().map(|hop| hop.host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    prop_assert_eq!(hosts.len(), journey.hops.len());
    let inside = journey.deliveries.iter().all(|d| matches!(d.place, Place::Port { .. }));
    prop_assert!(inside, "sent back out\n{}", journey.hops[0].trace);
    let tried = journey.drops().any(|(_, dropped)| dropped.reason == DropReason::InPort);
    prop_assert!(!tried, "all but sent back out\n{}", journey.hops[0].trace);
    Ok(())
}

/// What `port` could send to be taken for `victim`, for a router or for a DHCP server.
fn forgeries(port: &Port, victim: &Port) -> Vec<Packet> {
    let target = MacAddr::new([2, 0, 0, 0, 0, 9]);
    let udp = Transport::Udp { source: 40_000, destination: 40_000 };
    let everybody = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let everybodys = MacAddr::new([0x33, 0x33, 0, 0, 0, 1]);
    let mut forgeries = Vec::new();
    for fixed in port.fixed_ips.iter().chain(&victim.fixed_ips) {
        let ip = fixed.ip;
        for (mac, named) in [
            (port.mac, port.mac),
            (port.mac, victim.mac),
            (victim.mac, port.mac),
            (victim.mac, victim.mac),
        ] {
            match ip {
                IpAddr::V4(ip) => {
                    let peer = Ipv4Addr::new(10, 0, 0, 99);
                    forgeries.extend([
                        Packet::ipv4((mac, ip), (victim.mac, peer), udp),
                        Packet::ipv4((mac, ip), (MacAddr::BROADCAST, Ipv4Addr::BROADCAST), udp),
                        Packet::arp_request((named, ip), peer).with(Field::ETH_SRC, mac),
                        Packet::arp_announcement((named, ip)).with(Field::ETH_SRC, mac),
                        Packet::arp_probe(named, ip).with(Field::ETH_SRC, mac),
                        Packet::arp_reply((named, ip), (target, peer)).with(Field::ETH_SRC, mac),
                        Packet::arp_reply((named, ip), (MacAddr::BROADCAST, ip))
                            .with(Field::ETH_SRC, mac),
                        Packet::dhcp_offer((mac, ip)),
                    ]);
                }
                IpAddr::V6(ip) => {
                    let own = (mac, port.mac.link_local());
                    let peer = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 0x99);
                    let dhcp = Transport::Udp { source: 547, destination: 546 };
                    forgeries.extend([
                        Packet::ipv6((mac, ip), (victim.mac, peer), udp),
                        Packet::ipv6((mac, ip), (everybodys, everybody), udp),
                        Packet::ipv6((mac, ip), (everybodys, everybody), dhcp),
                        Packet::neighbor_solicitation((mac, ip), peer).with(Field::ND_SLL, named),
                        Packet::duplicate_address_detection(mac, ip),
                        Packet::neighbor_advertisement((mac, ip), (everybodys, everybody), ip)
                            .with(Field::ND_TLL, named),
                        Packet::neighbor_advertisement(own, (everybodys, everybody), ip)
                            .with(Field::ND_TLL, named),
                        Packet::router_advertisement((mac, ip)),
                    ]);
                }
            }
        }
    }
    let link_local = (port.mac, port.mac.link_local());
    let redirect = Transport::Icmp { kind: 137, code: 0 };
    forgeries.extend([
        Packet::router_advertisement(link_local),
        Packet::ipv6(link_local, (victim.mac, victim.mac.link_local()), redirect),
        Packet::ipv6((port.mac, victim.mac.link_local()), (everybodys, everybody), udp),
        Packet::ethernet(victim.mac, MacAddr::BROADCAST, 0x88b5),
    ]);
    forgeries
}
