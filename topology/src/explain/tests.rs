use expect_test::{Expect, expect};

use super::explain;
use crate::compile::tests::fixture::{
    World, fixed_ip, group_id, host_id, key, pair, port, port_id, vlan, vxlan,
};
use crate::cookie::Cookie;
use crate::model::{Direction, Ethertype, Model, Port, PortRange, Remote, ResourceId, Traffic};
use crate::pipeline::{Detail, Table};

fn world() -> World {
    let vrrp = |port: Port| Port {
        allowed_address_pairs: vec![pair("10.0.0.100/32", Some("00:00:5e:00:01:07"))],
        ..port
    };
    let mut world = World::new()
        .host(1, "192.0.2.11")
        .host(2, "192.0.2.12")
        .network(1, vxlan(5001))
        .network(2, vlan("external", 100))
        .port(1, vrrp(port(1, 1)))
        .port(2, vrrp(port(2, 1)))
        .port(2, Port { fixed_ips: vec![fixed_ip("2001:db8::3")], ..port(3, 2) });
    world.compiler.flush();
    world
}

#[track_caller]
fn check(model: &Model, cookies: &[Cookie], expect: Expect) {
    let lines = cookies.iter().map(|&cookie| match explain(cookie, None, model) {
        Ok(explanation) => format!("{explanation}\n"),
        Err(error) => format!("{error}\n"),
    });
    expect.assert_eq(&lines.collect::<String>());
}

#[test]
fn every_kind_leads_to_its_objects() {
    let cookies = [
        Cookie::new(Detail::UnknownVtep, key(1), key(0)),
        Cookie::new(Detail::KnownVtep, key(0), key(2)),
        Cookie::new(Detail::UnknownDestination, key(1), key(0)),
        Cookie::new(Detail::Address, key(1), key(2)),
        Cookie::new(Detail::PortCopies, key(2), key(1)),
        Cookie::new(Detail::OwnArp, key(1), key(3)),
        Cookie::new(Detail::OwnIpv6, key(3), key(2)),
        Cookie::new(Detail::Spoofed, key(3), key(0)),
    ];
    check(
        world().compiler.model(),
        &cookies,
        expect![[r#"
            vtep, dropped: tunnel packet from an address that is no host's tunnel endpoint (host "host-1" 00000000-0000-0000-0000-000000000001)
            vtep, tunnel packet from a host's tunnel endpoint (host "host-2" 00000000-0000-0000-0000-000000000002)
            forward_remote, dropped: for an Ethernet address that no port of the network has (network "network-1" 00000000-0000-0000-0000-000000000001)
            addresses, an address of the port: its Ethernet address, and its profile if it is in a group (network "network-1" 00000000-0000-0000-0000-000000000001, port "port-2" 00000000-0000-0000-0000-000000000002)
            flood_local, copies to the local ports of one part of the list (network "network-2" 00000000-0000-0000-0000-000000000002, part 1)
            guard, ARP from an address of the port (port "port-1" 00000000-0000-0000-0000-000000000001, 10.0.0.100/32 with 00:00:5e:00:01:07)
            guard_ipv6, IPv6 from an address of the port (port "port-3" 00000000-0000-0000-0000-000000000003, fe80::f816:3eff:fe00:3/128 with fa:16:3e:00:00:03)
            guard, dropped: source address that is neither the port's nor an allowed pair, or neither IP, ARP nor RARP (port "port-3" 00000000-0000-0000-0000-000000000003)
        "#]],
    );
}

#[test]
fn what_is_gone_or_foreign_is_said_to_be() {
    let cookies = [
        Cookie::new(Detail::OwnIpv4, key(1), key(9)),
        Cookie::new(Detail::ForwardRemote, key(7), key(8)),
        Cookie(0x1200_0001_0000_02ff),
        Cookie(0x42),
    ];
    check(
        world().compiler.model(),
        &cookies,
        expect![[r#"
            guard, IPv4 from an address of the port (port "port-1" 00000000-0000-0000-0000-000000000001, address number 9, which does not exist)
            forward_remote, for the port's Ethernet address: through the tunnel to its host (network with key 7, which does not exist, port with key 8, which does not exist)
            cookie 0x12000001000002ff is of a network block, which has no flows of detail 0xff
            cookie 0x42 is not one of Weft's: its top byte is no sort of block
        "#]],
    );
}

#[test]
fn a_floating_address_names_every_port_that_names_it() {
    let world = world();
    let cookie = Cookie::new(Detail::ForwardFloating, key(1), key(1));
    check(
        world.compiler.model(),
        &[cookie],
        expect![[r#"
            forward_local, for an Ethernet address out of allowed address pairs, which may be at any port that names it: flooded (network "network-1" 00000000-0000-0000-0000-000000000001, port "port-1" 00000000-0000-0000-0000-000000000001, port "port-2" 00000000-0000-0000-0000-000000000002)
        "#]],
    );
    let flow = world.compiler.desired(host_id(1)).find(|flow| flow.flow.cookie == cookie.0);
    let matching = &flow.expect("the flow is there").flow.matching;
    let explained = explain(cookie, Some(matching), world.compiler.model()).unwrap();
    let ports = [1, 2].map(|number| ResourceId::Port(port_id(number)));
    assert_eq!(explained.owners[1..], ports);
}

#[test]
fn every_flow_leads_to_objects_that_exist() {
    let world = world();
    for host in [1, 2] {
        for flow in world.compiler.desired(host_id(host)) {
            let cookie = Cookie(flow.flow.cookie);
            let explained =
                explain(cookie, Some(&flow.flow.matching), world.compiler.model()).unwrap();
            assert!(!explained.owners.is_empty(), "{}", flow.flow);
            assert!(!explained.sentence.contains("which does not"), "{explained}");
        }
    }
}

/// A web server: anybody reaches port 80, members of the group and of two address ranges more.
fn policed() -> World {
    let tcp = |first, last, remote| Traffic {
        protocol: Some(6),
        ports: Some(PortRange { first, last }),
        remote,
        ..Traffic::any(Direction::Ingress, Ethertype::Ipv4)
    };
    let prefix = Remote::Prefix("10.0.0.0/8".parse().unwrap());
    let rules = [tcp(80, 80, Remote::Any), tcp(81, 90, Remote::Group(group_id(1)))];
    let vrrp = |port: Port| Port {
        allowed_address_pairs: vec![pair("2001:db8::100/128", None)],
        security_groups: [group_id(1), group_id(2)].into(),
        ..port
    };
    let mut world = World::new()
        .host(1, "192.0.2.11")
        .network(1, vxlan(5001))
        .group(1, true, &rules)
        .group(2, true, &[tcp(80, 87, Remote::Any), tcp(22, 22, prefix)])
        .port(1, vrrp(port(1, 1)))
        .port(1, vrrp(port(2, 1)));
    world.compiler.flush();
    world
}

#[test]
fn flows_of_rules_name_every_rule_that_they_are_there_for() {
    let world = policed();
    let tables = [Table::Rules, Table::Peers, Table::PeerRules, Table::EgressVerdict];
    let mut lines = Vec::new();
    for flow in world.compiler.desired(host_id(1)) {
        let flow = &flow.flow;
        if flow.cookie >> 56 != 0x10 && tables.iter().any(|table| table.number() == flow.table) {
            let explained =
                explain(Cookie(flow.cookie), Some(&flow.matching), world.compiler.model());
            lines.push(format!("{}\n", explained.unwrap()));
        }
    }
    lines.sort();
    expect![[r#"
        egress_verdict, allowed, and a new connection from the port (port "port-1" 00000000-0000-0000-0000-000000000001, security groups "group-1" and "group-2")
        egress_verdict, allowed, and a new connection from the port (port "port-2" 00000000-0000-0000-0000-000000000002, security groups "group-1" and "group-2")
        egress_verdict, dropped: no rule of the port's security groups allows it to send this (port "port-1" 00000000-0000-0000-0000-000000000001, security groups "group-1" and "group-2")
        egress_verdict, dropped: no rule of the port's security groups allows it to send this (port "port-2" 00000000-0000-0000-0000-000000000002, security groups "group-1" and "group-2")
        peer_rules, allowed to members of the remote, by the packet's own headers (profile 1 of security groups "group-1" and "group-2", rule 11 of "group-1": ingress IPv4 tcp 81-90 from security group "group-1")
        peer_rules, allowed to members of the remote, by the packet's own headers (profile 1 of security groups "group-1" and "group-2", rule 11 of "group-1": ingress IPv4 tcp 81-90 from security group "group-1")
        peer_rules, allowed to members of the remote, by the packet's own headers (profile 1 of security groups "group-1" and "group-2", rule 11 of "group-1": ingress IPv4 tcp 81-90 from security group "group-1")
        peer_rules, allowed to members of the remote, by the packet's own headers (profile 1 of security groups "group-1" and "group-2", rule 11 of "group-1": ingress IPv4 tcp 81-90 from security group "group-1")
        peer_rules, allowed to members of the remote, by the packet's own headers (profile 1 of security groups "group-1" and "group-2", rule 11 of "group-1": ingress IPv4 tcp 81-90 from security group "group-1")
        peer_rules, allowed to members of the remote, by what its connection began with (profile 1 of security groups "group-1" and "group-2", rule 11 of "group-1": ingress IPv4 tcp 81-90 from security group "group-1")
        peer_rules, allowed to members of the remote, by what its connection began with (profile 1 of security groups "group-1" and "group-2", rule 11 of "group-1": ingress IPv4 tcp 81-90 from security group "group-1")
        peer_rules, allowed to members of the remote, by what its connection began with (profile 1 of security groups "group-1" and "group-2", rule 11 of "group-1": ingress IPv4 tcp 81-90 from security group "group-1")
        peer_rules, allowed to members of the remote, by what its connection began with (profile 1 of security groups "group-1" and "group-2", rule 11 of "group-1": ingress IPv4 tcp 81-90 from security group "group-1")
        peer_rules, allowed to members of the remote, by what its connection began with (profile 1 of security groups "group-1" and "group-2", rule 11 of "group-1": ingress IPv4 tcp 81-90 from security group "group-1")
        peers, an address out of allowed address pairs of a port that is in the remote group (network "network-1" 00000000-0000-0000-0000-000000000001, security group "group-1" 00000000-0000-0000-0000-000000000001, port "port-1" 00000000-0000-0000-0000-000000000001, port "port-2" 00000000-0000-0000-0000-000000000002)
        peers, the port that has the address is of a profile that is in the remote group (security group "group-1" 00000000-0000-0000-0000-000000000001, ports of profile 1 of security groups "group-1" and "group-2")
        rules, allowed, by the packet's own headers (profile 1 of security groups "group-1" and "group-2", rule 10 of "group-1": ingress IPv4 tcp 80 from anywhere, rule 20 of "group-2": ingress IPv4 tcp 80-87 from anywhere)
        rules, allowed, by the packet's own headers (profile 1 of security groups "group-1" and "group-2", rule 21 of "group-2": ingress IPv4 tcp 22 from 10.0.0.0/8)
        rules, allowed, by what its connection began with (profile 1 of security groups "group-1" and "group-2", rule 10 of "group-1": ingress IPv4 tcp 80 from anywhere, rule 20 of "group-2": ingress IPv4 tcp 80-87 from anywhere)
        rules, allowed, by what its connection began with (profile 1 of security groups "group-1" and "group-2", rule 21 of "group-2": ingress IPv4 tcp 22 from 10.0.0.0/8)
        rules, tries rules with a remote group or address group, by the packet's own headers (profile 1 of security groups "group-1" and "group-2")
        rules, tries rules with a remote group or address group, by what its connection began with (profile 1 of security groups "group-1" and "group-2")
    "#]].assert_eq(&lines.concat());
}

#[test]
fn what_rules_were_about_is_said_without_them_too() {
    let cookies = [
        Cookie::new(Detail::Rule, key(1), key(10)),
        Cookie::new(Detail::Rule, key(1), key(99)),
        Cookie::new(Detail::Rule, key(9), key(10)),
        Cookie::new(Detail::GroupMember, key(1), key(1)),
        Cookie::new(Detail::GroupMember, key(7), key(8)),
        Cookie::new(Detail::AddressGroupPrefix, key(3), key(0)),
        Cookie::new(Detail::IngressDenied, key(1), key(0)),
    ];
    check(
        policed().compiler.model(),
        &cookies,
        expect![[r#"
            rules, allowed, by the packet's own headers (profile 1 of security groups "group-1" and "group-2", rule 10 of "group-1": ingress IPv4 tcp 80 from anywhere, rule 20 of "group-2": ingress IPv4 tcp 80-87 from anywhere)
            rules, allowed, by the packet's own headers (profile 1 of security groups "group-1" and "group-2", rule 99, which does not exist)
            rules, allowed, by the packet's own headers (profile 9, which does not exist)
            peers, the port that has the address is of a profile that is in the remote group (security group "group-1" 00000000-0000-0000-0000-000000000001, ports of profile 1 of security groups "group-1" and "group-2")
            peers, the port that has the address is of a profile that is in the remote group (security group with key 7, which does not exist, profile 8, which does not exist)
            peers, an address of the address group (address group with key 3, which does not exist)
            ingress_verdict, dropped: no rule of the port's security groups allows it to get this (port "port-1" 00000000-0000-0000-0000-000000000001, security groups "group-1" and "group-2")
        "#]],
    );
}
