//! Long lists.

use expect_test::expect;
use openflow::message::FlowModCommand;

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
        cookie=0x1300000100000071, table=flood, priority=100,reg0=0x1 actions=set_field:0->reg5,resubmit(,"flood_local"),goto_table:"flood_remote"
        cookie=0x1300000100000072, table="flood_local", priority=100,reg0=0x1,reg5=0 actions=set_field:0x1->reg2,resubmit(,output),set_field:0x2->reg2,resubmit(,output),set_field:0x3->reg2,resubmit(,output)
    "#]]);
}
