//! Bad input gets a code that says what sort of mistake it is, details that name the field, and
//! changes nothing.

use std::fmt::Write as _;

use tonic_types::StatusExt as _;

use super::*;

/// Code and details, one line each; UUIDs are not shown.
fn describe(status: &Status) -> String {
    let mut text = format!("{:?}", status.code());
    let details = status.get_error_details();
    for violation in details.bad_request().iter().flat_map(|bad| &bad.field_violations) {
        write!(text, "\n{}: {}", violation.field, violation.description).unwrap();
    }
    for violation in details.precondition_failure().iter().flat_map(|bad| &bad.violations) {
        write!(text, "\n{}: {}", violation.r#type, violation.description).unwrap();
    }
    for violation in details.quota_failure().iter().flat_map(|bad| &bad.violations) {
        write!(text, "\n{}: {}", violation.subject, violation.description).unwrap();
    }
    if let Some(resource) = details.resource_info() {
        write!(text, "\nabout a {}", resource.resource_type).unwrap();
    }
    if let Some(info) = details.error_info() {
        write!(text, "\n{} {}", info.domain, info.reason).unwrap();
    }
    text.split_inclusive([' ', '/', '\n', ',', ':'])
        .map(|word| {
            let bare = word.trim_end_matches([' ', '/', '\n', ',', ':']);
            match bare.parse::<uuid::Uuid>() {
                Ok(_) => word.replace(bare, "#"),
                Err(_) => word.to_owned(),
            }
        })
        .collect()
}

#[track_caller]
pub(super) fn check<T: std::fmt::Debug>(result: Result<T, Status>, expected: &str) {
    assert_eq!(describe(&result.unwrap_err()), expected);
}

#[tokio::test]
async fn what_cannot_be_parsed_is_named_all_at_once() {
    let api = Api::start().await;
    let network = pb::Network {
        id: "7".into(),
        project_id: "{00000000-0000-0000-0000-000000000001}".into(),
        r#type: 9,
        ..Default::default()
    };
    check(
        api.create_network(network).await,
        "InvalidArgument\n\
         network.id: \"7\" is no UUID\n\
         network.project_id: \"{00000000-0000-0000-0000-000000000001}\" is no UUID\n\
         network.type: 9 is no network type",
    );
    let port = pb::Port {
        mac_address: "fa:16:3e".into(),
        fixed_ips: vec![pb::port::FixedIp {
            subnet_id: "x".into(),
            ip_address: "10.0.0.256".into(),
        }],
        allowed_address_pairs: vec![Default::default()],
        ..Default::default()
    };
    check(
        api.create_port(port).await,
        "InvalidArgument\n\
         port.network_id: is required\n\
         port.mac_address: \"fa:16:3e\" is no MAC address such as fa:16:3e:00:00:01\n\
         port.fixed_ips[0].subnet_id: \"x\" is no UUID\n\
         port.fixed_ips[0].ip_address: \"10.0.0.256\" is no IP address\n\
         port.allowed_address_pairs[0].ip_prefix: is required",
    );
    let subnet = pb::Subnet {
        cidr: "10.0.0.0".into(),
        gateway_ip: "10.0.0.1".into(),
        no_gateway: true,
        allocation_pools: vec![Default::default()],
        dns_nameservers: vec!["dns".into()],
        host_routes: vec![pb::subnet::HostRoute {
            destination: "default".into(),
            nexthop: "10.0.0.9".into(),
        }],
        ..Default::default()
    };
    check(
        api.create_subnet(subnet).await,
        "InvalidArgument\n\
         subnet.network_id: is required\n\
         subnet.cidr: \"10.0.0.0\" is no prefix such as 192.0.2.0/24\n\
         subnet.no_gateway: contradicts gateway_ip \"10.0.0.1\"\n\
         subnet.allocation_pools[0].start: is required\n\
         subnet.allocation_pools[0].end: is required\n\
         subnet.dns_nameservers[0]: \"dns\" is no IP address\n\
         subnet.host_routes[0].destination: \"default\" is no prefix such as 192.0.2.0/24",
    );
    let empty = api.ports().create_port(pb::CreatePortRequest::default()).await;
    check(empty, "InvalidArgument\nport: is required\nport.network_id: is required");
    let get = api.ports().get_port(pb::GetPortRequest { id: String::new() }).await;
    check(get, "InvalidArgument\nid: is required");
    let list = pb::ListPortsRequest { page_size: -1, page_token: "?".into(), ..Default::default() };
    check(
        api.ports().list_ports(list).await,
        "InvalidArgument\n\
         page_size: -1 is negative\n\
         page_token: \"?\" is no next_page_token of a listing with this filter",
    );
    assert_eq!(api.revision().await, 0);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let api = Api::start().await;
    api.host(1, BTreeMap::new()).await;
    let (network, subnet_v4) = api.network("10.0.0.0/30").await;
    let project = pb::Project { id: network.project_id.clone(), ..Default::default() };
    let made = api.create_port(port(&network, "first")).await.unwrap();
    let before = api.revision().await;

    let somewhere = || uuid::Uuid::new_v4().to_string();
    check(
        api.create_network(pb::Network { project_id: somewhere(), ..vxlan(&project) }).await,
        "NotFound\nnetwork.project_id: project # not found\nabout a project",
    );
    let out_of_range = pb::Network {
        r#type: pb::network::Type::Vlan.into(),
        physical_network: "external".into(),
        segmentation_id: 4095,
        ..vxlan(&project)
    };
    check(
        api.create_network(out_of_range.clone()).await,
        "InvalidArgument\n\
         network.segmentation_id: VLAN 4095 is out of range: expected 1 to 4094",
    );
    let unmapped =
        pb::Network { physical_network: "nowhere".into(), segmentation_id: 5, ..out_of_range };
    check(
        api.create_network(unmapped).await,
        "FailedPrecondition\n\
         PHYSICAL_NETWORK_NOT_MAPPED: no host maps physical network nowhere; hosts map external",
    );
    check(
        api.create_network(pb::Network { segmentation_id: 1, ..vxlan(&project) }).await,
        "AlreadyExists\nnetwork.segmentation_id: VNI 1 is taken by network #\nabout a network",
    );
    check(
        api.create_subnet(subnet(&network, "10.0.0.0/24")).await,
        "FailedPrecondition\nSUBNET_OVERLAPS: 10.0.0.0/24 overlaps 10.0.0.0/30 of subnet #",
    );
    check(
        api.create_port(port(&network, "second")).await,
        "ResourceExhausted\nsubnet/#: no address is free in the allocation pools of subnet \
         # (10.0.0.0/30)",
    );
    let outside = pb::port::FixedIp { subnet_id: subnet_v4.id, ip_address: "10.9.0.1".into() };
    check(
        api.create_port(pb::Port { fixed_ips: vec![outside], ..port(&network, "third") }).await,
        "InvalidArgument\nport.fixed_ips[0].ip_address: 10.9.0.1: expected 10.0.0.1 to 10.0.0.2",
    );
    check(
        api.create_port(pb::Port { name: "other".into(), ..made.clone() }).await,
        "AlreadyExists\nport.id: port # exists and differs from what is asked\nabout a port",
    );
    let update = pb::UpdatePortRequest {
        port: Some(pb::Port {
            id: made.id,
            name: "new".into(),
            etag: "?".into(),
            ..Default::default()
        }),
        update_mask: None,
    };
    check(api.ports().update_port(update).await, "Aborted\nabout a port\nweft.v1 ETAG_MISMATCH");
    let delete = pb::DeleteNetworkRequest { id: network.id, ..Default::default() };
    check(
        api.networks().delete_network(delete).await,
        "FailedPrecondition\nIN_USE: network # is in use by port #, subnet #",
    );
    let delete = pb::DeletePortRequest { id: somewhere(), ..Default::default() };
    check(api.ports().delete_port(delete).await, "NotFound\nabout a port");
    assert_eq!(api.revision().await, before);
}

#[tokio::test]
async fn oversized_messages_are_refused_and_the_connection_goes_on() {
    let api = Api::start().await;
    let project = pb::Project { description: "x".repeat(5 << 20), ..Default::default() };
    let create = pb::CreateProjectRequest { project: Some(project) };
    let refused = api.projects().create_project(create).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::OutOfRange, "{refused:?}");
    assert_eq!(api.project("small").await.key, 1);
}
