//! What a block of flows cannot do without.

use std::collections::BTreeSet;

use super::fixture::{World, group_id, host_id, key, port, vxlan};
use crate::block::BlockId;
use crate::model::{Direction, Ethertype, Port, Remote, Traffic};

#[test]
fn a_port_presupposes_what_its_packets_meet_on_their_way_and_nothing_else() {
    let remote = Remote::Group(group_id(2));
    let from = Traffic { remote, ..Traffic::any(Direction::Ingress, Ethertype::Ipv4) };
    let in_group = |port: Port, group| Port { security_groups: [group_id(group)].into(), ..port };
    let mut world = World::new()
        .host(1, "192.0.2.11")
        .host(2, "192.0.2.12")
        .network(1, vxlan(5001))
        .network(2, vxlan(5002))
        .group(1, true, &[from])
        .group(2, true, &[])
        .group(3, true, &[])
        .port(1, in_group(port(1, 1), 1))
        .port(1, in_group(port(2, 2), 3))
        .port(2, in_group(port(3, 1), 2));
    world.compiler.flush();
    let host = key(1);
    let own = BlockId::HostPort { host, port: key(1) };
    let presupposed = world.compiler.presupposed(own);
    let expected = [
        own,
        BlockId::HostBase(host),
        BlockId::Vteps,
        BlockId::Network(key(1)),
        BlockId::HostNetwork { host, network: key(1) },
        BlockId::Profile(key(1)),
        BlockId::GroupMembers(key(2)),
    ];
    assert_eq!(presupposed, BTreeSet::from(expected));
    // Its host has all of that.
    let blocks: BTreeSet<_> = world.compiler.blocks_of(host_id(1)).collect();
    assert!(presupposed.is_subset(&blocks), "{presupposed:?} of {blocks:?}");

    for other in expected.into_iter().filter(|block| *block != own) {
        assert_eq!(world.compiler.presupposed(other), BTreeSet::new());
    }
    let gone = BlockId::HostPort { host, port: key(9) };
    assert_eq!(world.compiler.presupposed(gone), BTreeSet::new());
}
