//! Security groups and address groups: what is asked for them, and how they are shown.

use expect_test::{Expect, expect};

use crate::controller::{Controller, Run, id};

fn run(command: &str) -> Run {
    let arguments: Vec<_> = command.split_whitespace().collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(Controller::new().run(&arguments))
}

/// The requests but those that look up names to print.
#[track_caller]
fn check(command: &str, expect: Expect) {
    let mut run = run(command);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let listing = command.split_whitespace().nth(1) == Some("list");
    run.asked.retain(|asked| listing || !asked.starts_with("List"));
    expect.assert_eq(&run.asked.join("\n"));
}

#[test]
fn groups_are_made_and_changed() {
    check(
        "secgroup create db --project acme",
        expect![[
            r#"CreateSecurityGroupRequest security_group{name:"db",project_id:"00000000-0000-4000-8000-000000000001"}"#
        ]],
    );
    check(
        "secgroup create db --project acme --stateless --id x",
        expect![[
            r#"CreateSecurityGroupRequest security_group{id:"x",name:"db",project_id:"00000000-0000-4000-8000-000000000001",stateful:false}"#
        ]],
    );
    check(
        "secgroup list --project acme",
        expect![[r#"
        ListSecurityGroupsRequest project_id:"00000000-0000-4000-8000-000000000001"
        ListProjectsRequest"#]],
    );
    check(
        "secgroup update web --name www --stateless",
        expect![[
            r#"UpdateSecurityGroupRequest security_group{id:"00000000-0000-4000-8000-000000000013",name:"www",stateful:false},update_mask{paths:["name","stateful"]}"#
        ]],
    );
    check(
        "secgroup delete web",
        expect![[r#"DeleteSecurityGroupRequest id:"00000000-0000-4000-8000-000000000013""#]],
    );
    check(
        "secgroup delete default --project acme",
        expect![[r#"DeleteSecurityGroupRequest id:"00000000-0000-4000-8000-000000000011""#]],
    );
}

#[test]
fn rules_are_added() {
    check(
        "secgroup rule add web --ingress --tcp 443 --from 0.0.0.0/0",
        expect![[
            r#"AddRulesRequest security_group_id:"00000000-0000-4000-8000-000000000013",rules:[{direction:INGRESS,protocol:"tcp",port_min:443,port_max:443,remote_ip_prefix:"0.0.0.0/0"}]"#
        ]],
    );
    check(
        "secgroup rule add web --egress --udp 5000-5010 --to 2001:db8::/32",
        expect![[
            r#"AddRulesRequest security_group_id:"00000000-0000-4000-8000-000000000013",rules:[{direction:EGRESS,protocol:"udp",port_min:5000,port_max:5010,remote_ip_prefix:"2001:db8::/32"}]"#
        ]],
    );
    check(
        "secgroup rule add web --ingress --sctp",
        expect![[
            r#"AddRulesRequest security_group_id:"00000000-0000-4000-8000-000000000013",rules:[{direction:INGRESS,protocol:"sctp"}]"#
        ]],
    );
    check(
        "secgroup rule add web --ingress --icmp 8/0 --log --description pings",
        expect![[
            r#"AddRulesRequest security_group_id:"00000000-0000-4000-8000-000000000013",rules:[{description:"pings",direction:INGRESS,protocol:"icmp",icmp_type:8,icmp_code:0,log:true}]"#
        ]],
    );
    check(
        "secgroup rule add web --egress --icmpv6 128 --ipv6",
        expect![[
            r#"AddRulesRequest security_group_id:"00000000-0000-4000-8000-000000000013",rules:[{direction:EGRESS,ethertype:IPV6,protocol:"icmpv6",icmp_type:128}]"#
        ]],
    );
    check(
        "secgroup rule add web --ingress --protocol 47 --ipv4 --id 7",
        expect![[
            r#"AddRulesRequest security_group_id:"00000000-0000-4000-8000-000000000013",rules:[{id:"7",direction:INGRESS,ethertype:IPV4,protocol:"47"}]"#
        ]],
    );
    check(
        "secgroup rule add web --ingress --from-group default",
        expect![[
            r#"AddRulesRequest security_group_id:"00000000-0000-4000-8000-000000000013",rules:[{direction:INGRESS,remote_group_id:"00000000-0000-4000-8000-000000000011"}]"#
        ]],
    );
    check(
        "secgroup rule add web --ingress --from-address-group offices",
        expect![[
            r#"AddRulesRequest security_group_id:"00000000-0000-4000-8000-000000000013",rules:[{direction:INGRESS,remote_address_group_id:"00000000-0000-4000-8000-000000000014"}]"#
        ]],
    );
    check(
        "secgroup rule add web --egress --tcp --to-group web",
        expect![[
            r#"AddRulesRequest security_group_id:"00000000-0000-4000-8000-000000000013",rules:[{direction:EGRESS,protocol:"tcp",remote_group_id:"00000000-0000-4000-8000-000000000013"}]"#
        ]],
    );
    check(
        "secgroup rule add default --project acme --egress --to-address-group offices",
        expect![[
            r#"AddRulesRequest security_group_id:"00000000-0000-4000-8000-000000000011",rules:[{direction:EGRESS,remote_address_group_id:"00000000-0000-4000-8000-000000000014"}]"#
        ]],
    );
    check(
        &format!("secgroup rule delete web {} {}", id(20), id(21)),
        expect![[
            r#"RemoveRulesRequest security_group_id:"00000000-0000-4000-8000-000000000013",rule_ids:["00000000-0000-4000-8000-000000000020","00000000-0000-4000-8000-000000000021"]"#
        ]],
    );
}

#[test]
fn a_rule_is_of_one_protocol() {
    for two in ["--tcp --udp", "--sctp 80 --icmpv6", "--icmp 8 --protocol 47"] {
        let run = run(&format!("secgroup rule add web --ingress {two}"));
        assert_eq!((run.code, run.asked.len()), (Some(2), 0), "{two}");
        assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
    }
}

#[test]
fn address_groups() {
    check(
        "address-group create dc --project acme --prefix 10.0.0.0/8 --prefix ::1",
        expect![[
            r#"CreateAddressGroupRequest address_group{name:"dc",project_id:"00000000-0000-4000-8000-000000000001",prefixes:["10.0.0.0/8","::1"]}"#
        ]],
    );
    check(
        "address-group list --project acme",
        expect![[r#"
        ListAddressGroupsRequest project_id:"00000000-0000-4000-8000-000000000001"
        ListProjectsRequest"#]],
    );
    check(
        "address-group update offices --prefix 10.1.0.0/16",
        expect![[
            r#"UpdateAddressGroupRequest address_group{id:"00000000-0000-4000-8000-000000000014",prefixes:["10.1.0.0/16"]},update_mask{paths:["prefixes"]}"#
        ]],
    );
    check(
        "address-group update offices --prefix none",
        expect![[
            r#"UpdateAddressGroupRequest address_group{id:"00000000-0000-4000-8000-000000000014"},update_mask{paths:["prefixes"]}"#
        ]],
    );
    check(
        "address-group update offices --add-prefix 10.0.0.0/8 --add-prefix 192.0.2.2 \
         --remove-prefix 192.0.2.1",
        expect![[
            r#"UpdateAddressGroupRequest address_group{id:"00000000-0000-4000-8000-000000000014",etag:"etag-14",prefixes:["10.0.0.0/8","192.0.2.2"]},update_mask{paths:["prefixes"]}"#
        ]],
    );
    check(
        "address-group delete offices",
        expect![[r#"DeleteAddressGroupRequest id:"00000000-0000-4000-8000-000000000014""#]],
    );
}

#[test]
fn ports_have_the_groups_of_their_project() {
    check(
        "port create web-3 --network web --security-group default --security-group web",
        expect![[
            r#"CreatePortRequest port{name:"web-3",network_id:"00000000-0000-4000-8000-000000000002",security_group_ids:["00000000-0000-4000-8000-000000000011","00000000-0000-4000-8000-000000000013"]}"#
        ]],
    );
    check(
        "port create web-3 --network web --no-security-group",
        expect![[
            r#"CreatePortRequest port{name:"web-3",network_id:"00000000-0000-4000-8000-000000000002"},no_security_groups:true"#
        ]],
    );
    check(
        "port update web-1 --security-group default",
        expect![[
            r#"UpdatePortRequest port{id:"00000000-0000-4000-8000-000000000008",security_group_ids:["00000000-0000-4000-8000-000000000011"]},update_mask{paths:["security_group_ids"]}"#
        ]],
    );
    check(
        "port update web-1 --no-security-group",
        expect![[
            r#"UpdatePortRequest port{id:"00000000-0000-4000-8000-000000000008"},update_mask{paths:["security_group_ids"]}"#
        ]],
    );
    check(
        "port list --security-group web",
        expect![[r#"
        ListPortsRequest security_group_id:"00000000-0000-4000-8000-000000000013"
        ListNetworksRequest
        ListNetworksRequest page_token:"2""#]],
    );
}

#[test]
fn a_group_is_shown_with_its_rules_in_words() {
    expect![[r#"
        id           00000000-0000-4000-8000-000000000013
        key          0
        name         web
        description  -
        labels       -
        create_time  -
        update_time  -
        etag         -
        revision     0
        project_id   00000000-0000-4000-8000-000000000001
        stateful     true
        is_default   false

        RULE                                  DIRECTION  IP  TRAFFIC       PEER                   LOG  DESCRIPTION
        00000000-0000-4000-8000-000000000020  ingress    v4  tcp 80-443    0.0.0.0/0              -    -
        00000000-0000-4000-8000-000000000021  egress     v4  tcp 5432      group default          -    -
        00000000-0000-4000-8000-000000000022  ingress    v6  icmpv6 128/0  any                    yes  pings
        00000000-0000-4000-8000-000000000023  egress     v4  protocol 47   address group offices  -    -
        00000000-0000-4000-8000-000000000024  egress     v4  any           any                    -    -
    "#]].assert_eq(&run("secgroup show web").stdout);
    expect![[r#"
        ID                                    NAME     PROJECT                               STATEFUL  RULES
        00000000-0000-4000-8000-000000000011  default  acme                                  true      0
        00000000-0000-4000-8000-000000000012  default  00000000-0000-4000-8000-000000000090  true      0
        00000000-0000-4000-8000-000000000013  web      acme                                  true      5
    "#]].assert_eq(&run("secgroup list").stdout);
    expect![[r#"
        ID                                    NAME     PROJECT  PREFIXES
        00000000-0000-4000-8000-000000000014  offices  acme     2
    "#]]
    .assert_eq(&run("address-group list").stdout);
    let json: serde_json::Value =
        serde_json::from_str(&run("secgroup show web -o json").stdout).unwrap();
    assert_eq!(json["rules"][0]["port_max"], 443);
    assert_eq!(json["rules"][1]["remote_group_id"], id(11));
    assert_eq!(json["rules"][1]["remote_ip_prefix"], serde_json::Value::Null);
}

#[test]
fn a_name_that_every_project_has_needs_the_project() {
    let shown = run("secgroup show default");
    assert_eq!(shown.code, Some(1));
    expect![[r#"
        weft: ambiguous: 2 security groups are named "default": say which by id: 00000000-0000-4000-8000-000000000011, 00000000-0000-4000-8000-000000000012
    "#]].assert_eq(&shown.stderr);
    let shown = run("secgroup show default --project acme");
    assert!(shown.stdout.contains(&id(11)), "{}", shown.stdout);
}

#[test]
fn a_wrong_command_line_exits_with_two() {
    for wrong in [
        "rule add web",
        "rule add web --ingress --egress",
        "rule add web --ingress --tcp 1-2-3",
        "rule add web --ingress --tcp 1 --udp 2",
        "rule add web --ingress --icmp 8/",
        "rule add web --ingress --to 10.0.0.0/8",
        "rule add web --egress --from-group default",
        "rule add web --ingress --from 10.0.0.0/8 --from-group default",
        "rule add web --ingress --ipv4 --ipv6",
        "rule delete web",
        "update web",
        "create db",
    ] {
        let run = run(&format!("secgroup {wrong}"));
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{wrong}");
        assert_eq!(run.asked, Vec::<String>::new(), "{wrong}");
    }
}
