//! Goldens of answers that need no server.

mod json;
mod text;

use expect_test::{Expect, expect};
use proto::v1 as pb;

use super::*;

fn network() -> pb::Network {
    pb::Network {
        id: "5f0c7a52-0000-4000-8000-000000000001".to_owned(),
        key: 7,
        name: "web".to_owned(),
        labels: [("tier", "front"), ("owner", "ops")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        create_time: Some(prost_types::Timestamp { seconds: 1_794_988_800, nanos: 250_000_000 }),
        revision: 12,
        project_id: "5f0c7a52-0000-4000-8000-0000000000aa".to_owned(),
        r#type: pb::network::Type::Vlan.into(),
        physical_network: "external".to_owned(),
        segmentation_id: 101,
        mtu: 1500,
        port_security_enabled: Some(true),
        status: pb::network::Status::Active.into(),
        ..Default::default()
    }
}

fn port(name: &str, status: pb::port::Status) -> pb::Port {
    let fixed_ip = |ip_address: &str| pb::port::FixedIp {
        subnet_id: "5f0c7a52-0000-4000-8000-0000000000bb".to_owned(),
        ip_address: ip_address.to_owned(),
    };
    pb::Port {
        id: "5f0c7a52-0000-4000-8000-0000000000cc".to_owned(),
        name: name.to_owned(),
        network_id: network().id,
        mac_address: "fa:16:3e:00:00:01".to_owned(),
        fixed_ips: vec![fixed_ip("10.0.0.5"), fixed_ip("2001:db8::5")],
        status: status.into(),
        ..Default::default()
    }
}

fn host() -> pb::Host {
    pb::Host {
        id: "5f0c7a52-0000-4000-8000-0000000000dd".to_owned(),
        name: "h1".to_owned(),
        state: pb::host::State::Syncing.into(),
        tunnel_ip: "192.0.2.11".to_owned(),
        bridge_mappings: [("external".to_owned(), "br-ens38".to_owned())].into(),
        ovs_version: "3.1.0".to_owned(),
        desired_revision: 12,
        realized_revision: 9,
        last_seen_time: Some(prost_types::Timestamp { seconds: 1_794_988_800, nanos: 999 }),
        drift: Some(pb::host::Drift {
            flows_healed: 2,
            healed: vec![pb::host::drift::Table {
                table_id: 90,
                table_name: "output".into(),
                missing: 2,
                ..Default::default()
            }],
            ..Default::default()
        }),
        flows: 310,
        ..Default::default()
    }
}

#[track_caller]
fn check(
    format: Format,
    print: impl FnOnce(&mut Printer<'_>) -> Result<(), Failure>,
    expect: Expect,
) {
    let mut out = Vec::new();
    print(&mut Printer::new(format, &mut out)).unwrap();
    expect.assert_eq(&String::from_utf8(out).unwrap());
}

#[test]
fn an_empty_table_has_its_headings() {
    check(
        Format::Table,
        |printer| printer.table::<pb::Project>(&[], &Names::default()),
        expect![[r#"
            ID  NAME  DESCRIPTION
        "#]],
    );
    check(
        Format::Json,
        |printer| printer.table::<pb::Project>(&[], &Names::default()),
        expect![[r#"
            []
        "#]],
    );
}

#[test]
fn what_is_deleted_is_said() {
    let web = Deleted::new(&network(), 13);
    let nameless = Deleted::new(&pb::Network { name: String::new(), ..network() }, 14);
    let deleted = [web, nameless];
    check(
        Format::Table,
        |printer| printer.deleted(&deleted),
        expect![[r#"
        network web (5f0c7a52-0000-4000-8000-000000000001) deleted, revision 13
        network (5f0c7a52-0000-4000-8000-000000000001) deleted, revision 14
    "#]],
    );
    check(
        Format::Json,
        |printer| printer.deleted(&deleted),
        expect![[r#"
        [
          {
            "kind": "network",
            "id": "5f0c7a52-0000-4000-8000-000000000001",
            "name": "web",
            "revision": 13
          },
          {
            "kind": "network",
            "id": "5f0c7a52-0000-4000-8000-000000000001",
            "name": "",
            "revision": 14
          }
        ]
    "#]],
    );
}
