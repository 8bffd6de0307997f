//! Networks on a provider bridge.

use std::collections::BTreeMap;

use expect_test::expect;
use openflow::PortNo;

use super::fixture::{World, flat, key, port, vlan};
use crate::block::BlockId;
use crate::facts::HostFacts;

const NETWORK: BlockId = BlockId::Network(key_1());
const ON_HOST: BlockId = BlockId::HostNetwork { host: key_1(), network: key_1() };

const fn key_1() -> crate::key::Key {
    crate::key::Key::NONE.next()
}

#[test]
fn a_vlan_is_popped_and_pushed() {
    let world = World::new().host(1, "").network(1, vlan("external", 100)).port(1, port(1, 1));
    world.check(&[NETWORK, ON_HOST], &[], expect![[r#"
        cookie=0x1200000100000055, table="forward_remote", priority=50,reg0=0x1 actions=goto_table:uplink
        cookie=0x1200000100000059, table="flood_remote", priority=100,reg0=0x1 actions=goto_table:uplink
        cookie=0x120000010000015a, table=addresses, priority=100,reg0=0x1,reg8=0xa000001 actions=set_field:0xfa163e000001->metadata
        cookie=0x1300000100000070, table=classify, priority=100,in_port=2,dl_vlan=100 actions=pop_vlan,set_field:0x1->reg0,set_field:0x3->reg3,goto_table:"forward_local"
        cookie=0x1300000100000071, table=flood, priority=100,reg0=0x1 actions=set_field:0x1->reg5,resubmit(,"flood_local"),goto_table:"flood_remote"
        cookie=0x1300000100000172, table="flood_local", priority=100,reg0=0x1,reg5=0x1 actions=set_field:0x1->reg2,resubmit(,ingress)
        cookie=0x1300000100000073, table=uplink, priority=100,reg0=0x1 actions=push_vlan:0x8100,set_field:4196->vlan_vid,output:2
    "#]]);
}

#[test]
fn a_flat_network_is_untagged() {
    let world = World::new().host(1, "").network(1, flat("external")).port(1, port(1, 1));
    world.check(&[ON_HOST], &[], expect![[r#"
        cookie=0x1300000100000070, table=classify, priority=100,in_port=2,vlan_tci=0x0000/0x1fff actions=set_field:0x1->reg0,set_field:0x3->reg3,goto_table:"forward_local"
        cookie=0x1300000100000071, table=flood, priority=100,reg0=0x1 actions=set_field:0x1->reg5,resubmit(,"flood_local"),goto_table:"flood_remote"
        cookie=0x1300000100000172, table="flood_local", priority=100,reg0=0x1,reg5=0x1 actions=set_field:0x1->reg2,resubmit(,ingress)
        cookie=0x1300000100000073, table=uplink, priority=100,reg0=0x1 actions=output:2
    "#]]);
}

#[test]
fn a_host_without_the_physical_network_says_so() {
    let world = World::new().host(1, "").network(1, flat("elsewhere")).port(1, port(1, 1));
    world.check(&[ON_HOST], &[], expect![[r#"
        cookie=0x1300000100000071, table=flood, priority=100,reg0=0x1 actions=set_field:0x1->reg5,resubmit(,"flood_local"),goto_table:"flood_remote"
        cookie=0x1300000100000172, table="flood_local", priority=100,reg0=0x1,reg5=0x1 actions=set_field:0x1->reg2,resubmit(,ingress)
        cookie=0x1300000100000074, table=uplink, priority=100,reg0=0x1 actions=drop
    "#]]);
}

#[test]
fn one_port_number_is_one_thing() {
    let mut world = World::new().host(1, "").network(1, vlan("b", 100)).port(1, port(1, 1));
    let facts = HostFacts {
        vxlan_port: Some(PortNo(1)),
        uplinks: BTreeMap::from([("a".into(), PortNo(2)), ("b".into(), PortNo(2))]),
        ports: BTreeMap::from([(super::fixture::port_id(1), PortNo(1))]),
    };
    world.set_facts(1, facts);
    world.compiler.flush();
    assert!(world.compiler.block(BlockId::HostPort { host: key(1), port: key(1) }).is_none());
    world.check(&[ON_HOST], &[], expect![[r#"
        cookie=0x1300000100000071, table=flood, priority=100,reg0=0x1 actions=goto_table:"flood_remote"
        cookie=0x1300000100000074, table=uplink, priority=100,reg0=0x1 actions=drop
    "#]]);
}
