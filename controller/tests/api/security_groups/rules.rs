//! The rules of security groups.

use super::*;

#[tokio::test]
async fn everything_of_a_rule_comes_back() {
    let api = Api::start().await;
    let project = api.project("acme").await;
    let offices = api.create_address_group(addresses(&project, &["10.0.0.0/8"])).await.unwrap();
    let id = uuid::Uuid::new_v4().to_string();
    let chosen = pb::Rule {
        id: id.clone(),
        description: "the web".into(),
        direction: Direction::Ingress.into(),
        ethertype: Ethertype::Ipv4.into(),
        protocol: "tcp".into(),
        port_min: Some(80),
        port_max: Some(443),
        remote: Some(Remote::RemoteIpPrefix("192.0.2.0/24".into())),
        log: true,
        ..Default::default()
    };
    let egress = |protocol: &str, ethertype: Ethertype| pb::Rule {
        direction: Direction::Egress.into(),
        ethertype: ethertype.into(),
        protocol: protocol.into(),
        ..Default::default()
    };
    let asked = vec![
        chosen.clone(),
        pb::Rule { icmp_type: Some(8), icmp_code: Some(0), ..egress("icmp", Ethertype::Ipv4) },
        pb::Rule { icmp_type: Some(128), ..egress("icmpv6", Ethertype::Ipv6) },
        egress("47", Ethertype::Ipv4),
        egress("sctp", Ethertype::Ipv6),
        pb::Rule {
            remote: Some(Remote::RemoteAddressGroupId(offices.id)),
            ..egress("udp", Ethertype::Ipv4)
        },
        egress("", Ethertype::Ipv6),
    ];
    let request = group(&project, "web", asked.clone());
    let made = api.create_security_group(request).await.unwrap();
    assert_eq!(made.rules[0].id, id);
    assert_eq!(bare(&made.rules[0]), pb::Rule { id: String::new(), ..chosen });
    assert_eq!(made.rules[1..].iter().map(bare).collect::<Vec<_>>(), asked[1..]);
    assert_eq!((made.stateful, made.is_default), (Some(true), false));

    let get = pb::GetSecurityGroupRequest { id: made.id.clone() };
    let got = api.security_groups().get_security_group(get).await.unwrap().into_inner();
    assert_eq!(got, made);
    let again = api.create_security_group(made.clone()).await.unwrap();
    assert_eq!(again, made, "what an answer says can be sent back as a request");
}

#[tokio::test]
async fn what_a_rule_leaves_open_is_chosen() {
    let api = Api::start().await;
    let project = api.project("acme").await;
    let remote =
        |prefix: &str| pb::Rule { remote: Some(Remote::RemoteIpPrefix(prefix.into())), ..tcp(80) };
    let any = pb::Rule { protocol: "any".into(), port_min: None, ..tcp(0) };
    let rules = vec![tcp(22), remote("2001:db8::1"), remote("192.0.2.1"), any];
    let made = api.create_security_group(group(&project, "web", rules)).await.unwrap();
    let [ssh, v6, v4, any] = <[_; 4]>::try_from(made.rules).unwrap();
    assert_eq!(
        (ssh.ethertype(), ssh.port_min, ssh.port_max),
        (Ethertype::Ipv4, Some(22), Some(22))
    );
    assert_eq!(v6.ethertype(), Ethertype::Ipv6);
    assert_eq!(v6.remote, Some(Remote::RemoteIpPrefix("2001:db8::1/128".into())));
    assert_eq!(v4.remote, Some(Remote::RemoteIpPrefix("192.0.2.1/32".into())));
    assert_eq!((any.protocol.as_str(), any.port_min), ("", None));
}

#[tokio::test]
async fn rules_come_and_go() {
    let api = Api::start().await;
    let project = api.project("acme").await;
    let made = api.create_security_group(group(&project, "web", vec![tcp(80)])).await.unwrap();
    let more = api.add_rules(&made, vec![tcp(443), tcp(8080)]).await.unwrap();
    let ports = |group: &pb::SecurityGroup| {
        group.rules.iter().map(|rule| rule.port_min.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ports(&more), [80, 443, 8080]);
    assert_eq!((more.revision, more.revision), (made.revision + 1, api.revision().await));
    assert_ne!(more.etag, made.etag);

    let ids = [0, 2].map(|index: usize| more.rules[index].id.clone());
    let fewer = api.remove_rules(&more, ids.to_vec()).await.unwrap();
    assert_eq!((ports(&fewer), fewer.revision), (vec![443], more.revision + 1));

    let update = pb::UpdateSecurityGroupRequest {
        security_group: Some(pb::SecurityGroup {
            id: made.id.clone(),
            rules: vec![tcp(22), tcp(443)],
            stateful: Some(false),
            ..Default::default()
        }),
        update_mask: mask(&["rules", "stateful"]),
    };
    let updated = api.security_groups().update_security_group(update).await.unwrap().into_inner();
    assert_eq!((ports(&updated), updated.stateful), (vec![22, 443], Some(false)));
    assert_eq!(updated.rules[1], fewer.rules[0], "an equal rule stays what it is");

    let late = pb::AddRulesRequest {
        security_group_id: made.id.clone(),
        rules: vec![tcp(1)],
        etag: made.etag,
    };
    check(
        api.security_groups().add_rules(late).await,
        "Aborted\nabout a security_group\nweft.v1 ETAG_MISMATCH",
    );
    let delete = pb::DeleteSecurityGroupRequest { id: made.id.clone(), etag: updated.etag };
    let deleted = api.security_groups().delete_security_group(delete).await.unwrap().into_inner();
    assert_eq!(deleted.revision, updated.revision + 1);
    let get = pb::GetSecurityGroupRequest { id: made.id };
    let gone = api.security_groups().get_security_group(get).await;
    check(gone, "NotFound\nabout a security_group");
}

#[tokio::test]
async fn what_is_no_rule_is_named() {
    let api = Api::start().await;
    let project = api.project("acme").await;
    let before = api.revision().await;
    let nonsense = pb::Rule {
        id: "1".into(),
        direction: 7,
        ethertype: 7,
        protocol: "gre".into(),
        remote: Some(Remote::RemoteIpPrefix(String::new())),
        ..Default::default()
    };
    let nobody = pb::Rule { remote: Some(Remote::RemoteGroupId("web".into())), ..tcp(1) };
    check(
        api.create_security_group(group(&project, "web", vec![tcp(1), nonsense, nobody])).await,
        "InvalidArgument\n\
         security_group.rules[1].id: \"1\" is no UUID\n\
         security_group.rules[1].direction: 7 is no direction\n\
         security_group.rules[1].ethertype: 7 is no ethertype\n\
         security_group.rules[1].protocol: \"gre\" is no protocol: expected any, icmp, tcp, udp, \
         icmpv6, sctp or 0 to 255\n\
         security_group.rules[1].remote_ip_prefix: is required\n\
         security_group.rules[2].remote_group_id: \"web\" is no UUID",
    );
    let strange = pb::Rule { port_max: Some(1), protocol: "tcp".into(), ..Default::default() };
    let default = api.default_group(&project).await;
    check(
        api.add_rules(&default, vec![strange]).await,
        "InvalidArgument\n\
         rules[0].direction: is required\n\
         rules[0].port_min: is required with port_max",
    );
    check(api.add_rules(&default, vec![]).await, "InvalidArgument\nrules: is required");
    let egress = pb::Rule { direction: Direction::Egress.into(), ..Default::default() };
    check(
        api.add_rules(&default, vec![egress]).await,
        "AlreadyExists\nrules[0]: rule # allows the same\nabout a rule",
    );
    let unknown = uuid::Uuid::new_v4().to_string();
    check(
        api.remove_rules(&default, vec![unknown.clone()]).await,
        "NotFound\nrule_ids[0]: rule # not found\nabout a rule",
    );
    check(
        api.add_rules(&pb::SecurityGroup { id: unknown, ..Default::default() }, vec![tcp(1)]).await,
        "NotFound\nabout a security_group",
    );
    check(
        api.create_address_group(addresses(&project, &["10.0.0.0/8", "office", "10.0.0.1/8"]))
            .await,
        "InvalidArgument\n\
         address_group.prefixes[1]: \"office\" is no prefix such as 192.0.2.0/24",
    );
    assert_eq!(api.revision().await, before);
}
