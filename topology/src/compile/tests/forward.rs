//! What a host has of its own, and what it has for a port.

use expect_test::expect;

use super::fixture::{World, key, port, vxlan};
use crate::block::BlockId;
use crate::pipeline::Table;

#[test]
fn every_table_says_why_it_drops() {
    let world = World::new().host(1, "192.0.2.11");
    world.check(&[BlockId::HostBase(key(1))], &[], expect![[r#"
        cookie=0x1000000100000001, table=classify, priority=100,in_port=1,vlan_tci=0x0000/0x1fff actions=set_field:0x2->reg3,goto_table:vtep
        cookie=0x1000000100000002, table=classify, priority=60,in_port=2 actions=drop
        cookie=0x1000000100000003, table=classify, priority=50,vlan_tci=0x1000/0x1000 actions=drop
        cookie=0x1000000100000004, table=classify, priority=0 actions=drop
        cookie=0x1000000100000005, table=vtep, priority=0 actions=drop
        cookie=0x1000000100000006, table=vni, priority=0 actions=drop
        cookie=0x1000000100000007, table=guard, priority=0 actions=drop
        cookie=0x1000000100000036, table="guard_ipv6", priority=110,icmp6,ipv6_src=::,icmp_type=131 actions=goto_table:respond
        cookie=0x1000000100000036, table="guard_ipv6", priority=110,icmp6,ipv6_src=::,icmp_type=132 actions=goto_table:respond
        cookie=0x1000000100000036, table="guard_ipv6", priority=110,icmp6,ipv6_src=::,icmp_type=133 actions=goto_table:respond
        cookie=0x1000000100000036, table="guard_ipv6", priority=110,icmp6,ipv6_src=::,icmp_type=143 actions=goto_table:respond
        cookie=0x1000000100000008, table="guard_ipv6", priority=0 actions=drop
        cookie=0x1000000100000009, table=respond, priority=110,arp,arp_spa=0.0.0.0,arp_op=1 actions=goto_table:"forward_local"
        cookie=0x100000010000000a, table=respond, priority=110,icmp6,icmp_type=135,icmp_code=0,nd_sll=00:00:00:00:00:00 actions=goto_table:"forward_local"
        cookie=0x100000010000001d, table=respond, priority=100,arp,arp_op=1 actions=move:NXM_OF_ARP_TPA[]->NXM_NX_REG8[],resubmit(,addresses),goto_table:answer
        cookie=0x100000010000001e, table=respond, priority=100,icmp6,nw_ttl=255,icmp_type=135,icmp_code=0 actions=move:NXM_NX_ND_TARGET[]->NXM_NX_XXREG2[],resubmit(,"addresses_ipv6"),goto_table:answer
        cookie=0x100000010000000b, table=respond, priority=0 actions=goto_table:egress
        cookie=0x100000010000001f, table=answer, priority=110,metadata=0 actions=set_field:0->metadata,set_field:0->reg15,set_field:0->xxreg2,goto_table:egress
        cookie=0x1000000100000033, table=answer, priority=100,arp,arp_op=1 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],move:OXM_OF_METADATA[0..47]->NXM_OF_ETH_SRC[],set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],move:OXM_OF_METADATA[0..47]->NXM_NX_ARP_SHA[],move:NXM_NX_REG8[]->NXM_OF_ARP_SPA[],IN_PORT
        cookie=0x1000000100000034, table=answer, priority=100,icmp6,icmp_type=135,icmp_code=0 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],move:OXM_OF_METADATA[0..47]->NXM_OF_ETH_SRC[],move:NXM_NX_IPV6_SRC[]->NXM_NX_IPV6_DST[],move:NXM_NX_XXREG2[]->NXM_NX_IPV6_SRC[],set_field:136->icmpv6_type,goto_table:"answer_nd"
        cookie=0x1000000100000035, table=answer, priority=0 actions=drop
        cookie=0x100000010000000c, table="answer_nd", priority=100,icmp6,icmp_type=136,icmp_code=0 actions=set_field:2->nd_options_type,set_field:1610612736->nd_reserved,move:NXM_OF_ETH_SRC[]->NXM_NX_ND_TLL[],IN_PORT
        cookie=0x100000010000000d, table="answer_nd", priority=0 actions=drop
        cookie=0x1000000100000020, table=egress, priority=0 actions=drop
        cookie=0x1000000100000021, table="egress_track", priority=120,icmp6,icmp_type=130 actions=goto_table:"forward_local"
        cookie=0x1000000100000021, table="egress_track", priority=120,icmp6,icmp_type=131 actions=goto_table:"forward_local"
        cookie=0x1000000100000021, table="egress_track", priority=120,icmp6,icmp_type=132 actions=goto_table:"forward_local"
        cookie=0x1000000100000021, table="egress_track", priority=120,icmp6,icmp_type=133 actions=goto_table:"forward_local"
        cookie=0x1000000100000021, table="egress_track", priority=120,icmp6,icmp_type=135 actions=goto_table:"forward_local"
        cookie=0x1000000100000021, table="egress_track", priority=120,icmp6,icmp_type=136 actions=goto_table:"forward_local"
        cookie=0x1000000100000021, table="egress_track", priority=120,icmp6,icmp_type=143 actions=goto_table:"forward_local"
        cookie=0x1000000100000022, table="egress_track", priority=120,udp,tp_src=68,tp_dst=67 actions=goto_table:"forward_local"
        cookie=0x1000000100000022, table="egress_track", priority=120,udp6,tp_src=546,tp_dst=547 actions=goto_table:"forward_local"
        cookie=0x1000000100000023, table="egress_track", priority=110,ip,reg12=0 actions=set_field:0x1->reg4,move:NXM_NX_REG1[]->NXM_NX_REG14[],set_field:0->reg13,resubmit(,profile),set_field:0->reg4,set_field:0->reg14,set_field:0->reg7,goto_table:"egress_verdict"
        cookie=0x1000000100000023, table="egress_track", priority=110,ipv6,reg12=0 actions=set_field:0x1->reg4,move:NXM_NX_REG1[]->NXM_NX_REG14[],set_field:0->reg13,resubmit(,profile),set_field:0->reg4,set_field:0->reg14,set_field:0->reg7,goto_table:"egress_verdict"
        cookie=0x1000000100000024, table="egress_track", priority=100,ip actions=ct(table="egress_state",zone=NXM_NX_REG12[0..15])
        cookie=0x1000000100000024, table="egress_track", priority=100,ipv6 actions=ct(table="egress_state",zone=NXM_NX_REG12[0..15])
        cookie=0x1000000100000025, table="egress_track", priority=0 actions=goto_table:"forward_local"
        cookie=0x1000000100000026, table="egress_state", priority=130,ct_state=+inv+trk actions=drop
        cookie=0x1000000100000027, table="egress_state", priority=120,ip,nw_frag=later actions=goto_table:"egress_commit"
        cookie=0x1000000100000027, table="egress_state", priority=120,ipv6,nw_frag=later actions=goto_table:"egress_commit"
        cookie=0x1000000100000028, table="egress_state", priority=110,ct_state=+rpl+trk actions=set_field:0x4->reg4,move:NXM_NX_REG1[]->NXM_NX_REG14[],set_field:0->reg13,resubmit(,profile),set_field:0->reg4,set_field:0->reg14,set_field:0->reg7,goto_table:"egress_verdict"
        cookie=0x1000000100000029, table="egress_state", priority=110,ct_state=+rel-rpl+trk actions=set_field:0x3->reg4,move:NXM_NX_REG1[]->NXM_NX_REG14[],set_field:0->reg13,resubmit(,profile),set_field:0->reg4,set_field:0->reg14,set_field:0->reg7,goto_table:"egress_verdict"
        cookie=0x100000010000002a, table="egress_state", priority=0 actions=set_field:0x1->reg4,move:NXM_NX_REG1[]->NXM_NX_REG14[],set_field:0->reg13,resubmit(,profile),set_field:0->reg4,set_field:0->reg14,set_field:0->reg7,goto_table:"egress_verdict"
        cookie=0x100000010000002b, table="egress_verdict", priority=120,reg12=0,reg13=0x1 actions=goto_table:"forward_local"
        cookie=0x100000010000002c, table="egress_verdict", priority=105,ip,reg13=0x1,nw_frag=first actions=goto_table:"egress_commit"
        cookie=0x100000010000002c, table="egress_verdict", priority=105,ipv6,reg13=0x1,nw_frag=first actions=goto_table:"egress_commit"
        cookie=0x100000010000002d, table="egress_verdict", priority=100,reg13=0x1 actions=goto_table:"forward_local"
        cookie=0x100000010000002e, table="egress_verdict", priority=0 actions=drop
        cookie=0x100000010000002f, table="egress_commit", priority=100,ip actions=ct(commit,table="egress_committed",zone=NXM_NX_REG12[0..15])
        cookie=0x100000010000002f, table="egress_commit", priority=100,ipv6 actions=ct(commit,table="egress_committed",zone=NXM_NX_REG12[0..15])
        cookie=0x1000000100000030, table="egress_commit", priority=0 actions=drop
        cookie=0x1000000100000031, table="egress_committed", priority=100,ct_state=+inv+trk actions=drop
        cookie=0x1000000100000032, table="egress_committed", priority=0 actions=goto_table:"forward_local"
        cookie=0x100000010000000e, table="forward_local", priority=200,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=goto_table:flood
        cookie=0x100000010000000f, table="forward_local", priority=10,reg3=0x2 actions=drop
        cookie=0x1000000100000010, table="forward_local", priority=10,reg3=0x3 actions=drop
        cookie=0x1000000100000011, table="forward_local", priority=0 actions=goto_table:"forward_remote"
        cookie=0x1000000100000012, table="forward_remote", priority=0 actions=drop
        cookie=0x1000000100000013, table=flood, priority=0 actions=drop
        cookie=0x1000000100000014, table="flood_local", priority=0 actions=drop
        cookie=0x1000000100000015, table="flood_remote", priority=200,reg3=0x2/0x2 actions=drop
        cookie=0x1000000100000016, table="flood_remote", priority=0 actions=drop
        cookie=0x1000000100000017, table="flood_vteps", priority=0 actions=drop
        cookie=0x10000001000000a0, table=ingress, priority=0 actions=drop
        cookie=0x10000001000000a1, table="ingress_track", priority=120,icmp6,icmp_type=130 actions=goto_table:output
        cookie=0x10000001000000a1, table="ingress_track", priority=120,icmp6,icmp_type=131 actions=goto_table:output
        cookie=0x10000001000000a1, table="ingress_track", priority=120,icmp6,icmp_type=132 actions=goto_table:output
        cookie=0x10000001000000a1, table="ingress_track", priority=120,icmp6,icmp_type=133 actions=goto_table:output
        cookie=0x10000001000000a1, table="ingress_track", priority=120,icmp6,icmp_type=135 actions=goto_table:output
        cookie=0x10000001000000a1, table="ingress_track", priority=120,icmp6,icmp_type=136 actions=goto_table:output
        cookie=0x10000001000000a1, table="ingress_track", priority=120,icmp6,icmp_type=143 actions=goto_table:output
        cookie=0x10000001000000a1, table="ingress_track", priority=120,icmp6,icmp_type=134 actions=goto_table:output
        cookie=0x10000001000000a1, table="ingress_track", priority=120,icmp6,icmp_type=137 actions=goto_table:output
        cookie=0x10000001000000a2, table="ingress_track", priority=120,udp,tp_src=67,tp_dst=68 actions=goto_table:output
        cookie=0x10000001000000a2, table="ingress_track", priority=120,udp6,tp_src=547,tp_dst=546 actions=goto_table:output
        cookie=0x10000001000000a3, table="ingress_track", priority=110,ip,reg12=0 actions=set_field:0x2->reg4,move:NXM_NX_REG2[]->NXM_NX_REG14[],set_field:0->reg13,resubmit(,profile),set_field:0->reg4,set_field:0->reg14,set_field:0->reg7,goto_table:"ingress_verdict"
        cookie=0x10000001000000a3, table="ingress_track", priority=110,ipv6,reg12=0 actions=set_field:0x2->reg4,move:NXM_NX_REG2[]->NXM_NX_REG14[],set_field:0->reg13,resubmit(,profile),set_field:0->reg4,set_field:0->reg14,set_field:0->reg7,goto_table:"ingress_verdict"
        cookie=0x10000001000000a4, table="ingress_track", priority=100,ip actions=ct(table="ingress_state",zone=NXM_NX_REG12[0..15])
        cookie=0x10000001000000a4, table="ingress_track", priority=100,ipv6 actions=ct(table="ingress_state",zone=NXM_NX_REG12[0..15])
        cookie=0x10000001000000a5, table="ingress_track", priority=0 actions=goto_table:output
        cookie=0x10000001000000a6, table="ingress_state", priority=130,ct_state=+inv+trk actions=drop
        cookie=0x10000001000000a7, table="ingress_state", priority=120,ip,nw_frag=later actions=goto_table:"ingress_commit"
        cookie=0x10000001000000a7, table="ingress_state", priority=120,ipv6,nw_frag=later actions=goto_table:"ingress_commit"
        cookie=0x10000001000000a8, table="ingress_state", priority=110,ct_state=+rpl+trk actions=set_field:0x3->reg4,move:NXM_NX_REG2[]->NXM_NX_REG14[],set_field:0->reg13,resubmit(,profile),set_field:0->reg4,set_field:0->reg14,set_field:0->reg7,goto_table:"ingress_verdict"
        cookie=0x10000001000000a9, table="ingress_state", priority=110,ct_state=+rel-rpl+trk actions=set_field:0x4->reg4,move:NXM_NX_REG2[]->NXM_NX_REG14[],set_field:0->reg13,resubmit(,profile),set_field:0->reg4,set_field:0->reg14,set_field:0->reg7,goto_table:"ingress_verdict"
        cookie=0x10000001000000aa, table="ingress_state", priority=0 actions=set_field:0x2->reg4,move:NXM_NX_REG2[]->NXM_NX_REG14[],set_field:0->reg13,resubmit(,profile),set_field:0->reg4,set_field:0->reg14,set_field:0->reg7,goto_table:"ingress_verdict"
        cookie=0x10000001000000ab, table="ingress_verdict", priority=120,reg12=0,reg13=0x1 actions=goto_table:output
        cookie=0x10000001000000ac, table="ingress_verdict", priority=105,ip,reg13=0x1,nw_frag=first actions=goto_table:"ingress_commit"
        cookie=0x10000001000000ac, table="ingress_verdict", priority=105,ipv6,reg13=0x1,nw_frag=first actions=goto_table:"ingress_commit"
        cookie=0x10000001000000ad, table="ingress_verdict", priority=100,reg13=0x1 actions=goto_table:output
        cookie=0x10000001000000ae, table="ingress_verdict", priority=0 actions=drop
        cookie=0x10000001000000af, table="ingress_commit", priority=100,ip actions=ct(commit,table="ingress_committed",zone=NXM_NX_REG12[0..15])
        cookie=0x10000001000000af, table="ingress_commit", priority=100,ipv6 actions=ct(commit,table="ingress_committed",zone=NXM_NX_REG12[0..15])
        cookie=0x10000001000000b0, table="ingress_commit", priority=0 actions=drop
        cookie=0x10000001000000b1, table="ingress_committed", priority=100,ct_state=+inv+trk actions=drop
        cookie=0x10000001000000b2, table="ingress_committed", priority=0 actions=goto_table:output
        cookie=0x1000000100000018, table=output, priority=0 actions=drop
        cookie=0x1000000100000019, table=encap, priority=100,tun_dst=192.0.2.11 actions=drop
        cookie=0x100000010000001a, table=encap, priority=10 actions=output:1
        cookie=0x100000010000001b, table=encap, priority=0 actions=drop
        cookie=0x100000010000001c, table=uplink, priority=0 actions=drop
        cookie=0x1000000100000037, table=profile, priority=0 actions=set_field:0->reg13
        cookie=0x1000000100000038, table=rules, priority=0 actions=set_field:0->reg13
        cookie=0x100000010000003b, table=addresses, priority=0 actions=set_field:0->metadata,set_field:0->reg15
        cookie=0x100000010000003c, table="addresses_ipv6", priority=0 actions=set_field:0->metadata,set_field:0->reg15
        cookie=0x1000000100000039, table=peers, priority=0 actions=set_field:0->reg6
        cookie=0x100000010000003a, table="peer_rules", priority=0 actions=set_field:0->reg6
    "#]]);
}

#[test]
fn a_local_port_is_classified_and_reached() {
    let world = World::new().host(1, "192.0.2.11").network(1, vxlan(5001)).port(1, port(7, 1));
    let tables = [Table::Classify, Table::ForwardLocal, Table::Output];
    let block = BlockId::HostPort { host: key(1), port: key(7) };
    world.check(&[block], &tables, expect![[r#"
        cookie=0x1400000700000080, table=classify, priority=100,in_port=17,vlan_tci=0x0000/0x1fff actions=set_field:0x1->reg0,set_field:0x7->reg1,set_field:0x1->reg3,goto_table:guard
        cookie=0x1400000700000093, table="forward_local", priority=100,reg0=0x1,dl_dst=fa:16:3e:00:00:07 actions=set_field:0x7->reg2,goto_table:ingress
        cookie=0x1400000700000094, table=output, priority=100,reg2=0x7 actions=output:17
    "#]]);
}
