//! Who gets what: honest frames over random models reach everybody they are for, once, and what
//! the model knows is answered where it is asked.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::MacAddr;
use proptest::prelude::*;
use topology::model::{HostId, Port, PortId};
use topology::simulate::{Delivery, Journey, Packet, Place, Transport};

mod common {
    pub(crate) mod connected;
    pub(crate) mod history;
    pub(crate) mod members;
    pub(crate) mod place;
    pub(crate) mod reach;
    pub(crate) mod run;
    pub(crate) mod sane;
    pub(crate) mod scene;
    pub(crate) mod universe;
    pub(crate) mod world;
}

use common::connected::connected;
use common::history::{Sort, history};
use common::members::outside;
use common::place::serving;
use common::reach::listeners;
use common::run::cases;
use common::sane::check_sane;
use common::scene::Scene;
use common::world::World;

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn a_packet_to_a_port_arrives_once_and_unchanged(commits in history(0..4, Sort::default())) {
        let Scene { world, fabric } = Scene::after(&commits);
        for (sender, here) in served(&world) {
            let network = world.model.network(sender.network).unwrap();
            for (receiver, there) in served(&world) {
                if receiver.network != sender.network || receiver.id == sender.id {
                    continue;
                }
                for packet in unicasts(sender, receiver) {
                    let journey = fabric.send_from_port(here, sender.id, packet.clone()).unwrap();
                    check_sane(&journey)?;
                    let expected = if connected(&world, network, here, there) {
                        vec![at(there, receiver, packet)]
                    } else {
                        vec![]
                    };
                    let inside = inside(&journey);
                    prop_assert_eq!(inside, expected, "{}", journey.hops[0].trace);
                }
            }
        }
    }

    #[test]
    fn what_is_said_to_all_is_heard_by_all_once(commits in history(0..4, Sort::default())) {
        let Scene { world, fabric } = Scene::after(&commits);
        for (sender, here) in served(&world) {
            let network = world.model.network(sender.network).unwrap();
            for packet in broadcasts(sender) {
                let journey = fabric.send_from_port(here, sender.id, packet.clone()).unwrap();
                check_sane(&journey)?;
                prop_assert_eq!(
                    ports(&journey),
                    ids(listeners(&world, sender)),
                    "{} from {}:\n{}", packet, sender.id, journey.hops[0].trace
                );
                let uplink = network.segment.physical_network();
                let uplink = uplink.filter(|name| world.facts[&here].uplinks.contains_key(*name));
                let place = uplink.and_then(|_| outside(network));
                let expected: Vec<_> = place.into_iter().map(|place| {
                    let frame = match place {
                        Place::Outside { vlan: Some(vlan), .. } => packet.clone().tagged(vlan),
                        _ => packet.clone(),
                    };
                    Delivery { place, frame }
                }).collect();
                let outside = journey.deliveries.iter();
                let outside: Vec<_> = outside
                    .filter(|delivery| matches!(delivery.place, Place::Outside { .. }))
                    .cloned()
                    .collect();
                prop_assert_eq!(outside, expected, "{}", journey.hops[0].trace);
            }
        }
    }

    #[test]
    fn what_comes_from_outside_reaches_the_network_of_its_vlan(commits in history(0..4, Sort::default())) {
        let Scene { world, fabric } = Scene::after(&commits);
        let router = MacAddr::new([2, 0, 0, 0, 0, 1]);
        let from = (router, router.link_local());
        for network in world.model.networks().values() {
            let Some(Place::Outside { physical_network, vlan }) = outside(network) else {
                continue;
            };
            let send = |packet: Packet| {
                let packet = vlan.into_iter().fold(packet, Packet::tagged);
                fabric.send_from_outside(&physical_network, packet)
            };
            let members: Vec<_> = served(&world)
                .filter(|(port, host)| {
                    port.network == network.id
                        && world.facts[host].uplinks.contains_key(&physical_network)
                })
                .collect();

            let everybody = Packet::ipv6(from, EVERYBODY, UDP);
            let journey = send(everybody.clone());
            check_sane(&journey)?;
            prop_assert_eq!(ports(&journey), ids(members.iter().map(|(port, _)| *port)));
            prop_assert!(journey.deliveries.iter().all(|delivery| delivery.frame == everybody));

            for (port, host) in members {
                let packet = Packet::ipv6(from, (port.mac, port.mac.link_local()), UDP);
                let journey = send(packet.clone());
                check_sane(&journey)?;
                prop_assert_eq!(journey.deliveries, [at(host, port, packet)]);
            }
        }
    }

    #[test]
    fn addresses_of_bound_ports_are_answered_on_the_spot(commits in history(0..4, Sort::default())) {
        let Scene { world, fabric } = Scene::after(&commits);
        for (asker, here) in served(&world) {
            for target in world.model.ports_of(asker.network) {
                if target.id == asker.id || target.serving_host().is_none() {
                    continue;
                }
                for fixed in &target.fixed_ips {
                    for (question, answer) in dialogues(asker, target, fixed.ip) {
                        let journey =
                            fabric.send_from_port(here, asker.id, question.clone()).unwrap();
                        check_sane(&journey)?;
                        prop_assert_eq!(
                            &journey.deliveries,
                            &[at(here, asker, answer)],
                            "{}:\n{}", question, journey.hops[0].trace
                        );
                        prop_assert_eq!(journey.hops.len(), 1, "it left the host");
                    }
                }
            }
        }
    }

    #[test]
    fn questions_that_only_others_can_answer_reach_them(commits in history(0..4, Sort::default())) {
        let Scene { world, fabric } = Scene::after(&commits);
        for (asker, here) in served(&world) {
            let held = |ip: IpAddr| {
                let mut ports = world.model.ports_of(asker.network);
                ports.any(|port| {
                    port.serving_host().is_some()
                        && port.fixed_ips.iter().any(|fixed| fixed.ip == ip)
                })
            };
            for packet in announcements(asker).into_iter().chain(open_questions(asker, held)) {
                let journey = fabric.send_from_port(here, asker.id, packet.clone()).unwrap();
                check_sane(&journey)?;
                prop_assert_eq!(
                    ports(&journey),
                    ids(listeners(&world, asker)),
                    "{} from {}:\n{}", packet, asker.id, journey.hops[0].trace
                );
            }
        }
    }

    #[test]
    fn an_address_that_several_ports_may_take_is_reached_wherever_it_is(
        commits in history(0..4, Sort::default()),
    ) {
        let Scene { world, fabric } = Scene::after(&commits);
        for (holder, _) in served(&world) {
            for mac in holder.allowed_address_pairs.iter().filter_map(|pair| pair.mac) {
                let owner = world.model.port_by_mac(holder.network, mac);
                let owner = owner.and_then(|owner| world.model.port(owner));
                if owner.is_some_and(|owner| owner.serving_host().is_some()) {
                    continue;
                }
                for (sender, here) in served(&world) {
                    let hear = listeners(&world, sender);
                    if sender.network != holder.network || !hear.iter().any(|p| p.id == holder.id)
                    {
                        continue;
                    }
                    let from = (sender.mac, sender.mac.link_local());
                    let packet = Packet::ipv6(from, (mac, mac.link_local()), UDP);
                    let journey = fabric.send_from_port(here, sender.id, packet).unwrap();
                    check_sane(&journey)?;
                    let copies = journey.ports().filter(|port| *port == holder.id).count();
                    prop_assert_eq!(copies, 1, "{}", journey.hops[0].trace);
                }
            }
        }
    }
}

const UDP: Transport = Transport::Udp { source: 40_000, destination: 40_001 };
const EVERYBODY: (MacAddr, Ipv6Addr) =
    (MacAddr::new([0x33, 0x33, 0, 0, 0, 1]), Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1));

/// The ports that take part in their networks, and where.
fn served(world: &World) -> impl Iterator<Item = (&Port, HostId)> {
    let ports = world.model.ports().values();
    ports.filter_map(|port| Some((&**port, serving(world, port)?)))
}

/// Honest packets from one port to another: from its link-local address, from its own addresses
/// and from those of its allowed address pairs.
fn unicasts(sender: &Port, receiver: &Port) -> Vec<Packet> {
    let mut sources = vec![(sender.mac, IpAddr::V6(sender.mac.link_local()))];
    sources.extend(sender.fixed_ips.iter().map(|fixed| (sender.mac, fixed.ip)));
    for pair in &sender.allowed_address_pairs {
        let number = if pair.prefix.prefix_len() == pair.prefix.max_prefix_len() { 0 } else { 9 };
        let ip = match pair.prefix.network() {
            IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() | number as u32).into(),
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() | number).into(),
        };
        sources.push((pair.mac.unwrap_or(sender.mac), ip));
    }
    let tcp = Transport::Tcp { source: 40_000, destination: 22 };
    let packet = |(mac, ip)| match ip {
        IpAddr::V4(ip) => Packet::ipv4((mac, ip), (receiver.mac, Ipv4Addr::new(10, 0, 0, 1)), tcp),
        IpAddr::V6(ip) => Packet::ipv6((mac, ip), (receiver.mac, receiver.mac.link_local()), UDP),
    };
    sources.into_iter().map(packet).collect()
}

/// What a port may say to all, whatever its addresses are.
fn broadcasts(sender: &Port) -> Vec<Packet> {
    let link_local = (sender.mac, sender.mac.link_local());
    let routers = (MacAddr::new([0x33, 0x33, 0, 0, 0, 2]), "ff02::2".parse().unwrap());
    let listener = (MacAddr::new([0x33, 0x33, 0, 0, 0, 0x16]), "ff02::16".parse().unwrap());
    let nobody = (sender.mac, Ipv6Addr::UNSPECIFIED);
    let icmp = |kind| Transport::Icmp { kind, code: 0 };
    vec![
        Packet::dhcp_discover(sender.mac),
        Packet::ipv6(link_local, EVERYBODY, UDP),
        Packet::ipv6(nobody, routers, icmp(133)),
        Packet::ipv6(nobody, listener, icmp(143)),
        Packet::duplicate_address_detection(sender.mac, sender.mac.link_local()),
    ]
}

/// What a port says of its own addresses, which nobody must answer for it.
fn announcements(sender: &Port) -> Vec<Packet> {
    let of = |ip| match ip {
        IpAddr::V4(ip) => vec![
            Packet::arp_probe(sender.mac, ip),
            Packet::arp_announcement((sender.mac, ip)),
            Packet::arp_reply((sender.mac, ip), (MacAddr::BROADCAST, ip)),
        ],
        IpAddr::V6(ip) => vec![
            Packet::duplicate_address_detection(sender.mac, ip),
            Packet::neighbor_advertisement((sender.mac, ip), EVERYBODY, ip),
        ],
    };
    sender.fixed_ips.iter().flat_map(|fixed| of(fixed.ip)).collect()
}

/// Questions after addresses that no bound port holds.
fn open_questions(asker: &Port, held: impl Fn(IpAddr) -> bool) -> Vec<Packet> {
    let v4 = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 200)];
    let v6: [Ipv6Addr; 2] = ["2001:db8:0:1::1", "2001:db8:0:1::200"].map(|ip| ip.parse().unwrap());
    let mut questions = Vec::new();
    for target in v4.into_iter().filter(|ip| !held((*ip).into())) {
        let own = asker.fixed_ips.iter().filter_map(|fixed| match fixed.ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        });
        questions.extend(own.map(|own| Packet::arp_request((asker.mac, own), target)));
    }
    for target in v6.into_iter().filter(|ip| !held((*ip).into())) {
        let own = (asker.mac, asker.mac.link_local());
        questions.push(Packet::neighbor_solicitation(own, target));
    }
    questions
}

/// Questions after an address of `target` by each address of `asker`, with the right answers.
fn dialogues(asker: &Port, target: &Port, address: IpAddr) -> Vec<(Packet, Packet)> {
    let own = asker.fixed_ips.iter().map(|fixed| fixed.ip);
    let own = own.chain([IpAddr::V6(asker.mac.link_local())]);
    let dialogue = |own| match (own, address) {
        (IpAddr::V4(own), IpAddr::V4(ip)) => {
            let (asker, target) = ((asker.mac, own), (target.mac, ip));
            Some((Packet::arp_request(asker, ip), Packet::arp_reply(target, asker)))
        }
        (IpAddr::V6(own), IpAddr::V6(ip)) => {
            let (asker, target) = ((asker.mac, own), (target.mac, ip));
            let answer = Packet::neighbor_advertisement(target, asker, ip);
            Some((Packet::neighbor_solicitation(asker, ip), answer))
        }
        _ => None,
    };
    own.filter_map(dialogue).collect()
}

fn at(host: HostId, port: &Port, frame: Packet) -> Delivery {
    Delivery { place: Place::Port { host, port: port.id }, frame }
}

/// What reached ports.
fn inside(journey: &Journey) -> Vec<Delivery> {
    let deliveries = journey.deliveries.iter();
    deliveries.filter(|delivery| matches!(delivery.place, Place::Port { .. })).cloned().collect()
}

/// The ports that it reached, in order, once for every copy.
fn ports(journey: &Journey) -> Vec<PortId> {
    let mut ports: Vec<_> = journey.ports().collect();
    ports.sort_unstable();
    ports
}

fn ids<'a>(ports: impl IntoIterator<Item = &'a Port>) -> Vec<PortId> {
    let mut ids: Vec<_> = ports.into_iter().map(|port| port.id).collect();
    ids.sort_unstable();
    ids
}
