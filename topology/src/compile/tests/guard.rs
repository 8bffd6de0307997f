//! What a port may send.

use expect_test::{Expect, expect};

use super::fixture::{World, fixed_ip, key, pair, port, vxlan};
use crate::block::BlockId;
use crate::model::Port;
use crate::pipeline::Table;

#[track_caller]
fn check(port: Port, expect: Expect) {
    let world = World::new().host(1, "192.0.2.11").network(1, vxlan(5001)).port(1, port);
    let block = BlockId::HostPort { host: key(1), port: key(1) };
    world.check(&[block], &[Table::Guard, Table::GuardIpv6], expect);
}

#[test]
fn an_ipv4_port() {
    check(
        port(1, 1),
        expect![[r#"
            cookie=0x1400000100000087, table=guard, priority=200,udp,reg1=0x1,tp_src=67 actions=drop
            cookie=0x1400000100000087, table=guard, priority=200,udp,reg1=0x1,tp_dst=68 actions=drop
            cookie=0x1400000100000087, table=guard, priority=200,udp6,reg1=0x1,tp_src=547 actions=drop
            cookie=0x1400000100000087, table=guard, priority=200,udp6,reg1=0x1,tp_dst=546 actions=drop
            cookie=0x1400000100000088, table=guard, priority=200,icmp6,reg1=0x1,icmp_type=134 actions=drop
            cookie=0x1400000100000089, table=guard, priority=200,icmp6,reg1=0x1,icmp_type=137 actions=drop
            cookie=0x1400000100000182, table=guard, priority=120,arp,reg1=0x1,dl_src=fa:16:3e:00:00:01,arp_spa=10.0.0.1,arp_tpa=10.0.0.1,arp_op=1,arp_sha=fa:16:3e:00:00:01 actions=goto_table:"forward_local"
            cookie=0x140000010000028a, table=guard, priority=120,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,ipv6_src=::,icmp_type=135,icmp_code=0,nd_target=fe80::f816:3eff:fe00:1,nd_sll=00:00:00:00:00:00 actions=goto_table:respond
            cookie=0x140000010000008b, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=135,icmp_code=0,nd_sll=fa:16:3e:00:00:01 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008b, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=135,icmp_code=0,nd_sll=00:00:00:00:00:00 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000028c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=136,icmp_code=0,nd_target=fe80::f816:3eff:fe00:1,nd_tll=fa:16:3e:00:00:01 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000028c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=136,icmp_code=0,nd_target=fe80::f816:3eff:fe00:1,nd_tll=00:00:00:00:00:00 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008d, table=guard, priority=105,icmp6,reg1=0x1,icmp_type=135 actions=drop
            cookie=0x140000010000008d, table=guard, priority=105,icmp6,reg1=0x1,icmp_type=136 actions=drop
            cookie=0x1400000100000095, table=guard, priority=100,rarp,reg1=0x1,dl_src=fa:16:3e:00:00:01 actions=goto_table:respond
            cookie=0x1400000100000086, table=guard, priority=100,udp,reg1=0x1,dl_src=fa:16:3e:00:00:01,nw_src=0.0.0.0,nw_dst=255.255.255.255,tp_src=68,tp_dst=67 actions=goto_table:respond
            cookie=0x1400000100000183, table=guard, priority=100,arp,reg1=0x1,dl_src=fa:16:3e:00:00:01,arp_spa=10.0.0.1,arp_sha=fa:16:3e:00:00:01 actions=goto_table:respond
            cookie=0x1400000100000184, table=guard, priority=100,arp,reg1=0x1,dl_src=fa:16:3e:00:00:01,arp_spa=0.0.0.0,arp_tpa=10.0.0.1,arp_op=1,arp_sha=fa:16:3e:00:00:01 actions=goto_table:respond
            cookie=0x1400000100000185, table=guard, priority=100,ip,reg1=0x1,dl_src=fa:16:3e:00:00:01,nw_src=10.0.0.1 actions=goto_table:respond
            cookie=0x140000010000008e, table=guard, priority=100,ipv6,reg1=0x1,dl_src=fa:16:3e:00:00:01 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008f, table=guard, priority=10,reg1=0x1 actions=drop
            cookie=0x1400000100000290, table="guard_ipv6", priority=100,ipv6,reg1=0x1,dl_src=fa:16:3e:00:00:01,ipv6_src=fe80::f816:3eff:fe00:1 actions=goto_table:respond
            cookie=0x1400000100000092, table="guard_ipv6", priority=10,reg1=0x1 actions=drop
        "#]],
    );
}

#[test]
fn an_ipv6_address_more() {
    check(
        Port { fixed_ips: vec![fixed_ip("2001:db8::1")], ..port(1, 1) },
        expect![[r#"
            cookie=0x1400000100000087, table=guard, priority=200,udp,reg1=0x1,tp_src=67 actions=drop
            cookie=0x1400000100000087, table=guard, priority=200,udp,reg1=0x1,tp_dst=68 actions=drop
            cookie=0x1400000100000087, table=guard, priority=200,udp6,reg1=0x1,tp_src=547 actions=drop
            cookie=0x1400000100000087, table=guard, priority=200,udp6,reg1=0x1,tp_dst=546 actions=drop
            cookie=0x1400000100000088, table=guard, priority=200,icmp6,reg1=0x1,icmp_type=134 actions=drop
            cookie=0x1400000100000089, table=guard, priority=200,icmp6,reg1=0x1,icmp_type=137 actions=drop
            cookie=0x140000010000018a, table=guard, priority=120,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,ipv6_src=::,icmp_type=135,icmp_code=0,nd_target=2001:db8::1,nd_sll=00:00:00:00:00:00 actions=goto_table:respond
            cookie=0x140000010000028a, table=guard, priority=120,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,ipv6_src=::,icmp_type=135,icmp_code=0,nd_target=fe80::f816:3eff:fe00:1,nd_sll=00:00:00:00:00:00 actions=goto_table:respond
            cookie=0x140000010000008b, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=135,icmp_code=0,nd_sll=fa:16:3e:00:00:01 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008b, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=135,icmp_code=0,nd_sll=00:00:00:00:00:00 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000018c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=136,icmp_code=0,nd_target=2001:db8::1,nd_tll=fa:16:3e:00:00:01 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000018c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=136,icmp_code=0,nd_target=2001:db8::1,nd_tll=00:00:00:00:00:00 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000028c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=136,icmp_code=0,nd_target=fe80::f816:3eff:fe00:1,nd_tll=fa:16:3e:00:00:01 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000028c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=136,icmp_code=0,nd_target=fe80::f816:3eff:fe00:1,nd_tll=00:00:00:00:00:00 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008d, table=guard, priority=105,icmp6,reg1=0x1,icmp_type=135 actions=drop
            cookie=0x140000010000008d, table=guard, priority=105,icmp6,reg1=0x1,icmp_type=136 actions=drop
            cookie=0x1400000100000095, table=guard, priority=100,rarp,reg1=0x1,dl_src=fa:16:3e:00:00:01 actions=goto_table:respond
            cookie=0x1400000100000086, table=guard, priority=100,udp,reg1=0x1,dl_src=fa:16:3e:00:00:01,nw_src=0.0.0.0,nw_dst=255.255.255.255,tp_src=68,tp_dst=67 actions=goto_table:respond
            cookie=0x140000010000008e, table=guard, priority=100,ipv6,reg1=0x1,dl_src=fa:16:3e:00:00:01 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008f, table=guard, priority=10,reg1=0x1 actions=drop
            cookie=0x1400000100000190, table="guard_ipv6", priority=100,ipv6,reg1=0x1,dl_src=fa:16:3e:00:00:01,ipv6_src=2001:db8::1 actions=goto_table:respond
            cookie=0x1400000100000290, table="guard_ipv6", priority=100,ipv6,reg1=0x1,dl_src=fa:16:3e:00:00:01,ipv6_src=fe80::f816:3eff:fe00:1 actions=goto_table:respond
            cookie=0x1400000100000092, table="guard_ipv6", priority=10,reg1=0x1 actions=drop
        "#]],
    );
}

#[test]
fn pairs_with_the_own_and_another_address() {
    let allowed_address_pairs = vec![
        pair("10.1.0.0/16", None),
        pair("10.0.0.100/32", Some("00:00:5e:00:01:07")),
        pair("2001:db8:1::/64", Some("00:00:5e:00:02:07")),
        pair("0.0.0.0/0", Some("01:00:5e:00:00:01")),
    ];
    check(
        Port { fixed_ips: vec![], allowed_address_pairs, ..port(1, 1) },
        expect![[r#"
            cookie=0x1400000100000087, table=guard, priority=200,udp,reg1=0x1,tp_src=67 actions=drop
            cookie=0x1400000100000087, table=guard, priority=200,udp,reg1=0x1,tp_dst=68 actions=drop
            cookie=0x1400000100000087, table=guard, priority=200,udp6,reg1=0x1,tp_src=547 actions=drop
            cookie=0x1400000100000087, table=guard, priority=200,udp6,reg1=0x1,tp_dst=546 actions=drop
            cookie=0x1400000100000088, table=guard, priority=200,icmp6,reg1=0x1,icmp_type=134 actions=drop
            cookie=0x1400000100000089, table=guard, priority=200,icmp6,reg1=0x1,icmp_type=137 actions=drop
            cookie=0x1400000100000382, table=guard, priority=120,arp,reg1=0x1,dl_src=00:00:5e:00:01:07,arp_spa=10.0.0.100,arp_tpa=10.0.0.100,arp_op=1,arp_sha=00:00:5e:00:01:07 actions=goto_table:"forward_local"
            cookie=0x140000010000018a, table=guard, priority=120,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,ipv6_src=::,icmp_type=135,icmp_code=0,nd_target=fe80::f816:3eff:fe00:1,nd_sll=00:00:00:00:00:00 actions=goto_table:respond
            cookie=0x140000010000048a, table=guard, priority=120,icmp6,reg1=0x1,dl_src=00:00:5e:00:02:07,ipv6_src=::,icmp_type=135,icmp_code=0,nd_target=2001:db8:1::/64,nd_sll=00:00:00:00:00:00 actions=goto_table:respond
            cookie=0x140000010000058a, table=guard, priority=120,icmp6,reg1=0x1,dl_src=00:00:5e:00:02:07,ipv6_src=::,icmp_type=135,icmp_code=0,nd_target=fe80::200:5eff:fe00:207,nd_sll=00:00:00:00:00:00 actions=goto_table:respond
            cookie=0x140000010000008b, table=guard, priority=110,icmp6,reg1=0x1,dl_src=00:00:5e:00:02:07,icmp_type=135,icmp_code=0,nd_sll=00:00:5e:00:02:07 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008b, table=guard, priority=110,icmp6,reg1=0x1,dl_src=00:00:5e:00:02:07,icmp_type=135,icmp_code=0,nd_sll=00:00:00:00:00:00 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008b, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=135,icmp_code=0,nd_sll=fa:16:3e:00:00:01 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008b, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=135,icmp_code=0,nd_sll=00:00:00:00:00:00 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000018c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=136,icmp_code=0,nd_target=fe80::f816:3eff:fe00:1,nd_tll=fa:16:3e:00:00:01 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000018c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=fa:16:3e:00:00:01,icmp_type=136,icmp_code=0,nd_target=fe80::f816:3eff:fe00:1,nd_tll=00:00:00:00:00:00 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000048c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=00:00:5e:00:02:07,icmp_type=136,icmp_code=0,nd_target=2001:db8:1::/64,nd_tll=00:00:5e:00:02:07 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000048c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=00:00:5e:00:02:07,icmp_type=136,icmp_code=0,nd_target=2001:db8:1::/64,nd_tll=00:00:00:00:00:00 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000058c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=00:00:5e:00:02:07,icmp_type=136,icmp_code=0,nd_target=fe80::200:5eff:fe00:207,nd_tll=00:00:5e:00:02:07 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000058c, table=guard, priority=110,icmp6,reg1=0x1,dl_src=00:00:5e:00:02:07,icmp_type=136,icmp_code=0,nd_target=fe80::200:5eff:fe00:207,nd_tll=00:00:00:00:00:00 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008d, table=guard, priority=105,icmp6,reg1=0x1,icmp_type=135 actions=drop
            cookie=0x140000010000008d, table=guard, priority=105,icmp6,reg1=0x1,icmp_type=136 actions=drop
            cookie=0x1400000100000095, table=guard, priority=100,rarp,reg1=0x1,dl_src=fa:16:3e:00:00:01 actions=goto_table:respond
            cookie=0x1400000100000086, table=guard, priority=100,udp,reg1=0x1,dl_src=fa:16:3e:00:00:01,nw_src=0.0.0.0,nw_dst=255.255.255.255,tp_src=68,tp_dst=67 actions=goto_table:respond
            cookie=0x1400000100000283, table=guard, priority=100,arp,reg1=0x1,dl_src=fa:16:3e:00:00:01,arp_spa=10.1.0.0/16,arp_sha=fa:16:3e:00:00:01 actions=goto_table:respond
            cookie=0x1400000100000284, table=guard, priority=100,arp,reg1=0x1,dl_src=fa:16:3e:00:00:01,arp_spa=0.0.0.0,arp_tpa=10.1.0.0/16,arp_op=1,arp_sha=fa:16:3e:00:00:01 actions=goto_table:respond
            cookie=0x1400000100000285, table=guard, priority=100,ip,reg1=0x1,dl_src=fa:16:3e:00:00:01,nw_src=10.1.0.0/16 actions=goto_table:respond
            cookie=0x1400000100000383, table=guard, priority=100,arp,reg1=0x1,dl_src=00:00:5e:00:01:07,arp_spa=10.0.0.100,arp_sha=00:00:5e:00:01:07 actions=goto_table:respond
            cookie=0x1400000100000384, table=guard, priority=100,arp,reg1=0x1,dl_src=00:00:5e:00:01:07,arp_spa=0.0.0.0,arp_tpa=10.0.0.100,arp_op=1,arp_sha=00:00:5e:00:01:07 actions=goto_table:respond
            cookie=0x1400000100000385, table=guard, priority=100,ip,reg1=0x1,dl_src=00:00:5e:00:01:07,nw_src=10.0.0.100 actions=goto_table:respond
            cookie=0x140000010000008e, table=guard, priority=100,ipv6,reg1=0x1,dl_src=00:00:5e:00:02:07 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008e, table=guard, priority=100,ipv6,reg1=0x1,dl_src=fa:16:3e:00:00:01 actions=goto_table:"guard_ipv6"
            cookie=0x140000010000008f, table=guard, priority=10,reg1=0x1 actions=drop
            cookie=0x1400000100000190, table="guard_ipv6", priority=100,ipv6,reg1=0x1,dl_src=fa:16:3e:00:00:01,ipv6_src=fe80::f816:3eff:fe00:1 actions=goto_table:respond
            cookie=0x1400000100000490, table="guard_ipv6", priority=100,ipv6,reg1=0x1,dl_src=00:00:5e:00:02:07,ipv6_src=2001:db8:1::/64 actions=goto_table:respond
            cookie=0x1400000100000590, table="guard_ipv6", priority=100,ipv6,reg1=0x1,dl_src=00:00:5e:00:02:07,ipv6_src=fe80::200:5eff:fe00:207 actions=goto_table:respond
            cookie=0x1400000100000092, table="guard_ipv6", priority=10,reg1=0x1 actions=drop
        "#]],
    );
}

#[test]
fn without_port_security() {
    check(
        Port { port_security: false, ..port(1, 1) },
        expect![[r#"
        cookie=0x1400000100000182, table=guard, priority=120,arp,reg1=0x1,arp_spa=10.0.0.1,arp_tpa=10.0.0.1,arp_op=1 actions=goto_table:"forward_local"
        cookie=0x1400000100000081, table=guard, priority=100,reg1=0x1 actions=goto_table:respond
    "#]],
    );
}
