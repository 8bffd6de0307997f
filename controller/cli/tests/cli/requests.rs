//! What a command line asks of the controller.

use expect_test::{Expect, expect};

use crate::controller::{Controller, id};

#[track_caller]
fn check(command: &str, expect: Expect) {
    let arguments: Vec<_> = command.split_whitespace().collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let run = runtime.block_on(Controller::new().run(&arguments));
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    expect.assert_eq(&run.asked.join("\n"));
}

#[test]
fn project_create() {
    check(
        "project create acme --description ours --label a=b=c",
        expect![[
            r#"CreateProjectRequest project{name:"acme",description:"ours",labels:[{key:"a",value:"b=c"}]}"#
        ]],
    );
    check(
        &format!("project create acme --id {}", id(42)),
        expect![[
            r#"CreateProjectRequest project{id:"00000000-0000-4000-8000-000000000042",name:"acme"}"#
        ]],
    );
}

#[test]
fn project_update() {
    check(
        "project update acme --name umbrella --description -",
        expect![[
            r#"UpdateProjectRequest project{id:"00000000-0000-4000-8000-000000000001",name:"umbrella",description:"-"},update_mask{paths:["name","description"]}"#
        ]],
    );
}

#[test]
fn network_create() {
    check(
        "network create db --project acme --type vxlan",
        expect![[
            r#"CreateNetworkRequest network{name:"db",project_id:"00000000-0000-4000-8000-000000000001",type:VXLAN}"#
        ]],
    );
    check(
        "network create db --project acme --type vlan --physical-network external \
         --segmentation-id 101 --mtu 1400 --shared --no-port-security",
        expect![[
            r#"CreateNetworkRequest network{name:"db",project_id:"00000000-0000-4000-8000-000000000001",type:VLAN,physical_network:"external",segmentation_id:101,mtu:1400,shared:true,port_security_enabled:false}"#
        ]],
    );
    check(
        "network create db --project acme --type flat --physical-network x --port-security",
        expect![[
            r#"CreateNetworkRequest network{name:"db",project_id:"00000000-0000-4000-8000-000000000001",type:FLAT,physical_network:"x",port_security_enabled:true}"#
        ]],
    );
}

#[test]
fn network_list() {
    check(
        "network list -o json --project acme --type vlan --physical-network x",
        expect![[r#"
        ListNetworksRequest project_id:"00000000-0000-4000-8000-000000000001",type:VLAN,physical_network:"x"
        ListNetworksRequest page_token:"2",project_id:"00000000-0000-4000-8000-000000000001",type:VLAN,physical_network:"x""#]],
    );
}

#[test]
fn a_table_of_networks_asks_for_the_projects_names() {
    check(
        "network list",
        expect![[r#"
        ListNetworksRequest
        ListNetworksRequest page_token:"2"
        ListProjectsRequest"#]],
    );
}

#[test]
fn network_update() {
    check(
        "network update web --label tier=back",
        expect![[
            r#"UpdateNetworkRequest network{id:"00000000-0000-4000-8000-000000000002",labels:[{key:"tier",value:"back"}],etag:"etag-2"},update_mask{paths:["labels"]}"#
        ]],
    );
    check(
        "network update web --remove-label tier --no-shared --mtu 0",
        expect![[
            r#"UpdateNetworkRequest network{id:"00000000-0000-4000-8000-000000000002",etag:"etag-2"},update_mask{paths:["labels","mtu","shared"]}"#
        ]],
    );
    check(
        "network update web --name www --shared --no-port-security",
        expect![[
            r#"UpdateNetworkRequest network{id:"00000000-0000-4000-8000-000000000002",name:"www",shared:true,port_security_enabled:false},update_mask{paths:["name","shared","port_security_enabled"]}"#
        ]],
    );
}

#[test]
fn subnet_create() {
    check(
        "subnet create v4 --network web --cidr 10.0.0.0/24",
        expect![[
            r#"CreateSubnetRequest subnet{name:"v4",network_id:"00000000-0000-4000-8000-000000000002",cidr:"10.0.0.0/24"}"#
        ]],
    );
    check(
        "subnet create v4 --network web --cidr 10.0.0.0/24 --gateway none \
         --pool 10.0.0.10-10.0.0.19 --pool 10.0.0.30-10.0.0.39 --dns 192.0.2.53 \
         --route 10.9.0.0/16,10.0.0.2 --no-dhcp",
        expect![[
            r#"CreateSubnetRequest subnet{name:"v4",network_id:"00000000-0000-4000-8000-000000000002",cidr:"10.0.0.0/24",no_gateway:true,allocation_pools:[{start:"10.0.0.10",end:"10.0.0.19"},{start:"10.0.0.30",end:"10.0.0.39"}],dns_nameservers:["192.0.2.53"],host_routes:[{destination:"10.9.0.0/16",nexthop:"10.0.0.2"}],dhcp_enabled:false}"#
        ]],
    );
    check(
        "subnet create v6 --network web --cidr 2001:db8::/64 --gateway 2001:db8::ff",
        expect![[
            r#"CreateSubnetRequest subnet{name:"v6",network_id:"00000000-0000-4000-8000-000000000002",cidr:"2001:db8::/64",gateway_ip:"2001:db8::ff"}"#
        ]],
    );
}

#[test]
fn subnet_update() {
    check(
        "subnet update v6 --gateway none --pool none --dns none --route none",
        expect![[
            r#"UpdateSubnetRequest subnet{id:"00000000-0000-4000-8000-000000000007",no_gateway:true},update_mask{paths:["gateway_ip","no_gateway","allocation_pools","dns_nameservers","host_routes"]}"#
        ]],
    );
    check(
        "subnet update v6 --gateway default --dns 2001:db8::53 --dhcp",
        expect![[
            r#"UpdateSubnetRequest subnet{id:"00000000-0000-4000-8000-000000000007",dns_nameservers:["2001:db8::53"],dhcp_enabled:true},update_mask{paths:["gateway_ip","no_gateway","dns_nameservers","dhcp_enabled"]}"#
        ]],
    );
    check(
        "subnet update v6 --gateway 2001:db8::1",
        expect![[
            r#"UpdateSubnetRequest subnet{id:"00000000-0000-4000-8000-000000000007",gateway_ip:"2001:db8::1"},update_mask{paths:["gateway_ip","no_gateway"]}"#
        ]],
    );
}

#[test]
fn port_create() {
    check(
        "port create web-3 --network web",
        expect![[
            r#"CreatePortRequest port{name:"web-3",network_id:"00000000-0000-4000-8000-000000000002"}"#
        ]],
    );
    check(
        "port create web-3 --network web --project acme --mac fa:16:3e:00:00:03 \
         --fixed-ip 10.0.0.7 --fixed-ip v6=2001:db8::7 --subnet v4 \
         --allowed-address 10.1.0.0/24 --allowed-address ::/0,fa:16:3e:00:00:09 \
         --no-port-security --admin-down --host h1",
        expect![[
            r#"CreatePortRequest port{name:"web-3",project_id:"00000000-0000-4000-8000-000000000001",network_id:"00000000-0000-4000-8000-000000000002",mac_address:"fa:16:3e:00:00:03",fixed_ips:[{ip_address:"10.0.0.7"},{subnet_id:"00000000-0000-4000-8000-000000000007",ip_address:"2001:db8::7"},{subnet_id:"00000000-0000-4000-8000-000000000005"}],allowed_address_pairs:[{ip_prefix:"10.1.0.0/24"},{ip_prefix:"::/0",mac_address:"fa:16:3e:00:00:09"}],port_security_enabled:false,admin_state_up:false,requested_host:"h1"}"#
        ]],
    );
}

#[test]
fn port_list() {
    check(
        "port list -o json --network web --host h1 --project acme",
        expect![[
            r#"ListPortsRequest project_id:"00000000-0000-4000-8000-000000000001",network_id:"00000000-0000-4000-8000-000000000002",host:"h1""#
        ]],
    );
}

#[test]
fn port_update() {
    check(
        "port update web-1 --fixed-ip v4=10.0.0.8 --allowed-address none --admin-up --host none",
        expect![[
            r#"UpdatePortRequest port{id:"00000000-0000-4000-8000-000000000008",fixed_ips:[{subnet_id:"00000000-0000-4000-8000-000000000005",ip_address:"10.0.0.8"}],admin_state_up:true},update_mask{paths:["fixed_ips","allowed_address_pairs","admin_state_up","requested_host"]}"#
        ]],
    );
    check(
        "port update web-1 --mac fa:16:3e:00:00:04 --admin-down --port-security",
        expect![[
            r#"UpdatePortRequest port{id:"00000000-0000-4000-8000-000000000008",mac_address:"fa:16:3e:00:00:04",port_security_enabled:true,admin_state_up:false},update_mask{paths:["mac_address","port_security_enabled","admin_state_up"]}"#
        ]],
    );
}

#[test]
fn host_add() {
    check(
        "host add h2 --ovsdb tcp:192.0.2.12:6640",
        expect![[r#"CreateHostRequest host{name:"h2",ovsdb_target:"tcp:192.0.2.12:6640"}"#]],
    );
}

#[test]
fn a_host_named_like_an_id_is_found_by_name() {
    check(
        &format!("host update {} --ovsdb tcp:192.0.2.12:6640 --name h2", id(99)),
        expect![[
            r#"UpdateHostRequest host{id:"00000000-0000-4000-8000-000000000010",name:"h2",ovsdb_target:"tcp:192.0.2.12:6640"},update_mask{paths:["name","ovsdb_target"]}"#
        ]],
    );
}

#[test]
fn flow_list() {
    check("flow list h1 --explain", expect![[r#"ListFlowsRequest host:"h1",source:DESIRED"#]]);
    check(
        "flow list h1 --table forward_remote --owner port:web-1 --installed",
        expect![[
            r#"ListFlowsRequest host:"h1",table:"forward_remote",owner:"00000000-0000-4000-8000-000000000008",source:INSTALLED"#
        ]],
    );
}

#[test]
fn flow_explain() {
    check("flow explain 0x10000070000090a", expect!["ExplainFlowRequest cookie:72057624102701322"]);
    check(
        "flow explain cookie=0x2a, table=0, priority=1 actions=drop",
        expect![[r#"ExplainFlowRequest flow:"cookie=0x2a, table=0, priority=1 actions=drop""#]],
    );
}

#[test]
fn several_are_deleted_in_order() {
    check(
        &format!("network delete web {} {}", id(4), id(3)),
        expect![[r#"
        DeleteNetworkRequest id:"00000000-0000-4000-8000-000000000002"
        DeleteNetworkRequest id:"00000000-0000-4000-8000-000000000004"
        DeleteNetworkRequest id:"00000000-0000-4000-8000-000000000003""#]],
    );
    check(
        "port delete web-2 web-1",
        expect![[r#"
        DeletePortRequest id:"00000000-0000-4000-8000-000000000009"
        DeletePortRequest id:"00000000-0000-4000-8000-000000000008""#]],
    );
}
