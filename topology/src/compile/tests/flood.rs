//! Long lists.

use expect_test::expect;

use super::fixture::{World, key, port, vxlan};
use crate::block::BlockId;
use crate::pipeline::Table;

#[test]
fn copies_for_the_ports_here() {
    let mut world = World::new().host(1, "192.0.2.11").network(1, vxlan(5001));
    for number in 1..=3 {
        world.plug(1, port(number, 1));
    }
    let block = BlockId::HostNetwork { host: key(1), network: key(1) };
    world.check(&[block], &[], expect![[r#"
        cookie=0x1300000100000071, table=flood, priority=100,reg0=0x1 actions=set_field:0x1->reg5,resubmit(,"flood_local"),goto_table:"flood_remote"
        cookie=0x1300000100000172, table="flood_local", priority=100,reg0=0x1,reg5=0x1 actions=set_field:0x1->reg2,resubmit(,ingress),set_field:0x2->reg2,resubmit(,ingress),set_field:0x3->reg2,resubmit(,ingress)
    "#]]);
}

#[test]
fn a_long_list_is_divided() {
    let mut world = World::new().host(1, "192.0.2.11").network(1, vxlan(5001));
    for number in 1..=700 {
        world.plug(1, port(number, 1));
    }
    world.compiler.flush();
    let block = BlockId::HostNetwork { host: key(1), network: key(1) };
    let flows = world.compiler.block(block).unwrap().flows();
    let copies: Vec<_> = flows.filter(|flow| flow.flow.table == 71).collect();
    let text: Vec<String> = copies.iter().map(|copy| copy.flow.to_string()).collect();
    let sizes: Vec<usize> = text.iter().map(|text| text.matches("resubmit").count()).collect();
    assert_eq!(sizes, [175, 175, 175, 175]);
    assert!(copies.iter().all(|copy| copy.frame().len() < 16_384));
    world.check(&[block], &[Table::Flood], expect![[r#"
        cookie=0x1300000100000071, table=flood, priority=100,reg0=0x1 actions=set_field:0x4->reg5,resubmit(,"flood_local"),set_field:0x5->reg5,resubmit(,"flood_local"),set_field:0x6->reg5,resubmit(,"flood_local"),set_field:0x7->reg5,resubmit(,"flood_local"),goto_table:"flood_remote"
    "#]]);
}

#[test]
fn many_endpoints_are_divided() {
    let mut world = World::new().network(1, vxlan(5001));
    for number in 1..=900 {
        world = world.host(number, &format!("192.0.{}.{}", number >> 8, number & 0xff));
        world.plug(number, port(number, 1));
    }
    world.compiler.flush();
    let flows = world.compiler.block(BlockId::Network(key(1))).unwrap().flows();
    let copies = flows.filter(|flow| flow.flow.table == 76).map(|flow| flow.flow.to_string());
    let sizes: Vec<usize> = copies.map(|copy| copy.matches("tun_dst").count()).collect();
    assert_eq!(sizes, [400, 400, 100]);
    world.check(&[BlockId::Network(key(1))], &[Table::FloodRemote], expect![[r#"
        cookie=0x1200000100000057, table="flood_remote", priority=100,reg0=0x1 actions=set_field:0x1389->tun_id,set_field:0x1->reg5,resubmit(,"flood_vteps"),set_field:0x2->reg5,resubmit(,"flood_vteps"),set_field:0x3->reg5,resubmit(,"flood_vteps")
    "#]]);
}
