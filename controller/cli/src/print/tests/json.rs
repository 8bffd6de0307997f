use super::*;

#[test]
fn json_has_every_field_by_its_proto_name() {
    check(
        Format::Json,
        |printer| printer.one(&network()),
        expect![[r#"
            {
              "id": "5f0c7a52-0000-4000-8000-000000000001",
              "key": 7,
              "name": "web",
              "description": "",
              "labels": {
                "owner": "ops",
                "tier": "front"
              },
              "create_time": "2026-11-18T08:00:00.250Z",
              "update_time": null,
              "etag": "",
              "revision": 12,
              "project_id": "5f0c7a52-0000-4000-8000-0000000000aa",
              "type": "VLAN",
              "physical_network": "external",
              "segmentation_id": 101,
              "mtu": 1500,
              "shared": false,
              "port_security_enabled": true,
              "status": "ACTIVE",
              "status_reason": ""
            }
        "#]],
    );
    check(
        Format::Json,
        |printer| printer.one(&host()),
        expect![[r#"
            {
              "id": "5f0c7a52-0000-4000-8000-0000000000dd",
              "key": 0,
              "name": "h1",
              "description": "",
              "labels": {},
              "create_time": null,
              "update_time": null,
              "etag": "",
              "revision": 0,
              "system_id": "",
              "state": "SYNCING",
              "tunnel_ip": "192.0.2.11",
              "bridge_mappings": {
                "external": "br-ens38"
              },
              "datapath_id": "",
              "ovs_version": "3.1.0",
              "desired_revision": 12,
              "realized_revision": 9,
              "last_seen_time": "2026-11-18T08:00:00.000000999Z",
              "drift": {
                "flows_healed": 2,
                "foreign_flows": 0,
                "healed": [
                  {
                    "table_id": 90,
                    "table_name": "output",
                    "missing": 2,
                    "altered": 0,
                    "extra": 0
                  }
                ],
                "standing": [],
                "settings_healed": 0,
                "last_found_time": null,
                "rows_healed": [],
                "rows_standing": []
              },
              "ovsdb_target": "",
              "flow_mods_sent": 0,
              "flows": 310,
              "connected_time": null,
              "refused_flows": [],
              "refused_flow_count": 0,
              "hold": null,
              "conflicts": []
            }
        "#]],
    );
}

#[test]
fn a_list_in_json_is_an_array() {
    let ports = [port("web-1", pb::port::Status::Error)];
    check(
        Format::Json,
        |printer| printer.table(&ports, &Names::default()),
        expect![[r#"
            [
              {
                "id": "5f0c7a52-0000-4000-8000-0000000000cc",
                "key": 0,
                "name": "web-1",
                "description": "",
                "labels": {},
                "create_time": null,
                "update_time": null,
                "etag": "",
                "revision": 0,
                "project_id": "",
                "network_id": "5f0c7a52-0000-4000-8000-000000000001",
                "mac_address": "fa:16:3e:00:00:01",
                "fixed_ips": [
                  {
                    "subnet_id": "5f0c7a52-0000-4000-8000-0000000000bb",
                    "ip_address": "10.0.0.5"
                  },
                  {
                    "subnet_id": "5f0c7a52-0000-4000-8000-0000000000bb",
                    "ip_address": "2001:db8::5"
                  }
                ],
                "security_group_ids": [],
                "allowed_address_pairs": [],
                "port_security_enabled": null,
                "admin_state_up": null,
                "requested_host": "",
                "bound_host": "",
                "status": "ERROR",
                "status_reason": ""
              }
            ]
        "#]],
    );
}

#[test]
fn an_enum_value_of_a_newer_server_is_its_number() {
    let network = pb::Network { r#type: 77, ..Default::default() };
    let json = serde_json::to_value(Json::new(&network)).unwrap();
    assert_eq!(json["type"], "77");
}
