//! What security groups give rise to.

use std::collections::BTreeSet;

use expect_test::expect;
use openflow::PortNo;

use super::fixture::{World, group_id, host_id, key, pair, port, port_id, vxlan};
use crate::block::BlockId;
use crate::compile::Compiler;
use crate::cookie::Cookie;
use crate::facts::HostFacts;
use crate::model::{
    AddressGroupId, Direction, Ethertype, Icmp, Port, PortRange, Remote, ResourceId, SecurityGroup,
    Traffic,
};
use crate::pipeline::{Detail, Table};
use crate::zone::Zones;

const PROFILE: BlockId = BlockId::Profile(key_1());
const ON_HOST: BlockId = BlockId::HostPort { host: key_1(), port: key_1() };

const fn key_1() -> crate::key::Key {
    crate::key::Key::NONE.next()
}

fn any(direction: Direction) -> Traffic {
    Traffic::any(direction, Ethertype::Ipv4)
}

fn tcp(first: u16, last: u16) -> Traffic {
    let ports = Some(PortRange { first, last });
    Traffic { protocol: Some(6), ports, ..any(Direction::Ingress) }
}

fn in_groups(port: Port, groups: &[u32]) -> Port {
    Port { security_groups: groups.iter().map(|&group| group_id(group)).collect(), ..port }
}

fn world() -> World {
    World::new().host(1, "192.0.2.11").network(1, vxlan(5001))
}

/// A port with these groups and what they are judged by.
fn judged(world: World, groups: &[u32]) -> World {
    world.port(1, in_groups(port(1, 1), groups))
}

const POLICY: [Table; 4] =
    [Table::Egress, Table::EgressVerdict, Table::Ingress, Table::IngressVerdict];

#[test]
fn a_port_has_a_profile_and_a_zone() {
    judged(world(), &[]).check(&[ON_HOST], &POLICY, expect![[r#"
        cookie=0x1400000100000096, table=egress, priority=100,reg1=0x1 actions=set_field:0x100b->reg12,goto_table:"egress_track"
        cookie=0x1400000100000098, table="egress_verdict", priority=110,ct_state=+new+trk,reg1=0x1,reg13=0x1 actions=goto_table:"egress_commit"
        cookie=0x1400000100000099, table="egress_verdict", priority=50,reg1=0x1 actions=drop
        cookie=0x140000010000009a, table=ingress, priority=100,reg2=0x1 actions=set_field:0x100b->reg12,goto_table:"ingress_track"
        cookie=0x140000010000009c, table="ingress_verdict", priority=110,ct_state=+new+trk,reg2=0x1,reg13=0x1 actions=goto_table:"ingress_commit"
        cookie=0x140000010000009d, table="ingress_verdict", priority=50,reg2=0x1 actions=drop
    "#]]);
}

#[test]
fn without_port_security_there_is_neither() {
    let open = Port { port_security: false, ..port(1, 1) };
    world().port(1, open).check(&[ON_HOST], &POLICY, expect![[r#"
        cookie=0x1400000100000097, table=egress, priority=100,reg1=0x1 actions=goto_table:"forward_local"
        cookie=0x140000010000009b, table=ingress, priority=100,reg2=0x1 actions=goto_table:output
    "#]]);
}

#[test]
fn stateless_groups_need_no_zone() {
    let world = world().group(1, false, &[tcp(443, 443)]);
    judged(world, &[1]).check(
        &[ON_HOST, PROFILE],
        &[&POLICY[..], &[Table::Rules]].concat(),
        expect![[r#"
            cookie=0x1400000100000096, table=egress, priority=100,reg1=0x1 actions=set_field:0->reg12,goto_table:"egress_track"
            cookie=0x1400000100000099, table="egress_verdict", priority=50,reg1=0x1 actions=drop
            cookie=0x140000010000009a, table=ingress, priority=100,reg2=0x1 actions=set_field:0->reg12,goto_table:"ingress_track"
            cookie=0x140000010000009d, table="ingress_verdict", priority=50,reg2=0x1 actions=drop
            cookie=0x1500000100000ac0, table=rules, priority=100,tcp,reg4=0x2,reg7=0x1,tp_dst=443 actions=set_field:0x1->reg13
        "#]],
    );
}

#[test]
fn a_rule_is_asked_by_headers_and_by_what_the_connection_began_with() {
    let ping = Traffic {
        protocol: Some(1),
        icmp: Some(Icmp { icmp_type: 8, code: Some(0) }),
        ..any(Direction::Ingress)
    };
    let prefix = |direction, prefix: &str| {
        let prefix = prefix.parse().unwrap();
        Traffic { remote: Remote::Prefix(prefix), ..Traffic::any(direction, Ethertype::of(prefix)) }
    };
    let rules = [
        prefix(Direction::Egress, "10.1.0.0/16"),
        prefix(Direction::Ingress, "2001:db8::/32"),
        ping,
        Traffic { protocol: Some(47), ..any(Direction::Egress) },
    ];
    judged(world().group(1, true, &rules), &[1]).check(&[PROFILE], &[], expect![[r#"
        cookie=0x1500000100000ac0, table=rules, priority=100,ip,reg4=0x1,reg7=0x1,nw_dst=10.1.0.0/16 actions=set_field:0x1->reg13
        cookie=0x1500000100000ac1, table=rules, priority=100,ct_state=-inv+trk,ct_nw_dst=10.1.0.0/16,ip,reg4=0x3,reg7=0x1 actions=set_field:0x1->reg13
        cookie=0x1500000100000bc0, table=rules, priority=100,ipv6,reg4=0x2,reg7=0x1,ipv6_src=2001:db8::/32 actions=set_field:0x1->reg13
        cookie=0x1500000100000bc1, table=rules, priority=100,ct_state=-inv+trk,ct_ipv6_src=2001:db8::/32,ipv6,reg4=0x4,reg7=0x1 actions=set_field:0x1->reg13
        cookie=0x1500000100000cc0, table=rules, priority=100,icmp,reg4=0x2,reg7=0x1,icmp_type=8,icmp_code=0 actions=set_field:0x1->reg13
        cookie=0x1500000100000cc1, table=rules, priority=100,ct_state=-inv+trk,ct_nw_proto=1,ct_tp_src=8,ct_tp_dst=0,ip,reg4=0x4,reg7=0x1 actions=set_field:0x1->reg13
        cookie=0x1500000100000dc0, table=rules, priority=100,ip,reg4=0x1,reg7=0x1,nw_proto=47 actions=set_field:0x1->reg13
        cookie=0x1500000100000dc1, table=rules, priority=100,ct_state=-inv+trk,ct_nw_proto=47,ip,reg4=0x3,reg7=0x1 actions=set_field:0x1->reg13
    "#]]);
}

#[test]
fn ports_of_all_groups_are_united() {
    let world = world().group(1, true, &[tcp(80, 81), tcp(82, 82)]);
    let world = world.group(2, true, &[tcp(80, 90), Traffic { protocol: Some(17), ..tcp(53, 53) }]);
    judged(world, &[1, 2]).check(&[PROFILE], &[], expect![[r#"
        cookie=0x1500000100000ac0, table=rules, priority=100,tcp,reg4=0x2,reg7=0x1,tp_dst=0x50/0xfff8 actions=set_field:0x1->reg13
        cookie=0x1500000100000ac1, table=rules, priority=100,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=0x50/0xfff8,ip,reg4=0x4,reg7=0x1 actions=set_field:0x1->reg13
        cookie=0x1500000100000ac0, table=rules, priority=100,tcp,reg4=0x2,reg7=0x1,tp_dst=0x58/0xfffe actions=set_field:0x1->reg13
        cookie=0x1500000100000ac1, table=rules, priority=100,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=0x58/0xfffe,ip,reg4=0x4,reg7=0x1 actions=set_field:0x1->reg13
        cookie=0x1500000100000ac0, table=rules, priority=100,tcp,reg4=0x2,reg7=0x1,tp_dst=90 actions=set_field:0x1->reg13
        cookie=0x1500000100000ac1, table=rules, priority=100,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=90,ip,reg4=0x4,reg7=0x1 actions=set_field:0x1->reg13
        cookie=0x15000001000015c0, table=rules, priority=100,udp,reg4=0x2,reg7=0x1,tp_dst=53 actions=set_field:0x1->reg13
        cookie=0x15000001000015c1, table=rules, priority=100,ct_state=-inv+trk,ct_nw_proto=17,ct_tp_dst=53,ip,reg4=0x4,reg7=0x1 actions=set_field:0x1->reg13
    "#]]);
}

#[test]
fn remotes_are_tried_one_after_the_other() {
    let from = |remote| Traffic { remote, ..tcp(443, 443) };
    let addresses = AddressGroupId(uuid::Uuid::from_u128(1));
    let rules = [from(Remote::Group(group_id(1))), from(Remote::AddressGroup(addresses))];
    let world = world()
        .group(1, true, &rules)
        .address_group(1, &["10.2.0.0/16", "10.2.3.0/24", "192.0.2.7/32", "2001:db8::/32"]);
    let blocks = [PROFILE, BlockId::GroupMembers(key(1)), BlockId::AddressGroup(key(1))];
    judged(world, &[1]).check(&blocks, &[], expect![[r#"
        cookie=0x15000001000000c3, table=rules, priority=10,ip,reg4=0x2,reg7=0x1 actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG8[],resubmit(,addresses),set_field:0x1->reg6,resubmit(,peers),set_field:0x1000001->reg6,resubmit(,peers),set_field:0->reg6,set_field:0->metadata,set_field:0->reg15,set_field:0->xxreg2
        cookie=0x15000001000000c4, table=rules, priority=10,ct_state=-inv+trk,ip,reg4=0x4,reg7=0x1 actions=move:NXM_NX_CT_NW_SRC[]->NXM_NX_REG8[],resubmit(,addresses),set_field:0x1->reg6,resubmit(,peers),set_field:0x1000001->reg6,resubmit(,peers),set_field:0->reg6,set_field:0->metadata,set_field:0->reg15,set_field:0->xxreg2
        cookie=0x1500000100000ac5, table="peer_rules", priority=100,tcp,reg4=0x2,reg6=0x1,reg7=0x1,tp_dst=443 actions=set_field:0x1->reg13
        cookie=0x1500000100000ac6, table="peer_rules", priority=100,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=443,ip,reg4=0x4,reg6=0x1,reg7=0x1 actions=set_field:0x1->reg13
        cookie=0x1500000100000bc5, table="peer_rules", priority=100,tcp,reg4=0x2,reg6=0x1000001,reg7=0x1,tp_dst=443 actions=set_field:0x1->reg13
        cookie=0x1500000100000bc6, table="peer_rules", priority=100,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=443,ip,reg4=0x4,reg6=0x1000001,reg7=0x1 actions=set_field:0x1->reg13
        cookie=0x16000001000001d1, table=peers, priority=110,reg6=0x1,reg15=0x1 actions=goto_table:"peer_rules"
        cookie=0x17000001000000d8, table=peers, priority=100,ip,reg6=0x1000001,reg8=0xa020000/0xffff0000 actions=goto_table:"peer_rules"
        cookie=0x17000001000000d8, table=peers, priority=100,ip,reg6=0x1000001,reg8=0xc0000207 actions=goto_table:"peer_rules"
        cookie=0x17000001000000d8, table=peers, priority=100,ipv6,reg6=0x1000001,reg8=0x20010db8 actions=goto_table:"peer_rules"
    "#]]);
}

#[test]
fn a_pair_is_a_members_once() {
    let rule = Traffic { remote: Remote::Group(group_id(1)), ..any(Direction::Ingress) };
    let vrrp = |port| Port {
        allowed_address_pairs: vec![
            pair("10.0.0.1/32", None),
            pair("10.0.0.100/32", None),
            pair("10.9.0.0/16", None),
        ],
        ..in_groups(port, &[1])
    };
    let world = world().group(1, true, &[rule]);
    let world = world.port(1, vrrp(port(1, 1))).port(1, vrrp(port(2, 1)));
    let blocks = [BlockId::Network(key(1)), BlockId::GroupMembers(key(1))];
    world.check(&blocks, &[Table::Addresses, Table::Peers], expect![[r#"
        cookie=0x120000010000015a, table=addresses, priority=100,reg0=0x1,reg8=0xa000001 actions=set_field:0xfa163e000001->metadata,set_field:0x1->reg15
        cookie=0x120000010000025a, table=addresses, priority=100,reg0=0x1,reg8=0xa000002 actions=set_field:0xfa163e000002->metadata,set_field:0x1->reg15
        cookie=0x120000010000015c, table=peers, priority=100,ip,reg0=0x1,reg6=0x1,reg8=0xa000064 actions=goto_table:"peer_rules"
        cookie=0x120000010000015c, table=peers, priority=100,ip,reg0=0x1,reg6=0x1,reg8=0xa090000/0xffff0000 actions=goto_table:"peer_rules"
        cookie=0x120000010000025c, table=peers, priority=100,ip,reg0=0x1,reg6=0x1,reg8=0xa000001 actions=goto_table:"peer_rules"
        cookie=0x16000001000001d1, table=peers, priority=110,reg6=0x1,reg15=0x1 actions=goto_table:"peer_rules"
    "#]]);
}

#[test]
fn a_pair_changes_hands() {
    let rule = Traffic { remote: Remote::Group(group_id(1)), ..any(Direction::Ingress) };
    let with_pair = |port| Port {
        allowed_address_pairs: vec![pair("10.0.0.100/32", None)],
        bound_host: Some(host_id(1)),
        ..in_groups(port, &[1])
    };
    let world = world().group(1, true, &[rule]).port(1, in_groups(port(1, 1), &[1]));
    let mut world = world.port(1, with_pair(port(2, 1))).port(1, with_pair(port(3, 1)));
    let shared = |world: &mut World| {
        world.compiler.flush();
        let flows = world.compiler.block(BlockId::Network(key(1))).unwrap().flows();
        let shared = flows.filter(|flow| {
            let cookie = Cookie(flow.flow.cookie);
            cookie.detail() == Some(Detail::MemberPair)
                && flow.flow.to_string().contains("reg8=0xa000064")
        });
        shared.map(|flow| Cookie(flow.flow.cookie).member().get()).collect::<Vec<_>>()
    };
    assert_eq!(shared(&mut world), [2]);
    world.put_port(with_pair(port(1, 1)));
    assert_eq!(shared(&mut world), [1]);
    world.delete(ResourceId::Port(port_id(1)));
    assert_eq!(shared(&mut world), [2]);
    world.put_port(in_groups(Port { bound_host: Some(host_id(1)), ..port(2, 1) }, &[1]));
    assert_eq!(shared(&mut world), [3]);
}

#[test]
fn a_logged_rule_tells_the_controller_of_new_connections() {
    let mut world = world().group(1, true, &[tcp(80, 81), tcp(81, 82)]);
    let group = world.compiler.model().security_group(group_id(1)).unwrap();
    let mut group = SecurityGroup::clone(group);
    group.rules[1].log = true;
    world.put_security_group(group);
    judged(world, &[1]).check(&[PROFILE], &[], expect![[r#"
        cookie=0x1500000100000bc2, table=rules, priority=110,ct_state=+new+trk,tcp,reg4=0x2,reg7=0x1,tp_dst=81 actions=controller(max_len=128,meter_id=1),set_field:0x1->reg13
        cookie=0x1500000100000bc2, table=rules, priority=110,ct_state=+new+trk,tcp,reg4=0x2,reg7=0x1,tp_dst=82 actions=controller(max_len=128,meter_id=1),set_field:0x1->reg13
        cookie=0x1500000100000ac0, table=rules, priority=100,tcp,reg4=0x2,reg7=0x1,tp_dst=0x50/0xfffe actions=set_field:0x1->reg13
        cookie=0x1500000100000ac1, table=rules, priority=100,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=0x50/0xfffe,ip,reg4=0x4,reg7=0x1 actions=set_field:0x1->reg13
        cookie=0x1500000100000ac0, table=rules, priority=100,tcp,reg4=0x2,reg7=0x1,tp_dst=82 actions=set_field:0x1->reg13
        cookie=0x1500000100000ac1, table=rules, priority=100,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=82,ip,reg4=0x4,reg7=0x1 actions=set_field:0x1->reg13
    "#]]);
}

#[test]
fn nobody_looks_for_members_of_a_group_that_no_rule_names() {
    let world = world().group(1, true, &[any(Direction::Ingress)]);
    let pairs = vec![pair("10.0.0.100/32", None)];
    let port = Port { allowed_address_pairs: pairs, ..in_groups(port(1, 1), &[1]) };
    let mut world = world.port(1, port);
    let pairs = |world: &World| {
        let flows = world.compiler.block(BlockId::Network(key(1))).unwrap().flows();
        flows.filter(|flow| flow.flow.table == Table::Peers.number()).count()
    };
    world.compiler.flush();
    assert!(world.compiler.block(BlockId::GroupMembers(key(1))).is_none());
    assert_eq!(pairs(&world), 0);
    let blocks: BTreeSet<_> = world.compiler.blocks_of(host_id(1)).collect();
    assert!(blocks.contains(&PROFILE));
    let rule = Traffic { remote: Remote::Group(group_id(1)), ..any(Direction::Ingress) };
    world.put_group(1, true, &[rule]);
    world.compiler.flush();
    let members = BlockId::GroupMembers(key(1));
    assert_eq!(world.compiler.block(members).unwrap().len(), 1);
    assert_eq!(pairs(&world), 1);
    assert!(world.compiler.is_subscribed(host_id(1), members));
}

#[test]
fn a_number_without_a_zone_gets_no_flows() {
    let mut world = world();
    world.compiler = Compiler::with_zones(Zones::from(65_530));
    let mut world = world.host(1, "192.0.2.11").network(1, vxlan(5001));
    let mut flows = |number| {
        let ports = [(port_id(1), PortNo(number))].into();
        world.set_facts(1, HostFacts { ports, ..HostFacts::default() });
        world.put_port(Port { bound_host: Some(host_id(1)), ..port(1, 1) });
        world.compiler.flush();
        world.compiler.block(ON_HOST).unwrap().len()
    };
    assert!(flows(5) > 0);
    assert_eq!(flows(6), 0);
}
