use super::*;
use crate::model::{Ethertype, Icmp, PortRange, Traffic};

/// What a rule, changed from "all IPv4 traffic that others begin", allows, or what is wrong.
#[track_caller]
fn check(change: impl FnOnce(&mut RuleRequest), expected: Result<Traffic, &str>) {
    let mut world = World::new();
    let mut rule = rule_request(1);
    change(&mut rule);
    let request = group_request(1, vec![rule]);
    let result = world.run(|context| create_security_group(context, request));
    match expected {
        Ok(traffic) => assert_eq!(result.unwrap().rules[0].allows, traffic),
        Err(wrong) => expect(result, &format!("invalid argument: {wrong}")),
    }
}

fn ingress(ethertype: Ethertype) -> Traffic {
    Traffic::any(Direction::Ingress, ethertype)
}

fn prefix(text: &str) -> Remote {
    Remote::Prefix(text.parse().unwrap())
}

const V4: Ethertype = Ethertype::Ipv4;
const V6: Ethertype = Ethertype::Ipv6;

#[test]
fn a_rule_has_a_direction() {
    check(|_| {}, Ok(ingress(V4)));
    check(|rule| rule.direction = Some(Direction::Egress), Ok(Traffic::any(Direction::Egress, V4)));
    check(|rule| rule.direction = None, Err("rules[0].direction: is required"));
}

#[test]
fn the_ip_version_is_the_one_that_all_parts_have() {
    let remote = prefix("2001:db8::/32");
    check(|rule| rule.remote = remote, Ok(Traffic { remote, ..ingress(V6) }));
    check(|rule| rule.protocol = Some(58), Ok(Traffic { protocol: Some(58), ..ingress(V6) }));
    check(|rule| rule.ethertype = Some(V6), Ok(ingress(V6)));
    check(
        |rule| (rule.ethertype, rule.remote) = (Some(V4), remote),
        Err("rules[0].remote_ip_prefix: 2001:db8::/32: expected a prefix of IPv4"),
    );
    check(
        |rule| (rule.protocol, rule.remote) = (Some(58), prefix("10.0.0.0/8")),
        Err("rules[0].remote_ip_prefix: 10.0.0.0/8: expected a prefix of IPv6"),
    );
    check(
        |rule| (rule.ethertype, rule.protocol) = (Some(V6), Some(1)),
        Err("rules[0].protocol: ICMP is of IPv4: expected ICMPv6 with IPv6"),
    );
    check(
        |rule| (rule.ethertype, rule.protocol) = (Some(V4), Some(58)),
        Err("rules[0].protocol: ICMPv6 is of IPv6: expected ICMP with IPv4"),
    );
    check(
        |rule| rule.remote = prefix("10.0.0.1/8"),
        Err("rules[0].remote_ip_prefix: 10.0.0.1/8 has host bits: expected 10.0.0.0/8"),
    );
}

#[test]
fn only_tcp_udp_and_sctp_have_ports() {
    for protocol in [6, 17, 132] {
        let ports = Some(PortRange { first: 0, last: 65535 });
        check(
            |rule| {
                rule.protocol = Some(protocol);
                (rule.port_min, rule.port_max) = (Some(0), Some(65535));
            },
            Ok(Traffic { protocol: Some(protocol), ports, ..ingress(V4) }),
        );
    }
    for protocol in [None, Some(1), Some(47)] {
        check(
            |rule| (rule.protocol, rule.port_min) = (protocol, Some(80)),
            Err("rules[0].port_min: only TCP, UDP and SCTP have ports: expected none"),
        );
    }
}

#[test]
fn ports_are_a_range() {
    let check = |port_min, port_max, expected: Result<(u16, u16), &str>| {
        let traffic = |(first, last)| Traffic {
            protocol: Some(6),
            ports: Some(PortRange { first, last }),
            ..ingress(V4)
        };
        check(
            |rule| {
                rule.protocol = Some(6);
                (rule.port_min, rule.port_max) = (port_min, port_max);
            },
            expected.map(traffic),
        );
    };
    check(Some(443), None, Ok((443, 443)));
    check(Some(443), Some(443), Ok((443, 443)));
    check(None, Some(443), Err("rules[0].port_min: is required with port_max"));
    check(Some(443), Some(80), Err("rules[0].port_max: 80: expected 443 (port_min) or more"));
    check(
        Some(65536),
        Some(70000),
        Err("rules[0].port_min: 65536: expected 0 to 65535; \
             rules[0].port_max: 70000: expected 0 to 65535"),
    );
}

#[test]
fn only_icmp_has_types_and_codes() {
    let check = |protocol, icmp_type, icmp_code, expected: Result<Icmp, &str>| {
        let ethertype = if protocol == 58 { V6 } else { V4 };
        let traffic =
            |icmp| Traffic { protocol: Some(protocol), icmp: Some(icmp), ..ingress(ethertype) };
        check(
            |rule| {
                rule.protocol = Some(protocol);
                (rule.icmp_type, rule.icmp_code) = (icmp_type, icmp_code);
            },
            expected.map(traffic),
        );
    };
    check(1, Some(8), None, Ok(Icmp { icmp_type: 8, code: None }));
    check(58, Some(255), Some(0), Ok(Icmp { icmp_type: 255, code: Some(0) }));
    check(1, None, Some(0), Err("rules[0].icmp_type: is required with icmp_code"));
    check(
        1,
        Some(256),
        Some(999),
        Err("rules[0].icmp_type: 256: expected 0 to 255; \
             rules[0].icmp_code: 999: expected 0 to 255"),
    );
    check(
        6,
        Some(8),
        None,
        Err("rules[0].icmp_type: only ICMP and ICMPv6 have types and codes: expected none"),
    );
}

#[test]
fn everything_wrong_with_all_rules_is_named() {
    let mut world = World::new();
    let rules = vec![
        tcp(1, 443),
        RuleRequest { port_max: Some(442), direction: None, ..tcp(1, 443) },
        RuleRequest { description: "\u{7}".into(), ..tcp(3, 65536) },
        tcp(4, 443),
    ];
    let request = group_request(1, rules);
    expect(
        world.run(|context| create_security_group(context, request)),
        "invalid argument: rules[1].id: #1 is there twice; \
         rules[1].direction: is required; \
         rules[1].port_max: 442: expected 443 (port_min) or more; \
         rules[2].description: \"\\u{7}\" has control characters; \
         rules[2].port_min: 65536: expected 0 to 65535; \
         rules[3]: allows the same as rules[0]",
    );
}
