//! What a change costs, and that it leaves what a full compile gives.

use super::fixture::{World, key, port, port_id, vxlan};
use crate::block::BlockId;
use crate::model::{Port, ResourceId};

fn network_of(ports: u32) -> World {
    let mut world = World::new().network(1, vxlan(5001));
    for host in 1..=3 {
        world = world.host(host, &format!("192.0.2.{host}"));
    }
    for number in 1..=ports {
        world.plug(1 + number % 3, port(number, 1));
    }
    world.compiler.flush();
    world
}

#[test]
fn a_change_in_a_large_network_compiles_the_same_fragments_as_in_a_small_one() {
    let mut costs = Vec::new();
    for ports in [30, 900] {
        let mut world = network_of(ports);
        let mut cost = Vec::new();
        let mut flush = |world: &mut World| cost.push(world.compiler.flush().work.fragments);
        world.plug(2, port(ports + 1, 1));
        flush(&mut world);
        world.put_port(Port { port_security: false, ..port(1, 1) });
        flush(&mut world);
        world.delete(ResourceId::Port(port_id(ports + 1)));
        flush(&mut world);
        costs.push(cost);
    }
    assert_eq!(costs[0], costs[1]);
    assert!(costs[0].iter().all(|&cost| cost <= 4), "{costs:?}");
}

#[test]
fn only_a_hosts_first_and_last_port_changes_the_list_of_endpoints() {
    let mut world = network_of(9).host(4, "192.0.2.4");
    world.compiler.flush();
    let endpoints = |world: &World| {
        let flows = world.compiler.block(BlockId::Network(key(1))).unwrap().flows();
        let text: Vec<String> = flows.map(|flow| flow.flow.to_string()).collect();
        text.into_iter().find(|flow| flow.contains("table=76")).unwrap()
    };
    let before = endpoints(&world);
    assert!(!before.contains("192.0.2.4"));
    world.plug(4, port(10, 1));
    world.compiler.flush();
    let first = endpoints(&world);
    assert!(first.contains("192.0.2.4"));
    world.plug(4, port(11, 1));
    world.delete(ResourceId::Port(port_id(10)));
    world.compiler.flush();
    assert_eq!(endpoints(&world), first);
    world.delete(ResourceId::Port(port_id(11)));
    world.compiler.flush();
    assert_eq!(endpoints(&world), before);
}
