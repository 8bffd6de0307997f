//! Resources are made, found, listed, changed and deleted.

use std::collections::BTreeMap;

use super::*;

#[tokio::test]
async fn a_project() {
    let api = Api::start().await;
    let labels = BTreeMap::from([("tier".to_owned(), "gold".to_owned())]);
    let project = pb::Project {
        name: "web".into(),
        description: "what it is for".into(),
        labels,
        ..Default::default()
    };
    let create = pb::CreateProjectRequest { project: Some(project) };
    let made = api.projects().create_project(create).await.unwrap().into_inner();
    assert_eq!(made.key, 1);
    assert_eq!(made.revision, api.revision().await);
    assert!(made.create_time.is_some_and(|time| time.seconds > 1_600_000_000));
    assert_eq!(made.create_time, made.update_time);

    let get = || pb::GetProjectRequest { id: made.id.clone() };
    assert_eq!(api.projects().get_project(get()).await.unwrap().into_inner(), made);

    let again = pb::CreateProjectRequest { project: Some(made.clone()) };
    assert_eq!(api.projects().create_project(again).await.unwrap().into_inner(), made);

    let update = pb::UpdateProjectRequest {
        project: Some(pb::Project {
            id: made.id.clone(),
            name: "shop".into(),
            etag: made.etag.clone(),
            ..Default::default()
        }),
        update_mask: None,
    };
    let updated = api.projects().update_project(update).await.unwrap().into_inner();
    let expected = pb::Project {
        name: "shop".into(),
        etag: updated.etag.clone(),
        revision: made.revision + 1,
        update_time: updated.update_time,
        ..made.clone()
    };
    assert_eq!(updated, expected);
    assert_ne!(updated.etag, made.etag);

    let delete = pb::DeleteProjectRequest { id: made.id.clone(), etag: updated.etag };
    let deleted = api.projects().delete_project(delete).await.unwrap().into_inner();
    assert_eq!(deleted.revision, updated.revision + 1);
    let gone = api.projects().get_project(get()).await.unwrap_err();
    assert_eq!(gone.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn a_network_a_subnet_and_a_port_with_everything_left_to_the_server() {
    let api = Api::start().await;
    let (network, subnet) = api.network("10.0.0.0/24").await;
    assert_eq!((network.segmentation_id, network.mtu), (1, 1450));
    assert_eq!((network.shared, network.port_security_enabled), (false, Some(true)));
    assert_eq!(subnet.project_id, network.project_id);
    assert_eq!((subnet.gateway_ip.as_str(), subnet.no_gateway), ("10.0.0.1", false));
    assert_eq!(
        (&*subnet.allocation_pools[0].start, &*subnet.allocation_pools[0].end),
        ("10.0.0.2", "10.0.0.254")
    );
    assert_eq!(subnet.dhcp_enabled, Some(true));

    let made = api.create_port(port(&network, "web-1")).await.unwrap();
    assert_eq!(made.mac_address, "fa:16:3e:00:00:01");
    let fixed_ip =
        pb::port::FixedIp { subnet_id: subnet.id.clone(), ip_address: "10.0.0.2".into() };
    assert_eq!(made.fixed_ips, [fixed_ip]);
    assert_eq!((made.port_security_enabled, made.admin_state_up), (Some(true), Some(true)));
    assert_eq!(made.status(), pb::port::Status::Down);
    assert_eq!(made.project_id, network.project_id);

    // What an answer says can be sent back as a request.
    let again = api.create_port(made.clone()).await.unwrap();
    assert_eq!(again, made);
    let again = api.create_network(network.clone()).await.unwrap();
    assert_eq!(again, network);
    let again = api.create_subnet(subnet.clone()).await.unwrap();
    assert_eq!(again, subnet);
}

#[tokio::test]
async fn everything_of_a_subnet_and_a_port_comes_back() {
    let api = Api::start().await;
    let (network, _) = api.network("10.0.0.0/24").await;
    let asked = pb::Subnet {
        no_gateway: true,
        allocation_pools: vec![pb::subnet::AllocationPool {
            start: "2001:db8::10".into(),
            end: "2001:db8::1f".into(),
        }],
        dns_nameservers: vec!["2001:db8::53".into()],
        host_routes: vec![pb::subnet::HostRoute {
            destination: "2001:db8:1::/48".into(),
            nexthop: "2001:db8::9".into(),
        }],
        dhcp_enabled: Some(false),
        ..subnet(&network, "2001:db8::/64")
    };
    let made = api.create_subnet(asked.clone()).await.unwrap();
    assert_eq!((&made.gateway_ip, made.no_gateway), (&String::new(), true));
    assert_eq!(made.allocation_pools, asked.allocation_pools);
    assert_eq!(made.dns_nameservers, asked.dns_nameservers);
    assert_eq!(made.host_routes, asked.host_routes);
    assert_eq!(made.dhcp_enabled, Some(false));

    let pair = |ip_prefix: &str, mac_address: &str| pb::port::AddressPair {
        ip_prefix: ip_prefix.into(),
        mac_address: mac_address.into(),
    };
    let asked = pb::Port {
        mac_address: "02:00:00:00:00:01".into(),
        fixed_ips: vec![pb::port::FixedIp {
            ip_address: "2001:db8::99".into(),
            ..Default::default()
        }],
        allowed_address_pairs: vec![
            pair("10.0.0.99", ""),
            pair("10.1.0.0/16", "02:00:00:00:00:02"),
        ],
        admin_state_up: Some(false),
        requested_host: "host-7".into(),
        ..port(&network, "web-1")
    };
    let port = api.create_port(asked.clone()).await.unwrap();
    assert_eq!(port.mac_address, asked.mac_address);
    assert_eq!(port.fixed_ips[0].subnet_id, made.id);
    let pairs = [pair("10.0.0.99/32", ""), pair("10.1.0.0/16", "02:00:00:00:00:02")];
    assert_eq!(port.allowed_address_pairs, pairs);
    assert_eq!((port.admin_state_up, port.requested_host.as_str()), (Some(false), "host-7"));
    assert_eq!(port.status_reason, "admin_state_up is false");
}

#[tokio::test]
async fn an_update_replaces_what_its_mask_names() {
    let api = Api::start().await;
    let (network, _) = api.network("10.0.0.0/24").await;
    let asked = pb::Port { admin_state_up: Some(false), ..port(&network, "web-1") };
    let made = api.create_port(asked).await.unwrap();
    let update = async |port: pb::Port, paths: Option<&[&str]>| {
        let port = pb::Port { id: made.id.clone(), ..port };
        let request = pb::UpdatePortRequest { port: Some(port), update_mask: paths.and_then(mask) };
        api.ports().update_port(request).await.map(tonic::Response::into_inner)
    };
    let described = pb::Port { description: "new".into(), ..Default::default() };
    let port = update(described.clone(), None).await.unwrap();
    assert_eq!((port.description.as_str(), port.name.as_str()), ("new", "web-1"));
    assert_eq!(port.admin_state_up, Some(false), "empty, so left as it is");

    let port = update(described.clone(), Some(&["name"])).await.unwrap();
    assert_eq!((port.description.as_str(), port.name.as_str()), ("new", ""));

    let everything = pb::Port { name: "all".into(), ..Default::default() };
    let port = update(everything, Some(&["*"])).await.unwrap();
    assert_eq!((port.description.as_str(), port.name.as_str()), ("", "all"));
    assert_eq!(port.admin_state_up, Some(true), "the default");
    assert!(port.fixed_ips.is_empty());

    let whole = pb::Port { name: "read and written back".into(), ..port };
    let port = update(whole, None).await.unwrap();
    assert_eq!(port.name, "read and written back");

    let wrong = update(described.clone(), Some(&["key"])).await.unwrap_err();
    assert!(wrong.message().contains("update_mask: \"key\" cannot be updated"), "{wrong:?}");
    let moved = pb::Port { network_id: uuid::Uuid::new_v4().to_string(), ..Default::default() };
    let wrong = update(moved, Some(&["network_id"])).await.unwrap_err();
    assert!(wrong.message().contains("network_id: cannot change"), "{wrong:?}");
}

#[tokio::test]
async fn lists_are_in_the_order_of_creation_a_page_at_a_time() {
    let api = Api::start().await;
    let (network, _) = api.network("10.0.0.0/24").await;
    let (other, _) = api.network("10.0.0.0/24").await;
    for number in 0..25 {
        let on = if number % 5 == 0 { &other } else { &network };
        api.create_port(port(on, &format!("port-{number}"))).await.unwrap();
    }
    let pages = async |list: pb::ListPortsRequest| {
        let (mut names, mut sizes) = (vec![], vec![]);
        let mut list = list;
        loop {
            let page = api.ports().list_ports(list.clone()).await.unwrap().into_inner();
            sizes.push(page.ports.len());
            names.extend(page.ports.into_iter().map(|port| port.name));
            if page.next_page_token.is_empty() {
                return (names, sizes);
            }
            list.page_token = page.next_page_token;
        }
    };
    let all = pb::ListPortsRequest { page_size: 10, ..Default::default() };
    let (names, sizes) = pages(all.clone()).await;
    let expected: Vec<_> = (0..25).map(|number| format!("port-{number}")).collect();
    assert_eq!((names, sizes), (expected, vec![10, 10, 5]));

    let on_other = pb::ListPortsRequest { network_id: other.id, page_size: 2, ..all.clone() };
    let (names, sizes) = pages(on_other.clone()).await;
    assert_eq!(names, ["port-0", "port-5", "port-10", "port-15", "port-20"]);
    assert_eq!(sizes, [2, 2, 1]);

    let named = pb::ListPortsRequest { name: "port-7".into(), ..all.clone() };
    assert_eq!(pages(named).await.0, ["port-7"]);
    let nobodys = pb::ListPortsRequest { host: "nowhere".into(), ..all.clone() };
    assert!(pages(nobodys).await.0.is_empty());
    let of_project = pb::ListPortsRequest { project_id: network.project_id, ..all.clone() };
    assert_eq!(pages(of_project).await.0.len(), 20);

    let page = api.ports().list_ports(on_other).await.unwrap().into_inner();
    let mixed = pb::ListPortsRequest { page_token: page.next_page_token, ..all };
    let wrong = api.ports().list_ports(mixed).await.unwrap_err();
    assert_eq!(wrong.code(), tonic::Code::InvalidArgument);

    let networks = pb::ListNetworksRequest { page_size: 1, ..Default::default() };
    let networks = api.networks().list_networks(networks).await.unwrap().into_inner();
    assert_eq!(networks.networks[0].id, network.id);
    let vlans =
        pb::ListNetworksRequest { r#type: pb::network::Type::Vlan.into(), ..Default::default() };
    let networks = api.networks().list_networks(vlans).await.unwrap().into_inner();
    assert!(networks.networks.is_empty());
    let subnets = pb::ListSubnetsRequest { network_id: network.id, ..Default::default() };
    let subnets = api.subnets().list_subnets(subnets).await.unwrap().into_inner();
    assert_eq!(subnets.subnets.len(), 1);
}

#[tokio::test]
async fn a_page_of_large_resources_fits_what_clients_take() {
    let api = Api::start().await;
    let labels = |number: usize| (0..60).map(move |n| (format!("{number}-{n}"), "v".repeat(250)));
    for number in 0..300 {
        let project = pb::Project { labels: labels(number).collect(), ..Default::default() };
        let create = pb::CreateProjectRequest { project: Some(project) };
        api.projects().create_project(create).await.unwrap();
    }
    let list = pb::ListProjectsRequest { page_size: 1000, ..Default::default() };
    let page = api.projects().list_projects(list.clone()).await.unwrap().into_inner();
    assert!((100..300).contains(&page.projects.len()), "{}", page.projects.len());
    let rest = pb::ListProjectsRequest { page_token: page.next_page_token, ..list };
    let rest = api.projects().list_projects(rest).await.unwrap().into_inner();
    assert_eq!(page.projects.len() + rest.projects.len(), 300);
}

#[tokio::test]
async fn a_port_in_no_security_group_at_all() {
    let api = Api::start().await;
    let (network, _) = api.network("10.0.0.0/24").await;
    let request = |groups: Vec<String>| pb::CreatePortRequest {
        port: Some(pb::Port { security_group_ids: groups, ..port(&network, "web") }),
        no_security_groups: true,
    };
    let made = api.ports().create_port(request(vec![])).await.unwrap().into_inner();
    assert_eq!(made.security_group_ids, [""; 0]);
    let group = uuid::Uuid::from_u128(1).to_string();
    let both = api.ports().create_port(request(vec![group])).await.unwrap_err();
    assert_eq!(both.code(), tonic::Code::InvalidArgument);
}
