use super::*;

#[test]
fn a_table_shows_names_for_ids_and_a_dash_for_nothing() {
    let mut names = Names::default();
    names.extend(&[network()]);
    let plugged =
        pb::Port { bound_host: "h1".to_owned(), ..port("web-1", pb::port::Status::Active) };
    let ports = [plugged, port("", pb::port::Status::Down)];
    check(
        Format::Table,
        |printer| printer.table(&ports, &names),
        expect![[r#"
        ID                                    NAME   NETWORK  MAC ADDRESS        IP ADDRESSES           HOST  STATUS
        5f0c7a52-0000-4000-8000-0000000000cc  web-1  web      fa:16:3e:00:00:01  10.0.0.5, 2001:db8::5  h1    ACTIVE
        5f0c7a52-0000-4000-8000-0000000000cc  -      web      fa:16:3e:00:00:01  10.0.0.5, 2001:db8::5  -     DOWN
    "#]],
    );
}

#[test]
fn an_unknown_name_leaves_the_id() {
    check(
        Format::Table,
        |printer| printer.table(&[network()], &Names::default()),
        expect![[r#"
            ID                                    NAME  PROJECT                               TYPE  SEGMENT       MTU   STATUS
            5f0c7a52-0000-4000-8000-000000000001  web   5f0c7a52-0000-4000-8000-0000000000aa  VLAN  external:101  1500  ACTIVE
        "#]],
    );
}

#[test]
fn a_host_behind_says_how_far() {
    check(
        Format::Table,
        |printer| printer.table(&[host()], &Names::default()),
        expect![[r#"
        ID                                    NAME  STATE    TUNNEL IP   BRIDGES            OVS    FLOWS  REVISION  LAST SEEN
        5f0c7a52-0000-4000-8000-0000000000dd  h1    SYNCING  192.0.2.11  external:br-ens38  3.1.0  310    9 of 12   2026-11-18T08:00:00Z
    "#]],
    );
}

#[test]
fn showing_one_lists_every_field() {
    check(
        Format::Table,
        |printer| printer.one(&network()),
        expect![[r#"
            id                     5f0c7a52-0000-4000-8000-000000000001
            key                    7
            name                   web
            description            -
            labels                 owner=ops, tier=front
            create_time            2026-11-18T08:00:00.250Z
            update_time            -
            etag                   -
            revision               12
            project_id             5f0c7a52-0000-4000-8000-0000000000aa
            type                   VLAN
            physical_network       external
            segmentation_id        101
            mtu                    1500
            shared                 false
            port_security_enabled  true
            status                 ACTIVE
            status_reason          -
        "#]],
    );
    check(
        Format::Table,
        |printer| printer.one(&port("web-1", pb::port::Status::Active)),
        expect![[r#"
            id                     5f0c7a52-0000-4000-8000-0000000000cc
            key                    0
            name                   web-1
            description            -
            labels                 -
            create_time            -
            update_time            -
            etag                   -
            revision               0
            project_id             -
            network_id             5f0c7a52-0000-4000-8000-000000000001
            mac_address            fa:16:3e:00:00:01
            fixed_ips              subnet_id=5f0c7a52-0000-4000-8000-0000000000bb, ip_address=10.0.0.5
                                   subnet_id=5f0c7a52-0000-4000-8000-0000000000bb, ip_address=2001:db8::5
            security_group_ids     -
            allowed_address_pairs  -
            port_security_enabled  -
            admin_state_up         -
            requested_host         -
            bound_host             -
            status                 ACTIVE
            status_reason          -
        "#]],
    );
    check(
        Format::Table,
        |printer| printer.one(&host()),
        expect![[r#"
            id                  5f0c7a52-0000-4000-8000-0000000000dd
            key                 0
            name                h1
            description         -
            labels              -
            create_time         -
            update_time         -
            etag                -
            revision            0
            system_id           -
            state               SYNCING
            tunnel_ip           192.0.2.11
            bridge_mappings     external=br-ens38
            datapath_id         -
            ovs_version         3.1.0
            desired_revision    12
            realized_revision   9
            last_seen_time      2026-11-18T08:00:00.000000999Z
            drift               flows_healed=2, foreign_flows=0, healed=table_id=90, table_name=output, missing=2, altered=0, extra=0, settings_healed=0
            ovsdb_target        -
            flow_mods_sent      0
            flows               310
            connected_time      -
            refused_flows       -
            refused_flow_count  0
            hold                -
            conflicts           -
        "#]],
    );
}

#[test]
fn names_cannot_drive_the_terminal() {
    let evil = pb::Project { name: "a\u{1b}[2Jb\nc\u{9b}".to_owned(), ..Default::default() };
    for print in [
        |printer: &mut Printer<'_>, project: &pb::Project| printer.one(project),
        |printer: &mut Printer<'_>, project: &pb::Project| {
            printer.table(std::slice::from_ref(project), &Names::default())
        },
        |printer: &mut Printer<'_>, project: &pb::Project| {
            printer.deleted(&[Deleted::new(project, 1)])
        },
    ] {
        let mut out = Vec::new();
        print(&mut Printer::new(Format::Table, &mut out), &evil).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains(r"a\u{1b}[2Jb\nc\u{9b}"), "{out}");
        assert!(!out.contains(|c: char| c.is_control() && c != '\n'), "{out:?}");
    }
}
