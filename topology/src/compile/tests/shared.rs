//! What is the same on every host.

use expect_test::expect;

use super::fixture::{World, fixed_ip, key, port, vxlan};
use crate::block::BlockId;
use crate::compile::tests::fixture::pair;
use crate::model::Port;
use crate::pipeline::Table;

fn two_hosts_one_vxlan() -> World {
    let second = port(2, 1);
    let fixed_ips = vec![second.fixed_ips[0], fixed_ip("2001:db8::2")];
    World::new()
        .host(1, "192.0.2.11")
        .host(2, "192.0.2.12")
        .network(1, vxlan(5001))
        .port(1, port(1, 1))
        .port(2, Port { fixed_ips, ..second })
}

#[test]
fn only_known_tunnel_endpoints_get_in() {
    two_hosts_one_vxlan().host(3, "2001:db8:ffff::13").check(&[BlockId::Vteps], &[], expect![[r#"
        cookie=0x1100000000000140, table=vtep, priority=100,tun_src=192.0.2.11 actions=goto_table:vni
        cookie=0x1100000000000240, table=vtep, priority=100,tun_src=192.0.2.12 actions=goto_table:vni
        cookie=0x1100000000000340, table=vtep, priority=100,tun_ipv6_src=2001:db8:ffff::13 actions=goto_table:vni
    "#]]);
}

#[test]
fn a_network_answers_forwards_and_floods() {
    two_hosts_one_vxlan().check(&[BlockId::Network(key(1))], &[], expect![[r#"
        cookie=0x1200000100000050, table=vni, priority=100,tun_id=0x1389 actions=set_field:0x1->reg0,goto_table:"forward_local"
        cookie=0x1200000100000153, table="forward_remote", priority=100,reg0=0x1,dl_dst=fa:16:3e:00:00:01 actions=set_field:0x1389->tun_id,set_field:192.0.2.11->tun_dst,goto_table:encap
        cookie=0x1200000100000253, table="forward_remote", priority=100,reg0=0x1,dl_dst=fa:16:3e:00:00:02 actions=set_field:0x1389->tun_id,set_field:192.0.2.12->tun_dst,goto_table:encap
        cookie=0x1200000100000056, table="forward_remote", priority=10,reg0=0x1 actions=drop
        cookie=0x1200000100000057, table="flood_remote", priority=100,reg0=0x1 actions=set_field:0x1389->tun_id,set_field:0x1->reg5,resubmit(,"flood_vteps")
        cookie=0x1200000100000058, table="flood_vteps", priority=100,reg0=0x1,reg5=0x1 actions=set_field:192.0.2.11->tun_dst,resubmit(,encap),set_field:192.0.2.12->tun_dst,resubmit(,encap)
        cookie=0x120000010000015a, table=addresses, priority=100,reg0=0x1,reg8=0xa000001 actions=set_field:0xfa163e000001->metadata
        cookie=0x120000010000025a, table=addresses, priority=100,reg0=0x1,reg8=0xa000002 actions=set_field:0xfa163e000002->metadata
        cookie=0x120000010000025b, table="addresses_ipv6", priority=100,reg0=0x1,reg8=0x20010db8,reg9=0,reg10=0,reg11=0x2 actions=set_field:0xfa163e000002->metadata
    "#]]);
}

#[test]
fn ipv6_endpoints_come_before_ipv4_ones() {
    let world = two_hosts_one_vxlan().host(3, "2001:db8:ffff::13").port(3, port(3, 1));
    let tables = [Table::ForwardRemote, Table::FloodRemote, Table::FloodVteps];
    world.check(&[BlockId::Network(key(1))], &tables, expect![[r#"
        cookie=0x1200000100000153, table="forward_remote", priority=100,reg0=0x1,dl_dst=fa:16:3e:00:00:01 actions=set_field:0x1389->tun_id,set_field:192.0.2.11->tun_dst,goto_table:encap
        cookie=0x1200000100000253, table="forward_remote", priority=100,reg0=0x1,dl_dst=fa:16:3e:00:00:02 actions=set_field:0x1389->tun_id,set_field:192.0.2.12->tun_dst,goto_table:encap
        cookie=0x1200000100000353, table="forward_remote", priority=100,reg0=0x1,dl_dst=fa:16:3e:00:00:03 actions=set_field:0x1389->tun_id,set_field:2001:db8:ffff::13->tun_ipv6_dst,goto_table:encap
        cookie=0x1200000100000056, table="forward_remote", priority=10,reg0=0x1 actions=drop
        cookie=0x1200000100000057, table="flood_remote", priority=100,reg0=0x1 actions=set_field:0x1389->tun_id,set_field:0x1->reg5,resubmit(,"flood_vteps"),set_field:0x2->reg5,resubmit(,"flood_vteps")
        cookie=0x1200000100000058, table="flood_vteps", priority=100,reg0=0x1,reg5=0x1 actions=set_field:2001:db8:ffff::13->tun_ipv6_dst,resubmit(,encap)
        cookie=0x1200000100000058, table="flood_vteps", priority=100,reg0=0x1,reg5=0x2 actions=set_field:::->tun_ipv6_dst,set_field:192.0.2.11->tun_dst,resubmit(,encap),set_field:192.0.2.12->tun_dst,resubmit(,encap)
    "#]]);
}

#[test]
fn an_address_of_several_ports_is_flooded_once() {
    let vrrp = |port: Port| Port {
        allowed_address_pairs: vec![
            pair("10.0.0.100/32", Some("00:00:5e:00:01:07")),
            // Another port's own address, and a group's: neither floats.
            pair("10.0.0.101/32", Some("fa:16:3e:00:00:03")),
            pair("10.0.0.102/32", Some("01:00:5e:00:00:01")),
        ],
        ..port
    };
    let world = World::new().host(1, "192.0.2.11").host(2, "192.0.2.12").network(1, vxlan(5001));
    let world = world.port(1, vrrp(port(1, 1))).port(2, vrrp(port(2, 1))).port(2, port(3, 1));
    world.check(&[BlockId::Network(key(1))], &[Table::ForwardLocal], expect![[r#"
        cookie=0x1200000100000154, table="forward_local", priority=90,reg0=0x1,dl_dst=00:00:5e:00:01:07 actions=goto_table:flood
    "#]]);
}

#[test]
fn an_address_of_a_port_that_is_down_floats() {
    let first = Port {
        allowed_address_pairs: vec![pair("10.0.0.2/32", Some("fa:16:3e:00:00:02"))],
        ..port(1, 1)
    };
    let second = Port { admin_up: false, ..port(2, 1) };
    let world = World::new().host(1, "192.0.2.11").network(1, vxlan(5001));
    let world = world.port(1, first).port(1, second);
    world.check(&[BlockId::Network(key(1))], &[Table::ForwardLocal], expect![[r#"
        cookie=0x1200000100000154, table="forward_local", priority=90,reg0=0x1,dl_dst=fa:16:3e:00:00:02 actions=goto_table:flood
    "#]]);
}
